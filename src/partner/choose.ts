/** Which invoice a sender's order is for. Pure: the caller has read what the signed values name, within its tenant. */
import type { SenderCode } from '../../adapters/national-portal/sender/account.ts'
import type { InvoiceStatus } from '../domain/decision.ts'

export type Candidate = {
  readonly id: string
  readonly status: InvoiceStatus
  readonly total: bigint
  readonly expiresAt: Date
  readonly beneficiaryAccount: string
  readonly payToken: string
}

export type Asked = {
  readonly amount: bigint
  readonly claims: { readonly beneficiaryAccount: string | null; readonly feeSum: bigint | null }
}

export type Choice =
  | { readonly ok: true; readonly invoice: Candidate }
  | { readonly ok: false; readonly code: SenderCode; readonly detail: string }

const paid: readonly InvoiceStatus[] = ['PAID', 'PARTIALLY_REFUNDED', 'REFUNDED']

/**
 * An open invoice of exactly this amount, and only one: two open debts of one dossier may be equal, and then the pay code must
 * say which. The unsigned block may not contradict it (lesson 5 of domain.md §8.1).
 */
export function chooseInvoice(candidates: readonly Candidate[], asked: Asked, now: Date): Choice {
  const refuse = (code: SenderCode, detail: string): Choice => ({ ok: false, code, detail })
  const open = candidates.filter(
    ({ status, expiresAt }) => (status === 'ISSUED' || status === 'PAYING') && expiresAt > now,
  )
  const [invoice, ...others] = open.filter(({ total }) => total === asked.amount)
  if (invoice === undefined) {
    if (open.length > 0) return refuse('amountDiffers', 'open, with another amount')
    if (candidates.some(({ status }) => paid.includes(status))) return refuse('alreadyPaid', 'paid')
    return candidates.length > 0 ? refuse('notOpen', 'expired or closed') : refuse('unknownDebt', 'no such debt')
  }
  if (others.length > 0) return refuse('unknownDebt', 'several open debts of this amount: name the pay code')
  const { beneficiaryAccount, feeSum } = asked.claims
  if (beneficiaryAccount !== null && beneficiaryAccount !== invoice.beneficiaryAccount)
    return refuse('contradiction', 'TKThuHuong is not the account of the invoice')
  if (feeSum !== null && feeSum !== invoice.total) return refuse('contradiction', 'PhiLePhi do not sum to the invoice')
  return { ok: true, invoice }
}
