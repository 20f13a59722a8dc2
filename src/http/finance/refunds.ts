/** Refunds, for officers: list, look, ask, prepare, approve, reject, report a result, confirm it (docs/refunds.md). */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { canonicalCode } from '../../domain/codes/canonical.ts'
import type { Environment } from '../../environment.ts'
import type { Idempotency } from '../../idempotency/idempotency.ts'
import { Problem } from '../../problem/problem.ts'
import { approveRefund, rejectRefund } from '../../refund/decide.ts'
import { openPayee } from '../../refund/payee.ts'
import { prepareRefund } from '../../refund/prepare.ts'
import { type RefundFilter, readRefundSteps, readRefunds } from '../../refund/read.ts'
import { confirmReport, reportRefund } from '../../refund/report.ts'
import { requestRefund, settlementOfInvoice } from '../../refund/request.ts'
import type { Vault } from '../../secrets/vault.ts'
import type { TenantDatabases, Transaction } from '../../store/database.ts'
import type { Officer, OfficerVerifier, Role } from '../auth/officer.ts'
import { createOfficerGuard } from '../auth/officer-guard.ts'
import { answerOnce, jsonAnswer, officerKeys } from '../portal/idempotent.ts'
import { idempotencyHeaders, problemSchema } from '../portal/schemas.ts'
import { refundAnswerOf, refundSummaryOf } from './refund-answers.ts'
import {
  approveRefundBody,
  confirmReportBody,
  listRefundsQuery,
  prepareRefundBody,
  proposalOf,
  refundAnswer,
  refundId,
  refundList,
  rejectRefundBody,
  reportRefundBody,
  requestRefundBody,
} from './refund-schemas.ts'

export type FinanceOptions = {
  readonly database: TenantDatabases
  readonly environment: Environment
  readonly idempotency: Idempotency
  readonly verifyOfficer: OfficerVerifier
  readonly vault: Vault
}

const reading = { 400: problemSchema, 401: problemSchema, 403: problemSchema, 404: problemSchema, 503: problemSchema }
const acting = { ...reading, 409: problemSchema, 422: problemSchema }
const params = z.object({ id: refundId })

