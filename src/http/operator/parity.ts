/** What the parity sweeper found, for operators and finance officers of a tenant. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { type ParityCode, parityClasses, parityCodes } from '../../domain/parity.ts'
import type { TenantDatabases } from '../../store/database.ts'
import { type FindingRow, listFindings } from '../../store/parity.ts'
import type { OfficerVerifier } from '../auth/officer.ts'
import { createOfficerGuard } from '../auth/officer-guard.ts'
import { problemSchema } from '../portal/schemas.ts'

const codes = z.enum(parityCodes as [ParityCode, ...ParityCode[]])
const query = z.strictObject({
  state: z.enum(['OPEN', 'RESOLVED', 'ALL']).default('OPEN'),
  code: codes.optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z
    .string()
    .regex(/^pfd_[0-9a-z]{26}$/)
    .optional(),
})
const finding = z.object({
  id: z.string(),
  code: codes,
  severity: z.enum(['money', 'flow']),
  subject: z.string().meta({ description: 'Id of the row that does not tie' }),
  invoiceId: z.string().nullable(),
  means: z.string(),
  detail: z.string(),
  remedy: z.string().meta({ description: 'What the gateway does, or what a person is to do' }),
  foundAt: z.string(),
  checkedAt: z.string(),
  resolvedAt: z.string().nullable(),
  resolution: z.enum(['REPAIRED', 'GONE']).nullable(),
})

export function registerParityRoutes(
  server: FastifyInstance,
  { database, verifyOfficer }: { readonly database: TenantDatabases; readonly verifyOfficer: OfficerVerifier },
): void {
  const officers = createOfficerGuard(verifyOfficer)
  server.withTypeProvider<ZodTypeProvider>().get(
    '/v1/ops/parity',
    {
      onRequest: officers.holding('ops', 'finance.read'),
      schema: {
        tags: ['Operations'],
        summary: 'What does not tie between payments, books, events, receipts and refunds',
        security: [{ officer: [] }],
        querystring: query,
        response: {
          200: z
            .object({ findings: z.array(finding), nextCursor: z.string().nullable() })
            .meta({ id: 'ParityFindings' }),
          400: problemSchema,
          401: problemSchema,
          403: problemSchema,
          503: problemSchema,
        },
      },
    },
    async (request) => {
      const { tenantId } = officers.of(request)
      const { state, code, limit, cursor } = request.query
      const filter = { state: state === 'ALL' ? null : state, code: code ?? null, after: cursor ?? null }
      const found = await listFindings(database.forTenant(tenantId), tenantId, filter, limit + 1)
      const page = found.slice(0, limit)
      return { findings: page.map(answerOf), nextCursor: found.length > limit ? (page.at(-1)?.id ?? null) : null }
    },
  )
}

function answerOf(row: FindingRow): z.infer<typeof finding> {
  const { severity, means, remedy } = parityClasses[row.code]
  return {
    ...row,
    severity,
    means,
    remedy,
    foundAt: row.foundAt.toISOString(),
    checkedAt: row.checkedAt.toISOString(),
    resolvedAt: row.resolvedAt?.toISOString() ?? null,
  }
}
