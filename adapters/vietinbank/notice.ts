/** The bank's credit notice (`notify-bill`), rails.md §3.1. Shared with the bill-pull rail, whose payments arrive as the same message. */
import { z } from 'zod'
import { findPayCodes, isPayCode } from '../../src/domain/pay-code.ts'
import { parseCompactLocalTime } from '../../src/domain/vietnam-time.ts'
import type { CallbackReading, RawRequest, RefusalReason } from '../contract.ts'
import { readJsonObject } from '../shared/json-body.ts'
import { findPaymentReferences } from './reference.ts'
import { type SignatureScheme, verifyText } from './rsa.ts'

/** Both path styles seen (rails.md §3.1). */
export const noticePaths = ['/vpg/collection/api/v1/notify-bill', '/api/v1/notify-bill'] as const

/** What an account's config says about notices. */
export type NoticeTerms = {
  readonly rail: string
  readonly accountId: string
  readonly signature: SignatureScheme
  readonly bankKeyPem: string
  readonly noticeProviderId: string
  readonly receivingAccounts: readonly string[]
  readonly vacPrefix?: string | undefined
  readonly source: 'CALLBACK' | 'PULL'
}

/** What a notice calls its receiver. */
export function noticeReceivers(terms: Pick<NoticeTerms, 'noticeProviderId' | 'receivingAccounts'>): readonly string[] {
  return terms.receivingAccounts.map((account) => `account ${account} of provider ${terms.noticeProviderId}`)
}

const signedNames = ['transId', 'transTime', 'custCode', 'amount', 'bankTransId', 'remark'] as const

/** Strict where a machine reads the value: the signed text has no separators, so only the patterns keep neighbours apart. */
const noticeSchema = z.looseObject({
  msgId: z.string().max(50).nullish(),
  providerId: z.string().max(50),
  transId: z.string().regex(/^[0-9A-Za-z_-]{1,50}$/),
  transTime: z.string().regex(/^\d{14}$/),
  transType: z.string().max(20),
  custCode: z
    .string()
    .regex(/^[0-9A-Za-z._-]{0,30}$/)
    .nullish(),
  amount: z.string().regex(/^[1-9]\d{0,14}$/),
  bankTransId: z
    .string()
    .regex(/^[0-9A-Za-z._-]{0,50}$/)
    .nullish(),
  remark: z.string().max(1000).nullish(),
  currencyCode: z.string().max(5),
  sendBankId: z.string().max(50).nullish(),
  sendAcctId: z.string().max(50).nullish(),
  recvAcctId: z.string().max(50).nullish(),
  recvVirtualAcctId: z.string().max(50).nullish(),
})
type Notice = z.infer<typeof noticeSchema>

/** `D` is a debit; the others are credits (rails.md §3.1). The field is not signed. */
const creditTypes = ['C', 'O', '1', '2', '3', 'COLLECTION']
const oneDayMs = 24 * 60 * 60 * 1000
const earliest = new Date('2020-01-01T00:00:00Z')

/** The text the bank signs: absent and empty fields are skipped, nothing is trimmed. Null when a signed field is no text. */
export function noticeText(body: Readonly<Record<string, unknown>>): string | null {
  return joinTexts(signedNames.map((name) => body[name]))
}

/** Plain concatenation; null and absent count as empty. Null when a value is something else than text. */
export function joinTexts(values: readonly unknown[]): string | null {
  let text = ''
  for (const value of values) {
    if (value === undefined || value === null) continue
    if (typeof value !== 'string') return null
    text += value
  }
  return text
}

