import { createHash } from 'node:crypto'
import { createReadStream, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { detectFormat } from '../../../src/reconciliation/readers/detect.ts'
import { fileHash, lineIdentity, lineKey, statementIdentity } from '../../../src/reconciliation/readers/identity.ts'
import { readStatementFile, readStatements } from '../../../src/reconciliation/readers/read.ts'
import type { StatementEvent } from '../../../src/reconciliation/readers/statement.ts'
import { statementMapping } from '../../../src/reconciliation/readers/table/mapping.ts'
import { heapInUse } from '../../harness/heap.ts'
import {
  camt053Of,
  camtEntry,
  chunksOf,
  entriesIn,
  eventsOf,
  mt940Of,
  mtEntry,
  type PlainEntry,
  refusalFrom,
  samples,
} from './build.ts'
import { xlsxOf } from './zip.ts'

const formats = [
  { name: 'camt/camt053.v8.xml', format: 'camt' },
  { name: 'mt940/ASNB--mt940.txt', format: 'mt940' },
  { name: 'mt940/jejik--abnamro.sta', format: 'mt940' },
  { name: 'mt940/self-provided--transaction_details_wrapped.sta', format: 'mt940' },
]
for (const { name, format } of formats) {
  t.test(`${name} is seen to be ${format}`, async (t) => {
    t.equal(detectFormat(readFileSync(new URL(name, samples)), name), format)
  })
}

t.test('content decides before the name, and a file that fits nothing is null', async (t) => {
  t.equal(detectFormat(Buffer.from(mt940Of([])), 'statement.csv'), 'mt940')
  t.equal(detectFormat(Buffer.from(`\uFEFF${camt053Of([])}`, 'utf16le'), 'x'), 'camt')
  t.equal(detectFormat(Buffer.from('a,b\n'), 'x.csv'), 'csv')
  t.equal(detectFormat(Buffer.from('a,b\n'), 'x'), null)
  t.equal(detectFormat(xlsxOf([['a']]), 'x.xls'), 'xlsx')
  t.equal(detectFormat(Buffer.from([0xd0, 0xcf, 0x11, 0xe0]), 'x.xls'), null)
  t.equal(detectFormat(Buffer.from('<html></html>'), 'x.xml'), null)
  t.equal(detectFormat(new Uint8Array(0), ''), null)
})

t.test('a file of no known format is refused', async (t) => {
  const path = join(t.testdir({ 'x.pdf': '%PDF-1.7' }), 'x.pdf')
  await t.rejects(drain(readStatementFile(path)), { code: 'UNKNOWN_FORMAT' })
})

t.test('a table without a mapping is refused', async (t) => {
  t.match(await refusalFrom('csv', 'a,b\n'), { code: 'MAPPING_REQUIRED' })
})

t.test('a file above the limit is refused', async (t) => {
  t.match(await refusalFrom('mt940', mt940Of([]), { maxBytes: 50 }), { code: 'LIMIT' })
})

t.test('entries come before the verdict, problems come with it', async (t) => {
  const seen: string[] = []
  const reading = (async () => {
    const text = Buffer.from(mt940Of([entry()], { closing: 0n }))
    for await (const event of readStatements(chunksOf(text), 'mt940')) seen.push(event.kind)
  })()
  await t.rejects(reading, { code: 'INTEGRITY', problems: [{ code: 'BALANCE_BROKEN' }] })
  t.same(seen, ['statement', 'entry', 'end'])
})

const rows = 200_000
/** Far below what the entries would fill: 200,000 of them take more than 100 MB. */
const heapGrowthLimit = 16 * 1024 * 1024

const streams = [
  {
    name: 'mt940',
    format: 'mt940',
    head: mt940Of([], { closing: 0n }).replace(/:62F:[\s\S]*/, ''),
    row: `${mtEntry(entry())}\r\n`,
    foot: `:62F:C261124VND${BigInt(rows) * 12_345n + 1_000_000n}`.replace(/(\d\d)$/, ',$1'),
    options: {},
  },
  {
    name: 'camt',
    format: 'camt',
    head: camt053Of([], { closing: 1_000_000n + BigInt(rows) * 12_345n }).replace(/<\/Stmt>[\s\S]*/, ''),
    row: `${camtEntry(entry())}\n`,
    foot: '</Stmt></BkToCstmrStmt></Document>',
    options: {},
  },
  {
    name: 'csv',
    format: 'csv',
    head: '',
    row: '2026-11-24,123.45,PHI HO SO ABC\n',
    foot: '',
    options: {
      mapping: statementMapping.parse({
        name: 'b',
        account: '1',
        headings: false,
        dateFormat: 'yyyy-MM-dd',
        columns: { valueDate: 1, remittance: 3 },
        amount: { kind: 'signed', column: 2 },
      }),
    },
  },
] as const
for (const { name, format, head, row, foot, options } of streams) {
  t.test(`${rows} entries of ${name} stream by in bounded memory`, { timeout: 120_000 }, async (t) => {
    const block = row.repeat(100)
    async function* source() {
      yield Buffer.from(head)
      for (let at = 0; at < rows; at += 100) yield Buffer.from(block)
      yield Buffer.from(foot)
    }
    const before = heapInUse()
    let peak = before
    let entries = 0
    let last: StatementEvent | null = null
    for await (const event of readStatements(source(), format, options)) {
      last = event
      if (event.kind !== 'entry') continue
      entries += 1
      if (entries % 20_000 === 0) {
        peak = Math.max(peak, heapInUse())
      }
    }
    t.equal(entries, rows)
    t.match(last, { footer: { entries: rows, credits: { count: rows, sum: '24690000.00' } } })
    t.ok(peak - before < heapGrowthLimit, `heap grew by ${Math.round((peak - before) / 1024)} KiB`)
  })
}

t.test('the hash of a file is that of its bytes', async (t) => {
  const path = join(t.testdir(), 'a.sta')
  writeFileSync(path, mt940Of([entry()]))
  t.equal(
    await fileHash(path),
    createHash('sha256')
      .update(mt940Of([entry()]))
      .digest('hex'),
  )
})

t.test('a corrected file has the identity of the one it corrects, another statement has not', async (t) => {
  const first = await identityOf(mt940Of([entry()]))
  t.equal(await identityOf(mt940Of([entry(), entry()])), first)
  t.not(await identityOf(mt940Of([entry()], { page: '8/1' })), first)
})

t.test('a line is known by account, bank reference, value date, amount and direction', async (t) => {
  const key = await keyOf(entry())
  t.equal(await keyOf(entry({ text: 'OTHER WORDS' })), key)
  for (const change of [
    { reference: 'BANK2' },
    { date: '2026-11-25' },
    { cents: 12_346n },
    { direction: 'DEBIT' as const },
  ]) {
    t.not(await keyOf(entry(change)), key)
  }
  const [read] = entriesIn(await eventsOf('mt940', mt940Of([entry()])))
  if (read === undefined) throw new Error('no entry')
  t.not(lineKey('other account', read), lineKey('112233445566', read))
  t.equal(lineKey('1', { ...read, amount: '123.450' }), lineKey('1', read), 'trailing zeros are no difference')
  t.not(lineIdentity('1', read, 1), lineIdentity('1', read, 2))
})

t.test('a sample file can be read from its path and as a stream alike', async (t) => {
  const path = fileURLToPath(new URL('mt940/citi--mt940.txt', samples))
  t.strictSame(await drain(readStatements(createReadStream(path), 'mt940')), await drain(readStatementFile(path)))
})

async function drain(events: AsyncIterable<StatementEvent>): Promise<StatementEvent[]> {
  const all: StatementEvent[] = []
  for await (const event of events) all.push(event)
  return all
}

async function identityOf(text: string): Promise<string> {
  const events = await eventsOf('mt940', text)
  const [first] = events
  const last = events.at(-1)
  if (first?.kind !== 'statement' || last?.kind !== 'end') throw new Error('no statement')
  // The closing date is part of the period and the same in both files.
  return statementIdentity(first.header, last.footer)
}

async function keyOf(plain: PlainEntry): Promise<string> {
  const [read] = entriesIn(await eventsOf('mt940', mt940Of([plain])))
  if (read === undefined) throw new Error('no entry')
  return lineKey('112233445566', read)
}

function entry(parts: Partial<PlainEntry> = {}): PlainEntry {
  return {
    date: '2026-11-24',
    direction: 'CREDIT',
    reversal: false,
    cents: 12_345n,
    reference: 'BANK1',
    text: 'PHI HO SO',
    ...parts,
  }
}
