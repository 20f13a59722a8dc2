/** Receipts as finance officers work with them: search, what still waits, corrections, the daily summaries. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { receiptStatuses } from '../../domain/receipt.ts'
import { type Environment, newId } from '../../environment.ts'
import type { Idempotency } from '../../idempotency/idempotency.ts'
import { Problem } from '../../problem/problem.ts'
import type { TenantDatabases, Transaction } from '../../store/database.ts'
import { appendJournal } from '../../store/journal.ts'
import { replaceReceipt } from '../../store/receipt-replacement.ts'
import { type ReceiptRecord, readReceipts, requestAgain } from '../../store/receipts.ts'
import type { Officer } from '../auth/officer.ts'
import type { OfficerGuard } from '../auth/officer-guard.ts'
import { answerOnce, jsonAnswer, officerKeys } from '../portal/idempotent.ts'
import { idempotencyHeaders, problemSchema } from '../portal/schemas.ts'
import { receiptAnswer, receiptAnswerOf } from '../receipt-answer.ts'

export type FinanceOptions = {
  readonly database: TenantDatabases
  readonly environment: Environment
  readonly idempotency: Idempotency
  readonly officers: OfficerGuard
  readonly publicUrl: () => string
}

const security = [{ officer: [] }]
const refusals = {
  400: problemSchema,
  401: problemSchema,
  403: problemSchema,
  404: problemSchema,
  409: problemSchema,
  422: problemSchema,
  503: problemSchema,
}

const officerReceipt = receiptAnswer
  .extend({
    feeName: z.string().nullable(),
    issuedOn: z.string().nullable().meta({ description: 'Local day' }),
    requestedAt: z.string().meta({ format: 'date-time' }),
    waitsFor: z.string().nullable().meta({ description: 'Why it is not issued yet' }),
    summaryId: z.string().nullable().meta({ description: 'The daily summary that holds it' }),
  })
  .meta({ id: 'OfficerReceipt' })

const params = z.object({ id: z.string().regex(/^rcp_[0-9a-z]{26}$/) })
const day = z.iso.date().meta({ description: 'Local day' })
const listQuery = z.strictObject({
  status: z.enum(receiptStatuses).optional(),
  agencyCode: z.string().max(40).optional(),
  invoiceId: z.string().max(40).optional(),
  dossierCode: z.string().max(80).optional(),
  symbol: z.string().max(20).optional(),
  number: z.coerce.number().int().min(1).max(99_999_999).optional(),
  issuedFrom: day.optional(),
  issuedTo: day.optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z
    .string()
    .regex(/^rcp_[0-9a-z]{26}$/)
    .optional(),
})
const correction = z
  .strictObject({
    payerName: z
      .string()
      .min(1)
      .max(255)
      .regex(/^(?=.*\S)[^\p{C}|]*$/u),
    reason: z
      .string()
      .min(1)
      .max(500)
      .regex(/^(?=.*\S)[^\p{C}|]*$/u),
  })
  .meta({ id: 'ReceiptCorrection' })

export function registerFinanceReceiptRoutes(server: FastifyInstance, options: FinanceOptions): void {
  const { database, environment, idempotency, officers, publicUrl } = options
  const routes = server.withTypeProvider<ZodTypeProvider>()
  const about = (summary: string) => ({ tags: ['Operations'], summary, security })
  const answerOf = (receipt: ReceiptRecord): z.infer<typeof officerReceipt> => ({
    ...receiptAnswerOf(receipt, publicUrl()),
    feeName: receipt.feeName,
    issuedOn: receipt.issuedOn,
    requestedAt: receipt.requestedAt.toISOString(),
    waitsFor: receipt.lastError,
    summaryId: receipt.summaryId,
  })
  const readOne = async (source: Pick<Transaction, 'query'>, { tenantId }: Officer, id: string) => {
    const [receipt] = await readReceipts(source, { tenantId, id, limit: 1 })
    if (receipt === undefined) throw new Problem('NOT_FOUND')
    return receipt
  }

  routes.get(
    '/v1/finance/receipts',
    {
      onRequest: officers.holding('finance.read', 'audit'),
      schema: {
        ...about('Receipts, newest first'),
        querystring: listQuery,
        response: {
          200: z
            .object({ receipts: z.array(officerReceipt), nextCursor: z.string().nullable() })
            .meta({ id: 'OfficerReceiptList' }),
          ...refusals,
        },
      },
    },
    async (request) => {
      const { tenantId } = officers.of(request)
      const { cursor, limit, ...filter } = request.query
      const found = await readReceipts(database.forTenant(tenantId), {
        ...filter,
        tenantId,
        before: cursor,
        limit: limit + 1,
      })
      const page = found.slice(0, limit)
      return { receipts: page.map(answerOf), nextCursor: found.length > limit ? (page.at(-1)?.id ?? null) : null }
    },
  )

  routes.get(
    '/v1/finance/receipts/:id',
    {
      onRequest: officers.holding('finance.read', 'audit'),
      schema: { ...about('Get a receipt'), params, response: { 200: officerReceipt, ...refusals } },
    },
    async (request) => {
      const officer = officers.of(request)
      return answerOf(await readOne(database.forTenant(officer.tenantId), officer, request.params.id))
    },
  )

  routes.post(
    '/v1/finance/receipts/:id/request-again',
    {
      onRequest: officers.holding('finance.resolve'),
      schema: {
        ...about('Try a receipt that waits at once'),
        headers: idempotencyHeaders,
        params,
        response: { 200: officerReceipt, ...refusals },
      },
    },
    async (request, reply) => {
      const officer = officers.of(request)
      const { id } = request.params
      return await answerOnce(
        idempotency,
        request,
        reply,
        async (tx) => {
          await readOne(tx, officer, id)
          if (!(await requestAgain(tx, officer.tenantId, id))) throw new Problem('RECEIPT_ALREADY_ISSUED')
          await appendJournal(tx, [
            {
              tenantId: officer.tenantId,
              at: environment.now(),
              kind: 'receipt.requested_again',
              subject: id,
              actor: officer.subject,
              facts: {},
            },
          ])
          return jsonAnswer(200, answerOf(await readOne(tx, officer, id)))
        },
        officerKeys(officer),
      )
    },
  )

  routes.post(
    '/v1/finance/receipts/:id/replace',
    {
      onRequest: officers.holding('finance.resolve'),
      schema: {
        ...about('Put a receipt with the right payer in the place of an issued one'),
        headers: idempotencyHeaders,
        params,
        body: correction,
        response: { 201: officerReceipt, ...refusals },
      },
    },
    async (request, reply) => {
      const officer = officers.of(request)
      const { id } = request.params
      const { payerName, reason } = request.body
      return await answerOnce(
        idempotency,
        request,
        reply,
        async (tx) => {
          const replacement = await replaceReceipt(
            tx,
            { tenantId: officer.tenantId, receiptId: id, payerName, reason, actor: officer.subject },
            environment.now(),
            () => newId(environment, 'rcp'),
          )
          if (!replacement.ok)
            throw new Problem(replacement.why === 'notFound' ? 'NOT_FOUND' : 'RECEIPT_NOT_REPLACEABLE')
          const receipt = await readOne(tx, officer, replacement.id)
          return jsonAnswer(201, answerOf(receipt), { location: `/v1/finance/receipts/${replacement.id}` })
        },
        officerKeys(officer),
      )
    },
  )
}
