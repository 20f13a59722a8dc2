import t, { type Test } from 'tap'
import type { Outcome } from '../../src/domain/outcome.ts'
import { createSettler } from '../../src/settlement/group.ts'
import type { SettlementResult } from '../../src/settlement/settle.ts'
import type { Database } from '../../src/store/database.ts'
import { testDatabase } from '../harness/database.ts'
import { testEnvironment } from '../harness/environment.ts'
import {
  anId,
  aSuccess,
  type Seeded,
  type SeededInvoice,
  seedInvoice,
  seedRailAccount,
  seedTenant,
  seedTime,
} from '../harness/seed.ts'

type Fixture = {
  database: Database
  seeded: Seeded
  settle: (outcome: Outcome, transferRail?: boolean) => Promise<SettlementResult>
}

async function fixture(t: Test): Promise<Fixture> {
  const { database } = await testDatabase(t)
  const seeded = await seedTenant(database)
  const settler = createSettler({ database, environment: testEnvironment() })
  t.teardown(() => settler.close())
  return { database, seeded, settle: (outcome, transferRail = false) => settler.settle({ outcome, transferRail }) }
}

async function stateOf(database: Database, invoice: SeededInvoice) {
  const [row] = await database.query<{ status: string; payment: string; late: number | null; paid_at: Date | null }>(
    `SELECT i.status, p.status AS payment, i.late_by_seconds AS late, i.paid_at FROM invoices i JOIN payments p ON p.id = $2 WHERE i.id = $1`,
    [invoice.id, invoice.paymentId],
  )
  const settlements = await database.query<{ disposition: string; amount: bigint }>(
    'SELECT disposition, amount FROM settlements WHERE invoice_id = $1 ORDER BY id',
    [invoice.id],
  )
  const refunds = await database.query<{ origin: string; amount: bigint; status: string }>(
    'SELECT origin, amount, status FROM refunds WHERE invoice_id = $1 ORDER BY id',
    [invoice.id],
  )
  const events = await database.query<{ type: string }>(
    'SELECT type FROM events WHERE invoice_id = $1 ORDER BY invoice_seq',
    [invoice.id],
  )
  return { ...row, settlements, refunds, events: events.map(({ type }) => type) }
}

async function ledgerSum(database: Database): Promise<bigint> {
  const [row] = await database.query<{ sum: bigint }>(
    'SELECT coalesce(sum(amount), 0)::bigint AS sum FROM ledger_postings',
    [],
  )
  return row?.sum ?? -1n
}

t.test(
  'a first success pays the invoice, posts per fee kind, requests receipts and tells the dossier system once',
  async (t) => {
    const { database, seeded, settle } = await fixture(t)
    const invoice = await seedInvoice(database, seeded)
    const result = await settle(aSuccess(seeded, invoice))
    t.equal(result.verdict.kind, 'recorded')
    t.equal(result.rule, 'first-success')
    const state = await stateOf(database, invoice)
    t.match(state, { status: 'PAID', payment: 'SUCCEEDED', late: null, events: ['invoice.paid'], refunds: [] })
    t.same(state.settlements, [{ disposition: 'APPLIED', amount: 58_000n }])
    const postings = await database.query('SELECT account, amount FROM ledger_postings ORDER BY line_no', [])
    t.same(postings, [
      { account: `rail:${seeded.railAccountId}`, amount: 58_000n },
      { account: `collected:${seeded.beneficiaryAccountId}:2768`, amount: -50_000n },
      { account: `collected:${seeded.beneficiaryAccountId}:2716`, amount: -8_000n },
    ])
    const receipts = await database.query('SELECT kind, amount, status FROM receipts ORDER BY kind', [])
    t.same(receipts, [
      { kind: 'LE_PHI', amount: 50_000n, status: 'REQUESTED' },
      { kind: 'PHI', amount: 8_000n, status: 'REQUESTED' },
    ])
  },
)

t.test('the same rail transaction again gives the same settlement and no second effect', async (t) => {
  const { database, seeded, settle } = await fixture(t)
  const invoice = await seedInvoice(database, seeded)
  const outcome = aSuccess(seeded, invoice)
  const first = await settle(outcome)
  const second = await settle(outcome)
  t.equal(second.verdict.kind, 'repeated')
  t.equal(second.settlementId, first.settlementId)
  t.match(await stateOf(database, invoice), { events: ['invoice.paid'], settlements: [{ disposition: 'APPLIED' }] })
})

