import t, { type Test } from 'tap'
import type { Directory } from '../../src/directory/load.ts'
import { loadDirectory } from '../../src/directory/load.ts'
import { issueDue } from '../../src/receipt/issue.ts'
import { watchLateness } from '../../src/receipt/lateness.ts'
import { type ReceiptBench, receiptBench } from '../harness/receipts.ts'
import { testVault } from '../harness/vault.ts'

type Issuer = NonNullable<Directory['receiptIssuers']>[number]
type Delegation = NonNullable<Issuer['delegations']>[number]

const delegation = (over: Partial<Delegation> = {}): Delegation => ({
  id: 'post-office-2026',
  agent: { name: 'Bưu điện tỉnh', taxCode: '0102595740', address: 'Số 1 phố Bưu Điện' },
  agreement: { number: '12/HĐUN', date: '2026-10-01' },
  notifiedOn: '2026-10-20',
  from: '2026-11-01',
  to: '2026-11-30',
  template: 'EBL01',
  symbol: '26TPL',
  range: { from: 11, to: 13 },
  ...over,
})

async function delegated(
  t: Test,
  ...delegations: Delegation[]
): Promise<ReceiptBench & { load: (over: Delegation[]) => Promise<unknown> }> {
  const bench = await receiptBench(t)
  const { tenantId, agencyCode } = bench.seeded
  const load = (given: Delegation[]) =>
    bench.database.transaction((tx) =>
      loadDirectory(
        tx,
        bench.environment,
        {
          format: 'feegate-directory/1',
          tenant: { id: tenantId, name: 'Tỉnh' },
          agencies: [],
          beneficiaryAccounts: [],
          railAccounts: [],
          receiptIssuers: [{ agencyCode, mode: 'DELEGATED', delegations: given }],
        },
        'test',
        testVault(),
      ),
    )
  await load(delegations)
  return { ...bench, load }
}

t.test('an agent issues inside its range, named on the receipt with its address', async (t) => {
  const bench = await delegated(t, delegation())
  await bench.pay()
  t.equal(await issueDue(bench.options), 2)
  const receipts = await bench.receipts()
  t.same(receipts.map(({ symbol, number }) => `${symbol} ${number}`).sort(), ['26TPL 11', '26TPL 12'])
  const document = JSON.parse(Buffer.from(receipts[0]?.jws?.split('.')[1] ?? '', 'base64url').toString())
  t.match(document, {
    collector: { name: 'Sở Tư pháp' },
    agent: { name: 'Bưu điện tỉnh', taxCode: '0102595740', address: 'Số 1 phố Bưu Điện' },
  })
})

t.test('an exhausted range is refused and alarmed, and goes on with the next delegation', async (t) => {
  const bench = await delegated(t, delegation())
  await bench.pay()
  await bench.pay()
  t.equal(await issueDue(bench.options), 3)
  const [waiting] = (await bench.receipts()).filter(({ status }) => status === 'REQUESTED')
  t.match(waiting, { lastError: 'RANGE_EXHAUSTED', number: null })
  t.match(
    bench.logged.filter(({ level }) => level === 'error'),
    [{ refusal: 'RANGE_EXHAUSTED' }],
  )
  t.match(await bench.metrics.registry.getSingleMetricAsString('feegate_receipts_total'), /result="RANGE_EXHAUSTED"} 1/)
  await bench.load([delegation(), delegation({ id: 'post-office-2026-2', range: { from: 14, to: 20 } })])
  bench.environment.advance(6 * 60_000)
  t.equal(await issueDue(bench.options), 1)
  t.same((await bench.receipts()).map(({ number }) => number).sort(), [11, 12, 13, 14])
})

t.test('before and after its time an agent issues nothing', async (t) => {
  const bench = await delegated(t, delegation())
  for (const day of ['2026-10-31T16:59:59Z', '2026-11-30T17:00:00Z']) {
    bench.environment.set(new Date(day))
    await bench.pay()
    t.equal(await issueDue(bench.options), 0, day)
  }
  t.ok((await bench.receipts()).every(({ lastError }) => lastError === 'NOT_DELEGATED'))
})

t.test('a delegation can be ended earlier, never made longer or another', async (t) => {
  const bench = await delegated(t, delegation())
  await bench.load([delegation({ to: '2026-11-19', range: { from: 11, to: 999 } })])
  await bench.load([delegation({ to: '2026-11-30' })])
  t.match(await bench.database.query('SELECT valid_to, last_number FROM receipt_delegations', []), [
    { valid_to: '2026-11-19', last_number: 13 },
  ])
})

t.test('a directory with a wrong delegation is refused', async (t) => {
  const bench = await delegated(t, delegation())
  const wrong: [string, Delegation[]][] = [
    ['notice too late', [delegation({ notifiedOn: '2026-10-30' })]],
    ['symbol of another year', [delegation({ symbol: '27TPL' })]],
    ['a letter outside the set', [delegation({ symbol: '26TPF' })]],
    ['ends before it begins', [delegation({ to: '2026-10-31' })]],
    ['range upside down', [delegation({ range: { from: 9, to: 8 } })]],
    ['numbers shared', [delegation(), delegation({ id: 'other', range: { from: 13, to: 20 } })]],
  ]
  for (const [name, given] of wrong) await t.rejects(bench.load(given), { code: 'DIRECTORY_INVALID' }, name)
})

t.test('a receipt that waits raises one alarm after ten minutes and one when its day is over', async (t) => {
  const bench = await delegated(t)
  bench.environment.set(new Date('2026-11-20T16:30:00Z'))
  await bench.pay()
  await issueDue(bench.options)
  const alarms = () => bench.logged.filter(({ msg }) => /not issued/.test(msg)).map(({ msg }) => msg)
  t.same(await watchLateness(bench.options), { waiting: 0, dayMissed: 0 })
  bench.environment.advance(11 * 60_000)
  t.same(await watchLateness(bench.options), { waiting: 2, dayMissed: 0 })
  await watchLateness(bench.options)
  t.same(alarms(), ['receipt still not issued', 'receipt still not issued'])
  bench.environment.set(new Date('2026-11-20T17:00:00Z'))
  t.same(await watchLateness(bench.options), { waiting: 0, dayMissed: 2 })
  t.equal(alarms().filter((line) => line === 'receipt not issued on the day of collection').length, 2)
  t.match(await bench.metrics.registry.getSingleMetricAsString('feegate_receipts_waiting'), /day_missed"} 2/)
  await bench.load([delegation()])
  bench.environment.advance(6 * 60_000)
  await issueDue(bench.options)
  t.same(await watchLateness(bench.options), { waiting: 0, dayMissed: 0 })
})
