/** Baskets: several invoices, one visit of the payer. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { z } from 'zod'
import { createBasket, issueBasket } from '../../basket/create.ts'
import { basketSums, partOf } from '../../domain/basket.ts'
import { Problem } from '../../problem/problem.ts'
import { type BasketRecord, readBaskets } from '../../store/baskets.ts'
import type { Transaction } from '../../store/database.ts'
import { readInvoices } from '../../store/invoices.ts'
import { requireScope } from '../auth/access-token.ts'
import { type Caller, callerOf } from '../auth/caller.ts'
import { invoiceAnswerOf } from './answers.ts'
import {
  basketAnswer,
  basketList,
  basketParams,
  createBasketBody,
  issueBasketBody,
  issuedBasketAnswer,
  listBasketsQuery,
} from './basket-schemas.ts'
import { answerOnce, jsonAnswer } from './idempotent.ts'
import { canonicalFilter, type PortalOptions, portalScope } from './invoices.ts'
import { idempotencyHeaders, problemSchema } from './schemas.ts'

const refusals = {
  400: problemSchema,
  401: problemSchema,
  403: problemSchema,
  409: problemSchema,
  422: problemSchema,
  429: problemSchema,
  503: problemSchema,
}

export function registerBasketRoutes(server: FastifyInstance, options: PortalOptions): void {
  const { database, environment, idempotency, authenticate, sign, cipher, publicUrl, routes } = options
  const http = server.withTypeProvider<ZodTypeProvider>()

  async function readOne(source: Pick<Transaction, 'query'>, caller: Caller, id: string): Promise<BasketRecord> {
    const [basket] = await readBaskets(source, caller, { ids: [id], limit: 1 })
    if (basket === undefined) throw new Problem('NOT_FOUND')
    return basket
  }

  http.post(
    '/v1/baskets',
    {
      onRequest: requireScope(authenticate, 'invoices:write'),
      schema: {
        tags: ['Baskets'],
        summary: 'Put open invoices into one basket with one payment page',
        security: portalScope('invoices:write'),
        headers: idempotencyHeaders,
        body: createBasketBody,
        response: { 201: basketAnswer, ...refusals },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request)
      const { body } = request
      return await answerOnce(idempotency, request, reply, async (tx) => {
        const id = await createBasket(tx, environment, caller, body)
        return jsonAnswer(201, basketAnswerOf(await readOne(tx, caller, id), publicUrl()), {
          location: `/v1/baskets/${id}`,
        })
      })
    },
  )

  http.post(
    '/v1/baskets/issue',
    {
      onRequest: requireScope(authenticate, 'invoices:write'),
      schema: {
        tags: ['Baskets'],
        summary: 'Issue what a dossier owes, one invoice per creditor, in one basket',
        security: portalScope('invoices:write'),
        headers: idempotencyHeaders,
        body: issueBasketBody,
        response: { 201: issuedBasketAnswer, ...refusals },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request)
      const { body } = request
      return await answerOnce(idempotency, request, reply, async (tx) => {
        const context = { environment, cipher, sign, publicUrl: publicUrl() }
        const { basketId, invoiceIds } = await issueBasket(tx, context, caller, body)
        const basket = await readOne(tx, caller, basketId)
        const records = await readInvoices(tx, caller, { ids: invoiceIds, limit: invoiceIds.length })
        const invoices = []
        for (const id of invoiceIds) {
          const record = records.find((candidate) => candidate.id === id)
          if (record !== undefined)
            invoices.push(await invoiceAnswerOf(record, { routes, publicUrl: publicUrl(), now: environment.now() }))
        }
        return jsonAnswer(
          201,
          { basket: basketAnswerOf(basket, publicUrl()), invoices },
          { location: `/v1/baskets/${basketId}` },
        )
      })
    },
  )

  http.get(
    '/v1/baskets/:id',
    {
      onRequest: requireScope(authenticate, 'invoices:read'),
      schema: {
        tags: ['Baskets'],
        summary: 'Get a basket',
        security: portalScope('invoices:read'),
        params: basketParams,
        response: { 200: basketAnswer, ...refusals, 404: problemSchema },
      },
    },
    async (request) => {
      const caller = callerOf(request)
      return basketAnswerOf(await readOne(database.forTenant(caller.tenantId), caller, request.params.id), publicUrl())
    },
  )

  http.get(
    '/v1/baskets',
    {
      onRequest: requireScope(authenticate, 'invoices:read'),
      schema: {
        tags: ['Baskets'],
        summary: 'List baskets, newest first',
        security: portalScope('invoices:read'),
        querystring: listBasketsQuery,
        response: { 200: basketList, ...refusals },
      },
    },
    async (request) => {
      const caller = callerOf(request)
      const { status, dossierCode, invoiceId, limit, cursor } = request.query
      const records = await readBaskets(database.forTenant(caller.tenantId), caller, {
        ...(status === undefined ? {} : { status }),
        ...(dossierCode === undefined ? {} : { dossierCode: canonicalFilter(dossierCode) }),
        ...(invoiceId === undefined ? {} : { invoiceId }),
        ...(cursor === undefined ? {} : { before: cursor }),
        limit: limit + 1,
      })
      const page = records.slice(0, limit)
      return {
        baskets: page.map((basket) => basketAnswerOf(basket, publicUrl())),
        nextCursor: records.length > limit ? (page.at(-1)?.id ?? null) : null,
      }
    },
  )
}

function basketAnswerOf(basket: BasketRecord, publicUrl: string): z.infer<typeof basketAnswer> {
  const { total, paid, owed, lapsed } = basketSums(basket.invoices)
  return {
    id: basket.id,
    status: basket.status,
    payUrl: `${publicUrl}/pay/basket/${basket.payToken}`,
    returnUrl: basket.returnUrl,
    total: Number(total),
    paid: Number(paid),
    owed: Number(owed),
    lapsed: Number(lapsed),
    currency: 'VND',
    createdAt: basket.createdAt.toISOString(),
    paidAt: basket.paidAt?.toISOString() ?? null,
    invoices: basket.invoices.map((invoice) => ({
      id: invoice.id,
      lineNo: invoice.lineNo,
      part: partOf(invoice, basket.invoices),
      status: invoice.status,
      dossierCode: invoice.dossierCode,
      procedureCode: invoice.procedureCode,
      collectingAgencyCode: invoice.collectingAgencyCode,
      payCode: invoice.payCode,
      payUrl: `${publicUrl}/pay/${invoice.payToken}`,
      total: Number(invoice.total),
      expiresAt: invoice.expiresAt.toISOString(),
      paidAt: invoice.paidAt?.toISOString() ?? null,
    })),
  }
}
