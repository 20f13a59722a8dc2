/**
 * The bank's daily reconciliation file and our answer file (rails.md §3.5): UTF-8 with a byte-order mark, `|` between fields,
 * a header line, details, one footer. Every line ends in an MD5 over its fields and a shared secret, without the bars.
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { compactLocalTime } from '../../src/domain/vietnam-time.ts'
import { isHexMac } from '../shared/mac.ts'

const detailNames = [
  'recordType',
  'transId',
  'providerId',
  'merchantId',
  'bankCode',
  'branchCode',
  'custAcctNo',
  'recvVirtualAcctId',
  'recvVirtualAcctName',
  'custCode',
  'custName',
  'amount',
  'currencyCode',
  'payRefNo',
  'merchantAcctNo',
  'billCycle',
  'billId',
  'transTime',
  'status',
  'bankTransId',
  'addField1',
  'addField2',
  'addField3',
  'addField4',
  'addField5',
] as const
export type DetailField = (typeof detailNames)[number]
export type DetailFields = Readonly<Record<DetailField, string>>

/** The answer file has its own order of columns: the bill before the payment reference. */
const answerNames: readonly DetailField[] = [
  'recordType',
  'transId',
  'providerId',
  'merchantId',
  'bankCode',
  'branchCode',
  'custAcctNo',
  'recvVirtualAcctId',
  'recvVirtualAcctName',
  'custCode',
  'custName',
  'amount',
  'currencyCode',
  'billCycle',
  'billId',
  'payRefNo',
  'merchantAcctNo',
  'transTime',
  'status',
  'bankTransId',
  'addField1',
  'addField2',
  'addField3',
  'addField4',
  'addField5',
]

/** `002` a payment of the file's day, `003` a late one of the day before. */
export type ReconciliationDetail = {
  readonly line: number
  readonly day: 'today' | 'yesterday'
  readonly amount: bigint
  readonly fields: DetailFields
}

export type ReconciliationFile = {
  readonly details: readonly ReconciliationDetail[]
  readonly footer: {
    readonly providerId: string
    readonly userId: string
    readonly recordCount: number
    readonly transTime: string
  }
}

export type ReconciliationReading =
  | { readonly ok: true; readonly file: ReconciliationFile }
  | { readonly ok: false; readonly line: number; readonly problem: ReconciliationProblem }
export type ReconciliationProblem =
  | 'encoding'
  | 'columns'
  | 'record-type'
  | 'checksum'
  | 'amount'
  | 'count'
  | 'footer'
  | 'provider'

const days = new Map<string, 'today' | 'yesterday'>([
  ['002', 'today'],
  ['003', 'yesterday'],
])
const footerType = '009'

/** Reads the whole file or nothing: with one line untrusted, "not in the file" would mean nothing either. */
export function readReconciliationFile(
  bytes: Uint8Array,
  terms: { providerId: string; secret: string },
): ReconciliationReading {
  const lines = decodeLines(bytes)
  if (lines === null) return { ok: false, line: 1, problem: 'encoding' }
  const last = lines.length
  const details: ReconciliationDetail[] = []
  // The first line is the header: names of columns, or counts; nothing is read from it.
  for (const [index, line] of lines.slice(0, -1).entries()) {
    if (index === 0) continue
    const detail = readDetail(line, index + 1, terms)
    if (typeof detail === 'string') return { ok: false, line: index + 1, problem: detail }
    details.push(detail)
  }
  const footer = readFooter(lines[last - 1] ?? '', terms)
  if (typeof footer === 'string') return { ok: false, line: last, problem: footer }
  const today = details.filter(({ day }) => day === 'today').length
  if (!countHolds(footer, { today, all: details.length })) return { ok: false, line: last, problem: 'count' }
  return { ok: true, file: { details, footer } }
}

/** Our side of the exchange counts today's lines only; a file that counts all of them is as consistent. */
export function countHolds(
  { recordCount }: ReconciliationFile['footer'],
  found: { readonly today: number; readonly all: number },
): boolean {
  return recordCount === found.today || recordCount === found.all
}

function decodeLines(bytes: Uint8Array): string[] | null {
  let text: string
  try {
    // Drops the byte-order mark; other bytes than UTF-8 are refused.
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return null
  }
  const lines = text.split(/\r\n|\n/)
  while (lines.at(-1)?.trim() === '') lines.pop()
  return lines.length < 2 ? null : lines
}

/** One line of details, or what is wrong with it. */
export function readDetail(
  line: string,
  number: number,
  terms: { providerId: string; secret: string },
): ReconciliationDetail | ReconciliationProblem {
  const values = line.split('|')
  if (values.length !== detailNames.length + 1) return 'columns'
  const day = days.get(values[0] ?? '')
  if (day === undefined) return 'record-type'
  if (!checksumHolds(values, terms.secret)) return 'checksum'
  const fields = fieldsOf(values)
  if (fields.providerId !== terms.providerId) return 'provider'
  if (!/^[1-9]\d{0,14}$/.test(fields.amount)) return 'amount'
  return { line: number, day, amount: BigInt(fields.amount), fields }
}

