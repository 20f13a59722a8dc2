/**
 * Legal receipts (domain.md §7.3, §11 R1–R5): states, numbers, delegation. A receipt is never deleted: a later one adjusts
 * or replaces it.
 */
import { isLetters, receiptLetters } from './codes/receipt-code.ts'
import { businessDate } from './vietnam-time.ts'

export const receiptStatuses = ['REQUESTED', 'ISSUED', 'REPORTED', 'ADJUSTED', 'REPLACED'] as const
export type ReceiptStatus = (typeof receiptStatuses)[number]

/** What a receipt does to the one before it. */
export type ReceiptRelation = 'ADJUSTS' | 'REPLACES'

/** A row of `receiptTransitions` that is not there does not happen. Reporting an adjusted receipt leaves it adjusted. */
export const receiptTransitions: Readonly<Record<ReceiptStatus, readonly ReceiptStatus[]>> = {
  REQUESTED: ['ISSUED'],
  ISSUED: ['REPORTED', 'ADJUSTED', 'REPLACED'],
  REPORTED: ['ADJUSTED', 'REPLACED'],
  // A second refund of the same fee.
  ADJUSTED: ['ADJUSTED'],
  REPLACED: [],
}

/** Without a pre-set amount; the pre-set one is for ticket-like fees, which are not charged here. */
export const receiptTemplate = 'EBL01'
export const lastReceiptNumber = 99_999_999

/** The local year of issue: symbols carry it, numbers begin at 1 with it (Decree 254/2026 art. 23). */
export function receiptYear(issuedAt: Date): number {
  return Number(businessDate(issuedAt).slice(0, 4))
}

/** `26TAA`. Throws RangeError for letters outside the set of twenty. */
export function receiptSymbol(year: number, letters: string): string {
  if (!isLetters(letters)) throw new RangeError(`${letters} are not letters of a receipt symbol`)
  return `${String(year % 100).padStart(2, '0')}T${letters}`
}

/** The first pair of letters, in the order AA, AB … YY, whose symbol is not taken; null when all 400 are. */
export function freeLetters(year: number, taken: ReadonlySet<string>): string | null {
  for (const first of receiptLetters)
    for (const second of receiptLetters) if (!taken.has(receiptSymbol(year, first + second))) return first + second
  return null
}

/** Numbers one issuer may give, ascending; a delegation's share, or the whole year of an agency. */
export type ReceiptSeries = {
  readonly id: string
  readonly template: string
  readonly symbol: string
  readonly year: number
  readonly firstNumber: number
  readonly lastNumber: number
  readonly usedNumber: number
  readonly usedAt: Date | null
  readonly delegation: ReceiptDelegation | null
}

/** A third party's right to issue in the collector's name. Days are local, both ends included. */
export type ReceiptDelegation = {
  readonly id: string
  readonly agent: { readonly name: string; readonly taxCode: string; readonly address: string }
  readonly validFrom: string
  readonly validTo: string
  readonly notifiedOn: string
}

/** Why a receipt cannot be issued now. It stays REQUESTED; the payment is valid all the same. */
export type ReceiptRefusal =
  | 'NO_SERIES'
  | 'NOT_DELEGATED'
  | 'DELEGATION_NOT_NOTIFIED'
  | 'RANGE_EXHAUSTED'
  | 'COLLECTOR_UNKNOWN'

const noticeDays = 3

/** The tax office must have been told at least three days before the first one is issued (Decree 254/2026 art. 4(6)). */
export function notifiedInTime({
  notifiedOn,
  validFrom,
}: Pick<ReceiptDelegation, 'notifiedOn' | 'validFrom'>): boolean {
  return Date.parse(validFrom) - Date.parse(notifiedOn) >= noticeDays * 86_400_000
}

export type NextNumber =
  | { readonly ok: true; readonly series: ReceiptSeries; readonly number: number }
  | { readonly ok: false; readonly refusal: ReceiptRefusal }

/**
 * The next number among the series an agency may use on a day, the earliest range first.
 * @param on local day of issue
 * @param delegated the agency does not issue itself: only ranges given to an agent count
 */
export function nextNumber(series: readonly ReceiptSeries[], on: string, delegated: boolean): NextNumber {
  const year = Number(on.slice(0, 4))
  const kind = series.filter(({ delegation }) => (delegation !== null) === delegated)
  const inTime = kind.filter(
    ({ delegation, ...own }) =>
      own.year === year && (delegation === null || (delegation.validFrom <= on && on <= delegation.validTo)),
  )
  if (inTime.length === 0) return { ok: false, refusal: delegated ? 'NOT_DELEGATED' : 'NO_SERIES' }
  const told = inTime.filter(({ delegation }) => delegation === null || notifiedInTime(delegation))
  if (told.length === 0) return { ok: false, refusal: 'DELEGATION_NOT_NOTIFIED' }
  const open = told.filter(({ usedNumber, lastNumber }) => usedNumber < lastNumber)
  const [first] = open.sort((one, other) =>
    one.symbol === other.symbol ? one.firstNumber - other.firstNumber : one.symbol < other.symbol ? -1 : 1,
  )
  return first === undefined
    ? { ok: false, refusal: 'RANGE_EXHAUSTED' }
    : { ok: true, series: first, number: first.usedNumber + 1 }
}
