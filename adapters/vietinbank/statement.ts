/** The bank's statement call for one account and a span of days (rails.md §3.4). */
import { z } from 'zod'
import { compactLocalTime, parseReadableLocalTime } from '../../src/domain/vietnam-time.ts'
import type {
  AdapterContext,
  HttpAnswer,
  HttpCall,
  RailAccount,
  StatementResult,
  StatementSpan,
  Step,
} from '../contract.ts'
import { readJsonObject } from '../shared/json-body.ts'
import type { VietinbankConfig } from './account.ts'
import { type SignatureScheme, signText, verifyText } from './rsa.ts'

export type StatementTerms = {
  readonly url: string
  readonly clientId: string
  readonly clientSecret: string
  readonly privateKeyPem: string
  readonly bankKeyPem: string
  readonly signature: SignatureScheme
  readonly providerId: string
  readonly merchantId: string
  readonly model: string
  readonly version: string
  /** Names of the request's fields in the order they are signed; not published, by contract. */
  readonly signedRequestFields: readonly string[]
  /** The same for the answer (`status.code` names the inner field); empty when the bank does not sign it. */
  readonly signedAnswerFields: readonly string[]
  readonly timeoutMs: number
}

export type CallSpan = {
  readonly account: string
  /** Local calendar days `yyyy-MM-dd`, both included. */
  readonly from: string
  readonly to: string
  /** Leave out for both directions. */
  readonly only?: 'debits' | 'credits'
}

/** Reading again gives the same rows, so the gateway may repeat the call. */
export function statementCall(span: CallSpan, terms: StatementTerms, context: AdapterContext): HttpCall {
  const fields: Record<string, string> = {
    model: terms.model,
    requestId: context.requestId.slice(0, 30),
    providerId: terms.providerId,
    merchantId: terms.merchantId,
    account: span.account,
    fromDate: slashed(span.from),
    toDate: slashed(span.to),
    fromTime: '00:00:00',
    toTime: '23:59:59',
    accountType: 'D',
    ...(span.only === undefined ? {} : { collectionType: span.only === 'debits' ? 'd' : 'c' }),
    transTime: compactLocalTime(context.now),
    channel: 'ERP',
    version: terms.version,
    language: 'vi',
  }
  const text = terms.signedRequestFields.map((name) => fields[name] ?? '').join('')
  return {
    method: 'POST',
    url: terms.url,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      accept: 'application/json',
      'x-ibm-client-id': terms.clientId,
      'x-ibm-client-secret': terms.clientSecret,
    },
    body: JSON.stringify({ ...fields, signature: signText(text, terms.privateKeyPem, terms.signature) }),
    timeoutMs: terms.timeoutMs,
    repeatable: true,
    longAnswer: true,
  }
}

const text = z.string().max(2000).nullish()
const rowSchema = z.looseObject({
  transactionDate: z.string(),
  transactionContent: text,
  debit: text,
  credit: text,
  accountBal: text,
  transactionNumber: z.string().min(1).max(100),
  virtualAccount: text,
  corresponsiveAccount: text,
  corresponsiveAccountName: text,
  channel: text,
})
const answerSchema = z.looseObject({
  requestId: z.string(),
  status: z.looseObject({ code: z.string(), message: text }),
  account: text,
  // Misspelt on the wire.
  curency: text,
  openningBal: text,
  closingBal: text,
  transactions: z.array(rowSchema).nullish(),
  signature: text,
})

export type StatementRow = {
  readonly transactionNumber: string
  readonly bookedAt: Date
  readonly direction: 'credit' | 'debit'
  readonly amount: bigint
  readonly balance: bigint | null
  readonly content: string
  readonly virtualAccount: string
  readonly counterAccount: string
  readonly counterName: string
  /** As it came. */
  readonly raw: string
}

export type StatementReading =
  | {
      readonly kind: 'statement'
      readonly account: string
      readonly currency: string
      readonly opening: bigint | null
      readonly closing: bigint | null
      readonly rows: readonly StatementRow[]
    }
  /** The bank answered 200 and refused. */
  | { readonly kind: 'refused'; readonly railCode: string; readonly message: string }
  | { readonly kind: 'unreadable'; readonly detail: string }

/** One bad row makes the whole statement unreadable: a statement with a gap would hide money. */
export function readStatement(answer: HttpAnswer, requestId: string, terms: StatementTerms): StatementReading {
  if (answer.status !== 200) return { kind: 'unreadable', detail: `HTTP ${answer.status}` }
  const body = readJsonObject(answer.body)
  if (!body.ok) return { kind: 'unreadable', detail: body.detail }
  const parsed = answerSchema.safeParse(body.value)
  if (!parsed.success) return { kind: 'unreadable', detail: z.prettifyError(parsed.error) }
  const fields = parsed.data
  if (terms.signedAnswerFields.length > 0) {
    const signed = terms.signedAnswerFields.map((name) =>
      name === 'status.code' ? fields.status.code : textOf(fields[name]),
    )
    if (!verifyText(signed.join(''), fields.signature ?? '', terms.bankKeyPem, terms.signature)) {
      return { kind: 'unreadable', detail: 'answer is not signed by the bank' }
    }
  }
  if (fields.requestId !== requestId.slice(0, 30)) return { kind: 'unreadable', detail: 'answer to another request' }
  if (fields.status.code !== '1') {
    return { kind: 'refused', railCode: fields.status.code, message: fields.status.message ?? '' }
  }
  const rows: StatementRow[] = []
  for (const [index, row] of (fields.transactions ?? []).entries()) {
    const read = readRow(row)
    if (read === null) return { kind: 'unreadable', detail: `row ${index + 1} is not a booking in whole VND` }
    rows.push(read)
  }
  return {
    kind: 'statement',
    account: fields.account ?? '',
    currency: fields.curency ?? '',
    opening: wholeVnd(fields.openningBal),
    closing: wholeVnd(fields.closingBal),
    rows,
  }
}