/** The last line, or what is wrong with it. */
export function readFooter(
  line: string,
  terms: { providerId: string; secret: string },
): ReconciliationFile['footer'] | ReconciliationProblem {
  const values = line.split('|')
  const [type, providerId = '', userId = '', count = '', transTime = ''] = values
  if (type !== footerType || values.length !== 6 || !/^\d{1,9}$/.test(count)) return 'footer'
  if (!checksumHolds(values, terms.secret)) return 'checksum'
  if (providerId !== terms.providerId) return 'provider'
  return { providerId, userId, recordCount: Number(count), transTime }
}

const detailSchema = z.record(z.enum(detailNames), z.string())

/** Values of a detail line in their order; what is missing is empty. The checksum is looked at when a line is read first. */
export function fieldsOf(values: readonly string[]): DetailFields {
  return detailSchema.parse(Object.fromEntries(detailNames.map((name, index) => [name, values[index] ?? ''])))
}

function checksumHolds(values: readonly string[], secret: string): boolean {
  return isHexMac(values.at(-1) ?? '', Buffer.from(checksum(values.slice(0, -1), secret), 'hex'))
}

/** MD5 is the bank's choice; it guards against accidents, the transport guards against people. */
function checksum(values: readonly string[], secret: string): string {
  return createHash('md5')
    .update(values.join('') + secret, 'utf8')
    .digest('hex')
}

/** A payment as we have it on record. */
export type OwnRecord = Pick<DetailFields, 'transId' | 'amount' | 'transTime'> & Partial<DetailFields>

/** `00` on both sides, `01` only at the bank, `02` only with us, `03` on both but different. */
export type ReconcileStatus = '00' | '01' | '02' | '03'
export type ReconciledRecord = { readonly status: ReconcileStatus; readonly fields: DetailFields }

/**
 * Compares by transId; amount and time must be equal too. Today's lines stand against today's payments, late lines against
 * yesterday's. Yesterday's payments that are not in the file were answered in yesterday's file.
 */
export function reconcile(
  details: readonly ReconciliationDetail[],
  own: Readonly<Record<'today' | 'yesterday', readonly OwnRecord[]>>,
): ReconciledRecord[] {
  const ours = {
    today: new Map(own.today.map((record) => [record.transId, record])),
    yesterday: new Map(own.yesterday.map((record) => [record.transId, record])),
  }
  const seen = new Set<string>()
  const compared = details.map(({ day, fields }): ReconciledRecord => {
    const record = ours[day].get(fields.transId)
    // A second line under one transId cannot match the same payment again.
    const repeated = seen.has(fields.transId)
    seen.add(fields.transId)
    if (record === undefined) return { status: '01', fields }
    const equal = !repeated && record.amount === fields.amount && record.transTime === fields.transTime
    return { status: equal ? '00' : '03', fields }
  })
  const missing = own.today.filter(({ transId }) => !seen.has(transId))
  const blank = fieldsOf([])
  return [
    ...compared,
    ...missing.map(
      (record): ReconciledRecord => ({ status: '02', fields: { ...blank, recordType: '002', ...record } }),
    ),
  ]
}

export function answerFileName(day: string, providerId: string): string {
  return `${day.replaceAll('-', '')}_${providerId}_THUHOTKAO_OUT.txt`
}

/** The text of our answer file: a header of column names, each record with its status, and the footer. Throws on a `|` or line break in a value. */
export function writeAnswerFile(
  records: readonly ReconciledRecord[],
  terms: { providerId: string; userId: string; secret: string },
  now: Date,
): string {
  const rows = records.map((record) => answerLine(record, terms))
  const today = records.filter(isOfToday).length
  return `\uFEFF${[answerHeader, ...rows, answerFooter(today, terms, now)].join('\r\n')}\r\n`
}

export const answerHeader = [...answerNames, 'reconcileStatus', 'recordChecksum'].join('|')

export function answerLine({ status, fields }: ReconciledRecord, { secret }: { secret: string }): string {
  return checkedLine([...answerNames.map((name) => fields[name]), status], secret)
}

export function isOfToday({ fields }: ReconciledRecord): boolean {
  return fields.recordType === '002'
}

/** @param today number of today's records above it */
export function answerFooter(
  today: number,
  terms: { providerId: string; userId: string; secret: string },
  now: Date,
): string {
  return checkedLine([footerType, terms.providerId, terms.userId, String(today), compactLocalTime(now)], terms.secret)
}

function checkedLine(values: readonly string[], secret: string): string {
  if (values.some((value) => /[|\r\n]/.test(value)))
    throw new RangeError('a field of the answer file holds a bar or a line break')
  return [...values, checksum(values, secret)].join('|')
}
