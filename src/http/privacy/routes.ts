/**
 * For those who answer for personal data at an agency: what is held on one person, and who has looked. Nobody looks without a purpose,
 * and no look is without a trace.
 */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { personalNumbers } from '../../domain/codes/personal-number.ts'
import { masked, personalClasses } from '../../domain/retention.ts'
import type { Environment } from '../../environment.ts'
import type { Idempotency } from '../../idempotency/idempotency.ts'
import { type PersonalDossier, personalDossier } from '../../personal/dossier.ts'
import type { FieldCipher } from '../../personal/field-cipher.ts'
import { Problem } from '../../problem/problem.ts'
import type { Vault } from '../../secrets/vault.ts'
import type { TenantDatabases } from '../../store/database.ts'
import type { OfficerGuard } from '../auth/officer-guard.ts'
import { answerOnce, jsonAnswer, officerKeys } from '../portal/idempotent.ts'
import { code, idempotencyHeaders, instantOut, plainText, problemSchema } from '../portal/schemas.ts'

export type PrivacyOptions = {
  readonly database: TenantDatabases
  readonly environment: Environment
  readonly idempotency: Idempotency
  readonly officers: OfficerGuard
  readonly cipher: FieldCipher
  readonly vault: Vault
}

const reading = { 400: problemSchema, 401: problemSchema, 403: problemSchema, 503: problemSchema }

const searchBody = z
  .strictObject({
    number: code(20).meta({ description: 'Id number, tax code or phone of the person', examples: ['001199000001'] }),
    purpose: plainText(300).meta({
      description: 'Why: kept in the journal. Name the request, never the person',
      examples: ['Yêu cầu số 15/YC-2026 của chủ thể dữ liệu'],
    }),
    show: z
      .enum(['MASKED', 'CLEAR'])
      .default('MASKED')
      .meta({ description: 'MASKED: the last three characters of each value' }),
  })
  .meta({ id: 'SearchPerson' })

const foundPerson = z
  .object({
    held: z.array(
      z.object({
        invoiceId: z.string(),
        role: z.string(),
        class: z.enum(Object.keys(personalClasses) as [string, ...string[]]),
        fields: z.record(z.string(), z.string()),
        createdAt: instantOut,
        keepUntil: instantOut.meta({ description: 'Erased then, unless held' }),
        holdReason: z.string().nullable(),
      }),
    ),
    invoices: z.array(
      z.object({
        id: z.string(),
        dossierCode: z.string(),
        issuedAt: instantOut,
        names: z.record(z.string(), z.string()).meta({ description: 'By role' }),
      }),
    ),
    receipts: z.array(z.object({ id: z.string(), invoiceId: z.string(), payerName: z.string().nullable() })),
    payees: z.array(
      z.object({
        refundId: z.string(),
        invoiceId: z.string(),
        payee: z.object({ accountNumber: z.string(), accountName: z.string(), bankBin: z.string() }).nullable(),
      }),
    ),
  })
  .meta({ id: 'PersonalData' })

const accessQuery = z.strictObject({
  actor: z.string().min(1).max(200).optional().meta({ description: "An officer's subject, or `operator:cli`" }),
  kind: z.enum(['searched', 'read', 'held', 'released', 'erased']).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z
    .string()
    .regex(/^[1-9]\d{0,17}$/)
    .optional(),
})
const access = z.object({
  at: instantOut,
  kind: z.string(),
  actor: z.string(),
  subject: z.string().meta({ description: 'The invoice or refund; for a search the tenant' }),
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.null()])),
})
const journalBody = z.object({ facts: access.shape.facts })

