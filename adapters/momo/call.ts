/** Signed calls to MoMo and their answers. Answers carry no signature: they count because we asked that host over TLS. */
import { z } from 'zod'
import type { HttpAnswer, HttpCall } from '../contract.ts'
import { readJsonObject } from '../shared/json-body.ts'
import type { MomoConfig } from './account.ts'
import { type Message, signatureOf } from './signature.ts'

type Question = Exclude<Message, 'notice'>

const paths: Readonly<Record<Question, string>> = {
  create: '/v2/gateway/api/create',
  query: '/v2/gateway/api/query',
  refund: '/v2/gateway/api/refund',
}

export function signedCall(
  message: Question,
  fields: Readonly<Record<string, string | number>>,
  config: MomoConfig,
): HttpCall {
  return {
    method: 'POST',
    url: config.baseUrl + paths[message],
    headers: { 'content-type': 'application/json; charset=utf-8', accept: 'application/json' },
    body: JSON.stringify({ ...fields, signature: signatureOf(message, fields, config) }),
    timeoutMs: config.timeoutMs,
    // A request id seen before may be answered as a duplicate, which says less than silence.
    repeatable: false,
  }
}

/** Whole numbers come as JSON numbers; ids too big for one come as text. */
export const wholeNumber = z
  .union([z.int().min(0), z.string().regex(/^\d{1,20}$/)])
  .transform((value) => String(value).replace(/^0+(?=\d)/, ''))

const headSchema = z.object({
  partnerCode: z.string(),
  orderId: z.string(),
  requestId: z.string(),
  resultCode: z.int(),
  message: z.string().max(1000).nullish(),
})

export type AnswerReading =
  | {
      readonly ok: true
      readonly resultCode: number
      readonly message: string
      readonly fields: Readonly<Record<string, unknown>>
    }
  | { readonly ok: false; readonly detail: string }

/** Only an answer to just this request counts. MoMo tells refusals with HTTP 4xx and a body of the same shape. */
export function readAnswer(
  answer: HttpAnswer,
  asked: { readonly orderId: string; readonly requestId: string },
  config: MomoConfig,
): AnswerReading {
  if (answer.status < 200 || answer.status > 499 || (answer.status > 299 && answer.status < 400))
    return worthless(`HTTP ${answer.status}`)
  const body = readJsonObject(answer.body)
  if (!body.ok) return worthless(`HTTP ${answer.status}, unreadable: ${body.detail}`)
  const head = headSchema.safeParse(body.value)
  if (!head.success) return worthless(`HTTP ${answer.status}, ${z.prettifyError(head.error)}`)
  const { partnerCode, orderId, requestId, resultCode, message } = head.data
  if (partnerCode !== config.partnerCode) return worthless('answer for another partner')
  if (orderId !== asked.orderId || requestId !== asked.requestId) return worthless('answer to another request')
  if (answer.status > 299 && resultCode === 0) return worthless(`HTTP ${answer.status} with a good code`)
  return { ok: true, resultCode, message: (message ?? '').slice(0, 255), fields: body.value }
}

function worthless(detail: string): AnswerReading {
  return { ok: false, detail }
}
