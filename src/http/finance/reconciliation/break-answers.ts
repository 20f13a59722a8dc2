/** Breaks as officers see them: schemas, filters, and reading one with its contents, resolutions and history. */
import { z } from 'zod'
import {
  ageingCodes,
  ageOf,
  type BusinessCalendar,
  businessCalendar,
  daysOfBucket,
} from '../../../domain/business-days.ts'
import { sequenceId } from '../../../domain/ids.ts'
import { breakActions, breakClass, breakClasses } from '../../../domain/reconciliation/breaks.ts'
import { Problem } from '../../../problem/problem.ts'
import type { Query } from '../../../store/database.ts'
import { day, decimal, time, vnd } from './shared.ts'

const classCodes = breakClasses.map(({ code }) => code)
export const actionCodes = Object.keys(breakActions) as (keyof typeof breakActions)[]

export const breakSummary = z
  .object({
    id: z.string(),
    class: z.enum(classCodes),
    status: z.enum(['OPEN', 'WAITING', 'RESOLVED', 'CLEARED']),
    railAccountId: z.string(),
    amount: vnd,
    statementAmount: decimal,
    paymentAmount: vnd,
    railAmount: vnd,
    items: z.number().int(),
    invoiceId: z.string().nullable(),
    owner: z.string().nullable(),
    waitUntil: day.nullable(),
    openedOn: day,
    closedOn: day.nullable(),
    ageDays: z.number().int().meta({ description: 'Business days' }),
    ageing: z.enum(ageingCodes),
    suggestedAction: z.object({ vi: z.string(), en: z.string() }),
    evidence: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'ReconciliationBreak' })

export const breakDetail = breakSummary
  .extend({
    actions: z.array(z.enum(actionCodes)).meta({ description: 'What may be proposed' }),
    contents: z.array(
      z.object({
        lineId: z.string().nullable(),
        settlementId: z.string().nullable(),
        rowId: z.string().nullable(),
        refundId: z.string().nullable(),
        text: z.string(),
      }),
    ),
    resolutions: z.array(
      z.object({
        id: z.string(),
        action: z.enum(actionCodes),
        status: z.enum(['PROPOSED', 'APPROVED', 'REJECTED', 'WITHDRAWN']),
        reason: z.string(),
        proposedBy: z.string(),
        decidedBy: z.string().nullable(),
      }),
    ),
    history: z.array(
      z.object({
        at: time,
        actor: z.string(),
        kind: z.string(),
        text: z.string().nullable(),
        facts: z.record(z.string(), z.unknown()),
      }),
    ),
  })
  .meta({ id: 'ReconciliationBreakDetail' })

export type BreakRow = {
  id: bigint
  class: (typeof classCodes)[number]
  status: 'OPEN' | 'WAITING' | 'RESOLVED' | 'CLEARED'
  railAccountId: string
  amount: bigint
  statementAmount: string
  paymentAmount: bigint
  railAmount: bigint
  items: number
  invoiceId: string | null
  owner: string | null
  waitUntil: string | null
  openedOn: string
  closedOn: string | null
  agedFrom: string
  evidence: Record<string, unknown>
}
export const breakColumns = `b.id, b.class, b.status, b.rail_account_id AS "railAccountId", b.amount, b.statement_amount::text AS "statementAmount",
  b.payment_amount AS "paymentAmount", b.rail_amount AS "railAmount", b.items, b.invoice_id AS "invoiceId", b.owner, b.wait_until AS "waitUntil",
  b.opened_on AS "openedOn", b.closed_on AS "closedOn", b.aged_from AS "agedFrom", b.evidence`

export async function calendarOf(query: Query): Promise<BusinessCalendar> {
  const holidays = await query<{ day: string }>('SELECT day FROM bank_holidays', [])
  return businessCalendar(holidays.map(({ day: holiday }) => holiday))
}

export function shownBreak(
  { agedFrom, ...row }: BreakRow,
  calendar: BusinessCalendar,
  today: string,
): z.infer<typeof breakSummary> {
  const { days, bucket } = ageOf(calendar, agedFrom, today)
  const { actionVi, actionEn } = breakClass(row.class)
  return {
    ...row,
    id: sequenceId('brk', row.id),
    amount: Number(row.amount),
    paymentAmount: Number(row.paymentAmount),
    railAmount: Number(row.railAmount),
    ageDays: days,
    ageing: bucket,
    suggestedAction: { vi: actionVi, en: actionEn },
  }
}