t.test(
  'a rail transaction that comes again with another reference or amount changes nothing and raises an alarm',
  async (t) => {
    const { database, seeded, settle } = await fixture(t)
    const invoice = await seedInvoice(database, seeded)
    const other = await seedInvoice(database, seeded)
    const success = aSuccess(seeded, invoice)
    await settle(success)
    for (const conflicting of [
      { ...success, merchantRef: other.merchantRef },
      { ...success, amount: success.amount + 1n },
    ]) {
      t.match(await settle(conflicting), { rule: 'conflict', alarm: true, verdict: { kind: 'alreadyFinal' } })
    }
    t.match(await stateOf(database, other), { status: 'PAYING', settlements: [] })
    t.match(await stateOf(database, invoice), { status: 'PAID', settlements: [{ disposition: 'APPLIED' }] })
  },
)

t.test(
  'a second success by another transaction is a duplicate with an open refund case and pushes nothing',
  async (t) => {
    const { database, seeded, settle } = await fixture(t)
    const invoice = await seedInvoice(database, seeded)
    await settle(aSuccess(seeded, invoice))
    const second = await settle(aSuccess(seeded, invoice))
    t.equal(second.verdict.kind, 'alreadyFinal')
    t.ok(second.alarm)
    const state = await stateOf(database, invoice)
    t.same(state.refunds, [{ origin: 'DUPLICATE', amount: 58_000n, status: 'REQUESTED' }])
    t.same(state.events, ['invoice.paid'])
    t.equal(await ledgerSum(database), 0n)
  },
)

t.test('less than owed is on record as underpaid, the invoice stays open and the payer is told', async (t) => {
  const { database, seeded, settle } = await fixture(t)
  const invoice = await seedInvoice(database, seeded)
  const result = await settle(aSuccess(seeded, invoice, { amount: 57_999n }), true)
  t.equal(result.verdict.kind, 'amountMismatch')
  const state = await stateOf(database, invoice)
  t.match(state, {
    status: 'PAYING',
    settlements: [{ disposition: 'UNDERPAID', amount: 57_999n }],
    events: ['payment.underpaid'],
  })
})

t.test('more than owed on a transfer rail pays the invoice and opens a case for the difference', async (t) => {
  const { database, seeded, settle } = await fixture(t)
  const invoice = await seedInvoice(database, seeded)
  await settle(aSuccess(seeded, invoice, { amount: 60_000n }), true)
  const state = await stateOf(database, invoice)
  t.match(state, {
    status: 'PAID',
    settlements: [{ disposition: 'OVERPAID', amount: 60_000n }],
    refunds: [{ origin: 'OVERPAID', amount: 2_000n }],
  })
  t.equal(await ledgerSum(database), 0n)
})

t.test('more than ordered on a rail that sets the amount is refused and books nothing', async (t) => {
  const { database, seeded, settle } = await fixture(t)
  const invoice = await seedInvoice(database, seeded)
  const result = await settle(aSuccess(seeded, invoice, { amount: 60_000n }), false)
  t.equal(result.verdict.kind, 'amountMismatch')
  t.ok(result.alarm)
  t.match(await stateOf(database, invoice), { status: 'PAYING', settlements: [], events: [] })
})

t.test('money after expiry pays the invoice with lateBy while the price still holds', async (t) => {
  const { database, seeded, settle } = await fixture(t)
  const expiresAt = new Date(seedTime.getTime() + 30_000)
  const invoice = await seedInvoice(database, seeded, { status: 'EXPIRED', expiresAt })
  await settle(aSuccess(seeded, invoice))
  t.match(await stateOf(database, invoice), {
    status: 'PAID',
    late: 30,
    paid_at: new Date(seedTime.getTime() + 60_000),
  })
})

t.test('money after expiry is held when the price ended or a newer demand took its place', async (t) => {
  const { database, seeded, settle } = await fixture(t)
  const ended = await seedInvoice(database, seeded, { status: 'EXPIRED', priceValidTo: '2026-11-19' })
  await settle(aSuccess(seeded, ended))
  t.match(await stateOf(database, ended), {
    status: 'EXPIRED',
    settlements: [{ disposition: 'UNAPPLIED' }],
    refunds: [{ origin: 'UNAPPLIED' }],
  })

  const replaced = await seedInvoice(database, seeded, {
    status: 'EXPIRED',
    dossierCode: 'H56.14-261120-9001',
    obligationKey: 'same',
  })
  await seedInvoice(database, seeded, { status: 'ISSUED', dossierCode: 'H56.14-261120-9001', obligationKey: 'same' })
  await settle(aSuccess(seeded, replaced))
  t.match(await stateOf(database, replaced), { status: 'EXPIRED', settlements: [{ disposition: 'UNAPPLIED' }] })
})

