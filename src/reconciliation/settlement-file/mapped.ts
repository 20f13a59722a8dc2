/**
 * Settlement files by a layout that the rail account declares (adapters/shared/settlement-file-mapping.ts): VNPAY, NAPAS and any
 * rail that sends rows of a table. Streams; every row, hash, count and declared sum is checked.
 */
import { createHash, type Hash } from 'node:crypto'
import { z } from 'zod'
import { type SettlementFileMapping, settlementFileKeys } from '../../../adapters/shared/settlement-file-mapping.ts'
import { businessDate } from '../../domain/vietnam-time.ts'
import { csvRows } from '../readers/csv.ts'
import { StatementRefused } from '../readers/refused.ts'
import { type Cell, cellNumber, fold, type Row } from '../readers/table/cell.ts'
import type { SettlementFileEvent, SettlementFileReader, SettlementRow, SettlementRowStatus } from './row.ts'
import { timeReader } from './time.ts'

/** What is wrong with a line; the reader of the file knows which. */
class LineProblem extends Error {}

const configShape = z.looseObject(settlementFileKeys)

export function mappedReader(layout: string): SettlementFileReader {
  return { layout, read: (bytes, config) => readMapped(bytes, layout, config) }
}

async function* readMapped(
  bytes: AsyncIterable<Uint8Array>,
  layout: string,
  given: unknown,
): AsyncGenerator<SettlementFileEvent> {
  const config = configShape.safeParse(given)
  if (!config.success || config.data.settlementFile === undefined)
    throw new StatementRefused('MAPPING_REQUIRED', `the ${layout} account declares no layout of its settlement file`)
  const file = new MappedFile(config.data.settlementFile, config.data.settlementFileSecret ?? '')
  let last = 1
  for await (const row of csvRows(bytes, config.data.settlementFile)) {
    last = row.line
    try {
      const read = file.row(row)
      if (read !== null) yield { kind: 'row', row: read }
    } catch (error) {
      if (!(error instanceof LineProblem)) throw error
      yield problem(row.line, error.message)
    }
  }
  for (const message of file.end()) yield problem(last, message)
}

function problem(line: number, message: string): SettlementFileEvent {
  return { kind: 'problem', problem: { line, message } }
}

type Sums = { count: number; gross: bigint; fee: bigint; net: bigint }

/** Place of a column, or null when the file does not hold it. */
type Place = (column: string | number | undefined) => number | null

class MappedFile {
  readonly #mapping: SettlementFileMapping
  readonly #secret: string
  readonly #time: (text: string) => Date | null
  readonly #valueDate: (text: string) => Date | null
  readonly #statuses: ReadonlyMap<string, SettlementRowStatus>
  readonly #hash: Hash | null
  readonly #sums: Sums = { count: 0, gross: 0n, fee: 0n, net: 0n }
  #rows = 0
  #place: Place | null = null
  #ended = false

