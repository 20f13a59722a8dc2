/**
 * Writes each tenant's transactions of a local day as a CSV file once the day is over: the scheduled report to the province's
 * single point. One replica writes a day; a file appears under its name only when it is whole, with its SHA-256 beside it.
 */
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Logger } from 'pino'
import { businessDate, startOfLocalDay } from '../domain/vietnam-time.ts'
import type { Environment } from '../environment.ts'
import { csvStream } from '../export/csv.ts'
import type { ExportRow } from '../export/table.ts'
import type { Database } from '../store/database.ts'
import { streamRows } from '../store/stream-rows.ts'

export type TransactionExportOptions = {
  readonly database: Database
  readonly environment: Environment
  /** Where files go; null: none are written. */
  readonly exportFolder: string | null
  readonly log: Logger
}

const dayMs = 86_400_000
const longestWriteMs = 30 * 60_000
/** After midnight: what settled just before it has been committed by then. */
const graceMs = 5 * 60_000
/** Days looked back over, should no replica have run. */
const daysBack = 7

type Due = { readonly tenantId: string; readonly day: string }

const columns = [
  'settlement_id',
  'settled_at',
  'paid_at',
  'agency_code',
  'agency_name',
  'procedure_code',
  'dossier_code',
  'invoice_id',
  'direction',
  'disposition',
  'amount',
  'rail',
  'rail_account_id',
  'rail_transaction_id',
  'merchant_ref',
  'source',
] as const
type ExportedRow = Readonly<Record<(typeof columns)[number], string | bigint | Date | null>>

/** One round. Returns how many files were written. */
export async function exportDue({
  database,
  environment,
  exportFolder,
  log,
}: TransactionExportOptions): Promise<number> {
  if (exportFolder === null) return 0
  const over = new Date(environment.now().getTime() - graceMs)
  const today = startOfLocalDay(businessDate(over)) ?? over
  const days = Array.from({ length: daysBack }, (_, back) =>
    businessDate(new Date(today.getTime() - (back + 1) * dayMs)),
  )
  const due = await database.query<Due>(
    `SELECT t.id AS "tenantId", d.day FROM tenants t CROSS JOIN unnest($1::text[]) AS d(day)
      WHERE t.created_at < $2 AND local_day(t.created_at) <= d.day::date
        AND NOT EXISTS (SELECT 1 FROM transaction_exports e WHERE e.tenant_id = t.id AND e.business_date = d.day::date)
      ORDER BY d.day, t.id`,
    [days, today],
  )
  let written = 0
  for (const one of due) {
    const name = `transactions_${one.tenantId}_${one.day}.csv`
    const made = await database.transaction(async (tx) => {
      // It waits here while the file is written.
      await tx.query(`SET LOCAL idle_in_transaction_session_timeout = ${longestWriteMs}`, [])
      const [lock] = await tx.query<{ taken: boolean }>(
        'SELECT pg_try_advisory_xact_lock(hashtextextended($1, 6)) AS taken',
        [`transaction export ${name}`],
      )
      const [known] = await tx.query(
        'SELECT 1 AS one FROM transaction_exports WHERE tenant_id = $1 AND business_date = $2',
        [one.tenantId, one.day],
      )
      if (lock?.taken !== true || known !== undefined) return false
      const { rows, sha256 } = await write(database, exportFolder, name, one)
      await tx.query(
        'INSERT INTO transaction_exports (tenant_id, business_date, file_name, rows, sha256, made_at) VALUES ($1, $2, $3, $4, $5, $6)',
        [one.tenantId, one.day, name, rows, sha256, environment.now()],
      )
      return true
    })
    if (!made) continue
    written += 1
    log.info({ tenantId: one.tenantId, day: one.day, file: name }, 'transactions of the day exported')
  }
  return written
}

async function write(
  database: Database,
  folder: string,
  name: string,
  { tenantId, day }: Due,
): Promise<{ rows: number; sha256: string }> {
  await mkdir(folder, { recursive: true })
  const first = startOfLocalDay(day) ?? new Date(Number.NaN)
  const text = `SELECT ${columns.join(', ')} FROM report_transactions WHERE tenant_id = $1 AND settled_at >= $2 AND settled_at < $3 ORDER BY settled_at, settlement_id`
  let rows = 0
  async function* table(): AsyncGenerator<ExportRow> {
    const values = [tenantId, first, new Date(first.getTime() + dayMs)]
    for await (const row of streamRows<ExportedRow>(database.forTenant(tenantId), text, values)) {
      rows += 1
      yield columns.map((column) => {
        const value = row[column]
        return value instanceof Date ? value.toISOString() : value
      })
    }
  }
  const path = join(folder, name)
  const hash = createHash('sha256')
  await pipeline(
    csvStream(
      columns.map((heading) => ({ heading })),
      table(),
    ),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        hash.update(chunk)
        yield chunk
      }
    },
    createWriteStream(`${path}.part`),
  )
  const sha256 = hash.digest('hex')
  // The hash first: whoever sees the file can check it.
  await writeFile(`${path}.sha256`, `${sha256}  ${name}\n`)
  await rename(`${path}.part`, path)
  return { rows, sha256 }
}
