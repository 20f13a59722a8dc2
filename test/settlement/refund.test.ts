/** What a refund that is done changes: books, invoice, receipts, event, journal; and what the database itself forbids. */
import t from 'tap'
import { approveRefund, rejectRefund } from '../../src/refund/decide.ts'
import { prepareRefund } from '../../src/refund/prepare.ts'
import { settleRefund } from '../../src/settlement/refund.ts'
import { lockRefunds } from '../../src/store/refunds.ts'
import { sendDueRefunds } from '../../src/watch/refunds.ts'
import { balances, ledgerSum, payee, type RefundFixture, refundFixture } from '../harness/refunds.ts'
import { aSuccess, seedInvoice } from '../harness/seed.ts'

type Event = { data: { sequence: number; invoice: { status: string }; refund: Record<string, unknown> } }

const eventsOf = async ({ database }: RefundFixture, invoiceId: string): Promise<Event[]> =>
  (
    await database.query<{ body: string }>(
      `SELECT body FROM events WHERE invoice_id = $1 AND type = 'invoice.refunded' ORDER BY invoice_seq`,
      [invoiceId],
    )
  ).map(({ body }) => JSON.parse(body) as Event)

t.test('refunds in parts: the invoice is partly refunded until all of it went back, each told in order', async (t) => {
  const fixture = await refundFixture(t)
  const { database, options, seeded } = fixture
  const { invoice, settlementId } = await fixture.paid()
  const first = await fixture.approved(settlementId, { items: [{ lineNo: 1, amount: 20_000n }] })
  await sendDueRefunds(options)
  const statusOf = async () =>
    (await database.query<{ status: string }>('SELECT status FROM invoices WHERE id = $1', [invoice.id]))[0]?.status
  t.equal(await statusOf(), 'PARTIALLY_REFUNDED')
  t.match(await balances(database), {
    [`collected:${seeded.beneficiaryAccountId}:2768`]: -30_000n,
    [`collected:${seeded.beneficiaryAccountId}:2716`]: -8_000n,
    [`rail:${seeded.railAccountId}`]: 38_000n,
  })
  const second = await fixture.approved(settlementId)
  t.match(await fixture.read(second), { amount: 38_000n }, 'all that is left, when nothing is named')
  await sendDueRefunds(options)
  t.equal(await statusOf(), 'REFUNDED')
  t.match(await eventsOf(fixture, invoice.id), [
    {
      data: {
        sequence: 3,
        invoice: { status: 'PARTIALLY_REFUNDED' },
        refund: { id: first, amount: 20_000, refundedTotal: 20_000, items: [{ lineNo: 1, amount: 20_000 }] },
      },
    },
    { data: { sequence: 4, invoice: { status: 'REFUNDED' }, refund: { id: second, refundedTotal: 58_000 } } },
  ])
  await t.rejects(fixture.ask(settlementId), { code: 'REFUND_EXCEEDS_PAID' })
})

t.test('receipts stay, and are asked to be adjusted by what went back of their fees', async (t) => {
  const fixture = await refundFixture(t)
  const { database, options } = fixture
  const { settlementId } = await fixture.paid()
  const id = await fixture.approved(settlementId, { items: [{ lineNo: 1, amount: 20_000n }] })
  await sendDueRefunds(options)
  t.same(
    await database.query(
      `SELECT r.kind, r.amount AS receipt, r.status, a.amount, a.status AS asked, a.refund_id AS refund
         FROM receipts r LEFT JOIN receipt_adjustments a ON a.receipt_id = r.id ORDER BY r.kind`,
      [],
    ),
    [
      { kind: 'LE_PHI', receipt: 50_000n, status: 'REQUESTED', amount: 20_000n, asked: 'REQUESTED', refund: id },
      { kind: 'PHI', receipt: 8_000n, status: 'REQUESTED', amount: null, asked: null, refund: null },
    ],
  )
})

t.test(
  'a second payment goes back whole: the invoice stays paid, nobody is told, nothing unapplied is left',
  async (t) => {
    const fixture = await refundFixture(t)
    const { database, options, seeded, environment } = fixture
    const { invoice } = await fixture.paid({ refundRules: ['NEVER', 'NEVER'] })
    await fixture.settle(aSuccess(seeded, invoice))
    const [found] = await database.query<{ id: string }>(`SELECT id FROM refunds WHERE origin = 'DUPLICATE'`, [])
    const id = found?.id ?? ''
    const { tenantId } = seeded
    await t.rejects(fixture.approve(id), { code: 'REFUND_INCOMPLETE' }, 'a case is nobody’s request yet')
    await database.transaction((tx) =>
      prepareRefund(
        tx,
        environment,
        { tenantId, subject: 'an' },
        id,
        {
          reason: 'NOT_OWED',
          legalBasis: 'Nộp trùng',
          channel: 'RAIL_REVERSAL',
        },
        fixture.vault,
      ),
    )
    await t.rejects(fixture.approve(id, 'an'), { code: 'FOUR_EYES' })
    await fixture.approve(id)
    await sendDueRefunds(options)
    t.match(await fixture.read(id), { status: 'DONE', amount: 58_000n, items: [] })
    t.match(await database.query('SELECT status FROM invoices WHERE id = $1', [invoice.id]), [{ status: 'PAID' }])
    t.same(await eventsOf(fixture, invoice.id), [])
    t.match(await balances(database), { [`unapplied:${seeded.railAccountId}`]: 0n })
    t.same(await database.query('SELECT id FROM receipt_adjustments', []), [])
  },
)

