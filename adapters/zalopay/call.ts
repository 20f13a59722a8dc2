/** Calls to ZaloPay and their answers. Answers carry no MAC: they count because we asked that host over TLS. */
import { z } from 'zod'
import type { HttpAnswer, HttpCall } from '../contract.ts'
import { readJsonObject } from '../shared/json-body.ts'
import type { ZalopayConfig } from './account.ts'
import { barText, macOf } from './signature.ts'

export type Path = '/v2/create' | '/v2/query' | '/v2/refund' | '/v2/query_refund'
type Fields = Readonly<Record<string, string | number>>

/** The values whose text is signed for each call, in order. The key itself is part of a query's text. */
const signedParts: Readonly<Record<Path, (fields: Fields, key1: string) => readonly (string | number | undefined)[]>> =
  {
    '/v2/create': (f) => [f.app_id, f.app_trans_id, f.app_user, f.amount, f.app_time, f.embed_data, f.item],
    '/v2/query': (f, key1) => [f.app_id, f.app_trans_id, key1],
    '/v2/refund': (f) => [f.app_id, f.zp_trans_id, f.amount, f.description, f.timestamp],
    '/v2/query_refund': (f) => [f.app_id, f.m_refund_id, f.timestamp],
  }

/** @throws TypeError when a signed field is missing, RangeError when one holds a bar. */
export function requestText(path: Path, fields: Fields, key1: string): string {
  return barText(
    signedParts[path](fields, key1).map((part) => {
      if (part === undefined) throw new TypeError(`a signed field of ${path} is missing`)
      return part
    }),
  )
}

export function signedCall(path: Path, fields: Fields, config: ZalopayConfig): HttpCall {
  return {
    method: 'POST',
    url: config.baseUrl + path,
    headers: { 'content-type': 'application/json; charset=utf-8', accept: 'application/json' },
    body: JSON.stringify({ ...fields, mac: macOf(requestText(path, fields, config.key1), config.key1) }),
    timeoutMs: config.timeoutMs,
    // Questions change nothing. A second order or refund is answered as a duplicate, which says less than silence.
    repeatable: path === '/v2/query' || path === '/v2/query_refund',
  }
}

/** Ids and amounts: JSON numbers, or texts where they are too big for one. */
export const wholeNumber = z
  .union([z.int().min(0), z.string().regex(/^\d{1,20}$/)])
  .transform((value) => String(value).replace(/^0+(?=\d)/, ''))

const headSchema = z.object({
  return_code: z.int(),
  sub_return_code: z.int().default(0),
  return_message: z.string().nullish(),
  sub_return_message: z.string().nullish(),
})

export type AnswerReading =
  | {
      readonly ok: true
      readonly returnCode: number
      readonly subReturnCode: number
      readonly message: string
      readonly fields: Readonly<Record<string, unknown>>
    }
  | { readonly ok: false; readonly detail: string }

export function readAnswer(answer: HttpAnswer): AnswerReading {
  if (answer.status < 200 || answer.status > 299) return { ok: false, detail: `HTTP ${answer.status}` }
  const body = readJsonObject(answer.body)
  if (!body.ok) return { ok: false, detail: `unreadable answer: ${body.detail}` }
  const head = headSchema.safeParse(body.value)
  if (!head.success) return { ok: false, detail: z.prettifyError(head.error) }
  const { return_code, sub_return_code, return_message, sub_return_message } = head.data
  return {
    ok: true,
    returnCode: return_code,
    subReturnCode: sub_return_code,
    message: (sub_return_message || return_message || '').slice(0, 255),
    fields: body.value,
  }
}
