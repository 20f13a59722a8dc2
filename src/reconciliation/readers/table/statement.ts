/** The statement a table holds: its entries, and what the bank says about them above, beside and below the table. */
import { add, type Decimal, decimalText, equal, negate, subtract } from '../decimal.ts'
import {
  maxRawLength,
  type ProblemCode,
  type StatementEntry,
  type StatementEvent,
  type WarningCode,
} from '../statement.ts'
import {
  balanceDifference,
  count,
  declaredDifference,
  entryCount,
  footerCounts,
  newTally,
  publicBalance,
  type ReadBalance,
  signed,
} from '../tally.ts'
import { type Cell, cellNumber, isDamagedReference, type Row } from './cell.ts'
import { type Movement, RowProblem, type RowReader } from './entry.ts'
import { type Facts, readFacts } from './facts.ts'
import type { StatementMapping } from './mapping.ts'

type Balanced = { readonly balance: Decimal; readonly moved: Decimal; readonly line: number }

export class TableStatement {
  readonly #format: 'csv' | 'xlsx'
  readonly #mapping: StatementMapping
  readonly #facts: Facts = {}
  readonly #tally = newTally()
  #account: string | null = null
  #currency: string | null = null
  #headerSent = false
  #entries = 0
  #first: Balanced | null = null
  #last: Balanced | null = null
  #events: StatementEvent[] = []

  constructor(format: 'csv' | 'xlsx', mapping: StatementMapping) {
    this.#format = format
    this.#mapping = mapping
  }

  take(): StatementEvent[] {
    const events = this.#events
    this.#events = []
    return events
  }

  warn(code: WarningCode, line: number, message: string): void {
    this.#events.push({ kind: 'warning', remark: { code, line, message } })
  }

  problem(code: ProblemCode, line: number, message: string): void {
    this.#events.push({ kind: 'problem', remark: { code, line, message } })
  }

