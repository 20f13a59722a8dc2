/** How one bank's CSV or XLSX export is to be read (statements.md §3): a table of facts, kept per source. */
import { z } from 'zod'

/** A heading (compared after folding) or a place, from 1. */
const column = z.union([z.string().trim().min(1), z.int().min(1).max(1000)])
const columns = z.union([column, z.array(column).min(1).max(20)])
const label = z.string().trim().min(1)

const statementShape = z.strictObject({
  name: z.string().min(1),
  /** `utf-8` and `utf-16` with or without byte order mark; `utf-16` without one is little-endian. CSV only. */
  encoding: z.enum(['utf-8', 'utf-16', 'windows-1258', 'windows-1252']).default('utf-8'),
  delimiter: z.string().length(1).default(','),
  /** Null when the bank does not quote at all. */
  quote: z.string().length(1).nullable().default('"'),
  /** XLSX: name of the sheet; the first one when left out. */
  sheet: z.string().optional(),
  /** Rows above the heading row that need not be searched for it; labels are still found there. */
  skipRows: z.int().min(0).max(1000).default(0),
  /** False when the file has no heading row: then all columns are places. */
  headings: z.boolean().default(true),
  /** The table ends at the first row whose first filled cell begins with one of these. */
  footer: z.array(label).default([]),
  /** A footer row that begins with this holds the sums of the amount columns; needs separate credit and debit columns. */
  totals: label.optional(),
  /** Facts outside the table: the value stands behind the label in its cell, or in the next filled cell. */
  labels: z
    .strictObject({
      account: label.optional(),
      currency: label.optional(),
      statementId: label.optional(),
      periodFrom: label.optional(),
      periodTo: label.optional(),
      openingBalance: label.optional(),
      closingBalance: label.optional(),
      entryCount: label.optional(),
      totalCredits: label.optional(),
      totalDebits: label.optional(),
    })
    .default({}),
  columns: z.strictObject({
    bookingDate: column.optional(),
    valueDate: column.optional(),
    currency: column.optional(),
    account: column.optional(),
    /** Balance after each row: checked row by row. */
    balance: column.optional(),
    bankReference: column.optional(),
    customerReference: column.optional(),
    endToEndId: column.optional(),
    remittance: columns,
    counterpartyName: column.optional(),
    counterpartyAccount: column.optional(),
    typeCode: column.optional(),
  }),
  amount: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('signed'), column, positive: z.enum(['credit', 'debit']).default('credit') }),
    z.strictObject({
      kind: z.literal('columns'),
      credit: column,
      debit: column,
      /** What a minus means in a column that has a side already. */
      negative: z.enum(['refuse', 'reversal', 'ignore']).default('refuse'),
    }),
    z.strictObject({
      kind: z.literal('marked'),
      column,
      mark: column,
      credit: z.array(label).min(1),
      debit: z.array(label).min(1),
    }),
  ]),
  /** `dd/MM/yyyy`, `yyyy-MM-dd HH:mm:ss`, … of `yyyy yy MM dd HH mm ss`; times are dropped. */
  dateFormat: z.string().max(40).regex(/yy/).regex(/MM/).regex(/dd/),
  decimalSign: z.enum([',', '.']).default('.'),
  thousandsSign: z.enum(['', ',', '.', ' ', "'"]).default(''),
  /** ISO 4217, for files without a currency of their own. */
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .default('VND'),
  /** For files that do not name their account. */
  account: z.string().min(1).optional(),
  /** Digits of an account number of this bank: a shorter one has lost its leading zeros and is refused. */
  accountDigits: z.int().min(4).max(34).optional(),
  order: z.enum(['oldestFirst', 'newestFirst']).default('oldestFirst'),
})

export type StatementMapping = z.infer<typeof statementShape>

export const statementMapping = statementShape
  .refine(({ columns: { bookingDate, valueDate } }) => bookingDate !== undefined || valueDate !== undefined, {
    message: 'a booking date or a value date column is needed',
    path: ['columns'],
  })
  .refine(({ decimalSign, thousandsSign }) => decimalSign !== thousandsSign, {
    message: 'decimal and thousands sign are the same',
    path: ['thousandsSign'],
  })
  .refine(({ totals, amount }) => totals === undefined || amount.kind === 'columns', {
    message: 'a totals row needs separate credit and debit columns',
    path: ['totals'],
  })
  .refine((mapping) => mapping.headings || allColumns(mapping).every((at) => typeof at === 'number'), {
    message: 'without a heading row every column is given by its place',
    path: ['headings'],
  })

export type Column = z.infer<typeof column>

/** Every column the mapping names, in no order. */
export function allColumns(mapping: Pick<StatementMapping, 'columns' | 'amount'>): Column[] {
  const { amount } = mapping
  const amounts =
    amount.kind === 'columns'
      ? [amount.credit, amount.debit]
      : amount.kind === 'marked'
        ? [amount.column, amount.mark]
        : [amount.column]
  return [...Object.values(mapping.columns).flat(), ...amounts].filter((at) => at !== undefined)
}
