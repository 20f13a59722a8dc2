import { randomBytes } from 'node:crypto'
import pg from 'pg'
import t, { type Test } from 'tap'
import { createSettler } from '../../src/settlement/group.ts'
import { readTransactions } from '../../src/store/transaction-feed.ts'
import { testDatabase } from '../harness/database.ts'
import { testEnvironment } from '../harness/environment.ts'
import { aSuccess, seedInvoice, seedTenant } from '../harness/seed.ts'

async function bench(t: Test) {
  const { database, url } = await testDatabase(t)
  const seeded = await seedTenant(database)
  const settler = createSettler({ database, environment: testEnvironment() })
  t.teardown(() => settler.close())
  return {
    database,
    url,
    seeded,
    pay: async (owner = seeded) => {
      const invoice = await seedInvoice(database, owner)
      await settler.settle({ outcome: aSuccess(owner, invoice), transferRail: false })
      return invoice.id
    },
    read: (after = 0n, limit = 100, tenantId = seeded.tenantId) =>
      readTransactions(database.forTenant(tenantId), tenantId, after, limit),
  }
}

t.test('each transaction has one row and one place, with its agency', async (t) => {
  const { pay, read, seeded } = await bench(t)
  const invoices = [await pay(), await pay(), await pay()]
  const rows = await read()
  t.match(rows[0], {
    agencyCode: seeded.agencyCode,
    agencyName: 'Sở Tư pháp',
    amount: 58_000n,
    disposition: 'APPLIED',
    direction: 'IN',
    rail: 'vnpay',
    dossierCode: /^H56/,
  })
  t.same(rows.map(({ invoiceId }) => invoiceId).sort(), invoices.sort())
  t.same(await read(), rows, 'the same at every reading')
  const first = await read(0n, 2)
  const rest = await read(first.at(-1)?.position ?? 0n)
  t.same([...first, ...rest], rows)
  t.same(await read(rows.at(-1)?.position ?? 0n), [])
})

t.test('a transaction that commits late is not passed by', async (t) => {
  const { url, pay, read, seeded } = await bench(t)
  const slow = new pg.Client({ connectionString: url })
  await slow.connect()
  t.teardown(() => slow.end())
  await slow.query('BEGIN')
  await slow.query(
    `INSERT INTO settlements (id, tenant_id, rail_account_id, rail_transaction_id, direction, disposition, rule, amount, paid_at, source, evidence, settled_at)
     VALUES ($1, $2, $3, 'LATE', 'IN', 'ORPHAN', 'orphan', 5, '2026-11-20T02:59:00Z', 'CALLBACK', '{}', '2026-11-20T02:59:00Z')`,
    [`stl_${randomBytes(13).toString('hex')}`, seeded.tenantId, seeded.railAccountId],
  )
  await pay()
  const before = await read()
  t.equal(before.length, 1)
  await slow.query('COMMIT')
  const after = await read(before.at(-1)?.position ?? 0n)
  t.match(after, [{ railTransactionId: 'LATE', invoiceId: null, agencyCode: seeded.agencyCode }])
})

t.test('readers at once see one order, and another tenant sees nothing', async (t) => {
  const { database, pay, read } = await bench(t)
  for (let n = 0; n < 5; n++) await pay()
  const readings = await Promise.all(Array.from({ length: 6 }, () => read()))
  for (const reading of readings)
    t.same(
      reading.map(({ position }) => position),
      readings[0]?.map(({ position }) => position),
    )
  t.equal(new Set(readings[0]?.map(({ settlementId }) => settlementId)).size, 5)
  const stranger = await seedTenant(database)
  t.same(await read(0n, 100, stranger.tenantId), [])
})