  constructor(mapping: SettlementFileMapping, secret: string) {
    this.#mapping = mapping
    this.#secret = secret
    this.#time = timeReader(mapping.timeFormat)
    this.#valueDate = timeReader(mapping.valueDateFormat ?? mapping.timeFormat)
    this.#statuses = new Map(
      (Object.keys(mapping.statuses) as SettlementRowStatus[]).flatMap((status) =>
        mapping.statuses[status].map((code): [string, SettlementRowStatus] => [code, status]),
      ),
    )
    this.#hash = mapping.trailer?.hash === undefined ? null : createHash(mapping.trailer.hash.algorithm)
    if (!mapping.headings) this.#place = (column) => (typeof column === 'number' ? column - 1 : null)
  }

  /** The payment on this line; null for headings, ignored kinds, the trailer and blank lines. */
  row(row: Row): SettlementRow | null {
    this.#rows += 1
    const { trailer, skipRows } = this.#mapping
    if (row.cells.every(({ text }) => text.trim() === '')) {
      this.#hash?.update(`${row.raw}\n`, 'utf8')
      return null
    }
    if (this.#ended) throw new LineProblem('a line behind the trailer')
    if (trailer !== undefined && row.cells[0]?.text.trim() === trailer.begins) {
      this.#ended = true
      this.#checkTrailer(row, trailer)
      return null
    }
    this.#hash?.update(`${row.raw}\n`, 'utf8')
    if (this.#rows <= skipRows) return null
    if (this.#place === null) {
      this.#readHeadings(row)
      return null
    }
    return this.#readRow(row, this.#place)
  }

  end(): string[] {
    return [
      ...(this.#place === null ? ['no row holds the headings'] : []),
      ...(this.#mapping.trailer !== undefined && !this.#ended ? ['no trailer: the file was cut off'] : []),
    ]
  }

  #readHeadings({ cells }: Row): void {
    const headings = cells.map(({ text }) => fold(text))
    const place: Place = (column) => {
      if (column === undefined) return null
      if (typeof column === 'number') return column - 1
      const found = headings.indexOf(fold(column))
      return found === -1 ? null : found
    }
    const { columns, rowType } = this.#mapping
    const named = [...Object.values(columns), rowType?.column].filter((column) => column !== undefined)
    const missing = named.flatMap(partsOf).filter((column) => place(column) === null)
    if (missing.length > 0) throw new StatementRefused('HEADINGS', `headings are missing: ${missing.join(', ')}`)
    this.#place = place
  }

  #readRow(row: Row, place: Place): SettlementRow | null {
    const { columns, rowType, lineHash } = this.#mapping
    if (lineHash !== undefined) this.#checkLine(row, lineHash)
    if (rowType !== undefined) {
      const kind = this.#text(row, place, rowType.column) ?? ''
      if (rowType.ignored.includes(kind)) return null
      if (!rowType.details.includes(kind)) throw new LineProblem(`rows of kind ${kind || '(none)'} are not known`)
    }
    const currency = this.#text(row, place, columns.currency)
    if (currency !== null && currency.toUpperCase() !== 'VND') throw new LineProblem(`currency ${currency}`)
    const written = {
      gross: this.#amount(row, place, columns.gross) ?? missing('gross amount'),
      fee: this.#amount(row, place, columns.fee),
      net: this.#amount(row, place, columns.net),
    }
    this.#sums.count += 1
    this.#sums.gross += written.gross
    this.#sums.fee += written.fee ?? 0n
    this.#sums.net += written.net ?? 0n
    const status = this.#status(row, place)
    const time = this.#text(row, place, columns.time) ?? missing('time')
    const valueDate = this.#text(row, place, columns.valueDate)
    return {
      line: row.line,
      railTransactionId: this.#value(row, place, columns.railTransactionId) ?? missing('transaction id'),
      merchantRef: this.#value(row, place, columns.merchantRef),
      ...money(written, status),
      occurredAt: this.#time(time) ?? missing(`time ${time} is not like ${this.#mapping.timeFormat}:`),
      status,
      batchId: this.#value(row, place, columns.batchId),
      valueDate:
        valueDate === null ? null : businessDate(this.#valueDate(valueDate) ?? missing(`value date ${valueDate}:`)),
      raw: row.raw,
    }
  }

  #status(row: Row, place: Place): SettlementRowStatus {
    const { status } = this.#mapping.columns
    if (status === undefined) return 'SUCCEEDED'
    const code = this.#text(row, place, status) ?? ''
    return this.#statuses.get(code) ?? missing(`status ${code || '(none)'} is not known:`)
  }

  #checkLine({ raw }: Row, { algorithm, separator }: NonNullable<SettlementFileMapping['lineHash']>): void {
    const parts = raw.split(this.#mapping.delimiter)
    const given = parts.pop() ?? ''
    const wanted = createHash(algorithm)
      .update(parts.join(separator) + this.#secret, 'utf8')
      .digest('hex')
    if (given.trim().toLowerCase() !== wanted) throw new LineProblem('the checksum of the line does not hold')
  }

  #checkTrailer(row: Row, trailer: NonNullable<SettlementFileMapping['trailer']>): void {
    if (this.#mapping.lineHash !== undefined) this.#checkLine(row, this.#mapping.lineHash)
    const at: Place = (column) => (typeof column === 'number' ? column - 1 : null)
    const wrong: string[] = []
    for (const name of ['count', 'gross', 'fee', 'net'] as const) {
      const column = trailer[name]
      if (column === undefined) continue
      const declared = name === 'count' ? this.#whole(row, at, column, 1) : this.#amount(row, at, column)
      const found = BigInt(this.#sums[name])
      if (declared !== found) wrong.push(`${name}: ${declared ?? 'nothing'} declared, ${found} found`)
    }
    if (
      trailer.hash !== undefined &&
      this.#text(row, at, trailer.hash.place)?.toLowerCase() !== this.#hash?.digest('hex')
    )
      wrong.push('the hash of the file does not hold')
    if (wrong.length > 0) throw new LineProblem(`the trailer: ${wrong.join('; ')}`)
  }

  #cell({ cells }: Row, place: Place, column: string | number | undefined): Cell | null {
    const at = place(column)
    const cell = at === null ? undefined : cells[at]
    return cell === undefined || cell.text.trim() === '' ? null : cell
  }

  #text(row: Row, place: Place, column: string | number | undefined): string | null {
    return this.#cell(row, place, column)?.text.trim() ?? null
  }

  /** A column, or a text with columns in it; null when one of them is empty. */
  #value(row: Row, place: Place, value: string | number | undefined): string | null {
    if (typeof value !== 'string' || !value.includes('{')) return this.#text(row, place, value)
    const parts = partsOf(value).map((column) => this.#text(row, place, column))
    if (parts.some((part) => part === null)) return null
    let next = 0
    return value.replace(/\{[^{}]+\}/g, () => parts[next++] ?? '')
  }

  #amount(row: Row, place: Place, column: string | number | undefined): bigint | null {
    return this.#whole(row, place, column, this.#mapping.scale)
  }

  #whole(row: Row, place: Place, column: string | number | undefined, scale: number): bigint | null {
    const cell = this.#cell(row, place, column)
    if (cell === null) return null
    const value = cellNumber(cell, this.#mapping)
    const divisor = value === null ? 1n : 10n ** BigInt(value.scale) * BigInt(scale)
    if (value === null || value.units % divisor !== 0n)
      throw new LineProblem(`amount ${cell.text} is no whole number of đồng`)
    return value.units / divisor
  }
}

