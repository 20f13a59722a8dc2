import t from 'tap'
import { dayAfter, reconciliationStage } from './stage.ts'

t.test('a line that carries the rail transaction id is the payment’s, and nothing is left', async (t) => {
  const stage = await reconciliationStage(t)
  const paid = await stage.pay()
  const result = await stage.statement([{ amount: paid.total, reference: paid.txn }])
  t.match(result, { status: 'IMPORTED', counts: { booked: 1n } })
  t.match(await stage.run(), { matched: { RAIL_TRANSACTION: 1 }, breaks: {}, settled: {} })
  t.same(await stage.breaks(), [])
  t.same(await stage.violations(), [])
})

t.test('our reference in a structured field, or a pay code in folded text, finds the payment', async (t) => {
  const stage = await reconciliationStage(t, { rail: 'vietqr' })
  const first = await stage.pay()
  const byCode = await stage.pay({})
  const spaced = await stage.pay({})
  await stage.statement([
    { amount: first.total, reference: 'B1', customer: first.merchantRef },
    { amount: byCode.total, reference: 'B2', text: `NGUYỄN VĂN Ân chuyển tiền ${byCode.payCode.toLowerCase()} cảm ơn` },
    {
      amount: spaced.total,
      reference: 'B3',
      text: `CT DI ${spaced.payCode.slice(0, 4)} ${spaced.payCode.slice(4, 9)} ${spaced.payCode.slice(9)}`,
    },
  ])
  t.match(await stage.run(), { matched: { REFERENCE: 1, TEXT_REFERENCE: 2 }, breaks: {} })
  t.same(await stage.violations(), [])
})

t.test('a payment found only in the statement pays the invoice and pushes "paid"', async (t) => {
  const stage = await reconciliationStage(t, { rail: 'vietqr' })
  const { seedInvoice } = await import('../harness/seed.ts')
  const invoice = await seedInvoice(stage.database, stage.seeded)
  await stage.statement([{ amount: invoice.total, reference: 'FT77', text: `nop le phi ${invoice.payCode}` }])
  t.match(await stage.run(), { settled: { 'first-success': 1 }, matched: { RAIL_TRANSACTION: 1 }, breaks: {} })
  const [row] = await stage.database.query<{ status: string; source: string; events: bigint }>(
    `SELECT i.status, s.source, (SELECT count(*) FROM events e WHERE e.invoice_id = i.id AND e.type = 'invoice.paid') AS events
       FROM invoices i JOIN settlements s ON s.invoice_id = i.id WHERE i.id = $1`,
    [invoice.id],
  )
  t.same(row, { status: 'PAID', source: 'STATEMENT', events: 1n })
  t.same(await stage.violations(), [])
  t.match(await stage.run(new Date(dayAfter.getTime() + 3_600_000)), { settled: {}, breaks: {} }, 'and only once')
})

t.test(
  'statements without balances are chained by their numbers: a missing one is asked for until it is there',
  async (t) => {
    const stage = await reconciliationStage(t, { rail: 'vietqr' })
    const within = (number: number): string =>
      [
        ...[':20:A', ':25:113366668888', `:28C:${number}/1`, ':34F:VND0,', `:13D:261120${10 + number}30+0700`],
        ...[`:61:261120C${number}000,NTRFNONREF//M${number}`, ':86:X', `:90C:1VND${number}000,`, '-', ''],
      ].join('\r\n')
    for (const number of [3, 5]) t.equal((await stage.importText(within(number))).status, 'IMPORTED')
    await stage.run()
    const gaps = async () => (await stage.breaks('duties')).filter((entry) => entry.class === 'BALANCE_GAP')
    t.match(await gaps(), [{ amount: 0n, evidence: { number: 5, previousNumber: 3 } }])
    await stage.importText(within(4))
    await stage.run(new Date(dayAfter.getTime() + 60_000))
    t.same(await gaps(), [])
  },
)
