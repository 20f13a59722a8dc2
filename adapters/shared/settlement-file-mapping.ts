/**
 * The layout of a rail's settlement file, declared in its account: the rails' own specifications are not public (statements.md §3),
 * so what a column holds is configuration and no code. Read by src/reconciliation/settlement-file/mapped.ts.
 */
import { z } from 'zod'

/** A heading, or a place from 1 where there are no headings. */
const column = z.union([z.string().min(1).max(100), z.int().min(1).max(500)])
/** A column, or a text with `{columns}` in it: `VNPTEST1:{Mã GD VNPAY}`. */
const value = z.union([z.int().min(1).max(500), z.string().min(1).max(300)])

const hashes = z.enum(['md5', 'sha1', 'sha256'])
const codes = z.array(z.string().max(40)).max(50).default([])
const dateFormat = z
  .string()
  .min(4)
  .max(40)
  .regex(/yy.*MM.*dd|dd.*MM.*yy|MM.*dd.*yy/, 'needs year, month and day: yyyy MM dd')

export const settlementFileMapping = z
  .strictObject({
    encoding: z.enum(['utf-8', 'utf-16', 'windows-1258', 'windows-1252']).default('utf-8'),
    delimiter: z.string().length(1).default(','),
    quote: z.literal('"').nullable().default('"'),
    skipRows: z.int().min(0).max(100).default(0),
    /** False: no heading row, columns are places. */
    headings: z.boolean().default(true),
    columns: z.strictObject({
      railTransactionId: value,
      merchantRef: value.optional(),
      gross: column,
      fee: column.optional(),
      net: column.optional(),
      time: column,
      status: column.optional(),
      currency: column.optional(),
      valueDate: column.optional(),
      batchId: value.optional(),
    }),
    /** Local time, 24-hour: `dd/MM/yyyy HH:mm:ss`, `yyyyMMddHHmmss`. */
    timeFormat: dateFormat,
    valueDateFormat: dateFormat.optional(),
    decimalSign: z.enum([',', '.']).default('.'),
    thousandsSign: z.enum([',', '.', ' ', '']).default(''),
    /** 100 where the rail writes hundredths of a đồng. */
    scale: z.union([z.literal(1), z.literal(100)]).default(1),
    /** What the rail's codes mean; a code that is in none of these lists stops the file. Without a status column all rows succeeded. */
    statuses: z
      .strictObject({ SUCCEEDED: codes, REVERSED: codes, FAILED: codes, PENDING: codes })
      .default({ SUCCEEDED: [], REVERSED: [], FAILED: [], PENDING: [] }),
    /** Rows of several kinds: only `details` are payments. Kinds that are in neither list stop the file. */
    rowType: z.strictObject({ column, details: codes, ignored: codes }).optional(),
    /** The line that closes the file. Where one is declared, a file without it was cut off. */
    trailer: z
      .strictObject({
        /** Its first cell. */
        begins: z.string().min(1).max(60),
        count: z.int().min(1).max(500).optional(),
        gross: z.int().min(1).max(500).optional(),
        fee: z.int().min(1).max(500).optional(),
        net: z.int().min(1).max(500).optional(),
        /** Place of a hash over everything before the trailer: the lines as written, each with a line feed. */
        hash: z.strictObject({ place: z.int().min(1).max(500), algorithm: hashes }).optional(),
      })
      .optional(),
    /**
     * Each line ends in a hash over its other cells as written, joined by the separator, and the account's
     * `settlementFileSecret`.
     */
    lineHash: z.strictObject({ algorithm: hashes, separator: z.string().max(3).default('') }).optional(),
  })
  .refine((mapping) => mapping.headings || Object.values(mapping.columns).every((at) => typeof at === 'number'), {
    message: 'without headings every column is a place',
    path: ['headings'],
  })
  .refine((mapping) => mapping.columns.valueDate === undefined || mapping.valueDateFormat !== undefined, {
    message: 'a value date needs its format',
    path: ['valueDateFormat'],
  })

/** Keys of a rail account whose rail sends settlement files in a layout of its own. */
export const settlementFileKeys = {
  settlementFile: settlementFileMapping.optional(),
  settlementFileSecret: z.string().min(1).max(256).optional(),
}

export type SettlementFileMapping = z.infer<typeof settlementFileMapping>
