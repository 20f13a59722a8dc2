/** The province's feed: pull it with a cursor, one row per transaction of every agency. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { type FeedTransaction, readTransactions } from '../../store/transaction-feed.ts'
import { problemSchema } from '../portal/schemas.ts'
import type { FinanceOptions } from './receipts.ts'

const transaction = z
  .object({
    settlementId: z.string(),
    direction: z.enum(['IN', 'OUT']),
    disposition: z
      .string()
      .meta({ description: 'What the money was taken for; UNAPPLIED and the like wait for a human' }),
    amount: z.number().int().meta({ description: 'Whole VND' }),
    currency: z.literal('VND'),
    paidAt: z.string().meta({ format: 'date-time', description: "Time at the payer's bank" }),
    settledAt: z.string().meta({ format: 'date-time' }),
    lateBySeconds: z.number().int().nullable(),
    rail: z.string(),
    railAccountId: z.string(),
    railTransactionId: z.string(),
    merchantRef: z.string().nullable(),
    source: z.string(),
    invoiceId: z.string().nullable(),
    dossierCode: z.string().nullable(),
    procedureCode: z.string().nullable(),
    agency: z.object({ code: z.string(), name: z.string() }),
    resolvingAgencyCode: z.string().nullable(),
  })
  .meta({ id: 'Transaction' })

export function registerTransactionFeedRoutes(
  server: FastifyInstance,
  { database, officers }: Pick<FinanceOptions, 'database' | 'officers'>,
): void {
  server.withTypeProvider<ZodTypeProvider>().get(
    '/v1/finance/transactions',
    {
      onRequest: officers.holding('finance.read', 'audit'),
      schema: {
        tags: ['Reports'],
        summary: 'Every transaction of every agency, in an order that never changes',
        security: [{ officer: [] }],
        querystring: z.strictObject({
          after: z
            .string()
            .regex(/^\d{1,18}$/)
            .default('0')
            .meta({ description: 'Cursor of the last one seen; 0 begins at the oldest' }),
          limit: z.coerce.number().int().min(1).max(1_000).default(200),
        }),
        response: {
          200: z
            .object({
              transactions: z.array(z.object({ cursor: z.string(), transaction })),
              nextCursor: z.string().meta({ description: 'Send as `after`; unchanged when there was nothing new' }),
            })
            .meta({ id: 'TransactionFeed' }),
          400: problemSchema,
          401: problemSchema,
          403: problemSchema,
          503: problemSchema,
        },
      },
    },
    async (request) => {
      const { tenantId } = officers.of(request)
      const { after, limit } = request.query
      const found = await readTransactions(database.forTenant(tenantId), tenantId, BigInt(after), limit)
      return {
        transactions: found.map((one) => ({ cursor: one.position.toString(), transaction: shown(one) })),
        nextCursor: found.at(-1)?.position.toString() ?? after,
      }
    },
  )
}

function shown(one: FeedTransaction): z.infer<typeof transaction> {
  const { position: _position, agencyCode, agencyName, ...rest } = one
  return {
    ...rest,
    amount: Number(one.amount),
    currency: 'VND',
    paidAt: one.paidAt.toISOString(),
    settledAt: one.settledAt.toISOString(),
    agency: { code: agencyCode, name: agencyName },
  }
}
