import t from 'tap'
import { approve, propose, refuse } from '../../src/reconciliation/breaks/resolve.ts'
import { approveDay, closeDay, dayFigures } from '../../src/reconciliation/close.ts'
import { payDay, reconciliationStage, type Stage } from './stage.ts'

const officer = (stage: Stage, subject: string) => ({ tenantId: stage.seeded.tenantId, subject })
const close = (stage: Stage, day: string, reason: string | null = null, by = 'lan') =>
  stage.database.transaction((tx) =>
    closeDay(tx, stage.environment, officer(stage, by), stage.seeded.railAccountId, day, reason),
  )

t.test('a day whose every đồng is explained closes at once; its figures tie', async (t) => {
  const stage = await reconciliationStage(t, { rail: 'vietqr' })
  const paid = await stage.pay({ total: 58_000n })
  const atMidnight = await stage.pay({ total: 70_000n, paidAt: new Date('2026-11-20T16:59:58Z') })
  await stage.statement([{ amount: paid.total, reference: paid.txn }])
  await t.rejects(close(stage, payDay), { code: 'DAY_NOT_CLOSABLE' }, 'today, and before any run')
  await stage.run()
  const { status, figures } = await close(stage, payDay)
  t.equal(status, 'CLOSED')
  t.match(figures, {
    opening: 0n,
    entered: 128_000n,
    matched: 58_000n,
    closing: 70_000n,
    openBreaks: [{ class: 'CUT_OFF', count: 1, payments: 70_000n }],
    unexplained: { count: 0 },
  })
  // The payment of 23:59:58 is booked on Monday and clears itself there.
  await stage.statement([{ amount: atMidnight.total, reference: atMidnight.txn }], { day: '2026-11-23' })
  await stage.run(new Date('2026-11-24T02:00:00Z'))
  t.same(await stage.breaks(), [])
  t.match((await close(stage, '2026-11-23')).figures, {
    fromDate: '2026-11-21',
    opening: 70_000n,
    entered: 0n,
    matched: 70_000n,
    closing: 0n,
  })
  t.same(await stage.violations(), [])
})

t.test('unexplained money blocks the day; a reason and another person open it, never the same one', async (t) => {
  const stage = await reconciliationStage(t, { rail: 'vietqr' })
  await stage.statement([{ amount: 99_000n, reference: 'B1', text: 'CHUC MUNG' }])
  await stage.run()
  await t.rejects(close(stage, payDay), { code: 'DAY_HAS_OPEN_BREAKS' })
  const { status, dayId } = await close(stage, payDay, 'ngân hàng đang tra soát')
  t.equal(status, 'PROPOSED')
  const approveAs = (subject: string) =>
    stage.database.transaction((tx) => approveDay(tx, stage.environment, officer(stage, subject), dayId))
  await t.rejects(approveAs('lan'), { code: 'FOUR_EYES' })
  await t.rejects(
    stage.database.query(`UPDATE reconciliation_days SET status = 'CLOSED', approved_by = 'lan' WHERE id = $1`, [
      dayId,
    ]),
    { code: '23514' },
    'the database holds it too',
  )
  t.match(await approveAs('minh'), { unexplained: { count: 1, amount: 99_000n } })
})

t.test(
  'a closed day never changes: what is found later counts on the next one and says where it belongs',
  async (t) => {
    const stage = await reconciliationStage(t, { rail: 'vietqr' })
    await stage.run()
    const { dayId } = await close(stage, payDay)
    const { seedInvoice, aSuccess } = await import('../harness/seed.ts')
    const late = await seedInvoice(stage.database, stage.seeded)
    await stage.settler.settle({
      outcome: aSuccess(stage.seeded, late, { railTransactionId: 'LATE1' }),
      transferRail: true,
    })
    await stage.statement([{ amount: late.total, reference: 'LATE1' }])
    await stage.run(new Date('2026-11-24T02:00:00Z'))
    t.same(await stage.breaks(), [])
    const figures = await dayFigures(stage.database, stage.seeded.tenantId, stage.seeded.railAccountId, '2026-11-23')
    t.match(figures, {
      fromDate: '2026-11-21',
      entered: late.total,
      matched: late.total,
      lateFinds: [{ day: payDay, count: 1 }],
    })
    const refused = { code: '23514' }
    for (const change of [
      `UPDATE reconciliation_days SET closing = closing + 1, entered = entered + 1 WHERE id = $1`,
      `DELETE FROM reconciliation_days WHERE id = $1`,
      `UPDATE reconciliation_items SET ended_on = '2026-11-20' WHERE $1::bigint IS NOT NULL`,
    ])
      await t.rejects(stage.database.query(change, [dayId]), refused, change)
    await t.rejects(
      stage.database.query(
        `INSERT INTO reconciliation_items (run_id, line_id, counted_on, rule_set_version, tenant_id, rail_account_id, rule)
       VALUES ($1, 999999, '2026-11-20', 1, $2, $3, 'OFFICER')`,
        [dayId, stage.seeded.tenantId, stage.seeded.railAccountId],
      ),
      refused,
    )
    await t.rejects(close(stage, payDay), { code: 'DAY_NOT_CLOSABLE' })
  },
)

