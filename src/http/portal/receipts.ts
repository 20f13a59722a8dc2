/** Legal receipts of an invoice, as the portal hands them on. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { proofSchema, readProofs } from '../../journal/proof.ts'
import { Problem } from '../../problem/problem.ts'
import { readInvoices } from '../../store/invoices.ts'
import { readReceipts } from '../../store/receipts.ts'
import { requireScope } from '../auth/access-token.ts'
import { callerOf } from '../auth/caller.ts'
import { receiptAnswer, receiptAnswerOf } from '../receipt-answer.ts'
import { type PortalOptions, portalScope } from './invoices.ts'
import { invoiceParams, problemSchema } from './schemas.ts'

const refusals = {
  400: problemSchema,
  401: problemSchema,
  403: problemSchema,
  404: problemSchema,
  429: problemSchema,
  503: problemSchema,
}

/** An invoice has one receipt per creditor and kind, and what adjusts them. */
const mostReceipts = 500

const provenReceipt = receiptAnswer
  .extend({
    proof: proofSchema.nullable().meta({
      description: 'That the receipt stands in the sealed journal; null until it is sealed, seconds after issue',
    }),
  })
  .meta({ id: 'ProvenReceipt' })

export function registerReceiptRoutes(
  server: FastifyInstance,
  { database, authenticate, publicUrl }: Pick<PortalOptions, 'database' | 'authenticate' | 'publicUrl'>,
): void {
  server.withTypeProvider<ZodTypeProvider>().get(
    '/v1/invoices/:id/receipts',
    {
      onRequest: requireScope(authenticate, 'invoices:read'),
      schema: {
        tags: ['Invoices'],
        summary: 'Legal receipts of an invoice, oldest first; empty until it is paid',
        security: portalScope('invoices:read'),
        params: invoiceParams,
        response: { 200: z.object({ receipts: z.array(provenReceipt) }).meta({ id: 'ReceiptList' }), ...refusals },
      },
    },
    async (request) => {
      const caller = callerOf(request)
      const store = database.forTenant(caller.tenantId)
      const { id } = request.params
      const [invoice] = await readInvoices(store, caller, { ids: [id], limit: 1 })
      if (invoice === undefined) throw new Problem('NOT_FOUND')
      const receipts = await readReceipts(store, { ...caller, invoiceId: id, limit: mostReceipts })
      const ids = receipts.map((receipt) => receipt.id)
      const proofs = await readProofs(store, caller.tenantId, 'receipt.issued', ids)
      return {
        receipts: receipts
          .reverse()
          .map((receipt) => ({ ...receiptAnswerOf(receipt, publicUrl()), proof: proofs.get(receipt.id) ?? null })),
      }
    },
  )
}
