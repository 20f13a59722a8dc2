import { readFileSync } from 'node:fs'
import Ajv2020 from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import t from 'tap'
import { issueDue } from '../../src/receipt/issue.ts'
import { keysOfJwks, verifyCompact } from '../../src/signing/compact-jws.ts'
import { StoreUnavailableError } from '../../src/store/database.ts'
import { asOwner, receiptBench, seedAgency } from '../harness/receipts.ts'
import { seedInvoice } from '../harness/seed.ts'

t.test('a paid invoice gets one signed receipt per creditor and kind, numbered from 1, in the moment', async (t) => {
  const bench = await receiptBench(t)
  const invoice = await bench.pay()
  t.equal(await issueDue(bench.options), 2)
  const receipts = await bench.receipts(invoice.id)
  t.match(receipts, [
    { kind: 'LE_PHI', amount: 50_000n, status: 'ISSUED', template: 'EBL01', symbol: '26TAA', issuedOn: '2026-11-20' },
    { kind: 'PHI', amount: 8_000n, status: 'ISSUED', template: 'EBL01', symbol: '26TAA', issuedOn: '2026-11-20' },
  ])
  t.same(receipts.map(({ number }) => number).sort(), [1, 2])
  t.equal(await issueDue(bench.options), 0, 'once')
})

t.test('a receipt says all that the law asks for, under a signature that is for receipts only', async (t) => {
  const bench = await receiptBench(t)
  const invoice = await bench.pay()
  await bench.database.query('UPDATE invoices SET parties = $2 WHERE id = $1', [
    invoice.id,
    JSON.stringify({
      submitter: { name: 'Trần Thị Nộp Hộ' },
      payer: { name: 'Nguyễn Văn An', personalId: '001199000001' },
    }),
  ])
  await issueDue(bench.options)
  const [receipt] = await bench.receipts(invoice.id)
  const { jws, number } = { jws: receipt?.jws ?? '', number: receipt?.number }
  const find = keysOfJwks(bench.keys.publicJwks())
  const verified = verifyCompact(jws, 'feegate-receipt+jws', find)
  const document = JSON.parse(String(verified?.payload))
  t.match(document, {
    iss: 'https://feegate.example',
    title: 'Biên lai thu lệ phí',
    template: 'EBL01',
    symbol: '26TAA',
    number,
    issuedOn: '2026-11-20',
    collector: { agencyCode: bench.seeded.agencyCode, name: 'Sở Tư pháp', taxCode: '0100111948' },
    payer: { name: 'Nguyễn Văn An' },
    items: [{ name: 'Lệ phí cấp thẻ', economicCode: '2768', amount: 50_000 }],
    total: 50_000,
    totalInWords: 'Năm mươi nghìn đồng',
    invoiceId: invoice.id,
    agent: null,
    related: null,
  })
  t.notMatch(JSON.stringify(document), '001199000001', 'no more of a person than the name')
  t.equal(verifyCompact(jws, 'feegate-invoice+jws', find), null)
})

t.test('the dossier system is told of each, in order after the payment, as its schema says', async (t) => {
  const bench = await receiptBench(t)
  const invoice = await bench.pay()
  await issueDue(bench.options)
  const events = await bench.database.query<{ type: string; invoice_seq: number; body: string }>(
    'SELECT type, invoice_seq, body FROM events WHERE invoice_id = $1 ORDER BY invoice_seq',
    [invoice.id],
  )
  t.same(
    events.map(({ type, invoice_seq }) => `${invoice_seq} ${type}`),
    ['2 invoice.paid', '3 receipt.issued', '4 receipt.issued'],
  )
  const ajv = new Ajv2020.default({ strict: true })
  addFormats.default(ajv)
  const published = ajv.compile(
    JSON.parse(readFileSync(new URL('../../contracts/events/receipt.issued.schema.json', import.meta.url), 'utf8')),
  )
  for (const { body } of events.slice(1)) t.ok(published(JSON.parse(body)), JSON.stringify(published.errors))
  const [{ event_seq }] = (await bench.database.query('SELECT event_seq FROM invoices WHERE id = $1', [
    invoice.id,
  ])) as [{ event_seq: number }]
  t.equal(event_seq, 4)
})

t.test('taxes and postage get no receipt', async (t) => {
  const bench = await receiptBench(t)
  const invoice = await seedInvoice(bench.database, bench.seeded)
  await asOwner(bench.url, `UPDATE invoice_items SET kind = CASE line_no WHEN 1 THEN 'TAX' ELSE 'POSTAGE' END`)
  await bench.settle(invoice)
  t.match(await bench.database.query('SELECT status FROM invoices', []), [{ status: 'PAID' }])
  t.equal(await issueDue(bench.options), 0)
  t.same(await bench.receipts(), [])
})

t.test('the year turns at local midnight: a new symbol, and numbers begin at 1 again', async (t) => {
  const bench = await receiptBench(t)
  bench.environment.set(new Date('2026-12-31T16:59:59Z'))
  await bench.pay()
  await issueDue(bench.options)
  bench.environment.set(new Date('2026-12-31T17:00:00Z'))
  await bench.pay()
  await issueDue(bench.options)
  const receipts = await bench.receipts()
  t.same(receipts.map(({ symbol, number, issuedOn }) => `${issuedOn} ${symbol} ${number}`).sort(), [
    '2026-12-31 26TAA 1',
    '2026-12-31 26TAA 2',
    '2027-01-01 27TAA 1',
    '2027-01-01 27TAA 2',
  ])
})

