import fc from 'fast-check'
import t from 'tap'
import {
  centsText,
  entriesIn,
  eventsOf,
  mt940Of,
  mtBalance,
  type PlainEntry,
  plainEntries,
  refusalFrom,
  sample,
  warningCodesIn,
} from './build.ts'

/** A statement around raw `:61:` and `:86:` lines; the closing balance is left to the case. */
function around(lines: readonly string[], closing: bigint): string {
  return [':20:S', ':25:1', ':28C:1/1', mtBalance('60F', 10_000n), ...lines, mtBalance('62F', closing), '-', ''].join(
    '\r\n',
  )
}

t.test('what is written is read back, and the check holds', async (t) => {
  await fc.assert(
    fc.asyncProperty(plainEntries, async (entries) => {
      const events = await eventsOf('mt940', mt940Of(entries))
      t.strictSame(entriesIn(events).map(plain), entries.map(expectedOf))
      t.match(events.at(-1), { kind: 'end', footer: { balance: 'holds', entries: entries.length } })
    }),
    { numRuns: 100 },
  )
})

t.test('any split of the bytes gives the same events', async (t) => {
  for (const name of [
    'mt940/ASNB--mt940.txt',
    'mt940/betterplace--with_binary_character.sta',
    'mt940/self-provided--transaction_details_wrapped.sta',
  ]) {
    const bytes = sample(name)
    const whole = await eventsOf('mt940', bytes, { problems: 'report' })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 40 }), async (cuts) => {
        t.strictSame(await eventsOf('mt940', bytes, { problems: 'report' }, cuts), whole)
      }),
      { numRuns: 30 },
    )
    const everywhere = Array.from({ length: bytes.length }, (_, index) => index)
    t.strictSame(await eventsOf('mt940', bytes, { problems: 'report' }, everywhere), whole, 'byte by byte')
  }
})

t.test('line ends CR LF, LF and CR read alike', async (t) => {
  const text = mt940Of([entry()])
  const whole = await eventsOf('mt940', text)
  t.strictSame(await eventsOf('mt940', text.replaceAll('\r\n', '\n')), whole)
  t.strictSame(await eventsOf('mt940', text.replaceAll('\r\n', '\r')), whole)
})

t.test('a changed or cut file is refused, unless its totals still hold', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      plainEntries,
      fc.nat(),
      fc.integer({ min: 32, max: 126 }),
      fc.boolean(),
      async (entries, place, byte, cut) => {
        const bytes = Buffer.from(mt940Of(entries))
        const at = place % bytes.length
        const changed = cut ? bytes.subarray(0, at) : Buffer.from(bytes)
        if (!cut) changed[at] = byte
        // Throws on when the error is not a refusal; an accepted file must pass its own check.
        if ((await refusalFrom('mt940', changed)) === null) {
          const footers = (await eventsOf('mt940', changed)).filter((event) => event.kind === 'end')
          t.ok(footers.length > 0 && footers.every(({ footer }) => footer.balance === 'holds'))
        }
      },
    ),
    { numRuns: 500 },
  )
})

t.test('an amount that is off by one is refused with the line of the closing balance', async (t) => {
  const refusal = await refusalFrom('mt940', mt940Of([entry()], { closing: 1_012_344n }))
  t.match(refusal, { code: 'INTEGRITY', line: 7, problems: [{ code: 'BALANCE_BROKEN', line: 7 }] })
  t.match(refusal?.message, /off by -0\.01/)
})

const marks = [
  { mark: 'C', direction: 'CREDIT', reversal: false, closing: 10_500n },
  { mark: 'D', direction: 'DEBIT', reversal: false, closing: 9_500n },
  { mark: 'RC', direction: 'DEBIT', reversal: true, closing: 9_500n },
  { mark: 'RD', direction: 'CREDIT', reversal: true, closing: 10_500n },
  { mark: 'CR', direction: 'CREDIT', reversal: false, closing: 10_500n },
  { mark: 'RCR', direction: 'DEBIT', reversal: true, closing: 9_500n },
] as const
for (const { mark, direction, reversal, closing } of marks) {
  t.test(`mark ${mark} is a ${reversal ? 'reversal that is a ' : ''}${direction}`, async (t) => {
    const [read] = entriesIn(await eventsOf('mt940', around([`:61:2611241124${mark}5,NTRFREF1//BANK1`], closing)))
    t.match(read, {
      direction,
      reversal,
      amount: '5',
      customerReference: 'REF1',
      bankReference: 'BANK1',
      typeCode: 'NTRF',
    })
  })
}

