/** A table on its way to a file: headings and rows, one row at a time, so that memory stays flat however long it is. */
export type ExportColumn = {
  readonly heading: string
  /** In characters; XLSX only. */
  readonly width?: number
}

/** A bigint or number is a number in the file and can be summed there; a string stays text, whatever it looks like. */
export type ExportValue = string | bigint | number | null

export type ExportRow = readonly ExportValue[]

export type ExportRows = AsyncIterable<ExportRow> | Iterable<ExportRow>