t.test('the same news twice is booked once', async (t) => {
  const fixture = await refundFixture(t)
  const { database, options, environment, rail } = fixture
  const id = await fixture.approved((await fixture.paid()).settlementId)
  rail.next('accepted')
  await sendDueRefunds(options)
  const book = () =>
    database.transaction(async (tx) => {
      const [refund] = await lockRefunds(tx, [id])
      if (refund === undefined) throw new Error('gone')
      return await settleRefund(tx, environment, refund, {
        event: 'done',
        actor: 'feegate',
        refundedAt: environment.now(),
        reference: 'N1',
      })
    })
  const results = await Promise.all([book(), book(), book(), book()])
  t.same(results.filter(Boolean).length, 1)
  t.match(await database.query(`SELECT count(*)::int AS n FROM ledger_transactions WHERE refund_id = $1`, [id]), [
    { n: 1 },
  ])
  t.equal(await ledgerSum(database), 0n)
})

t.test('every step stands in the journal, without anybody’s account or words about persons', async (t) => {
  const fixture = await refundFixture(t)
  const { database, options } = fixture
  const note = 'chị Nguyễn Thị Hoa, 0912345678'
  const id = await fixture.approved((await fixture.paid()).settlementId, { payee, note })
  await sendDueRefunds(options)
  const entries = await database.query<{ kind: string; actor: string; body: string }>(
    'SELECT kind, actor, body FROM journal_entries WHERE subject = $1 ORDER BY seq',
    [id],
  )
  t.match(entries, [
    { kind: 'refund.open', actor: 'an' },
    { kind: 'refund.approve', actor: 'binh' },
    { kind: 'refund.send', actor: 'feegate' },
    { kind: 'refund.done', actor: 'feegate' },
  ])
  t.notMatch(JSON.stringify(entries), payee.accountNumber)
  t.notMatch(JSON.stringify(entries), payee.accountName)
  t.notMatch(JSON.stringify(entries), note)
})

t.test(
  'a payment that the rail took back opens a case: no refund, but what becomes of the debt, by two people',
  async (t) => {
    const fixture = await refundFixture(t)
    const { database, seeded, environment } = fixture
    const invoice = await seedInvoice(database, seeded)
    const success = aSuccess(seeded, invoice)
    await fixture.settle(success)
    await fixture.settle({ ...success, kind: 'reversed' })
    const [found] = await database.query<{ id: string }>(`SELECT id FROM refunds WHERE origin = 'REVERSED'`, [])
    const id = found?.id ?? ''
    t.match(await fixture.read(id), {
      status: 'REQUESTED',
      amount: 58_000n,
      reason: 'reversal',
      requestedBy: 'feegate',
    })
    const { tenantId } = seeded
    const reject = (subject: string) =>
      database.transaction((tx) => rejectRefund(tx, environment, { tenantId, subject }, id, 'Lập khoản thu mới'))
    const prepare = (reason: 'NOT_OWED' | 'DEBT_STANDS') =>
      database.transaction((tx) =>
        prepareRefund(
          tx,
          environment,
          { tenantId, subject: 'an' },
          id,
          { reason, legalBasis: 'Biên bản 3' },
          fixture.vault,
        ),
      )
    await t.rejects(reject('binh'), { code: 'REFUND_INCOMPLETE' })
    await t.rejects(prepare('NOT_OWED'), { code: 'REFUND_NOT_ALLOWED' })
    await prepare('DEBT_STANDS')
    await t.rejects(fixture.approve(id), { code: 'REFUND_NOT_ALLOWED' }, 'there is nothing to send')
    await t.rejects(reject('an'), { code: 'FOUR_EYES' })
    await reject('binh')
    t.match(await fixture.read(id), { status: 'REJECTED', reason: 'DEBT_STANDS', rejectedBy: 'binh' })
    t.equal(await ledgerSum(database), 0n)
  },
)