const amounts = [
  { text: '5,', amount: '5', odd: false },
  { text: '5,0', amount: '5.0', odd: false },
  { text: '000005,00', amount: '5.00', odd: false },
  { text: '5.00', amount: '5.00', odd: true },
  { text: '1.234.567,50', amount: '1234567.50', odd: true },
]
for (const { text, amount, odd } of amounts) {
  t.test(`amount ${text} is ${amount}`, async (t) => {
    const events = await eventsOf('mt940', around([`:61:261124C${text}NTRFNONREF`], 0n), { problems: 'report' })
    t.equal(entriesIn(events)[0]?.amount, amount)
    t.equal(warningCodesIn(events).includes('AMOUNT_NOTATION'), odd)
  })
}

const unreadable = [
  {
    line: ':61:261124C1.234NTRFNONREF',
    code: 'AMOUNT_UNREADABLE',
    why: 'a point before three digits has two readings',
  },
  { line: ':61:261124C1,2,3NTRFNONREF', code: 'AMOUNT_UNREADABLE', why: 'two decimal signs' },
  { line: ':61:261324C5,NTRFNONREF', code: 'DATE_UNREADABLE', why: 'month 13' },
  { line: ':61:261124X5,NTRFNONREF', code: 'ENTRY_UNREADABLE', why: 'no mark' },
]
for (const { line, code, why } of unreadable) {
  t.test(`${line} is refused: ${why}`, async (t) => {
    t.match(await refusalFrom('mt940', around([line], 10_000n)), { problems: [{ code, line: 5 }] })
  })
}

const bookingDates = [
  { value: '261231', booked: '0102', date: '2027-01-02' },
  { value: '270101', booked: '1231', date: '2026-12-31' },
  { value: '261124', booked: '    ', date: null },
  { value: '261124', booked: '', date: null },
]
for (const { value, booked, date } of bookingDates) {
  t.test(`entry date "${booked}" beside value date ${value} is ${date}`, async (t) => {
    const [read] = entriesIn(await eventsOf('mt940', around([`:61:${value}${booked}C5,NTRFNONREF`], 10_500n)))
    t.equal(read?.bookingDate, date)
  })
}

t.test('30 February is clamped with a warning and kept as written', async (t) => {
  const events = await eventsOf('mt940', sample('mt940/self-provided--transaction_details_wrapped.sta'))
  const [read] = entriesIn(events)
  t.equal(read?.valueDate, '2016-02-29')
  t.match(read?.raw, /^:61:160230/)
  t.ok(warningCodesIn(events).includes('DATE_CLAMPED'))
  t.match(read?.remittance, /2017-01-01T13:12:11$/, 'a wrapped time of day is no field')
})

t.test('numbered sub-fields give purpose, counterparty and end-to-end id', async (t) => {
  const [first] = entriesIn(
    await eventsOf('mt940', sample('mt940/betterplace--sepa_snippet.sta'), { problems: 'report' }),
  )
  t.match(first, {
    endToEndId: 'EndToEndId TFNR 22 004 00001',
    counterpartyName: 'KARL        KAUFMANN',
    counterpartyAccount: 'DE14508800500194785000',
    bankReference: '0724710333343453',
    customerReference: null,
  })
  t.match(first?.remittanceRaw, /\n/)
})

t.test('coded information gives remittance, counterparty and end-to-end id', async (t) => {
  const lines = [
    ':61:261124C5,NTRFNONREF',
    ':86:/EREF/E2E-1/CNTP/VN123/BANKVNVX/NGUYEN VAN A/HN/REMI/USTD//PHI HO',
    ' SO ABC/',
  ]
  const [read] = entriesIn(await eventsOf('mt940', around(lines, 10_500n)))
  t.match(read, {
    endToEndId: 'E2E-1',
    counterpartyAccount: 'VN123',
    counterpartyName: 'NGUYEN VAN A',
    remittance: 'PHI HO SO ABC',
  })
})

t.test('Latin-1 and control bytes are read, shown and warned about', async (t) => {
  const text = around([':61:261124C5,NTRFNONREF', ':86:M\u0001ULLER \u00dc'], 10_500n)
  const events = await eventsOf('mt940', Buffer.from(text, 'latin1'))
  t.equal(entriesIn(events)[0]?.remittance, 'M\u2401ULLER \u00dc')
  t.same(warningCodesIn(events).sort(), ['CONTROL_BYTE', 'NOT_UTF8'])
})

t.test('SWIFT blocks around the messages are no part of them', async (t) => {
  const message = mt940Of([entry()]).replace(/-\r\n$/, '')
  const blocks = `{1:F01BANKVNVX0000000000}{2:O940BANKVNVX}{4:\r\n${message}-}{5:{CHK:1}}\r\n`
  const events = await eventsOf(
    'mt940',
    blocks +
      blocks
        .replace(/:60F:.*?\r\n/, `${mtBalance('60F', 1_012_345n)}\r\n`)
        .replace(/:62F:.*?\r\n/, `${mtBalance('62F', 1_024_690n)}\r\n`),
  )
  t.equal(events.filter(({ kind }) => kind === 'statement').length, 2)
  t.same(warningCodesIn(events), [])
})

