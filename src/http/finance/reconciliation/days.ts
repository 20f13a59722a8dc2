/** Close of day per rail account: look before, close, approve by another person. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { sequenceId } from '../../../domain/ids.ts'
import { Problem } from '../../../problem/problem.ts'
import { approveDay, closeDay, type DayFigures, dayFigures, dropProposal } from '../../../reconciliation/close.ts'
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

const figuresAnswer = z
  .object({
    railAccountId: z.string(),
    fromDate: day,
    businessDate: day,
    opening: vnd,
    entered: vnd,
    matched: vnd,
    resolved: vnd,
    closing: vnd,
    inTransit: vnd,
    openBreaks: z.array(z.object({ class: z.string(), count: z.number().int(), payments: vnd, lines: decimal })),
    statement: z.object({ lines: decimal, matched: decimal, breaks: decimal }),
    lateFinds: z.array(z.object({ day, count: z.number().int(), amount: vnd })),
    unexplained: z.object({ count: z.number().int(), amount: vnd }),
  })
  .meta({
    id: 'DayFigures',
    description: 'closing = opening + entered − matched − resolved = open breaks + in transit',
  })
const dayAnswer = z
  .object({
    id: z.string(),
    status: z.enum(['PROPOSED', 'CLOSED']),
    reason: z.string().nullable(),
    proposedBy: z.string(),
    approvedBy: z.string().nullable(),
    proposedAt: time,
    figures: figuresAnswer,
  })
  .meta({ id: 'ReconciliationDay' })

type Row = {
  id: bigint
  status: 'PROPOSED' | 'CLOSED'
  reason: string | null
  proposedBy: string
  approvedBy: string | null
  proposedAt: Date
  figures: z.infer<typeof figuresAnswer>
}
const columns = `id, status, reason, proposed_by AS "proposedBy", approved_by AS "approvedBy", proposed_at AS "proposedAt", figures`
const shown = (row: Row): z.infer<typeof dayAnswer> => ({
  ...row,
  id: sequenceId('day', row.id),
  proposedAt: row.proposedAt.toISOString(),
})

/** Every bigint of it is a sum of whole đồng far below 2^53. */
function plain(figures: DayFigures): z.infer<typeof figuresAnswer> {
  return figuresAnswer.parse(
    JSON.parse(JSON.stringify(figures, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value))),
  )
}

export function registerDayRoutes(
  server: FastifyInstance,
  { database, environment, idempotency, officers }: ReconciliationOptions,
): void {
  const routes = server.withTypeProvider<ZodTypeProvider>()
  const onRequest = officers.holding('finance.read')
  const params = z.object({ id: numbered('day') })
  const place = z.object({ railAccountId: z.string().max(60), day })

  async function read(query: typeof database.query, tenantId: string, id: bigint): Promise<z.infer<typeof dayAnswer>> {
    const [row] = await query<Row>(`SELECT ${columns} FROM reconciliation_days WHERE id = $1 AND tenant_id = $2`, [
      id,
      tenantId,
    ])
    if (row === undefined) throw new Problem('NOT_FOUND')
    return shown(row)
  }

  routes.get(
    '/v1/finance/reconciliation/days',
    {
      onRequest,
      schema: {
        ...about('Closed days and closings that wait for approval, newest first'),
        querystring: z.strictObject({ ...pageQuery, railAccountId: z.string().max(60).optional() }),
        response: {
          200: z
            .object({ days: z.array(dayAnswer), nextCursor: z.string().nullable() })
            .meta({ id: 'ReconciliationDays' }),
          ...reading,
        },
      },
    },
    async (request) => {
      const { tenantId } = officers.of(request)
      const { limit, cursor, railAccountId } = request.query
      const rows = await database.forTenant(tenantId).query<Row>(
        `SELECT ${columns} FROM reconciliation_days
          WHERE tenant_id = $1 AND ($2::bigint IS NULL OR id < $2) AND ($3::text IS NULL OR rail_account_id = $3) ORDER BY id DESC LIMIT $4`,
        [tenantId, cursorOf('day', cursor), railAccountId ?? null, limit + 1],
      )
      const { page, nextCursor } = paged(rows, limit, ({ id }) => sequenceId('day', id))
      return { days: page.map(shown), nextCursor }
    },
  )
  routes.get(
    '/v1/finance/reconciliation/accounts/:railAccountId/days/:day',
    {
      onRequest,
      schema: {
        ...about('Figures of an open day as they stand now'),
        params: place,
        response: { 200: figuresAnswer, ...acting },
      },
    },
    async (request) => {
      const { tenantId } = officers.of(request)
      return plain(
        await dayFigures(database.forTenant(tenantId), tenantId, request.params.railAccountId, request.params.day),
      )
    },
  )
  routes.post(
    '/v1/finance/reconciliation/accounts/:railAccountId/days/:day/close',
    {
      onRequest: officers.holding('finance.resolve'),
      schema: {
        ...about('Close the day; with unexplained money a reason is needed, and another person approves'),
        headers: idempotencyHeaders,
        params: place,
        body: z.strictObject({ reason: z.string().trim().min(3).max(1000).optional() }),
        response: { 200: dayAnswer, ...acting },
      },
    },
    async (request, reply) => {
      const { tenantId, subject } = officers.of(request)
      const { railAccountId, day: date } = request.params
      return await answerOnce(
        idempotency,
        request,
        reply,
        async (tx) => {
          const { dayId } = await closeDay(
            tx,
            environment,
            { tenantId, subject },
            railAccountId,
            date,
            request.body.reason ?? null,
          )
          return jsonAnswer(200, await read(tx.query, tenantId, dayId))
        },
        officerKeys({ tenantId, subject }),
      )
    },
  )
  routes.post(
    '/v1/finance/reconciliation/days/:id/approve',
    {
      onRequest: officers.holding('finance.approve'),
      schema: {
        ...about('Approve a closing that another officer proposed'),
        headers: idempotencyHeaders,
        params,
        response: { 200: dayAnswer, ...acting },
      },
    },
    async (request, reply) => {
      const { tenantId, subject } = officers.of(request)
      return await answerOnce(
        idempotency,
        request,
        reply,
        async (tx) => {
          const id = numberOf('day', request.params.id)
          await approveDay(tx, environment, { tenantId, subject }, id)
          return jsonAnswer(200, await read(tx.query, tenantId, id))
        },
        officerKeys({ tenantId, subject }),
      )
    },
  )
  routes.post(
    '/v1/finance/reconciliation/days/:id/drop',
    {
      onRequest: officers.holding('finance.resolve', 'finance.approve'),
      schema: {
        ...about('Drop a closing that waits for approval'),
        headers: idempotencyHeaders,
        params,
        response: { 200: z.object({ dropped: z.boolean() }).meta({ id: 'DroppedClosing' }), ...acting },
      },
    },
    async (request, reply) => {
      const { tenantId, subject } = officers.of(request)
      return await answerOnce(
        idempotency,
        request,
        reply,
        async (tx) => {
          await dropProposal(tx, environment, { tenantId, subject }, numberOf('day', request.params.id))
          return jsonAnswer(200, { dropped: true })
        },
        officerKeys({ tenantId, subject }),
      )
    },
  )
}
