import t from 'tap'
import { issueDue } from '../../src/receipt/issue.ts'
import { summariseDue } from '../../src/receipt/summary.ts'
import { type ReceiptBench, receiptBench } from '../harness/receipts.ts'
import { seedTenant } from '../harness/seed.ts'

/** Local time of 20 November 2026 and after. */
const at = (local: string): Date => new Date(`2026-11-${local}+07:00`)

async function issueAt(bench: ReceiptBench, local: string): Promise<void> {
  bench.environment.set(at(local))
  await bench.pay()
  await issueDue(bench.options)
}

const summaries = (bench: ReceiptBench) =>
  bench.database.query<{
    id: string
    business_date: string
    part: number
    supplements_id: string | null
    receipts: number
    amount: bigint
  }>(
    'SELECT id, business_date, part, supplements_id, receipts, amount FROM receipt_summaries ORDER BY business_date, part',
    [],
  )

t.test('near the end of the local day all that was issued is summed up, and is REPORTED', async (t) => {
  const bench = await receiptBench(t)
  await issueAt(bench, '20T08:00:00')
  await issueAt(bench, '20T23:29:59')
  t.equal(await summariseDue(bench.options), 0, 'the day is not over')
  bench.environment.set(at('20T23:30:00'))
  t.equal(await summariseDue(bench.options), 1)
  t.equal(await summariseDue(bench.options), 0, 'once')
  t.match(await summaries(bench), [
    { business_date: '2026-11-20', part: 1, supplements_id: null, receipts: 4, amount: 116_000n },
  ])
  t.ok((await bench.receipts()).every(({ status }) => status === 'REPORTED'))
  const lines = await bench.database.query(
    'SELECT line_no, template, symbol, number, issued_on, fee_name, status, related_number FROM receipt_summary_lines ORDER BY line_no',
    [],
  )
  t.match(lines, [
    {
      line_no: 1,
      template: 'EBL01',
      symbol: '26TAA',
      number: 1,
      issued_on: '2026-11-20',
      status: 'NEW',
      related_number: null,
    },
    { number: 2 },
    { number: 3 },
    { number: 4 },
  ])
  t.same(lines.map((line) => (line as { fee_name: string }).fee_name).sort(), [
    'Lệ phí cấp thẻ',
    'Lệ phí cấp thẻ',
    'Phí bản sao',
    'Phí bản sao',
  ])
})

t.test('what is issued after it goes into the next day with a link to it', async (t) => {
  const bench = await receiptBench(t)
  await issueAt(bench, '20T10:00:00')
  bench.environment.set(at('20T23:40:00'))
  await summariseDue(bench.options)
  await issueAt(bench, '20T23:50:00')
  t.equal(await summariseDue(bench.options), 0, 'it waits for the day to be over')
  bench.environment.set(at('21T00:00:30'))
  t.equal(await summariseDue(bench.options), 1)
  const [first, second] = await summaries(bench)
  t.match(second, { business_date: '2026-11-20', part: 2, supplements_id: first?.id ?? '', receipts: 2 })
  t.ok((await bench.receipts()).every(({ status }) => status === 'REPORTED'))
})

t.test('after local midnight the day before is summed up under its own date, apart from the new one', async (t) => {
  const bench = await receiptBench(t)
  await issueAt(bench, '20T22:00:00')
  await issueAt(bench, '21T00:00:05')
  t.equal(await summariseDue(bench.options), 1, 'nobody ran at the end of the day')
  t.match(await summaries(bench), [{ business_date: '2026-11-20', part: 1, receipts: 2 }])
  bench.environment.set(at('21T23:30:00'))
  await summariseDue(bench.options)
  t.match(await summaries(bench), [
    { business_date: '2026-11-20' },
    { business_date: '2026-11-21', part: 1, receipts: 2 },
  ])
})

t.test('every collector has its own, and replicas at once make each of them once', async (t) => {
  const bench = await receiptBench(t)
  const other = await seedTenant(bench.database)
  bench.environment.set(at('20T10:00:00'))
  await bench.pay()
  await bench.pay({}, other)
  await issueDue(bench.options)
  bench.environment.set(at('20T23:45:00'))
  await Promise.all(Array.from({ length: 6 }, () => summariseDue(bench.options)))
  t.equal((await summaries(bench)).length, 2)
  const [count] = await bench.database.query(
    'SELECT count(*) AS lines, count(DISTINCT receipt_id) AS receipts FROM receipt_summary_lines',
    [],
  )
  t.same(count, { lines: 4n, receipts: 4n })
})

t.test('a day without receipts has no summary, and a summary cannot be changed', async (t) => {
  const bench = await receiptBench(t)
  bench.environment.set(at('20T23:59:00'))
  t.equal(await summariseDue(bench.options), 0)
  await issueAt(bench, '20T23:59:10')
  await summariseDue(bench.options)
  for (const change of [
    'UPDATE receipt_summaries SET amount = 0',
    'DELETE FROM receipt_summary_lines',
    `UPDATE receipt_summary_lines SET amount = 0`,
  ])
    await t.rejects(bench.database.query(change, []), { code: '42501' }, change)
})
