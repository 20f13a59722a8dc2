/** What officers decide about breaks, beyond the simplest. */
import t from 'tap'
import type { BreakAction } from '../../src/domain/reconciliation/breaks.ts'
import type { ResolutionDetails } from '../../src/reconciliation/breaks/open-break.ts'
import { approve, propose } from '../../src/reconciliation/breaks/resolve.ts'
import { loadTerms, reconciliationTerms } from '../../src/reconciliation/terms.ts'
import { findAllDiscrepancies } from '../../src/store/parity-checks.ts'
import { aSuccess, seedInvoice } from '../harness/seed.ts'
import { damages, sceneOf, sentRefund } from './damage.ts'
import { type BreakRow, dayAfter, type Stage, stagesOf } from './stage.ts'

const newStage = await stagesOf(t, { rail: 'vietqr' })

async function decide(
  stage: Stage,
  found: BreakRow | undefined,
  action: BreakAction,
  details: ResolutionDetails = {},
): Promise<void> {
  if (found === undefined) throw new Error('there is no such break')
  const { environment, seeded, database } = stage
  const officer = (subject: string) => ({ tenantId: seeded.tenantId, subject })
  const proposal = { action, reason: 'đã xác minh', details }
  const id = await database.transaction((tx) => propose(tx, environment, officer('lan'), found.id, proposal))
  await database.transaction((tx) => approve(tx, environment, officer('minh'), found.id, id))
}

const only = async (stage: Stage, code: string): Promise<BreakRow | undefined> =>
  (await stage.breaks()).find((entry) => entry.class === code)

t.test('two officers choose among candidates; the one they did not choose goes on waiting', async (t) => {
  const stage = await newStage(t)
  const [one, two] = [await stage.pay({ total: 77_000n }), await stage.pay({ total: 77_000n })]
  await stage.statement([{ amount: 77_000n, reference: 'B1', text: 'NOP PHI' }])
  await stage.run()
  const found = await only(stage, 'AMBIGUOUS')
  t.same(new Set((found?.evidence.candidates as string[]) ?? []), new Set([one.settlementId, two.settlementId]))
  await decide(stage, found, 'PAIR', { settlementIds: [two.settlementId] })
  t.match(await stage.breaks(), [{ class: 'CUT_OFF', amount: 77_000n }])
  t.same(await stage.violations(), [])
  await stage.run(new Date(dayAfter.getTime() + 60_000))
  t.match(await stage.breaks(), [{ class: 'CUT_OFF', amount: 77_000n }], 'and the next run leaves it so')
  t.same(await stage.violations(), [])
})

t.test(
  'a credit the bank took back is recorded as a reversal: the dossier system hears, the invoice stays as it is',
  async (t) => {
    const stage = await newStage(t)
    const paid = await stage.pay()
    const line = { amount: paid.total, reference: paid.txn }
    await stage.statement([line, { ...line, mark: 'RC' }])
    await stage.run()
    await decide(stage, await only(stage, 'REVERSED'), 'RECORD_REVERSAL')
    const events = await stage.database.query<{ type: string }>(
      'SELECT type FROM events WHERE invoice_id = $1 ORDER BY invoice_seq',
      [paid.id],
    )
    t.same(
      events.map(({ type }) => type),
      ['invoice.paid', 'payment.reversed'],
    )
    t.same(await stage.breaks(), [])
    t.same(await stage.violations(), [])
    await stage.run(new Date(dayAfter.getTime() + 60_000))
    t.same(await stage.breaks(), [])
  },
)

t.test(
  'waiting holds a break until its day, then it is open again; money that comes meanwhile clears it',
  async (t) => {
    const stage = await newStage(t)
    const paid = await stage.pay({ paidAt: new Date('2026-11-09T03:00:00Z') })
    await stage.run()
    const missing = await only(stage, 'MISSING_IN_BANK')
    await decide(stage, missing, 'WAIT', { until: '2026-11-25' })
    t.match(await stage.breaks(), [{ status: 'WAITING' }])
    await stage.run(new Date('2026-11-25T02:00:00Z'))
    t.match(await stage.breaks(), [{ status: 'WAITING' }], 'its last day')
    await stage.run(new Date('2026-11-26T02:00:00Z'))
    t.match(await stage.breaks(), [{ status: 'OPEN' }])
    await stage.statement([{ amount: paid.total, reference: paid.txn }], { day: '2026-11-25' })
    await stage.run(new Date('2026-11-26T03:00:00Z'))
    t.same(await stage.breaks(), [])
    const history = await stage.database.query<{ kind: string }>(
      'SELECT kind FROM break_history WHERE break_id = $1 ORDER BY id',
      [missing?.id],
    )
    t.same(
      history.map(({ kind }) => kind),
      ['OPENED', 'PROPOSED', 'APPROVED', 'OPENED', 'CLEARED'],
    )
  },
)

