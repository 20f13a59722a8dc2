/** The published fee table (Law on fees, art. 14), and its loading by API. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { loadCatalogue } from '../../catalogue/load.ts'
import { parseProcedureCode } from '../../domain/codes/procedure-code.ts'
import { Problem } from '../../problem/problem.ts'
import { requireScope } from '../auth/access-token.ts'
import { callerOf } from '../auth/caller.ts'
import { answerOnce, jsonAnswer } from './idempotent.ts'
import { type PortalOptions, portalScope } from './invoices.ts'
import { idempotencyHeaders, problemSchema } from './schemas.ts'

const refusals = {
  400: problemSchema,
  401: problemSchema,
  403: problemSchema,
  404: problemSchema,
  422: problemSchema,
  429: problemSchema,
  503: problemSchema,
}
const catalogueBodyBytes = 8 * 1024 * 1024

const procedureAnswer = z
  .object({
    procedure: z.record(z.string(), z.unknown()),
    rates: z.array(z.object({ version: z.number().int(), rate: z.record(z.string(), z.unknown()) })),
    illustrative: z.boolean(),
  })
  .meta({ id: 'ProcedureFees' })

const loadAnswer = z
  .object({
    releaseId: z.string(),
    version: z.string(),
    illustrative: z.boolean(),
    procedures: z.number().int(),
    changed: z.number().int(),
    withdrawn: z.number().int(),
    alreadyLoaded: z.boolean(),
  })
  .meta({ id: 'CatalogueLoad' })

export function registerCatalogueRoutes(
  server: FastifyInstance,
  options: PortalOptions & { readonly production: boolean },
): void {
  const { database, environment, idempotency, authenticate, production } = options
  const routes = server.withTypeProvider<ZodTypeProvider>()

  routes.get(
    '/v1/procedures/:code',
    {
      onRequest: requireScope(authenticate, 'catalogue:read'),
      schema: {
        tags: ['Catalogue'],
        summary: 'Fees of a procedure with their legal basis and validity',
        security: portalScope('catalogue:read'),
        params: z.object({ code: z.string().max(60) }),
        response: { 200: procedureAnswer, ...refusals },
      },
    },
    async (request) => {
      const { tenantId } = callerOf(request)
      const parsed = parseProcedureCode(request.params.code)
      if (!parsed.ok) throw new Problem('NOT_FOUND')
      const code = parsed.value.nationalPart
      const tenant = database.forTenant(tenantId)
      const [procedure] = await tenant.query<{ body: Record<string, unknown>; illustrative: boolean }>(
        'SELECT p.body, r.illustrative FROM procedures p JOIN catalogue_releases r ON r.id = p.release_id WHERE p.tenant_id = $1 AND p.code = $2',
        [tenantId, code],
      )
      if (procedure === undefined) throw new Problem('NOT_FOUND')
      const rates = await tenant.query<{ version: number; body: Record<string, unknown> }>(
        'SELECT version, body FROM fee_rates WHERE tenant_id = $1 AND procedure_code = $2 AND withdrawn_at IS NULL ORDER BY id',
        [tenantId, code],
      )
      return {
        procedure: procedure.body,
        rates: rates.map(({ version, body }) => ({ version, rate: body })),
        illustrative: procedure.illustrative,
      }
    },
  )

  routes.post(
    '/v1/catalogue',
    {
      bodyLimit: catalogueBodyBytes,
      onRequest: requireScope(authenticate, 'catalogue:write'),
      schema: {
        tags: ['Catalogue'],
        summary: 'Load a catalogue file: all of it or nothing',
        security: portalScope('catalogue:write'),
        headers: idempotencyHeaders,
        body: z.record(z.string(), z.unknown()).meta({ id: 'CatalogueFile' }),
        response: { 200: loadAnswer, ...refusals },
      },
    },
    async (request, reply) => {
      const { tenantId, clientId } = callerOf(request)
      return await answerOnce(idempotency, request, reply, async (tx) =>
        jsonAnswer(
          200,
          await loadCatalogue(tx, environment, {
            tenantId,
            actor: clientId,
            data: request.body,
            refuseIllustrative: production,
          }),
        ),
      )
    },
  )
}
