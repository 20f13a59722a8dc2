/** Cash on its way from drawers to the bank. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { handoverStates, readHandovers } from '../../../counter/handover.ts'
import { sequenceId } from '../../../domain/ids.ts'
import { about, day, paged, pageQuery, type ReconciliationOptions, reading, time, vnd } from './shared.ts'

const handoverAnswer = z
  .object({
    id: z.string(),
    state: z.enum(handoverStates).meta({
      description: 'WAITING: not seen at the bank; QUESTIONED: in a break; DEPOSITED: the bank shows all of it',
    }),
    code: z.string().meta({ description: 'What the text of the deposit must name' }),
    shiftId: z.string(),
    unitCode: z.string(),
    operator: z.string(),
    operatorName: z.string(),
    railAccountId: z.string(),
    beneficiaryAccountId: z.string(),
    collections: z.number().int(),
    amount: vnd,
    handedOverAt: time,
    depositedOn: day.nullable(),
    place: z.string().nullable().meta({ description: 'The match or break that its payments stand in' }),
  })
  .meta({ id: 'CashHandover' })

export function registerCashRoutes(server: FastifyInstance, { database, officers }: ReconciliationOptions): void {
  server.withTypeProvider<ZodTypeProvider>().get(
    '/v1/finance/cash-handovers',
    {
      onRequest: officers.holding('finance.read'),
      schema: {
        ...about('What closed shifts handed over, and whether the bank shows it; newest first'),
        querystring: z.strictObject({
          ...pageQuery,
          state: z.enum(handoverStates).optional(),
          railAccountId: z.string().max(60).optional(),
        }),
        response: {
          200: z
            .object({ handovers: z.array(handoverAnswer), nextCursor: z.string().nullable() })
            .meta({ id: 'CashHandovers' }),
          ...reading,
        },
      },
    },
    async (request) => {
      const { tenantId } = officers.of(request)
      const { limit, cursor, state, railAccountId } = request.query
      const rows = await readHandovers(database.forTenant(tenantId), tenantId, {
        ...(state === undefined ? {} : { state }),
        ...(railAccountId === undefined ? {} : { railAccountId }),
        ...(cursor === undefined ? {} : { before: cursor }),
        limit: limit + 1,
      })
      const { page, nextCursor } = paged(rows, limit, ({ id }) => id)
      return {
        handovers: page.map(({ matchId, breakId, ...row }) => ({
          ...row,
          amount: Number(row.amount),
          handedOverAt: row.handedOverAt.toISOString(),
          place: matchId !== null ? sequenceId('mat', matchId) : breakId !== null ? sequenceId('brk', breakId) : null,
        })),
        nextCursor,
      }
    },
  )
}
