/** Drafts of `Ntry` and `TxDtls` -> an entry, with the checks on its batches. */
import { isoDate } from '../dates.ts'
import { add, type Decimal, decimalText, equal, parseDecimal, zero } from '../decimal.ts'
import { givenId } from '../given-id.ts'
import type { Direction, EntryDetail, EntryStatus, ProblemCode, StatementEntry, WarningCode } from '../statement.ts'
import type { DetailDraft, EntryDraft } from './drafts.ts'

export type Remarks = {
  warn(code: WarningCode, line: number, message: string): void
  problem(code: ProblemCode, line: number, message: string): void
}

export const directions: Record<string, Direction> = { CRDT: 'CREDIT', DBIT: 'DEBIT' }

const statuses: Record<string, EntryStatus> = { BOOK: 'BOOK', PDNG: 'PDNG', INFO: 'INFO' }

/** Null when the entry cannot be read; the problem has been told then. `RvslInd` never turns the sign (statements.md §2). */
export function buildEntry(
  draft: EntryDraft,
  details: readonly EntryDetail[],
  context: { readonly ordinal: number; readonly booksOnly: boolean; readonly raw: string },
  remarks: Remarks,
): { readonly entry: StatementEntry; readonly amount: Decimal } | null {
  const amount = parseDecimal(draft.amount ?? '', '.')
  if (amount === null) {
    remarks.problem('AMOUNT_UNREADABLE', draft.line, `Amt ${draft.amount ?? 'is missing'}`)
    return null
  }
  const direction = directions[draft.indicator ?? '']
  if (direction === undefined) {
    remarks.problem('DIRECTION_UNREADABLE', draft.line, `CdtDbtInd ${draft.indicator ?? 'is missing'}`)
    return null
  }
  const status = entryStatus(draft, context.booksOnly, remarks)
  if (status === null) return null
  const only = details.length === 1 ? details[0] : undefined
  const information = draft.information ?? ''
  const told = details.length > 1 ? [] : [only?.remittanceRaw ?? ''].filter((text) => text !== '')
  const texts = told.length > 0 || information === '' ? told : [information]
  const entry: StatementEntry = {
    ordinal: context.ordinal,
    line: draft.line,
    valueDate: entryDate('ValDt', draft.valueDate, draft.line, remarks),
    bookingDate: entryDate('BookgDt', draft.bookingDate, draft.line, remarks),
    direction,
    reversal: draft.reversal,
    amount: decimalText(amount),
    currency: draft.currency,
    status,
    bankReference: draft.bankReference ?? only?.bankReference ?? null,
    customerReference: draft.reference,
    endToEndId: only?.endToEndId ?? null,
    remittance: texts.join(' ').replaceAll('\n', ' '),
    remittanceRaw: texts.join('\n'),
    counterpartyName: only?.counterpartyName ?? null,
    counterpartyAccount: only?.counterpartyAccount ?? null,
    typeCode: draft.domain.length > 0 ? draft.domain.join('-') : draft.proprietaryCode,
    details,
    raw: context.raw,
  }
  return { entry, amount }
}

/** A payment inside an entry. Without an indicator of its own it runs with its entry. */
export function buildDetail(draft: DetailDraft, owner: EntryDraft, ordinal: number, remarks: Remarks): EntryDetail {
  const own = draft.amount !== null
  const text = draft.amount ?? draft.transactionAmount
  const amount = text === null ? null : parseDecimal(text, '.')
  if (text !== null && amount === null) remarks.problem('AMOUNT_UNREADABLE', draft.line, `Amt ${text}`)
  const direction = directions[draft.indicator ?? owner.indicator ?? ''] ?? 'CREDIT'
  if (draft.indicator !== null && owner.indicator !== null && draft.indicator !== owner.indicator) {
    remarks.warn('DIRECTION_ODD', draft.line, `payment is ${draft.indicator}, its booking ${owner.indicator}`)
  }
  // In a reversal the parties keep the roles of the payment that is taken back.
  const received = (direction === 'CREDIT') !== owner.reversal
  const counterparty = received ? draft.debtor : draft.creditor
  const remittance =
    draft.remittance.length > 0 ? draft.remittance : draft.information === null ? [] : [draft.information]
  return {
    ordinal,
    line: draft.line,
    direction,
    amount: amount === null ? null : decimalText(amount),
    currency: own ? draft.currency : draft.transactionCurrency,
    bankReference: draft.bankReference,
    endToEndId: givenId(draft.endToEndId ?? ''),
    transactionId: givenId(draft.transactionId ?? ''),
    instructionId: givenId(draft.instructionId ?? ''),
    uetr: draft.uetr,
    structuredReferences: draft.references,
    remittance: remittance.join(' '),
    remittanceRaw: remittance.join('\n'),
    counterpartyName: counterparty.name,
    counterpartyAccount: counterparty.account,
    returnReason: draft.returnReason,
  }
}

/**
 * One `NtryDtls`: its declared total must be the sum of its payments. Banks often list fewer payments than the batch has;
 * then the sum proves nothing and only a warning is due.
 */
export function checkBatch(owner: EntryDraft, details: readonly EntryDetail[], remarks: Remarks): void {
  const { count, total, currency } = owner.batch
  const { line } = owner
  if (details.length === 0) return
  if (count !== null && Number(count) !== details.length) {
    remarks.warn('DETAILS_INCOMPLETE', line, `batch of ${count} payments lists ${details.length}`)
    if (Number(count) > details.length) return
  }
  const wanted = total ?? owner.amount
  const wantedCurrency = total === null ? owner.currency : currency
  const declared = wanted === null ? null : parseDecimal(wanted, '.')
  let sum = zero
  for (const { amount, currency: detailCurrency } of details) {
    const read = amount === null ? null : parseDecimal(amount, '.')
    if (read === null || detailCurrency !== wantedCurrency) return
    sum = add(sum, read)
  }
  if (declared === null || equal(declared, sum)) return
  const message = `payments add up to ${decimalText(sum)}, not to ${decimalText(declared)}`
  if (total === null) remarks.warn('DETAILS_DIFFER', line, message)
  else remarks.problem('BATCH_TOTAL', line, message)
}

function entryStatus(draft: EntryDraft, booksOnly: boolean, remarks: Remarks): EntryStatus | null {
  if (draft.status === null) {
    // A camt.053 reports booked entries by definition; elsewhere the status decides and must be there.
    if (booksOnly) return 'BOOK'
    remarks.problem('ENTRY_UNREADABLE', draft.line, 'Sts is missing')
    return null
  }
  const status = statuses[draft.status]
  if (status === undefined) remarks.warn('STATUS_UNKNOWN', draft.line, `Sts ${draft.status}`)
  return status ?? 'INFO'
}

function entryDate(name: string, text: string | null, line: number, remarks: Remarks): string | null {
  if (text === null) return null
  const read = isoDate(text)
  if (read === null) remarks.problem('DATE_UNREADABLE', line, `${name} ${text}`)
  else if (read.clamped) remarks.warn('DATE_CLAMPED', line, `${name} ${text} read as ${read.date}`)
  return read?.date ?? null
}
