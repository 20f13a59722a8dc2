/** Reports over real books: what they say equals what the ledger holds, on any day, for any mix of money. */
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { businessDate, startOfLocalDay } from '../../src/domain/vietnam-time.ts'
import { reports } from '../../src/http/finance/reports/all.ts'
import { type ReportRange, readAll, readPage, readTotals } from '../../src/http/finance/reports/query.ts'
import { createSettler } from '../../src/settlement/group.ts'
import { insertAll } from '../../src/store/rows.ts'
import { asOwner, type ReceiptBench, receiptBench, seedAgency } from '../harness/receipts.ts'
import { anId, aSuccess, type Seeded, seedInvoice, seedRailAccount, seedTenant } from '../harness/seed.ts'

const reportOf = (name: string) => {
  const report = reports.find((candidate) => candidate.name === name)
  if (report === undefined) throw new Error(name)
  return report
}

async function run(bench: ReceiptBench, name: string, over: Partial<ReportRange> = {}) {
  const now = bench.environment.now()
  const range = {
    tenantId: bench.seeded.tenantId,
    from: businessDate(now),
    to: businessDate(now),
    agencyCode: null,
    now,
    ...over,
  }
  const store = bench.database.forTenant(range.tenantId)
  const report = reportOf(name)
  const { rows } = await readPage(store, report, range, 1_000, null)
  return { rows, totals: await readTotals(store, report, range) }
}

/** Everything that can happen to money, on its way into the books. */
type Happening = {
  readonly at: Date
  readonly agency: number
  readonly what: 'paid' | 'cash' | 'overpaid' | 'underpaid' | 'twice' | 'orphan' | 'reversed'
}

async function books(
  t: Test,
): Promise<{ bench: ReceiptBench; agencies: Seeded[]; happen: (happening: Happening) => Promise<void> }> {
  const bench = await receiptBench(t)
  const agencies = [bench.seeded, await seedAgency(bench.database, bench.seeded)]
  const qr = await Promise.all(agencies.map((agency) => seedRailAccount(bench.database, agency, { rail: 'vietqr' })))
  const settler = createSettler({ database: bench.database, environment: bench.environment })
  t.teardown(() => settler.close())
  return {
    bench,
    agencies,
    async happen({ at, agency, what }) {
      bench.environment.set(at)
      const owner = agencies[agency % agencies.length] ?? bench.seeded
      const invoice = await seedInvoice(bench.database, owner, {
        expiresAt: new Date(at.getTime() + 86_400_000),
        total: 58_000n,
      })
      const success = aSuccess(owner, invoice, {
        paidAt: at,
        source: what === 'cash' ? 'COUNTER' : 'CALLBACK',
        ...(what === 'overpaid' || what === 'underpaid'
          ? {
              accountId: qr[agency % agencies.length] ?? '',
              merchantRef: invoice.payCode,
              rail: 'vietqr',
              amount: what === 'overpaid' ? 60_000n : 9n,
            }
          : {}),
        ...(what === 'orphan' ? { merchantRef: 'NOBODY' } : {}),
      })
      const settle = (outcome: typeof success) =>
        settler.settle({ outcome, transferRail: what === 'overpaid' || what === 'underpaid' })
      await settle(success)
      if (what === 'twice') await settle({ ...success, railTransactionId: `${success.railTransactionId}-2` })
      if (what === 'reversed') await settle({ ...success, kind: 'reversed' })
    },
  }
}

const instant = fc.date({
  min: new Date('2026-11-18T15:00:00Z'),
  max: new Date('2026-11-22T19:00:00Z'),
  noInvalidDate: true,
})
const happening: fc.Arbitrary<Happening> = fc.record({
  at: instant,
  agency: fc.nat(1),
  what: fc.constantFrom('paid', 'cash', 'overpaid', 'underpaid', 'twice', 'orphan', 'reversed'),
})