t.test('movements the account is known to have need nobody; what only looks alike does', async (t) => {
  const stage = await newStage(t)
  const terms = reconciliationTerms.parse({
    format: 'feegate-reconciliation/1',
    expectedMovements: [
      {
        beneficiaryAccountId: stage.seeded.beneficiaryAccountId,
        title: 'Chuyển về Kho bạc',
        direction: 'DEBIT',
        textContains: 'Kết chuyển Kho bạc',
      },
    ],
  })
  for (let twice = 0; twice < 2; twice++)
    await stage.database.transaction((tx) => loadTerms(tx, stage.environment, stage.seeded.tenantId, terms, 'test'))
  await stage.statement(
    [
      { amount: 900_000n, reference: 'S1', mark: 'D', text: 'KET CHUYEN KHO BAC NGAY 20/11' },
      { amount: 5_500n, reference: 'S2', mark: 'D', text: 'PHI SMS' },
    ],
    { opening: 2_000_000n },
  )
  t.match(await stage.run(), { matched: { EXPECTED: 1 } })
  t.match(await stage.breaks(), [{ class: 'UNREFERENCED', amount: 5_500n }])
  t.same(
    await stage.database.query('SELECT title FROM expected_movements WHERE tenant_id = $1', [stage.seeded.tenantId]),
    [{ title: 'Chuyển về Kho bạc' }],
  )
})

t.test('a refund that was sent and not seen becomes a match when its debit comes', async (t) => {
  const stage = await newStage(t)
  await damages.refundUnconfirmed?.(await sceneOf(stage))
  await stage.run()
  const found = await only(stage, 'REFUND_UNCONFIRMED')
  await stage.statement([{ amount: found?.amount ?? 0n, reference: 'OUT1', mark: 'D', text: 'HOAN TRA' }], {
    day: '2026-11-11',
    opening: 99_000_000n,
  })
  t.match(await stage.run(new Date(dayAfter.getTime() + 60_000)), { matched: { REFUND: 1 } })
  t.same(await only(stage, 'REFUND_UNCONFIRMED'), undefined)
  t.same(await stage.violations(), [])
})

t.test('money that was written off and comes after all is shown, not taken for a double credit', async (t) => {
  const stage = await newStage(t)
  const paid = await stage.pay({ paidAt: new Date('2026-11-09T03:00:00Z') })
  await stage.run()
  await decide(stage, await only(stage, 'MISSING_IN_BANK'), 'WRITE_OFF')
  await stage.statement([{ amount: paid.total, reference: paid.txn }], { day: '2026-11-23' })
  await stage.run(new Date('2026-11-24T02:00:00Z'))
  t.match(await stage.breaks(), [{ class: 'STATUS_MISMATCH', evidence: { settlementId: paid.settlementId } }])
  t.same(await stage.violations(), [])
})

