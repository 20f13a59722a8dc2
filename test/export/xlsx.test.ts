import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import t, { type Test } from 'tap'
import yauzl from 'yauzl'
import type { ExportRow, ExportRows } from '../../src/export/table.ts'
import { xlsxStream } from '../../src/export/xlsx.ts'
import { heapInUse } from '../harness/heap.ts'

const columns = [{ heading: 'Cơ quan', width: 30 }, { heading: 'Số tiền' }]

/** The parts of a written workbook, by a reader that shares nothing with the writer. */
async function written(t: Test, rows: ExportRows, options = {}, name = 'Thu phí'): Promise<Map<string, string>> {
  const path = join(t.testdir(), 'book.xlsx')
  await pipeline(xlsxStream(name, columns, rows, options), createWriteStream(path))
  const book = await yauzl.openPromise(path, { autoClose: true })
  const parts = new Map<string, string>()
  for await (const entry of book.eachEntry())
    parts.set(entry.fileName, await text(await book.openReadStreamPromise(entry)))
  return parts
}

const sheetOf = (parts: Map<string, string>, number = 1): string => parts.get(`xl/worksheets/sheet${number}.xml`) ?? ''

t.test('amounts are numbers, texts are texts, whatever they look like', async (t) => {
  const sheet = sheetOf(
    await written(t, [
      ['=HYPERLINK("http://x")', 1_234_567n],
      ['0012 <&>', -5n],
      [null, 0],
    ]),
  )
  t.match(sheet, '<v>1234567</v>')
  t.match(sheet, '<v>-5</v>')
  t.match(sheet, '=HYPERLINK(')
  t.notMatch(sheet, /<f[ >]/, 'no formula')
  t.match(sheet, '0012 &lt;&amp;&gt;')
  t.match(sheet, 'Cơ quan')
  t.match(sheet, /<pane [^>]*state="frozen"/)
})

t.test('a number that a spreadsheet would round goes in as text', async (t) => {
  const sheet = sheetOf(await written(t, [['x', 1_234_567_890_123_456n]]))
  t.match(sheet, /inlineStr"><is><t>1234567890123456</)
})

t.test('control characters and half characters are left out', async (t) => {
  const sheet = sheetOf(await written(t, [['a\u0000b\u0008c\ud800d\u001f', 1n]]))
  t.match(sheet, '<t>abcd</t>')
})

t.test('a full sheet is followed by another with the same headings', async (t) => {
  const rows = Array.from({ length: 5 }, (_, n): ExportRow => [`dòng ${n}`, BigInt(n)])
  const parts = await written(t, rows, { maxRowsPerSheet: 3 })
  t.same(
    [1, 2, 3].map((number) => sheetOf(parts, number).match(/dòng \d/g)?.length),
    [2, 2, 1],
  )
  t.ok([1, 2, 3].every((number) => sheetOf(parts, number).includes('Cơ quan')))
})

t.test('a name Excel refuses is made one it takes', async (t) => {
  const parts = await written(t, [], {}, "Thu/chi [2026]: 'quý 4' của tất cả các cơ quan")
  t.match(parts.get('xl/workbook.xml'), 'name="Thu chi  2026   &apos;quý 4&apos; của tất"')
})

t.test('a failing source fails the stream', async (t) => {
  async function* failing(): AsyncGenerator<ExportRow> {
    yield ['a', 1n]
    throw new Error('the database went away')
  }
  await t.rejects(xlsxStream('x', columns, failing()).toArray(), { message: 'the database went away' })
})

t.test('200,000 rows go by in flat memory', { timeout: 120_000 }, async (t) => {
  const before = heapInUse()
  let peak = before
  function* many(): Generator<ExportRow> {
    for (let n = 0n; n < 200_000n; n++) {
      yield [`H56.14-261120-${n}`, n]
      if (n % 20_000n !== 0n) continue
      peak = Math.max(peak, heapInUse())
    }
  }
  let bytes = 0
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      done()
    },
  })
  await pipeline(xlsxStream('x', columns, many()), sink)
  t.ok(bytes > 1_000_000)
  t.ok(peak - before < 24 * 1024 * 1024, `heap grew by ${Math.round((peak - before) / 1024 / 1024)} MiB`)
})