for (const status of ['CANCELLED', 'SUPERSEDED', 'WAIVED']) {
  t.test(`money for a ${status} invoice is held with a refund case`, async (t) => {
    const { database, seeded, settle } = await fixture(t)
    const invoice = await seedInvoice(database, seeded, { status })
    const result = await settle(aSuccess(seeded, invoice))
    t.equal(result.verdict.kind, 'alreadyFinal')
    t.match(await stateOf(database, invoice), {
      status,
      settlements: [{ disposition: 'UNAPPLIED' }],
      refunds: [{ origin: 'UNAPPLIED', amount: 58_000n }],
    })
  })
}

t.test(
  'a failure closes the attempt and opens the invoice again; a failure after success changes nothing',
  async (t) => {
    const { database, seeded, settle } = await fixture(t)
    const failed = await seedInvoice(database, seeded)
    t.equal((await settle(aSuccess(seeded, failed, { kind: 'failed' }))).verdict.kind, 'recorded')
    t.match(await stateOf(database, failed), { status: 'ISSUED', payment: 'FAILED', settlements: [] })

    const paid = await seedInvoice(database, seeded)
    const success = aSuccess(seeded, paid)
    await settle(success)
    const late = await settle({ ...success, kind: 'failed' })
    t.match(late, { verdict: { kind: 'alreadyFinal' }, alarm: true })
    t.match(await stateOf(database, paid), { status: 'PAID', payment: 'SUCCEEDED' })
  },
)

t.test('a success after a recorded failure is money and pays the invoice', async (t) => {
  const { database, seeded, settle } = await fixture(t)
  const invoice = await seedInvoice(database, seeded)
  await settle(aSuccess(seeded, invoice, { kind: 'failed' }))
  await settle(aSuccess(seeded, invoice))
  t.match(await stateOf(database, invoice), { status: 'PAID', payment: 'SUCCEEDED' })
})

t.test('money in another currency or for another tenant or account is refused and books nothing', async (t) => {
  const { database, seeded, settle } = await fixture(t)
  const invoice = await seedInvoice(database, seeded)
  t.match(await settle(aSuccess(seeded, invoice, { currency: 'USD' })), { verdict: { kind: 'refused' }, alarm: true })
  const stranger = await seedTenant(database)
  const foreign = await settle(aSuccess(stranger, invoice, { merchantRef: invoice.payCode }), true)
  t.match(foreign, { verdict: { kind: 'refused', reason: 'wrong-account' }, alarm: true })
  t.match(await stateOf(database, invoice), { status: 'PAYING', settlements: [] })
})

t.test('money under an unknown reference is an orphan with a refund case', async (t) => {
  const { database, seeded, settle } = await fixture(t)
  const invoice = await seedInvoice(database, seeded)
  const result = await settle(aSuccess(seeded, invoice, { merchantRef: 'NOBODY' }))
  t.equal(result.verdict.kind, 'unknownReference')
  const orphans = await database.query(`SELECT disposition, amount FROM settlements WHERE invoice_id IS NULL`, [])
  t.same(orphans, [{ disposition: 'ORPHAN', amount: 58_000n }])
  t.equal(await ledgerSum(database), 0n)
})

t.test('a transfer by pay code without an attempt pays the invoice and leaves an attempt on record', async (t) => {
  const { database, seeded, settle } = await fixture(t)
  const qr = await seedRailAccount(database, seeded, { rail: 'vietqr' })
  const invoice = await seedInvoice(database, seeded, { status: 'ISSUED', paymentStatus: 'FAILED' })
  await settle(aSuccess(seeded, invoice, { accountId: qr, merchantRef: invoice.payCode }), true)
  const [payment] = await database.query('SELECT status, amount FROM payments WHERE rail_account_id = $1', [qr])
  t.same(payment, { status: 'SUCCEEDED', amount: 58_000n })
  t.match(await stateOf(database, invoice), { status: 'PAID' })
})

