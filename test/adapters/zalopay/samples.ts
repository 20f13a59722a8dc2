/** ZaloPay's vectors (origin: test/fixtures/vectors/rails/README.md), an account made from their keys, and messages like ZaloPay's. */
import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type {
  AdapterContext,
  CallbackReading,
  HttpAnswer,
  HttpCall,
  Order,
  RailAccount,
  RawRequest,
  RefundOrder,
  Step,
  StoredAttempt,
} from '../../../adapters/contract.ts'
import { accountSchema, type ZalopayConfig } from '../../../adapters/zalopay/account.ts'
import { zalopay } from '../../../adapters/zalopay/index.ts'

const head = { id: z.string(), note: z.string() }
const request = z.object({
  ...head,
  op: z.enum(['create-request', 'query-request', 'refund-request', 'query_refund-request']),
  input: z.record(z.string(), z.union([z.string(), z.number()])),
  expected: z.object({ canonical: z.string(), mac: z.string() }),
})
const callback = z.object({
  ...head,
  op: z.literal('callback'),
  input: z.object({ body: z.object({ data: z.string(), mac: z.string(), type: z.number() }) }),
  expected: z.object({ signature: z.enum(['accept', 'reject']), ack: z.object({ return_code: z.number() }) }),
})
const path = new URL('../../fixtures/vectors/rails/zalopay.json', import.meta.url)
export const { vectors } = z
  .object({ vectors: z.array(z.discriminatedUnion('op', [request, callback])) })
  .parse(JSON.parse(readFileSync(path, 'utf8')))

export const keys = {
  appId: 2553,
  key1: 'openZaloKey1NotReal000000000001',
  key2: 'openZaloKey2NotReal000000000002',
}
export function makeAccount(overrides: object = {}): RailAccount<ZalopayConfig> {
  return { id: 'ra_zalopay', config: accountSchema.parse({ ...keys, ...overrides }) }
}
export const account = makeAccount()

/** 10 March 2025, 09:10 in Viet Nam. */
export const now = new Date('2025-03-10T02:10:00Z')
export const context: AdapterContext = { now, requestId: 'req0000000000000001', serverIp: '198.51.100.7' }

export function makeOrder(overrides: Partial<Order> = {}): Order {
  return {
    merchantRef: '250310_FG00000001',
    payCode: 'NGMYUSYQ74EU',
    dossierCode: 'HS0001',
    amount: 150_000n,
    description: 'Thu phi ho so HS0001',
    locale: 'vi',
    payerIp: '203.0.113.10',
    returnUrl: 'https://pay.example.vn/return/zalopay',
    callbackUrl: 'https://pay.example.vn/callbacks/zalopay/ra_zalopay',
    createdAt: now,
    expiresAt: new Date('2025-03-10T02:40:00Z'),
    payerInput: {},
    ...overrides,
  }
}

export const attempt: StoredAttempt = {
  merchantRef: '250310_FG00000001',
  amount: 150_000n,
  createdAt: now,
  sent: {},
  railTransactionId: null,
}

export function makeRefund(overrides: Partial<RefundOrder> = {}): RefundOrder {
  return {
    refundId: 'ref_unknown',
    attempt,
    railTransactionId: '250310000000389',
    paidAmount: 150_000n,
    amount: 50_000n,
    reason: 'Nộp thừa | phí',
    operator: 'can bo A',
    ...overrides,
  }
}

export const plainData = {
  app_id: keys.appId,
  app_trans_id: '250310_FG00000001',
  app_time: 1741572600000,
  app_user: 'NGMYUSYQ74EU',
  amount: 150000,
  embed_data: '{}',
  item: '[]',
  zp_trans_id: 250310000000389,
  server_time: 1741572902000,
  channel: 38,
  merchant_user_id: 'u1',
  user_fee_amount: 0,
  discount_amount: 0,
}

export function hmac(key: string, text: string): string {
  return createHmac('sha256', key).update(text, 'utf8').digest('hex')
}

/** A callback as ZaloPay would sign it. */
export function signed(overrides: object = {}): { data: string; mac: string; type: number } {
  return signedText(JSON.stringify({ ...plainData, ...overrides }))
}

export function signedText(data: string): { data: string; mac: string; type: number } {
  return { data, mac: hmac(keys.key2, data), type: 1 }
}

export function post(body: unknown): RawRequest {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return { method: 'POST', path: '', query: '', headers: {}, body: Buffer.from(text, 'utf8') }
}

export function read(body: unknown): CallbackReading {
  return zalopay.readCallback(post(body), account, context)
}

/** The kind of the outcome, or why the callback was refused. */
export function meaningOf(reading: CallbackReading): string {
  if (reading.kind === 'outcome') return reading.outcome.kind
  return reading.kind === 'refused' ? reading.reason : reading.kind
}

export function answerOf(body: unknown, status = 200): HttpAnswer {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return { status, headers: { 'content-type': 'application/json' }, body: Buffer.from(text, 'utf8') }
}

export function callOf<T>(step: Step<T> | undefined): HttpCall {
  if (step?.kind !== 'call') throw new Error('a call was expected')
  return step.call
}

export function resultOf<T>(step: Step<T> | undefined): T {
  if (step?.kind !== 'done') throw new Error('a result was expected')
  return step.result
}

export function bodyOf(call: HttpCall): Record<string, unknown> {
  return z.record(z.string(), z.unknown()).parse(JSON.parse(call.body ?? ''))
}