export function registerRefundRoutes(server: FastifyInstance, options: FinanceOptions): void {
  const { database, environment, idempotency, vault } = options
  const routes = server.withTypeProvider<ZodTypeProvider>()
  const officers = createOfficerGuard(options.verifyOfficer)
  const about = (summary: string) => ({ tags: ['Refunds'], summary, security: [{ officer: [] }] })

  async function readOne(source: Pick<Transaction, 'query'>, tenantId: string, id: string) {
    const [refund] = await readRefunds(source, tenantId, { ids: [id], limit: 1 })
    if (refund === undefined) throw new Problem('NOT_FOUND')
    return refundAnswerOf(refund, await openPayee(vault, refund), await readRefundSteps(source, tenantId, id))
  }

  routes.get(
    '/v1/finance/refunds',
    {
      onRequest: officers.holding('finance.read'),
      schema: {
        ...about('Refunds and cases, newest first'),
        querystring: listRefundsQuery,
        response: { 200: refundList, ...reading },
      },
    },
    async (request) => {
      const { limit } = request.query
      const { tenantId } = officers.of(request)
      const found = await readRefunds(database.forTenant(tenantId), tenantId, {
        ...filterOf(request.query),
        limit: limit + 1,
      })
      const page = found.slice(0, limit)
      return { refunds: page.map(refundSummaryOf), nextCursor: found.length > limit ? (page.at(-1)?.id ?? null) : null }
    },
  )

  routes.get(
    '/v1/finance/refunds/:id',
    {
      onRequest: officers.holding('finance.read'),
      schema: {
        ...about('A refund with its payment and every step there was'),
        params,
        response: { 200: refundAnswer, ...reading },
      },
    },
    async (request) => {
      const { tenantId } = officers.of(request)
      return await readOne(database.forTenant(tenantId), tenantId, request.params.id)
    },
  )

  routes.post(
    '/v1/finance/refunds',
    {
      onRequest: officers.holding('finance.resolve'),
      schema: {
        ...about('Ask for a refund of a payment'),
        headers: idempotencyHeaders,
        body: requestRefundBody,
        response: { 201: refundAnswer, ...acting },
      },
    },
    async (request, reply) => {
      const officer = officers.of(request)
      const { tenantId } = officer
      const { body } = request
      return await answerOnce(
        idempotency,
        request,
        reply,
        async (tx) => {
          const settlementId = body.settlementId ?? (await settlementOfInvoice(tx, { tenantId }, body.invoiceId ?? ''))
          const asker = { tenantId, actor: officer.subject, as: 'officer' } as const
          const id = await requestRefund(tx, environment, asker, settlementId, proposalOf(body), vault)
          return {
            ...jsonAnswer(201, await readOne(tx, tenantId, id), { location: `/v1/finance/refunds/${id}` }),
            isSecret: true,
          }
        },
        officerKeys(officer),
      )
    },
  )

  /** A step of one refund; answers with the refund after it. */
  function addStep<Body extends z.ZodType>(
    name: string,
    role: Role,
    summary: string,
    body: Body,
    take: (tx: Transaction, officer: Officer, id: string, body: z.output<Body>) => Promise<void>,
  ): void {
    routes.post(
      `/v1/finance/refunds/:id/${name}`,
      {
        onRequest: officers.holding(role),
        schema: {
          ...about(summary),
          headers: idempotencyHeaders,
          params,
          body,
          response: { 200: refundAnswer, ...acting },
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
            // The route's schema has checked it; its type is lost on the way through the generic.
            await take(tx, officer, id, request.body as z.output<Body>)
            return { ...jsonAnswer(200, await readOne(tx, officer.tenantId, id)), isSecret: true }
          },
          officerKeys(officer),
        )
      },
    )
  }
  addStep(
    'prepare',
    'finance.resolve',
    'Shape a case or a request: reason, basis, amount, channel, payee',
    prepareRefundBody,
    (tx, officer, id, body) => prepareRefund(tx, environment, officer, id, proposalOf(body), vault),
  )
  addStep(
    'approve',
    'finance.approve',
    'Approve a request, or a failed refund anew; another person than who asked',
    approveRefundBody,
    (tx, officer, id, { version }) => approveRefund(tx, environment, officer, id, version),
  )
  addStep(
    'reject',
    'finance.approve',
    'Reject a request or close a case; another person than who asked',
    rejectRefundBody,
    (tx, officer, id, { why }) => rejectRefund(tx, environment, officer, id, why),
  )
  addStep(
    'report',
    'finance.resolve',
    "Tell the result of a payout, or of a refund whose rail fell silent, with the bank's reference",
    reportRefundBody,
    (tx, officer, id, { at, ...report }) =>
      reportRefund(tx, environment, officer, id, { ...report, at: at === undefined ? undefined : new Date(at) }),
  )
  addStep(
    'confirm',
    'finance.approve',
    'Confirm a reported result; another person than who reported',
    confirmReportBody,
    (tx, officer, id, { version }) => confirmReport(tx, environment, officer, id, version),
  )
}

function filterOf(query: z.infer<typeof listRefundsQuery>): Omit<RefundFilter, 'limit'> {
  const { status, origin, channel, invoiceId, settlementId, payoutOrderId, dossierCode, cursor } = query
  return {
    ...(status === undefined ? {} : { status }),
    ...(origin === undefined ? {} : { origin }),
    ...(channel === undefined ? {} : { channel }),
    ...(invoiceId === undefined ? {} : { invoiceId }),
    ...(settlementId === undefined ? {} : { settlementId }),
    ...(payoutOrderId === undefined ? {} : { payoutOrderId }),
    ...(query.open === undefined ? {} : { open: query.open === 'true' }),
    ...(query.needsHuman === undefined ? {} : { needsHuman: query.needsHuman === 'true' }),
    ...(dossierCode === undefined ? {} : { dossierCode: canonical(dossierCode) }),
    ...(cursor === undefined ? {} : { before: cursor }),
  }
}

/** A filter that is no code finds nothing; it is not an error. */
function canonical(text: string): string {
  const parsed = canonicalCode(text, { vi: '', en: '' })
  return parsed.ok ? parsed.value.canonical : text
}
