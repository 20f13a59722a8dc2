/** VietinBank's daily reconciliation file (rails.md §3.5) as settlement rows, and our answer to it; both stream. */
import { z } from 'zod'
import { accountSchema, type VietinbankConfig } from '../../../adapters/vietinbank/account.ts'
import { payCodeOf } from '../../../adapters/vietinbank/notice.ts'
import {
  answerFileName,
  answerFooter,
  answerHeader,
  answerLine,
  countHolds,
  type DetailFields,
  fieldsOf,
  isOfToday,
  type ReconciledRecord,
  type ReconciliationDetail,
  type ReconciliationProblem,
  readDetail,
  readFooter,
} from '../../../adapters/vietinbank/reconciliation-file.ts'
import { isPaymentReference } from '../../../adapters/vietinbank/reference.ts'
import { compactLocalTime, parseCompactLocalTime } from '../../domain/vietnam-time.ts'
import { type Line, LineSplitter } from '../readers/lines.ts'
import { StatementRefused } from '../readers/refused.ts'
import type {
  AnsweredRow,
  SettlementAnswer,
  SettlementFileEvent,
  SettlementFileReader,
  SettlementRow,
  SettlementRowStatus,
} from './row.ts'

const configShape = z.looseObject(
  accountSchema.pick({
    noticeProviderId: true,
    vacPrefix: true,
    settlementFileSecret: true,
    settlementFileUserId: true,
    settlementFileStatuses: true,
  }).shape,
)
type Terms = Pick<VietinbankConfig, 'noticeProviderId' | 'vacPrefix' | 'settlementFileStatuses'> & {
  readonly secret: string
}

export const vietinbankReader: SettlementFileReader = {
  layout: 'vietinbank',
  read: readVietinbank,
  answer: answerVietinbank,
}

async function* readVietinbank(bytes: AsyncIterable<Uint8Array>, config: unknown): AsyncGenerator<SettlementFileEvent> {
  const given = configShape.safeParse(config)
  if (!given.success || given.data.settlementFileSecret === undefined)
    throw new StatementRefused('MAPPING_REQUIRED', 'the vietinbank account has no settlementFileSecret')
  const file = new VietinbankFile({ ...given.data, secret: given.data.settlementFileSecret })
  const splitter = new LineSplitter()
  for await (const chunk of bytes) for (const line of splitter.write(chunk)) yield* file.line(line)
  for (const line of splitter.end()) yield* file.line(line)
  yield* file.end()
}

const problemTexts: Readonly<Record<ReconciliationProblem, string>> = {
  encoding: 'the line is not UTF-8',
  columns: 'the number of columns is wrong',
  'record-type': 'the record type is not 002 or 003',
  checksum: 'the checksum does not hold',
  amount: 'the amount is no whole number',
  count: 'the footer counts other lines than there are',
  footer: 'the last line is no footer: the file was cut off',
  provider: 'the line is of another provider',
}

class VietinbankFile {
  readonly #terms: Terms
  readonly #fileTerms: { providerId: string; secret: string }
  /** The last line may be the footer: each line is read when the next has come. */
  #held: Line | null = null
  #today = 0
  #all = 0
  #lastNumber = 1

  constructor(terms: Terms) {
    this.#terms = terms
    this.#fileTerms = { providerId: terms.noticeProviderId, secret: terms.secret }
  }

  *line(line: Line): Generator<SettlementFileEvent> {
    // Line ends behind the footer.
    if (line.text.trim() === '') return
    const held = this.#held
    this.#held = line
    this.#lastNumber = line.number
    // The first line is the header: names of columns; nothing is read from it.
    if (held !== null && held.number > 1) yield this.#detail(held)
  }

