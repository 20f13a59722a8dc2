/** Requests of the generic profile: who sent them, when, and what they ask (contracts/bill-pull-profile.md). */
import { z } from 'zod'
import type { Outcome } from '../../src/domain/outcome.ts'
import type { CallbackReading, RailAccount, RawRequest, RefusalReason } from '../contract.ts'
import { readJsonObject } from '../shared/json-body.ts'
import { verifyText } from '../vietinbank/rsa.ts'
import type { GenericProfile } from './account.ts'
import { type GenericOperation, operations, requestText } from './generic-text.ts'

const id = z.string().regex(/^[0-9A-Za-z._-]{1,64}$/)
const payCode = z.string().regex(/^[0-9A-Za-z]{1,32}$/)
const amount = z.int().min(1).max(999_999_999_999_999)
const instant = z.iso.datetime({ offset: true })
const channel = z.enum(['COUNTER', 'INTERNET_BANKING', 'MOBILE_BANKING', 'ATM', 'AGENT', 'OTHER'])

const bodies = {
  inquire: z.looseObject({ payCode, channel: channel.optional() }),
  pay: z.looseObject({
    transactionId: id,
    payCode,
    amount,
    currency: z.string().max(3),
    paidAt: instant,
    channel: channel.optional(),
    payerName: z.string().max(200).optional(),
    remark: z.string().max(500).optional(),
  }),
  reverse: z.looseObject({
    reversalId: id,
    transactionId: id,
    amount,
    currency: z.string().max(3),
    reason: z.string().min(1).max(200),
  }),
} as const

export const timestampHeader = 'feegate-timestamp'
export const nonceHeader = 'feegate-nonce'
export const signatureHeader = 'feegate-signature'
export const noncePattern = /^[0-9A-Za-z_-]{16,64}$/

/** The bank has the payer's money before it tells us (`pay`), so its clock may only run a little ahead of ours. */
const clockSkewMs = 5 * 60 * 1000
const earliest = new Date('2020-01-01T00:00:00Z')

/** Null when the path names no operation. */
export function operationOf(request: RawRequest): GenericOperation | null {
  if (request.method !== 'POST') return null
  return operations.find((operation) => request.path === `/${operation}`) ?? null
}

export function readGeneric(request: RawRequest, account: RailAccount<GenericProfile>, now: Date): CallbackReading {
  const operation = operationOf(request)
  if (operation === null || request.query !== '') return refused('unsupported', `${request.method} ${request.path}`)
  const timestamp = request.headers[timestampHeader] ?? ''
  const nonce = request.headers[nonceHeader] ?? ''
  const signature = request.headers[signatureHeader] ?? ''
  if (!/^\d{10}$/.test(timestamp) || !noncePattern.test(nonce))
    return refused('auth', 'timestamp or nonce missing or not in its form')
  const text = requestText({ operation, accountId: account.id, timestamp, nonce, body: request.body })
  if (!verifyText(text, signature, account.config.bankKeyPem, 'RSA-SHA256'))
    return refused('signature', 'not signed by the bank')
  const ageSeconds = Math.abs(now.getTime() / 1000 - Number(timestamp))
  if (ageSeconds > account.config.replayWindowSeconds)
    return refused('stale', `${Math.round(ageSeconds)} s away from our clock`)

  const body = readJsonObject(request.body)
  if (!body.ok) return refused(body.reason, body.detail)
  switch (operation) {
    case 'inquire':
      return readInquire(body.value)
    case 'pay':
      return readPay(body.value, account, now)
    case 'reverse':
      return readReverse(body.value)
  }
}

function readInquire(value: unknown): CallbackReading {
  const parsed = bodies.inquire.safeParse(value)
  if (!parsed.success) return refused('malformed', z.prettifyError(parsed.error))
  return { kind: 'bill', request: { kind: 'inquire', payCode: parsed.data.payCode.toUpperCase(), echo: {} } }
}

function readPay(value: unknown, account: RailAccount<GenericProfile>, now: Date): CallbackReading {
  const parsed = bodies.pay.safeParse(value)
  if (!parsed.success) return refused('malformed', z.prettifyError(parsed.error))
  const pay = parsed.data
  if (pay.currency !== 'VND') return refused('wrong-currency', pay.currency)
  const paidAt = new Date(pay.paidAt)
  if (paidAt < earliest || paidAt.getTime() > now.getTime() + clockSkewMs)
    return refused('malformed', `paidAt ${pay.paidAt} is not plausible`)
  const outcome: Outcome = {
    rail: 'bill-pull',
    accountId: account.id,
    merchantRef: pay.payCode.toUpperCase(),
    railTransactionId: pay.transactionId,
    kind: 'succeeded',
    amount: BigInt(pay.amount),
    currency: pay.currency,
    paidAt,
    source: 'PULL',
    evidence: {
      transactionId: pay.transactionId,
      payCode: pay.payCode,
      amount: String(pay.amount),
      currency: pay.currency,
      paidAt: pay.paidAt,
      ...(pay.channel === undefined ? {} : { channel: pay.channel }),
      ...(pay.remark === undefined ? {} : { remark: pay.remark }),
    },
  }
  return { kind: 'outcome', outcome }
}

function readReverse(value: unknown): CallbackReading {
  const parsed = bodies.reverse.safeParse(value)
  if (!parsed.success) return refused('malformed', z.prettifyError(parsed.error))
  const { reversalId, transactionId, amount: taken, currency, reason } = parsed.data
  if (currency !== 'VND') return refused('wrong-currency', currency)
  return {
    kind: 'bill',
    request: {
      kind: 'reverse',
      reversalId,
      originalTransactionId: transactionId,
      amount: BigInt(taken),
      reason,
      echo: { transactionId },
    },
  }
}

function refused(reason: RefusalReason, detail: string): CallbackReading {
  return { kind: 'refused', reason, detail }
}
