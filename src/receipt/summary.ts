/**
 * The daily summary for the tax office (Decree 254/2026 art. 29; form 01/TH-BLĐT of Circular 91/2026): one per collector's tax
 * code and local day, made near its end so that it can be handed in the same day. What is issued after it, or was held up,
 * follows as a further part that names the day's first.
 */
import { businessDate, readableLocalTime } from '../domain/vietnam-time.ts'
import { type Environment, newId } from '../environment.ts'
import type { Database, Transaction } from '../store/database.ts'
import { appendJournal } from '../store/journal.ts'
import { insertAll } from '../store/rows.ts'

/** Local time from which the day's summary is made: late enough to hold nearly all of it, early enough to be handed in. */
export const summaryFrom = '23:30:00'

export type SummaryOptions = { readonly database: Database; readonly environment: Environment }

type Due = { readonly tenantId: string; readonly taxCode: string; readonly day: string }

/** One round. Returns how many summaries were made. */
export async function summariseDue(options: SummaryOptions): Promise<number> {
  const { database, environment } = options
  const now = environment.now()
  const today = businessDate(now)
  const endOfDay = readableLocalTime(now).slice(11) >= summaryFrom
  const due = await database.query<Due>(
    `SELECT DISTINCT r.tenant_id AS "tenantId", r.creditor_tax_code AS "taxCode", r.issued_on AS day
       FROM receipts r
      WHERE r.summary_id IS NULL AND r.number IS NOT NULL
        AND (r.issued_on < $1
             -- A second part of today waits for the day to be over: else every minute would make one.
             OR ($2 AND r.issued_on = $1 AND NOT EXISTS (
                   SELECT 1 FROM receipt_summaries s WHERE s.tenant_id = r.tenant_id AND s.creditor_tax_code = r.creditor_tax_code AND s.business_date = $1)))
      ORDER BY day, "tenantId", "taxCode" LIMIT 200`,
    [today, endOfDay],
  )
  let made = 0
  for (const one of due) made += (await database.transaction((tx) => summarise(tx, environment, one))) ? 1 : 0
  return made
}

type Line = {
  readonly id: string
  readonly template: string
  readonly symbol: string
  readonly number: number
  readonly fee_name: string
  readonly collector_name: string
  readonly amount: bigint
  readonly relation: string | null
  readonly related_template: string | null
  readonly related_symbol: string | null
  readonly related_number: number | null
}

async function summarise(tx: Transaction, environment: Environment, { tenantId, taxCode, day }: Due): Promise<boolean> {
  await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 4))', [`receipt summary ${tenantId} ${taxCode}`])
  // In id order, like everybody who locks receipts. Numbers of one series are all of them committed or not given.
  await tx.query(
    `SELECT id FROM receipts WHERE tenant_id = $1 AND creditor_tax_code = $2 AND issued_on = $3 AND summary_id IS NULL AND number IS NOT NULL
      ORDER BY id FOR UPDATE`,
    [tenantId, taxCode, day],
  )
  const lines = await tx.query<Line>(
    `SELECT r.id, r.template, r.symbol, r.number, r.fee_name, r.collector_name, r.amount, r.relation,
            o.template AS related_template, o.symbol AS related_symbol, o.number AS related_number
       FROM receipts r LEFT JOIN receipts o ON o.id = r.relates_to_id
      WHERE r.tenant_id = $1 AND r.creditor_tax_code = $2 AND r.issued_on = $3 AND r.summary_id IS NULL AND r.number IS NOT NULL
      ORDER BY r.template, r.symbol, r.number`,
    [tenantId, taxCode, day],
  )
  const [first] = lines
  if (first === undefined) return false
  const earlier = await tx.query<{ id: string }>(
    'SELECT id FROM receipt_summaries WHERE tenant_id = $1 AND creditor_tax_code = $2 AND business_date = $3 ORDER BY part',
    [tenantId, taxCode, day],
  )
  const id = newId(environment, 'rsm')
  const now = environment.now()
  const amount = lines.reduce((sum, line) => sum + line.amount, 0n)
  await insertAll(tx, 'receipt_summaries', [
    {
      id,
      tenant_id: tenantId,
      creditor_tax_code: taxCode,
      collector_name: first.collector_name,
      business_date: day,
      part: earlier.length + 1,
      supplements_id: earlier[0]?.id ?? null,
      receipts: lines.length,
      amount,
      made_at: now,
    },
  ])
  await insertAll(
    tx,
    'receipt_summary_lines',
    lines.map(({ id: receiptId, relation, collector_name: _name, ...line }, index) => ({
      ...line,
      summary_id: id,
      line_no: index + 1,
      receipt_id: receiptId,
      issued_on: day,
      status: relation ?? 'NEW',
    })),
  )
  // Adjusted or replaced meanwhile: it stays so, and is reported all the same.
  await tx.query(
    `UPDATE receipts SET summary_id = $1, status = CASE status WHEN 'ISSUED' THEN 'REPORTED' ELSE status END WHERE id = ANY ($2)`,
    [id, lines.map((line) => line.id)],
  )
  await appendJournal(tx, [
    {
      tenantId,
      at: now,
      kind: 'receipt.summary_made',
      subject: id,
      actor: 'feegate',
      facts: { taxCode, day, part: earlier.length + 1, receipts: lines.length, amount: amount.toString() },
    },
  ])
  return true
}
