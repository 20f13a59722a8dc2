import { createHash } from 'node:crypto'
import { createReadStream, readFileSync } from 'node:fs'
import t from 'tap'
import { accountSchema as napasAccount } from '../../../adapters/napas/account.ts'
import { accountSchema as vnpayAccount } from '../../../adapters/vnpay/account.ts'
import { mappedReader } from '../../../src/reconciliation/settlement-file/mapped.ts'
import { railReaders } from '../../../src/reconciliation/settlement-file/rails.ts'
import {
  type SettlementFileEvent,
  type SettlementRow,
  settlementRow,
} from '../../../src/reconciliation/settlement-file/row.ts'
import { heapInUse } from '../../harness/heap.ts'

const folder = new URL('../../../contracts/settlement-files/', import.meta.url)
const config = (name: string) => JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8'))
const vnpay = config('vnpay')
const napas = config('napas')

async function read(text: string | AsyncIterable<Uint8Array>, given: unknown) {
  const rows: SettlementRow[] = []
  const problems: string[] = []
  const bytes = typeof text === 'string' ? bytesOf(text) : text
  for await (const event of mappedReader('test').read(bytes, given)) {
    if (event.kind === 'row') rows.push(settlementRow.parse(event.row))
    else problems.push(`${event.problem.line}: ${event.problem.message}`)
  }
  return { rows, problems }
}

/** In small pieces: rows may be torn anywhere. */
async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7)
}

const sample = readFileSync(new URL('vnpay.csv', folder), 'utf8')

t.test('the examples are configurations that the accounts take', async (t) => {
  const account = { tmnCode: 'VNPTEST1', hashSecret: 'S'.repeat(32) }
  t.doesNotThrow(() => vnpayAccount.parse({ ...account, ...vnpay }))
  t.doesNotThrow(() =>
    napasAccount.parse({
      clientId: 'c',
      clientSecret: 'S'.repeat(32),
      username: 'u',
      password: 'p',
      channel: '6014',
      cardScheme: 'AtmCard',
      ...napas,
    }),
  )
  t.throws(() => vnpayAccount.parse({ ...account, settlementFile: { ...vnpay.settlementFile, colums: {} } }))
  t.same(
    railReaders.map(({ layout }) => layout),
    ['vietinbank', 'vnpay', 'napas'],
  )
})

t.test('a VNPAY-like file is read into rows, the trailer checked', async (t) => {
  const { rows, problems } = await read(createReadStream(new URL('vnpay.csv', folder)), vnpay)
  t.same(problems, [])
  t.match(rows, [
    {
      line: 2,
      railTransactionId: 'VNPTEST1:14523698',
      merchantRef: 'FG0000000001',
      gross: 58_000n,
      fee: 638n,
      net: 57_362n,
      occurredAt: new Date('2026-11-20T03:01:30Z'),
      status: 'SUCCEEDED',
      batchId: 'VNP-261121',
      valueDate: '2026-11-21',
    },
    { line: 3, occurredAt: new Date('2026-11-20T16:59:58Z') },
    { line: 4, status: 'REVERSED', gross: 50_000n, fee: 0n, net: -50_000n },
  ])
  t.equal(rows.length, 3)
})

t.test('what is not as declared is named with its line', async (t) => {
  const changed = (from: string | RegExp, to: string) => read(sample.replace(from, to), vnpay)
  const cases: [string, string | RegExp, string, RegExp][] = [
    ['an amount that is no number', '"58,000"', 'năm mươi', /^2: amount năm mươi/],
    ['half a đồng', '"58,000"', '58000.5', /^2: amount 58000\.5/],
    ['a wrong net', '"57,362"', '"57,361"', /^2: net 57361 is not gross 58000 less fee 638/],
    ['a code nobody knows', '20/11/2026 10:01:30,00', '20/11/2026 10:01:30,99', /^2: status 99 is not known/],
    ['a day that is none', '20/11/2026 10:01:30', '31/11/2026 10:01:30', /^2: time 31\/11/],
    ['an hour that is none', '10:01:30', '24:01:30', /^2: time/],
    ['no id', '1,14523698', '1,', /^2: no transaction id/],
    ['a minus on a payment', '"58,000",638,"57,362"', '"-58,000",638,"57,362"', /^2: an amount below zero/],
    ['zero', '"58,000",638,"57,362"', '0,0,0', /^2: the gross amount is zero/],
    ['another sum', '"15,000"', '"15,001"', /^5: the trailer: gross: 15001 declared, 15000 found/],
    ['another count', 'TỔNG,3', 'TỔNG,4', /^5: the trailer: count: 4 declared, 3 found/],
    ['a row lost', /3,14523655.*\n/, '', /^4: the trailer: count: 3 declared, 2 found; gross: /],
    ['no trailer', /TỔNG.*\n/, '', /^4: no trailer: the file was cut off/],
    [
      'rows behind the trailer',
      /$/,
      '4,1,FG9,"1,000",0,"1,000",20/11/2026 10:00:00,00,21/11/2026,x\n',
      /^6: a line behind the trailer/,
    ],
  ]
  for (const [name, from, to, expected] of cases) {
    const { problems } = await changed(from, to)
    t.ok(
      problems.some((line) => expected.test(line)),
      `${name}: ${problems.join(' / ')}`,
    )
  }
})

