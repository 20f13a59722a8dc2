import fc from 'fast-check'
import iconv from 'iconv-lite'
import t from 'tap'
import { decimalText } from '../../../src/reconciliation/readers/decimal.ts'
import { spreadsheetNumber } from '../../../src/reconciliation/readers/table/cell.ts'
import { statementMapping } from '../../../src/reconciliation/readers/table/mapping.ts'
import {
  centsText,
  entriesIn,
  eventsOf,
  netOf,
  type PlainEntry,
  plainEntries,
  refusalFrom,
  warningCodesIn,
} from './build.ts'

const vietnamese = statementMapping.parse({
  name: 'a bank',
  labels: { account: 'Số tài khoản', openingBalance: 'Số dư đầu kỳ', closingBalance: 'Số dư cuối kỳ' },
  columns: {
    bookingDate: 'Ngày giao dịch',
    bankReference: 'Số bút toán',
    remittance: ['Nội dung'],
    balance: 'Số dư',
  },
  amount: { kind: 'columns', debit: 'Phát sinh nợ', credit: 'Phát sinh có' },
  footer: ['Tổng cộng'],
  totals: 'Tổng cộng',
  dateFormat: 'dd/MM/yyyy',
  decimalSign: ',',
  thousandsSign: '.',
  accountDigits: 12,
})

const vietnameseFile = [
  'SAO KÊ TÀI KHOẢN',
  'Số tài khoản: 012233445566',
  'Số dư đầu kỳ,,1.000.000',
  'STT,NGÀY  GIAO DỊCH,Số bút toán,Phát sinh nợ,Phát sinh có,Số dư,Nội dung',
  '1,24/11/2026,FT1,,250.000,1.250.000,"PHI HO SO, ABC"',
  '2,25/11/2026,FT2,50.000,0,1.200.000,RUT',
  'Tổng cộng,,,50.000,250.000,,',
  'Số dư cuối kỳ:,1.200.000',
  '',
].join('\r\n')

t.test('a Vietnamese export with title rows, marks and totals is read and checked', async (t) => {
  const events = await eventsOf('csv', vietnameseFile, { mapping: vietnamese })
  t.match(events[0], {
    header: { format: 'csv', account: '012233445566', currency: 'VND', opening: { amount: '1000000' } },
  })
  t.match(entriesIn(events), [
    {
      line: 5,
      bookingDate: '2026-11-24',
      direction: 'CREDIT',
      amount: '250000',
      bankReference: 'FT1',
      remittance: 'PHI HO SO, ABC',
    },
    { line: 6, bookingDate: '2026-11-25', direction: 'DEBIT', amount: '50000' },
  ])
  t.match(events.at(-1), { footer: { balance: 'holds', firstDate: '2026-11-24', lastDate: '2026-11-25' } })
})

t.test('headings are found whatever the composition of their marks', async (t) => {
  const events = await eventsOf('csv', vietnameseFile.normalize('NFD'), { mapping: vietnamese })
  t.equal(entriesIn(events).length, 2)
})

const encodings = [
  { encoding: 'utf-8', bytes: Buffer.from(`\uFEFF${vietnameseFile}`) },
  { encoding: 'utf-16', bytes: Buffer.from(`\uFEFF${vietnameseFile}`, 'utf16le') },
  { encoding: 'utf-16', bytes: Buffer.from(vietnameseFile, 'utf16le') },
  { encoding: 'utf-16', bytes: Buffer.from(`\uFEFF${vietnameseFile}`, 'utf16le').swap16() },
  { encoding: 'windows-1258', bytes: windows1258(vietnameseFile) },
] as const
for (const { encoding, bytes } of encodings) {
  t.test(`${encoding} beginning ${bytes.subarray(0, 2).toString('hex')} reads alike, however it is cut`, async (t) => {
    const mapping = { ...vietnamese, encoding }
    const whole = await eventsOf('csv', vietnameseFile, { mapping: vietnamese })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 20 }), async (cuts) => {
        t.strictSame(await eventsOf('csv', bytes, { mapping }, cuts), whole)
      }),
      { numRuns: 20 },
    )
  })
}

t.test('bytes that are not of the declared encoding are refused', async (t) => {
  const bytes = Buffer.from(vietnameseFile, 'latin1')
  t.match(await refusalFrom('csv', bytes, { mapping: vietnamese }), { code: 'ENCODING' })
})

