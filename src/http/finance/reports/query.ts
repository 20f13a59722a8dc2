/** Runs reports: pages of rows with totals for the screen, all rows in a stream for files. */
import { allAdapters } from '../../../../adapters/registry.ts'
import { businessDate, startOfLocalDay } from '../../../domain/vietnam-time.ts'
import type { TenantDatabase } from '../../../store/database.ts'
import { streamRows } from '../../../store/stream-rows.ts'
import type { ColumnType, Report, ReportColumn } from './report.ts'

export type ReportRange = {
  readonly tenantId: string
  /** Local days, both included; of no meaning for reports of how things stand. */
  readonly from: string
  readonly to: string
  readonly agencyCode: string | null
  readonly now: Date
}

export type ReportValue = string | number | null
export type ReportRow = Readonly<Record<string, ReportValue>>
type DatabaseRow = Readonly<Record<string, string | bigint | number | Date | null>>

/** Rails with the one channel they are, or the several they offer: which of them a payer took is not on record. */
const channels = JSON.stringify(
  allAdapters().map(({ name, channels: offered }) => ({ rail: name, channel: offered.join('+') })),
)
const dayMs = 86_400_000

function valuesOf({ tenantId, from, to, agencyCode, now }: ReportRange): unknown[] {
  const first = startOfLocalDay(from) ?? now
  const last = startOfLocalDay(to) ?? now
  return [tenantId, first, new Date(last.getTime() + dayMs), agencyCode, channels, businessDate(now)]
}

/** Names every parameter once, so that a query may leave some out. */
function framed(report: Report): string {
  return `SELECT * FROM (${report.sql}) rows
    WHERE num_nonnulls($1::text, $2::timestamptz, $3::timestamptz, $4::text, $5::json, $6::date) > 0`
}

const sqlTypes: Readonly<Record<ColumnType, string>> = {
  day: 'date',
  text: 'text',
  count: 'bigint',
  money: 'bigint',
  percent: 'numeric',
  seconds: 'numeric',
  time: 'timestamptz',
}

const keysOf = (report: Report): readonly ReportColumn[] => report.columns.filter((column) => column.key === true)
const orderOf = (report: Report): string =>
  keysOf(report)
    .map(({ name, type }) => (type === 'text' ? `"${name}" COLLATE "C"` : `"${name}"`))
    .join(', ')

/** Key values of the row after which a page begins. */
export type ReportCursor = readonly string[]

export async function readPage(
  store: TenantDatabase,
  report: Report,
  range: ReportRange,
  limit: number,
  after: ReportCursor | null,
): Promise<{ rows: ReportRow[]; next: ReportCursor | null }> {
  const keys = keysOf(report)
  const values = valuesOf(range)
  const places = keys.map(({ type }, index) => `$${values.length + index + 1}::${sqlTypes[type]}`)
  const rows = await store.query<DatabaseRow>(
    `SELECT * FROM (${framed(report)}) paged ${after === null ? '' : `WHERE (${orderOf(report)}) > (${places.join(', ')})`}
      ORDER BY ${orderOf(report)} LIMIT ${limit + 1}`,
    [...values, ...(after ?? [])],
  )
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return {
    rows: page.map((row) => shownRow(report, row)),
    next: rows.length > limit && last !== undefined ? keys.map(({ name }) => String(last[name])) : null,
  }
}

export async function readTotals(store: TenantDatabase, report: Report, range: ReportRange): Promise<ReportRow> {
  const sums = report.columns.filter((column) => column.sums === true)
  const list = sums.map(({ name }) => `coalesce(sum("${name}"), 0)::bigint AS "${name}"`).join(', ')
  const [row = {}] = await store.query<DatabaseRow>(`SELECT ${list} FROM (${framed(report)}) summed`, valuesOf(range))
  return Object.fromEntries(sums.map((column) => [column.name, shown(column, row[column.name] ?? null)]))
}

/** Every row, in order, as a file takes it: amounts stay exact. */
export async function* readAll(
  store: TenantDatabase,
  report: Report,
  range: ReportRange,
): AsyncGenerator<(string | bigint | number | null)[]> {
  const text = `SELECT * FROM (${framed(report)}) listed ORDER BY ${orderOf(report)}`
  for await (const row of streamRows<DatabaseRow>(store, text, valuesOf(range)))
    yield report.columns.map((column) => {
      const value = row[column.name] ?? null
      return typeof value === 'bigint' ? value : shown(column, value)
    })
}

function shownRow(report: Report, row: DatabaseRow): ReportRow {
  return Object.fromEntries(report.columns.map((column) => [column.name, shown(column, row[column.name] ?? null)]))
}

function shown({ type }: ReportColumn, value: DatabaseRow[string]): ReportValue {
  if (value === null) return null
  if (value instanceof Date) return value.toISOString()
  switch (type) {
    case 'count':
    case 'money':
    case 'percent':
    case 'seconds':
      return Number(value)
    default:
      return String(value)
  }
}
