/** Real refunds and the receipts and reports they change: asked for, approved, sent, done, adjusted. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { businessDate } from '../../src/domain/vietnam-time.ts'
import { reports } from '../../src/http/finance/reports/all.ts'
import { readTotals } from '../../src/http/finance/reports/query.ts'
import { adjustDue } from '../../src/receipt/adjustments.ts'
import { issueDue } from '../../src/receipt/issue.ts'
import { openKeyRing } from '../../src/signing/key-ring.ts'
import { createTokens } from '../../src/signing/tokens.ts'
import { sendDueRefunds } from '../../src/watch/refunds.ts'
import { balances, type RefundFixture, refundFixture } from '../harness/refunds.ts'
import { seedTime } from '../harness/seed.ts'

async function bench(t: Test): Promise<RefundFixture & { receipts: () => Promise<void> }> {
  const fixture = await refundFixture(t)
  const folder = mkdtempSync(join(tmpdir(), 'feegate-keys-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const keys = openKeyRing(folder)
  await keys.generate('ES256', seedTime)
  const options = { ...fixture.options, sign: createTokens(keys).sign, publicUrl: () => 'https://feegate.example' }
  return {
    ...fixture,
    receipts: async () => {
      await adjustDue(options)
      await issueDue(options)
    },
  }
}

const standing = async ({ database }: RefundFixture): Promise<string[]> =>
  (
    await database.query<{ kind: string; sum: bigint; statuses: string }>(
      `SELECT kind, sum(amount)::bigint AS sum, string_agg(status || coalesce(' ' || relation, ''), ', ' ORDER BY number) AS statuses
         FROM receipts GROUP BY kind ORDER BY kind`,
      [],
    )
  ).map(({ kind, sum, statuses }) => `${kind} ${sum}: ${statuses}`)

t.test('refunds in parts leave on the receipts exactly what the agency keeps, to the last đồng', async (t) => {
  const fixture = await bench(t)
  const { settlementId } = await fixture.paid()
  await fixture.receipts()
  await fixture.approved(settlementId, { items: [{ lineNo: 1, amount: 20_000n }] })
  await sendDueRefunds(fixture.options)
  await fixture.receipts()
  t.same(await standing(fixture), ['LE_PHI 30000: ADJUSTED, ISSUED ADJUSTS', 'PHI 8000: ISSUED'])
  await fixture.approved(settlementId)
  await sendDueRefunds(fixture.options)
  await fixture.receipts()
  t.same(await standing(fixture), [
    'LE_PHI 0: ADJUSTED, ISSUED ADJUSTS, ISSUED ADJUSTS',
    'PHI 0: ADJUSTED, ISSUED ADJUSTS',
  ])
  const events = await fixture.database.query<{ type: string }>('SELECT type FROM events ORDER BY invoice_seq', [])
  t.same(
    events.map(({ type }) => type),
    [
      'invoice.paid',
      'receipt.issued',
      'receipt.issued',
      'invoice.refunded',
      'receipt.issued',
      'invoice.refunded',
      'receipt.issued',
      'receipt.issued',
    ],
  )
})

t.test('a refund that is done before any receipt was issued: the receipt comes first', async (t) => {
  const fixture = await bench(t)
  const { settlementId } = await fixture.paid()
  await fixture.approved(settlementId)
  await sendDueRefunds(fixture.options)
  await fixture.receipts()
  await fixture.receipts()
  t.same(await standing(fixture), ['LE_PHI 0: ADJUSTED, ISSUED ADJUSTS', 'PHI 0: ADJUSTED, ISSUED ADJUSTS'])
})

t.test('reports say of refunds what the ledger says', async (t) => {
  const fixture = await bench(t)
  await fixture.paid()
  const { settlementId } = await fixture.paid()
  await fixture.approved(settlementId, { items: [{ lineNo: 2, amount: 8_000n }] })
  await sendDueRefunds(fixture.options)
  const now = fixture.environment.now()
  const { tenantId, beneficiaryAccountId } = fixture.seeded
  const totals = async (name: string) => {
    const report = reports.find((candidate) => candidate.name === name)
    if (report === undefined) throw new Error(name)
    const day = businessDate(now)
    return readTotals(fixture.database.forTenant(tenantId), report, {
      tenantId,
      from: day,
      to: day,
      agencyCode: null,
      now,
    })
  }
  t.match(await totals('collections'), { payments: 2, collected: 116_000, refunded: 8_000, net: 108_000 })
  t.match(await totals('remittance'), { collected: 116_000, takenBack: 8_000, due: 108_000 })
  t.match(await totals('refunds'), { refunds: 1, amount: 8_000 })
  const books = await balances(fixture.database)
  const collected = Object.entries(books).filter(([account]) =>
    account.startsWith(`collected:${beneficiaryAccountId}:`),
  )
  t.equal(
    collected.reduce((sum, [, balance]) => sum - balance, 0n),
    108_000n,
  )
})