t.test(
  'a resolution is proposed by one officer and approved by another, and acts through the settlement door',
  async (t) => {
    const stage = await reconciliationStage(t, { rail: 'vietqr' })
    const { seedInvoice } = await import('../harness/seed.ts')
    const invoice = await seedInvoice(stage.database, stage.seeded, { total: 61_000n })
    await stage.statement([{ amount: 61_000n, reference: 'B9', text: 'QUEN GHI MA' }])
    await stage.run()
    const [found] = await stage.breaks()
    t.match(found, { class: 'UNREFERENCED', amount: 61_000n })
    const id = found?.id ?? 0n
    const inTx = stage.database.transaction
    const proposal = {
      action: 'APPLY_TO_INVOICE' as const,
      reason: 'biên lai người nộp gửi',
      details: { invoiceId: invoice.id },
    }
    const first = await inTx((tx) => propose(tx, stage.environment, officer(stage, 'lan'), id, proposal))
    await t.rejects(
      inTx((tx) => propose(tx, stage.environment, officer(stage, 'minh'), id, proposal)),
      { code: 'RESOLUTION_PENDING' },
    )
    await inTx((tx) => refuse(tx, stage.environment, officer(stage, 'minh'), id, first, 'REJECTED', 'sai khoản'))
    const second = await inTx((tx) => propose(tx, stage.environment, officer(stage, 'lan'), id, proposal))
    await t.rejects(
      inTx((tx) => approve(tx, stage.environment, officer(stage, 'lan'), id, second)),
      { code: 'FOUR_EYES' },
    )
    await t.rejects(
      stage.database.query(`UPDATE break_resolutions SET status = 'APPROVED', decided_by = proposed_by WHERE id = $1`, [
        second,
      ]),
      { code: '23514' },
    )
    await inTx((tx) => approve(tx, stage.environment, officer(stage, 'minh'), id, second))
    const [row] = await stage.database.query<{ status: string; events: bigint }>(
      `SELECT status, (SELECT count(*) FROM events e WHERE e.invoice_id = i.id AND e.type = 'invoice.paid') AS events FROM invoices i WHERE id = $1`,
      [invoice.id],
    )
    t.same(row, { status: 'PAID', events: 1n })
    t.same(await stage.breaks(), [])
    t.same(await stage.violations(), [])
    t.same(await stage.run(), { matched: {}, breaks: (await stage.run()).breaks, settled: {} }, 'and stays so')
    t.match((await close(stage, '2026-11-22')).status, 'CLOSED')
  },
)

t.test(
  'write-off takes what is not expected any more out of the books; a refund case takes money without an owner',
  async (t) => {
    const stage = await reconciliationStage(t, { rail: 'vietqr' })
    const lost = await stage.pay({ total: 45_000n, paidAt: new Date('2026-11-09T03:00:00Z') })
    await stage.statement([{ amount: 12_000n, reference: 'B5', text: 'GUI NHAM' }])
    await stage.run()
    const decide = async (key: string, action: 'WRITE_OFF' | 'OPEN_REFUND'): Promise<void> => {
      const id = (await stage.breaks()).find((entry) => entry.key.startsWith(key))?.id ?? 0n
      const proposal = { action, reason: 'đã xác minh', details: {} }
      const resolution = await stage.database.transaction((tx) =>
        propose(tx, stage.environment, officer(stage, 'lan'), id, proposal),
      )
      await stage.database.transaction((tx) => approve(tx, stage.environment, officer(stage, 'minh'), id, resolution))
    }
    await decide(`P:${lost.settlementId}`, 'WRITE_OFF')
    await decide('L:', 'OPEN_REFUND')
    const balances = await stage.database.query<{ account: string; balance: bigint }>(
      `SELECT account, balance FROM ledger_balances WHERE tenant_id = $1 AND account ~ '^(rail|writtenOff):' ORDER BY account`,
      [stage.seeded.tenantId],
    )
    t.same(
      balances.map(({ balance }) => balance),
      [12_000n, 45_000n],
    )
    const [refund] = await stage.database.query<{ origin: string; amount: bigint }>(
      'SELECT origin, amount FROM refunds WHERE tenant_id = $1',
      [stage.seeded.tenantId],
    )
    t.match(refund, { origin: 'ORPHAN', amount: 12_000n })
    t.same(await stage.violations(), [])
    const day = await stage.database.transaction((tx) =>
      closeDay(tx, stage.environment, officer(stage, 'lan'), stage.seeded.railAccountId, '2026-11-22', null),
    )
    t.match(
      day.figures,
      { entered: 57_000n, closing: 57_000n, inTransit: 12_000n },
      'decided today: today’s figures have it',
    )
  },
)
