/** The full price of one item under one rate, before exemptions and reductions (domain.md §5.3: round, then cap). */
import { maxVnd, percentOf, type Vnd } from '../money.ts'
import type { FeeRate, Tier } from './catalogue.ts'
import { type FeeRefusal, refuse } from './refusal.ts'

export const mostUnits = 100_000
export const mostCopies = 10_000

export type Measure = {
  /** Cases, copies, years or months; pages of one copy where the unit is PAGE. */
  readonly quantity: number
  /** Copies of that many pages each; only where the unit is PAGE. Null: one. */
  readonly copies: number | null
  /** The appraised or taxable value; only for percentages. */
  readonly baseAmount: Vnd | null
}

export function grossOf(rate: FeeRate, measure: Measure): { readonly ok: true; readonly gross: Vnd } | FeeRefusal {
  const { quantity, copies, baseAmount } = measure
  const { price } = rate
  if (price.by === 'DECISION') return refuse('DECISION_REQUIRED', { rate: rate.id })
  if (!isCount(quantity, price.by === 'PERCENT' ? 1 : mostUnits)) {
    return refuse('QUANTITY_NOT_ALLOWED', { most: String(mostUnits) })
  }
  if (copies !== null && (rate.unit !== 'PAGE' || !isCount(copies, mostCopies))) {
    return refuse('COPIES_NOT_ALLOWED', { most: String(mostCopies) })
  }
  if (price.by === 'PERCENT' && baseAmount === null) return refuse('BASE_AMOUNT_REQUIRED', { rate: rate.id })
  if (baseAmount !== null && (price.by !== 'PERCENT' || baseAmount < 1n || baseAmount > maxVnd)) {
    return refuse('BASE_AMOUNT_NOT_ALLOWED', { most: String(maxVnd) })
  }
  const one =
    price.by === 'AMOUNT'
      ? price.amount * BigInt(quantity)
      : price.by === 'TIERS'
        ? overTiers(price.tiers, quantity)
        : percentOf(baseAmount ?? 0n, price.percent)
  const gross = bounded(one, rate) * BigInt(copies ?? 1)
  return gross > maxVnd ? refuse('AMOUNT_TOO_LARGE', { most: String(maxVnd) }) : { ok: true, gross }
}

function overTiers(tiers: readonly Tier[], quantity: number): Vnd {
  let sum = 0n
  let counted = 0
  for (const { upTo, amount } of tiers) {
    const until = upTo === null ? quantity : Math.min(upTo, quantity)
    sum += amount * BigInt(Math.max(0, until - counted))
    counted = Math.max(counted, until)
  }
  return sum
}

function bounded(amount: Vnd, { cap, floor }: FeeRate): Vnd {
  const raised = floor !== null && amount < floor ? floor : amount
  return cap !== null && raised > cap ? cap : raised
}

function isCount(value: number, most: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= most
}
