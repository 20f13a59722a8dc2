/** Refunds of a portal's own invoices: ask when a dossier was not granted, follow what becomes of it. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { Problem } from '../../problem/problem.ts'
import { readRefunds } from '../../refund/read.ts'
import { requestRefund, settlementOfInvoice } from '../../refund/request.ts'
import type { Vault } from '../../secrets/vault.ts'
import type { Transaction } from '../../store/database.ts'
import { requireScope } from '../auth/access-token.ts'
import { type Caller, callerOf } from '../auth/caller.ts'
import { invoiceRefundOf } from '../finance/refund-answers.ts'
import {
  invoiceRefundAnswer,
  invoiceRefundList,
  proposalOf,
  refundId,
  requestFromPortalBody,
} from '../finance/refund-schemas.ts'
import { answerOnce, jsonAnswer } from './idempotent.ts'
import { type PortalOptions, portalScope } from './invoices.ts'
import { idempotencyHeaders, invoiceParams, problemSchema } from './schemas.ts'

const refusals = {
  400: problemSchema,
  401: problemSchema,
  403: problemSchema,
  404: problemSchema,
  429: problemSchema,
  503: problemSchema,
}
const page = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: refundId.optional(),
})

export function registerInvoiceRefundRoutes(
  server: FastifyInstance,
  options: PortalOptions & { readonly vault: Vault },
): void {
  const { database, environment, idempotency, authenticate, vault } = options
  const routes = server.withTypeProvider<ZodTypeProvider>()

  async function readOne(source: Pick<Transaction, 'query'>, caller: Caller, invoiceId: string, id: string) {
    const { tenantId, clientId } = caller
    const [refund] = await readRefunds(source, tenantId, { clientId, invoiceId, ids: [id], limit: 1 })
    if (refund === undefined) throw new Problem('NOT_FOUND')
    return invoiceRefundOf(refund)
  }

  routes.post(
    '/v1/invoices/:id/refund-requests',
    {
      onRequest: requireScope(authenticate, 'refunds:write'),
      schema: {
        tags: ['Refunds'],
        summary: 'Ask for a refund: the dossier was not granted',
        security: portalScope('refunds:write'),
        headers: idempotencyHeaders,
        params: invoiceParams,
        body: requestFromPortalBody,
        response: { 201: invoiceRefundAnswer, ...refusals, 409: problemSchema, 422: problemSchema },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request)
      const { id: invoiceId } = request.params
      const { body } = request
      return await answerOnce(idempotency, request, reply, async (tx) => {
        const settlementId = await settlementOfInvoice(tx, caller, invoiceId)
        const asker = { tenantId: caller.tenantId, actor: caller.clientId, as: 'portal' } as const
        const id = await requestRefund(tx, environment, asker, settlementId, proposalOf(body), vault)
        return jsonAnswer(201, await readOne(tx, caller, invoiceId, id), {
          location: `/v1/invoices/${invoiceId}/refund-requests/${id}`,
        })
      })
    },
  )

  routes.get(
    '/v1/invoices/:id/refund-requests',
    {
      onRequest: requireScope(authenticate, 'refunds:read'),
      schema: {
        tags: ['Refunds'],
        summary: 'Refunds of an invoice, newest first: those asked for, and those of money that paid nothing',
        security: portalScope('refunds:read'),
        params: invoiceParams,
        querystring: page,
        response: { 200: invoiceRefundList, ...refusals },
      },
    },
    async (request) => {
      const { tenantId, clientId } = callerOf(request)
      const { limit, cursor } = request.query
      const source = database.forTenant(tenantId)
      const [invoice] = await source.query(
        'SELECT id FROM invoices WHERE id = $1 AND tenant_id = $2 AND client_id = $3',
        [request.params.id, tenantId, clientId],
      )
      if (invoice === undefined) throw new Problem('NOT_FOUND')
      const found = await readRefunds(source, tenantId, {
        clientId,
        invoiceId: request.params.id,
        ...(cursor === undefined ? {} : { before: cursor }),
        limit: limit + 1,
      })
      const shown = found.slice(0, limit)
      return {
        refunds: shown.map(invoiceRefundOf),
        nextCursor: found.length > limit ? (shown.at(-1)?.id ?? null) : null,
      }
    },
  )

  routes.get(
    '/v1/invoices/:id/refund-requests/:refundId',
    {
      onRequest: requireScope(authenticate, 'refunds:read'),
      schema: {
        tags: ['Refunds'],
        summary: 'What becomes of a refund of an invoice',
        security: portalScope('refunds:read'),
        params: invoiceParams.extend({ refundId }),
        response: { 200: invoiceRefundAnswer, ...refusals },
      },
    },
    async (request) => {
      const caller = callerOf(request)
      const { id, refundId: refund } = request.params
      return await readOne(database.forTenant(caller.tenantId), caller, id, refund)
    },
  )
}
