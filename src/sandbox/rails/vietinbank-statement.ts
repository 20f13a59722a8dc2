/** VietinBank's statement call (rails.md §3.4) as the bank answers it: what was credited to the account on the days asked for. */
import { readableTime } from '../bank-time.ts'
import { isTextSigned, type RsaPair, type RsaScheme, signText, spoilBase64 } from './rsa-text.ts'
import type { Credit } from './vietinbank-notice.ts'

/** What both sides sign is by contract; this is the simulator's contract. */
export const statementTerms = {
  model: '1',
  version: '1',
  signedRequestFields: ['requestId', 'providerId', 'merchantId', 'account', 'fromDate', 'toDate', 'transTime'],
  signedAnswerFields: ['requestId', 'providerId', 'merchantId', 'status.code', 'account', 'openningBal', 'closingBal'],
} as const

export type StatementBank = {
  readonly credits: readonly Credit[]
  readonly accountNumber: string
  readonly providerId: string
  readonly merchantId: string
  readonly bankKeys: RsaPair
  readonly gatewayPublicKeyPem: string
  readonly scheme: RsaScheme
  /** Sign so that nobody can believe it. */
  readonly badSignature: boolean
}

type Body = Readonly<Record<string, unknown>>

/** The answer, HTTP 200 in every case. */
export function answerStatement(body: Body, bank: StatementBank): object {
  const text = (name: string): string => (typeof body[name] === 'string' ? body[name] : '')
  const { accountNumber, providerId, merchantId, bankKeys, scheme } = bank
  const head = { requestId: text('requestId'), providerId, merchantId }
  const signed = statementTerms.signedRequestFields.map(text).join('')
  if (!isTextSigned(signed, text('signature'), bank.gatewayPublicKeyPem, scheme))
    return refusal(head, '0', 'bad signature')
  const from = dayOf(text('fromDate'))
  const to = dayOf(text('toDate'))
  if (text('providerId') !== providerId || text('merchantId') !== merchantId || text('account') !== accountNumber)
    return refusal(head, '2', 'no such account of this partner')
  if (from === null || to === null || from > to || text('channel') !== 'ERP' || text('accountType') !== 'D')
    return refusal(head, '3', 'malformed')
  const before = bank.credits.filter(({ at }) => readableTime(at).slice(0, 10) < from)
  const inside = bank.credits.filter(({ at }) => isInside(readableTime(at).slice(0, 10), from, to))
  const opening = total(before)
  let balance = opening
  const transactions = inside.map(({ amount, remark, custCode = '', bankTransId, at }, index) => {
    balance += amount
    return {
      ...{ order: String(index + 1), transactionDate: dashed(readableTime(at)), transactionContent: remark },
      ...{ debit: '', credit: `${amount}.00`, accountBal: `${balance}.00`, transactionNumber: bankTransId },
      ...{ corresponsiveAccount: '', corresponsiveAccountName: '', virtualAccount: custCode, channel: 'EBANK' },
    }
  })
  const facts = { account: accountNumber, curency: 'VND', openningBal: String(opening), closingBal: `${balance}.00` }
  const fields: Readonly<Record<string, string>> = { ...head, 'status.code': '1', ...facts }
  const signature = signText(
    statementTerms.signedAnswerFields.map((name) => fields[name] ?? '').join(''),
    bankKeys.privateKeyPem,
    scheme,
  )
  return {
    ...head,
    status: { code: '1', message: 'Success' },
    ...facts,
    transactions,
    signature: bank.badSignature ? spoilBase64(signature) : signature,
  }
}

function refusal(head: object, code: string, message: string): object {
  return { ...head, status: { code, message } }
}

function isInside(day: string, from: string, to: string): boolean {
  return day >= from && day <= to
}

function total(credits: readonly Credit[]): bigint {
  return credits.reduce((sum, { amount }) => sum + amount, 0n)
}

/** `yyyy-MM-dd` of `DD/MM/YYYY`. */
function dayOf(text: string): string | null {
  const parts = /^(\d{2})\/(\d{2})\/(\d{4})$/.exec(text)
  return parts === null ? null : `${parts[3]}-${parts[2]}-${parts[1]}`
}

/** `DD-MM-YYYY HH:mm:ss` of `yyyy-MM-dd HH:mm:ss`. */
function dashed(text: string): string {
  return `${text.slice(8, 10)}-${text.slice(5, 7)}-${text.slice(0, 4)}${text.slice(10)}`
}
