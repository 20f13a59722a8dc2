/** OnePay's vectors (origin: test/fixtures/vectors/rails/README.md), an account made from their keys, and messages like OnePay's. */
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
import { accountSchema, type OnepayConfig } from '../../../adapters/onepay/account.ts'
import { hashOf, signedText } from '../../../adapters/onepay/signature.ts'

const texts = z.record(z.string(), z.string())
const head = {
  id: z.string(),
  note: z.string(),
  key: z.object({ merchant: z.string(), accessCode: z.string(), hashKeyHex: z.string() }),
}
const payUrl = z.object({
  ...head,
  op: z.literal('pay-url'),
  input: z.object({ amountVnd: z.number(), params: texts }),
  expected: z.object({ canonical: z.string(), vpc_SecureHash: z.string(), url: z.string() }),
})
const ipn = z.object({
  ...head,
  op: z.literal('ipn'),
  input: z.object({ query: texts }),
  expected: z.object({ signature: z.enum(['accept', 'reject']), ack: z.string(), paid: z.boolean() }),
})

const path = new URL('../../fixtures/vectors/rails/onepay.json', import.meta.url)
const fileSchema = z.object({ vectors: z.array(z.discriminatedUnion('op', [payUrl, ipn])) })
export const { vectors } = fileSchema.parse(JSON.parse(readFileSync(path, 'utf8')))

export const hashKey = 'A1B2C3D4E5F60718293A4B5C6D7E8F90'

export function makeAccount(overrides: Record<string, unknown> = {}): RailAccount<OnepayConfig> {
  const config = {
    profile: 'domestic',
    merchant: 'TESTMERCH',
    accessCode: 'AC000001',
    hashKey,
    queryUser: 'op01',
    queryPassword: 'op123456',
    refundUrl: 'https://mtf.onepay.vn/refunds',
    ...overrides,
  }
  return { id: 'ra_onepay', config: accountSchema.parse(config) }
}

export const now = new Date('2025-03-10T02:10:00Z')
export const context: AdapterContext = { now, requestId: 'req0000000000000001', serverIp: '198.51.100.7' }

export function makeOrder(overrides: Partial<Order> = {}): Order {
  return {
    merchantRef: 'INV202503100001',
    payCode: 'PAYCODE',
    dossierCode: 'HS0001',
    amount: 150_000n,
    description: 'HS0001',
    locale: 'vi',
    payerIp: '203.0.113.10',
    returnUrl: 'https://pay.example.vn/return/onepay',
    callbackUrl: 'https://pay.example.vn/callbacks/onepay/ra_onepay',
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
    railTransactionId: 'TESTMERCH:1625746',
    paidAmount: 150_000n,
    amount: 150_000n,
    reason: 'Hoàn phí HS0001',
    operator: 'ketoan01',
    ...overrides,
  }
}

export const refundReference = 'ref01jnz0000000000000000000ab'

export function get(query: string): RawRequest {
  return { method: 'GET', path: '', query, headers: {}, body: new Uint8Array() }
}

export function post(form: string): RawRequest {
  return { method: 'POST', path: '', query: '', headers: {}, body: Buffer.from(form, 'utf8') }
}

export function queryOf(fields: Readonly<Record<string, string>>): string {
  return new URLSearchParams(fields).toString()
}

/** `fields` as OnePay would sign them. */
export function signed(fields: Readonly<Record<string, string>>): string {
  return queryOf({ ...fields, vpc_SecureHash: hashOf(signedText(Object.entries(fields)), hashKey) })
}

export const plainNotice: Readonly<Record<string, string>> = {
  vpc_Amount: '15000000',
  vpc_Command: 'pay',
  vpc_CurrencyCode: 'VND',
  vpc_Locale: 'vn',
  vpc_MerchTxnRef: 'INV202503100001',
  vpc_Merchant: 'TESTMERCH',
  vpc_Message: 'Approved',
  vpc_OrderInfo: 'HS0001',
  vpc_TransactionNo: '1625746',
  vpc_TxnResponseCode: '0',
  vpc_Version: '2',
}

export function noticeQuery(overrides: Record<string, string> = {}): string {
  return signed({ ...plainNotice, ...overrides })
}

export function answerOf(text: string, status = 200): HttpAnswer {
  return { status, headers: { 'content-type': 'text/plain' }, body: Buffer.from(text, 'utf8') }
}