t.test('an orphan is moved to the invoice two officers name; a later reversal takes it back from there', async (t) => {
  const stage = await newStage(t)
  const { database, seeded, settler } = stage
  const settle = (railTransactionId: string, amount: bigint) =>
    settler.settle({
      outcome: aSuccess(seeded, invoice, { merchantRef: `NOBODY-${railTransactionId}`, railTransactionId, amount }),
      transferRail: true,
    })
  const invoice = await seedInvoice(database, seeded, { total: 61_000n })
  const paid = await stage.pay({ total: 52_000n })
  await settle('ORPHAN1', 61_000n)
  await settle('ORPHAN2', 52_000n)
  const lines = [
    { amount: 61_000n, reference: 'ORPHAN1' },
    { amount: 52_000n, reference: 'ORPHAN2' },
    { amount: paid.total, reference: paid.txn },
  ]
  await stage.statement(lines)
  await stage.run()
  const orphan = async (amount: bigint) => (await stage.breaks()).find((entry) => entry.amount === amount)
  t.match(await orphan(61_000n), { class: 'MISSING_IN_GATEWAY' })
  await t.rejects(
    decide(stage, await orphan(52_000n), 'APPLY_TO_INVOICE', { invoiceId: paid.id }),
    { code: 'RESOLUTION_NOT_ALLOWED' },
    'the invoice is paid: moved there it would be a duplicate',
  )
  await decide(stage, await orphan(61_000n), 'APPLY_TO_INVOICE', { invoiceId: invoice.id })
  const cases = await database.query<{ amount: bigint; status: string }>(
    'SELECT amount, status FROM refunds WHERE tenant_id = $1 ORDER BY amount',
    [seeded.tenantId],
  )
  t.same(cases, [
    { amount: 52_000n, status: 'REQUESTED' },
    { amount: 61_000n, status: 'REJECTED' },
  ])
  const balances = await database.query<{ account: string; balance: bigint }>(
    `SELECT split_part(account, ':', 1) AS account, sum(balance)::bigint AS balance FROM ledger_balances WHERE tenant_id = $1 GROUP BY 1 ORDER BY 1`,
    [seeded.tenantId],
  )
  t.same(balances, [
    { account: 'collected', balance: -113_000n },
    { account: 'rail', balance: 165_000n },
    { account: 'unapplied', balance: -52_000n },
  ])
  const events = async () =>
    (
      await database.query<{ type: string }>('SELECT type FROM events WHERE invoice_id = $1 ORDER BY invoice_seq', [
        invoice.id,
      ])
    ).map(({ type }) => type)
  t.same(await events(), ['invoice.paid'])
  t.same(await stage.violations(), [])
  t.same(await findAllDiscrepancies(database), [])
  t.same((await settle('ORPHAN1', 61_000n)).rule, 'repeat', 'the bank says it again')

  await stage.statement([{ amount: 61_000n, reference: 'ORPHAN1', mark: 'RC' }], { day: '2026-11-23' })
  await stage.run(new Date('2026-11-24T02:00:00Z'))
  await decide(stage, await only(stage, 'REVERSED'), 'RECORD_REVERSAL')
  t.same(await events(), ['invoice.paid', 'payment.reversed'])
  t.same(await only(stage, 'REVERSED'), undefined)
  t.same(await stage.violations(), [])
})

t.test('a refund nobody could tell of is done when the bank shows its debit by reference', async (t) => {
  const stage = await newStage(t)
  const { database } = stage
  const at = new Date('2026-11-19T03:00:00Z')
  const [lost, refused, alike] = [
    await sentRefund(stage, 100_000n, at, 'UNKNOWN'),
    await sentRefund(stage, 110_000n, at, 'FAILED'),
    await sentRefund(stage, 120_000n, at, 'UNKNOWN'),
  ]
  await stage.statement(
    [
      { amount: 100_000n, reference: 'OUT1', mark: 'D', text: `HOAN TRA ${lost.railReference}` },
      { amount: 110_000n, reference: 'OUT2', mark: 'D', customer: refused.railReference },
      { amount: 120_000n, reference: 'OUT3', mark: 'D', text: 'CHI KHAC' },
    ],
    { opening: 9_000_000n },
  )
  t.match(await stage.run(), { matched: { REFUND: 3 }, settled: { 'refund-done': 2 } })
  const state = async () =>
    await database.query<{ id: string; status: string; amount: bigint }>(
      'SELECT id, status FROM refunds WHERE tenant_id = $1 ORDER BY amount',
      [stage.seeded.tenantId],
    )
  t.same(await state(), [
    { id: lost.id, status: 'DONE' },
    { id: refused.id, status: 'DONE' },
    { id: alike.id, status: 'UNKNOWN' },
  ])
  const steps = await database.query(
    `SELECT s.event, s.actor, (SELECT count(*) FROM ledger_transactions l WHERE l.refund_id = s.refund_id) AS booked,
            (SELECT count(*) FROM events e WHERE e.invoice_id = $2 AND e.type = 'invoice.refunded') AS told
       FROM refund_steps s WHERE s.refund_id = $1`,
    [lost.id, lost.invoiceId],
  )
  t.same(steps, [{ event: 'done', actor: 'feegate', booked: 1n, told: 1n }])
  t.same(await stage.violations(), [])
  t.match(await stage.run(new Date(dayAfter.getTime() + 60_000)), { settled: {} }, 'and once')
})
