/** What a portal's own payment page offers for an invoice, and why: the list, and the whole reckoning. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { Problem } from '../../problem/problem.ts'
import { offeredOf } from '../../rails/router.ts'
import { type InvoiceRecord, readInvoices } from '../../store/invoices.ts'
import { requireScope } from '../auth/access-token.ts'
import { type Caller, callerOf } from '../auth/caller.ts'
import {
  circuitNote,
  circuitNoteAnswer,
  feeAnswerOf,
  feeShareAnswer,
  routeAnswer,
  routeAnswerOf,
} from '../route-schemas.ts'
import { demandOf } from './answers.ts'
import { type PortalOptions, portalScope } from './invoices.ts'
import { invoiceAnswer, invoiceParams, problemSchema } from './schemas.ts'

const refusals = {
  400: problemSchema,
  401: problemSchema,
  403: problemSchema,
  404: problemSchema,
  429: problemSchema,
  503: problemSchema,
}

const railsQuery = z.strictObject({
  locale: z.enum(['vi', 'en']).default('vi'),
  channel: z.enum(['ONLINE', 'COUNTER']).default('ONLINE').meta({ description: 'Where the payer is' }),
})

const payerField = z.object({
  name: z.string(),
  labelVi: z.string(),
  labelEn: z.string(),
  pattern: z.string(),
  maxLength: z.number().int(),
  secret: z.boolean(),
})

const railList = z
  .object({
    invoiceId: z.string(),
    rails: z.array(
      z.object({
        railAccountId: z.string().meta({ description: 'For POST /v1/invoices/{id}/payments' }),
        rail: z.string(),
        titleVi: z.string(),
        titleEn: z.string(),
        channels: z.array(z.enum(['CARD', 'ACCOUNT', 'QR', 'WALLET', 'COUNTER', 'PORTAL'])),
        payerFields: z.array(payerField).meta({ description: 'What the payer types before the start: payerInput' }),
        fees: z.array(feeShareAnswer),
      }),
    ),
  })
  .meta({ id: 'RailList', description: 'In the order to show; empty when the invoice is not open' })

const routeList = z
  .object({
    invoiceId: z.string(),
    status: invoiceAnswer.shape.status,
    open: z.boolean().meta({ description: 'False: nothing can be started, whatever the routes say' }),
    at: z.string(),
    routes: z.array(routeAnswer),
    circuitNote: circuitNoteAnswer,
  })
  .meta({ id: 'RouteList' })

export function registerRailRoutes(server: FastifyInstance, options: PortalOptions): void {
  const { database, environment, authenticate } = options
  const http = server.withTypeProvider<ZodTypeProvider>()

  async function readOne(caller: Caller, id: string): Promise<InvoiceRecord> {
    const [invoice] = await readInvoices(database.forTenant(caller.tenantId), caller, { ids: [id], limit: 1 })
    if (invoice === undefined) throw new Problem('NOT_FOUND')
    return invoice
  }

  http.get(
    '/v1/invoices/:id/rails',
    {
      onRequest: requireScope(authenticate, 'invoices:read'),
      schema: {
        tags: ['Payments'],
        summary: 'Rails to offer for an invoice, in order',
        security: portalScope('invoices:read'),
        params: invoiceParams,
        querystring: railsQuery,
        response: { 200: railList, ...refusals },
      },
    },
    async (request) => {
      const invoice = await readOne(callerOf(request), request.params.id)
      const { locale, channel } = request.query
      const routes = isOpen(invoice) ? offeredOf(await options.routes({ ...demandOf(invoice, locale), channel })) : []
      return {
        invoiceId: invoice.id,
        rails: routes.map(({ account, fees }) => ({
          railAccountId: account.id,
          rail: account.rail,
          titleVi: account.titleVi,
          titleEn: account.titleEn,
          channels: [...account.adapter.channels],
          payerFields: [...(account.adapter.payerFields ?? [])],
          fees: fees.map(feeAnswerOf),
        })),
      }
    },
  )

  http.get(
    '/v1/invoices/:id/routes',
    {
      onRequest: requireScope(authenticate, 'invoices:read'),
      schema: {
        tags: ['Payments'],
        summary: 'Why each rail account is offered for an invoice, or is not',
        security: portalScope('invoices:read'),
        params: invoiceParams,
        querystring: railsQuery,
        response: { 200: routeList, ...refusals },
      },
    },
    async (request) => {
      const invoice = await readOne(callerOf(request), request.params.id)
      const { locale, channel } = request.query
      const at = environment.now()
      const routes = await options.routes({ ...demandOf(invoice, locale), channel, at })
      return {
        invoiceId: invoice.id,
        status: invoice.status,
        open: isOpen(invoice),
        at: at.toISOString(),
        routes: routes.map(routeAnswerOf),
        circuitNote,
      }
    },
  )
}

function isOpen({ status }: InvoiceRecord): boolean {
  return status === 'ISSUED' || status === 'PAYING'
}
