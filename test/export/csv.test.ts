import { text } from 'node:stream/consumers'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import t from 'tap'
import { csvStream, neutralText } from '../../src/export/csv.ts'
import type { ExportRow } from '../../src/export/table.ts'

const columns = [{ heading: 'Cơ quan' }, { heading: 'Số tiền' }]

t.test('texts and numbers stand in one line each, quoted where they must be', async (t) => {
  const rows: ExportRow[] = [
    ['Sở Tư pháp, "một cửa"', 1_234_567n],
    ['hai\ndòng', -5n],
    [null, 0],
  ]
  t.equal(
    await text(csvStream(columns, rows)),
    'Cơ quan,Số tiền\r\n"Sở Tư pháp, ""một cửa""",1234567\r\n"hai\ndòng",-5\r\n,0\r\n',
  )
})

t.test('the byte-order mark comes when it is asked for, and once', async (t) => {
  t.equal((await text(csvStream(columns, [['a', 1n]], { bom: true }))).match(/\uFEFF/g), null, 'decoders drop it')
  const bytes = await csvStream(columns, [['a', 1n]], { bom: true }).toArray()
  t.equal(Buffer.concat(bytes).subarray(0, 3).toString('hex'), 'efbbbf')
  t.not(Buffer.concat(await csvStream(columns, []).toArray())[0], 0xef)
})

t.test('no text can become a formula; a negative amount stays a number', (t) => {
  for (const text of [
    '=1+1',
    '+84912345678',
    '-2+3',
    '@SUM(A1)',
    '\t=1',
    '\r=1',
    '\n=1',
    ' =1+1',
    '\u200b=1+1',
    '\uFF1D1',
    '\0=1',
  ])
    t.equal(neutralText(text)[0], "'", JSON.stringify(text))
  for (const text of ['H56.14-261120-0001', 'Nguyễn Văn An', '', '0912345678', 'a=b']) t.equal(neutralText(text), text)
  t.end()
})

t.test('any table comes back as it was, but for the apostrophes', async (t) => {
  const cell = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }),
    fc.constant(null),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(cell, cell), { maxLength: 8 }), async (rows) => {
      const bytes = Buffer.concat(await csvStream(columns, rows).toArray())
      const [, ...records] = parse(bytes, { relax_column_count: false, bom: false }) as string[][]
      const expected = rows.map((row) =>
        row.map((value) => (value === null ? '' : typeof value === 'string' ? neutralText(value) : value.toString())),
      )
      t.same(records, expected)
    }),
    { numRuns: 60 },
  )
})

t.test('a failing source fails the stream; a row of another width is refused', async (t) => {
  async function* failing(): AsyncGenerator<ExportRow> {
    yield ['a', 1n]
    throw new Error('the database went away')
  }
  await t.rejects(csvStream(columns, failing()).toArray(), { message: 'the database went away' })
  await t.rejects(csvStream(columns, [['only one']]).toArray(), RangeError)
})

t.test('a reader that stops early ends the source', async (t) => {
  let ended = false
  function* endless(): Generator<ExportRow> {
    try {
      for (let n = 0n; ; n++) yield ['x', n]
    } finally {
      ended = true
    }
  }
  for await (const _ of csvStream(columns, endless())) break
  await new Promise((resolve) => setImmediate(resolve))
  t.ok(ended)
})