  *end(): Generator<SettlementFileEvent> {
    const last = this.#held
    const footer = last === null || last.number === 1 ? 'footer' : readFooter(last.text, this.#fileTerms)
    if (typeof footer === 'string') yield problem(this.#lastNumber, footer)
    else if (!countHolds(footer, { today: this.#today, all: this.#all })) yield problem(this.#lastNumber, 'count')
  }

  #detail(line: Line): SettlementFileEvent {
    if (line.notUtf8) return problem(line.number, 'encoding')
    const detail = readDetail(line.text, line.number, this.#fileTerms)
    this.#all += 1
    if (typeof detail === 'string') return problem(line.number, detail)
    if (detail.day === 'today') this.#today += 1
    const row = rowOf(detail, this.#terms, line.text)
    return typeof row === 'string'
      ? { kind: 'problem', problem: { line: line.number, message: row } }
      : { kind: 'row', row }
  }
}

function problem(line: number, found: ReconciliationProblem): SettlementFileEvent {
  return { kind: 'problem', problem: { line, message: problemTexts[found] } }
}

/** The row, or what is wrong with the line. The bank takes no fee from the credit: net is gross. */
function rowOf({ line, amount, fields }: ReconciliationDetail, terms: Terms, raw: string): SettlementRow | string {
  if (fields.currencyCode !== 'VND') return `currency ${fields.currencyCode || '(none)'}`
  const occurredAt = parseCompactLocalTime(fields.transTime)
  if (occurredAt === null) return `transTime ${fields.transTime} is no time`
  const status = statusOf(fields.status, terms)
  if (status === null) return `status ${fields.status || '(none)'} is not known`
  if (fields.transId === '') return 'no transId'
  const reference = referenceOf(fields, terms)
  const moved = status === 'SUCCEEDED' ? amount : status === 'REVERSED' ? -amount : 0n
  return {
    line,
    // As notices and one-time-code payments give it (adapters/vietinbank/notice.ts).
    railTransactionId: reference.ofCodePayment ? reference.merchantRef : `${fields.providerId}:${fields.transId}`,
    merchantRef: reference.merchantRef === '' ? null : reference.merchantRef,
    gross: amount,
    fee: 0n,
    net: moved,
    occurredAt,
    status,
    batchId: null,
    valueDate: null,
    raw,
  }
}

function statusOf(code: string, { settlementFileStatuses }: Terms): SettlementRowStatus | null {
  const statuses: readonly SettlementRowStatus[] = ['SUCCEEDED', 'REVERSED', 'FAILED', 'PENDING']
  return statuses.find((status) => settlementFileStatuses[status].includes(code)) ?? null
}

/** The virtual account's code, else our twelve-digit reference where the bank echoes one. */
function referenceOf(fields: DetailFields, { vacPrefix }: Terms): { merchantRef: string; ofCodePayment: boolean } {
  const payCode = payCodeOf(fields.custCode, vacPrefix)
  if (payCode !== null) return { merchantRef: payCode, ofCodePayment: false }
  const own = [fields.payRefNo, fields.billId].find(isPaymentReference)
  return { merchantRef: own ?? '', ofCodePayment: own !== undefined }
}

export type AnswerTerms = { readonly providerId: string; readonly userId: string; readonly secret: string }

/** Our answer file: each record with `00` both, `01` bank only, `02` ours only, `03` different. */
export async function* vietinbankAnswer(
  records: AsyncIterable<ReconciledRecord> | Iterable<ReconciledRecord>,
  terms: AnswerTerms,
  now: Date,
): AsyncGenerator<string> {
  yield `\uFEFF${answerHeader}\r\n`
  let today = 0
  for await (const record of records) {
    if (isOfToday(record)) today += 1
    yield `${answerLine(record, terms)}\r\n`
  }
  yield `${answerFooter(today, terms, now)}\r\n`
}

const statuses = { BOTH: '00', RAIL_ONLY: '01', OURS_ONLY: '02', DIFFERENT: '03' } as const

function answerVietinbank(rows: AsyncIterable<AnsweredRow>, config: unknown, day: string, now: Date): SettlementAnswer {
  const given = configShape.safeParse(config)
  const { noticeProviderId: providerId, settlementFileSecret: secret, settlementFileUserId: userId } = given.data ?? {}
  if (providerId === undefined || secret === undefined || userId === undefined)
    throw new StatementRefused(
      'MAPPING_REQUIRED',
      'the vietinbank account has no settlementFileSecret or settlementFileUserId',
    )
  async function* records(): AsyncGenerator<ReconciledRecord> {
    for await (const { verdict, raw, own } of rows) {
      if (raw !== null) yield { status: statuses[verdict], fields: fieldsOf(raw.split('|')) }
      else if (own !== null) yield { status: statuses[verdict], fields: fieldsOfOwn(own, providerId ?? '') }
    }
  }
  return {
    name: answerFileName(day, providerId),
    text: vietinbankAnswer(records(), { providerId, userId, secret }, now),
  }
}

/** A payment of ours as the bank's file would tell of it: by its transaction, or by our reference where that is all we have. */
function fieldsOfOwn(own: NonNullable<AnsweredRow['own']>, providerId: string): DetailFields {
  const fromNotice = own.railTransactionId.startsWith(`${providerId}:`)
  return {
    ...fieldsOf([]),
    recordType: '002',
    transId: fromNotice ? own.railTransactionId.slice(providerId.length + 1) : '',
    providerId,
    payRefNo: fromNotice ? '' : own.railTransactionId,
    amount: own.amount.toString(),
    currencyCode: 'VND',
    transTime: compactLocalTime(own.paidAt),
  }
}
