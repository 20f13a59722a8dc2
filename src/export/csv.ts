/** CSV for spreadsheets (RFC 4180), in which no text can become a formula (domain.md §9.6). */
import { Readable } from 'node:stream'
import { stringify } from 'csv-stringify'
import type { ExportColumn, ExportRow, ExportRows, ExportValue } from './table.ts'

export type CsvOptions = {
  /** A byte-order mark, without which Excel takes UTF-8 for the local code page; off for machines. */
  readonly bom?: boolean
}

export const csvContentType = 'text/csv; charset=utf-8'

/** UTF-8 bytes of the table. Fails, in the stream, with whatever the rows fail with. */
export function csvStream(
  columns: readonly ExportColumn[],
  rows: ExportRows,
  { bom = false }: CsvOptions = {},
): Readable {
  const lines = stringify({ bom, record_delimiter: 'windows', quoted_match: /^'|[\r\n]/ })
  const source = Readable.from(records(columns, rows))
  source.on('error', (error) => lines.destroy(error))
  lines.on('close', () => source.destroy())
  return source.pipe(lines)
}

async function* records(columns: readonly ExportColumn[], rows: ExportRows): AsyncGenerator<readonly string[]> {
  yield columns.map(({ heading }) => cell(heading))
  for await (const row of rows) yield cells(row, columns.length)
}

function cells(row: ExportRow, width: number): string[] {
  if (row.length !== width) throw new RangeError(`a row of ${row.length} cells under ${width} headings`)
  return row.map(cell)
}

function cell(value: ExportValue): string {
  if (value === null) return ''
  return typeof value === 'string' ? neutralText(value) : value.toString()
}

/**
 * Spreadsheets run what begins with one of these, full-width forms included, and some look past spaces and invisible
 * characters before it. An apostrophe in front makes it text. NUL would end the cell in some readers.
 */
export function neutralText(text: string): string {
  const visible = text.replaceAll('\0', '')
  return /^[\s\p{Cf}]*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|^[\t\r\n]/u.test(visible) ? `'${visible}` : visible
}
