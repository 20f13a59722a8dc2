import { createHash } from 'node:crypto'
import t from 'tap'
import {
  answerFileName,
  type ReconciliationFile,
  readReconciliationFile,
  reconcile,
  writeAnswerFile,
} from '../../../adapters/vietinbank/reconciliation-file.ts'

const terms = { providerId: '9111', secret: 'recon-secret' }
const md5 = (text: string) => createHash('md5').update(text, 'utf8').digest('hex')
const lineOf = (values: string[]) => [...values, md5(values.join('') + terms.secret)].join('|')

const header = 'recordType|transId|providerId|merchantId|bankCode'
function detail(transId: string, amount = '150000', recordType = '002', transTime = '20250310091502'): string {
  return lineOf([
    recordType,
    transId,
    '9111',
    '1GOV',
    '970415',
    '',
    '',
    '1GOVX',
    'CÔNG TY',
    '1GOVX',
    'NGUYỄN VĂN A',
    amount,
    'VND',
    'P1',
    '',
    '',
    'bill-1',
    transTime,
    '00',
    'B1',
    '',
    '',
    '',
    '',
    '',
  ])
}
const footer = (count: number, transTime = '20250311070000') =>
  lineOf(['009', '9111', 'user1', String(count), transTime])
const file = (lines: string[], end = '\r\n') => Buffer.from(`\uFEFF${lines.join(end)}${end}`, 'utf8')

function opened(bytes: Uint8Array): ReconciliationFile {
  const reading = readReconciliationFile(bytes, terms)
  if (!reading.ok) throw new Error(`line ${reading.line}: ${reading.problem}`)
  return reading.file
}

t.test('a whole file is read: byte-order mark, header, late lines, footer', async (t) => {
  for (const end of ['\r\n', '\n']) {
    const { details, footer: last } = opened(file([header, detail('T1'), detail('T2', '20000', '003'), footer(2)], end))
    t.match(details, [
      {
        line: 2,
        day: 'today',
        amount: 150_000n,
        fields: { transId: 'T1', custName: 'NGUYỄN VĂN A', payRefNo: 'P1', billId: 'bill-1' },
      },
      { line: 3, day: 'yesterday', amount: 20_000n },
    ])
    t.same(last, { providerId: '9111', userId: 'user1', recordCount: 2, transTime: '20250311070000' })
  }
  t.same(opened(file([header, footer(0)])).details, [], 'a day without payments')
})

t.test('nothing is read from a file with one wrong line', async (t) => {
  const cases: [string, string[], number, string][] = [
    ['an altered amount', [header, detail('T1').replace('150000', '15000'), footer(1)], 2, 'checksum'],
    ['an altered checksum', [header, detail('T1').replace(/.$/, 'x'), footer(1)], 2, 'checksum'],
    ['a missing column', [header, detail('T1').replace('|VND', ''), footer(1)], 2, 'columns'],
    ['another record type', [header, detail('T1', '1', '004'), footer(1)], 2, 'record-type'],
    ['a fraction', [header, detail('T1', '1.5'), footer(1)], 2, 'amount'],
    ['a line too few', [header, footer(1)], 2, 'count'],
    ['a line too many', [header, detail('T1'), detail('T2'), footer(1)], 4, 'count'],
    ['no footer', [header, detail('T1')], 2, 'footer'],
    ['an altered footer', [header, detail('T1'), footer(1).replace('user1', 'user2')], 3, 'checksum'],
  ]
  for (const [name, lines, line, problem] of cases)
    t.same(readReconciliationFile(file(lines), terms), { ok: false, line, problem }, name)
  t.same(readReconciliationFile(file([header, detail('T1'), footer(1)]), { ...terms, providerId: '9112' }), {
    ok: false,
    line: 2,
    problem: 'provider',
  })
  t.match(readReconciliationFile(Buffer.from([0xef, 0xbb, 0xbf, 0xff, 0x0a, 0x31]), terms), { problem: 'encoding' })
  t.match(readReconciliationFile(Buffer.from(''), terms), { problem: 'encoding' })
})

t.test('each payment gets one status: both, bank only, ours only, different', async (t) => {
  const { details } = opened(
    file([
      header,
      detail('BOTH'),
      detail('BANK'),
      detail('DIFF'),
      detail('LATE', '1000', '003'),
      detail('BOTH'),
      footer(4),
    ]),
  )
  const own = (transId: string, amount = '150000') => ({ transId, amount, transTime: '20250310091502' })
  const records = reconcile(details, {
    today: [own('BOTH'), own('DIFF', '1'), own('OURS')],
    yesterday: [own('LATE', '1000'), own('SETTLED_YESTERDAY')],
  })
  t.same(
    records.map(({ status, fields }) => `${fields.transId} ${status}`),
    ['BOTH 00', 'BANK 01', 'DIFF 03', 'LATE 00', 'BOTH 03', 'OURS 02'],
  )
})

t.test('the answer file carries the status before the checksum of each line', async (t) => {
  const { details } = opened(file([header, detail('T1'), footer(1)]))
  const records = reconcile(details, { today: [], yesterday: [] })
  const text = writeAnswerFile(records, { ...terms, userId: 'user1' }, new Date('2025-03-11T05:00:00Z'))
  const lines = text.replace('\uFEFF', '').trim().split('\r\n')
  t.equal(lines.length, 3)
  const values = lines[1]?.split('|') ?? []
  t.equal(values.at(-2), '01')
  t.equal(values.at(-1), md5(values.slice(0, -1).join('') + terms.secret))
  t.equal(values[14], 'bill-1', 'the bill stands before the payment reference here')
  t.equal(lines[2], lineOf(['009', '9111', 'user1', '1', '20250311120000']))
  t.equal(answerFileName('2025-03-10', '9111'), '20250310_9111_THUHOTKAO_OUT.txt')
  const [record] = records
  if (record === undefined) throw new Error('no record')
  const torn = [{ ...record, fields: { ...record.fields, custName: 'A|B' } }]
  t.throws(() => writeAnswerFile(torn, { ...terms, userId: 'u' }, new Date()), RangeError)
})