t.test('for any days and any money the collections equal the ledger, to the đồng', { timeout: 110_000 }, async (t) => {
  const { bench, happen } = await books(t)
  const day = fc.integer({ min: 18, max: 23 }).map((date) => `2026-11-${date}`)
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { minLength: 1, maxLength: 4 }), day, day, async (events, one, other) => {
      for (const event of events) await happen(event)
      const [from = one, to = other] = [one, other].sort()
      const first = startOfLocalDay(from)
      const after = new Date((startOfLocalDay(to)?.getTime() ?? 0) + 86_400_000)
      const [ledger] = await bench.database.query<{ net: bigint; gross: bigint }>(
        `SELECT coalesce(-sum(p.amount) FILTER (WHERE p.account LIKE 'collected:%' OR p.account LIKE 'reopened:%'), 0)::bigint AS net,
                coalesce(-sum(p.amount) FILTER (WHERE p.account LIKE 'collected:%'), 0)::bigint AS gross
           FROM ledger_postings p JOIN ledger_transactions l ON l.id = p.transaction_id
          WHERE l.tenant_id = $1 AND l.booked_at >= $2 AND l.booked_at < $3`,
        [bench.seeded.tenantId, first, after],
      )
      const collections = await run(bench, 'collections', { from, to })
      const remittance = await run(bench, 'remittance', { from, to })
      const nonCash = await run(bench, 'non-cash', { from, to })
      t.equal(BigInt(collections.totals.net ?? 0), ledger?.net)
      t.equal(BigInt(collections.totals.collected ?? 0), ledger?.gross)
      t.equal(BigInt(remittance.totals.due ?? 0), ledger?.net)
      t.equal(BigInt(nonCash.totals.amount ?? 0), ledger?.gross)
      const summed = collections.rows.reduce((sum, row) => sum + BigInt(row.net ?? 0), 0n)
      t.equal(summed, ledger?.net, 'rows add up to the totals')
    }),
    { numRuns: 25 },
  )
  const open = await run(bench, 'unexplained')
  const [unapplied] = await bench.database.query<{ sum: bigint }>(
    `SELECT coalesce(-sum(p.amount), 0)::bigint AS sum FROM ledger_postings p WHERE p.account LIKE 'unapplied:%'`,
    [],
  )
  t.equal(BigInt(open.totals.amount ?? 0), unapplied?.sum, 'what is unexplained is what the books owe to payers')
})

t.test('collections tell agency, procedure, channel, rail and local day', async (t) => {
  const { bench, agencies, happen } = await books(t)
  await happen({ at: new Date('2026-11-20T16:59:59Z'), agency: 0, what: 'paid' })
  await happen({ at: new Date('2026-11-20T17:00:00Z'), agency: 0, what: 'paid' })
  await happen({ at: new Date('2026-11-20T17:00:01Z'), agency: 1, what: 'cash' })
  await happen({ at: new Date('2026-11-20T17:00:02Z'), agency: 1, what: 'overpaid' })
  await happen({ at: new Date('2026-11-20T17:00:03Z'), agency: 1, what: 'reversed' })
  const { rows, totals } = await run(bench, 'collections', { from: '2026-11-20', to: '2026-11-21' })
  const brief = rows.map((row) => [row.day, row.agencyCode, row.channel, row.rail, row.payments, row.net].join(' '))
  const [one, two] = agencies.map(({ agencyCode }) => agencyCode)
  t.same(
    brief.sort(),
    [
      `2026-11-20 ${one} CARD+ACCOUNT+QR vnpay 1 58000`,
      `2026-11-21 ${one} CARD+ACCOUNT+QR vnpay 1 58000`,
      `2026-11-21 ${two} CARD+ACCOUNT+QR vnpay 1 0`,
      `2026-11-21 ${two} COUNTER vnpay 1 58000`,
      `2026-11-21 ${two} QR vietqr 1 58000`,
    ].sort(),
  )
  t.same(totals, { payments: 5, collected: 290_000, reversed: 58_000, refunded: 0, net: 232_000 })
  const only = await run(bench, 'collections', { from: '2026-11-20', to: '2026-11-21', agencyCode: one ?? '' })
  t.equal(only.totals.net, 116_000)
  t.same(
    (await run(bench, 'non-cash', { from: '2026-11-21', to: '2026-11-21' })).rows.map((row) => [
      row.agencyCode,
      row.nonCashShare,
    ]),
    [
      [one, 100],
      [two, 66.67],
    ],
  )
})

