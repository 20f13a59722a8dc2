/** MoMo's notice of a payment (IPN, rails.md §5.1): signed JSON. */
import { z } from 'zod'
import type { CallbackReading, RailAccount, RawRequest, RefusalReason } from '../contract.ts'
import { readJsonObject } from '../shared/json-body.ts'
import type { MomoConfig } from './account.ts'
import { wholeNumber } from './call.ts'
import { kindOf } from './codes.ts'
import { hidesSignedField, isSignedNotice } from './signature.ts'

/** MoMo's own pattern, written so that it reads each text in one way only. */
const orderId = z.string().regex(/^[0-9a-zA-Z](?:[-_.]*[0-9a-zA-Z])*$/)

const noticeSchema = z.looseObject({
  orderId: orderId.max(200),
  requestId: z.string().regex(/^[\x21-\x7e]{1,50}$/),
  amount: wholeNumber.transform(BigInt),
  transId: wholeNumber,
  resultCode: z.int(),
  responseTime: z
    .int()
    .min(Date.UTC(2020, 0, 1))
    .max(Date.UTC(2100, 0, 1)),
})

/** Fields that are kept as evidence. None of them is secret. */
const evidenceNames = [
  'orderId',
  'requestId',
  'amount',
  'transId',
  'resultCode',
  'message',
  'orderType',
  'payType',
  'responseTime',
  'orderInfo',
] as const

/** Signature → one reading of the signed text → our partner code → fields → meaning. */
export function readCallback(request: RawRequest, account: RailAccount<MomoConfig>): CallbackReading {
  const { config } = account
  if (request.method !== 'POST' || request.path !== '')
    return refused('unsupported', `${request.method} ${request.path.slice(0, 100)}`)
  const body = readJsonObject(request.body)
  if (!body.ok) return refused(body.reason, body.detail)
  if (!isSignedNotice(body.value, config)) return refused('signature', 'not signed by MoMo')
  if (hidesSignedField(body.value)) return refused('malformed', 'a field could be read as two')
  if (body.value.partnerCode !== config.partnerCode) return refused('wrong-account', 'another partner code')
  const parsed = noticeSchema.safeParse(body.value)
  if (!parsed.success) return refused('malformed', z.prettifyError(parsed.error))
  const notice = parsed.data
  // A code that is not final leaves the attempt open: inquiry decides.
  const kind = kindOf(notice.resultCode, config) ?? 'pending'
  if (kind === 'succeeded' && (notice.amount === 0n || notice.transId === '0'))
    return refused('malformed', 'a success without amount or transaction')
  return {
    kind: 'outcome',
    outcome: {
      rail: 'momo',
      accountId: account.id,
      merchantRef: notice.orderId,
      railTransactionId: transactionKey(notice.transId, notice.orderId),
      kind,
      amount: notice.amount,
      currency: 'VND',
      paidAt: kind === 'succeeded' ? new Date(notice.responseTime) : null,
      source: 'CALLBACK',
      evidence: evidenceOf(body.value),
    },
  }
}

/** MoMo's key of a transaction; our reference stands in where MoMo made none. */
export function transactionKey(transId: string, orderId: string): string {
  return transId === '0' ? orderId : transId
}

export function evidenceOf(fields: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    evidenceNames.flatMap((name) => {
      const value = fields[name]
      const text = typeof value === 'string' || typeof value === 'number' ? String(value).slice(0, 255) : ''
      return text === '' ? [] : [[name, text]]
    }),
  )
}

/** Before verification: for logs only. */
export function lookup(request: RawRequest): { merchantRef: string | null; accountHint: string | null } {
  const body = readJsonObject(request.body)
  const plain = (name: string): string | null => {
    const value = body.ok ? body.value[name] : null
    return typeof value === 'string' && /^[0-9A-Za-z._-]{1,100}$/.test(value) ? value : null
  }
  return { merchantRef: plain('orderId'), accountHint: plain('partnerCode') }
}

function refused(reason: RefusalReason, detail: string): CallbackReading {
  return { kind: 'refused', reason, detail }
}
