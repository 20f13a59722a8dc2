/** What officers decide about breaks, beyond the simplest. */
import t from 'tap'
import type { BreakAction } from '../../src/domain/reconciliation/breaks.ts'
import { approve, propose, type ResolutionDetails } from '../../src/reconciliation/breaks/resolve.ts'
import { loadTerms, reconciliationTerms } from '../../src/reconciliation/terms.ts'
import { type BreakRow, dayAfter, reconciliationStage, type Stage } from './stage.ts'

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
  const stage = await reconciliationStage(t, { rail: 'vietqr' })
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
    const stage = await reconciliationStage(t, { rail: 'vietqr' })
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
    const stage = await reconciliationStage(t, { rail: 'vietqr' })
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
  const stage = await reconciliationStage(t, { rail: 'vietqr' })
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
  t.same(await stage.database.query('SELECT title FROM expected_movements', []), [{ title: 'Chuyển về Kho bạc' }])
})

t.test('a refund that was sent and not seen becomes a match when its debit comes', async (t) => {
  const stage = await reconciliationStage(t, { rail: 'vietqr' })
  const { damages, sceneOf } = await import('./damage.ts')
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
