/** One message of an MT940/MT942 file while its fields come in. */
import { shortDate } from '../dates.ts'
import { decimalText } from '../decimal.ts'
import {
  type Direction,
  maxRawLength,
  type ProblemCode,
  type StatementEntry,
  type StatementEvent,
  type StatementFooter,
  type StatementFormat,
  type WarningCode,
} from '../statement.ts'
import {
  balanceDifference,
  count,
  type Declared,
  declaredDifference,
  footerCounts,
  newTally,
  publicBalance,
  type ReadBalance,
} from '../tally.ts'
import { splitAccount } from './account.ts'
import { readBalance, readTotal } from './balance.ts'
import { type EntryLine, readEntryLine } from './entry.ts'
import { fields, isFieldTag } from './fields.ts'
import { readInformation } from './information.ts'
import type { Page } from './pages.ts'
import type { Field } from './reader.ts'

type OpenEntry = {
  readonly line: number
  readonly entry: EntryLine
  readonly raw: string[]
  readonly information: string[]
}

export class MtStatement {
  readonly #ordinal: number
  readonly #line: number
  readonly #tally = newTally()
  readonly #declared: Partial<Record<Direction, Declared & { readonly line: number }>> = {}
  #format: StatementFormat
  #messageId: string | null = null
  #account: string | null = null
  #currency: string | null = null
  #statementId: string | null = null
  #reportDate: string | null = null
  #opening: ReadBalance | null = null
  #closing: ReadBalance | null = null
  #open: OpenEntry | null = null
  #entries = 0
  #headerSent = false
  #information: string[] = []
  #events: StatementEvent[] = []

  /** `unnamed` when a field came that belongs to no message. */
  constructor(ordinal: number, line: number, messageType: string, unnamed: boolean) {
    this.#ordinal = ordinal
    this.#line = line
    this.#format = messageType === '942' ? 'MT942' : 'MT940'
    if (unnamed) this.#problem('STATEMENT_UNNAMED', line, 'no field :20: starts this statement')
  }

  get hasClosing(): boolean {
    return this.#closing !== null
  }

  get isIntraday(): boolean {
    return this.#format === 'MT942'
  }

  read(field: Field): StatementEvent[] {
    const first = field.lines[0] ?? ''
    if (field.tag === '86' || field.tag === 'NS') this.#readInformation(field)
    else {
      this.#closeEntry()
      const read = isFieldTag(field.tag) ? fields[field.tag] : undefined
      if (read === undefined) this.#warn('FIELD_UNKNOWN', field.line, `field :${field.tag}:`)
      else this[read](first, field)
    }
    return this.#take()
  }

