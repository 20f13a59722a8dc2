/** The payment pages. A page is reached by its token only; nothing a browser brings back ever marks an invoice paid. */
import { readFileSync } from 'node:fs'
import formbody from '@fastify/formbody'
import helmet from '@fastify/helmet'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Environment } from '../../environment.ts'
import type { PaymentConfirmer } from '../../payment/confirm.ts'
import type { PaymentStarter } from '../../payment/start.ts'
import { problemCatalogue } from '../../problem/catalogue.ts'
import { Problem } from '../../problem/problem.ts'
import type { RailAccounts } from '../../rails/accounts.ts'
import type { Router } from '../../rails/router.ts'
import type { Database } from '../../store/database.ts'
import type { AddressLimiter } from '../address-limits.ts'
import { registerAttemptRoutes } from './attempt-routes.ts'
import { registerBasketPages } from './basket-routes.ts'
import { messagePage } from './page/attempt-page.ts'
import { invoicePage } from './page/invoice-page.ts'
import { textsIn } from './page/texts.ts'
import { readAttemptOf, readInvoicePage } from './read.ts'
import { registerReceiptPages } from './receipts.ts'
import { languageOf, payerInputOf, read, readForm, sendPage, startForm, tokenParams } from './requests.ts'
import { refuseForeignForms } from './same-origin.ts'
import { registerSlipPage } from './slips.ts'

export type PayerRoutesOptions = {
  readonly database: Database
  readonly environment: Environment
  readonly railAccounts: RailAccounts
  readonly routes: Router
  readonly startPayment: PaymentStarter
  readonly confirmPayment: PaymentConfirmer
  readonly publicUrl: () => string
  readonly limitAddress: AddressLimiter
}

const styleSheet = readFileSync(new URL('page/style.css', import.meta.url))
const refreshScript = readFileSync(new URL('page/refresh.js', import.meta.url))
const formBytes = 8 * 1024

export function registerPayerRoutes(server: FastifyInstance, options: PayerRoutesOptions): void {
  const { database, railAccounts, startPayment, confirmPayment, limitAddress } = options
  server.register(async (scope) => {
    await scope.register(formbody, { bodyLimit: formBytes })
    await scope.register(helmet, {
      contentSecurityPolicy: {
        useDefaults: false,
        directives: {
          defaultSrc: ["'none'"],
          styleSrc: ["'self'"],
          // One file, which only looks whether the page has changed.
          scriptSrc: ["'self'"],
          connectSrc: ["'self'"],
          imgSrc: ["'self'", 'data:'],
          formAction: ["'self'"],
          baseUri: ["'none'"],
          frameAncestors: ["'none'"],
        },
      },
      // The token stands in the address: no other site may learn it.
      referrerPolicy: { policy: 'no-referrer' },
      crossOriginEmbedderPolicy: false,
    })
    scope.addHook('onRequest', async (request, reply) => {
      reply.header('cache-control', 'no-store')
      await limitAddress(request, 'pages')
      refuseForeignForms(request)
    })
    scope.setErrorHandler(async (given, request, reply) => {
      const error = await guessed(given, request, limitAddress)
      const language = languageOf(request)
      const texts = textsIn(language)
      if (!(error instanceof Problem) || error.status >= 500) {
        if (error instanceof Problem && error.code === 'OVERLOADED') request.log.warn('payment page sent away')
        else request.log.error({ err: error }, 'payment page failed')
        reply.header('retry-after', error instanceof Problem ? (error.retryAfterSeconds ?? 5) : 5)
        return sendPage(reply, 503, messagePage(texts.unavailable, texts.unavailableHint, language, null))
      }
      const { code, status, detailVi, detailEn, retryAfterSeconds } = error
      if (retryAfterSeconds !== undefined) reply.header('retry-after', retryAfterSeconds)
      // The same page for every address that leads nowhere.
      if (code === 'NOT_FOUND')
        return sendPage(reply, 404, messagePage(texts.notFound, texts.notFoundHint, language, null))
      const entry = problemCatalogue[code]
      const [title, hint] =
        language === 'en' ? [entry.titleEn, detailEn ?? entry.actionEn] : [entry.titleVi, detailVi ?? entry.actionVi]
      const heading = code === 'INVALID_REQUEST' ? texts.checkInput : title
      return sendPage(reply, status, messagePage(heading, hint, language, homeOf(request)))
    })
    scope.get('/pay', { schema: { hide: true } }, () => {
      throw new Problem('NOT_FOUND')
    })

    scope.get('/pay/assets/style.css', { schema: { hide: true } }, (_request, reply) =>
      reply.header('cache-control', 'public, max-age=3600').type('text/css; charset=utf-8').send(styleSheet),
    )

    scope.get('/pay/assets/refresh.js', { schema: { hide: true } }, (_request, reply) =>
      reply.header('cache-control', 'public, max-age=3600').type('text/javascript; charset=utf-8').send(refreshScript),
    )
    registerReceiptPages(scope, { database })
    registerSlipPage(scope, options)

    const showInvoice = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
      const { token } = read(tokenParams, request.params)
      const language = languageOf(request)
      const found = await readInvoicePage(options, token, language)
      if (found === null) throw new Problem('NOT_FOUND')
      return sendPage(reply, 200, invoicePage(found.page, language))
    }
    scope.get('/pay/:token', { schema: { hide: true } }, showInvoice)
    // Rails send the browser back here, by GET or by POST.
    scope.get('/pay/:token/return', { schema: { hide: true } }, showInvoice)
    scope.post('/pay/:token/return', { schema: { hide: true } }, async (request, reply) => {
      const { token } = read(tokenParams, request.params)
      return reply.redirect(`/pay/${token}`, 303)
    })

    scope.post('/pay/:token/start', { schema: { hide: true } }, async (request, reply) => {
      const { token } = read(tokenParams, request.params)
      const form = readForm(startForm, request.body)
      const found = await readInvoicePage(options, token, form.lang)
      if (found === null) throw new Problem('NOT_FOUND')
      const started = await startPayment({
        invoiceId: found.id,
        railAccountId: form.rail,
        locale: form.lang,
        payerIp: request.ip,
        payerInput: payerInputOf(form),
        actor: 'payer',
      })
      return reply.redirect(`/pay/${token}/payments/${started.paymentId}?lang=${form.lang}`, 303)
    })

    registerAttemptRoutes(
      scope,
      {
        home: (token) => `/pay/${token}`,
        findAttempt: (token, paymentId, language) => readAttemptOf(database, railAccounts, token, paymentId, language),
      },
      confirmPayment,
    )
    registerBasketPages(scope, options)
  })
}

/** An address that leads nowhere, unless it is one of too many. */
async function guessed(error: unknown, request: FastifyRequest, limitAddress: AddressLimiter): Promise<unknown> {
  if (!(error instanceof Problem) || error.code !== 'NOT_FOUND') return error
  try {
    await limitAddress(request, 'wrongPages')
    return error
  } catch (limited) {
    return limited
  }
}

/** The page from which a refused request came: what stands before the last step of its address. */
function homeOf({ url }: FastifyRequest): string | null {
  return /^\/pay\/(?:basket\/)?[A-Za-z0-9_-]{32}(?=[/?]|$)/.exec(url)?.[0] ?? null
}
