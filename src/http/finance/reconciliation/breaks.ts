/** Breaks: find them, own them, talk about them, resolve them by two people. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
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
import { businessDate } from '../../../domain/vietnam-time.ts'
import { Problem } from '../../../problem/problem.ts'
import { assign, comment } from '../../../reconciliation/breaks/history.ts'
import { approve, propose, refuse } from '../../../reconciliation/breaks/resolve.ts'
import type { Query, Transaction } from '../../../store/database.ts'
import { answerOnce, jsonAnswer, officerKeys } from '../../portal/idempotent.ts'
import { idempotencyHeaders } from '../../portal/schemas.ts'
import {
  about,
  acting,
  cursorOf,
  day,
  decimal,
  numbered,
  numberOf,
  paged,
  pageQuery,
  type ReconciliationOptions,
  reading,
  time,
  vnd,
} from './shared.ts'

const classCodes = breakClasses.map(({ code }) => code)
const actionCodes = Object.keys(breakActions) as (keyof typeof breakActions)[]

const breakSummary = z
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

const breakDetail = breakSummary
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

type Row = {
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

function shown({ agedFrom, ...row }: Row, calendar: BusinessCalendar, today: string): z.infer<typeof breakSummary> {
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

const proposal = z.strictObject({
  action: z.enum(actionCodes),
  reason: z.string().trim().min(3).max(1000),
  invoiceId: z
    .string()
    .regex(/^inv_[0-9a-z]{26}$/)
    .optional(),
  settlementIds: z
    .array(z.string().regex(/^stl_[0-9a-z]{26}$/))
    .max(100)
    .optional(),
  lineIds: z.array(numbered('lin')).max(100).optional(),
  until: day.optional(),
})
const words = z.strictObject({ text: z.string().trim().min(1).max(2000) })

export function registerBreakRoutes(server: FastifyInstance, options: ReconciliationOptions): void {
  const { database, environment, idempotency, officers } = options
  const routes = server.withTypeProvider<ZodTypeProvider>()
  const onRequest = officers.holding('finance.read')
  const resolving = officers.holding('finance.resolve')
  const params = z.object({ id: numbered('brk') })
  const resolutionParams = z.object({ id: numbered('brk'), resolutionId: numbered('rsl') })

  async function detail(query: Query, tenantId: string, id: bigint): Promise<z.infer<typeof breakDetail>> {
    const [row] = await query<Row>(`SELECT ${breakColumns} FROM breaks b WHERE b.id = $1 AND b.tenant_id = $2`, [
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
    const summary = shown(row, await calendarOf(query), businessDate(environment.now()))
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

  /** Does it once per Idempotency-Key and answers with the break as it is then. */
  async function change(
    request: FastifyRequest,
    reply: FastifyReply,
    id: string,
    work: (tx: Transaction, officer: { tenantId: string; subject: string }, breakId: bigint) => Promise<unknown>,
  ): Promise<FastifyReply> {
    const { tenantId, subject } = officers.of(request)
    return await answerOnce(
      idempotency,
      request,
      reply,
      async (tx) => {
        const breakId = numberOf('brk', id)
        await work(tx, { tenantId, subject }, breakId)
        return jsonAnswer(200, await detail(tx.query, tenantId, breakId))
      },
      officerKeys({ tenantId, subject }),
    )
  }

  routes.get(
    '/v1/finance/break-classes',
    {
      onRequest,
      schema: {
        ...about('What breaks there are, what each means and what may be done'),
        response: {
          200: z
            .object({
              classes: z.array(
                z.object({
                  code: z.string(),
                  meaning: z.object({ vi: z.string(), en: z.string() }),
                  action: z.object({ vi: z.string(), en: z.string() }),
                  owner: z.string(),
                  clearsItself: z.boolean(),
                  actions: z.array(z.string()),
                }),
              ),
            })
            .meta({ id: 'BreakClasses' }),
          ...reading,
        },
      },
    },
    async () => ({
      classes: breakClasses.map(({ code, meaningVi, meaningEn, actionVi, actionEn, owner, clearsItself, actions }) => ({
        code,
        meaning: { vi: meaningVi, en: meaningEn },
        action: { vi: actionVi, en: actionEn },
        owner,
        clearsItself,
        actions: [...actions],
      })),
    }),
  )
  routes.get(
    '/v1/finance/breaks',
    {
      onRequest,
      schema: {
        ...about('Breaks, newest first'),
        querystring: z.strictObject({ ...pageQuery, ...breakFilter }),
        response: {
          200: z
            .object({ breaks: z.array(breakSummary), nextCursor: z.string().nullable() })
            .meta({ id: 'ReconciliationBreaks' }),
          ...reading,
        },
      },
    },
    async (request) => {
      const { tenantId } = officers.of(request)
      const { limit, cursor, ...filter } = request.query
      const tenant = database.forTenant(tenantId)
      const calendar = await calendarOf(tenant.query)
      const today = businessDate(environment.now())
      const { sql, values } = breakConditions(filter, calendar, today)
      const rows = await tenant.query<Row>(
        `SELECT ${breakColumns} FROM breaks b WHERE b.tenant_id = $1 AND ${sql} AND ($9::bigint IS NULL OR b.id < $9) ORDER BY b.id DESC LIMIT $10`,
        [tenantId, ...values, cursorOf('brk', cursor), limit + 1],
      )
      const { page, nextCursor } = paged(rows, limit, ({ id }) => sequenceId('brk', id))
      return { breaks: page.map((row) => shown(row, calendar, today)), nextCursor }
    },
  )
  routes.get(
    '/v1/finance/breaks/:id',
    {
      onRequest,
      schema: {
        ...about('One break with its items, resolutions and history'),
        params,
        response: { 200: breakDetail, ...reading },
      },
    },
    async (request) => {
      const { tenantId } = officers.of(request)
      return await detail(database.forTenant(tenantId).query, tenantId, numberOf('brk', request.params.id))
    },
  )
  routes.post(
    '/v1/finance/breaks/:id/comments',
    {
      onRequest: resolving,
      schema: {
        ...about('Comment'),
        headers: idempotencyHeaders,
        params,
        body: words,
        response: { 200: breakDetail, ...acting },
      },
    },
    async (request, reply) =>
      await change(request, reply, request.params.id, (tx, officer, id) =>
        comment(tx, environment, officer, id, request.body.text),
      ),
  )
  routes.post(
    '/v1/finance/breaks/:id/owner',
    {
      onRequest: resolving,
      schema: {
        ...about('Give it to an officer, or to nobody'),
        headers: idempotencyHeaders,
        params,
        body: z.strictObject({ owner: z.string().min(1).max(200).nullable() }),
        response: { 200: breakDetail, ...acting },
      },
    },
    async (request, reply) =>
      await change(request, reply, request.params.id, (tx, officer, id) =>
        assign(tx, environment, officer, id, request.body.owner),
      ),
  )
  routes.post(
    '/v1/finance/breaks/:id/resolutions',
    {
      onRequest: resolving,
      schema: {
        ...about('Propose how to resolve it'),
        headers: idempotencyHeaders,
        params,
        body: proposal,
        response: { 200: breakDetail, ...acting },
      },
    },
    async (request, reply) => {
      const { action, reason, lineIds, ...details } = request.body
      return await change(request, reply, request.params.id, (tx, officer, id) =>
        propose(tx, environment, officer, id, {
          action,
          reason,
          details: {
            ...details,
            ...(lineIds === undefined ? {} : { lineIds: lineIds.map((line) => numberOf('lin', line).toString()) }),
          },
        }),
      )
    },
  )
  routes.post(
    '/v1/finance/breaks/:id/resolutions/:resolutionId/approve',
    {
      onRequest: officers.holding('finance.approve'),
      schema: {
        ...about('Approve what another officer proposed: it takes effect now'),
        headers: idempotencyHeaders,
        params: resolutionParams,
        response: { 200: breakDetail, ...acting },
      },
    },
    async (request, reply) =>
      await change(request, reply, request.params.id, (tx, officer, id) =>
        approve(tx, environment, officer, id, numberOf('rsl', request.params.resolutionId)),
      ),
  )
  for (const [verb, verdict, role, summary] of [
    ['reject', 'REJECTED', 'finance.approve', 'Reject what another officer proposed'],
    ['withdraw', 'WITHDRAWN', 'finance.resolve', 'Take back what you proposed'],
  ] as const) {
    routes.post(
      `/v1/finance/breaks/:id/resolutions/:resolutionId/${verb}`,
      {
        onRequest: officers.holding(role),
        schema: {
          ...about(summary),
          headers: idempotencyHeaders,
          params: resolutionParams,
          body: words,
          response: { 200: breakDetail, ...acting },
        },
      },
      async (request, reply) =>
        await change(request, reply, request.params.id, (tx, officer, id) =>
          refuse(
            tx,
            environment,
            officer,
            id,
            numberOf('rsl', request.params.resolutionId),
            verdict,
            request.body.text,
          ),
        ),
    )
  }
}
