/** The balance fields `:60F: :60M: :62F: :62M: :64: :65:` and the totals `:90D: :90C:` of an MT942. */
import { shortDate } from '../dates.ts'
import { negate } from '../decimal.ts'
import type { Declared, ReadBalance } from '../tally.ts'
import { swiftAmount } from './amount.ts'

export type BalanceReading = { readonly balance: ReadBalance; readonly clamped: boolean; readonly odd: boolean }

/** `C`/`D`, date, currency, amount. Some banks leave the currency out: then it is null. */
export function readBalance(text: string, intermediate: boolean, line: number): BalanceReading | null {
  const match = /^([CD])(\d{6})([A-Z]{3})?([\d.,]+)$/.exec(text.trim())
  if (match === null) return null
  const [, mark, day = '', currency, digits = ''] = match
  const date = shortDate(day)
  const read = swiftAmount(digits)
  if (date === null || read === null) return null
  return {
    balance: {
      amount: mark === 'D' ? negate(read.amount) : read.amount,
      currency: currency ?? null,
      date: date.date,
      intermediate,
      line,
    },
    clamped: date.clamped,
    odd: read.odd,
  }
}

/** Number, currency, sum: `3VND450000,`. */
export function readTotal(text: string): Declared | null {
  const match = /^(\d{1,9})([A-Z]{3})([\d.,]+)$/.exec(text.trim())
  const read = match === null ? null : swiftAmount(match[3] ?? '')
  return match === null || read === null ? null : { count: Number(match[1]), sum: read.amount }
}
