/** VNPAY's vectors (origin: test/fixtures/vectors/rails/README.md), an account made from their keys, and messages like VNPAY's. */
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type {
  AdapterContext,
  HttpAnswer,
  Order,
  RailAccount,
  RawRequest,
  StoredAttempt,
} from '../../../adapters/contract.ts'
import { accountSchema, type VnpayConfig } from '../../../adapters/vnpay/account.ts'
import { answerText, type Command } from '../../../adapters/vnpay/call.ts'
import { formText, hashOf } from '../../../adapters/vnpay/signature.ts'

const fieldsSchema = z.record(z.string(), z.union([z.string(), z.number()]).transform(String))
const expectedSchema = z.object({ canonical: z.string(), vnp_SecureHash: z.string() })
const head = { id: z.string(), note: z.string(), key: z.object({ tmnCode: z.string(), hashSecret: z.string() }) }

const payUrl = z.object({
  ...head,
  op: z.literal('pay-url'),
  input: z.object({ amountVnd: z.number(), params: z.record(z.string(), z.string()) }),
  expected: expectedSchema.extend({ url: z.string() }),
})
const ipn = z.object({
  ...head,
  op: z.literal('ipn'),
  input: z.object({
    rawQuery: z.string(),
    order: z.object({ found: z.boolean(), amountVnd: z.number().optional(), status: z.string().optional() }),
  }),
  expected: z.object({
    signature: z.enum(['accept', 'reject']),
    RspCode: z.string(),
    httpStatus: z.number(),
    orderBecomes: z.string().nullable(),
  }),
})
const request = z.object({
  ...head,
  op: z.enum(['querydr-request', 'refund-request']),
  input: fieldsSchema,
  expected: expectedSchema,
})
const response = z.object({
  ...head,
  op: z.enum(['querydr-response', 'refund-response']),
  input: z.object({ body: z.record(z.string(), z.string()) }),
  expected: z.object({ canonical: z.string(), signature: z.enum(['accept', 'reject']) }),
})

const path = new URL('../../fixtures/vectors/rails/vnpay.json', import.meta.url)
const fileSchema = z.object({ vectors: z.array(z.discriminatedUnion('op', [payUrl, ipn, request, response])) })
export const { vectors } = fileSchema.parse(JSON.parse(readFileSync(path, 'utf8')))

export const secret = 'OPENSETSECRETKEY0123456789ABCDEF'

export function makeAccount(overrides: Record<string, unknown> = {}): RailAccount<VnpayConfig> {
  return { id: 'ra_vnpay', config: accountSchema.parse({ tmnCode: 'TESTGW01', hashSecret: secret, ...overrides }) }
}

/** 10 March 2025, 09:10 in Viet Nam: the moment of the first vector. */
export const now = new Date('2025-03-10T02:10:00Z')
export const context: AdapterContext = { now, requestId: 'req0000000000000001', serverIp: '198.51.100.7' }

export function makeOrder(overrides: Partial<Order> = {}): Order {
  return {
    merchantRef: 'INV202503100001',
    payCode: 'PAYCODE',
    dossierCode: 'HS0001',
    amount: 150_000n,
    description: 'Thu phi ho so HS0001',
    locale: 'vi',
    payerIp: '203.0.113.10',
    returnUrl: 'https://pay.example.vn/return/vnpay',
    callbackUrl: 'https://pay.example.vn/callbacks/vnpay/ra_vnpay',
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
    sent: { vnp_CreateDate: '20250310091000' },
    railTransactionId: null,
    ...overrides,
  }
}

export function get(query: string): RawRequest {
  return { method: 'GET', path: '', query, headers: {}, body: new Uint8Array() }
}

export const plainNotice: Readonly<Record<string, string>> = {
  vnp_Amount: '15000000',
  vnp_BankCode: 'NCB',
  vnp_BankTranNo: 'VNP14500001',
  vnp_CardType: 'ATM',
  vnp_OrderInfo: 'Thu phi ho so HS0001',
  vnp_PayDate: '20250310091502',
  vnp_ResponseCode: '00',
  vnp_TransactionNo: '14500001',
  vnp_TransactionStatus: '00',
  vnp_TxnRef: 'INV202503100001',
  vnp_TmnCode: 'TESTGW01',
}

/** A notice as VNPAY would sign it. */
export function noticeQuery(overrides: Record<string, string> = {}): string {
  const text = formText(Object.entries({ ...plainNotice, ...overrides }))
  return `${text}&vnp_SecureHash=${hashOf(text, secret)}`
}

export const plainAnswer: Readonly<Record<string, string>> = {
  vnp_ResponseId: 'a1b2c3d4',
  vnp_Command: 'querydr',
  vnp_TmnCode: 'TESTGW01',
  vnp_TxnRef: 'INV202503100001',
  vnp_ResponseCode: '00',
  vnp_Message: 'QueryDR Success',
  vnp_Amount: '15000000',
  vnp_BankCode: 'NCB',
  vnp_PayDate: '20250310091502',
  vnp_TransactionNo: '14500001',
  vnp_TransactionType: '01',
  vnp_TransactionStatus: '00',
  vnp_OrderInfo: 'Thu phi ho so HS0001',
}

/** An answer as VNPAY would sign it. */
export function signedAnswer(command: Command, overrides: Record<string, string> = {}): HttpAnswer {
  const fields = { ...plainAnswer, vnp_Command: command, ...overrides }
  return answerOf({ ...fields, vnp_SecureHash: hashOf(answerText(command, fields), secret) })
}

export function answerOf(body: unknown, status = 200): HttpAnswer {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return { status, headers: { 'content-type': 'application/json' }, body: Buffer.from(text, 'utf8') }
}