  readFacts(row: Row): void {
    readFacts(row, this.#facts, this.#mapping, (code, line, message) => this.problem(code, line, message))
  }

  declareTotal(name: 'totalCredits' | 'totalDebits', cell: Cell | null, line: number): void {
    if (cell === null) return
    const value = cellNumber(cell, this.#mapping)
    if (value === null) throw new RowProblem('BALANCE_UNREADABLE', cell.text)
    this.#facts[name] ??= { value, line }
  }

  addEntry(row: Row, reader: RowReader, { amount, direction, reversal }: Movement): void {
    const { cells, line } = row
    const { columns } = this.#mapping
    const remittance = reader.remittance(cells)
    const accountCell = reader.cell(cells, columns.account)
    const entry: StatementEntry = {
      ordinal: this.#entries + 1,
      line,
      valueDate: reader.date(cells, columns.valueDate),
      bookingDate: reader.date(cells, columns.bookingDate),
      direction,
      reversal,
      amount: decimalText(amount),
      currency: reader.text(cells, columns.currency)?.toUpperCase() ?? this.#declaredCurrency(),
      status: 'BOOK',
      bankReference: reader.reference(cells, columns.bankReference),
      customerReference: reader.reference(cells, columns.customerReference),
      endToEndId: reader.reference(cells, columns.endToEndId),
      remittance: remittance.join(' '),
      remittanceRaw: remittance.join('\n'),
      counterpartyName: reader.text(cells, columns.counterpartyName),
      counterpartyAccount: reader.reference(cells, columns.counterpartyAccount),
      typeCode: reader.text(cells, columns.typeCode),
      details: [],
      raw: row.raw.slice(0, maxRawLength),
    }
    const balanceCell = reader.cell(cells, columns.balance)
    this.#currency ??= entry.currency
    this.#sendHeader(line, accountCell)
    if (entry.currency !== this.#currency) {
      this.problem('CURRENCY_MIXED', line, `${entry.currency} after ${this.#currency}`)
    }
    if (accountCell !== null && accountCell.text.trim() !== this.#account) {
      this.problem('ACCOUNT_CHANGED', line, `account ${accountCell.text.trim()} after ${this.#account}`)
    }
    if (balanceCell !== null) this.#checkRunning(balanceCell, signed(amount, direction), line)
    this.#entries += 1
    count(this.#tally, entry, amount)
    this.#events.push({ kind: 'entry', entry })
  }

  end(lastLine: number): void {
    this.#sendHeader(lastLine, null)
    if (this.#account === null) this.problem('ACCOUNT_MISSING', lastLine, 'no account number')
    this.#checkTotals()
    const opening = this.#opening()
    const closing = this.#closing()
    const off = opening === null || closing === null ? null : balanceDifference(opening, closing, this.#tally)
    if (off !== null) this.problem('BALANCE_BROKEN', closing?.line ?? lastLine, off)
    this.#events.push({
      kind: 'end',
      footer: {
        line: lastLine,
        opening: publicBalance(opening),
        closing: publicBalance(closing),
        ...footerCounts(this.#tally),
        balance: opening === null || closing === null ? 'unchecked' : off === null ? 'holds' : 'broken',
        information: null,
      },
    })
  }

  #sendHeader(line: number, accountCell: Cell | null): void {
    if (this.#headerSent) return
    this.#headerSent = true
    this.#currency ??= this.#declaredCurrency()
    this.#account = this.#readAccount(accountCell, line)
    this.#events.push({
      kind: 'statement',
      header: {
        format: this.#format,
        version: null,
        ordinal: 1,
        line: 1,
        account: this.#account,
        currency: this.#currency,
        statementId: this.#facts.statementId?.value ?? null,
        messageId: null,
        sequence: null,
        periodFrom: this.#facts.periodFrom?.value ?? null,
        periodTo: this.#facts.periodTo?.value ?? null,
        opening: publicBalance(this.#declaredBalance(this.#facts.openingBalance)),
      },
    })
  }

  /** The file's own account number first; digits that a spreadsheet dropped are never put back (statements.md §3). */
  #readAccount(accountCell: Cell | null, line: number): string | null {
    const { account, accountDigits } = this.#mapping
    const cell = accountCell ?? this.#facts.account?.value ?? null
    if (cell === null) return account ?? null
    const text = cell.text.trim()
    const digits = text.replace(/\D/g, '').length
    const short = accountDigits !== undefined && digits < accountDigits
    if (short || isDamagedReference(text) || (cell.numeric && accountDigits === undefined)) {
      this.problem('ACCOUNT_DAMAGED', this.#facts.account?.line ?? line, `account ${text} may have lost leading zeros`)
    } else if (account !== undefined && account !== text) {
      this.problem('ACCOUNT_CHANGED', this.#facts.account?.line ?? line, `account ${text} in the file of ${account}`)
    }
    return text
  }

  #declaredCurrency(): string {
    return this.#facts.currency?.value.toUpperCase() ?? this.#mapping.currency
  }

  /** Each row's balance must follow from its neighbour's. */
  #checkRunning(cell: Cell, moved: Decimal, line: number): void {
    const balance = cellNumber(cell, this.#mapping)
    if (balance === null) throw new RowProblem('BALANCE_UNREADABLE', cell.text)
    const last = this.#last
    if (last !== null) {
      const holds =
        this.#mapping.order === 'oldestFirst'
          ? equal(add(last.balance, moved), balance)
          : equal(add(balance, last.moved), last.balance)
      if (!holds) this.problem('BALANCE_BROKEN', line, `balance ${cell.text} does not follow from line ${last.line}`)
    }
    this.#last = { balance, moved, line }
    this.#first ??= this.#last
  }

  #checkTotals(): void {
    const { entryCount: declaredCount, totalCredits, totalDebits } = this.#facts
    const { all } = this.#tally
    for (const [name, fact, side] of [
      ['total of credits', totalCredits, all.CREDIT],
      ['total of debits', totalDebits, all.DEBIT],
    ] as const) {
      if (fact === undefined) continue
      // Some banks print the sum of debits below zero.
      const sum = fact.value.units < 0n ? negate(fact.value) : fact.value
      const off = declaredDifference(name, { count: null, sum }, side)
      if (off !== null) this.problem('CONTROL_TOTAL', fact.line, off)
    }
    const found = entryCount(this.#tally)
    if (declaredCount !== undefined && !equal(declaredCount.value, { units: BigInt(found), scale: 0 })) {
      const message = `${decimalText(declaredCount.value)} entries declared, ${found} found`
      this.problem('CONTROL_TOTAL', declaredCount.line, message)
    }
  }

  #opening(): ReadBalance | null {
    const oldest = this.#mapping.order === 'oldestFirst' ? this.#first : this.#last
    const before = oldest === null ? undefined : { value: subtract(oldest.balance, oldest.moved), line: oldest.line }
    return this.#declaredBalance(this.#facts.openingBalance ?? before)
  }

  #closing(): ReadBalance | null {
    const newest = this.#mapping.order === 'oldestFirst' ? this.#last : this.#first
    const after = newest === null ? undefined : { value: newest.balance, line: newest.line }
    return this.#declaredBalance(this.#facts.closingBalance ?? after)
  }

  #declaredBalance(fact: { readonly value: Decimal; readonly line: number } | undefined): ReadBalance | null {
    if (fact === undefined) return null
    return { amount: fact.value, currency: this.#currency, date: null, intermediate: false, line: fact.line }
  }
}
