/** One `Stmt`, `Rpt` or `Ntfctn` while it is being read. */
import { isoDate } from '../dates.ts'
import { add, type Decimal, equal, negate, parseDecimal } from '../decimal.ts'
import type { Direction, EntryDetail, StatementEvent, StatementFooter, StatementFormat } from '../statement.ts'
import {
  balanceDifference,
  bookedNet,
  count,
  declaredDifference,
  entryCount,
  footerCounts,
  newTally,
  publicBalance,
  type ReadBalance,
  signed,
} from '../tally.ts'
import { type BalanceDraft, type EntryDraft, newStatement, type StatementDraft } from './drafts.ts'
import { buildEntry, directions, type Remarks } from './entry.ts'
import { statementFields } from './fields.ts'

type Message = {
  readonly format: StatementFormat
  readonly version: string | null
  readonly id: string | null
  readonly page: { readonly number: string; readonly last: string }
}

export class CamtStatement {
  readonly #message: Message
  readonly #ordinal: number
  readonly #remarks: Remarks
  readonly #draft: StatementDraft
  readonly #tally = newTally()
  /** First of each code, as ISO 20022 orders them; the closing one may be repeated and the last counts. */
  readonly #balances = new Map<string, ReadBalance>()
  #currency: string | null = null
  #entries = 0
  #headerSent = false

  constructor(message: Message, ordinal: number, line: number, remarks: Remarks) {
    this.#message = message
    this.#ordinal = ordinal
    this.#remarks = remarks
    this.#draft = newStatement(line)
  }

  set(path: string, text: string, currency: string | null): void {
    statementFields[path]?.(this.#draft, text, currency)
  }

  addBalance(draft: BalanceDraft): void {
    const amount = parseDecimal(draft.amount ?? '', '.')
    const direction = directions[draft.indicator ?? '']
    const date = draft.date === null ? null : isoDate(draft.date)
    if (amount === null || direction === undefined || (draft.date !== null && date === null)) {
      this.#remarks.problem('BALANCE_UNREADABLE', draft.line, `balance ${draft.code ?? 'without code'}`)
      return
    }
    if (date?.clamped === true) this.#remarks.warn('DATE_CLAMPED', draft.line, `balance date read as ${date.date}`)
    const code = draft.code ?? ''
    if (this.#balances.has(code) && code !== 'CLBD') return
    this.#balances.set(code, {
      amount: signed(amount, direction),
      currency: draft.currency,
      date: date?.date ?? null,
      intermediate: draft.subCode === 'INTM',
      line: draft.line,
    })
  }