t.test('remittance is due per economic code at the end of the cycle its rule sets', async (t) => {
  const { bench, happen } = await books(t)
  const { tenantId, agencyCode } = bench.seeded
  const rule = (code: string | null, cycle: string) => ({
    tenant_id: tenantId,
    agency_code: agencyCode,
    economic_code: code,
    cycle,
    treasury_account: `3511.${cycle}`,
    updated_at: bench.environment.now(),
  })
  await insertAll(bench.database, 'remittance_rules', [rule('2768', 'WEEKLY'), rule(null, 'MONTHLY')])
  await happen({ at: new Date('2026-11-20T05:00:00Z'), agency: 0, what: 'paid' })
  await happen({ at: new Date('2026-11-22T05:00:00Z'), agency: 0, what: 'paid' })
  await happen({ at: new Date('2026-11-23T05:00:00Z'), agency: 0, what: 'paid' })
  await happen({ at: new Date('2026-11-23T05:00:00Z'), agency: 1, what: 'paid' })
  const { rows } = await run(bench, 'remittance', { from: '2026-11-20', to: '2026-11-23', agencyCode })
  t.match(rows, [
    { periodEnd: '2026-11-22', economicCode: '2768', cycle: 'WEEKLY', treasuryAccount: '3511.WEEKLY', due: 100_000 },
    { periodEnd: '2026-11-29', economicCode: '2768', due: 50_000 },
    { periodEnd: '2026-11-30', economicCode: '2716', cycle: 'MONTHLY', due: 24_000 },
  ])
  t.equal(rows.length, 3)
  const other = (await run(bench, 'remittance', { from: '2026-11-20', to: '2026-11-23' })).rows.filter(
    (row) => row.agencyCode !== agencyCode,
  )
  t.match(other, [
    { cycle: 'DAILY', periodEnd: '2026-11-23' },
    { cycle: 'DAILY', periodEnd: '2026-11-23' },
  ])
})

t.test('a refund booked on a collected account lowers what was collected and what is due', async (t) => {
  const { bench, happen } = await books(t)
  await happen({ at: new Date('2026-11-20T05:00:00Z'), agency: 0, what: 'paid' })
  const [settlement] = await bench.database.query<{ id: string; invoice_id: string }>(
    'SELECT id, invoice_id FROM settlements',
    [],
  )
  const now = bench.environment.now()
  const refundId = anId('ref')
  const row = {
    tenant_id: bench.seeded.tenantId,
    settlement_id: settlement?.id ?? '',
    invoice_id: settlement?.invoice_id ?? '',
  }
  await insertAll(bench.database, 'refunds', [
    {
      id: refundId,
      ...row,
      origin: 'REQUEST',
      amount: 8_000n,
      status: 'REQUESTED',
      reason: 'x',
      requested_by: 'canbo',
      created_at: now,
      updated_at: now,
    },
  ])
  const transaction = anId('ltx')
  await insertAll(bench.database, 'ledger_transactions', [
    {
      id: transaction,
      tenant_id: bench.seeded.tenantId,
      settlement_id: null,
      refund_id: refundId,
      kind: 'REFUND',
      booked_at: now,
    },
  ])
  await insertAll(bench.database, 'ledger_postings', [
    {
      transaction_id: transaction,
      line_no: 1,
      account: `collected:${bench.seeded.beneficiaryAccountId}:2716`,
      amount: 8_000n,
    },
    {
      transaction_id: transaction,
      line_no: 2,
      account: `paid-out:${bench.seeded.beneficiaryAccountId}`,
      amount: -8_000n,
    },
  ])
  t.match((await run(bench, 'collections')).totals, { collected: 58_000, refunded: 8_000, net: 50_000, payments: 1 })
  t.match((await run(bench, 'remittance')).rows, [
    { economicCode: '2716', due: 0 },
    { economicCode: '2768', due: 50_000 },
  ])
  t.match((await run(bench, 'refunds')).rows, [{ origin: 'REQUEST', status: 'REQUESTED', refunds: 1, amount: 8_000 }])
})

