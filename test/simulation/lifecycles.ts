/** The ways of domain.md §7.1 and §7.2 (and docs/decisions/003): every other is refused, and every one must be seen. */
export const lifecycles: Readonly<Record<'invoices' | 'payments' | 'baskets', readonly (readonly [string, string])[]>> =
  {
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
  }