  addEntry(draft: EntryDraft, details: readonly EntryDetail[], raw: string): StatementEvent[] {
    const context = { ordinal: this.#entries + 1, booksOnly: this.#message.format === 'camt.053', raw }
    const built = buildEntry(draft, details, context, this.#remarks)
    if (built === null) return this.#header()
    this.#entries += 1
    this.#checkCurrency(draft)
    count(this.#tally, built.entry, built.amount)
    return [...this.#header(), { kind: 'entry', entry: built.entry }]
  }

  end(line: number): StatementEvent[] {
    const header = this.#header()
    if (this.#draft.account === null) this.#remarks.problem('ACCOUNT_MISSING', this.#draft.line, 'no account number')
    this.#checkTotals()
    const footer: StatementFooter = {
      line,
      opening: publicBalance(this.#opening()),
      closing: publicBalance(this.#closing()),
      ...footerCounts(this.#tally),
      balance: this.#checkBalance(),
      information: this.#draft.information,
    }
    return [...header, { kind: 'end', footer }]
  }

  #header(): StatementEvent[] {
    if (this.#headerSent) return []
    this.#headerSent = true
    const draft = this.#draft
    this.#currency ??= draft.currency ?? this.#opening()?.currency ?? null
    return [
      {
        kind: 'statement',
        header: {
          format: this.#message.format,
          version: this.#message.version,
          ordinal: this.#ordinal,
          line: draft.line,
          account: draft.account,
          currency: this.#currency,
          statementId: draft.id,
          messageId: this.#message.id,
          sequence: draft.sequence,
          periodFrom: isoDate(draft.from ?? '')?.date ?? null,
          periodTo: isoDate(draft.to ?? '')?.date ?? null,
          opening: publicBalance(this.#opening()),
        },
      },
    ]
  }

  #opening(): ReadBalance | null {
    return this.#balances.get('OPBD') ?? this.#balances.get('PRCD') ?? null
  }

  #closing(): ReadBalance | null {
    return this.#balances.get('CLBD') ?? null
  }

  #checkCurrency({ currency, line }: EntryDraft): void {
    this.#currency ??= this.#draft.currency ?? this.#opening()?.currency ?? currency
    if (currency !== null && this.#currency !== null && currency !== this.#currency) {
      this.#remarks.problem('CURRENCY_MIXED', line, `entry in ${currency}, account in ${this.#currency}`)
    }
  }

  #checkBalance(): StatementFooter['balance'] {
    const opening = this.#opening()
    const closing = this.#closing()
    if (opening !== null && closing !== null) {
      const off = balanceDifference(opening, closing, this.#tally)
      if (off === null) return 'holds'
      this.#remarks.problem('BALANCE_BROKEN', closing.line, off)
      return 'broken'
    }
    // Only a camt.053 promises both; a page of a split one may leave either to another page.
    if (this.#message.format === 'camt.053') {
      const missing = `no ${opening === null ? 'opening' : 'closing'} balance`
      if (this.#isPage()) this.#remarks.warn('PAGE_MISSING', this.#draft.line, `${missing} on this page`)
      else this.#remarks.problem('BALANCE_MISSING', this.#draft.line, missing)
    }
    return 'unchecked'
  }

  #isPage(): boolean {
    const number = this.#draft.page ?? this.#message.page.number
    const last = this.#draft.lastPage ?? this.#message.page.last
    return Number(number) > 1 || last === 'false' || last === '0'
  }

  /** Declared totals cover every listed entry; some banks count booked ones only, so either may agree. */
  #checkTotals(): void {
    const { totals } = this.#draft
    const { all, notBooked } = this.#tally
    for (const direction of ['CREDIT', 'DEBIT'] as const) {
      this.#compare(`total of ${direction.toLowerCase()}s`, totals[direction], all[direction], notBooked[direction])
    }
    const together = (sides: Record<Direction, { count: number; sum: Decimal }>) => ({
      count: sides.CREDIT.count + sides.DEBIT.count,
      sum: add(sides.CREDIT.sum, sides.DEBIT.sum),
    })
    this.#compare('total', totals.all, together(all), together(notBooked))
    this.#compareNet(totals.net, totals.netIndicator)
  }

  #compare(
    name: string,
    texts: { count: string | null; sum: string | null },
    all: { count: number; sum: Decimal },
    notBooked: { count: number; sum: Decimal },
  ): void {
    const sum = texts.sum === null ? null : parseDecimal(texts.sum, '.')
    const unreadable = (texts.sum !== null && sum === null) || (texts.count !== null && !/^\d{1,15}$/.test(texts.count))
    const declared = { count: texts.count === null ? null : Number(texts.count), sum }
    const booked = { count: all.count - notBooked.count, sum: add(all.sum, negate(notBooked.sum)) }
    const off = unreadable ? `${name} cannot be read` : declaredDifference(name, declared, all)
    if (off === null || (!unreadable && declaredDifference(name, declared, booked) === null)) return
    this.#remarks.problem('CONTROL_TOTAL', this.#draft.line, off)
  }

  #compareNet(text: string | null, indicator: string | null): void {
    if (text === null || entryCount(this.#tally) === 0) return
    const amount = parseDecimal(text.replace('-', ''), '.')
    const { all } = this.#tally
    const nets = [add(all.CREDIT.sum, negate(all.DEBIT.sum)), bookedNet(this.#tally)]
    // Versions differ on whether the sign stands in the number or in the indicator: sizes are compared, and signs where told.
    const direction = directions[indicator ?? '']
    const agrees = nets.some((net) => {
      if (amount === null) return false
      if (direction !== undefined) return equal(signed(amount, direction), net)
      return equal(amount, net) || equal(amount, negate(net))
    })
    if (!agrees) this.#remarks.problem('CONTROL_TOTAL', this.#draft.line, `net total ${text} differs from the entries`)
  }
}
