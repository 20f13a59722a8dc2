/** MoMo's vectors (origin: test/fixtures/vectors/rails/README.md), an account made from their keys, and messages like MoMo's. */
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
import { accountSchema, type MomoConfig } from '../../../adapters/momo/account.ts'
import { momo } from '../../../adapters/momo/index.ts'

const head = { id: z.string(), note: z.string() }
const fields = z.record(z.string(), z.union([z.string(), z.number()]))
const request = z.object({
  ...head,
  op: z.enum(['create-request', 'query-request', 'refund-request']),
  input: fields,
  expected: z.object({ canonical: z.string(), signature: z.string() }),
})
const ipn = z.object({
  ...head,
  op: z.literal('ipn'),
  input: z.object({ body: fields }),
  expected: z.object({
    canonical: z.string(),
    signature: z.enum(['accept', 'reject']),
    paid: z.boolean(),
    httpStatus: z.number().optional(),
  }),
})
const path = new URL('../../fixtures/vectors/rails/momo.json', import.meta.url)
export const { vectors } = z
  .object({ vectors: z.array(z.discriminatedUnion('op', [request, ipn])) })
  .parse(JSON.parse(readFileSync(path, 'utf8')))

export const keys = {
  partnerCode: 'MOMOTEST01',
  accessKey: 'OPENACCESSKEY1',
  secretKey: 'openMomoSecretNotReal00000000001',
}
export const account: RailAccount<MomoConfig> = { id: 'ra_momo', config: accountSchema.parse(keys) }

/** 10 March 2025, 09:10 in Viet Nam. */
export const now = new Date('2025-03-10T02:10:00Z')
export const context: AdapterContext = { now, requestId: 'req0000000000000001', serverIp: '198.51.100.7' }

export function makeOrder(overrides: Partial<Order> = {}): Order {
  return {
    merchantRef: 'FG00000001',
    payCode: 'NGMYUSYQ74EU',
    dossierCode: 'HS0001',
    amount: 150_000n,
    description: 'Thu phi ho so HS0001',
    locale: 'vi',
    payerIp: '203.0.113.10',
    returnUrl: 'https://pay.example.vn/return/momo',
    callbackUrl: 'https://pay.example.vn/callbacks/momo/ra_momo',
    createdAt: now,
    expiresAt: new Date('2025-03-10T02:40:00Z'),
    payerInput: {},
    ...overrides,
  }
}

export const attempt: StoredAttempt = {
  merchantRef: 'FG00000001',
  amount: 150_000n,
  createdAt: now,
  sent: {},
  railTransactionId: null,
}

export function makeRefund(overrides: Partial<RefundOrder> = {}): RefundOrder {
  return {
    refundId: 'ref_01jnz4k6zz0000000000000000',
    attempt,
    railTransactionId: '4088878653',
    paidAmount: 150_000n,
    amount: 50_000n,
    reason: 'Nộp thừa phí HS0001',
    operator: 'can bo A',
    ...overrides,
  }
}

export const plainNotice = {
  partnerCode: keys.partnerCode,
  orderId: 'FG00000001',
  requestId: 'FG00000001',
  amount: 150000,
  orderInfo: 'Thu phi ho so HS0001',
  orderType: 'momo_wallet',
  transId: 4088878653,
  resultCode: 0,
  message: 'Giao dịch thành công.',
  payType: 'qr',
  responseTime: 1741572902000,
  extraData: '',
}
const noticeNames = Object.keys(plainNotice).sort()

/** A notice as MoMo would sign it. */
export function signed(overrides: Record<string, unknown> = {}): Record<string, unknown> {
  const notice: Record<string, unknown> = { ...plainNotice, ...overrides }
  const text = [`accessKey=${keys.accessKey}`, ...noticeNames.map((name) => `${name}=${String(notice[name])}`)].join(
    '&',
  )
  return { ...notice, signature: hmac(text) }
}

export function hmac(text: string): string {
  return createHmac('sha256', keys.secretKey).update(text, 'utf8').digest('hex')
}

export function post(body: unknown): RawRequest {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return { method: 'POST', path: '', query: '', headers: {}, body: Buffer.from(text, 'utf8') }
}

export function read(body: unknown): CallbackReading {
  return momo.readCallback(post(body), account, context)
}

/** The kind of the outcome, or why the notice was refused. */
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
