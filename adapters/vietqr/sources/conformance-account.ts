/** The accounts of the samples, one collection account for each side, and what the notifiers' answers have in common. */
import type { Verdict } from '../../contract.ts'

export const account = { bankBin: '970415', accountNumber: '113366668888', accountName: 'SO TU PHAP' }
export const otherAccount = { ...account, accountNumber: '224477779999' }
export type Config<Source> = typeof account & { readonly source: Source }

/** True when the notifier need not call again. */
export function isSettled(verdict: Verdict): boolean {
  if (verdict.kind === 'amountMismatch') return verdict.settlementId !== null
  return verdict.kind !== 'refused' && verdict.kind !== 'unavailable'
}