function missing(what: string): never {
  throw new LineProblem(what.endsWith(':') ? what.slice(0, -1) : `no ${what}`)
}

/** The columns a value names. */
function partsOf(value: string | number): (string | number)[] {
  if (typeof value === 'number' || !value.includes('{')) return [value]
  return [...value.matchAll(/\{([^{}]+)\}/g)].map(([, name = '']) => (/^\d+$/.test(name) ? Number(name) : name))
}

/**
 * Amounts in their one form: gross and fee above zero, net with its sign. A row that takes money back may be written with
 * minus signs or without; a row that moves nothing has no net.
 */
function money(
  written: { readonly gross: bigint; readonly fee: bigint | null; readonly net: bigint | null },
  status: SettlementRowStatus,
): Pick<SettlementRow, 'gross' | 'fee' | 'net'> {
  if (written.gross < 0n && status !== 'REVERSED')
    throw new LineProblem('an amount below zero on a row that is no reversal')
  const gross = absolute(written.gross)
  const fee = absolute(written.fee ?? (written.net === null ? 0n : gross - absolute(written.net)))
  if (gross === 0n) throw new LineProblem('the gross amount is zero')
  if (status === 'FAILED' || status === 'PENDING') return { gross, fee, net: 0n }
  if (status === 'SUCCEEDED') {
    if (written.net !== null && written.net !== gross - fee)
      throw new LineProblem(`net ${written.net} is not gross ${gross} less fee ${fee}`)
    return { gross, fee, net: gross - fee }
  }
  // The rail may keep its fee, or give it back.
  const net = written.net === null ? -gross : -absolute(written.net)
  if (![-gross, -gross - fee, -gross + fee].includes(net))
    throw new LineProblem(`net ${net} does not fit a reversal of ${gross} with fee ${fee}`)
  return { gross, fee, net }
}

function absolute(amount: bigint): bigint {
  return amount < 0n ? -amount : amount
}
