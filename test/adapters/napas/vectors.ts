/** NAPAS's vectors (origin: test/fixtures/vectors/rails/README.md), an account made from their key, and messages like NAPAS's. */
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type {
  AdapterContext,
  HttpAnswer,
  Order,
  RailAccount,
  RawRequest,
  RefundOrder,
  StoredAttempt,
} from '../../../adapters/contract.ts'
import { accountSchema, type NapasConfig } from '../../../adapters/napas/account.ts'
import { checksumOf } from '../../../adapters/napas/envelope.ts'

const envelope = z.object({ data: z.string(), checksum: z.string() })
const resultNotify = z.object({
  id: z.string(),
  note: z.string(),
  op: z.literal('result-notify'),
  key: z.object({ clientSecret: z.string() }),
  input: z.object({ body: envelope }),
  expected: z.object({
    signature: z.enum(['accept', 'reject']),
    decoded: z.record(z.string(), z.unknown()).optional(),
  }),
})

const path = new URL('../../fixtures/vectors/rails/napas.json', import.meta.url)
export const { vectors } = z.object({ vectors: z.array(resultNotify) }).parse(JSON.parse(readFileSync(path, 'utf8')))

export const clientSecret = 'OPENNAPASCLIENTSECRETNOTREAL0001'

export function makeAccount(overrides: Record<string, unknown> = {}): RailAccount<NapasConfig> {
  const config = {
    clientId: 'GOVGW',
    clientSecret,
    username: 'user01',
    password: 'a&b c+d',
    channel: '7399',
    cardScheme: 'AtmCard',
    ...overrides,
  }
  return { id: 'ra_napas', config: accountSchema.parse(config) }
}

export const now = new Date('2025-03-10T02:10:00Z')
export const context: AdapterContext = { now, requestId: 'req0000000000000001', serverIp: '198.51.100.7' }

export function makeOrder(overrides: Partial<Order> = {}): Order {
  return {
    merchantRef: 'INV202503100001',
    payCode: 'PAYCODE',
    dossierCode: 'HS0001',
    amount: 150_000n,
    description: 'Thu phí hồ sơ HS0001',
    locale: 'vi',
    payerIp: '203.0.113.10',
    returnUrl: 'https://pay.example.vn/return/napas',
    callbackUrl: 'https://pay.example.vn/callbacks/napas/ra_napas',
    createdAt: now,
    expiresAt: new Date('2025-03-10T02:25:00Z'),
    payerInput: {},
    ...overrides,
  }
}

export function makeAttempt(overrides: Partial<StoredAttempt> = {}): StoredAttempt {
  return {
    merchantRef: 'INV202503100001',
    amount: 150_000n,
    createdAt: now,
    sent: {},
    railTransactionId: null,
    ...overrides,
  }
}

export function makeRefund(overrides: Partial<RefundOrder> = {}): RefundOrder {
  return {
    refundId: 'ref_01jnz0000000000000000000ab',
    attempt: makeAttempt(),
    railTransactionId: 'INV202503100001:1',
    paidAmount: 150_000n,
    amount: 150_000n,
    reason: 'Hoàn phí HS0001',
    operator: 'ketoan01',
    ...overrides,
  }
}

export const refundTransaction = 'ref01jnz0000000000000000000ab'

export type Result = Record<string, unknown>

/** A paid result as NAPAS tells it; `overrides` replaces whole parts. */
export function makeResult(overrides: Result = {}): Result {
  return {
    apiOperation: 'PAY',
    merchantId: 'GOVGW',
    order: { id: 'INV202503100001', amount: '150000', currency: 'VND' },
    response: { gatewayCode: 'APPROVED', message: 'Approved', acquirerCode: '00' },
    result: 'SUCCESS',
    transaction: { id: '1', type: 'PAYMENT', amount: 150000, currency: 'VND', acquirer: { id: 'IIG', date: '0310' } },
    sourceOfFunds: { type: 'CARD', provided: { card: { brand: 'SML', number: '9704000000000018' } } },
    ...overrides,
  }
}

export function makeRefundResult(overrides: Result = {}): Result {
  return makeResult({
    apiOperation: 'REFUND_DOMESTIC',
    transaction: { id: refundTransaction, type: 'REFUND', amount: '150000', currency: 'VND' },
    ...overrides,
  })
}

/** `text` in an envelope as NAPAS would sign it. */
export function sealText(text: string, secret = clientSecret): string {
  const data = Buffer.from(text, 'utf8').toString('base64')
  return JSON.stringify({ data, checksum: checksumOf(data, secret).toString('hex') })
}

export function seal(result: Result): string {
  return sealText(JSON.stringify({ paymentResult: result }))
}

export function notice(body: string): RawRequest {
  return {
    method: 'POST',
    path: '',
    query: '',
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(body, 'utf8'),
  }
}

export function browserResult(body: string): RawRequest {
  const form = new URLSearchParams({ napasResult: body }).toString()
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return { method: 'POST', path: '/result', query: '', headers, body: Buffer.from(form, 'utf8') }
}

export function answerOf(body: unknown, status = 200): HttpAnswer {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return { status, headers: { 'content-type': 'application/json' }, body: Buffer.from(text, 'utf8') }
}

export const tokenAnswer = answerOf({ access_token: 'tok.en-1', token_type: 'bearer', expires_in: 3600 })
