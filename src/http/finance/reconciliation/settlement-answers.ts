/** What a rail gets back for its settlement file. */
import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { settlementAnswer } from '../../../reconciliation/settlement-answer.ts'
import { about, acting, type ReconciliationOptions } from './shared.ts'

export function registerSettlementAnswerRoutes(
  server: FastifyInstance,
  { database, environment, officers, vault }: ReconciliationOptions,
): void {
  server.withTypeProvider<ZodTypeProvider>().get(
    '/v1/finance/exports/settlement-answers/:id',
    {
      onRequest: officers.holding('finance.read'),
      schema: {
        ...about('Our answer file to a settlement file, in the layout of its rail (VietinBank)'),
        params: z.object({ id: z.string().regex(/^fil_[0-9a-z]{26}$/) }),
        response: { 200: z.unknown().meta({ description: 'The file' }), ...acting },
      },
    },
    async (request, reply) => {
      const { tenantId } = officers.of(request)
      const { name, text } = await settlementAnswer(
        database.forTenant(tenantId),
        vault,
        tenantId,
        request.params.id,
        environment.now(),
      )
      reply.header('content-type', 'text/plain; charset=utf-8')
      reply.header('content-disposition', `attachment; filename="${name}"`)
      return reply.send(Readable.from(text) as never)
    },
  )
}