const damages = [
  { name: 'a changed amount', replace: ['250.000,1.250.000', '250.001,1.250.000'], code: 'BALANCE_BROKEN' },
  { name: 'a lost row', replace: ['2,25/11/2026,FT2,50.000,0,1.200.000,RUT\r\n', ''], code: 'CONTROL_TOTAL' },
  { name: 'a wrong closing balance', replace: ['kỳ:,1.200.000', 'kỳ:,1.200.001'], code: 'BALANCE_BROKEN' },
  { name: 'both sides filled', replace: ['50.000,0,', '50.000,1,'], code: 'DIRECTION_UNREADABLE' },
  { name: 'grouping that fits no sign', replace: ['FT2,50.000', 'FT2,"50,000,0"'], code: 'AMOUNT_UNREADABLE' },
  { name: 'an impossible day', replace: ['25/11/2026', '31/11/2026'], code: 'DATE_UNREADABLE' },
  { name: 'a text that spills into a further column', replace: ['RUT', 'RUT,TIEN'], code: 'ENTRY_UNREADABLE' },
  {
    name: 'an entry below the totals',
    replace: ['Số dư cuối kỳ:', '3,25/11/2026,FT3,5,,,X\r\nSố dư cuối kỳ:'],
    code: 'ENTRY_UNREADABLE',
  },
  { name: 'an account that lost its zero', replace: ['012233445566', '12233445566'], code: 'ACCOUNT_DAMAGED' },
  { name: 'a reference turned into a number', replace: ['FT1', '"1,23457E+11"'], code: 'REFERENCE_DAMAGED' },
] as const
for (const { name, replace, code } of damages) {
  t.test(`${name} is refused`, async (t) => {
    t.ok(vietnameseFile.includes(replace[0]))
    const refusal = await refusalFrom('csv', vietnameseFile.replace(replace[0], replace[1]), { mapping: vietnamese })
    t.ok(
      refusal?.problems.some((problem) => problem.code === code),
      refusal?.message ?? 'accepted',
    )
  })
}

t.test('a file without the mapped headings is refused by name of what lacks', async (t) => {
  const refusal = await refusalFrom('csv', vietnameseFile.replace('Nội dung', 'Diễn giải'), { mapping: vietnamese })
  t.match(refusal, { code: 'HEADINGS', message: /Nội dung/ })
})

t.test('an open quote is refused', async (t) => {
  t.match(await refusalFrom('csv', vietnameseFile.replace('ABC"', 'ABC'), { mapping: vietnamese }), { code: 'CSV' })
})

t.test('rows without date and amount are told and left out', async (t) => {
  const text = vietnameseFile.replace('Tổng cộng', ',,,,,,(tiếp)\r\nTổng cộng')
  t.same(warningCodesIn(await eventsOf('csv', text, { mapping: vietnamese })), ['ROW_IGNORED'])
})

const base = {
  name: 'b',
  dateFormat: 'yyyy-MM-dd',
  account: '1',
  columns: { valueDate: 1, remittance: 3 },
  headings: false,
}
const signs = [
  { name: 'a minus before', amount: { kind: 'signed', column: 2 }, cell: '-5.00', direction: 'DEBIT', reversal: false },
  { name: 'a minus behind', amount: { kind: 'signed', column: 2 }, cell: '5.00-', direction: 'DEBIT', reversal: false },
  { name: 'parentheses', amount: { kind: 'signed', column: 2 }, cell: '(5.00)', direction: 'DEBIT', reversal: false },
  {
    name: 'positive debits',
    amount: { kind: 'signed', column: 2, positive: 'debit' },
    cell: '5.00',
    direction: 'DEBIT',
    reversal: false,
  },
  {
    name: 'a mark',
    amount: { kind: 'marked', column: 2, mark: 4, credit: ['Có'], debit: ['Nợ'] },
    cell: '5.00',
    direction: 'DEBIT',
    reversal: false,
  },
  {
    name: 'a taken-back credit',
    amount: { kind: 'columns', credit: 2, debit: 5, negative: 'reversal' },
    cell: '-5.00',
    direction: 'DEBIT',
    reversal: true,
  },
  {
    name: 'a debit column below zero',
    amount: { kind: 'columns', credit: 5, debit: 2, negative: 'ignore' },
    cell: '-5.00',
    direction: 'DEBIT',
    reversal: false,
  },
] as const
for (const { name, amount, cell, direction, reversal } of signs) {
  t.test(`${name} makes a debit of five`, async (t) => {
    const mapping = statementMapping.parse({ ...base, amount })
    const [read] = entriesIn(await eventsOf('csv', `2026-11-24,${cell},text,no,\n`, { mapping }))
    t.match(read, { direction, reversal, amount: '5.00', valueDate: '2026-11-24' })
  })
}