t.test('unexplained money ages in business days', async (t) => {
  const { bench, happen } = await books(t)
  // A Friday; the next business day is the Monday.
  await happen({ at: new Date('2026-11-20T05:00:00Z'), agency: 0, what: 'orphan' })
  const ageOn = async (day: string) => {
    const { rows } = await run(bench, 'unexplained', { now: new Date(`${day}T05:00:00Z`) })
    return rows.map((row) => row.age)
  }
  t.same(await ageOn('2026-11-20'), ['0-1'])
  t.same(await ageOn('2026-11-23'), ['0-1'])
  t.same(await ageOn('2026-11-24'), ['2-3'])
  t.same(await ageOn('2026-11-26'), ['4-7'])
  t.same(await ageOn('2026-12-02'), ['8-30'])
  t.same(await ageOn('2027-01-04'), ['>30'])
  t.match((await run(bench, 'unexplained')).rows, [{ source: 'REFUND_CASE', kind: 'ORPHAN', items: 1, amount: 58_000 }])
})

t.test('receipts, acknowledgements, waivers, stuck items and online share say what happened', async (t) => {
  const { bench, happen } = await books(t)
  const { issueDue } = await import('../../src/receipt/issue.ts')
  await happen({ at: new Date('2026-11-20T05:00:00Z'), agency: 0, what: 'paid' })
  await happen({ at: new Date('2026-11-20T05:00:01Z'), agency: 0, what: 'cash' })
  await issueDue(bench.options)
  await happen({ at: new Date('2026-11-20T05:00:10Z'), agency: 0, what: 'paid' })
  await seedInvoice(bench.database, bench.seeded, { status: 'ISSUED' })
  t.match((await run(bench, 'receipts')).totals, { issued: 4, amount: 116_000, waiting: 2, late: 0, adjustments: 0 })
  t.match((await run(bench, 'online-share', { from: '2026-11-20' })).rows, [
    { dossiers: 4, paid: 3, paidOnline: 2, onlineShare: 50 },
  ])
  await bench.database.query(
    `UPDATE receipts SET alarm = 'WAITING', last_error = 'RANGE_EXHAUSTED' WHERE number IS NULL`,
    [],
  )
  await bench.database.query(
    `UPDATE payments SET needs_human = true, status = 'UNKNOWN' WHERE status = 'REDIRECTED'`,
    [],
  )
  const stuck = await run(bench, 'stuck')
  t.same(
    stuck.rows.map((row) => row.kind),
    ['PAYMENT', 'RECEIPT', 'RECEIPT'],
  )
  t.match(stuck.rows.at(-1), { detail: 'RANGE_EXHAUSTED', since: '2026-11-20T05:00:10.000Z' })
  t.match((await run(bench, 'acknowledgements')).totals, { paid: 3, acknowledged: 0, withoutEndpoint: 3 })
  const [event] = await bench.database.query<{ id: string; invoice_id: string }>(
    `SELECT id, invoice_id FROM events WHERE type = 'invoice.paid' ORDER BY created_at LIMIT 1`,
    [],
  )
  await insertAll(bench.database, 'webhook_endpoints', [
    {
      id: 'whe_1',
      tenant_id: bench.seeded.tenantId,
      client_id: bench.seeded.clientId,
      url: 'https://x.example',
      secrets: [],
      status: 'ACTIVE',
      consecutive_failures: 0,
      created_at: bench.environment.now(),
      updated_at: bench.environment.now(),
    },
  ])
  await bench.database.query(
    `INSERT INTO deliveries (id, tenant_id, event_id, endpoint_id, invoice_id, invoice_seq, status, next_attempt_at, give_up_at, delivered_at, created_at)
     SELECT 'dlv_1', tenant_id, id, 'whe_1', invoice_id, invoice_seq, 'DELIVERED', created_at, created_at, created_at + interval '4 seconds', created_at FROM events WHERE id = $1`,
    [event?.id],
  )
  t.match((await run(bench, 'acknowledgements')).rows, [
    { paid: 3, acknowledged: 1, withoutEndpoint: 2, meanFromBooking: 4, meanFromPayment: 4 },
  ])
  await asOwner(
    bench.url,
    `UPDATE invoice_items SET gross = 16000, reduction_amount = 8000, adjustment_id = 'half-2025-2026', adjustment_version = 1 WHERE line_no = 2`,
  )
  t.match((await run(bench, 'waived')).rows, [
    { day: '2026-11-20', ruleId: 'half-2025-2026', items: 3, exempt: 0, gross: 48_000, waived: 24_000 },
  ])
})

