/** The statement line `:61:` (statements.md §1). */
import { nearestDate, shortDate } from '../dates.ts'
import type { Decimal } from '../decimal.ts'
import type { Direction, ProblemCode, WarningCode } from '../statement.ts'
import { swiftAmount } from './amount.ts'

export type EntryLine = {
  readonly valueDate: string
  readonly bookingDate: string | null
  readonly direction: Direction
  readonly reversal: boolean
  readonly amount: Decimal
  readonly typeCode: string | null
  readonly customerReference: string | null
  readonly bankReference: string | null
  readonly warnings: readonly { readonly code: WarningCode; readonly message: string }[]
}

const shape = /^(\d{6})(\d{4}| {1,6})?(RC|RD|C|D)([A-Z])?([\d.,]+)(.*)$/
const typeShape = /^([NFS][A-Z0-9]{3})(.*)$/

/** `RC` takes a credit back and so lowers the balance; `RD` raises it. */
const marks: Record<string, { direction: Direction; reversal: boolean }> = {
  C: { direction: 'CREDIT', reversal: false },
  D: { direction: 'DEBIT', reversal: false },
  RC: { direction: 'DEBIT', reversal: true },
  RD: { direction: 'CREDIT', reversal: true },
}

const referenceMaxLength = 16

/** Reads the first line of the field; says which part cannot be read when that is so. */
export function readEntryLine(text: string): EntryLine | ProblemCode {
  const match = shape.exec(text)
  if (match === null) return 'ENTRY_UNREADABLE'
  const [, day = '', monthDay = '', markText = '', , digits = '', rest = ''] = match
  const value = shortDate(day)
  if (value === null) return 'DATE_UNREADABLE'
  const amount = swiftAmount(digits)
  if (amount === null) return 'AMOUNT_UNREADABLE'
  const mark = marks[markText]
  if (mark === undefined) return 'DIRECTION_UNREADABLE'

  const warnings: { code: WarningCode; message: string }[] = []
  if (value.clamped) warnings.push({ code: 'DATE_CLAMPED', message: `value date ${day} read as ${value.date}` })
  if (amount.odd) warnings.push({ code: 'AMOUNT_NOTATION', message: `amount ${digits}` })
  const booking = monthDay.trim() === '' ? null : nearestDate(monthDay, value.date)
  if (booking === null && monthDay.trim() !== '') {
    warnings.push({ code: 'DATE_ODD', message: `entry date ${monthDay}` })
  }
  if (booking?.clamped === true) {
    warnings.push({ code: 'DATE_CLAMPED', message: `entry date ${monthDay} read as ${booking.date}` })
  }
  const type = typeShape.exec(rest)
  if (type === null && rest.trim() !== '') {
    warnings.push({ code: 'FIELD_UNKNOWN', message: `no transaction type in ${rest}` })
  }
  const [customer = '', ...bank] = (type?.[2] ?? rest).split('//')
  const customerReference = reference(customer)
  const bankReference = reference(bank.join('//'))
  for (const long of [customerReference, bankReference]) {
    if (long !== null && long.length > referenceMaxLength) {
      warnings.push({ code: 'FIELD_LONG', message: `reference ${long} has more than ${referenceMaxLength} characters` })
    }
  }
  return {
    ...mark,
    valueDate: value.date,
    bookingDate: booking?.date ?? null,
    amount: amount.amount,
    typeCode: type?.[1] ?? null,
    customerReference,
    bankReference,
    warnings,
  }
}

function reference(text: string): string | null {
  const trimmed = text.trim()
  return trimmed === '' || trimmed === 'NONREF' ? null : trimmed
}
