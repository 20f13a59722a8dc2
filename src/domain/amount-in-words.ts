/**
 * Amounts in words, as receipts must show them (domain.md §5.5): Vietnamese, and English for the second line.
 *
 * Vietnamese: digits are read in threes. After the first group every group is read in full (`không trăm linh năm`); a group
 * of zeros is silent. After `mươi`, 1 is `mốt`, 4 is `tư`, 5 is `lăm`; after `mười`, 5 is `lăm`. An empty tens place is `linh`
 * (north, official texts) or `lẻ` (south). Nine digits make one turn of nghìn, triệu, tỷ: 10^12 is `nghìn tỷ`, 10^18 `tỷ tỷ`.
 */
import type { Vnd } from './money.ts'

export type EmptyTens = 'linh' | 'lẻ'

/** `1234567n` → `Một triệu hai trăm ba mươi tư nghìn năm trăm sáu mươi bảy đồng`. Throws RangeError below 0. */
export function amountInVietnamese(amount: Vnd, emptyTens: EmptyTens = 'linh'): string {
  return capitalised(`${inVietnamese(amount, emptyTens)} đồng`)
}

/** `1234567n` → `One million two hundred thirty-four thousand five hundred sixty-seven dong`. Throws RangeError below 0 and from 10^21. */
export function amountInEnglish(amount: Vnd): string {
  return capitalised(`${inEnglish(amount)} dong`)
}

const digitsVi = ['không', 'một', 'hai', 'ba', 'bốn', 'năm', 'sáu', 'bảy', 'tám', 'chín']
const scalesVi = ['', 'nghìn', 'triệu']

function inVietnamese(amount: Vnd, emptyTens: EmptyTens): string {
  const groups = groupsOfThree(amount)
  if (groups.length === 0) return 'không'
  const words: string[] = []
  for (let index = groups.length - 1; index >= 0; index--) {
    const group = groups[index] ?? 0
    const leading = index === groups.length - 1
    if (group > 0) words.push(...groupInVietnamese(group, leading, emptyTens), scalesVi[index % 3] ?? '')
    // The turn of nine digits ends here: its `tỷ` counts for all three of its groups.
    const turn = groups.slice(index, index + 3)
    if (index > 0 && index % 3 === 0 && turn.some((part) => part > 0)) {
      words.push(...Array.from({ length: index / 3 }, () => 'tỷ'))
    }
  }
  return words.filter((word) => word !== '').join(' ')
}

function groupInVietnamese(group: number, leading: boolean, emptyTens: EmptyTens): string[] {
  const hundreds = Math.floor(group / 100)
  const tens = Math.floor(group / 10) % 10
  const units = group % 10
  const words: string[] = []
  const hundredsRead = hundreds > 0 || !leading
  if (hundredsRead) words.push(digitVi(hundreds), 'trăm')
  if (tens > 1) words.push(digitVi(tens), 'mươi')
  else if (tens === 1) words.push('mười')
  else if (units > 0 && hundredsRead) words.push(emptyTens)
  if (units > 0) words.push(unitsVi(units, tens))
  return words
}

function unitsVi(units: number, tens: number): string {
  if (units === 1 && tens > 1) return 'mốt'
  if (units === 4 && tens > 1) return 'tư'
  if (units === 5 && tens > 0) return 'lăm'
  return digitVi(units)
}

function digitVi(digit: number): string {
  return digitsVi[digit] ?? ''
}

const smallEn =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  )
const tensEn = ['', '', 'twenty', 'thirty', 'forty', 'fifty', 'sixty', 'seventy', 'eighty', 'ninety']
const scalesEn = ['', 'thousand', 'million', 'billion', 'trillion', 'quadrillion', 'quintillion']

function inEnglish(amount: Vnd): string {
  const groups = groupsOfThree(amount)
  if (groups.length > scalesEn.length) throw new RangeError('the amount is too large to read in English')
  if (groups.length === 0) return 'zero'
  return groups
    .map((group, index) => (group === 0 ? '' : `${groupInEnglish(group)} ${scalesEn[index]}`.trim()))
    .reverse()
    .filter((words) => words !== '')
    .join(' ')
}

function groupInEnglish(group: number): string {
  const hundreds = Math.floor(group / 100)
  const rest = group % 100
  const words: string[] = []
  if (hundreds > 0) words.push(`${smallEn[hundreds]} hundred`)
  if (rest > 0 && rest < 20) words.push(smallEn[rest] ?? '')
  if (rest >= 20) words.push(tensEn[Math.floor(rest / 10)] + (rest % 10 > 0 ? `-${smallEn[rest % 10]}` : ''))
  return words.join(' ')
}

/** Groups of three digits, the lowest first; none for 0. */
function groupsOfThree(amount: Vnd): number[] {
  if (amount < 0n) throw new RangeError('a negative amount is never written in words')
  const groups: number[] = []
  for (let rest = amount; rest > 0n; rest /= 1000n) groups.push(Number(rest % 1000n))
  return groups
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
