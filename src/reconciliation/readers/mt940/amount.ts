import { type Decimal, parseDecimal } from '../decimal.ts'

/**
 * SWIFT amount: digits and a decimal comma, the comma alone at the end meaning no decimals (statements.md §1).
 * Banks also write a point, or points for thousands beside a comma: read where only one reading is possible (`odd`).
 * `1.234` has two readings and is null.
 */
export function swiftAmount(text: string): { readonly amount: Decimal; readonly odd: boolean } | null {
  const plain = parseDecimal(text, ',')
  if (plain !== null) return { amount: plain, odd: false }
  const grouped = /^\d{1,3}(?:\.\d{3})+,\d*$/.test(text)
  const pointed = /^\d+\.\d{0,2}$/.test(text)
  if (!grouped && !pointed) return null
  const amount = grouped ? parseDecimal(text.replaceAll('.', ''), ',') : parseDecimal(text, '.')
  return amount === null ? null : { amount, odd: true }
}
