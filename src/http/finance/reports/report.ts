/**
 * A report is data: its columns and one query. The same table makes the route, its documentation, the JSON and the files.
 *
 * A query gives one row per combination of its key columns and may use
 * - `$1` tenant, `$2` first instant, `$3` first instant after the range (local days), `$4` one agency or null,
 * - `$5` rails with their channels as JSON `[{ rail, channel }]`, `$6` today, a local day.
 */
export type ColumnType = 'day' | 'text' | 'count' | 'money' | 'percent' | 'seconds' | 'time'

export type ReportColumn = {
  readonly name: string
  readonly vi: string
  readonly type: ColumnType
  /** Rows are ordered by the key columns, which together name a row; never null. */
  readonly key?: true
  /** Adds up over rows: stands in the totals. */
  readonly sums?: true
}

export type Report = {
  readonly name: string
  readonly titleVi: string
  readonly titleEn: string
  /** `days`: over a range of local days, by the day the books have it. `now`: as things stand. */
  readonly over: 'days' | 'now'
  readonly columns: readonly ReportColumn[]
  readonly sql: string
}

export const key = (name: string, vi: string, type: ColumnType = 'text'): ReportColumn => ({
  name,
  vi,
  type,
  key: true,
})
export const text = (name: string, vi: string): ReportColumn => ({ name, vi, type: 'text' })
export const count = (name: string, vi: string): ReportColumn => ({ name, vi, type: 'count', sums: true })
export const money = (name: string, vi: string): ReportColumn => ({ name, vi, type: 'money', sums: true })
