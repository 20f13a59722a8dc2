/** The rules of a cash drawer and of its corrections. */

export type Drawer = { readonly openingCash: bigint; readonly collected: bigint; readonly takenBack: bigint }

/** What must lie in the drawer. */
export function expectedCash({ openingCash, collected, takenBack }: Drawer): bigint {
  return openingCash + collected - takenBack
}

export type CashFault = 'aboveMaximum' | 'notEnough'

/** Null when this much cash may be taken for an invoice of `total`. Nothing is taken in parts. */
export function cashFault(cash: {
  readonly total: bigint
  readonly given: bigint
  readonly maximum: bigint
}): CashFault | null {
  if (cash.total > cash.maximum) return 'aboveMaximum'
  return cash.given < cash.total ? 'notEnough' : null
}

/** Four eyes: whoever asked for a correction may withdraw it, and only another officer may approve it. */
export function mayDecide(decision: 'approve' | 'reject', requestedBy: string, officer: string): boolean {
  return decision === 'reject' || requestedBy !== officer
}
