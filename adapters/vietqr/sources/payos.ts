/** Credit notices by payOS (rails.md §2.7): the fields of `data`, sorted and signed. What stands beside `data` is not signed. */
import { createHmac } from 'node:crypto'
import { z } from 'zod'
import type { CallbackReading, HttpReply, RawRequest, RefusalReason, Verdict } from '../../contract.ts'
import { readJsonObject } from '../../shared/json-body.ts'
import { isHexMac } from '../../shared/mac.ts'
import { jsonReply } from '../../shared/reply.ts'
import { bankTime, type CollectionAccount, isSettled, malformed, readingOf, refused } from '../notice.ts'

export const payosSource = z.strictObject({
  name: z.literal('payos'),
  checksumKey: z.string().min(16).max(256),
})

export type PayosSource = z.infer<typeof payosSource>

const noticeSchema = z.object({
  orderCode: z.int(),
  amount: z.int().min(0).max(999_999_999_999_999),
  description: z.string().max(1000),
  accountNumber: z.string().max(40),
  reference: z.string().regex(/^[\x21-\x7e]{1,100}$/),
  transactionDateTime: z.string().max(40).nullish(),
  currency: z.string().max(10).nullish(),
  paymentLinkId: z.string().max(100).nullish(),
  code: z.string().max(10),
  desc: z.string().max(500).nullish(),
  counterAccountBankName: z.string().max(200).nullish(),
  counterAccountNumber: z.string().max(40).nullish(),
  virtualAccountNumber: z.string().max(40).nullish(),
})

/** Signature → one reading of the signed text → fields → currency → our account → credit. */
export function readPayos(request: RawRequest, source: PayosSource, account: CollectionAccount): CallbackReading {
  if (request.method !== 'POST' || request.path !== '')
    return refused('unsupported', `${request.method} ${request.path}`)
  const body = readJsonObject(request.body)
  if (!body.ok) return refused(body.reason, body.detail)
  const { data, signature } = body.value
  if (!isObject(data) || !isSigned(data, signature, source.checksumKey)) return refused('signature', 'wrong signature')
  if (Object.entries(data).some(hidesField)) return refused('malformed', 'a field could be read as two')
  const parsed = noticeSchema.safeParse(data)
  if (!parsed.success) return malformed(parsed.error)
  const notice = parsed.data
  const currency = notice.currency ?? ''
  if (currency !== 'VND') return refused('wrong-currency', currency)
  return readingOf(
    {
      transactionId: notice.reference,
      // The outer `code` and `success` say the same but are not signed.
      isCredit: notice.code === '00',
      amount: BigInt(notice.amount),
      receivers: [notice.accountNumber, notice.virtualAccountNumber],
      texts: [notice.description],
      paidAt: bankTime(notice.transactionDateTime ?? ''),
      evidence: {
        source: 'payos',
        reference: notice.reference,
        orderCode: String(notice.orderCode),
        paymentLinkId: notice.paymentLinkId,
        transactionDateTime: notice.transactionDateTime,
        description: notice.description,
        code: notice.code,
        desc: notice.desc,
        payerBank: notice.counterAccountBankName,
        payerAccount: notice.counterAccountNumber?.replace(/.(?=.{4})/g, '*'),
      },
    },
    account,
  )
}

/**
 * The text payOS signs, of a webhook's `data` and of a request for a payment link alike: names in code-unit order, raw
 * values. Null, and the words `null` and `undefined`, count as empty; an array is JSON with the names of its objects sorted.
 * Where payOS's own library is odd, so is this: names that are numbers come first, an item that is no object counts by its
 * characters.
 */
export function payosText(data: Readonly<Record<string, unknown>>): string {
  return Object.entries(sorted(data))
    .map(([name, value]) => `${name}=${valueText(value)}`)
    .join('&')
}

function valueText(value: unknown): string {
  if (value === null || value === 'null' || value === 'undefined') return ''
  if (Array.isArray(value)) return JSON.stringify(value.map((item: unknown) => sorted(Object(item))))
  return String(value)
}

function sorted(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function isSigned(data: Readonly<Record<string, unknown>>, signature: unknown, checksumKey: string): boolean {
  // Lower case only: payOS's own library compares the letters.
  if (typeof signature !== 'string' || !/^[0-9a-f]{64}$/.test(signature)) return false
  return isHexMac(signature, createHmac('sha256', checksumKey).update(payosText(data), 'utf8').digest())
}

const readNames = new RegExp(`&(?:${Object.keys(noticeSchema.shape).join('|')})=`)

/**
 * Nothing is encoded before signing: `&amount=` inside a value could be cut off as a field of its own under the same signature.
 * Names that we do not read are harmless there, and payers do write `&` and `=`.
 */
function hidesField([name, value]: readonly [string, unknown]): boolean {
  return /[&=]/.test(name) || readNames.test(valueText(value))
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const refusalStatus: Readonly<Record<RefusalReason, number>> = {
  signature: 401,
  auth: 401,
  stale: 401,
  malformed: 400,
  'repeated-field': 400,
  // The probe that payOS sends when the address is registered is signed and names an account of its own: it needs a 2xx.
  'wrong-account': 200,
  'wrong-currency': 400,
  unsupported: 400,
}

export function acknowledgePayos(verdict: Verdict): HttpReply {
  if (verdict.kind === 'refused') return jsonReply(refusalStatus[verdict.reason], { success: false })
  return isSettled(verdict) ? jsonReply(200, { success: true }) : jsonReply(503, { success: false })
}