t.test('newest rows first are checked in their order', async (t) => {
  const mapping = statementMapping.parse({
    ...base,
    order: 'newestFirst',
    amount: { kind: 'signed', column: 2 },
    columns: { ...base.columns, balance: 4 },
  })
  const text = '2026-11-25,-20,b,130\n2026-11-24,50,a,150\n'
  t.match((await eventsOf('csv', text, { mapping })).at(-1), {
    footer: { opening: { amount: '100' }, closing: { amount: '130' }, balance: 'holds' },
  })
  t.match((await refusalFrom('csv', text.replace('150', '151'), { mapping }))?.problems[0], {
    code: 'BALANCE_BROKEN',
    line: 2,
  })
})

t.test('what is written is read back by a mapping', async (t) => {
  const mapping = statementMapping.parse({
    ...base,
    headings: true,
    delimiter: ';',
    decimalSign: ',',
    labels: { closingBalance: 'Closing' },
    footer: ['Closing'],
    columns: { valueDate: 'Date', bankReference: 'Ref', remittance: 'Text', balance: 'Balance' },
    amount: { kind: 'signed', column: 'Amount' },
  })
  await fc.assert(
    fc.asyncProperty(plainEntries, async (entries) => {
      const read = entriesIn(await eventsOf('csv', csvOf(entries), { mapping }))
      t.strictSame(
        read.map(({ valueDate, direction, amount, bankReference, remittance }) => ({
          valueDate,
          direction,
          amount,
          bankReference,
          remittance,
        })),
        entries.map(({ date, direction, cents, reference, text }) => ({
          valueDate: date,
          direction: cents === 0n ? 'CREDIT' : direction,
          amount: centsText(cents),
          bankReference: reference,
          remittance: text,
        })),
      )
    }),
    { numRuns: 100 },
  )
  await fc.assert(
    fc.asyncProperty(
      plainEntries,
      fc.nat(),
      fc.integer({ min: 32, max: 126 }),
      fc.boolean(),
      async (entries, place, byte, cut) => {
        const bytes = Buffer.from(csvOf(entries))
        const at = place % bytes.length
        const changed = cut ? bytes.subarray(0, at) : Buffer.from(bytes)
        if (!cut) changed[at] = byte
        await refusalFrom('csv', changed, { mapping })
      },
    ),
    { numRuns: 300 },
  )
})

t.test('spreadsheet numbers are exact to fifteen digits', async (t) => {
  const cases = [
    ['1234567', '1234567'],
    ['0.1', '0.1'],
    ['0.30000000000000004', '0.3'],
    ['1.2E7', '12000000'],
    ['-5.5', '-5.5'],
    ['0', '0'],
    ['999999999999999', '999999999999999'],
  ]
  for (const [text = '', wanted] of cases) {
    const read = spreadsheetNumber(text)
    t.equal(read === null ? null : decimalText(read), wanted, text)
  }
  t.equal(spreadsheetNumber('1E15'), null)
  t.equal(spreadsheetNumber('abc'), null)
})

t.test('a mapping that contradicts itself is refused', async (t) => {
  t.notOk(
    statementMapping.safeParse({ ...base, amount: { kind: 'signed', column: 'Amount' } }).success,
    'headings without a heading row',
  )
  t.notOk(
    statementMapping.safeParse({ ...base, amount: { kind: 'signed', column: 2 }, thousandsSign: '.' }).success,
    'one sign for two things',
  )
  t.notOk(
    statementMapping.safeParse({ ...base, amount: { kind: 'signed', column: 2 }, columns: { remittance: 3 } }).success,
    'no date',
  )
})

function csvOf(entries: readonly PlainEntry[]): string {
  let balance = 0n
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`
  const rows = entries.map((entry) => {
    balance += netOf([entry])
    const cents = entry.direction === 'CREDIT' ? entry.cents : -entry.cents
    return [entry.date, entry.reference, quoted(entry.text), centsText(cents, ','), centsText(balance, ',')].join(';')
  })
  return ['Date;Ref;Text;Amount;Balance', ...rows, `Closing;${centsText(balance, ',')}`, ''].join('\n')
}

/** windows-1258 writes most Vietnamese letters as base letter and combining tone. */
function windows1258(text: string): Buffer {
  const tones = /[\u0300\u0301\u0303\u0309\u0323]/
  let pieces = ''
  for (const character of text.normalize('NFC')) {
    const decomposed = character.normalize('NFD')
    const tone = tones.exec(decomposed)?.[0] ?? ''
    pieces += decomposed.replace(tones, '').normalize('NFC') + tone
  }
  return iconv.encode(pieces, 'windows-1258')
}
