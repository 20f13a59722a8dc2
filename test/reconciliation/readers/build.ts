/** Helpers of the reader tests: files written from plain entries, and readers run over bytes cut anywhere. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import type { ReaderName } from '../../../src/reconciliation/readers/detect.ts'
import { type ReadOptions, readStatements } from '../../../src/reconciliation/readers/read.ts'
import { StatementRefused } from '../../../src/reconciliation/readers/refused.ts'
import type { StatementEntry, StatementEvent } from '../../../src/reconciliation/readers/statement.ts'

export const samples = new URL('../../fixtures/samples/statements/', import.meta.url)

export function sample(name: string): Uint8Array {
  return readFileSync(new URL(name, samples))
}

type Format = Exclude<ReaderName, 'xlsx'>

export async function* chunksOf(bytes: Uint8Array, cuts: readonly number[] = []): AsyncGenerator<Uint8Array> {
  let start = 0
  for (const cut of [...cuts].sort((left, right) => left - right)) {
    // A fresh buffer each time, overwritten afterwards: a reader must not lean on its chunk.
    const chunk = Buffer.from(bytes.subarray(start, cut))
    yield chunk
    chunk.fill(0x2a)
    start = cut
  }
  yield bytes.subarray(start)
}

export async function eventsOf(
  format: Format,
  content: string | Uint8Array,
  options: ReadOptions = {},
  cuts: readonly number[] = [],
): Promise<StatementEvent[]> {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  const events: StatementEvent[] = []
  for await (const event of readStatements(chunksOf(bytes, cuts), format, options)) events.push(event)
  return events
}

/** The refusal, or null when the file is accepted. Anything but a `StatementRefused` is thrown on. */
export async function refusalFrom(
  format: Format,
  content: string | Uint8Array,
  options: ReadOptions = {},
): Promise<StatementRefused | null> {
  try {
    await eventsOf(format, content, options)
    return null
  } catch (error) {
    if (error instanceof StatementRefused) return error
    throw error
  }
}

export function entriesIn(events: readonly StatementEvent[]): StatementEntry[] {
  return events.flatMap((event) => (event.kind === 'entry' ? [event.entry] : []))
}

export function warningCodesIn(events: readonly StatementEvent[]): string[] {
  return events.flatMap((event) => (event.kind === 'warning' ? [event.remark.code] : []))
}

export type PlainEntry = {
  readonly date: string
  readonly direction: 'CREDIT' | 'DEBIT'
  readonly reversal: boolean
  /** In hundredths. */
  readonly cents: bigint
  readonly reference: string
  readonly text: string
}

const isoDay = fc
  .integer({ min: Date.UTC(2000, 0, 1) / 86_400_000, max: Date.UTC(2079, 11, 31) / 86_400_000 })
  .map((day) => new Date(day * 86_400_000).toISOString().slice(0, 10))

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'

export const plainEntry: fc.Arbitrary<PlainEntry> = fc.record({
  date: isoDay,
  direction: fc.constantFrom('CREDIT', 'DEBIT'),
  reversal: fc.boolean(),
  cents: fc.bigInt({ min: 0n, max: 10n ** 14n }),
  reference: fc
    .string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 16 })
    .map((text) => `R${text}`.slice(0, 16)),
  text: fc
    .string({ unit: fc.constantFrom(...letters, ' ', 'ă', 'đ', 'ệ', ',', ';', '"', '<', '&'), maxLength: 200 })
    .map((text) => `T${text.trim()}`),
})

export const plainEntries = fc.array(plainEntry, { maxLength: 12 })

export function centsText(cents: bigint, sign = '.'): string {
  const digits = (cents < 0n ? -cents : cents).toString().padStart(3, '0')
  return `${cents < 0n ? '-' : ''}${digits.slice(0, -2)}${sign}${digits.slice(-2)}`
}

export function netOf(entries: readonly PlainEntry[]): bigint {
  return entries.reduce((sum, { direction, cents }) => sum + (direction === 'CREDIT' ? cents : -cents), 0n)
}

const mtDate = (date: string) => date.slice(2).replaceAll('-', '')

export function mtBalance(tag: string, cents: bigint, date = '2026-11-24'): string {
  return `:${tag}:${cents < 0n ? 'D' : 'C'}${mtDate(date)}VND${centsText(cents < 0n ? -cents : cents, ',')}`
}

export function mtEntry({ date, direction, reversal, cents, reference, text }: PlainEntry): string {
  const credit = direction === 'CREDIT'
  const mark = reversal ? (credit ? 'RD' : 'RC') : credit ? 'C' : 'D'
  const wrapped = text.match(/.{1,65}/gsu) ?? ['']
  return `:61:${mtDate(date)}${mtDate(date).slice(2)}${mark}${centsText(cents, ',')}NTRFNONREF//${reference}\r\n:86:${wrapped.join('\r\n')}`
}

/** A whole MT940 message over these entries; parts can be replaced. */
export function mt940Of(
  entries: readonly PlainEntry[],
  parts: { opening?: bigint; closing?: bigint; page?: string } = {},
): string {
  const opening = parts.opening ?? 1_000_000n
  return [
    ':20:STATEMENT1',
    ':25:112233445566',
    `:28C:${parts.page ?? '7/1'}`,
    mtBalance('60F', opening),
    ...entries.map(mtEntry),
    mtBalance('62F', parts.closing ?? opening + netOf(entries)),
    '-',
    '',
  ].join('\r\n')
}

const escapeXml = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

export function camtEntry({ date, direction, reversal, cents, reference, text }: PlainEntry): string {
  return `<Ntry><Amt Ccy="VND">${centsText(cents)}</Amt><CdtDbtInd>${direction === 'CREDIT' ? 'CRDT' : 'DBIT'}</CdtDbtInd><RvslInd>${reversal}</RvslInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>${date}</Dt></BookgDt><ValDt><Dt>${date}</Dt></ValDt><AcctSvcrRef>${reference}</AcctSvcrRef><NtryDtls><TxDtls><RmtInf><Ustrd>${escapeXml(text)}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>`
}

export function camtBalance(code: string, cents: bigint): string {
  return `<Bal><Tp><CdOrPrtry><Cd>${code}</Cd></CdOrPrtry></Tp><Amt Ccy="VND">${centsText(cents < 0n ? -cents : cents)}</Amt><CdtDbtInd>${cents < 0n ? 'DBIT' : 'CRDT'}</CdtDbtInd><Dt><Dt>2026-11-24</Dt></Dt></Bal>`
}

export function camt053Of(
  entries: readonly PlainEntry[],
  parts: { opening?: bigint; closing?: bigint; summary?: string; body?: string } = {},
): string {
  const opening = parts.opening ?? 1_000_000n
  return `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><GrpHdr><MsgId>MSG1</MsgId></GrpHdr><Stmt><Id>ST1</Id><ElctrncSeqNb>7</ElctrncSeqNb><Acct><Id><Othr><Id>112233445566</Id></Othr></Id><Ccy>VND</Ccy></Acct>
${camtBalance('OPBD', opening)}${camtBalance('CLBD', parts.closing ?? opening + netOf(entries))}${parts.summary ?? ''}
${parts.body ?? entries.map(camtEntry).join('\n')}
</Stmt></BkToCstmrStmt></Document>
`
}
