import { refundTransitions } from '../../src/domain/refund.ts'

/** The ways of domain.md §7.1 and §7.2 (and docs/decisions/003): every other is refused, and every one must be seen. */
export const lifecycles: Readonly<
  Record<'invoices' | 'payments' | 'baskets' | 'refunds', readonly (readonly [string, string])[]>
> = {
  invoices: [
    ['ISSUED', 'PAYING'],
    ['PAYING', 'ISSUED'],
    ['ISSUED', 'PAID'],
    ['PAYING', 'PAID'],
    ['EXPIRED', 'PAID'],
    ['ISSUED', 'SUPERSEDED'],
    ['PAYING', 'SUPERSEDED'],
    ['ISSUED', 'CANCELLED'],
    ['PAYING', 'CANCELLED'],
    ['ISSUED', 'EXPIRED'],
    ['PAYING', 'EXPIRED'],
    ['PAID', 'PARTIALLY_REFUNDED'],
    ['PAID', 'REFUNDED'],
    ['PARTIALLY_REFUNDED', 'REFUNDED'],
  ],
  payments: [
    ['CREATED', 'REDIRECTED'],
    ['CREATED', 'UNKNOWN'],
    ['CREATED', 'FAILED'],
    ['CREATED', 'SUCCEEDED'],
    ['REDIRECTED', 'UNKNOWN'],
    ['REDIRECTED', 'FAILED'],
    ['REDIRECTED', 'SUCCEEDED'],
    ['UNKNOWN', 'FAILED'],
    ['UNKNOWN', 'SUCCEEDED'],
    ['FAILED', 'SUCCEEDED'],
  ],
  baskets: [
    ['OPEN', 'PARTLY_PAID'],
    ['OPEN', 'PAID'],
    ['OPEN', 'CLOSED'],
    ['PARTLY_PAID', 'PAID'],
  ],
  refunds: waysOf(refundTransitions),
}

/** Different steps may go the same way, and some stay where they are. */
function waysOf(transitions: readonly { readonly from: string; readonly to: string }[]): [string, string][] {
  const ways = new Map(
    transitions
      .filter(({ from, to }) => from !== to)
      .map(({ from, to }) => [`${from} ${to}`, [from, to] as [string, string]]),
  )
  return [...ways.values()]
}
