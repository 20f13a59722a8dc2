/** The page of a basket: each of its invoices is paid from here by an attempt of its own, and the browser comes back here. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { Problem } from '../../problem/problem.ts'
import { registerAttemptRoutes } from './attempt-routes.ts'
import { basketPage, basketPath } from './page/basket-page.ts'
import { readBasketAttempt, readBasketPage } from './read-basket.ts'
import { pageQuery, payerInputOf, read, readForm, sendPage, startForm, tokenParams } from './requests.ts'
import type { PayerRoutesOptions } from './routes.ts'

const basketStartForm = startForm.and(z.object({ invoice: z.string().regex(/^inv_[0-9a-z]{26}$/) }))

export function registerBasketPages(scope: FastifyInstance, options: PayerRoutesOptions): void {
  const { database, railAccounts, startPayment, confirmPayment } = options

  const showBasket = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { token } = read(tokenParams, request.params)
    const { lang, n } = read(pageQuery, request.query)
    const page = await readBasketPage(options, token, lang, n ?? null)
    if (page === null) throw new Problem('NOT_FOUND')
    return sendPage(reply, 200, basketPage(page, lang))
  }
  scope.get(basketPath(':token'), { schema: { hide: true } }, showBasket)
  // Rails send the browser back here, by GET or by POST.
  scope.get(`${basketPath(':token')}/return`, { schema: { hide: true } }, showBasket)
  scope.post(`${basketPath(':token')}/return`, { schema: { hide: true } }, async (request, reply) => {
    const { token } = read(tokenParams, request.params)
    return reply.redirect(basketPath(token), 303)
  })

  scope.post(`${basketPath(':token')}/start`, { schema: { hide: true } }, async (request, reply) => {
    const { token } = read(tokenParams, request.params)
    const form = readForm(basketStartForm, request.body)
    const page = await readBasketPage(options, token, form.lang, null)
    if (page === null || !page.rows.some(({ id }) => id === form.invoice)) throw new Problem('NOT_FOUND')
    const started = await startPayment({
      invoiceId: form.invoice,
      railAccountId: form.rail,
      locale: form.lang,
      payerIp: request.ip,
      payerInput: payerInputOf(form),
      actor: 'payer',
      returnPath: `${basketPath(token)}/return`,
    })
    return reply.redirect(`${basketPath(token)}/payments/${started.paymentId}?lang=${form.lang}`, 303)
  })

  registerAttemptRoutes(
    scope,
    {
      home: basketPath,
      findAttempt: (token, paymentId, language) =>
        readBasketAttempt(database, railAccounts, token, paymentId, language),
    },
    confirmPayment,
  )
}
