/** Calls to OnePay and their form-encoded answers (rails.md §4.2). */
import type { HttpAnswer, HttpCall } from '../contract.ts'
import { readForm } from '../shared/query.ts'
import type { OnepayConfig } from './account.ts'
import type { Fields } from './reading.ts'
import { isSigned, isSignedName, signedQuery } from './signature.ts'

export function signedCall(
  target: { readonly url: string; readonly method: 'GET' | 'POST'; readonly repeatable: boolean },
  fields: Fields,
  config: OnepayConfig,
): HttpCall {
  const { url, method, repeatable } = target
  const text = signedQuery(Object.entries(fields), config.hashKey)
  const common = { method, timeoutMs: config.timeoutMs, repeatable }
  return method === 'GET'
    ? { ...common, url: `${url}?${text}`, headers: {} }
    : { ...common, url, headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: text }
}

export type AnswerReading =
  | { readonly ok: true; readonly fields: Fields }
  /** Says nothing: unreadable, a server fault, not signed, or about something else. */
  | { readonly ok: false; readonly detail: string }

/** Only an answer signed by OnePay about our merchant and this reference counts; unsigned ones do occur. */
export function readAnswer(answer: HttpAnswer, merchTxnRef: string, config: OnepayConfig): AnswerReading {
  if (answer.status < 200 || answer.status > 299) return worthless(`HTTP ${answer.status}`)
  const reading = readForm(trimmed(answer.body))
  if (!reading.ok) return worthless(`unreadable answer: ${reading.detail}`)
  const twice = [...reading.repeated].find((name) => isSignedName(name) || name === 'vpc_SecureHash')
  if (twice !== undefined) return worthless(`${twice.slice(0, 50)} stands twice`)
  if (!isSigned(reading.fields, config.hashKey)) return worthless('answer is not signed by OnePay')
  const fields = Object.fromEntries([...reading.fields].filter(([name]) => isSignedName(name)))
  if (fields.vpc_Merchant !== undefined && fields.vpc_Merchant !== config.merchant) {
    return worthless('answer for another merchant')
  }
  if (fields.vpc_MerchTxnRef !== merchTxnRef) return worthless('answer about another payment')
  return { ok: true, fields }
}

/** Servers end a text answer with a line break now and then. */
function trimmed(body: Uint8Array): Uint8Array {
  let end = body.byteLength
  while (end > 0 && (body[end - 1] === 0x0a || body[end - 1] === 0x0d)) end -= 1
  return body.subarray(0, end)
}

function worthless(detail: string): AnswerReading {
  return { ok: false, detail }
}
