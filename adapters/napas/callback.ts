/** NAPAS's notice (IPN), a JSON envelope, and the same envelope in the `napasResult` field a browser brings (rails.md §4.1). */
import { z } from 'zod'
import type { CallbackReading, RailAccount, RawRequest, RefusalReason } from '../contract.ts'
import { readJsonObject } from '../shared/json-body.ts'
import { readForm } from '../shared/query.ts'
import type { NapasConfig } from './account.ts'
import { type EnvelopeReading, openEnvelope } from './envelope.ts'
import { evidenceOf, isReturn, kindOfResult, readResult, transactionKey } from './payment-result.ts'

/** Where a result page posts, if NAPAS was given this address for it. */
export const browserPath = '/result'

/** Checksum → our merchant → currency → meaning. */
export function readCallback(request: RawRequest, account: RailAccount<NapasConfig>): CallbackReading {
  const { config } = account
  const byBrowser = request.path === browserPath
  if (request.method !== 'POST' || (request.path !== '' && !byBrowser)) {
    return refused('unsupported', `${request.method} ${request.path}`)
  }
  const opened = byBrowser ? openForm(request.body, config) : openEnvelope(request.body, config.clientSecret)
  if (!opened.ok) return refused(opened.reason, opened.detail)
  const read = readResult(opened.content, config)
  if (!read.ok) return refused(read.reason, read.detail)
  const { result } = read
  // What a browser carries never marks an order paid (rails.md, rule 6): the notice or an inquiry does.
  if (byBrowser) return { kind: 'ignored', reason: `result of ${result.order.id} brought by a browser` }
  // Our own refunds answer for themselves; a success of one must not read as money received.
  if (isReturn(result)) return { kind: 'ignored', reason: `return of money on ${result.order.id}` }
  return {
    kind: 'outcome',
    outcome: {
      rail: 'napas',
      accountId: account.id,
      merchantRef: result.order.id,
      railTransactionId: transactionKey(result),
      kind: kindOfResult(result, config),
      amount: result.order.amount,
      currency: 'VND',
      // NAPAS tells when the order was made, not when it was paid.
      paidAt: null,
      source: 'CALLBACK',
      evidence: evidenceOf(result),
    },
  }
}

function openForm(body: Uint8Array, config: NapasConfig): EnvelopeReading {
  const form = readForm(body)
  if (!form.ok) return { ok: false, reason: 'malformed', detail: form.detail }
  if (form.repeated.has('napasResult'))
    return { ok: false, reason: 'repeated-field', detail: 'napasResult stands twice' }
  const text = form.fields.get('napasResult') ?? ''
  return openEnvelope(Buffer.from(text, 'utf8'), config.clientSecret)
}

const hintSchema = z.looseObject({
  paymentResult: z.looseObject({
    merchantId: z
      .string()
      .regex(/^[\x21-\x7e]{1,100}$/)
      .nullish()
      .catch(null),
    order: z
      .looseObject({
        id: z
          .string()
          .regex(/^[A-Za-z0-9._-]{1,60}$/)
          .nullish()
          .catch(null),
      })
      .nullish()
      .catch(null),
  }),
})

/** Before verification: for logs only. */
export function lookup(request: RawRequest): { merchantRef: string | null; accountHint: string | null } {
  const none = { merchantRef: null, accountHint: null }
  const form = request.path === browserPath ? readForm(request.body) : null
  const bytes =
    form === null ? request.body : Buffer.from(form.ok ? (form.fields.get('napasResult') ?? '') : '', 'utf8')
  const envelope = readJsonObject(bytes)
  if (!envelope.ok || typeof envelope.value.data !== 'string') return none
  const content = readJsonObject(Buffer.from(envelope.value.data, 'base64'))
  const hint = content.ok ? hintSchema.safeParse(content.value) : null
  if (hint === null || !hint.success) return none
  const { merchantId, order } = hint.data.paymentResult
  return { merchantRef: order?.id ?? null, accountHint: merchantId ?? null }
}

function refused(reason: RefusalReason, detail: string): CallbackReading {
  return { kind: 'refused', reason, detail }
}
