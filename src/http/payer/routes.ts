/** The payment pages. A page is reached by its token only; nothing a browser brings back ever marks an invoice paid. */
import { readFileSync } from 'node:fs'
import formbody from '@fastify/formbody'
import helmet from '@fastify/helmet'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { readCollections } from '../../counter/collection.ts'
import type { Environment } from '../../environment.ts'
import type { PaymentConfirmer } from '../../payment/confirm.ts'
import type { PaymentStarter } from '../../payment/start.ts'
import { Problem } from '../../problem/problem.ts'
import type { RailAccounts } from '../../rails/accounts.ts'
import type { Database } from '../../store/database.ts'
import { attemptPage, messagePage } from './page/attempt-page.ts'
import { invoicePage } from './page/invoice-page.ts'
import { slipPage } from './page/slip-page.ts'
import { type Language, textsIn } from './page/texts.ts'
import { readAttemptOf, readInvoicePage } from './read.ts'

export type PayerRoutesOptions = {
  readonly database: Database
  readonly environment: Environment
  readonly railAccounts: RailAccounts
  readonly startPayment: PaymentStarter
  readonly confirmPayment: PaymentConfirmer
  readonly publicUrl: () => string
}

const styleSheet = readFileSync(new URL('page/style.css', import.meta.url))
const slipStyleSheet = readFileSync(new URL('page/slip.css', import.meta.url))
const formBytes = 8 * 1024

const tokenParams = z.object({ token: z.string().regex(/^[A-Za-z0-9_-]{32}$/) })
const attemptParams = tokenParams.extend({ payment: z.string().regex(/^pay_[0-9a-z]{26}$/) })
const slipParams = tokenParams.extend({ collection: z.string().regex(/^col_[0-9a-z]{26}$/) })
// A rail adds its own parameters to the browser's way back; they mean nothing here and are not read.
const pageQuery = z.object({
  lang: z.enum(['vi', 'en']).catch('vi').default('vi'),
  triesLeft: z.coerce.number().int().min(0).max(9).optional().catch(undefined),
})
const startForm = z
  .object({ rail: z.string().max(80), lang: z.enum(['vi', 'en']).default('vi') })
  .catchall(z.string().max(200))
const otpForm = z.object({ otp: z.string().regex(/^[0-9A-Za-z]{4,20}$/), lang: z.enum(['vi', 'en']).default('vi') })

export function registerPayerRoutes(server: FastifyInstance, options: PayerRoutesOptions): void {
  const { database, railAccounts, startPayment, confirmPayment } = options
  server.register(async (scope) => {
    await scope.register(formbody, { bodyLimit: formBytes })
    await scope.register(helmet, {
      contentSecurityPolicy: {
        useDefaults: false,
        directives: {
          defaultSrc: ["'none'"],
          styleSrc: ["'self'"],
          imgSrc: ["'self'", 'data:'],
          formAction: ["'self'", 'https:'],
          baseUri: ["'none'"],
          frameAncestors: ["'none'"],
        },
      },
      // The token stands in the address: no other site may learn it.
      referrerPolicy: { policy: 'no-referrer' },
      crossOriginEmbedderPolicy: false,
    })
    scope.addHook('onRequest', async (_request, reply) => {
      reply.header('cache-control', 'no-store')
    })
    scope.setErrorHandler((error, request, reply) => {
      const problem = error instanceof Problem ? error : null
      const language: Language = languageOf(request)
      const texts = textsIn(language)
      if (problem !== null && problem.status < 500) {
        const hint = (language === 'en' ? problem.detailEn : problem.detailVi) ?? texts.notFoundHint
        return sendPage(
          reply,
          problem.status,
          messagePage(problem.code === 'NOT_FOUND' ? texts.notFound : texts.checkInput, hint, language, '/pay'),
        )
      }
      request.log.error({ err: error }, 'payment page failed')
      reply.header('retry-after', 5)
      return sendPage(reply, 503, messagePage(texts.unavailable, texts.unavailableHint, language, '/pay'))
    })

    scope.get('/pay/assets/style.css', { schema: { hide: true } }, (_request, reply) =>
      reply.header('cache-control', 'public, max-age=3600').type('text/css; charset=utf-8').send(styleSheet),
    )

    scope.get('/pay/assets/slip.css', { schema: { hide: true } }, (_request, reply) =>
      reply.header('cache-control', 'public, max-age=3600').type('text/css; charset=utf-8').send(slipStyleSheet),
    )

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
      const payerInput = Object.fromEntries(
        Object.entries(form).flatMap(([name, value]) => (name.startsWith('input.') ? [[name.slice(6), value]] : [])),
      )
      const started = await startPayment({
        invoiceId: found.id,
        railAccountId: form.rail,
        locale: form.lang,
        payerIp: request.ip,
        payerInput,
        actor: 'payer',
      })
      return reply.redirect(`/pay/${token}/payments/${started.paymentId}?lang=${form.lang}`, 303)
    })

    scope.get('/pay/:token/payments/:payment', { schema: { hide: true } }, async (request, reply) => {
      const { token, payment } = read(attemptParams, request.params)
      const { lang, triesLeft } = read(pageQuery, request.query)
      const attempt = await readAttemptOf(database, railAccounts, token, payment, lang)
      if (attempt === null) throw new Problem('NOT_FOUND')
      const over =
        attempt.status === 'SUCCEEDED' || (attempt.status === 'FAILED' && attempt.instruction.kind !== 'refused')
      if (over) return reply.redirect(`/pay/${token}?lang=${lang}`, 303)
      const instruction =
        attempt.status === 'UNKNOWN' && attempt.instruction.kind === 'otpChallenge'
          ? { kind: 'wait' as const }
          : attempt.instruction
      return sendPage(
        reply,
        200,
        attemptPage(
          { token, paymentId: payment, railTitle: attempt.railTitle, instruction, triesLeft: triesLeft ?? null },
          lang,
        ),
      )
    })

    // For the counter's printer and for the payer's phone.
    scope.get('/pay/:token/slips/:collection', { schema: { hide: true } }, async (request, reply) => {
      const { token, collection } = read(slipParams, request.params)
      const [slip] = await readCollections(database, null, { payToken: token, id: collection, limit: 1 })
      if (slip === undefined) throw new Problem('NOT_FOUND')
      return sendPage(reply, 200, slipPage(slip, `${options.publicUrl()}/pay/${token}`))
    })

    scope.post('/pay/:token/payments/:payment/confirm', { schema: { hide: true } }, async (request, reply) => {
      const { token, payment } = read(attemptParams, request.params)
      const form = readForm(otpForm, request.body)
      const attempt = await readAttemptOf(database, railAccounts, token, payment, form.lang)
      if (attempt === null) throw new Problem('NOT_FOUND')
      const confirmation = await confirmPayment(payment, form.otp)
      const where =
        confirmation.kind === 'wrongCode'
          ? `/pay/${token}/payments/${payment}?lang=${form.lang}&triesLeft=${confirmation.triesLeft}`
          : `/pay/${token}?lang=${form.lang}`
      return reply.redirect(where, 303)
    })
  })
}

function languageOf(request: FastifyRequest): Language {
  return read(pageQuery, request.query).lang
}

/** A wrong address is an address that does not exist: the same answer for every wrong token. */
function read<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw new Problem('NOT_FOUND')
  return parsed.data
}

function readForm<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw new Problem('INVALID_REQUEST')
  return parsed.data
}

function sendPage(reply: FastifyReply, status: number, page: string): FastifyReply {
  return reply.code(status).type('text/html; charset=utf-8').send(page)
}
