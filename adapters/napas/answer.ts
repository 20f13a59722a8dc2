/** Answers of NAPAS's server about a transaction: in a signed envelope, or plain where the account says so (README.md). */
import type { HttpAnswer } from '../contract.ts'
import { readJsonObject } from '../shared/json-body.ts'
import type { NapasConfig } from './account.ts'
import { openEnvelope } from './envelope.ts'
import { type PaymentResult, readResult } from './payment-result.ts'

export type AnswerReading =
  | { readonly kind: 'result'; readonly result: PaymentResult }
  | { readonly kind: 'notFound' }
  /** Says nothing: unreadable, a server fault, not signed, or about something else. */
  | { readonly kind: 'worthless'; readonly detail: string }

export function readAnswer(answer: HttpAnswer, orderId: string, config: NapasConfig): AnswerReading {
  // Unsigned by nature, so it counts only where plain answers do.
  if (answer.status === 404 && config.answers === 'plain') return { kind: 'notFound' }
  if (answer.status < 200 || answer.status > 299) return worthless(`HTTP ${answer.status}`)
  const body = readJsonObject(answer.body)
  if (!body.ok) return worthless(`unreadable answer: ${body.detail}`)
  // A checksum that comes is checked, also where none is asked for.
  const isEnvelope = config.answers === 'signed' || 'checksum' in body.value
  const opened = isEnvelope
    ? openEnvelope(answer.body, config.clientSecret)
    : ({ ok: true, content: body.value } as const)
  if (!opened.ok) return worthless(opened.detail)
  const read = readResult(opened.content, config)
  if (!read.ok) return worthless(read.detail)
  if (read.result.order.id !== orderId) return worthless('answer about another order')
  return { kind: 'result', result: read.result }
}

/** A path of the account with its places filled. */
export function pathOf(
  template: string,
  places: Readonly<Record<'merchant' | 'order' | 'transaction', string>>,
): string {
  return template
    .replace('{merchant}', () => encodeURIComponent(places.merchant))
    .replace('{order}', () => encodeURIComponent(places.order))
    .replace('{transaction}', () => encodeURIComponent(places.transaction))
}

function worthless(detail: string): AnswerReading {
  return { kind: 'worthless', detail }
}