t.test('money of the old year that is written down in the new one is numbered in the new one', async (t) => {
  const bench = await receiptBench(t)
  bench.environment.set(new Date('2026-12-31T16:59:59Z'))
  await bench.pay()
  bench.environment.set(new Date('2026-12-31T17:00:05Z'))
  await issueDue(bench.options)
  t.same(
    (await bench.receipts()).map(({ symbol }) => symbol),
    ['27TAA', '27TAA'],
  )
})

t.test('agencies number apart; those that share a tax code never share a symbol', async (t) => {
  const bench = await receiptBench(t)
  const same = await seedAgency(bench.database, bench.seeded)
  await bench.pay()
  await bench.pay({}, same)
  await issueDue(bench.options)
  const symbols = await bench.database.query<{ code: string; symbols: string[]; numbers: number[] }>(
    `SELECT i.collecting_agency_code AS code, array_agg(DISTINCT r.symbol) AS symbols, array_agg(r.number ORDER BY r.number) AS numbers
       FROM receipts r JOIN invoices i ON i.id = r.invoice_id GROUP BY 1 ORDER BY 1`,
    [],
  )
  t.same(symbols.flatMap(({ symbols: own }) => own).sort(), ['26TAA', '26TAB'])
  t.same(
    symbols.map(({ numbers }) => numbers),
    [
      [1, 2],
      [1, 2],
    ],
  )
})

t.test('the letters an agency has registered are used', async (t) => {
  const bench = await receiptBench(t)
  await bench.database.query(`INSERT INTO receipt_issuers VALUES ($1, $2, 'OWN', 'PL', '{"kind":"built-in"}', now())`, [
    bench.seeded.agencyCode,
    bench.seeded.tenantId,
  ])
  await bench.pay()
  await issueDue(bench.options)
  t.match(await bench.receipts(), [{ symbol: '26TPL' }, { symbol: '26TPL' }])
})

t.test('a later number never carries an earlier time, even by a clock that is behind', async (t) => {
  const bench = await receiptBench(t)
  await bench.pay()
  await issueDue(bench.options)
  bench.environment.advance(-5_000)
  await bench.pay()
  await issueDue(bench.options)
  const ordered = (await bench.receipts()).sort((one, other) => (one.number ?? 0) - (other.number ?? 0))
  const times = ordered.map(({ issuedAt }) => issuedAt?.getTime() ?? 0)
  t.same(
    times,
    [...times].sort((one, other) => one - other),
  )
  t.equal(ordered.length, 4)
})

t.test('what is issued cannot be changed or deleted', async (t) => {
  const bench = await receiptBench(t)
  await bench.pay()
  await issueDue(bench.options)
  await t.rejects(bench.database.query('UPDATE receipts SET number = number + 10', []), { code: '23514' })
  await t.rejects(bench.database.query('UPDATE receipts SET amount = 1', []), { code: '23514' })
  await t.rejects(bench.database.query(`UPDATE receipts SET jws = 'x'`, []), { code: '23514' })
  await t.rejects(bench.database.query('DELETE FROM receipts', []), { code: '42501' })
})

t.test('one receipt that cannot be signed holds up no other, and the payment stays paid', async (t) => {
  const bench = await receiptBench(t)
  const bad = await bench.pay()
  const good = await bench.pay()
  const sign: typeof bench.options.sign = (document, typ) =>
    'invoiceId' in document && document.invoiceId === bad.id
      ? Promise.reject(new Error('the key is away'))
      : bench.options.sign(document, typ)
  t.equal(await issueDue({ ...bench.options, sign }), 2)
  t.match(await bench.receipts(good.id), [{ status: 'ISSUED' }, { status: 'ISSUED' }])
  t.match(await bench.receipts(bad.id), [
    { status: 'REQUESTED', lastError: 'the key is away', number: null },
    { status: 'REQUESTED' },
  ])
  t.match(await bench.database.query('SELECT status FROM invoices WHERE id = $1', [bad.id]), [{ status: 'PAID' }])
  bench.environment.advance(6 * 60_000)
  t.equal(await issueDue(bench.options), 2, 'and it is issued once it can be')
  t.same((await bench.receipts()).map(({ number }) => number).sort(), [1, 2, 3, 4], 'no number was lost')
})

t.test('a database that takes no work for a moment puts no receipt off', async (t) => {
  const bench = await receiptBench(t)
  const invoice = await bench.pay()
  const full = Object.assign(new Error('could not extend file: No space left on device'), { code: '53100' })
  const database = {
    ...bench.database,
    transaction: () => Promise.reject(new StoreUnavailableError('the database connection was lost', { cause: full })),
  }
  await t.rejects(issueDue({ ...bench.options, database }), { code: 'STORE_UNAVAILABLE' })
  t.equal(await issueDue(bench.options), 2, 'the next round issues them')
  t.match(await bench.receipts(invoice.id), [{ status: 'ISSUED' }, { status: 'ISSUED' }])
})
