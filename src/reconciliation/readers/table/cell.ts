/** Cells of a row, whatever file they come from, and how their texts are compared and read as numbers. */
import { type Decimal, negate, parseDecimal } from '../decimal.ts'
import type { StatementMapping } from './mapping.ts'

export type Cell = {
  readonly text: string
  /** A spreadsheet number: its text is plain, whatever the mapping says about signs. */
  readonly numeric: boolean
}

export type Row = { readonly line: number; readonly cells: readonly Cell[]; readonly raw: string }

/** Headings and labels are equal when they are after NFC, without marks, `đ` as `d`, lower case, single spaces. */
export function fold(text: string): string {
  return text
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .replace(/[đĐ]/g, 'd')
    .toLowerCase()
    .replace(/[\s\u00a0]+/g, ' ')
    .trim()
}

/** A spreadsheet holds 15 digits exactly; what lies behind is noise of its binary fractions. */
const spreadsheetDigits = 15

/** Signed amount of a cell, or null. Minus before or behind, or parentheses; a currency sign behind is dropped. */
export function cellNumber(
  cell: Cell,
  { decimalSign, thousandsSign }: Pick<StatementMapping, 'decimalSign' | 'thousandsSign'>,
): Decimal | null {
  if (cell.numeric) return spreadsheetNumber(cell.text)
  let text = cell.text
    .replace(/[\u00a0\u202f]/g, ' ')
    .replace(/\u2212/g, '-')
    .replace(/\s*(?:VNĐ|VND|đ|₫)$/i, '')
    .trim()
  const enclosed = /^\((.*)\)$/.exec(text)?.[1]
  const negative = enclosed !== undefined || text.startsWith('-') || text.endsWith('-')
  text = (enclosed ?? text).replace(/^[+-]\s*|\s*-$/g, '')
  if (/^[+-]|-$/.test(text)) return null
  const [whole = '', ...fraction] = text.split(decimalSign)
  if (thousandsSign !== '' && whole.includes(thousandsSign)) {
    const groups = whole.split(thousandsSign)
    if (!/^\d{1,3}$/.test(groups[0] ?? '') || !groups.slice(1).every((group) => /^\d{3}$/.test(group))) return null
    text = [groups.join(''), ...fraction].join(decimalSign)
  }
  if (!/^\d/.test(text)) return null
  const amount = parseDecimal(text, decimalSign)
  return amount === null ? null : negative ? negate(amount) : amount
}

/** `1234567.5`, `-1.2E7`: exact while it has at most 15 digits, rounded to them beyond, as the spreadsheet shows it. */
export function spreadsheetNumber(text: string): Decimal | null {
  if (!/^-?\d+(?:\.\d+)?(?:E[+-]?\d{1,3})?$/i.test(text)) return null
  const value = Number(text)
  if (!Number.isFinite(value) || Math.abs(value) >= 1e15) return null
  const [mantissa = '', exponent = '0'] = value.toExponential(spreadsheetDigits - 1).split('e')
  const digits = mantissa.replace(/[-.]/g, '').replace(/0+$/, '') || '0'
  const scale = digits.length - 1 - Number(exponent)
  const units = BigInt(digits) * (value < 0 ? -1n : 1n)
  return scale >= 0 ? { units, scale } : { units: units * 10n ** BigInt(-scale), scale: 0 }
}

/** Text of a number that a spreadsheet took for one to calculate with: its digits are lost. */
export function isDamagedReference(text: string): boolean {
  return /^\d(?:[.,]\d+)?E\+\d+$/i.test(text)
}

/** Day of a spreadsheet serial number: 1 = 1 January 1900, with the 29 February 1900 that never was. */
export function serialDate(serial: number, from1904: boolean): string | null {
  const days = Math.floor(serial) + (from1904 ? 1462 : 0)
  if (!Number.isFinite(serial) || days < 61 || days > 2_958_465) return null
  return new Date(Date.UTC(1899, 11, 30) + days * 86_400_000).toISOString().slice(0, 10)
}
