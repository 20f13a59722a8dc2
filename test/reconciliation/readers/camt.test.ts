import fc from 'fast-check'
import t from 'tap'
import { maxXmlDepth } from '../../../src/reconciliation/readers/xml.ts'
import {
  camt053Of,
  camtEntry,
  centsText,
  entriesIn,
  eventsOf,
  type PlainEntry,
  plainEntries,
  refusalFrom,
  sample,
  warningCodesIn,
} from './build.ts'

t.test('what is written is read back, and the check holds', async (t) => {
  await fc.assert(
    fc.asyncProperty(plainEntries, async (entries) => {
      const events = await eventsOf('camt', camt053Of(entries))
      const read = entriesIn(events).map(
        ({ valueDate, direction, reversal, amount, bankReference, remittance, raw }) => {
          return { valueDate, direction, reversal, amount, bankReference, remittance, raw }
        },
      )
      const written = entries.map((entry) => ({
        valueDate: entry.date,
        direction: entry.direction,
        reversal: entry.reversal,
        amount: centsText(entry.cents),
        bankReference: entry.reference,
        remittance: entry.text,
        raw: camtEntry(entry),
      }))
      t.strictSame(read, written)
      t.match(events.at(-1), { kind: 'end', footer: { balance: 'holds', entries: entries.length } })
    }),
    { numRuns: 100 },
  )
})

t.test('any split of the bytes gives the same events', async (t) => {
  const accents = Buffer.from(camt053Of([entry({ text: 'PHÍ HỒ SƠ đ 😀' })]).replaceAll('\n', '\r\n'))
  for (const bytes of [sample('camt/camt054.v4.xml'), sample('camt/camt053.v8.xml'), accents]) {
    const whole = await eventsOf('camt', bytes, { problems: 'report' })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 40 }), async (cuts) => {
        t.strictSame(await eventsOf('camt', bytes, { problems: 'report' }, cuts), whole)
      }),
      { numRuns: 30 },
    )
    const everywhere = Array.from({ length: bytes.length }, (_, index) => index)
    t.strictSame(await eventsOf('camt', bytes, { problems: 'report' }, everywhere), whole, 'byte by byte')
  }
})

t.test('a changed or cut file is refused, unless its totals still hold', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      plainEntries,
      fc.nat(),
      fc.integer({ min: 32, max: 126 }),
      fc.boolean(),
      async (entries, place, byte, cut) => {
        const bytes = Buffer.from(camt053Of(entries))
        const at = place % bytes.length
        const changed = cut ? bytes.subarray(0, at) : Buffer.from(bytes)
        if (!cut) changed[at] = byte
        if ((await refusalFrom('camt', changed)) === null) {
          const footers = (await eventsOf('camt', changed)).filter((event) => event.kind === 'end')
          t.ok(footers.every(({ footer }) => footer.balance !== 'broken'))
        }
      },
    ),
    { numRuns: 500 },
  )
})

t.test('a file in UTF-16 or Latin-1 reads like one in UTF-8', async (t) => {
  const text = camt053Of([entry({ text: 'PHÍ HÔ' })])
  const whole = await eventsOf('camt', text)
  t.strictSame(await eventsOf('camt', Buffer.from(`\uFEFF${text.replace('UTF-8', 'UTF-16')}`, 'utf16le')), whole)
  t.strictSame(
    entriesIn(await eventsOf('camt', Buffer.from(text.replace('UTF-8', 'ISO-8859-1'), 'latin1'))),
    entriesIn(whole),
  )
})

t.test('a reversal keeps the direction its indicator gives', async (t) => {
  const [read] = entriesIn(await eventsOf('camt', camt053Of([entry({ direction: 'DEBIT', reversal: true })])))
  t.match(read, { direction: 'DEBIT', reversal: true })
})

t.test('pending and unknown entries are listed and do not count in the balance', async (t) => {
  const body = ['BOOK', 'PDNG', 'INFO', 'FUTR'].map((status) => camtEntry(entry()).replace('BOOK', status)).join('')
  const events = await eventsOf('camt', camt053Of([], { body, closing: 1_012_345n }))
  t.same(
    entriesIn(events).map(({ status }) => status),
    ['BOOK', 'PDNG', 'INFO', 'INFO'],
  )
  t.match(events.at(-1), {
    footer: { entries: 4, balance: 'holds', notBooked: { credits: { count: 3, sum: '370.35' } } },
  })
  t.same(warningCodesIn(events), ['STATUS_UNKNOWN'])
})

