import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { type ReadOptions, readStatementFile } from '../../../src/reconciliation/readers/read.ts'
import { StatementRefused } from '../../../src/reconciliation/readers/refused.ts'
import type { StatementEvent } from '../../../src/reconciliation/readers/statement.ts'
import { statementMapping } from '../../../src/reconciliation/readers/table/mapping.ts'
import { entriesIn } from './build.ts'
import { type SheetCell, xlsxOf, zipOf } from './zip.ts'

const folder = t.testdir()
let files = 0

const mapping = statementMapping.parse({
  name: 'a bank',
  labels: { account: 'Số tài khoản' },
  columns: { bookingDate: 'Ngày', bankReference: 'Số bút toán', remittance: 'Nội dung', balance: 'Số dư' },
  amount: { kind: 'signed', column: 'Số tiền' },
  dateFormat: 'dd/MM/yyyy',
  decimalSign: ',',
  thousandsSign: '.',
  accountDigits: 10,
})

const headings = ['Ngày', 'Số bút toán', 'Số tiền', 'Số dư', 'Nội dung']
const rows: SheetCell[][] = [
  ['SAO KÊ', null, null],
  ['Số tài khoản', null, '0123456789'],
  headings,
  [46350, 'FT1', 250000.5, 1250000.5, { inline: 'PHI HO SO' }],
  ['25/11/2026', 'FT2', '-50.000', '1.200.000,5', ' RUT '],
]

t.test('title rows, spreadsheet dates and numbers as numbers or text are read', async (t) => {
  const events = await read(xlsxOf(rows))
  t.match(events[0], { header: { format: 'xlsx', account: '0123456789' } })
  t.match(entriesIn(events), [
    {
      line: 4,
      bookingDate: '2026-11-24',
      direction: 'CREDIT',
      amount: '250000.5',
      bankReference: 'FT1',
      remittance: 'PHI HO SO',
    },
    { line: 5, bookingDate: '2026-11-25', direction: 'DEBIT', amount: '50000', remittance: 'RUT' },
  ])
  t.match(events.at(-1), { footer: { balance: 'holds', opening: { amount: '1000000.0' } } })
})

t.test('a workbook that counts from 1904 gives the same day', async (t) => {
  const shifted = rows.map((row) => row.map((cell) => (cell === 46350 ? 46350 - 1462 : cell)))
  t.equal(entriesIn(await read(xlsxOf(shifted, true)))[0]?.bookingDate, '2026-11-24')
})

t.test('an account number that became a number and lost its zero is refused', async (t) => {
  const refusal = await refusalOf(
    xlsxOf(rows.map((row) => row.map((cell) => (cell === '0123456789' ? 123456789 : cell)))),
  )
  t.match(refusal, { code: 'INTEGRITY', problems: [{ code: 'ACCOUNT_DAMAGED', line: 2 }] })
})

t.test('a changed number breaks the running balance', async (t) => {
  const refusal = await refusalOf(xlsxOf(rows.map((row) => row.map((cell) => (cell === '-50.000' ? '-50.001' : cell)))))
  t.match(refusal, { problems: [{ code: 'BALANCE_BROKEN', line: 5 }] })
})

t.test('a sheet that is not there is refused by name', async (t) => {
  const refusal = await refusalOf(xlsxOf(rows), { mapping: { ...mapping, sheet: 'Khác' } })
  t.match(refusal, { code: 'XLSX', message: /Khác/ })
})

t.test('a package without a workbook is refused', async (t) => {
  t.match(await refusalOf(zipOf({ 'a.txt': 'x' })), { code: 'XLSX' })
})

t.test('a document type inside the package is refused', async (t) => {
  t.match(await refusalOf(zipOf({ 'xl/workbook.xml': '<!DOCTYPE a><a/>' })), { code: 'XML_DOCTYPE' })
})

t.test('a cut or changed package is refused or reads as it was', async (t) => {
  const whole = xlsxOf(rows)
  await fc.assert(
    fc.asyncProperty(
      fc.nat(whole.length - 1),
      fc.integer({ min: 0, max: 255 }),
      fc.boolean(),
      async (at, byte, cut) => {
        const changed = cut ? whole.subarray(0, at) : Buffer.from(whole)
        if (!cut) changed[at] = byte
        const refusal = await refusalOf(changed)
        t.ok(refusal === null || refusal instanceof StatementRefused)
      },
    ),
    { numRuns: 150 },
  )
})

t.test('a file that is not there is an error of the machine, not a refusal', async (t) => {
  const missing = join(folder, 'none.xlsx')
  const reading = (async () => {
    for await (const _ of readStatementFile(missing, { format: 'xlsx', mapping })) t.fail('nothing to read')
  })()
  await t.rejects(reading, { code: 'ENOENT' })
})

async function read(content: Buffer, options: ReadOptions = {}): Promise<StatementEvent[]> {
  files += 1
  const path = join(folder, `${files}.xlsx`)
  writeFileSync(path, content)
  const events: StatementEvent[] = []
  for await (const event of readStatementFile(path, { mapping, format: 'xlsx', ...options })) events.push(event)
  return events
}

async function refusalOf(content: Buffer, options: ReadOptions = {}): Promise<StatementRefused | null> {
  try {
    await read(content, options)
    return null
  } catch (error) {
    if (error instanceof StatementRefused) return error
    throw error
  }
}
