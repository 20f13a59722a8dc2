/** Payment attempts: start one for a payer, look at one. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { ReceiptFileReader } from '../../payment/receipt-file.ts'
import type { PaymentStarter } from '../../payment/start.ts'
import { Problem } from '../../problem/problem.ts'
import type { TenantDatabases } from '../../store/database.ts'
import { requireScope } from '../auth/access-token.ts'
import { type Caller, callerOf } from '../auth/caller.ts'
import { answerOnceOutside, jsonAnswer } from './idempotent.ts'
import { type PortalOptions, portalScope } from './invoices.ts'
import {
  idempotencyHeaders,
  invoiceParams,
  paymentAnswer,
  paymentParams,
  problemSchema,
  startPaymentBody,
} from './schemas.ts'

const refusals = {
  400: problemSchema,
  401: problemSchema,
  403: problemSchema,
  404: problemSchema,
  409: problemSchema,
  422: problemSchema,
  429: problemSchema,
  503: problemSchema,
}

type PaymentRow = {
  id: string
  invoice_id: string
  rail_account_id: string
  rail: string
  merchant_ref: string
  amount: bigint
  status: z.infer<typeof paymentAnswer>['status']
  status_reason: string | null
  instruction: Record<string, unknown> | null
  rail_transaction_id: string | null
  paid_at: Date | null
  created_at: Date
  expires_at: Date
}

export function registerPaymentRoutes(
  server: FastifyInstance,
  options: PortalOptions & { readonly startPayment: PaymentStarter; readonly receiptFile: ReceiptFileReader },
): void {
  const { database, idempotency, authenticate, startPayment, receiptFile } = options
  const routes = server.withTypeProvider<ZodTypeProvider>()

  routes.post(
    '/v1/invoices/:id/payments',
    {
      onRequest: requireScope(authenticate, 'payments:write'),
      schema: {
        tags: ['Payments'],
        summary: 'Start a payment attempt',
        security: portalScope('payments:write'),
        headers: idempotencyHeaders,
        params: invoiceParams,
        body: startPaymentBody,
        response: { 201: paymentAnswer, ...refusals },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request)
      const { id } = request.params
      await owned(database, caller, id)
      return await answerOnceOutside(idempotency, request, reply, async (attemptKey) => {
        const started = await startPayment({
          tenantId: caller.tenantId,
          invoiceId: id,
          ...request.body,
          actor: caller.clientId,
          attemptKey,
        })
        return jsonAnswer(201, await readPayment(database, caller, started.paymentId), {
          location: `/v1/payments/${started.paymentId}`,
        })
      })
    },
  )

  routes.get(
    '/v1/payments/:id',
    {
      onRequest: requireScope(authenticate, 'payments:read'),
      schema: {
        tags: ['Payments'],
        summary: 'Get a payment attempt',
        security: portalScope('payments:read'),
        params: paymentParams,
        response: { 200: paymentAnswer, ...refusals },
      },
    },
    async (request) => await readPayment(database, callerOf(request), request.params.id),
  )

  routes.get(
    '/v1/payments/:id/receipt-file',
    {
      onRequest: requireScope(authenticate, 'payments:read'),
      schema: {
        tags: ['Payments'],
        summary: "The rail's own receipt of a payment that succeeded (national payment platform)",
        security: portalScope('payments:read'),
        params: paymentParams,
        response: {
          200: {
            description: 'The file as the rail gave it',
            content: { 'application/pdf': { schema: z.unknown().meta({ type: 'string', format: 'binary' }) } },
          },
          ...refusals,
        },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request)
      const { id } = await readPayment(database, caller, request.params.id)
      const file = await receiptFile(caller.tenantId, id)
      return reply
        .type(file.contentType)
        .header('content-disposition', `attachment; filename="${id}.pdf"`)
        .header('x-content-type-options', 'nosniff')
        .send(Buffer.from(file.content))
    },
  )
}

async function owned(database: TenantDatabases, caller: Caller, invoiceId: string): Promise<void> {
  const [row] = await database
    .forTenant(caller.tenantId)
    .query('SELECT id FROM invoices WHERE id = $1 AND tenant_id = $2 AND client_id = $3', [
      invoiceId,
      caller.tenantId,
      caller.clientId,
    ])
  if (row === undefined) throw new Problem('NOT_FOUND')
}

async function readPayment(
  database: TenantDatabases,
  caller: Caller,
  id: string,
): Promise<z.infer<typeof paymentAnswer>> {
  const [row] = await database.forTenant(caller.tenantId).query<PaymentRow>(
    `SELECT p.id, p.invoice_id, p.rail_account_id, a.rail, p.merchant_ref, p.amount, p.status, p.status_reason, p.instruction, p.rail_transaction_id,
            p.paid_at, p.created_at, p.expires_at
       FROM payments p JOIN invoices i ON i.id = p.invoice_id JOIN rail_accounts a ON a.id = p.rail_account_id
      WHERE p.id = $1 AND i.tenant_id = $2 AND i.client_id = $3`,
    [id, caller.tenantId, caller.clientId],
  )
  if (row === undefined) throw new Problem('NOT_FOUND')
  return {
    id: row.id,
    invoiceId: row.invoice_id,
    railAccountId: row.rail_account_id,
    rail: row.rail,
    merchantRef: row.merchant_ref,
    status: row.status,
    statusReason: row.status_reason,
    instruction: row.instruction,
    railTransactionId: row.rail_transaction_id,
    paidAt: row.paid_at?.toISOString() ?? null,
    createdAt: row.created_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
    amount: Number(row.amount),
    currency: 'VND',
  }
}
