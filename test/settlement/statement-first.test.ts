/** Money that a statement told of first, and the rail's own notice that comes after it. */
import t from 'tap'
import { createSettler } from '../../src/settlement/group.ts'
import { testDatabase } from '../harness/database.ts'
import { testEnvironment } from '../harness/environment.ts'
import { aSuccess, seedInvoice, seedTenant } from '../harness/seed.ts'

t.test('a late notice of a payment that a statement booked already is a repeat, not a second payment', async (t) => {
  const { database } = await testDatabase(t)
  const seeded = await seedTenant(database)
  const settler = createSettler({ database, environment: testEnvironment() })
  const invoice = await seedInvoice(database, seeded)
  const told = await settler.settle({
    outcome: aSuccess(seeded, invoice, { source: 'STATEMENT', railTransactionId: 'FT1' }),
    transferRail: true,
  })
  const notice = { outcome: aSuccess(seeded, invoice, { railTransactionId: 'VNP9' }), transferRail: false }
  t.match(await settler.settle(notice), {
    rule: 'repeat',
    verdict: { kind: 'repeated', settlementId: told.settlementId },
  })
  t.same(await database.query('SELECT id FROM refunds', []), [], 'nobody is offered money back')
  const other = { outcome: aSuccess(seeded, invoice, { railTransactionId: 'VNP9', amount: 1n }), transferRail: false }
  t.not((await settler.settle(other)).rule, 'repeat', 'another amount is other news')
})

t.test(
  'on a transfer rail only a notice that names the bank’s reference is the same money: a pay code may be paid twice',
  async (t) => {
    const { database } = await testDatabase(t)
    const seeded = await seedTenant(database, { rail: 'vietqr' })
    const settler = createSettler({ database, environment: testEnvironment() })
    const settle = (over: Parameters<typeof aSuccess>[2]) =>
      settler.settle({
        outcome: aSuccess(seeded, invoice, { merchantRef: invoice.payCode, ...over }),
        transferRail: true,
      })
    const invoice = await seedInvoice(database, seeded)
    await settle({ source: 'STATEMENT', railTransactionId: 'FT1' })
    t.match(await settle({ railTransactionId: '881', evidence: { referenceCode: 'FT1' } }), { rule: 'repeat' })
    t.match(await settle({ railTransactionId: '882', evidence: { referenceCode: 'FT2' } }), { rule: 'second-success' })
  },
)