t.test('status as text, as until version 07, reads like status as code', async (t) => {
  const body = camtEntry(entry()).replace('<Sts><Cd>BOOK</Cd></Sts>', '<Sts>PDNG</Sts>')
  const [read] = entriesIn(await eventsOf('camt', camt053Of([], { body })))
  t.equal(read?.status, 'PDNG')
})

t.test('prefixes and an envelope around the document change nothing', async (t) => {
  const text = camt053Of([entry()])
  const prefixed = text.replace(/<(\/?)([A-Z])/g, '<$1n:$2').replace('xmlns=', 'xmlns:n=')
  const enveloped = prefixed
    .replace('<n:Document', '<Envelope><Body><n:Document')
    .replace('</n:Document>', '</n:Document></Body></Envelope>')
  const [, whole] = await eventsOf('camt', text)
  const [header, read] = await eventsOf('camt', enveloped)
  t.match(header, {
    header: { format: 'camt.053', version: '08', account: '112233445566', messageId: 'MSG1', statementId: 'ST1' },
  })
  t.match(
    read,
    whole?.kind === 'entry' ? { entry: { amount: whole.entry.amount, remittance: whole.entry.remittance } } : {},
  )
})

const summaries = [
  {
    name: 'entries and sum',
    summary: '<TtlNtries><NbOfNtries>2</NbOfNtries><Sum>246.90</Sum></TtlNtries>',
    agrees: true,
  },
  { name: 'a wrong number', summary: '<TtlNtries><NbOfNtries>3</NbOfNtries></TtlNtries>', agrees: false },
  {
    name: 'a wrong sum',
    summary: '<TtlCdtNtries><NbOfNtries>2</NbOfNtries><Sum>246.91</Sum></TtlCdtNtries>',
    agrees: false,
  },
  {
    name: 'debits where there are none',
    summary: '<TtlDbtNtries><NbOfNtries>1</NbOfNtries></TtlDbtNtries>',
    agrees: false,
  },
  {
    name: 'a net amount',
    summary: '<TtlNtries><TtlNetNtryAmt>246.9</TtlNetNtryAmt><CdtDbtInd>CRDT</CdtDbtInd></TtlNtries>',
    agrees: true,
  },
  {
    name: 'a net amount on the other side',
    summary: '<TtlNtries><TtlNetNtry><Amt>246.9</Amt><CdtDbtInd>DBIT</CdtDbtInd></TtlNetNtry></TtlNtries>',
    agrees: false,
  },
]
for (const { name, summary, agrees } of summaries) {
  t.test(`control totals with ${name} are ${agrees ? 'accepted' : 'refused'}`, async (t) => {
    const text = camt053Of([entry(), entry()], { summary: `<TxsSummry>${summary}</TxsSummry>` })
    const refusal = await refusalFrom('camt', text)
    t.equal(refusal?.problems[0]?.code, agrees ? undefined : 'CONTROL_TOTAL')
  })
}

const batch = (details: readonly string[], head: string) =>
  camtEntry(entry()).replace(
    /<NtryDtls>.*<\/NtryDtls>/s,
    `<NtryDtls><Btch>${head}</Btch>${details.join('')}</NtryDtls>`,
  )
const payment = (amount: string, id: string) =>
  `<TxDtls><Refs><EndToEndId>${id}</EndToEndId><UETR>u-${id}</UETR></Refs><Amt Ccy="VND">${amount}</Amt><RltdPties><Dbtr><Pty><Nm>Payer ${id}</Nm></Pty></Dbtr><DbtrAcct><Id><Othr><Id>acc-${id}</Id></Othr></Id></DbtrAcct></RltdPties><RmtInf><Strd><CdtrRefInf><Ref>REF${id}</Ref></CdtrRefInf></Strd></RmtInf></TxDtls>`