export function registerPrivacyRoutes(server: FastifyInstance, options: PrivacyOptions): void {
  const { database, environment, idempotency, officers, cipher, vault } = options
  const routes = server.withTypeProvider<ZodTypeProvider>()
  const about = (summary: string) => ({ tags: ['Privacy'], summary, security: [{ officer: [] }] })

  routes.post(
    '/v1/privacy/searches',
    {
      onRequest: officers.holding('privacy'),
      schema: {
        ...about('All that is held on one person; the search and its purpose are kept'),
        headers: idempotencyHeaders,
        body: searchBody,
        response: { 201: foundPerson, ...reading, 409: problemSchema, 422: problemSchema },
      },
    },
    async (request, reply) => {
      const officer = officers.of(request)
      const { number, purpose, show } = request.body
      const numbers = personalNumbers(number)
      if (numbers.length === 0)
        throw new Problem('INVALID_REQUEST', {
          errors: [
            {
              field: 'number',
              code: 'WRONG_FORMAT',
              vi: 'không phải số định danh, mã số thuế hay số điện thoại',
              en: 'is no id number, tax code or phone',
            },
          ],
        })
      const act = { environment, cipher, vault, actor: officer.subject, tenantId: officer.tenantId }
      return await answerOnce(
        idempotency,
        request,
        reply,
        async (tx) => {
          const dossier = await personalDossier(tx, act, numbers, purpose)
          // The answer is kept sealed: it is what the law calls personal data.
          return { ...jsonAnswer(201, answerOf(dossier, show === 'CLEAR' ? (text) => text : masked)), isSecret: true }
        },
        officerKeys(officer),
      )
    },
  )

  routes.get(
    '/v1/privacy/accesses',
    {
      onRequest: officers.holding('privacy', 'audit'),
      schema: {
        ...about('Who looked at personal data, held or erased it: when and why, newest first'),
        querystring: accessQuery,
        response: {
          200: z
            .object({ accesses: z.array(access), nextCursor: z.string().nullable() })
            .meta({ id: 'PersonalAccesses' }),
          ...reading,
        },
      },
    },
    async (request) => {
      const { tenantId } = officers.of(request)
      const { actor, kind, limit, cursor } = request.query
      const found = await database.forTenant(tenantId).query<{
        seq: bigint
        at: Date
        kind: string
        actor: string
        subject: string
        body: string
      }>(
        `SELECT seq, at, kind, actor, subject, body FROM journal_entries
          WHERE tenant_id = $1 AND kind LIKE 'personal.%' AND ($2::text IS NULL OR actor = $2) AND ($3::text IS NULL OR kind = $3)
            AND ($4::bigint IS NULL OR seq < $4)
          ORDER BY seq DESC LIMIT $5`,
        [tenantId, actor ?? null, kind === undefined ? null : `personal.${kind}`, cursor ?? null, limit + 1],
      )
      const page = found.slice(0, limit)
      return {
        accesses: page.map(({ seq: _seq, body, at, ...entry }) => ({
          ...entry,
          at: at.toISOString(),
          kind: entry.kind.slice('personal.'.length),
          facts: journalBody.parse(JSON.parse(body)).facts,
        })),
        nextCursor: found.length > limit ? String(page.at(-1)?.seq) : null,
      }
    },
  )
}

function answerOf(dossier: PersonalDossier, shown: (text: string) => string): z.infer<typeof foundPerson> {
  const each = (texts: Readonly<Record<string, string | undefined>>) =>
    Object.fromEntries(Object.entries(texts).map(([name, text = '']) => [name, shown(text)]))
  return {
    held: dossier.held.map(({ tenantId: _tenant, ...row }) => ({
      ...row,
      fields: each(row.fields),
      createdAt: row.createdAt.toISOString(),
      keepUntil: row.keepUntil.toISOString(),
    })),
    invoices: dossier.invoices.map((invoice) => ({
      ...invoice,
      issuedAt: invoice.issuedAt.toISOString(),
      names: each(invoice.names),
    })),
    receipts: dossier.receipts.map(({ payerName, ...receipt }) => ({
      ...receipt,
      payerName: payerName === null ? null : shown(payerName),
    })),
    payees: dossier.payees.map(({ payee, ...refund }) => ({
      ...refund,
      payee:
        payee === null
          ? null
          : { ...payee, accountNumber: shown(payee.accountNumber), accountName: shown(payee.accountName) },
    })),
  }
}
