/** MT940 and MT942 (statements.md §1): lines -> fields -> statements. */
import { type Line, LineSplitter } from '../lines.ts'
import { StatementRefused } from '../refused.ts'
import type { StatementEvent, StatementParser } from '../statement.ts'
import { isFieldTag } from './fields.ts'
import { PageChain } from './pages.ts'
import { MtStatement } from './statement.ts'

export type Field = { readonly tag: string; readonly line: number; readonly lines: string[] }

/** A field of more characters than this is no field of a statement. */
const maxFieldLength = 262_144

const tagShape = /^:(\d{2}[A-Z]?|NS):(.*)$/

/** A balance or total with the end of the message on the same line. */
const lastFieldShape = /^:(?:6[245][FM]?|90[CD]):[^{}]*-\}/

export function mt940Parser(): StatementParser {
  return new Mt940Parser()
}

class Mt940Parser implements StatementParser {
  readonly #lines = new LineSplitter()
  readonly #pages = new PageChain()
  #field: Field | null = null
  #fieldLength = 0
  #statement: MtStatement | null = null
  /** Message type from the envelope, `942` for intraday reports. */
  #type = '940'
  #count = 0
  #lastLine = 1
  #events: StatementEvent[] = []

  write(chunk: Uint8Array): StatementEvent[] {
    for (const line of this.#lines.write(chunk)) this.#readLine(line)
    return this.#take()
  }

  end(): StatementEvent[] {
    for (const line of this.#lines.end()) this.#readLine(line)
    this.#endMessage()
    this.#events.push(...this.#pages.end())
    if (this.#count === 0) {
      this.#events.push({
        kind: 'problem',
        remark: { code: 'STATEMENT_MISSING', line: this.#lastLine, message: 'the file holds no statement' },
      })
    }
    return this.#take()
  }

  #take(): StatementEvent[] {
    const events = this.#events
    this.#events = []
    return events
  }

  #readLine(line: Line): void {
    this.#lastLine = line.number
    if (line.notUtf8) this.#warn('NOT_UTF8', line.number, 'read as Windows-1252')
    if (line.controlBytes) this.#warn('CONTROL_BYTE', line.number, line.text)
    const { text } = line
    if (text.startsWith('-}') || (text.trimEnd() === '-' && this.#mayEnd())) {
      this.#endMessage()
      this.#readEnvelope(text.slice(1), line.number)
    } else if (text.startsWith('{')) {
      this.#endMessage()
      this.#readEnvelope(text, line.number)
    } else if (lastFieldShape.test(text)) {
      const end = text.indexOf('-}')
      this.#readText(text.slice(0, end), line.number)
      this.#endMessage()
      this.#readEnvelope(text.slice(end + 1), line.number)
    } else {
      this.#readText(text, line.number)
    }
  }

  /** A lone `-` ends the message, unless it stands in a text before the closing balance. */
  #mayEnd(): boolean {
    if (this.#field?.tag.startsWith('62') === true) return true
    return this.#statement === null || this.#statement.isIntraday || this.#statement.hasClosing
  }

  /** Blocks 1, 2, 3 and 5; the text block may begin behind them on the same line. */
  #readEnvelope(text: string, line: number): void {
    const type = /\{2:[IO](\d{3})/.exec(text)?.[1]
    if (type !== undefined) this.#type = type
    const start = text.indexOf('{4:')
    if (start !== -1) this.#readText(text.slice(start + 3), line)
  }

  #readText(text: string, line: number): void {
    const match = tagShape.exec(text)
    const tag = match?.[1] ?? ''
    // A wrapped text may happen to begin a line like a field: `:12:11` of a time of day.
    const wrapped = match !== null && this.#field?.tag === '86' && !isFieldTag(tag)
    if (wrapped) this.#warn('FIELD_UNKNOWN', line, `:${tag}: read as text`)
    if (match !== null && !wrapped) {
      this.#endField()
      this.#field = { tag, line, lines: [match[2] ?? ''] }
      this.#fieldLength = text.length
      return
    }
    if (this.#field === null) {
      const bareType = text.trim()
      if (bareType === '940' || bareType === '942') this.#type = bareType
      return
    }
    this.#fieldLength += text.length + 1
    if (this.#fieldLength > maxFieldLength) {
      throw new StatementRefused('LIMIT', `field is longer than ${maxFieldLength} characters`, this.#field.line)
    }
    this.#field.lines.push(text)
  }

  #endField(): void {
    const field = this.#field
    this.#field = null
    if (field === null) return
    while (field.lines.length > 1 && /^-?\s*$/.test(field.lines.at(-1) ?? '')) field.lines.pop()
    if (field.tag === '20') this.#endStatement()
    if (this.#statement === null) {
      if (field.tag === 'NS') {
        this.#warn('FIELD_UNKNOWN', field.line, 'field :NS: outside a statement')
        return
      }
      this.#count += 1
      this.#statement = new MtStatement(this.#count, field.line, this.#type, field.tag !== '20')
    }
    this.#events.push(...this.#statement.read(field))
  }

  #endMessage(): void {
    this.#endField()
    this.#endStatement()
    this.#type = '940'
  }

  #endStatement(): void {
    if (this.#statement === null) return
    const { events, page } = this.#statement.end(this.#lastLine)
    this.#events.push(...events)
    // Pages are compared before the footer, so that it stays the last word on a statement.
    if (page !== null) this.#events.splice(this.#events.length - 1, 0, ...this.#pages.follow(page))
    this.#statement = null
  }

  #warn(code: 'NOT_UTF8' | 'CONTROL_BYTE' | 'FIELD_UNKNOWN', line: number, message: string): void {
    this.#events.push({ kind: 'warning', remark: { code, line, message } })
  }
}
