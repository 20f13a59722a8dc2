/** Statements that banks are asked for: what came, and what did not. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { about, day, paged, type ReconciliationOptions, reading, time } from './shared.ts'

const states = ['WAITING', 'TAKEN', 'GIVEN_UP'] as const
const fetchAnswer = z
  .object({
    railAccountId: z.string(),
    businessDate: day,
    status: z.enum(states).meta({ description: 'GIVEN_UP: upload the file of this day' }),
    tries: z.number().int(),
    nextTryAt: time.nullable(),
    lastError: z.string().nullable(),
    fileId: z.string().nullable(),
  })
  .meta({ id: 'StatementFetch' })
type Row = Omit<z.infer<typeof fetchAnswer>, 'nextTryAt'> & { nextTryAt: Date }

export function registerFetchRoutes(server: FastifyInstance, { database, officers }: ReconciliationOptions): void {
  server.withTypeProvider<ZodTypeProvider>().get(
    '/v1/finance/statement-fetches',
    {
      onRequest: officers.holding('finance.read'),
      schema: {
        ...about('Days for which a bank was asked for its statement, newest first'),
        querystring: z.strictObject({
          limit: z.coerce.number().int().min(1).max(200).default(50),
          cursor: z
            .string()
            .regex(/^\d{4}-\d{2}-\d{2} .{1,60}$/)
            .optional(),
          status: z.enum(states).optional(),
        }),
        response: {
          200: z
            .object({ fetches: z.array(fetchAnswer), nextCursor: z.string().nullable() })
            .meta({ id: 'StatementFetches' }),
          ...reading,
        },
      },
    },
    async (request) => {
      const { tenantId } = officers.of(request)
      const { limit, cursor, status } = request.query
      const rows = await database.forTenant(tenantId).query<Row>(
        `SELECT rail_account_id AS "railAccountId", business_date AS "businessDate", status, tries, next_try_at AS "nextTryAt", last_error AS "lastError",
                file_id AS "fileId"
           FROM statement_fetches
          WHERE tenant_id = $1 AND ($2::text IS NULL OR business_date || ' ' || rail_account_id < $2) AND ($3::text IS NULL OR status = $3)
          ORDER BY business_date || ' ' || rail_account_id DESC LIMIT $4`,
        [tenantId, cursor ?? null, status ?? null, limit + 1],
      )
      const { page, nextCursor } = paged(rows, limit, (row) => `${row.businessDate} ${row.railAccountId}`)
      return {
        fetches: page.map((row) => ({
          ...row,
          nextTryAt: row.status === 'WAITING' ? row.nextTryAt.toISOString() : null,
        })),
        nextCursor,
      }
    },
  )
}
