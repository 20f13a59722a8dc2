/** How much of a refund falls on which receipt (domain.md §7.3, §7.6). */
import type { Vnd } from './money.ts'

/** An original receipt and what of it still stands: its amount and all adjustments, those on their way included. */
export type StandingReceipt = {
  readonly id: string
  readonly creditorTaxCode: string
  readonly kind: string
  readonly standing: Vnd
}

/** What an officer decided to give back of which fee kind. */
export type RefundedLine = { readonly creditorTaxCode: string; readonly kind: string; readonly amount: Vnd }

export type Adjustment = { readonly receiptId: string; readonly amount: Vnd }

/** More goes back than a receipt still stands for. */
export class OverAdjustedError extends Error {
  readonly code = 'RECEIPT_OVER_ADJUSTED'
}

/**
 * Adjustments below zero, one per receipt at most, zero ones left out.
 * With `lines` each falls on its own receipt, exactly. Without, the refund is shared in proportion to what still stands,
 * to the đồng: parts are rounded down and what is left goes to the largest remainders, equal ones in the order of ids.
 * What exceeds all receipts concerned no receipt (taxes, postage) and adjusts none.
 */
export function adjustmentsFor(
  receipts: readonly StandingReceipt[],
  amount: Vnd,
  lines?: readonly RefundedLine[],
): Adjustment[] {
  if (amount <= 0n) throw new RangeError('a refund is above zero')
  return (lines === undefined ? shared(receipts, amount) : exact(receipts, lines))
    .filter((part) => part.amount > 0n)
    .map(({ receiptId, amount: part }) => ({ receiptId, amount: -part }))
}

function exact(receipts: readonly StandingReceipt[], lines: readonly RefundedLine[]): Adjustment[] {
  return receipts.map(({ id, creditorTaxCode, kind, standing }) => {
    const amount = lines
      .filter((line) => line.creditorTaxCode === creditorTaxCode && line.kind === kind)
      .reduce((sum, line) => sum + line.amount, 0n)
    if (amount > standing) throw new OverAdjustedError(`receipt ${id} stands for ${standing}, ${amount} is refunded`)
    return { receiptId: id, amount }
  })
}

function shared(receipts: readonly StandingReceipt[], amount: Vnd): Adjustment[] {
  const whole = receipts.reduce((sum, { standing }) => sum + standing, 0n)
  if (whole === 0n) return []
  const share = amount < whole ? amount : whole
  const parts = receipts.map(({ id, standing }) => ({
    receiptId: id,
    amount: (standing * share) / whole,
    rest: (standing * share) % whole,
  }))
  let left = share - parts.reduce((sum, part) => sum + part.amount, 0n)
  const byRest = [...parts].sort((one, other) =>
    one.rest === other.rest ? (one.receiptId < other.receiptId ? -1 : 1) : one.rest > other.rest ? -1 : 1,
  )
  for (const part of byRest) {
    if (left === 0n) break
    part.amount += 1n
    left -= 1n
  }
  return parts.map(({ receiptId, amount: part }) => ({ receiptId, amount: part }))
}
