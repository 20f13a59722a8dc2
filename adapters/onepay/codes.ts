/** OnePay's response codes and what they mean for money (rails.md §4.2). */
import type { OutcomeKind } from '../../src/domain/outcome.ts'
import type { OnepayConfig } from './account.ts'

const paid = '0'

/** Paid only by `0`; a pending code is asked about again; every other code says the payment did not happen. */
export function kindOfCode(code: string, config: OnepayConfig): OutcomeKind {
  if (code === paid) return 'succeeded'
  return config.pendingCodes.includes(code) ? 'pending' : 'failed'
}

/**
 * Codes by which a refund was clearly not made. Left out: unspecified and processing errors (`6`, `7`), time running out
 * (`253`) and cancelled (`99`), after which money may still have moved.
 */
const refundRefusals: Record<OnepayConfig['profile'], ReadonlySet<string>> = {
  domestic: new Set('1 3 4 5 8 9 10 11 12 13 21 22 23 24 25'.split(' ')),
  international: new Set('1 2 3 4 5 8 9 B E F Z'.split(' ')),
  unified: new Set('1 3 4 5 8 9 10 11 12 13 21 22 23 24 25 B E F Z'.split(' ')),
}

export type RefundMeaning = 'done' | 'accepted' | 'refused' | 'unknown'

export function meaningOfRefund(code: string, config: OnepayConfig): RefundMeaning {
  if (code === paid) return 'done'
  if (config.pendingCodes.includes(code)) return 'accepted'
  return refundRefusals[config.profile].has(code) ? 'refused' : 'unknown'
}
