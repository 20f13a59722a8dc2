/** MoMo's `resultCode` and what it means for money (rails.md §5.1). Codes the page does not list are configuration. */
import type { OutcomeKind } from '../../src/domain/outcome.ts'
import type { MomoConfig } from './account.ts'

export const pendingCodes: readonly number[] = [1000, 7000, 7002, 8000, 9000]

/** The access, the version or the signature was wrong. Nothing was begun. */
const turnedAwayCodes: readonly number[] = [11, 12, 13]

export const orderNotFound = 42

/** Null for a code that says nothing final about the payment: maintenance, a fault, a question badly put. */
export function kindOf(resultCode: number, { failedCodes }: MomoConfig): OutcomeKind | null {
  if (resultCode === 0) return 'succeeded'
  if (pendingCodes.includes(resultCode)) return 'pending'
  return failedCodes.includes(resultCode) ? 'failed' : null
}

/** An order that was certainly not opened. */
export function isTurnedAway(resultCode: number, { refusedCodes }: MomoConfig): boolean {
  return turnedAwayCodes.includes(resultCode) || refusedCodes.includes(resultCode)
}

export type RefundMeaning = 'done' | 'accepted' | 'refused' | 'unknown'

/** A code nobody listed leaves the refund unknown: an earlier call of ours may have given the money back. */
export function meaningOfRefund(resultCode: number, config: MomoConfig): RefundMeaning {
  if (resultCode === 0) return 'done'
  if (pendingCodes.includes(resultCode)) return 'accepted'
  const isRefused = isTurnedAway(resultCode, config) || config.refundRefusedCodes.includes(resultCode)
  return isRefused ? 'refused' : 'unknown'
}
