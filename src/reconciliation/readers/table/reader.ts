/** Rows of a CSV or XLSX export -> one statement: rows above the headings, the table, rows below it. */
import { dateReader } from '../dates.ts'
import { StatementRefused } from '../refused.ts'
import type { StatementEvent } from '../statement.ts'
import type { Cell, Row } from './cell.ts'
import { RowProblem, RowReader } from './entry.ts'
import { beginsWith, findPlaces, maxHeadingRows, missingHeadings, type Places } from './headings.ts'
import type { StatementMapping } from './mapping.ts'
import { TableStatement } from './statement.ts'

export class TableReader {
  readonly #mapping: StatementMapping
  readonly #from1904: boolean
  readonly #statement: TableStatement
  #rows = 0
  #reader: RowReader | null = null
  #width = Number.POSITIVE_INFINITY
  #ended = false

  /** `from1904`: the workbook counts days from 1904. */
  constructor(format: 'csv' | 'xlsx', mapping: StatementMapping, from1904 = false) {
    this.#mapping = mapping
    this.#from1904 = from1904
    this.#statement = new TableStatement(format, mapping)
    if (!mapping.headings) this.#startTable((column) => (typeof column === 'number' ? column - 1 : null))
  }

  row(row: Row): StatementEvent[] {
    this.#rows += 1
    if (row.cells.some(({ text }) => text.trim() !== '')) {
      try {
        this.#read(row)
      } catch (error) {
        if (!(error instanceof RowProblem)) throw error
        this.#statement.problem(error.code, row.line, error.message)
      }
    }
    return this.#statement.take()
  }

  end(lastLine: number): StatementEvent[] {
    if (this.#reader === null) throw this.#noHeadings([], lastLine)
    this.#statement.end(lastLine)
    return this.#statement.take()
  }

  #read(row: Row): void {
    if (this.#reader === null || this.#rows <= this.#mapping.skipRows) {
      this.#readAbove(row)
      return
    }
    this.#ended ||= this.#endsTable(row.cells)
    if (this.#ended) this.#readBelow(row, this.#reader)
    else this.#readEntry(row, this.#reader)
  }

  #startTable(places: Places): void {
    this.#reader = new RowReader(this.#mapping, places, dateReader(this.#mapping.dateFormat), this.#from1904)
  }

  #readAbove(row: Row): void {
    this.#statement.readFacts(row)
    if (this.#rows <= this.#mapping.skipRows) return
    const places = findPlaces(row.cells, this.#mapping)
    if (places !== null) {
      this.#width = row.cells.length
      this.#startTable(places)
    } else if (this.#rows - this.#mapping.skipRows >= maxHeadingRows) throw this.#noHeadings(row.cells, row.line)
  }

  #noHeadings(cells: readonly Cell[], line: number): StatementRefused {
    const missing = missingHeadings(cells, this.#mapping).join(', ')
    return new StatementRefused(
      'HEADINGS',
      `no row holds the headings of mapping ${this.#mapping.name}: ${missing}`,
      line,
    )
  }

  #endsTable(cells: readonly Cell[]): boolean {
    const { footer, totals } = this.#mapping
    return [...footer, ...(totals === undefined ? [] : [totals])].some((label) => beginsWith(cells, label))
  }

  #readBelow(row: Row, reader: RowReader): void {
    const { columns, amount, totals } = this.#mapping
    this.#statement.readFacts(row)
    if (totals !== undefined && amount.kind === 'columns' && beginsWith(row.cells, totals)) {
      this.#statement.declareTotal('totalCredits', reader.cell(row.cells, amount.credit), row.line)
      this.#statement.declareTotal('totalDebits', reader.cell(row.cells, amount.debit), row.line)
      return
    }
    if (looksLikeEntry(row, reader, [columns.bookingDate, columns.valueDate])) {
      throw new RowProblem('ENTRY_UNREADABLE', 'a row with date and amount stands below the end of the table')
    }
  }

  #readEntry(row: Row, reader: RowReader): void {
    const { cells } = row
    const { columns } = this.#mapping
    if (cells.slice(this.#width).some(({ text }) => text.trim() !== '')) {
      throw new RowProblem('ENTRY_UNREADABLE', `more cells (${cells.length}) than headings (${this.#width})`)
    }
    const movement = reader.movement(cells)
    const dated = [columns.bookingDate, columns.valueDate].some((column) => reader.cell(cells, column) !== null)
    if (movement === 'zero' || (movement === 'empty' && !dated)) {
      const message = movement === 'zero' ? 'amount is zero' : row.raw.slice(0, 200)
      this.#statement.warn('ROW_IGNORED', row.line, message)
      return
    }
    if (movement === 'empty') throw new RowProblem('AMOUNT_UNREADABLE', 'no amount')
    if (!dated) throw new RowProblem('DATE_UNREADABLE', 'no date')
    this.#statement.addEntry(row, reader, movement)
  }
}

function looksLikeEntry(row: Row, reader: RowReader, dates: readonly (string | number | undefined)[]): boolean {
  try {
    return (
      dates.some((column) => reader.date(row.cells, column) !== null) && typeof reader.movement(row.cells) === 'object'
    )
  } catch (error) {
    if (error instanceof RowProblem) return false
    throw error
  }
}