t.test('a lone dash inside a text does not end the message', async (t) => {
  const events = await eventsOf('mt940', around([':61:261124C5,NTRFNONREF', ':86:ONE', '-', 'TWO'], 10_500n))
  t.equal(entriesIn(events)[0]?.remittance, 'ONE-TWO')
})

t.test('a message may end on the line of its last field', async (t) => {
  const text = mt940Of([entry()]).replace(/\r\n-\r\n$/, '-}{5:}\r\n')
  t.match((await eventsOf('mt940', text)).at(-1), { footer: { balance: 'holds' } })
})

t.test('details under the entry line are part of its text', async (t) => {
  const lines = [':61:261124C5,NTRFNONREF', 'DETAILS', ':86:TEXT']
  const [read] = entriesIn(await eventsOf('mt940', around(lines, 10_500n)))
  t.match(read, { remittance: 'TEXT DETAILS', remittanceRaw: 'TEXT\nDETAILS' })
  const [bare] = entriesIn(await eventsOf('mt940', around(lines.slice(0, 2), 10_500n)))
  t.equal(bare?.remittance, 'DETAILS')
})

const pages = (second: bigint) =>
  [
    ':20:A',
    ':25:1',
    ':28C:3/1',
    mtBalance('60F', 10_000n),
    ':61:261124C5,NTRFNONREF',
    mtBalance('62M', 10_500n),
    '-',
    ':20:A',
    ':25:1',
    ':28C:3/2',
    mtBalance('60M', second),
    ':61:261124C5,NTRFNONREF',
    mtBalance('62F', second + 500n),
    '-',
    '',
  ].join('\n')

t.test('a second page goes on where the first ended', async (t) => {
  t.same(warningCodesIn(await eventsOf('mt940', pages(10_500n))), [])
  t.match(await refusalFrom('mt940', pages(10_501n)), { problems: [{ code: 'PAGE_BROKEN', line: 11 }] })
})

t.test('a page whose neighbour is in another file is told', async (t) => {
  const first = pages(10_500n).split('\n').slice(0, 7).join('\n')
  t.same(warningCodesIn(await eventsOf('mt940', first)), ['PAGE_MISSING'])
})

t.test('a statement that does not open where the one before closed is told, not refused', async (t) => {
  const text = mt940Of([entry()]) + mt940Of([entry()], { page: '8/1' })
  t.same(warningCodesIn(await eventsOf('mt940', text)), ['BALANCE_GAP'])
})

const intraday = (debits: string, credits: string) =>
  [
    ':20:A',
    ':25:1',
    ':28C:3/1',
    ':34F:VND0,',
    ':13D:2611241530+0700',
    ':61:261124C5,NTRFNONREF',
    ':86:X',
    ':61:261124D3,NTRFNONREF',
    `:90D:${debits}`,
    `:90C:${credits}`,
    '-',
    '',
  ].join('\r\n')

t.test('an MT942 is checked against its declared numbers and sums', async (t) => {
  const events = await eventsOf('mt940', intraday('1VND3,', '1VND5,'))
  t.match(events[0], { kind: 'statement', header: { format: 'MT942', currency: 'VND', periodTo: '2026-11-24' } })
  t.match(await refusalFrom('mt940', intraday('1VND3,', '2VND5,')), { problems: [{ code: 'CONTROL_TOTAL', line: 10 }] })
  t.match(await refusalFrom('mt940', intraday('1VND4,', '1VND5,')), { problems: [{ code: 'CONTROL_TOTAL', line: 9 }] })
})

t.test('a currency that changes inside a statement is refused', async (t) => {
  const text = mt940Of([entry()]).replace(/(:62F:C\d{6})VND/, '$1USD')
  t.match((await refusalFrom('mt940', text))?.problems[0], { code: 'CURRENCY_MIXED' })
})

t.test('a field or line without end is refused early', async (t) => {
  t.match(await refusalFrom('mt940', `:20:${'x'.repeat(100_000)}`), { code: 'LIMIT' })
  t.match(await refusalFrom('mt940', `:20:A\n:86:${'x\n'.repeat(200_000)}`), { code: 'LIMIT' })
})

function entry(): PlainEntry {
  return {
    date: '2026-11-24',
    direction: 'CREDIT',
    reversal: false,
    cents: 12_345n,
    reference: 'BANK1',
    text: 'PHI HO SO',
  }
}

function plain(read: ReturnType<typeof entriesIn>[number]) {
  const { valueDate, bookingDate, direction, reversal, amount, bankReference, remittance } = read
  return { valueDate, bookingDate, direction, reversal, amount, bankReference, remittance }
}

function expectedOf({ date, direction, reversal, cents, reference, text }: PlainEntry) {
  return {
    valueDate: date,
    bookingDate: date,
    direction,
    reversal,
    amount: centsText(cents),
    bankReference: reference,
    remittance: text,
  }
}
