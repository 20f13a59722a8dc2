/** VNPAY writes đồng × 100 in at most 12 digits (rails.md §1.1). */
import { z } from 'zod'
import { requireCarried } from '../shared/amount-limit.ts'

export const maxAmount = 9_999_999_999n

/** Throws RangeError outside 1 … `maxAmount`. */
export function amountText(amount: bigint): string {
  requireCarried(amount, 'VNPAY', 1n, maxAmount)
  return (amount * 100n).toString()
}

/** Whole đồng of a `vnp_Amount`. */
export const amountField = z
  .string()
  .regex(/^[1-9]\d{0,9}00$/)
  .transform((text) => BigInt(text) / 100n)
