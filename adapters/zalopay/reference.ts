/** Our references at ZaloPay. All begin with a day of Viet Nam's calendar, `yymmdd` (rails.md §5.2). */
import { isId } from '../../src/domain/ids.ts'
import { businessDate } from '../../src/domain/vietnam-time.ts'
import type { RefundOrder } from '../contract.ts'
import { attemptReference } from '../shared/attempt-reference.ts'

/** `app_trans_id` of an attempt: the day and our reference, at most 27 characters. RangeError beyond that. */
export function orderReference(sequence: bigint, now: Date): string {
  return `${shortDay(now)}_${attemptReference(sequence)}`
}

/**
 * `m_refund_id`, at most 44 characters. The same at every call of one refund, so that ZaloPay itself knows a second one:
 * its day is that of the refund's id, not that of the call.
 */
export function refundReference({ refundId, attempt }: RefundOrder, appId: number): string {
  const made = isId('ref', refundId) ? timeOfId(refundId) : attempt.createdAt
  return `${shortDay(made)}_${appId}_${refundId.replace(/[^0-9A-Za-z]/g, '').slice(-26)}`
}

/** The first ten characters behind the prefix hold the milliseconds (src/domain/ids.ts). */
function timeOfId(id: string): Date {
  const digits = '0123456789abcdefghjkmnpqrstvwxyz'
  let milliseconds = 0
  for (const character of id.slice('ref_'.length, 'ref_'.length + 10))
    milliseconds = milliseconds * 32 + digits.indexOf(character)
  return new Date(milliseconds)
}

function shortDay(instant: Date): string {
  return businessDate(instant).slice(2).replaceAll('-', '')
}
