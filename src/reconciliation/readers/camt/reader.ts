/** camt.052, camt.053 and camt.054 of every version (statements.md §2). */
import { StatementRefused } from '../refused.ts'
import type {
  EntryDetail,
  ProblemCode,
  StatementEvent,
  StatementFormat,
  StatementParser,
  WarningCode,
} from '../statement.ts'
import { type XmlHandler, XmlStream } from '../xml.ts'
import {
  type BalanceDraft,
  type DetailDraft,
  type EntryDraft,
  newBalance,
  newBatch,
  newDetail,
  newEntry,
} from './drafts.ts'
import { buildDetail, checkBatch, type Remarks } from './entry.ts'
import { balanceFields, detailFields, entryFields } from './fields.ts'
import { CamtStatement } from './statement.ts'

/** Payments listed inside one entry; they are held until the entry closes. */
export const maxDetails = 100_000

const containers: Record<string, StatementFormat> = {
  BkToCstmrAcctRpt: 'camt.052',
  BkToCstmrStmt: 'camt.053',
  BkToCstmrDbtCdtNtfctn: 'camt.054',
}
const statementElements = new Set(['Rpt', 'Stmt', 'Ntfctn'])

const namespace = /^urn:iso:std:iso:20022:tech:xsd:camt\.05[234]\.\d{3}\.(\d{2})$/

export function camtParser(): StatementParser {
  return new CamtParser()
}

/** Which element the open path is counted from, and the path itself, without `Pty`. */
type Frame = {
  readonly owner: 'none' | 'message' | 'statement' | 'balance' | 'entry' | 'detail'
  readonly path: string
  readonly currency: string | null
}

const outside: Frame = { owner: 'none', path: '', currency: null }

class CamtParser implements StatementParser, XmlHandler, Remarks {
  readonly #xml = new XmlStream(this)
  readonly #frames: Frame[] = []
  #events: StatementEvent[] = []
  #format: StatementFormat | null = null
  #version: string | null = null
  #messageId: string | null = null
  #page = { number: '1', last: 'true' }
  #count = 0
  #statement: CamtStatement | null = null
  #balance: BalanceDraft | null = null
  #entry: EntryDraft | null = null
  #detail: DetailDraft | null = null
  #details: EntryDetail[] = []

  write(chunk: Uint8Array): StatementEvent[] {
    this.#xml.write(chunk)
    return this.#take()
  }

  end(): StatementEvent[] {
    this.#xml.end()
    if (this.#count === 0) this.problem('STATEMENT_MISSING', this.#xml.line, 'the document holds no statement')
    return this.#take()
  }

  open(name: string, attributes: Readonly<Record<string, string>>): void {
    const parent = this.#frames.at(-1) ?? outside
    if (parent.owner === 'none') this.#readVersion(attributes)
    const path = name === 'Pty' ? parent.path : parent.path === '' ? name : `${parent.path}/${name}`
    this.#frames.push({ ...this.#enter(parent, name, path), currency: attributes.Ccy ?? null })
  }

  close(_name: string, text: string): void {
    const frame = this.#frames.pop()
    if (frame === undefined) return
    this.#leave(frame, text.trim())
  }

  warn(code: WarningCode, line: number, message: string): void {
    this.#events.push({ kind: 'warning', remark: { code, line, message } })
  }

  problem(code: ProblemCode, line: number, message: string): void {
    this.#events.push({ kind: 'problem', remark: { code, line, message } })
  }

  /** The namespace may be declared on any element down to the message. */
  #readVersion(attributes: Readonly<Record<string, string>>): void {
    for (const value of Object.values(attributes)) this.#version = namespace.exec(value)?.[1] ?? this.#version
  }

  #take(): StatementEvent[] {
    const events = this.#events
    this.#events = []
    return events
  }

  #enter(parent: Frame, name: string, path: string): Pick<Frame, 'owner' | 'path'> {
    const { line } = this.#xml
    const format = parent.owner === 'none' ? containers[name] : undefined
    if (format !== undefined) {
      this.#format = format
      return { owner: 'message', path: '' }
    }
    if (parent.owner === 'message' && statementElements.has(path) && this.#format !== null) {
      this.#count += 1
      const message = { format: this.#format, version: this.#version, id: this.#messageId, page: this.#page }
      this.#statement = new CamtStatement(message, this.#count, line, this)
      return { owner: 'statement', path: '' }
    }
    if (parent.owner === 'statement' && path === 'Bal') {
      this.#balance = newBalance(line)
      return { owner: 'balance', path: '' }
    }
    if (parent.owner === 'statement' && path === 'Ntry') {
      this.#xml.capture()
      this.#entry = newEntry(line)
      this.#details = []
      return { owner: 'entry', path: '' }
    }
    if (parent.owner === 'entry' && path === 'NtryDtls' && this.#entry !== null) {
      this.#entry.batch = { ...newBatch(), firstDetail: this.#details.length }
    }
    if (parent.owner === 'entry' && path === 'NtryDtls/TxDtls') {
      if (this.#details.length >= maxDetails) {
        throw new StatementRefused('LIMIT', `an entry lists more than ${maxDetails} payments`, line)
      }
      this.#detail = newDetail(line)
      return { owner: 'detail', path: '' }
    }
    return { owner: parent.owner, path }
  }

  #leave({ owner, path, currency }: Frame, text: string): void {
    if (path !== '') this.#set(owner, path, text, currency)
    else if (owner === 'statement') {
      if (this.#statement !== null) this.#events.push(...this.#statement.end(this.#xml.line))
      this.#statement = null
    } else if (owner === 'balance' && this.#balance !== null) this.#statement?.addBalance(this.#balance)
    else if (owner === 'entry' && this.#entry !== null) {
      const raw = this.#xml.captured()
      this.#events.push(...(this.#statement?.addEntry(this.#entry, this.#details, raw) ?? []))
      this.#entry = null
      this.#details = []
    } else if (owner === 'detail' && this.#detail !== null && this.#entry !== null) {
      this.#details.push(buildDetail(this.#detail, this.#entry, this.#details.length + 1, this))
      this.#detail = null
    }
  }

  #set(owner: Frame['owner'], path: string, text: string, currency: string | null): void {
    if (owner === 'message') this.#setMessage(path, text)
    else if (owner === 'statement') this.#statement?.set(path, text, currency)
    else if (owner === 'balance' && this.#balance !== null) balanceFields[path]?.(this.#balance, text, currency)
    else if (owner === 'detail' && this.#detail !== null) detailFields[path]?.(this.#detail, text, currency)
    else if (owner === 'entry' && this.#entry !== null) {
      if (path === 'NtryDtls') checkBatch(this.#entry, this.#details.slice(this.#entry.batch.firstDetail), this)
      else entryFields[path]?.(this.#entry, text, currency)
    }
  }

  #setMessage(path: string, text: string): void {
    if (path === 'GrpHdr/MsgId') this.#messageId = text
    if (path === 'GrpHdr/MsgPgntn/PgNb') this.#page.number = text
    if (path === 'GrpHdr/MsgPgntn/LastPgInd') this.#page.last = text
  }
}
