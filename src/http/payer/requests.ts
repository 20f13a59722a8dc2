/** What browsers send to the payment pages, and how pages are answered. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { Problem } from '../../problem/problem.ts'
import type { Page } from './page/layout.ts'
import type { Language } from './page/texts.ts'

const language = z.enum(['vi', 'en'])

export const tokenParams = z.object({ token: z.string().regex(/^[A-Za-z0-9_-]{32}$/) })
export const attemptParams = tokenParams.extend({ payment: z.string().regex(/^pay_[0-9a-z]{26}$/) })

// A rail adds its own parameters to the browser's way back; they mean nothing here and are not read.
export const pageQuery = z.object({
  lang: language.catch('vi').default('vi'),
  triesLeft: z.coerce.number().int().min(0).max(9).optional().catch(undefined),
  /** Line of a basket that the payer has chosen. */
  n: z.coerce.number().int().min(1).max(1_000).optional().catch(undefined),
})

export const startForm = z
  .object({ rail: z.string().max(80), lang: language.default('vi') })
  .catchall(z.string().max(200))
export const otpForm = z.object({ otp: z.string().regex(/^[0-9A-Za-z]{4,20}$/), lang: language.default('vi') })

/** The language of a page's address, or of the form that was sent to it. */
export function languageOf({ query, body }: FastifyRequest): Language {
  const form = z.object({ lang: language }).safeParse(body)
  return form.success ? form.data.lang : read(pageQuery, query).lang
}

/** A wrong address is an address that does not exist: the same answer for every wrong token. */
export function read<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw new Problem('NOT_FOUND')
  return parsed.data
}

export function readForm<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw new Problem('INVALID_REQUEST')
  return parsed.data
}

/** The fields that the rail asked for, by the names it knows. */
export function payerInputOf(form: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(form).flatMap(([name, value]) => (name.startsWith('input.') ? [[name.slice(6), value]] : [])),
  )
}

export function sendPage(reply: FastifyReply, status: number, { html, state }: Page): FastifyReply {
  return reply.code(status).header('feegate-page-state', state).type('text/html; charset=utf-8').send(html)
}