t.test('the database itself forbids what code must never try', async (t) => {
  const fixture = await refundFixture(t)
  const { database } = fixture
  const { settlementId } = await fixture.paid()
  const id = await fixture.ask(settlementId, { items: [{ lineNo: 1, amount: 30_000n }] })
  const wrong: [string, string][] = [
    ['approval by who asked', `UPDATE refunds SET status = 'APPROVED', approved_by = 'an' WHERE id = $1`],
    ['approval by nobody', `UPDATE refunds SET status = 'APPROVED' WHERE id = $1`],
    ['rejection by who asked', `UPDATE refunds SET status = 'REJECTED', rejected_by = 'an' WHERE id = $1`],
    [
      'a payout without an account to go to',
      `UPDATE refunds SET status = 'APPROVED', approved_by = 'binh', channel = 'AGENCY_PAYOUT', payee = NULL WHERE id = $1`,
    ],
    ['sending without a reference', `UPDATE refunds SET status = 'SENT', approved_by = 'binh' WHERE id = $1`],
    [
      'a payout that one officer calls done',
      `UPDATE refunds SET status = 'DONE', approved_by = 'binh', channel = 'AGENCY_PAYOUT', payee = '{}', rail_reference = 'x', sent_at = now(),
              done_at = now(), result_by = 'an' WHERE id = $1`,
    ],
    [
      'a report confirmed by who reported',
      `UPDATE refunds SET result_by = 'an', result_confirmed_by = 'an' WHERE id = $1`,
    ],
    ['more than was paid', 'UPDATE refunds SET amount = 58001 WHERE id = $1'],
  ]
  for (const [name, statement] of wrong) await t.rejects(database.query(statement, [id]), { code: '23514' }, name)
  await t.rejects(
    database.query(
      `INSERT INTO refunds (id, tenant_id, settlement_id, origin, amount, status, reason, requested_by, created_at, updated_at)
       SELECT 'ref_x', tenant_id, settlement_id, 'REQUEST', 28001, 'REQUESTED', 'x', 'an', now(), now() FROM refunds WHERE id = $1`,
      [id],
    ),
    { code: '23514' },
    'two that are more than was paid together',
  )
  await t.rejects(
    database.query('UPDATE refund_steps SET actor = $1', ['x']),
    { code: '42501' },
    'history is append-only',
  )
  await t.rejects(database.query('DELETE FROM refund_steps WHERE refund_id = $1', [id]), { code: '42501' })
  await t.rejects(database.query('DELETE FROM refunds WHERE id = $1', [id]), { code: '42501' })
})

t.test('two refunds of one payment are never under way at its rail, even for code that tries', async (t) => {
  const fixture = await refundFixture(t)
  const { database, options, rail } = fixture
  const { settlementId } = await fixture.paid()
  const part = (amount: bigint) => ({ items: [{ lineNo: 1, amount }] })
  await fixture.approved(settlementId, part(1_000n))
  rail.next('accepted')
  await sendDueRefunds(options)
  const second = await fixture.approved(settlementId, part(2_000n))
  await t.rejects(
    database.query(`UPDATE refunds SET status = 'SENT', rail_reference = 'x', sent_at = now() WHERE id = $1`, [second]),
    { code: '23505' },
  )
})

t.test('a failed refund gives its money free; approved anew it must find it free still', async (t) => {
  const fixture = await refundFixture(t)
  const { options, rail } = fixture
  const { settlementId } = await fixture.paid()
  const failed = await fixture.approved(settlementId)
  rail.next('refused')
  await sendDueRefunds(options)
  const other = await fixture.ask(settlementId, { items: [{ lineNo: 2 }] })
  await t.rejects(fixture.approve(failed), { code: 'REFUND_EXCEEDS_PAID' })
  const { tenantId } = fixture.seeded
  await fixture.database.transaction((tx) =>
    rejectRefund(tx, fixture.environment, { tenantId, subject: 'binh' }, other, 'nhầm'),
  )
  await fixture.approve(failed)
  t.match(await fixture.read(failed), { status: 'APPROVED', railReference: null })
})

t.test('what changed since the approver looked is not approved', async (t) => {
  const fixture = await refundFixture(t)
  const { database, environment, seeded } = fixture
  const id = await fixture.ask((await fixture.paid()).settlementId)
  const { steps } = await fixture.read(id)
  const { tenantId } = seeded
  await database.transaction((tx) =>
    prepareRefund(
      tx,
      environment,
      { tenantId, subject: 'chi' },
      id,
      {
        reason: 'NOT_GRANTED',
        legalBasis: 'Thông báo 12',
        channel: 'AGENCY_PAYOUT',
        payee,
      },
      fixture.vault,
    ),
  )
  await t.rejects(
    database.transaction((tx) => approveRefund(tx, environment, { tenantId, subject: 'binh' }, id, steps)),
    { code: 'REFUND_WRONG_STATE', message: /changed/ },
  )
  await t.rejects(fixture.approve(id, 'chi'), { code: 'FOUR_EYES' }, 'whoever shaped it last has asked')
  await fixture.approve(id, 'an')
})
