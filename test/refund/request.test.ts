/** Who may ask for what, of which payment, by which channel; and that parallel requests never take more than was paid. */
import t from 'tap'
import { prepareRefund } from '../../src/refund/prepare.ts'
import { requestRefund, settlementOfInvoice } from '../../src/refund/request.ts'
import { payee, refundFixture } from '../harness/refunds.ts'
import { aSuccess, seedInvoice, seedRailAccount, seedTenant } from '../harness/seed.ts'

t.test('fifty requests at once for parts of one payment: together never more than was paid', async (t) => {
  const fixture = await refundFixture(t, { maxConnections: 20 })
  const { settlementId } = await fixture.paid()
  const part = { items: [{ lineNo: 1, amount: 3_000n }] }
  const results = await Promise.allSettled(Array.from({ length: 50 }, () => fixture.ask(settlementId, part)))
  const granted = results.filter(({ status }) => status === 'fulfilled')
  t.equal(granted.length, 16, '16 × 3,000 of 50,000')
  for (const result of results)
    if (result.status === 'rejected') t.match(result.reason, { code: 'REFUND_EXCEEDS_PAID' })
  const [{ held } = { held: 0n }] = await fixture.database.query<{ held: bigint }>(
    'SELECT sum(amount)::bigint AS held FROM refunds WHERE settlement_id = $1',
    [settlementId],
  )
  t.equal(held, 48_000n)
})

t.test('fifty at once for an orphan, which has no invoice to lock', async (t) => {
  const fixture = await refundFixture(t, { maxConnections: 20 })
  const { seeded } = fixture
  const invoice = await seedInvoice(fixture.database, seeded)
  const orphan = await fixture.settle(aSuccess(seeded, invoice, { merchantRef: 'NOBODY', amount: 10_000n }))
  const [found] = await fixture.database.query<{ id: string }>('SELECT id FROM refunds WHERE settlement_id = $1', [
    orphan,
  ])
  await fixture.database.transaction((tx) =>
    prepareRefund(
      tx,
      fixture.environment,
      { tenantId: seeded.tenantId, subject: 'an' },
      found?.id ?? '',
      {
        reason: 'NOT_OWED',
        legalBasis: 'Chuyển nhầm',
        channel: 'AGENCY_PAYOUT',
        amount: 1_000n,
      },
      fixture.vault,
    ),
  )
  const ask = { reason: 'NOT_OWED', amount: 700n, channel: 'AGENCY_PAYOUT', payee } as const
  const results = await Promise.allSettled(Array.from({ length: 50 }, () => fixture.ask(orphan, ask)))
  t.equal(results.filter(({ status }) => status === 'fulfilled').length, 12, '12 × 700 of the 9,000 that are left')
})

t.test('each refund rule: what a request about it gets', async (t) => {
  const fixture = await refundFixture(t)
  const asked = async (rule: string, reason: 'NOT_GRANTED' | 'WITHDRAWN' | 'PAID_TWICE') => {
    const { settlementId } = await fixture.paid({ refundRules: [rule, rule] })
    return await fixture.ask(settlementId, { reason, otherPayment: 'BL 0001234' }).then(
      () => 'asked',
      ({ code }: { code: string }) => code,
    )
  }
  const rows: [string, string, string, string][] = [
    // rule, NOT_GRANTED, WITHDRAWN, PAID_TWICE
    ['IF_NOT_GRANTED', 'asked', 'REFUND_NOT_ALLOWED', 'asked'],
    ['NEVER', 'REFUND_NOT_ALLOWED', 'REFUND_NOT_ALLOWED', 'asked'],
    ['ALWAYS_DUPLICATE', 'REFUND_NOT_ALLOWED', 'REFUND_NOT_ALLOWED', 'asked'],
    ['TAX_LAW', 'REFUND_TAX_LAW', 'REFUND_TAX_LAW', 'REFUND_TAX_LAW'],
  ]
  for (const [rule, ...expected] of rows)
    t.same(
      [await asked(rule, 'NOT_GRANTED'), await asked(rule, 'WITHDRAWN'), await asked(rule, 'PAID_TWICE')],
      expected,
      rule,
    )
})

t.test('a tax is refused with the procedure of the tax authority in hand', async (t) => {
  const fixture = await refundFixture(t)
  const { settlementId } = await fixture.paid({ refundRules: ['TAX_LAW', 'TAX_LAW'] })
  const [row] = await fixture.database.query<{ txn: string }>(
    'SELECT rail_transaction_id AS txn FROM settlements WHERE id = $1',
    [settlementId],
  )
  await t.rejects(fixture.ask(settlementId), {
    code: 'REFUND_TAX_LAW',
    detailVi: new RegExp(`cơ quan thuế.*${row?.txn}.*252/2026/NĐ-CP`),
    detailEn: /tax authority/,
  })
})

t.test('a reason that needs another payment names it, and portals ask for what is theirs to ask', async (t) => {
  const fixture = await refundFixture(t)
  const { settlementId } = await fixture.paid()
  await t.rejects(fixture.ask(settlementId, { reason: 'PAID_TWICE' }), {
    code: 'INVALID_REQUEST',
    errors: [{ field: 'otherPayment' }],
  })
  const { tenantId, clientId } = fixture.seeded
  await t.rejects(
    fixture.database.transaction((tx) =>
      requestRefund(
        tx,
        fixture.environment,
        { tenantId, actor: clientId, as: 'portal' },
        settlementId,
        {
          reason: 'PAID_TWICE',
          legalBasis: 'x',
          otherPayment: 'BL 1',
        },
        fixture.vault,
      ),
    ),
    { code: 'REFUND_NOT_ALLOWED' },
  )
})