/** Exactly one of debit and credit holds an amount; the other is empty or zero. */
function readRow(row: z.infer<typeof rowSchema>): StatementRow | null {
  const debit = isBlank(row.debit) ? 0n : wholeVnd(row.debit)
  const credit = isBlank(row.credit) ? 0n : wholeVnd(row.credit)
  const bookedAt = readDashedTime(row.transactionDate)
  if (debit === null || credit === null || bookedAt === null) return null
  if (debit < 0n || credit < 0n || debit > 0n === credit > 0n) return null
  return {
    transactionNumber: row.transactionNumber,
    bookedAt,
    direction: credit > 0n ? 'credit' : 'debit',
    amount: credit > 0n ? credit : debit,
    balance: wholeVnd(row.accountBal),
    content: row.transactionContent ?? '',
    virtualAccount: row.virtualAccount ?? '',
    counterAccount: row.corresponsiveAccount ?? '',
    counterName: row.corresponsiveAccountName ?? '',
    raw: JSON.stringify(row),
  }
}

/** `7192010.00` and `15000`; null for anything with a broken đồng or no number. */
function wholeVnd(value: string | null | undefined): bigint | null {
  const match = /^(-?\d{1,15})(?:\.0{1,2})?$/.exec(value ?? '')
  return match?.[1] === undefined ? null : BigInt(match[1])
}

function isBlank(value: string | null | undefined): boolean {
  return value === undefined || value === null || value.trim() === ''
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function slashed(day: string): string {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day)
  if (match === null) throw new RangeError(`${day} is no calendar day`)
  return `${match[3]}/${match[2]}/${match[1]}`
}

/** `DD-MM-YYYY HH:mm:ss` local time. */
function readDashedTime(value: string): Date | null {
  const match = /^(\d{2})-(\d{2})-(\d{4}) (\d{2}:\d{2}:\d{2})$/.exec(value)
  return match === null ? null : parseReadableLocalTime(`${match[3]}-${match[2]}-${match[1]} ${match[4]}`)
}

/** The bank's call behind the contract: one account, both directions. */
export function askStatement(
  span: StatementSpan,
  { config }: RailAccount<VietinbankConfig>,
  context: AdapterContext,
): Step<StatementResult> {
  const terms = termsOf(config)
  if (terms === null) return { kind: 'done', result: { kind: 'notOffered' } }
  const { accountNumber, from, to } = span
  return {
    kind: 'call',
    call: statementCall({ account: accountNumber, from, to }, terms, context),
    state: context.requestId,
  }
}

export function takeStatement(
  answer: HttpAnswer,
  state: unknown,
  span: StatementSpan,
  { config }: RailAccount<VietinbankConfig>,
): Step<StatementResult> {
  const terms = termsOf(config)
  if (terms === null || typeof state !== 'string') return { kind: 'done', result: { kind: 'notOffered' } }
  return { kind: 'done', result: resultOf(readStatement(answer, state, terms), span) }
}

function termsOf(config: VietinbankConfig): StatementTerms | null {
  const { statement, providerId, merchantId, clientId, clientSecret, privateKeyPem, bankKeyPem, signature } = config
  if (statement === undefined) return null
  return {
    ...{ clientId, clientSecret, privateKeyPem, bankKeyPem, signature, timeoutMs: config.timeoutMs },
    ...statement,
    providerId: statement.providerId ?? providerId,
    merchantId: statement.merchantId ?? merchantId,
  }
}

function resultOf(reading: StatementReading, { accountNumber }: StatementSpan): StatementResult {
  if (reading.kind === 'refused') return reading
  if (reading.kind === 'unreadable') return { kind: 'unknown', detail: reading.detail }
  // An answer about another account would hide the payments of this one.
  if (reading.account !== accountNumber)
    return { kind: 'unknown', detail: `an answer about account ${reading.account || '(none)'}` }
  return {
    kind: 'statement',
    accountNumber,
    currency: reading.currency === '' ? null : reading.currency,
    opening: reading.opening,
    closing: reading.closing,
    bookings: reading.rows.map((row) => ({
      reference: row.transactionNumber,
      bookedAt: row.bookedAt,
      direction: row.direction === 'credit' ? 'CREDIT' : 'DEBIT',
      amount: row.amount,
      text: row.content,
      payeeReference: textOrNull(row.virtualAccount),
      counterpartyName: textOrNull(row.counterName),
      counterpartyAccount: textOrNull(row.counterAccount),
      raw: row.raw,
    })),
  }
}

function textOrNull(text: string): string | null {
  return text === '' ? null : text
}
