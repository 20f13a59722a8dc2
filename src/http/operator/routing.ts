/** The dry run of routing for officers: what would be offered for any demand, at any time, by the rules that are loaded now. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { parseAgencyCode } from '../../domain/codes/agency-code.ts'
import { parseProcedureCode } from '../../domain/codes/procedure-code.ts'
import { maxVnd } from '../../domain/money.ts'
import { businessDate } from '../../domain/vietnam-time.ts'
import type { Environment } from '../../environment.ts'
import { Problem } from '../../problem/problem.ts'
import type { Router } from '../../rails/router.ts'
import { activeBeneficiaries, findAgencies } from '../../store/agencies.ts'
import type { TenantDatabases } from '../../store/database.ts'
import type { OfficerVerifier } from '../auth/officer.ts'
import { createOfficerGuard } from '../auth/officer-guard.ts'
import { problemSchema } from '../portal/schemas.ts'
import { circuitNote, circuitNoteAnswer, routeAnswer, routeAnswerOf } from '../route-schemas.ts'

export type RoutingRoutesOptions = {
  readonly database: TenantDatabases
  readonly environment: Environment
  readonly routes: Router
  readonly verifyOfficer: OfficerVerifier
}

const refusals = { 400: problemSchema, 401: problemSchema, 403: problemSchema, 422: problemSchema, 503: problemSchema }

const demandQuery = z.strictObject({
  agencyCode: z.string().min(1).max(40),
  procedureCode: z.string().min(1).max(60),
  amount: z.coerce.number().int().min(1).max(Number(maxVnd)),
  at: z.iso.datetime({ offset: true }).optional().meta({ description: 'Now, when it is left out' }),
  channel: z.enum(['ONLINE', 'COUNTER']).default('ONLINE'),
  locale: z.enum(['vi', 'en']).default('vi'),
})

const demandRoutes = z
  .object({
    agencyCode: z.string(),
    payingAgencyCode: z.string().meta({ description: 'The successor, when the agency was merged' }),
    procedureCode: z.string(),
    amount: z.number().int(),
    at: z.string(),
    beneficiaryAccounts: z.array(
      z.object({
        id: z.string(),
        creditor: z.enum(['COLLECTING_AGENCY', 'STATE_BUDGET', 'PUBLIC_POST']),
        routes: z.array(routeAnswer),
      }),
    ),
    circuitNote: circuitNoteAnswer,
  })
  .meta({ id: 'DemandRoutes', description: 'An invoice pays one account: its rails are those of that account' })

export function registerRoutingRoutes(server: FastifyInstance, options: RoutingRoutesOptions): void {
  const { database, environment, routes, verifyOfficer } = options
  const officers = createOfficerGuard(verifyOfficer)
  const http = server.withTypeProvider<ZodTypeProvider>()

  http.get(
    '/v1/ops/routes',
    {
      onRequest: officers.holding('ops', 'finance.read'),
      schema: {
        tags: ['Operations'],
        summary: 'Which rails a demand would be offered, and why',
        security: [{ officer: [] }],
        querystring: demandQuery,
        response: { 200: demandRoutes, ...refusals },
      },
    },
    async (request) => {
      const { tenantId } = officers.of(request)
      const { query } = request
      const at = query.at === undefined ? environment.now() : new Date(query.at)
      const agency = parseAgencyCode(query.agencyCode)
      const procedure = parseProcedureCode(query.procedureCode)
      if (!agency.ok) throw wrongCode('agencyCode', agency)
      if (!procedure.ok) throw wrongCode('procedureCode', procedure)
      const tenant = database.forTenant(tenantId)
      const [found] = await findAgencies(tenant, tenantId, [agency.value.canonical], businessDate(at))
      if (found === undefined) throw new Problem('UNKNOWN_AGENCY')
      const accounts = await activeBeneficiaries(tenant, tenantId, [found.paying])
      return {
        agencyCode: found.code,
        payingAgencyCode: found.paying,
        procedureCode: procedure.value.nationalPart,
        amount: query.amount,
        at: at.toISOString(),
        beneficiaryAccounts: await Promise.all(
          accounts.map(async ({ id, creditor }) => ({
            id,
            creditor,
            routes: (
              await routes({
                tenantId,
                beneficiaryAccountId: id,
                agencyCode: found.code,
                procedureCode: procedure.value.nationalPart,
                amount: BigInt(query.amount),
                at,
                channel: query.channel,
                locale: query.locale,
                invoiceId: null,
              })
            ).map(routeAnswerOf),
          })),
        ),
        circuitNote,
      }
    },
  )
}

function wrongCode(field: string, parsed: { code: string; messageVi: string; messageEn: string }): Problem {
  const { code, messageVi: vi, messageEn: en } = parsed
  return new Problem('INVALID_REQUEST', {
    errors: [{ field: `querystring.${field}`, code: code.toLowerCase(), vi, en }],
  })
}