t.test('what has not been paid, or is another tenant’s, cannot be asked back', async (t) => {
  const fixture = await refundFixture(t)
  const { database, seeded } = fixture
  const open = await seedInvoice(database, seeded)
  const { invoice, settlementId } = await fixture.paid()
  const other = await seedTenant(database)
  const find = (owner: { tenantId: string; clientId?: string }, id: string) =>
    database.transaction((tx) => settlementOfInvoice(tx, owner, id))
  await t.rejects(find(seeded, open.id), { code: 'INVOICE_NOT_PAID' })
  await t.rejects(find(other, invoice.id), { code: 'NOT_FOUND' })
  await t.rejects(find({ tenantId: seeded.tenantId, clientId: other.clientId }, invoice.id), { code: 'NOT_FOUND' })
  t.equal(await find(seeded, invoice.id), settlementId)
  const theirs = { tenantId: other.tenantId, actor: 'an', as: 'officer' } as const
  await t.rejects(
    database.transaction((tx) =>
      requestRefund(
        tx,
        fixture.environment,
        theirs,
        settlementId,
        { reason: 'NOT_GRANTED', legalBasis: 'x' },
        fixture.vault,
      ),
    ),
    { code: 'NOT_FOUND' },
  )
})

t.test('without a channel named: the rail on the day of payment, the agency’s account later', async (t) => {
  const fixture = await refundFixture(t)
  const part = { items: [{ lineNo: 2, amount: 1_000n }], channel: undefined }
  const { settlementId } = await fixture.paid()
  t.match(await fixture.read(await fixture.ask(settlementId, part)), { channel: 'RAIL_REVERSAL' })
  // Paid at 10:01 in Viet Nam: midnight there ends the day.
  fixture.environment.set(new Date('2026-11-20T16:59:59Z'))
  t.match(await fixture.read(await fixture.ask(settlementId, part)), { channel: 'RAIL_REVERSAL' })
  fixture.environment.set(new Date('2026-11-20T17:00:00Z'))
  const later = await fixture.ask(settlementId, part)
  t.match(await fixture.read(later), { channel: 'AGENCY_PAYOUT', payee: null })
  await t.rejects(fixture.approve(later), { code: 'REFUND_INCOMPLETE' }, 'nobody knows where to pay it yet')
})

t.test('a rail that makes no refunds, and money without an attempt of ours, go back by payout only', async (t) => {
  const fixture = await refundFixture(t)
  const { database, seeded } = fixture
  const railAccountId = await seedRailAccount(database, seeded, { rail: 'vietqr' })
  const invoice = await seedInvoice(database, seeded, {
    railAccountId,
    refundRules: ['IF_NOT_GRANTED', 'IF_NOT_GRANTED'],
  })
  const settlementId = await fixture.settle(
    aSuccess(seeded, invoice, { rail: 'vietqr', accountId: railAccountId }),
    true,
  )
  await t.rejects(fixture.ask(settlementId), { code: 'REFUND_CHANNEL_NOT_OFFERED', message: /no refunds/ })
  const orphan = await fixture.settle(aSuccess(seeded, invoice, { merchantRef: 'NOBODY' }))
  const [found] = await database.query<{ id: string }>('SELECT id FROM refunds WHERE settlement_id = $1', [orphan])
  const prepare = (channel: 'RAIL_REVERSAL' | 'AGENCY_PAYOUT') =>
    database.transaction((tx) =>
      prepareRefund(
        tx,
        fixture.environment,
        { tenantId: seeded.tenantId, subject: 'an' },
        found?.id ?? '',
        {
          reason: 'NOT_OWED',
          legalBasis: 'Chuyển nhầm',
          channel,
          payee,
        },
        fixture.vault,
      ),
    )
  await t.rejects(prepare('RAIL_REVERSAL'), { code: 'REFUND_CHANNEL_NOT_OFFERED', message: /without an attempt/ })
  await prepare('AGENCY_PAYOUT')
  t.match(await fixture.read(found?.id ?? ''), { channel: 'AGENCY_PAYOUT', amount: 58_000n })
})

t.test('of an overpayment the excess is a case, and the fees follow their rules', async (t) => {
  const fixture = await refundFixture(t)
  const { database, seeded } = fixture
  const invoice = await seedInvoice(database, seeded, { refundRules: ['IF_NOT_GRANTED', 'NEVER'] })
  const settlementId = await fixture.settle(aSuccess(seeded, invoice, { amount: 60_000n }), true)
  t.match(await database.query('SELECT origin, amount FROM refunds', []), [{ origin: 'OVERPAID', amount: 2_000n }])
  await t.rejects(
    fixture.ask(settlementId, { reason: 'NOT_OWED' }),
    { code: 'REFUND_EXCEEDS_PAID' },
    'the case holds it',
  )
  t.match(await fixture.read(await fixture.ask(settlementId)), { origin: 'REQUEST', amount: 50_000n })
})
