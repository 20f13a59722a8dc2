import { createHash, randomBytes } from 'node:crypto'
import t from 'tap'
import { readReconciliationFile, reconcile, writeAnswerFile } from '../../../adapters/vietinbank/reconciliation-file.ts'
import { paymentReference } from '../../../adapters/vietinbank/reference.ts'
import { makePayCode } from '../../../src/domain/pay-code.ts'
import { type SettlementRow, settlementRow } from '../../../src/reconciliation/settlement-file/row.ts'
import { vietinbankAnswer, vietinbankReader } from '../../../src/reconciliation/settlement-file/vietinbank.ts'

const config = { noticeProviderId: '9111', vacPrefix: '1GOV', settlementFileSecret: 'recon-secret' }
const terms = { providerId: '9111', secret: 'recon-secret' }
const lineOf = (values: string[]) =>
  [
    ...values,
    createHash('md5')
      .update(values.join('') + terms.secret, 'utf8')
      .digest('hex'),
  ].join('|')
const payCode = makePayCode(randomBytes(64))

type Over = {
  transId?: string
  amount?: string
  recordType?: string
  custCode?: string
  billId?: string
  status?: string
  currency?: string
  transTime?: string
  provider?: string
}
function detail(over: Over = {}): string {
  const {
    transId = 'T1',
    amount = '150000',
    recordType = '002',
    custCode = `1GOV${payCode}`,
    billId = '',
    status = '00',
  } = over
  return lineOf([
    recordType,
    transId,
    over.provider ?? '9111',
    '1GOV',
    '970415',
    '',
    '',
    '',
    '',
    custCode,
    'NGUYỄN VĂN A',
    amount,
    over.currency ?? 'VND',
    '',
    '',
    '',
    billId,
    over.transTime ?? '20250310091502',
    status,
    'B1',
    '',
    '',
    '',
    '',
    '',
  ])
}
const footer = (count: number) => lineOf(['009', '9111', 'user1', String(count), '20250311070000'])
const file = (lines: string[], end = '\r\n') => `\uFEFF${['recordType|transId', ...lines].join(end)}${end}`

async function* bytesOf(text: string | Uint8Array): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += 11) yield bytes.subarray(at, at + 11)
}

async function read(text: string | Uint8Array, over: object = {}) {
  const rows: SettlementRow[] = []
  const problems: string[] = []
  for await (const event of vietinbankReader.read(bytesOf(text), { ...config, ...over })) {
    if (event.kind === 'row') rows.push(settlementRow.parse(event.row))
    else problems.push(`${event.problem.line}: ${event.problem.message}`)
  }
  return { rows, problems }
}

t.test('each line becomes a row under the id and reference that notices give', async (t) => {
  const reference = paymentReference(42n)
  const { rows, problems } = await read(
    file([
      detail(),
      detail({ transId: 'T2', custCode: '', billId: reference, recordType: '003' }),
      detail({ transId: 'T3', custCode: '' }),
      footer(2),
    ]),
  )
  t.same(problems, [])
  t.match(rows, [
    {
      line: 2,
      railTransactionId: '9111:T1',
      merchantRef: payCode,
      gross: 150_000n,
      fee: 0n,
      net: 150_000n,
      occurredAt: new Date('2025-03-10T02:15:02Z'),
      status: 'SUCCEEDED',
    },
    { line: 3, railTransactionId: reference, merchantRef: reference },
    { line: 4, railTransactionId: '9111:T3', merchantRef: null },
  ])
  t.same((await read(file([footer(0)]))).rows, [], 'a day without payments')
  t.same((await read(file([detail(), footer(1)], '\n'))).problems, [])
})

t.test('a broken file is refused with its lines', async (t) => {
  const cases: [string, string | Uint8Array, RegExp][] = [
    ['an altered amount', file([detail().replace('150000', '15000'), footer(1)]), /^2: the checksum/],
    ['a missing column', file([detail().replace('|VND', ''), footer(1)]), /^2: the number of columns/],
    ['another record type', file([detail({ recordType: '004' }), footer(1)]), /^2: the record type/],
    ['another provider', file([detail({ provider: '9112' }), footer(1)]), /^2: the line is of another provider/],
    ['another currency', file([detail({ currency: 'USD' }), footer(1)]), /^2: currency USD/],
    ['an unknown status', file([detail({ status: '77' }), footer(1)]), /^2: status 77 is not known/],
    ['no time', file([detail({ transTime: '20250230000000' }), footer(1)]), /^2: transTime/],
    ['a line lost', file([footer(1)]), /^2: the footer counts other/],
    ['a line too many', file([detail(), detail({ transId: 'T2' }), footer(1)]), /^4: the footer counts other/],
    ['no footer', file([detail()]), /^2: the last line is no footer/],
    ['nothing', '', /^1: the last line is no footer/],
    [
      'other bytes than UTF-8',
      Buffer.from(file([detail().replace('NGUYỄN', '\xff'), footer(1)]), 'latin1'),
      /^2: the line is not UTF-8/,
    ],
  ]
  for (const [name, text, expected] of cases) {
    const { problems } = await read(text)
    t.ok(
      problems.some((line) => expected.test(line)),
      `${name}: ${problems.join(' / ')}`,
    )
  }
  const secret = { settlementFileSecret: undefined }
  await t.rejects(read(file([footer(0)]), secret), { code: 'MAPPING_REQUIRED' })
})

t.test('statuses are what the account says they mean', async (t) => {
  const settlementFileStatuses = { SUCCEEDED: ['00'], REVERSED: ['77'], FAILED: ['01'], PENDING: [] }
  const { rows } = await read(file([detail({ status: '77' }), detail({ transId: 'T2', status: '01' }), footer(2)]), {
    settlementFileStatuses,
  })
  t.match(rows, [
    { status: 'REVERSED', gross: 150_000n, net: -150_000n },
    { status: 'FAILED', net: 0n },
  ])
})

t.test('our answer streams, byte for byte as the whole file would be', async (t) => {
  const reading = readReconciliationFile(
    Buffer.from(file([detail(), detail({ transId: 'T2' }), detail({ transId: 'T3', recordType: '003' }), footer(2)])),
    terms,
  )
  if (!reading.ok) throw new Error(reading.problem)
  const records = reconcile(reading.file.details, {
    today: [
      { transId: 'T1', amount: '150000', transTime: '20250310091502' },
      { transId: 'OURS', amount: '1', transTime: '20250310091502' },
    ],
    yesterday: [{ transId: 'T3', amount: '9', transTime: '20250310091502' }],
  })
  t.same(
    records.map(({ status }) => status),
    ['00', '01', '03', '02'],
  )
  const now = new Date('2025-03-11T05:00:00Z')
  let text = ''
  for await (const piece of vietinbankAnswer(records, { ...terms, userId: 'user1' }, now)) text += piece
  t.equal(text, writeAnswerFile(records, { ...terms, userId: 'user1' }, now))
})
