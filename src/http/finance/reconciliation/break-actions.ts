/** What officers do about a break: own it, talk about it, resolve it by two people. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { businessDate } from '../../../domain/vietnam-time.ts'
import { assign, comment } from '../../../reconciliation/breaks/history.ts'
import { approve, propose, refuse } from '../../../reconciliation/breaks/resolve.ts'
import type { Transaction } from '../../../store/database.ts'
import { answerOnce, jsonAnswer, officerKeys } from '../../portal/idempotent.ts'
import { idempotencyHeaders } from '../../portal/schemas.ts'
import { actionCodes, breakDetail, readBreak } from './break-answers.ts'
import { about, acting, day, numbered, numberOf, type ReconciliationOptions } from './shared.ts'

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
  breakIds: z
    .array(numbered('brk'))
    .max(50)
    .optional()
    .meta({ description: 'PAIR: other open breaks, with all they hold' }),
  until: day.optional(),
})
const words = z.strictObject({ text: z.string().trim().min(1).max(2000) })

export function registerBreakActionRoutes(
  server: FastifyInstance,
  { environment, idempotency, officers }: ReconciliationOptions,
): void {
  const routes = server.withTypeProvider<ZodTypeProvider>()
  const resolving = officers.holding('finance.resolve')
  const params = z.object({ id: numbered('brk') })
  const resolutionParams = z.object({ id: numbered('brk'), resolutionId: numbered('rsl') })

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
        return jsonAnswer(200, await readBreak(tx.query, tenantId, breakId, businessDate(environment.now())))
      },
      officerKeys({ tenantId, subject }),
    )
  }

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
      const { action, reason, lineIds, breakIds, ...details } = request.body
      return await change(request, reply, request.params.id, (tx, officer, id) =>
        propose(tx, environment, officer, id, {
          action,
          reason,
          details: {
            ...details,
            ...(lineIds === undefined ? {} : { lineIds: lineIds.map((line) => numberOf('lin', line).toString()) }),
            ...(breakIds === undefined ? {} : { breakIds: breakIds.map((other) => numberOf('brk', other).toString()) }),
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
