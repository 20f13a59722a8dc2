/** XLSX written as it is read: one sheet, and another one when a sheet is full. Texts are never formulas in this format. */
import { Readable } from 'node:stream'
import { type CellValue, writeXlsxStream } from 'hucre/xlsx'
import type { ExportColumn, ExportRow, ExportRows, ExportValue } from './table.ts'

export type XlsxOptions = {
  /** Rows on a sheet, its headings included; Excel's own limit by default. */
  readonly maxRowsPerSheet?: number
}

export const xlsxContentType = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'

/** Bytes of a workbook with the headings frozen. Fails, in the stream, with whatever the rows fail with. */
export function xlsxStream(
  sheetName: string,
  columns: readonly ExportColumn[],
  rows: ExportRows,
  { maxRowsPerSheet }: XlsxOptions = {},
): Readable {
  return Readable.fromWeb(
    writeXlsxStream(sheetRows(columns.length, rows), {
      name: sheetNameOf(sheetName),
      columns: columns.map(({ heading, width = 16 }) => ({ header: cellText(heading), width })),
      freezePane: { rows: 1 },
      ...(maxRowsPerSheet === undefined ? {} : { maxRowsPerSheet }),
    }),
  )
}

async function* sheetRows(width: number, rows: ExportRows): AsyncGenerator<CellValue[]> {
  for await (const row of rows) yield cells(row, width)
}

function cells(row: ExportRow, width: number): CellValue[] {
  if (row.length !== width) throw new RangeError(`a row of ${row.length} cells under ${width} headings`)
  return row.map(cell)
}

/** A spreadsheet holds 15 digits exactly: a longer number goes in as text rather than rounded. */
const exactInSpreadsheet = 999_999_999_999_999n

function cell(value: ExportValue): CellValue {
  if (typeof value === 'bigint')
    return value <= exactInSpreadsheet && value >= -exactInSpreadsheet ? Number(value) : value.toString()
  return typeof value === 'string' ? cellText(value) : value
}

const longestText = 32_767

/** What XML 1.0 cannot hold is dropped, what a cell cannot hold is cut. */
function cellText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Cs}/gu, '').slice(0, longestText)
}

/** Excel refuses these characters, an apostrophe at an end, and more than 31 characters. */
function sheetNameOf(name: string): string {
  return (
    name
      .replace(/[[\]:*?/\\]/g, ' ')
      .trim()
      .slice(0, 31)
      .replace(/^'+|'+$/g, '') || 'FeeGate'
  )
}
