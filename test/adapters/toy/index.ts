/** A rail nobody has: a signed redirect, a signed notice, a question and no refund. It shows what an adapter is at least. */
import { createHmac } from 'node:crypto'
import { z } from 'zod'
import type { Adapter, CallbackReading, RawRequest, RefusalReason, Verdict } from '../../../adapters/contract.ts'
import { requireCarried } from '../../../adapters/shared/amount-limit.ts'
import { attemptReference } from '../../../adapters/shared/attempt-reference.ts'
import { readJsonObject } from '../../../adapters/shared/json-body.ts'
import { isHexMac } from '../../../adapters/shared/mac.ts'
import { jsonReply } from '../../../adapters/shared/reply.ts'
import { foldToLatin } from '../../../src/domain/fold.ts'
import type { Outcome, OutcomeSource } from '../../../src/domain/outcome.ts'

const accountSchema = z.strictObject({
  shop: z.string().regex(/^[A-Z0-9]{4,12}$/),
  secret: z.string().min(16).max(100),
  payUrl: z.url({ protocol: /^https?$/ }),
  apiUrl: z.url({ protocol: /^https?$/ }),
})
type ToyConfig = z.infer<typeof accountSchema>

const messageSchema = z.object({
  shop: z.string(),
  ref: z.string().regex(/^[A-Z0-9]{1,20}$/),
  id: z.string().regex(/^\d{1,20}$/),
  amount: z.string().regex(/^[1-9]\d{0,9}$/),
  state: z.enum(['PAID', 'FAILED', 'OPEN']),
})
type Message = z.infer<typeof messageSchema>

/** Bars keep the values apart: no pattern above lets one through. */
function macOf({ shop, ref, id, amount, state }: Message, { secret }: ToyConfig): Buffer {
  return createHmac('sha256', secret).update([shop, ref, id, amount, state].join('|')).digest()
}

/** Fields → proof → our shop. */
function readMessage(
  bytes: Uint8Array,
  config: ToyConfig,
): { ok: true; message: Message } | { ok: false; reason: RefusalReason; detail: string } {
  const body = readJsonObject(bytes)
  if (!body.ok) return body
  const parsed = messageSchema.safeParse(body.value)
  if (!parsed.success) return { ok: false, reason: 'malformed', detail: z.prettifyError(parsed.error) }
  const { mac } = body.value
  if (typeof mac !== 'string' || !isHexMac(mac, macOf(parsed.data, config)))
    return { ok: false, reason: 'signature', detail: 'the code does not hold' }
  if (parsed.data.shop !== config.shop) return { ok: false, reason: 'wrong-account', detail: 'another shop' }
  return { ok: true, message: parsed.data }
}

function outcomeOf({ ref, id, amount, state }: Message, accountId: string, source: OutcomeSource): Outcome {
  return {
    rail: 'toy',
    accountId,
    merchantRef: ref,
    railTransactionId: id,
    kind: state === 'PAID' ? 'succeeded' : state === 'FAILED' ? 'failed' : 'pending',
    amount: BigInt(amount),
    currency: 'VND',
    paidAt: null,
    source,
    evidence: { ref, id, amount, state },
  }
}

const minAmount = 1_000n
const maxAmount = 9_999_999n

export const toy: Adapter<ToyConfig> = {
  name: 'toy',
  titleVi: 'Đường thanh toán mẫu',
  titleEn: 'Toy rail',
  channels: ['WALLET'],
  capabilities: {
    transfer: false,
    start: true,
    callback: true,
    inquiry: true,
    refund: 'none',
    pull: false,
    statement: 'none',
    minAmount,
    maxAmount,
    descriptionMaxLength: 20,
    source: 'docs/adding-a-rail.md',
    unverified: [],
  },
  accountSchema,
  secretFields: ['secret'],
  receivers: ({ shop }) => [`shop ${shop}`],

  merchantRef: ({ sequence }) => attemptReference(sequence),

  start(order, { config }) {
    requireCarried(order.amount, 'the toy rail', minAmount, maxAmount)
    const url = new URL(config.payUrl)
    url.searchParams.set('shop', config.shop)
    url.searchParams.set('ref', order.merchantRef)
    url.searchParams.set('amount', order.amount.toString())
    url.searchParams.set('text', foldToLatin(order.description, 20) || order.payCode)
    const signed = [config.shop, order.merchantRef, order.amount].join('|')
    url.searchParams.set('mac', createHmac('sha256', config.secret).update(signed).digest('hex'))
    return { kind: 'done', result: { kind: 'redirect', url: url.href, sent: {} } }
  },

  lookup(request) {
    const body = readJsonObject(request.body)
    const ref = body.ok ? body.value.ref : null
    return { merchantRef: typeof ref === 'string' && /^[A-Z0-9]{1,20}$/.test(ref) ? ref : null, accountHint: null }
  },

  readCallback(request: RawRequest, { id, config }): CallbackReading {
    if (request.method !== 'POST' || request.path !== '')
      return { kind: 'refused', reason: 'unsupported', detail: request.method }
    const read = readMessage(request.body, config)
    if (!read.ok) return { kind: 'refused', reason: read.reason, detail: read.detail }
    return { kind: 'outcome', outcome: outcomeOf(read.message, id, 'CALLBACK') }
  },

  acknowledge(verdict: Verdict) {
    if (verdict.kind === 'unavailable') return jsonReply(503, { ok: false })
    return verdict.kind === 'refused' ? jsonReply(400, { ok: false }) : jsonReply(200, { ok: true })
  },

  inquire: (attempt, { config }) => ({
    kind: 'call',
    call: {
      method: 'GET',
      url: `${config.apiUrl}?shop=${config.shop}&ref=${attempt.merchantRef}`,
      headers: { accept: 'application/json' },
      timeoutMs: 10_000,
      repeatable: true,
    },
    state: null,
  }),

  readInquiry(answer, _state, attempt, { id, config }) {
    const read =
      answer.status === 200
        ? readMessage(answer.body, config)
        : ({ ok: false, detail: `HTTP ${answer.status}` } as const)
    if (!read.ok) return { kind: 'done', result: { kind: 'unverified', detail: read.detail } }
    if (read.message.ref !== attempt.merchantRef)
      return { kind: 'done', result: { kind: 'unverified', detail: 'another order' } }
    const outcome = outcomeOf(read.message, id, 'INQUIRY')
    return {
      kind: 'done',
      result: outcome.kind === 'pending' ? { kind: 'stillPending' } : { kind: 'outcome', outcome },
    }
  },
}
