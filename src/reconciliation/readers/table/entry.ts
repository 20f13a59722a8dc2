/** One row of the table -> amount and direction, dates and texts, by the mapping. */
import { type Decimal, negate } from '../decimal.ts'
import type { Direction, ProblemCode } from '../statement.ts'
import { type Cell, cellNumber, fold, isDamagedReference, serialDate } from './cell.ts'
import type { Places } from './headings.ts'
import type { Column, StatementMapping } from './mapping.ts'

export type Movement = { readonly amount: Decimal; readonly direction: Direction; readonly reversal: boolean }
/** `empty`: no amount at all; `zero`: one or two zeros without a side. */
export type MovementReading = Movement | 'empty' | 'zero'

/** What is wrong with a row; caught by the reader of the table, which knows the line. */
export class RowProblem extends Error {
  readonly code: ProblemCode

  constructor(code: ProblemCode, message: string) {
    super(message)
    this.code = code
  }
}

export class RowReader {
  readonly #mapping: StatementMapping
  readonly #places: Places
  readonly #readDate: (text: string) => string | null
  readonly #from1904: boolean

  constructor(mapping: StatementMapping, places: Places, readDate: (text: string) => string | null, from1904: boolean) {
    this.#mapping = mapping
    this.#places = places
    this.#readDate = readDate
    this.#from1904 = from1904
  }

  cell(cells: readonly Cell[], column: Column | undefined): Cell | null {
    const place = this.#places(column)
    const cell = place === null ? undefined : cells[place]
    return cell === undefined || cell.text.trim() === '' ? null : cell
  }

  text(cells: readonly Cell[], column: Column | undefined): string | null {
    return this.cell(cells, column)?.text.trim() ?? null
  }

  /** Null when the cell is empty. */
  date(cells: readonly Cell[], column: Column | undefined): string | null {
    const cell = this.cell(cells, column)
    if (cell === null) return null
    const text = cell.text.trim()
    const date = cell.numeric ? serialDate(Number(text), this.#from1904) : this.#readDate(text)
    if (date === null) throw new RowProblem('DATE_UNREADABLE', text)
    return date
  }

  /** A reference or account: refused when a spreadsheet has made a number of it that lost digits. */
  reference(cells: readonly Cell[], column: Column | undefined): string | null {
    const cell = this.cell(cells, column)
    if (cell === null) return null
    const text = cell.text.trim()
    const lost = cell.numeric && (!/^\d+$/.test(text) || text.length > 15)
    if (lost || isDamagedReference(text)) throw new RowProblem('REFERENCE_DAMAGED', text)
    return text
  }

  remittance(cells: readonly Cell[]): string[] {
    return [this.#mapping.columns.remittance].flat().flatMap((column) => this.text(cells, column) ?? [])
  }

  number(cell: Cell): Decimal | null {
    return cellNumber(cell, this.#mapping)
  }

  movement(cells: readonly Cell[]): MovementReading {
    const { amount } = this.#mapping
    if (amount.kind === 'columns') return this.#fromColumns(cells, amount)
    const cell = this.cell(cells, amount.column)
    if (cell === null) return 'empty'
    const value = this.number(cell)
    if (value === null) throw new RowProblem('AMOUNT_UNREADABLE', cell.text)
    if (amount.kind === 'signed') {
      const credit = value.units >= 0n === (amount.positive === 'credit')
      return { amount: absolute(value), direction: credit ? 'CREDIT' : 'DEBIT', reversal: false }
    }
    const mark = fold(this.text(cells, amount.mark) ?? '')
    const credit = amount.credit.some((known) => fold(known) === mark)
    const debit = amount.debit.some((known) => fold(known) === mark)
    if (credit === debit) throw new RowProblem('DIRECTION_UNREADABLE', mark === '' ? 'no mark' : mark)
    if (value.units < 0n) throw new RowProblem('AMOUNT_UNREADABLE', `${cell.text} beside a mark`)
    return { amount: value, direction: credit ? 'CREDIT' : 'DEBIT', reversal: false }
  }

  #fromColumns(
    cells: readonly Cell[],
    amount: Extract<StatementMapping['amount'], { kind: 'columns' }>,
  ): MovementReading {
    const filled: Movement[] = []
    let zeros = 0
    for (const direction of ['CREDIT', 'DEBIT'] as const) {
      const cell = this.cell(cells, direction === 'CREDIT' ? amount.credit : amount.debit)
      if (cell === null) continue
      // A dash is how spreadsheets show a zero.
      const value = /^-$/.test(cell.text.trim()) ? { units: 0n, scale: 0 } : this.number(cell)
      if (value === null) throw new RowProblem('AMOUNT_UNREADABLE', cell.text)
      if (value.units === 0n) zeros += 1
      else if (value.units > 0n || amount.negative === 'ignore') {
        filled.push({ amount: absolute(value), direction, reversal: false })
      } else if (amount.negative === 'reversal') {
        filled.push({ amount: absolute(value), direction: direction === 'CREDIT' ? 'DEBIT' : 'CREDIT', reversal: true })
      } else throw new RowProblem('AMOUNT_UNREADABLE', `${cell.text} in a column that has a side`)
    }
    const [only, second] = filled
    if (second !== undefined) throw new RowProblem('DIRECTION_UNREADABLE', 'both credit and debit are filled')
    return only ?? (zeros > 0 ? 'zero' : 'empty')
  }
}

function absolute(value: Decimal): Decimal {
  return value.units < 0n ? negate(value) : value
}
