/** An entry of a statement -> the lines that are booked: one, or one per payment where the bank tells each of them. */
import { hash } from 'node:crypto'
import { foldToLatin } from '../../domain/fold.ts'
import { findPayCodes } from '../../domain/pay-code.ts'
import { add, canonicalDecimalText, type Decimal, equal, parseDecimal } from '../readers/decimal.ts'
import { lineKey } from '../readers/identity.ts'
import type { Direction, EntryDetail, StatementEntry, StatementHeader } from '../readers/statement.ts'

export type BookedLine = {
  readonly statement: number
  readonly ordinal: number
  readonly detail: number
  readonly fileLine: number
  readonly bookedOn: string
  readonly valueOn: string | null
  readonly direction: Direction
  readonly reversal: boolean
  readonly status: string
  readonly amount: string
  readonly currency: string | null
  readonly amountVnd: bigint | null
  readonly bankReference: string | null
  readonly refs: readonly string[]
  readonly refCodes: readonly string[]
  readonly textCodes: readonly string[]
  readonly words: readonly string[]
  readonly remittance: string
  readonly remittanceRaw: string | null
  readonly counterpartyName: string | null
  readonly counterpartyAccount: string | null
  readonly typeCode: string | null
  readonly raw: string
  /** 32 hex digits. */
  readonly key: string
}

/** An entry without any date takes the statement's last day; null when that is missing too. */
export function linesOf(header: StatementHeader, entry: StatementEntry): BookedLine[] | null {
  const bookedOn = entry.bookingDate ?? entry.valueDate ?? header.periodTo
  if (bookedOn === null) return null
  return isSplit(entry)
    ? entry.details.map((detail) => lineOf(header, asEntry(entry, detail), bookedOn, detail.ordinal, [detail]))
    : [lineOf(header, entry, bookedOn, 0, entry.details)]
}

/** Several payments, each with its amount, that add up to the booking. Otherwise only the booking itself is sure. */
function isSplit({ amount, currency, direction, details }: StatementEntry): boolean {
  if (details.length < 2) return false
  let sum: Decimal = { units: 0n, scale: 0 }
  for (const detail of details) {
    const part = detail.amount === null ? null : parseDecimal(detail.amount, '.')
    if (part === null || detail.direction !== direction || (detail.currency ?? currency) !== currency) return false
    sum = add(sum, part)
  }
  const whole = parseDecimal(amount, '.')
  return whole !== null && equal(sum, whole)
}

function asEntry(entry: StatementEntry, detail: EntryDetail): StatementEntry {
  return {
    ...entry,
    amount: detail.amount ?? entry.amount,
    bankReference: detail.bankReference ?? entry.bankReference,
    endToEndId: detail.endToEndId,
    remittance: detail.remittance,
    remittanceRaw: detail.remittanceRaw,
    counterpartyName: detail.counterpartyName,
    counterpartyAccount: detail.counterpartyAccount,
    // The booking's own source text is kept once, with its first payment.
    raw: detail.ordinal === 1 ? entry.raw : '',
  }
}

function lineOf(
  header: StatementHeader,
  entry: StatementEntry,
  bookedOn: string,
  detail: number,
  details: readonly EntryDetail[],
): BookedLine {
  const currency = entry.currency ?? header.currency
  const refs = referencesOf(entry, details)
  // Not in the bank's own reference: twelve letters and digits of a bank are a pay code of ours one time in a hundred.
  const refCodes = codesIn(refs.join(' 0 '))
  const text = foldToLatin(entry.remittance)
  const textCodes = codesIn(text).filter((code) => !refCodes.includes(code))
  return {
    statement: header.ordinal,
    ordinal: entry.ordinal,
    detail,
    fileLine: entry.line,
    bookedOn,
    valueOn: entry.valueDate,
    direction: entry.direction,
    reversal: entry.reversal || details.some(({ returnReason }) => returnReason !== null),
    // A zero moves nothing, whatever the bank calls it.
    status: /^0*(?:\.0*)?$/.test(entry.amount) ? 'INFO' : entry.status,
    amount: entry.amount,
    currency,
    amountVnd: wholeVnd(entry.amount, currency),
    bankReference: entry.bankReference,
    refs,
    refCodes,
    textCodes,
    words: wordsIn(entry.remittance, text),
    remittance: entry.remittance,
    remittanceRaw: entry.remittanceRaw === entry.remittance ? null : entry.remittanceRaw,
    counterpartyName: entry.counterpartyName,
    counterpartyAccount: entry.counterpartyAccount,
    typeCode: entry.typeCode,
    raw: entry.raw,
    key: keyOf(header.account, entry, bookedOn, detail),
  }
}

/** Every structured reference but the bank's, each once. */
function referencesOf(entry: StatementEntry, details: readonly EntryDetail[]): string[] {
  const all = [
    entry.customerReference,
    entry.endToEndId,
    ...details.flatMap((detail) => [
      detail.bankReference,
      detail.endToEndId,
      detail.transactionId,
      detail.instructionId,
      detail.uetr,
      ...detail.structuredReferences,
    ]),
  ]
  const given = all.filter((reference): reference is string => reference !== null && reference !== '')
  return [...new Set(given)].filter((reference) => reference !== entry.bankReference).slice(0, maxReferences)
}

/** A booking without details for each of its payments may still list their references. */
const maxReferences = 500

function codesIn(text: string): string[] {
  return text.length < 12 ? [] : findPayCodes(text).slice(0, maxReferences)
}

const maxWords = 12

/** Words that could be a reference of an attempt, as written and in upper case: at least eight characters with a digit. */
function wordsIn(text: string, folded: string): string[] {
  const words = new Set<string>()
  for (const word of text.split(/[^A-Za-z0-9_-]+/)) if (isReferenceLike(word)) words.add(word)
  for (const word of folded.toUpperCase().split(' ')) if (isReferenceLike(word)) words.add(word)
  return [...words].slice(0, maxWords)
}

function isReferenceLike(word: string): boolean {
  return word.length >= 8 && word.length <= 50 && /\d/.test(word)
}

/** Null for another currency and for a broken đồng. A statement without any currency is of an account in VND. */
function wholeVnd(amount: string, currency: string | null): bigint | null {
  if (currency !== null && currency !== 'VND') return null
  const whole = canonicalDecimalText(amount)
  return /^\d{1,15}$/.test(whole) ? BigInt(whole) : null
}

/**
 * statements.md §4, as 128 bits. Without a bank reference, lines of two payers would differ in nothing that it names: there the
 * booking day and the text join in, because a payment taken for one known already would be lost (docs/decisions/020).
 */
function keyOf(account: string | null, entry: StatementEntry, bookedOn: string, detail: number): string {
  const key = lineKey(account, entry)
  if (entry.bankReference !== null && detail === 0) return key.slice(0, 32)
  const apart = entry.bankReference === null ? `${bookedOn} ${entry.remittance}` : ''
  return hash('sha256', `${key} ${apart} ${detail}`, 'hex').slice(0, 32)
}