t.test('a reversal undoes the postings, keeps PAID and tells the dossier system', async (t) => {
  const { database, seeded, settle } = await fixture(t)
  const invoice = await seedInvoice(database, seeded)
  const success = aSuccess(seeded, invoice)
  await settle(success)
  const reversal = await settle({ ...success, kind: 'reversed' })
  t.match(reversal, { verdict: { kind: 'recorded' }, alarm: true })
  t.equal((await settle({ ...success, kind: 'reversed' })).verdict.kind, 'repeated')
  t.match(await stateOf(database, invoice), { status: 'PAID', events: ['invoice.paid', 'payment.reversed'] })
  const balances = await database.query<{ account: string; balance: bigint }>(
    'SELECT account, balance FROM ledger_balances WHERE balance <> 0 ORDER BY account',
    [],
  )
  t.same(
    balances.map(({ account }) => account.split(':')[0]),
    ['collected', 'collected', 'reopened'],
  )
})

t.test('64 successes for one invoice at once: one is applied, 63 are duplicates', async (t) => {
  const { database, seeded, settle } = await fixture(t)
  const invoice = await seedInvoice(database, seeded)
  const results = await Promise.all(Array.from({ length: 64 }, () => settle(aSuccess(seeded, invoice))))
  t.equal(results.filter(({ rule }) => rule === 'first-success').length, 1)
  t.equal(results.filter(({ rule }) => rule === 'second-success').length, 63)
  const state = await stateOf(database, invoice)
  t.equal(state.refunds.length, 63)
  t.same(state.events, ['invoice.paid'])
  t.equal(await ledgerSum(database), 0n)
})

t.test('two settlers (replicas) with the same 40 callbacks settle each of them once', async (t) => {
  const { database, seeded } = await fixture(t)
  const invoices = await Promise.all(Array.from({ length: 20 }, () => seedInvoice(database, seeded)))
  const outcomes = invoices.flatMap((invoice) => [
    aSuccess(seeded, invoice),
    aSuccess(seeded, invoice, { merchantRef: 'NOBODY' }),
  ])
  const replicas = [0, 1].map(() => createSettler({ database, environment: testEnvironment() }))
  const results = await Promise.all(
    replicas.flatMap((settler) => outcomes.map((outcome) => settler.settle({ outcome, transferRail: false }))),
  )
  t.equal(results.filter(({ verdict }) => verdict.kind === 'repeated').length, 40)
  const [row] = await database.query<{ count: bigint }>('SELECT count(*) AS count FROM settlements', [])
  t.equal(row?.count, 40n)
  t.equal(await ledgerSum(database), 0n)
})

t.test('one bad item never harms its neighbours', async (t) => {
  const { database, seeded } = await fixture(t)
  const settler = createSettler({ database, environment: testEnvironment() })
  const good = await Promise.all(Array.from({ length: 3 }, () => seedInvoice(database, seeded)))
  const outcomes = good.map((invoice) => aSuccess(seeded, invoice))
  // An amount the books cannot hold stands for any item the database refuses.
  const bad = aSuccess(seeded, good[0] ?? (await seedInvoice(database, seeded)), {
    merchantRef: 'NOBODY',
    amount: 2n ** 70n,
  })
  const results = await Promise.allSettled(
    [...outcomes.slice(0, 2), bad, ...outcomes.slice(2)].map((outcome) =>
      settler.settle({ outcome, transferRail: false }),
    ),
  )
  t.same(
    results.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
  )
  for (const invoice of good) t.match(await stateOf(database, invoice), { status: 'PAID' })
})

t.test('the books take no update, no delete and no posting that does not balance', async (t) => {
  const { database, seeded, settle } = await fixture(t)
  const invoice = await seedInvoice(database, seeded)
  await settle(aSuccess(seeded, invoice))
  for (const table of [
    'settlements',
    'ledger_postings',
    'ledger_transactions',
    'journal_entries',
    'callbacks',
    'invoice_items',
  ]) {
    await t.rejects(database.query(`DELETE FROM ${table}`, []), { code: '42501' }, `${table} takes no delete`)
  }
  await t.rejects(database.query('UPDATE ledger_postings SET amount = 1', []), { code: '42501' })
  const id = anId('ltx')
  await t.rejects(
    database.transaction(async (tx) => {
      await tx.query(
        `INSERT INTO ledger_transactions (id, tenant_id, kind, booked_at) VALUES ($1, $2, 'TEST', now())`,
        [id, seeded.tenantId],
      )
      await tx.query(
        `INSERT INTO ledger_postings (transaction_id, line_no, account, amount) VALUES ($1, 1, 'a', 5), ($1, 2, 'b', -4)`,
        [id],
      )
    }),
    /does not sum to zero/,
  )
})
