/** Payout orders: what is approved for an agency's bank or the Treasury, as JSON and as CSV. */
import { stringify } from 'csv-stringify/sync'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { readableLocalTime } from '../../domain/vietnam-time.ts'
import { neutralText } from '../../export/csv.ts'
import { Problem } from '../../problem/problem.ts'
import {
  makePayoutOrder,
  type PayoutLine,
  type PayoutOrder,
  readPayoutLines,
  readPayoutOrders,
} from '../../refund/payout-order.ts'
import type { Transaction } from '../../store/database.ts'
import { createOfficerGuard } from '../auth/officer-guard.ts'
import { answerOnce, jsonAnswer, officerKeys } from '../portal/idempotent.ts'
import { idempotencyHeaders, problemSchema } from '../portal/schemas.ts'
import { payoutOrderOf, payoutSummaryOf } from './refund-answers.ts'
import {
  listPayoutOrdersQuery,
  makePayoutOrderBody,
  payoutOrderAnswer,
  payoutOrderId,
  payoutOrderList,
} from './refund-schemas.ts'
import type { FinanceOptions } from './refunds.ts'

const reading = { 400: problemSchema, 401: problemSchema, 403: problemSchema, 404: problemSchema, 503: problemSchema }
const params = z.object({ id: payoutOrderId })

export function registerPayoutOrderRoutes(server: FastifyInstance, options: FinanceOptions): void {
  const { database, environment, idempotency, vault } = options
  const routes = server.withTypeProvider<ZodTypeProvider>()
  const officers = createOfficerGuard(options.verifyOfficer)
  const about = (summary: string) => ({ tags: ['Refunds'], summary, security: [{ officer: [] }] })

  async function readOne(
    source: Pick<Transaction, 'query'>,
    tenantId: string,
    id: string,
  ): Promise<{ order: PayoutOrder; lines: PayoutLine[] }> {
    const [order] = await readPayoutOrders(source, tenantId, { id, limit: 1 })
    if (order === undefined) throw new Problem('NOT_FOUND')
    return { order, lines: await readPayoutLines(source, tenantId, id, vault) }
  }

  routes.post(
    '/v1/finance/payout-orders',
    {
      onRequest: officers.holding('finance.resolve'),
      schema: {
        ...about('Write what is approved into one order; its refunds are then sent'),
        headers: idempotencyHeaders,
        body: makePayoutOrderBody,
        response: { 201: payoutOrderAnswer, ...reading, 409: problemSchema, 422: problemSchema },
      },
    },
    async (request, reply) => {
      const officer = officers.of(request)
      const { body } = request
      return await answerOnce(
        idempotency,
        request,
        reply,
        async (tx) => {
          const id = await makePayoutOrder(tx, environment, officer, body)
          const { order, lines } = await readOne(tx, officer.tenantId, id)
          const answer = jsonAnswer(201, payoutOrderOf(order, lines), { location: `/v1/finance/payout-orders/${id}` })
          return { ...answer, isSecret: true }
        },
        officerKeys(officer),
      )
    },
  )

  routes.get(
    '/v1/finance/payout-orders',
    {
      onRequest: officers.holding('finance.read'),
      schema: {
        ...about('Payout orders, newest first'),
        querystring: listPayoutOrdersQuery,
        response: { 200: payoutOrderList, ...reading },
      },
    },
    async (request) => {
      const { tenantId } = officers.of(request)
      const { limit, cursor, channel } = request.query
      const found = await readPayoutOrders(database.forTenant(tenantId), tenantId, {
        ...(cursor === undefined ? {} : { before: cursor }),
        ...(channel === undefined ? {} : { channel }),
        limit: limit + 1,
      })
      const page = found.slice(0, limit)
      return { orders: page.map(payoutSummaryOf), nextCursor: found.length > limit ? (page.at(-1)?.id ?? null) : null }
    },
  )

  routes.get(
    '/v1/finance/payout-orders/:id',
    {
      onRequest: officers.holding('finance.read'),
      schema: { ...about('A payout order with its lines'), params, response: { 200: payoutOrderAnswer, ...reading } },
    },
    async (request) => {
      const { tenantId } = officers.of(request)
      const { order, lines } = await readOne(database.forTenant(tenantId), tenantId, request.params.id)
      return payoutOrderOf(order, lines)
    },
  )

  routes.get(
    '/v1/finance/payout-orders/:id/csv',
    {
      onRequest: officers.holding('finance.read'),
      schema: {
        ...about('The order as CSV (UTF-8 with a mark; import account numbers as text)'),
        params,
        response: {
          200: { description: 'One line for each payout', content: { 'text/csv': { schema: z.string() } } },
          ...reading,
        },
      },
    },
    async (request, reply) => {
      const { tenantId } = officers.of(request)
      const { order, lines } = await readOne(database.forTenant(tenantId), tenantId, request.params.id)
      return await reply
        .type('text/csv; charset=utf-8')
        .header('content-disposition', `attachment; filename="${order.id}.csv"`)
        .send(csvOf(order, lines))
    },
  )
}

/** Spreadsheets run cells that begin like formulas: names are typed by strangers. */
function csvOf({ id, channel, from }: PayoutOrder, lines: readonly PayoutLine[]): string {
  return stringify(
    lines.map((line, index) => ({
      order: id,
      channel,
      line: index + 1,
      refund: line.refundId,
      reference: line.reference,
      debit_account: from.accountNumber,
      debit_name: from.accountName,
      debit_bank: from.bankBin,
      credit_account: line.payee?.accountNumber ?? '',
      credit_name: line.payee?.accountName ?? '',
      credit_bank: line.payee?.bankBin ?? '',
      amount: line.amount.toString(),
      currency: 'VND',
      content: line.content,
      dossier: line.dossierCode ?? '',
      reason: line.reason,
      legal_basis: line.legalBasis,
      requested_by: line.requestedBy,
      approved_by: line.approvedBy,
      bank_transaction: line.railTransactionId,
      paid_at: readableLocalTime(line.paidAt),
    })),
    { header: true, bom: true, record_delimiter: 'windows', cast: { string: neutralText } },
  )
}
