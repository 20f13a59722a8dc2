/** What operators and finance officers look at: given-up deliveries, attempts that need a human, ledger totals. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { replayEvent } from '../../delivery/endpoints.ts'
import type { Environment } from '../../environment.ts'
import { readDeadResults, replayResult } from '../../partner/results.ts'
import { Problem } from '../../problem/problem.ts'
import type { TenantDatabases } from '../../store/database.ts'
import { deliveryWindowMs } from '../../store/events.ts'
import type { OfficerVerifier } from '../auth/officer.ts'
import { createOfficerGuard } from '../auth/officer-guard.ts'
import { problemSchema } from '../portal/schemas.ts'

const security = [{ officer: [] }]
const refusals = { 401: problemSchema, 403: problemSchema, 404: problemSchema, 503: problemSchema }
const limit = z.coerce.number().int().min(1).max(200).default(50)
const page = z.strictObject({
  limit,
  cursor: z
    .string()
    .max(40)
    .regex(/^[a-z]{3}_[0-9a-z]{26,52}$/)
    .optional(),
})

const deadDelivery = z.object({
  id: z.string(),
  eventId: z.string(),
  type: z.string(),
  invoiceId: z.string().nullable(),
  endpointId: z.string(),
  url: z.string(),
  attempts: z.number().int(),
  lastStatus: z.number().int().nullable(),
  lastError: z.string().nullable(),
})
const stuckPayment = z.object({
  id: z.string(),
  invoiceId: z.string(),
  railAccountId: z.string(),
  merchantRef: z.string(),
  status: z.string(),
  amount: z.number().int(),
  inquiries: z.number().int(),
  createdAt: z.string(),
})
const deadResult = z.object({
  orderId: z.string(),
  partnerId: z.string(),
  reference: z.string(),
  invoiceId: z.string(),
  attempts: z.number().int(),
  lastStatus: z.number().int().nullable(),
  lastError: z.string().nullable(),
})
const balance = z.object({ account: z.string(), balance: z.number().int(), postings: z.number().int() })

export type OperatorOptions = {
  readonly database: TenantDatabases
  readonly environment: Environment
  readonly verifyOfficer: OfficerVerifier
}

export function registerOperatorRoutes(
  server: FastifyInstance,
  { database, environment, verifyOfficer }: OperatorOptions,
): void {
  const routes = server.withTypeProvider<ZodTypeProvider>()
  const { holding: guard, of: tenantOf } = createOfficerGuard(verifyOfficer)
  const about = (summary: string) => ({ tags: ['Operations'], summary, security })

  routes.get(
    '/v1/ops/deliveries',
    {
      onRequest: guard('ops'),
      schema: {
        ...about('Deliveries given up after their window'),
        querystring: page,
        response: { 200: z.object({ deliveries: z.array(deadDelivery) }).meta({ id: 'DeadDeliveries' }), ...refusals },
      },
    },
    async (request) => ({
      deliveries: await database.forTenant(tenantOf(request).tenantId).query<z.infer<typeof deadDelivery>>(
        `SELECT d.id, d.event_id AS "eventId", e.type, d.invoice_id AS "invoiceId", d.endpoint_id AS "endpointId", w.url, d.attempts,
                d.last_status AS "lastStatus", d.last_error AS "lastError"
           FROM deliveries d JOIN events e ON e.id = d.event_id JOIN webhook_endpoints w ON w.id = d.endpoint_id
          WHERE d.tenant_id = $1 AND d.status = 'DEAD' AND ($2::text IS NULL OR d.id > $2) ORDER BY d.id LIMIT $3`,
        [tenantOf(request).tenantId, request.query.cursor ?? null, request.query.limit],
      ),
    }),
  )
  routes.post(
    '/v1/ops/events/:id/replay',
    {
      onRequest: guard('ops'),
      schema: {
        ...about('Send an event again'),
        params: z.object({ id: z.string().regex(/^evt_[0-9a-z]{26}$/) }),
        response: { 200: z.object({ deliveries: z.number().int() }).meta({ id: 'OperatorReplay' }), ...refusals },
      },
    },
    async (request) => {
      const { tenantId } = tenantOf(request)
      const { id } = request.params
      const tenant = database.forTenant(tenantId)
      const [event] = await tenant.query<{ client_id: string }>(
        'SELECT client_id FROM events WHERE id = $1 AND tenant_id = $2',
        [id, tenantId],
      )
      if (event === undefined) throw new Problem('NOT_FOUND')
      return {
        deliveries: await tenant.transaction((tx) =>
          replayEvent(tx, environment, { tenantId, clientId: event.client_id }, id),
        ),
      }
    },
  )
  routes.get(
    '/v1/ops/payments',
    {
      onRequest: guard('ops'),
      schema: {
        ...about('Attempts whose inquiry schedule ended without an answer'),
        querystring: page,
        response: { 200: z.object({ payments: z.array(stuckPayment) }).meta({ id: 'StuckPayments' }), ...refusals },
      },
    },
    async (request) => {
      const { tenantId } = tenantOf(request)
      const rows = await database
        .forTenant(tenantId)
        .query<Omit<z.infer<typeof stuckPayment>, 'amount' | 'createdAt'> & { amount: bigint; createdAt: Date }>(
          `SELECT id, invoice_id AS "invoiceId", rail_account_id AS "railAccountId", merchant_ref AS "merchantRef", status, amount, inquiries, created_at AS "createdAt"
           FROM payments WHERE tenant_id = $1 AND needs_human AND status IN ('CREATED', 'REDIRECTED', 'UNKNOWN') AND ($2::text IS NULL OR id > $2) ORDER BY id LIMIT $3`,
          [tenantId, request.query.cursor ?? null, request.query.limit],
        )
      return {
        payments: rows.map((row) => ({ ...row, amount: Number(row.amount), createdAt: row.createdAt.toISOString() })),
      }
    },
  )
  routes.get(
    '/v1/ops/partner-results',
    {
      onRequest: guard('ops'),
      schema: {
        ...about('Results to partner portals given up after their window'),
        querystring: page,
        response: { 200: z.object({ results: z.array(deadResult) }).meta({ id: 'DeadPartnerResults' }), ...refusals },
      },
    },
    async (request) => {
      const { tenantId } = tenantOf(request)
      const { cursor = null, limit } = request.query
      return { results: await readDeadResults(database.forTenant(tenantId), tenantId, { after: cursor, limit }) }
    },
  )
  routes.post(
    '/v1/ops/partner-results/:orderId/replay',
    {
      onRequest: guard('ops'),
      schema: {
        ...about('Send a result to a partner portal again'),
        params: z.object({ orderId: z.string().regex(/^pto_[0-9a-z]{26}$/) }),
        response: { 200: z.object({ replayed: z.boolean() }).meta({ id: 'PartnerResultReplay' }), ...refusals },
      },
    },
    async (request) => {
      const { tenantId } = tenantOf(request)
      const tenant = database.forTenant(tenantId)
      if (!(await replayResult(tenant, environment, tenantId, request.params.orderId, deliveryWindowMs)))
        throw new Problem('NOT_FOUND')
      return { replayed: true }
    },
  )
  routes.get(
    '/v1/finance/ledger',
    {
      onRequest: guard('finance.read'),
      schema: {
        ...about('Ledger balances; they sum to zero'),
        response: {
          200: z.object({ balances: z.array(balance), sum: z.number().int() }).meta({ id: 'LedgerBalances' }),
          ...refusals,
        },
      },
    },
    async (request) => {
      const { tenantId } = tenantOf(request)
      const rows = await database
        .forTenant(tenantId)
        .query<{ account: string; balance: bigint; postings: bigint }>(
          'SELECT account, balance, postings FROM ledger_balances WHERE tenant_id = $1 ORDER BY account',
          [tenantId],
        )
      return {
        balances: rows.map((row) => ({
          account: row.account,
          balance: Number(row.balance),
          postings: Number(row.postings),
        })),
        sum: Number(rows.reduce((sum, row) => sum + row.balance, 0n)),
      }
    },
  )
}
