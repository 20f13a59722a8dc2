/** Tables as files: CSV or XLSX, written while they are read. */
import type { Readable } from 'node:stream'
import { csvContentType, csvStream } from '../../export/csv.ts'
import type { ExportColumn, ExportRows } from '../../export/table.ts'
import { xlsxContentType, xlsxStream } from '../../export/xlsx.ts'

export type FileTable = {
  readonly format: 'csv' | 'xlsx'
  /** Without its ending: Latin letters, digits, `.`, `-` and `_`. */
  readonly name: string
  readonly sheet: string
  readonly columns: readonly ExportColumn[]
  readonly rows: ExportRows
  /** CSV only. */
  readonly bom: boolean
  /** Called once, when the file is sent or its reader has gone. */
  readonly close?: () => Promise<void>
}

type FileReply<Answer> = {
  header(name: string, value: string): unknown
  send(body: never): Answer
}

/** A stream passes by the answer's JSON schema. */
export function sendFile<Answer>(
  reply: FileReply<Answer>,
  { format, name, sheet, columns, rows, bom, close }: FileTable,
): Answer {
  reply.header('content-type', format === 'csv' ? csvContentType : xlsxContentType)
  reply.header('content-disposition', `attachment; filename="${name}.${format}"`)
  const stream: Readable = format === 'csv' ? csvStream(columns, rows, { bom }) : xlsxStream(sheet, columns, rows)
  // The rows fail together with the stream; there is nothing left to tell here.
  if (close !== undefined) stream.once('close', () => close().catch(() => undefined))
  return reply.send(stream as never)
}
