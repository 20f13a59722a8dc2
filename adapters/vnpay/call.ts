/** Calls to VNPAY's transaction API and their signed answers (rails.md §1.4, §1.5). */
import type { HttpAnswer, HttpCall } from '../contract.ts'
import { readJsonObject } from '../shared/json-body.ts'
import type { VnpayConfig } from './account.ts'
import { barText, hashOf, isSigned } from './signature.ts'

export type Command = 'querydr' | 'refund'

/** Names of a request in the order they are signed. */
const requestNames: Record<Command, readonly string[]> = {
  querydr: [
    'vnp_RequestId',
    'vnp_Version',
    'vnp_Command',
    'vnp_TmnCode',
    'vnp_TxnRef',
    'vnp_TransactionDate',
    'vnp_CreateDate',
    'vnp_IpAddr',
    'vnp_OrderInfo',
  ],
  refund: [
    'vnp_RequestId',
    'vnp_Version',
    'vnp_Command',
    'vnp_TmnCode',
    'vnp_TransactionType',
    'vnp_TxnRef',
    'vnp_Amount',
    'vnp_TransactionNo',
    'vnp_TransactionDate',
    'vnp_CreateBy',
    'vnp_CreateDate',
    'vnp_IpAddr',
    'vnp_OrderInfo',
  ],
}

const commonAnswerNames = [
  'vnp_ResponseId',
  'vnp_Command',
  'vnp_ResponseCode',
  'vnp_Message',
  'vnp_TmnCode',
  'vnp_TxnRef',
  'vnp_Amount',
  'vnp_BankCode',
  'vnp_PayDate',
  'vnp_TransactionNo',
  'vnp_TransactionType',
  'vnp_TransactionStatus',
  'vnp_OrderInfo',
]

/** Names of an answer in the order they are signed. */
const answerNames: Record<Command, readonly string[]> = {
  querydr: [...commonAnswerNames, 'vnp_PromotionCode', 'vnp_PromotionAmount'],
  refund: commonAnswerNames,
}

export type Fields = Readonly<Record<string, string>>

export function requestText(command: Command, fields: Fields): string {
  return barText(requestNames[command], fields)
}

export function answerText(command: Command, fields: Fields): string {
  return barText(answerNames[command], fields)
}

/** `fields` as one signed call. A value must not hold a bar: it would move its neighbours in the signed text. */
export function signedCall(command: Command, fields: Fields, config: VnpayConfig, repeatable: boolean): HttpCall {
  const barred = Object.entries(fields).find(([, value]) => value.includes('|'))
  if (barred !== undefined) throw new RangeError(`${barred[0]} holds a bar`)
  const hash = hashOf(requestText(command, fields), config.hashSecret)
  return {
    method: 'POST',
    url: config.apiUrl,
    headers: { 'content-type': 'application/json; charset=utf-8', accept: 'application/json' },
    body: JSON.stringify({ ...fields, vnp_SecureHash: hash }),
    timeoutMs: config.timeoutMs,
    repeatable,
  }
}

export type AnswerReading =
  | { readonly ok: true; readonly fields: Fields }
  /** Says nothing: unreadable, a server fault, not signed, or about something else. */
  | { readonly ok: false; readonly detail: string }

/** Only an answer signed by VNPAY about our terminal, this command and this reference counts. */
export function readAnswer(command: Command, answer: HttpAnswer, txnRef: string, config: VnpayConfig): AnswerReading {
  if (answer.status < 200 || answer.status > 299) return worthless(`HTTP ${answer.status}`)
  const body = readJsonObject(answer.body)
  if (!body.ok) return worthless(`unreadable answer: ${body.detail}`)
  const fields: Record<string, string> = {}
  for (const name of [...answerNames[command], 'vnp_SecureHash']) {
    const text = textOf(body.value[name])
    if (text === null) return worthless(`${name} is no text`)
    // With a bar inside a value the signed text could be cut in more than one way.
    if (text.includes('|')) return worthless(`${name} holds a bar`)
    fields[name] = text
  }
  if (!isSigned(answerText(command, fields), fields.vnp_SecureHash ?? '', config.hashSecret)) {
    return worthless('answer is not signed by VNPAY')
  }
  if (fields.vnp_Command !== command) return worthless('answer to another command')
  if (fields.vnp_TmnCode !== config.tmnCode) return worthless('answer for another terminal')
  if (fields.vnp_TxnRef !== txnRef) return worthless('answer about another payment')
  return { ok: true, fields }
}

/** Missing and null leave their place empty; a whole number is written as its digits. */
function textOf(value: unknown): string | null {
  if (value === undefined || value === null) return ''
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value)
  return typeof value === 'string' ? value : null
}

function worthless(detail: string): AnswerReading {
  return { ok: false, detail }
}
