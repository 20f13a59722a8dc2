/** OnePay writes đồng × 100 (rails.md §4.2). */
import { z } from 'zod'
import { requireCarried } from '../shared/amount-limit.ts'

/** Twelve digits on the wire: no source gives a limit. */
export const maxAmount = 9_999_999_999n

/** Throws RangeError outside 1 … `maxAmount`. */
export function amountText(amount: bigint): string {
  requireCarried(amount, 'OnePay', 1n, maxAmount)
  return (amount * 100n).toString()
}

/** Whole đồng of a `vpc_Amount`. */
export const amountField = z
  .string()
  .regex(/^[1-9]\d{0,9}00$/)
  .transform((text) => BigInt(text) / 100n)