export function readNotice(request: RawRequest, terms: NoticeTerms, now: Date): CallbackReading {
  const body = readJsonObject(request.body)
  if (!body.ok) return refused(body.reason, body.detail)
  const text = noticeText(body.value)
  const { signature } = body.value
  if (text === null || typeof signature !== 'string')
    return refused('malformed', 'a signed field or the signature is no text')
  if (!verifyText(text, signature, terms.bankKeyPem, terms.signature))
    return refused('signature', 'not signed by the bank')

  const parsed = noticeSchema.safeParse(body.value)
  if (!parsed.success) return refused('malformed', z.prettifyError(parsed.error))
  const notice = parsed.data
  if (notice.providerId !== terms.noticeProviderId) return refused('wrong-account', `provider ${notice.providerId}`)
  if (notice.transType === 'D') return { kind: 'ignored', reason: 'a debit' }
  if (!creditTypes.includes(notice.transType)) return refused('unsupported', `transType ${notice.transType}`)
  if (notice.currencyCode !== 'VND') return refused('wrong-currency', notice.currencyCode)
  const foreign = foreignAccount(notice, terms)
  if (foreign !== null) return refused('wrong-account', foreign)
  const paidAt = plausibleTime(notice.transTime, now)
  if (paidAt === null) return refused('malformed', `transTime ${notice.transTime} is no plausible time`)
  const { merchantRef, ofCodePayment } = referenceOf(notice, terms)
  return {
    kind: 'outcome',
    outcome: {
      rail: terms.rail,
      accountId: terms.accountId,
      merchantRef,
      // The credit of a payment with code is the same money its confirmation told of: one key for both (reference.ts).
      railTransactionId: ofCodePayment && merchantRef !== null ? merchantRef : `${notice.providerId}:${notice.transId}`,
      kind: 'succeeded',
      amount: BigInt(notice.amount),
      currency: notice.currencyCode,
      paidAt,
      source: terms.source,
      evidence: evidenceOf(notice),
    },
  }
}

/**
 * The instant of `yyyyMMddHHmmss`, null unless it is a real time between 2020 and tomorrow.
 * A digit moved between the transaction id, the time and the field after it leaves the signature whole, but not the time.
 */
export function plausibleTime(transTime: string, now: Date): Date | null {
  const time = parseCompactLocalTime(transTime)
  return time === null || time < earliest || time.getTime() > now.getTime() + oneDayMs ? null : time
}

/** The receiving account is not signed, but when it is named it must be ours. */
function foreignAccount(notice: Notice, terms: NoticeTerms): string | null {
  const { recvAcctId, recvVirtualAcctId } = notice
  if (recvAcctId && !terms.receivingAccounts.includes(recvAcctId)) return 'receiving account is not ours'
  if (
    recvVirtualAcctId &&
    !startsWithPrefix(recvVirtualAcctId, terms.vacPrefix) &&
    !terms.receivingAccounts.includes(recvVirtualAcctId)
  ) {
    return 'receiving virtual account is not ours'
  }
  return null
}

/**
 * Which of our references the money names: the virtual account's code where there is one (where the money landed), else our
 * twelve-digit reference in the remark, else a pay code in the remark. Several different ones name none: a human decides.
 */
function referenceOf(notice: Notice, terms: NoticeTerms): { merchantRef: string | null; ofCodePayment: boolean } {
  const custCode = notice.custCode ?? ''
  const payCode = payCodeOf(custCode, terms.vacPrefix)
  // A code that is none of ours may hold digits of the amount, which follows it unmarked: no remark may give it an invoice.
  if (custCode !== '') return { merchantRef: payCode, ofCodePayment: false }
  const remark = notice.remark ?? ''
  const references = findPaymentReferences(remark)
  if (references.length > 0) return { merchantRef: only(references), ofCodePayment: true }
  return { merchantRef: only(findPayCodes(remark)), ofCodePayment: false }
}

/** The pay code in a customer code, with or without the prefix of our virtual accounts; null when there is none. */
export function payCodeOf(custCode: string, vacPrefix: string | undefined): string | null {
  const code = (startsWithPrefix(custCode, vacPrefix) ? custCode.slice(vacPrefix?.length ?? 0) : custCode).toUpperCase()
  return isPayCode(code) ? code : null
}

function startsWithPrefix(text: string, prefix: string | undefined): boolean {
  return prefix !== undefined && text.toUpperCase().startsWith(prefix.toUpperCase())
}

function only(found: readonly string[]): string | null {
  const [first, ...others] = found
  return first !== undefined && others.length === 0 ? first : null
}

const evidenceNames = [
  'msgId',
  'providerId',
  'transId',
  'transTime',
  'transType',
  'custCode',
  'amount',
  'currencyCode',
  'bankTransId',
  'remark',
  'sendBankId',
  'recvAcctId',
  'recvVirtualAcctId',
] as const

function evidenceOf(notice: Notice): Record<string, string> {
  const evidence: Record<string, string> = {}
  for (const name of evidenceNames) {
    const value = notice[name]
    if (value) evidence[name] = value
  }
  if (notice.sendAcctId) evidence.sendAcctId = maskAccount(notice.sendAcctId)
  return evidence
}

/** The last four characters; the whole number stays in the stored request, under its access rules. */
function maskAccount(account: string): string {
  return account.length > 4 ? `****${account.slice(-4)}` : '****'
}

function refused(reason: RefusalReason, detail: string): CallbackReading {
  return { kind: 'refused', reason, detail }
}
