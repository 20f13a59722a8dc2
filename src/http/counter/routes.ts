/** The one-stop counter: shifts, looking invoices up, cash, QR, slips, corrections. For officers with the role `counter`. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { renderSVG } from 'uqr'
import type { z } from 'zod'
import { type BillQuery, type CounterBill, findBills } from '../../counter/bill.ts'
import { cashAccountFor } from '../../counter/cash-account.ts'
import { collectCash } from '../../counter/collect.ts'
import { type Collection, readCollections } from '../../counter/collection.ts'
import {
  approveCorrection,
  type Correction,
  readCorrections,
  rejectCorrection,
  requestCorrection,
} from '../../counter/correction.ts'
import { closeShift, openShift, readShift, readShifts } from '../../counter/shift.ts'
import type { Environment } from '../../environment.ts'
import type { Idempotency } from '../../idempotency/idempotency.ts'
import { Problem } from '../../problem/problem.ts'
import type { Router } from '../../rails/router.ts'
import type { TenantDatabases, Transaction } from '../../store/database.ts'
import type { Officer } from '../auth/officer.ts'
import type { OfficerGuard } from '../auth/officer-guard.ts'
import { demandOf, vietQrOf } from '../portal/answers.ts'
import { answerOnce, jsonAnswer, officerKeys } from '../portal/idempotent.ts'
import { idempotencyHeaders, problemSchema } from '../portal/schemas.ts'
import { billAnswerOf, collectionAnswerOf, correctionAnswerOf, shiftAnswerOf, slipAnswerOf } from './answers.ts'
import {
  type billAnswer,
  billList,
  billsQuery,
  closeShiftBody,
  collectBody,
  collectionAnswer,
  collectionList,
  collectionParams,
  collectionsQuery,
  correctionAnswer,
  correctionBody,
  correctionList,
  correctionParams,
  correctionsQuery,
  invoiceParams,
  openShiftBody,
  qrPicture,
  shiftAnswer,
  shiftList,
  shiftParams,
  shiftsQuery,
  slipAnswer,
} from './schemas.ts'

export type CounterOptions = {
  readonly database: TenantDatabases
  readonly environment: Environment
  readonly idempotency: Idempotency
  readonly routes: Router
  readonly officers: OfficerGuard
  readonly publicUrl: () => string
}

const refusals = {
  400: problemSchema,
  401: problemSchema,
  403: problemSchema,
  404: problemSchema,
  409: problemSchema,
  422: problemSchema,
  503: problemSchema,
}
const about = (summary: string) => ({ tags: ['Counter'], summary, security: [{ officer: [] }] })

export function registerCounterRoutes(server: FastifyInstance, options: CounterOptions): void {
  const { database, environment, idempotency, officers, publicUrl } = options
  const routes = server.withTypeProvider<ZodTypeProvider>()
  const officerOf = officers.of
  const clerks = { onRequest: officers.holding('counter') }
  /** Accountants see all drawers of their tenant, clerks their own. */
  const readers = { onRequest: officers.holding('counter', 'finance.read') }
  const onlyOwn = ({ roles, subject }: Officer): { operator?: string } =>
    roles.includes('finance.read') ? {} : { operator: subject }
  const tenantOf = (request: FastifyRequest) => database.forTenant(officerOf(request).tenantId)

  async function oneShift(source: Pick<Transaction, 'query'>, tenantId: string, id: string) {
    return shiftAnswerOf(await readShift(source, tenantId, id))
  }
  async function oneCollection(source: Pick<Transaction, 'query'>, tenantId: string, id: string): Promise<Collection> {
    const [collection] = await readCollections(source, tenantId, { id, limit: 1 })
    if (collection === undefined) throw new Problem('NOT_FOUND')
    return collection
  }
  async function oneCorrection(source: Pick<Transaction, 'query'>, tenantId: string, id: string): Promise<Correction> {
    const [correction] = await readCorrections(source, tenantId, { id, limit: 1 })
    if (correction === undefined) throw new Problem('NOT_FOUND')
    return correction
  }
  async function oneBill(request: FastifyRequest, query: BillQuery): Promise<CounterBill> {
    const { tenantId } = officerOf(request)
    const [bill] = await findBills(tenantOf(request), tenantId, query, environment.now())
    if (bill === undefined) throw new Problem('NOT_FOUND')
    return bill
  }
  async function billOf(bill: CounterBill): Promise<z.infer<typeof billAnswer>> {
    const now = environment.now()
    return billAnswerOf(bill, {
      cash: await cashAccountFor(options.routes, demandOf(bill)),
      vietQr: await vietQrOf(bill, { routes: options.routes, now }, 'COUNTER'),
      publicUrl: publicUrl(),
      now,
    })
  }

  // Shifts

  routes.post(
    '/v1/counter/shifts',
    {
      ...clerks,
      schema: {
        ...about('Open a shift'),
        headers: idempotencyHeaders,
        body: openShiftBody,
        response: { 201: shiftAnswer, ...refusals },
      },
    },
    async (request, reply) => {
      const officer = officerOf(request)
      const { openingCash, unitCode = null } = request.body
      return await answerOnce(
        idempotency,
        request,
        reply,
        async (tx) => {
          const id = await openShift(tx, environment, officer, { openingCash: BigInt(openingCash), unitCode })
          return jsonAnswer(201, await oneShift(tx, officer.tenantId, id), { location: `/v1/counter/shifts/${id}` })
        },
        officerKeys(officer),
      )
    },
  )
  routes.get(
    '/v1/counter/shifts/current',
    { ...clerks, schema: { ...about("The clerk's open shift"), response: { 200: shiftAnswer, ...refusals } } },
    async (request) => {
      const { tenantId, subject } = officerOf(request)
      const [shift] = await readShifts(tenantOf(request), tenantId, { operator: subject, status: 'OPEN', limit: 1 })
      if (shift === undefined) throw new Problem('NOT_FOUND', { vi: 'Bạn chưa mở ca.', en: 'You have no open shift.' })
      return shiftAnswerOf(shift)
    },
  )
  routes.get(
    '/v1/counter/shifts',
    {
      ...readers,
      schema: {
        ...about('List shifts, newest first: clerks see their own, accountants all'),
        querystring: shiftsQuery,
        response: { 200: shiftList, ...refusals },
      },
    },
    async (request) => {
      const officer = officerOf(request)
      const { limit, cursor, status, operator } = request.query
      const shifts = await readShifts(tenantOf(request), officer.tenantId, {
        ...(operator === undefined ? {} : { operator }),
        ...onlyOwn(officer),
        ...(status === undefined ? {} : { status }),
        ...(cursor === undefined ? {} : { before: cursor }),
        limit: limit + 1,
      })
      const page = shifts.slice(0, limit)
      return { shifts: page.map(shiftAnswerOf), nextCursor: nextOf(shifts, page) }
    },
  )
  routes.get(
    '/v1/counter/shifts/:id',
    {
      ...readers,
      schema: { ...about('Get a shift'), params: shiftParams, response: { 200: shiftAnswer, ...refusals } },
    },
    async (request) => {
      const officer = officerOf(request)
      const [shift] = await readShifts(tenantOf(request), officer.tenantId, {
        ids: [request.params.id],
        ...onlyOwn(officer),
        limit: 1,
      })
      if (shift === undefined) throw new Problem('NOT_FOUND')
      return shiftAnswerOf(shift)
    },
  )
  routes.post(
    '/v1/counter/shifts/:id/close',
    {
      ...clerks,
      schema: {
        ...about('Close the own shift with the cash counted'),
        headers: idempotencyHeaders,
        params: shiftParams,
        body: closeShiftBody,
        response: { 200: shiftAnswer, ...refusals },
      },
    },
    async (request, reply) => {
      const officer = officerOf(request)
      const { id } = request.params
      const { countedCash, note = null } = request.body
      return await answerOnce(
        idempotency,
        request,
        reply,
        async (tx) => {
          await closeShift(tx, environment, officer, id, { countedCash: BigInt(countedCash), note })
          return jsonAnswer(200, await oneShift(tx, officer.tenantId, id))
        },
        officerKeys(officer),
      )
    },
  )

  // Invoices

  routes.get(
    '/v1/counter/invoices',
    {
      ...clerks,
      schema: {
        ...about('Look invoices up by pay code or dossier code'),
        querystring: billsQuery,
        response: { 200: billList, ...refusals },
      },
    },
    async (request) => {
      const { payCode, dossierCode = '' } = request.query
      const query = payCode === undefined ? { dossierCode } : { payCode }
      const bills = await findBills(tenantOf(request), officerOf(request).tenantId, query, environment.now())
      const invoices = []
      for (const bill of bills) invoices.push(await billOf(bill))
      return { invoices }
    },
  )
  routes.get(
    '/v1/counter/invoices/:id/qr',
    {
      ...clerks,
      schema: { ...about('The QR to show'), params: invoiceParams, response: { 200: qrPicture, ...refusals } },
    },
    async (request) => {
      const bill = await oneBill(request, { id: request.params.id })
      if (bill.status !== 'ISSUED' && bill.status !== 'PAYING') throw new Problem('INVOICE_NOT_OPEN')
      const vietQr = await vietQrOf(bill, { routes: options.routes, now: environment.now() }, 'COUNTER')
      if (vietQr === null) throw new Problem('RAIL_NOT_OFFERED')
      return { payCode: bill.payCode, vietQr, svg: renderSVG(vietQr.payload, { ecc: 'M', border: 4 }) }
    },
  )

  // Cash

  routes.post(
    '/v1/counter/collections',
    {
      ...clerks,
      schema: {
        ...about('Take cash for an invoice'),
        headers: idempotencyHeaders,
        body: collectBody,
        response: { 201: collectionAnswer, ...refusals },
      },
    },
    async (request, reply) => {
      const officer = officerOf(request)
      const { invoiceId, cashGiven, despiteOpenAttempt } = request.body
      // Read before the transaction: where an invoice's money goes never changes.
      const bill = await oneBill(request, { id: invoiceId })
      const cash = await cashAccountFor(options.routes, demandOf(bill))
      return await answerOnce(
        idempotency,
        request,
        reply,
        async (tx) => {
          const id = await collectCash(tx, environment, officer, cash, {
            invoiceId,
            cashGiven: cashGiven === undefined ? null : BigInt(cashGiven),
            despiteOpenAttempt,
          })
          return jsonAnswer(201, collectionAnswerOf(await oneCollection(tx, officer.tenantId, id), publicUrl()), {
            location: `/v1/counter/collections/${id}`,
          })
        },
        officerKeys(officer),
      )
    },
  )
  routes.get(
    '/v1/counter/collections',
    {
      ...readers,
      schema: {
        ...about('List collections, newest first: clerks see their own, accountants all'),
        querystring: collectionsQuery,
        response: { 200: collectionList, ...refusals },
      },
    },
    async (request) => {
      const officer = officerOf(request)
      const { limit, cursor, shiftId, invoiceId } = request.query
      const found = await readCollections(tenantOf(request), officer.tenantId, {
        ...onlyOwn(officer),
        ...(shiftId === undefined ? {} : { shiftId }),
        ...(invoiceId === undefined ? {} : { invoiceId }),
        ...(cursor === undefined ? {} : { before: cursor }),
        limit: limit + 1,
      })
      const page = found.slice(0, limit)
      return {
        collections: page.map((collection) => collectionAnswerOf(collection, publicUrl())),
        nextCursor: nextOf(found, page),
      }
    },
  )
  routes.get(
    '/v1/counter/collections/:id',
    {
      // Any clerk: whoever is asked to approve a correction must see what it is about.
      ...readers,
      schema: {
        ...about('Get a collection'),
        params: collectionParams,
        response: { 200: collectionAnswer, ...refusals },
      },
    },
    async (request) =>
      collectionAnswerOf(
        await oneCollection(tenantOf(request), officerOf(request).tenantId, request.params.id),
        publicUrl(),
      ),
  )
  routes.get(
    '/v1/counter/collections/:id/slip',
    {
      ...readers,
      schema: { ...about('The slip as data'), params: collectionParams, response: { 200: slipAnswer, ...refusals } },
    },
    async (request) =>
      slipAnswerOf(await oneCollection(tenantOf(request), officerOf(request).tenantId, request.params.id), publicUrl()),
  )

  // Corrections

  routes.post(
    '/v1/counter/collections/:id/corrections',
    {
      ...clerks,
      schema: {
        ...about('Ask for a collection to be taken back'),
        headers: idempotencyHeaders,
        params: collectionParams,
        body: correctionBody,
        response: { 201: correctionAnswer, ...refusals },
      },
    },
    async (request, reply) => {
      const officer = officerOf(request)
      return await answerOnce(
        idempotency,
        request,
        reply,
        async (tx) => {
          const id = await requestCorrection(tx, environment, officer, request.params.id, request.body.reason)
          return jsonAnswer(201, correctionAnswerOf(await oneCorrection(tx, officer.tenantId, id)))
        },
        officerKeys(officer),
      )
    },
  )
  for (const [verb, summary, act] of [
    ['approve', 'Approve a correction of another officer: the reversal is booked', approveCorrection],
    ['reject', "Reject a correction, or withdraw one's own", rejectCorrection],
  ] as const) {
    routes.post(
      `/v1/counter/corrections/:id/${verb}`,
      {
        ...clerks,
        schema: {
          ...about(summary),
          headers: idempotencyHeaders,
          params: correctionParams,
          response: { 200: correctionAnswer, ...refusals },
        },
      },
      async (request, reply) => {
        const officer = officerOf(request)
        const { id } = request.params
        return await answerOnce(
          idempotency,
          request,
          reply,
          async (tx) => {
            await act(tx, environment, officer, id)
            return jsonAnswer(200, correctionAnswerOf(await oneCorrection(tx, officer.tenantId, id)))
          },
          officerKeys(officer),
        )
      },
    )
  }
  routes.get(
    '/v1/counter/corrections',
    {
      ...readers,
      schema: {
        ...about('List corrections of all counters, newest first'),
        querystring: correctionsQuery,
        response: { 200: correctionList, ...refusals },
      },
    },
    async (request) => {
      const { limit, cursor, status, shiftId } = request.query
      const found = await readCorrections(tenantOf(request), officerOf(request).tenantId, {
        ...(status === undefined ? {} : { status }),
        ...(shiftId === undefined ? {} : { shiftId }),
        ...(cursor === undefined ? {} : { before: cursor }),
        limit: limit + 1,
      })
      const page = found.slice(0, limit)
      return { corrections: page.map(correctionAnswerOf), nextCursor: nextOf(found, page) }
    },
  )
}

/** Cursor of the page after this one; null when this is the last. */
function nextOf(found: readonly { id: string }[], page: readonly { id: string }[]): string | null {
  return found.length > page.length ? (page.at(-1)?.id ?? null) : null
}