t.test('a batch lists its payments, and its total is their sum', async (t) => {
  const details = [payment('100.00', '1'), payment('23.45', 'NOTPROVIDED')]
  const head = '<NbOfTxs>2</NbOfTxs><TtlAmt Ccy="VND">123.45</TtlAmt>'
  const [read] = entriesIn(await eventsOf('camt', camt053Of([], { body: batch(details, head), closing: 1_012_345n })))
  t.match(read?.details, [
    {
      amount: '100.00',
      endToEndId: '1',
      uetr: 'u-1',
      counterpartyName: 'Payer 1',
      counterpartyAccount: 'acc-1',
      structuredReferences: ['REF1'],
    },
    { amount: '23.45', endToEndId: null },
  ])
  const wrong = camt053Of([], { body: batch(details, head.replace('123.45', '123.46')), closing: 1_012_345n })
  t.match((await refusalFrom('camt', wrong))?.problems[0], { code: 'BATCH_TOTAL' })
  const fewer = camt053Of([], { body: batch(details.slice(1), head), closing: 1_012_345n })
  t.same(warningCodesIn(await eventsOf('camt', fewer)), ['DETAILS_INCOMPLETE'])
})

t.test('five decimals and zero are amounts', async (t) => {
  const body = camtEntry(entry()).replace('123.45', '0.00001') + camtEntry(entry()).replace('123.45', '0')
  const events = await eventsOf('camt', camt053Of([], { body }), { problems: 'report' })
  t.match(events.at(-1), { footer: { credits: { count: 2, sum: '0.00001' } } })
})

const hostile = [
  {
    name: 'a document type',
    code: 'XML_DOCTYPE',
    text: `<!DOCTYPE d [<!ENTITY e SYSTEM "file:///etc/hostname">]>${camt053Of([]).slice(38)}`,
  },
  {
    name: 'an unknown entity',
    code: 'XML',
    text: camt053Of([entry({ text: 'X' })])
      .replace('>TX<', '>&e;<')
      .replace('>X<', '>&e;<'),
  },
  { name: 'deep nesting', code: 'LIMIT', text: '<a>'.repeat(maxXmlDepth + 1) },
  { name: 'an endless text', code: 'LIMIT', text: `<a>${'x'.repeat(400_000)}` },
  { name: 'an endless tag', code: 'LIMIT', text: `<a b="${'x'.repeat(400_000)}` },
  { name: 'a cut document', code: 'XML', text: camt053Of([entry()]).slice(0, -30) },
  { name: 'an unknown encoding', code: 'ENCODING', text: '<?xml version="1.0" encoding="x-none"?><a/>' },
]
for (const { name, code, text } of hostile) {
  t.test(`${name} is refused`, async (t) => {
    t.equal((await refusalFrom('camt', text))?.code, code)
  })
}

const damaged = [
  { name: 'no indicator', from: '<CdtDbtInd>CRDT</CdtDbtInd><RvslInd>', to: '<RvslInd>', code: 'DIRECTION_UNREADABLE' },
  { name: 'a negative amount', from: '>123.45<', to: '>-123.45<', code: 'AMOUNT_UNREADABLE' },
  { name: 'another currency', from: 'Ccy="VND">123.45', to: 'Ccy="USD">123.45', code: 'CURRENCY_MIXED' },
  { name: 'an impossible month', from: '<ValDt><Dt>2026-11', to: '<ValDt><Dt>2026-13', code: 'DATE_UNREADABLE' },
  { name: 'no account', from: '<Id><Othr><Id>112233445566</Id></Othr></Id>', to: '', code: 'ACCOUNT_MISSING' },
]
for (const { name, from, to, code } of damaged) {
  t.test(`an entry with ${name} is refused`, async (t) => {
    const text = camt053Of([entry()])
    t.ok(text.includes(from))
    const codes = (await refusalFrom('camt', text.replace(from, to)))?.problems.map((problem) => problem.code)
    t.ok(
      codes?.some((found) => found === code),
      `${codes}`,
    )
  })
}

function entry(parts: Partial<PlainEntry> = {}): PlainEntry {
  return {
    date: '2026-11-24',
    direction: 'CREDIT',
    reversal: false,
    cents: 12_345n,
    reference: 'BANK1',
    text: 'TX',
    ...parts,
  }
}