t.test('a file without its headings is not read at all, nor one without a mapping', async (t) => {
  await t.rejects(read(sample.replace('Mã GD VNPAY', 'Mã'), vnpay), { code: 'HEADINGS', message: /Mã GD VNPAY/ })
  await t.rejects(read(sample, {}), { code: 'MAPPING_REQUIRED' })
  await t.rejects(read('a,"b\n', vnpay), { code: 'CSV' })
  await t.rejects(
    read(createReadStream(new URL('vnpay.csv', folder)), {
      settlementFile: { ...vnpay.settlementFile, encoding: 'utf-16' },
    }),
  )
})

const secret = napas.settlementFileSecret
const hashed = (line: string) =>
  `${line}|${createHash('md5')
    .update(line.replaceAll('|', '') + secret)
    .digest('hex')}`
const napasFile = (details: string[], gross = 5_800_000) =>
  [hashed('HR|20261121|NAPAS'), ...details.map(hashed), hashed(`TR|${details.length}|${gross}`), ''].join('\n')
const detail = 'DR|1|FG0000000001|FG0000000001:1|5800000|63800|20261120100130|SUCCESS|VND|20261121'

t.test('a NAPAS-like file: kinds of rows, hundredths, a hash on every line', async (t) => {
  const { rows, problems } = await read(napasFile([detail]), napas)
  t.same(problems, [])
  t.match(rows, [
    { line: 2, railTransactionId: 'FG0000000001:1', gross: 58_000n, fee: 638n, net: 57_362n, valueDate: '2026-11-21' },
  ])
  const file = napasFile([detail])
  t.match((await read(file.replace('|5800000|', '|5900000|'), napas)).problems[0], /^2: the checksum of the line/)
  t.match(
    (await read(napasFile([detail.replace('DR|', 'XX|')]), napas)).problems[0],
    /^2: rows of kind XX are not known/,
  )
  t.match((await read(napasFile([detail.replace('VND', 'USD')]), napas)).problems[0], /^2: currency USD/)
  t.match(
    (await read(napasFile([detail.replace('5800000', '5800050')]), napas)).problems[0],
    /^2: amount 5800050 is no whole/,
  )
  t.match((await read(napasFile([detail.replace('FG0000000001:1', '')]), napas)).problems[0], /^2: no transaction id/)
})

t.test('a hash over the file is checked when the trailer carries one', async (t) => {
  const head = 'a,b,c,t\n1,R1,58000,20261120100130\n'
  const mapping = {
    settlementFile: {
      columns: { railTransactionId: 'b', gross: 'c', time: 't' },
      timeFormat: 'yyyyMMddHHmmss',
      trailer: { begins: 'END', hash: { place: 2, algorithm: 'sha256' } },
    },
  }
  const hash = createHash('sha256').update(head).digest('hex')
  t.same((await read(`${head}END,${hash}\n`, mapping)).problems, [])
  t.match((await read(`${head.replace('58000', '59000')}END,${hash}\n`, mapping)).problems, [/^3: .*hash/])
})

t.test('200,000 rows stream by in flat memory', { timeout: 120_000 }, async (t) => {
  const [head = '', row = ''] = sample.split('\n')
  async function* source(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(`${head}\n`)
    for (let at = 0; at < 2_000; at++) yield Buffer.from(`${row}\n`.repeat(100))
  }
  const before = heapInUse()
  let peak = before
  let rows = 0
  let last: SettlementFileEvent | null = null
  for await (const event of mappedReader('vnpay').read(source(), vnpay)) {
    last = event
    rows += event.kind === 'row' ? 1 : 0
    if (rows % 20_000 !== 0) continue
    peak = Math.max(peak, heapInUse())
  }
  t.equal(rows, 200_000)
  t.match(last, { kind: 'problem', problem: { message: /cut off/ } })
  t.ok(peak - before < 16 * 1024 * 1024, `heap grew by ${Math.round((peak - before) / 1024)} KiB`)
})
