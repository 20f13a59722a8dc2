/** An attempt that has begun: how the payer goes on with it, and the one-time code. The same for an invoice's page and a basket's. */
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { PaymentConfirmer } from '../../payment/confirm.ts'
import { Problem } from '../../problem/problem.ts'
import { attemptPage } from './page/attempt-page.ts'
import type { Language } from './page/texts.ts'
import type { FoundAttempt } from './read.ts'
import { attemptParams, otpForm, pageQuery, read, readForm, sendPage } from './requests.ts'

export type Place = {
  /** Address of the page for a token, and of its routes for `:token`. */
  home(token: string): string
  /** The attempt, when it belongs to what this token names. */
  findAttempt(token: string, paymentId: string, language: Language): Promise<FoundAttempt | null>
}

export function registerAttemptRoutes(
  scope: FastifyInstance,
  { home, findAttempt }: Place,
  confirmPayment: PaymentConfirmer,
): void {
  scope.get(`${home(':token')}/payments/:payment`, { schema: { hide: true } }, async (request, reply) => {
    const { token, payment } = read(attemptParams, request.params)
    const { lang, triesLeft } = read(pageQuery, request.query)
    const attempt = await findAttempt(token, payment, lang)
    if (attempt === null) throw new Problem('NOT_FOUND')
    const over =
      attempt.status === 'SUCCEEDED' || (attempt.status === 'FAILED' && attempt.instruction.kind !== 'refused')
    if (over) return reply.redirect(`${home(token)}?lang=${lang}`, 303)
    const instruction =
      attempt.status === 'UNKNOWN' && attempt.instruction.kind === 'otpChallenge'
        ? { kind: 'wait' as const }
        : attempt.instruction
    if (instruction.kind === 'form') allowFormTo(reply, instruction.action)
    return sendPage(
      reply,
      200,
      attemptPage(
        {
          home: home(token),
          paymentId: payment,
          railTitle: attempt.railTitle,
          instruction,
          triesLeft: triesLeft ?? null,
        },
        lang,
      ),
    )
  })

  scope.post(`${home(':token')}/payments/:payment/confirm`, { schema: { hide: true } }, async (request, reply) => {
    const { token, payment } = read(attemptParams, request.params)
    const form = readForm(otpForm, request.body)
    const attempt = await findAttempt(token, payment, form.lang)
    if (attempt === null) throw new Problem('NOT_FOUND')
    const confirmation = await confirmPayment(payment, form.otp)
    const where =
      confirmation.kind === 'wrongCode'
        ? `${home(token)}/payments/${payment}?lang=${form.lang}&triesLeft=${confirmation.triesLeft}`
        : `${home(token)}?lang=${form.lang}`
    return reply.redirect(where, 303)
  })
}

/** The form of such an attempt goes to the rail itself, whose address comes from its account: no other origin is let in. */
function allowFormTo(reply: FastifyReply, action: string): void {
  const policy = String(reply.getHeader('content-security-policy'))
  reply.header(
    'content-security-policy',
    policy.replace("form-action 'self'", `form-action 'self' ${new URL(action).origin}`),
  )
}