export const breakFilter = {
  class: z.enum(classCodes).optional(),
  status: z.enum(['OPEN', 'WAITING', 'RESOLVED', 'CLEARED']).optional(),
  railAccountId: z.string().max(60).optional(),
  owner: z.string().max(200).optional().meta({ description: 'A subject; `none` for breaks nobody owns' }),
  ageing: z.enum(ageingCodes).optional(),
  minAmount: z.coerce.number().int().min(0).optional(),
}
const filterShape = z.object(breakFilter)

/** Conditions on `breaks b` and their values, from $2 on. */
export function breakConditions(
  filter: z.infer<typeof filterShape>,
  calendar: BusinessCalendar,
  today: string,
): { sql: string; values: unknown[] } {
  const bucket = filter.ageing === undefined ? null : daysOfBucket(calendar, filter.ageing, today)
  return {
    sql: `($2::text IS NULL OR b.class = $2) AND ($3::text IS NULL OR b.status = $3) AND ($4::text IS NULL OR b.rail_account_id = $4)
      AND ($5::text IS NULL OR b.owner IS NOT DISTINCT FROM nullif($5, 'none')) AND ($6::date IS NULL OR b.aged_from >= $6) AND ($7::date IS NULL OR b.aged_from <= $7)
      AND ($8::bigint IS NULL OR b.amount >= $8)`,
    values: [
      filter.class ?? null,
      filter.status ?? null,
      filter.railAccountId ?? null,
      filter.owner ?? null,
      bucket?.from ?? null,
      bucket?.to ?? null,
      filter.minAmount ?? null,
    ],
  }
}

/** @throws Problem NOT_FOUND */
export async function readBreak(
  query: Query,
  tenantId: string,
  id: bigint,
  today: string,
): Promise<z.infer<typeof breakDetail>> {
  const [row] = await query<BreakRow>(`SELECT ${breakColumns} FROM breaks b WHERE b.id = $1 AND b.tenant_id = $2`, [
    id,
    tenantId,
  ])
  if (row === undefined) throw new Problem('NOT_FOUND')
  const contents = await query<{
    lineId: bigint | null
    settlementId: string | null
    rowId: bigint | null
    refundId: string | null
    text: string
  }>(
    `SELECT i.line_id AS "lineId", i.settlement_id AS "settlementId", i.row_id AS "rowId", i.refund_id AS "refundId",
            concat_ws(' · ', l.booked_on || ' ' || l.direction || ' ' || l.amount || ' ' || coalesce(l.bank_reference, '') || ' ' || left(l.remittance, 120),
                      (s.paid_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date || ' ' || s.disposition || ' ' || s.amount || ' ' || s.rail_transaction_id) AS text
       FROM reconciliation_items i LEFT JOIN statement_lines l ON l.id = i.line_id LEFT JOIN settlements s ON s.id = i.settlement_id
      WHERE i.break_id = $1 AND i.ended_on IS NULL ORDER BY i.id LIMIT 200`,
    [id],
  )
  const resolutions = await query<{
    id: bigint
    action: (typeof actionCodes)[number]
    status: 'PROPOSED'
    reason: string
    proposedBy: string
    decidedBy: string | null
  }>(
    `SELECT id, action, status, reason, proposed_by AS "proposedBy", decided_by AS "decidedBy" FROM break_resolutions WHERE break_id = $1 ORDER BY id DESC LIMIT 50`,
    [id],
  )
  const history = await query<{
    at: Date
    actor: string
    kind: string
    text: string | null
    facts: Record<string, unknown>
  }>(`SELECT at, actor, kind, text, facts FROM break_history WHERE break_id = $1 ORDER BY id DESC LIMIT 200`, [id])
  const summary = shownBreak(row, await calendarOf(query), today)
  return {
    ...summary,
    actions: row.status === 'OPEN' || row.status === 'WAITING' ? [...breakClass(row.class).actions] : [],
    contents: contents.map(({ lineId, rowId, ...item }) => ({
      ...item,
      lineId: lineId === null ? null : sequenceId('lin', lineId),
      rowId: rowId === null ? null : sequenceId('row', rowId),
    })),
    resolutions: resolutions.map((resolution) => ({ ...resolution, id: sequenceId('rsl', resolution.id) })),
    history: history.map((entry) => ({ ...entry, at: entry.at.toISOString() })),
  }
}