  /** The footer is the last event; `page` is for comparison with the account's other statements. */
  end(lastLine: number): { readonly events: StatementEvent[]; readonly page: Page | null } {
    this.#closeEntry()
    this.#sendHeader()
    const totalsOnly = this.#opening === null && this.#closing === null && Object.keys(this.#declared).length > 0
    if (this.#account === null) this.#problem('ACCOUNT_MISSING', this.#line, 'no field :25:')
    if (!this.isIntraday && !totalsOnly) {
      if (this.#opening === null) this.#problem('BALANCE_MISSING', this.#line, 'no opening balance :60F: or :60M:')
      if (this.#closing === null) this.#problem('BALANCE_MISSING', lastLine, 'no closing balance :62F: or :62M:')
    }
    for (const direction of ['DEBIT', 'CREDIT'] as const) {
      const declared = this.#declared[direction]
      if (declared === undefined) continue
      const off = declaredDifference(direction === 'DEBIT' ? ':90D:' : ':90C:', declared, this.#tally.all[direction])
      if (off !== null) this.#problem('CONTROL_TOTAL', declared.line, off)
    }
    const footer: StatementFooter = {
      line: lastLine,
      opening: publicBalance(this.#opening),
      closing: publicBalance(this.#closing),
      ...footerCounts(this.#tally),
      balance: this.#checkBalance(),
      information: this.#information.length === 0 ? null : this.#information.join('\n').slice(0, maxRawLength),
    }
    this.#events.push({ kind: 'end', footer })
    const [number = null, page = null] = this.#statementId?.split('/') ?? []
    const chained = this.#account !== null
    return {
      events: this.#take(),
      page: chained
        ? {
            account: this.#account ?? '',
            number,
            page,
            opening: this.#opening,
            closing: this.#closing,
            line: this.#line,
          }
        : null,
    }
  }

  readMessageId(text: string): void {
    this.#messageId = text.trim() || null
  }

  readAccount(text: string, { line }: Field): void {
    const { account, currency } = splitAccount(text.trim())
    if (this.#account !== null && account !== this.#account) {
      this.#problem('ACCOUNT_CHANGED', line, `account ${account} after ${this.#account}`)
    }
    this.#account ??= account === '' ? null : account
    this.#useCurrency(currency, line)
  }

  readStatementId(text: string): void {
    this.#statementId = text.trim() || null
  }

  readReportDate(text: string): void {
    this.#reportDate = shortDate(text.slice(0, 6))?.date ?? null
  }

  readFloor(text: string, { line }: Field): void {
    this.#format = 'MT942'
    this.#useCurrency(/^[A-Z]{3}/.exec(text)?.[0] ?? null, line)
  }

  readOpening(text: string, field: Field): void {
    const balance = this.#readBalance(text, field)
    if (balance === null) return
    if (this.#opening !== null) this.#problem('BALANCE_UNREADABLE', field.line, 'a second opening balance')
    else this.#opening = balance
  }

  readClosing(text: string, field: Field): void {
    this.#sendHeader()
    const balance = this.#readBalance(text, field)
    if (balance === null) return
    if (this.#closing !== null) this.#problem('BALANCE_UNREADABLE', field.line, 'a second closing balance')
    else this.#closing = balance
  }

  /** Available and forward balances are no part of the check, but must be readable. */
  readOther(text: string, field: Field): void {
    this.#readBalance(text, field)
  }

  readTotal(text: string, { tag, line }: Field): void {
    this.#sendHeader()
    const total = readTotal(text)
    if (total === null) this.#problem('BALANCE_UNREADABLE', line, `:${tag}:${text}`)
    else this.#declared[tag === '90D' ? 'DEBIT' : 'CREDIT'] = { ...total, line }
  }

  readEntry(text: string, { line, lines }: Field): void {
    this.#sendHeader()
    if (this.#closing !== null) this.#problem('STATEMENT_UNNAMED', line, 'entry after the closing balance')
    const entry = readEntryLine(text)
    if (typeof entry === 'string') {
      this.#problem(entry, line, `:61:${text}`)
      return
    }
    for (const { code, message } of entry.warnings) this.#warn(code, line, message)
    this.#open = { line, entry, raw: [`:61:${lines.join('\n')}`], information: [] }
  }

  ignore(): void {}

  #readInformation({ tag, lines, line }: Field): void {
    if (tag === 'NS') this.#warn('FIELD_UNKNOWN', line, 'field :NS:')
    if (this.#open === null) {
      if (tag === '86') this.#information.push(lines.join('\n'))
      return
    }
    this.#open.raw.push(`:${tag}:${lines.join('\n')}`)
    this.#open.information.push(...lines)
  }

  #closeEntry(): void {
    if (this.#open === null) return
    const { line, entry, raw, information } = this.#open
    this.#open = null
    this.#entries += 1
    count(this.#tally, { ...entry, status: 'BOOK' }, entry.amount)
    // The second line of :61: is for details that found no place; banks without :86: put the whole text there.
    const supplement = (raw[0] ?? '').split('\n').slice(1)
    const told = information.some((part) => part.trim() !== '')
    const read = readInformation(told ? information : supplement)
    const remittance = [read.remittance, ...(told ? supplement : [])]
      .map((part) => part.trim())
      .filter((part) => part !== '')
    const { warnings: _, amount, ...fromLine } = entry
    const built: StatementEntry = {
      ordinal: this.#entries,
      line,
      ...fromLine,
      amount: decimalText(amount),
      currency: this.#currency,
      status: 'BOOK',
      ...read,
      remittance: remittance.join(' '),
      remittanceRaw: [...information, ...supplement].join('\n').trim(),
      details: [],
      raw: raw.join('\n').slice(0, maxRawLength),
    }
    this.#events.push({ kind: 'entry', entry: built })
  }

  #sendHeader(): void {
    if (this.#headerSent) return
    this.#headerSent = true
    const opening = publicBalance(this.#opening)
    this.#events.push({
      kind: 'statement',
      header: {
        format: this.#format,
        version: null,
        ordinal: this.#ordinal,
        line: this.#line,
        account: this.#account,
        currency: this.#currency,
        statementId: this.#statementId,
        messageId: this.#messageId,
        sequence: this.#statementId,
        periodFrom: opening?.date ?? this.#reportDate,
        // The closing balance comes after the entries: the footer has its date.
        periodTo: this.#reportDate,
        opening,
      },
    })
  }

  #readBalance(text: string, { tag, line }: Field): ReadBalance | null {
    const read = readBalance(text, tag.endsWith('M'), line)
    if (read === null) {
      this.#problem('BALANCE_UNREADABLE', line, `:${tag}:${text}`)
      return null
    }
    if (read.clamped) this.#warn('DATE_CLAMPED', line, `balance date read as ${read.balance.date}`)
    if (read.odd) this.#warn('AMOUNT_NOTATION', line, text)
    if (read.balance.currency === null) this.#warn('FIELD_UNKNOWN', line, 'balance without currency')
    this.#useCurrency(read.balance.currency, line)
    return read.balance
  }

  #useCurrency(currency: string | null, line: number): void {
    if (currency === null) return
    if (this.#currency !== null && this.#currency !== currency) {
      this.#problem('CURRENCY_MIXED', line, `${currency} after ${this.#currency}`)
    }
    this.#currency ??= currency
  }

  #checkBalance(): StatementFooter['balance'] {
    if (this.#opening === null || this.#closing === null) return 'unchecked'
    const off = balanceDifference(this.#opening, this.#closing, this.#tally)
    if (off === null) return 'holds'
    this.#problem('BALANCE_BROKEN', this.#closing.line, off)
    return 'broken'
  }

  #take(): StatementEvent[] {
    const events = this.#events
    this.#events = []
    return events
  }

  #warn(code: WarningCode, line: number, message: string): void {
    this.#events.push({ kind: 'warning', remark: { code, line, message } })
  }

  #problem(code: ProblemCode, line: number, message: string): void {
    this.#events.push({ kind: 'problem', remark: { code, line, message } })
  }
}