t.test('fees of rails are what their settlement files say; without files there are none', async (t) => {
  const { bench } = await books(t)
  const [there] = await bench.database.query<{ there: boolean }>(
    `SELECT to_regclass('settlement_rows') IS NOT NULL AS there`,
    [],
  )
  if (there?.there !== true) {
    t.same((await run(bench, 'rail-fees')).rows, [])
    return
  }
  const row = (id: string, status: string, gross: bigint, fee: bigint, net: bigint) => ({
    tenant_id: bench.seeded.tenantId,
    file_id: 'file',
    rail_account_id: bench.seeded.railAccountId,
    file_line: 1,
    rail_transaction_id: id,
    gross,
    fee,
    net,
    occurred_at: bench.environment.now(),
    status,
    raw: '',
  })
  for (const one of [
    row('1', 'SUCCEEDED', 58_000n, 638n, 57_362n),
    row('2', 'REVERSED', 8_000n, 0n, -8_000n),
    row('3', 'FAILED', 9n, 0n, 0n),
  ]) {
    const names = Object.keys(one)
    await bench.database.query(
      `INSERT INTO settlement_rows (${names.join(', ')}) VALUES (${names.map((_, index) => `$${index + 1}`).join(', ')})`,
      Object.values(one),
    )
  }
  t.match((await run(bench, 'rail-fees')).rows, [
    { rail: 'vnpay', transactions: 2, gross: 50_000, fee: 638, net: 49_362, feeShare: 0.967 },
  ])
})

t.test('another tenant sees nothing of it', async (t) => {
  const { bench, happen } = await books(t)
  const stranger = await seedTenant(bench.database)
  for (const what of ['paid', 'orphan', 'twice'] as const)
    await happen({ at: bench.environment.now(), agency: 0, what })
  for (const { name } of reports) {
    const { rows } = await run(bench, name, { tenantId: stranger.tenantId })
    t.same(rows, [], name)
  }
})

t.test('pages follow one another without a gap, and the file holds all of them', async (t) => {
  const { bench, happen } = await books(t)
  for (let day = 10; day <= 16; day++)
    for (const agency of [0, 1]) await happen({ at: new Date(`2026-11-${day}T05:00:00Z`), agency, what: 'paid' })
  const now = bench.environment.now()
  const range = { tenantId: bench.seeded.tenantId, from: '2026-11-10', to: '2026-11-16', agencyCode: null, now }
  const store = bench.database.forTenant(range.tenantId)
  const report = reportOf('collections')
  const seen: string[] = []
  let after: readonly string[] | null = null
  do {
    const page = await readPage(store, report, range, 4, after)
    seen.push(...page.rows.map((row) => `${row.day} ${row.agencyCode}`))
    after = page.next
  } while (after !== null)
  t.equal(seen.length, 14)
  t.equal(new Set(seen).size, 14)
  const all: string[] = []
  for await (const [day, agency] of readAll(store, report, range)) all.push(`${day} ${agency}`)
  t.same(all, seen)
})
