/** VNPAY's codes and what they mean for money (rails.md §1.3, §1.6). */
import type { OutcomeKind } from '../../src/domain/outcome.ts'

/** State of a payment by `vnp_TransactionStatus`. */
const kindOfStatus: ReadonlyMap<string, OutcomeKind> = new Map([
  ['00', 'succeeded'],
  ['01', 'pending'],
  ['02', 'failed'],
  // The bank took the money and gives it back: it never was ours.
  ['04', 'failed'],
  // Refund in process, sent to the bank, refused: money was taken, and a person must see where it is.
  ['05', 'held'],
  ['06', 'held'],
  ['07', 'held'],
  ['09', 'held'],
])

/** Null when VNPAY lists no such status. */
export function kindOfTransaction(transactionStatus: string): OutcomeKind | null {
  return kindOfStatus.get(transactionStatus) ?? null
}

/** What a notice says: paid only when both codes are `00`; either `07` means the money was taken under suspicion. */
export function kindOfNotice(responseCode: string, transactionStatus: string): OutcomeKind {
  if (responseCode === '07' || transactionStatus === '07') return 'held'
  if (responseCode !== '00') return 'failed'
  return kindOfTransaction(transactionStatus) ?? 'failed'
}

/** `vnp_ResponseCode` of an answer to `querydr`. */
export const inquiryDone = '00'
export const inquiryNotFound = '91'

/** What an answer to `refund` or a state of a refund means. */
export type RefundMeaning = 'done' | 'accepted' | 'refused' | 'unknown'

/** `vnp_ResponseCode` other than `00`: these say that nothing was started. `94` may speak of our own first request, `99` of anything. */
const refundRefusals = new Set(['02', '03', '91', '95', '97'])

const refundMeaningOfStatus: ReadonlyMap<string, RefundMeaning> = new Map([
  ['00', 'done'],
  ['05', 'accepted'],
  ['06', 'accepted'],
  ['09', 'refused'],
])

export function isRefundRefusal(responseCode: string): boolean {
  return refundRefusals.has(responseCode)
}

export function meaningOfRefundStatus(transactionStatus: string): RefundMeaning {
  return refundMeaningOfStatus.get(transactionStatus) ?? 'unknown'
}
