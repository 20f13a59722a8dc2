/** Cash at the counter: explained by its shift while it is on hand, and by its deposit when that stands in the statement. */
import t from 'tap'
import { readHandovers } from '../../src/counter/handover.ts'
import type { BreakAction } from '../../src/domain/reconciliation/breaks.ts'
import type { ResolutionDetails } from '../../src/reconciliation/breaks/open-break.ts'
import { approve, propose, refuse } from '../../src/reconciliation/breaks/resolve.ts'
import { closeDay } from '../../src/reconciliation/close.ts'
import { loadTerms, reconciliationTerms } from '../../src/reconciliation/terms.ts'
import { sceneOf } from './damage.ts'
import { codeOf, openDrawer } from './drawers.ts'
import { type BreakRow, dayAfter, payDay, type Stage, stagesOf } from './stage.ts'

const soon = new Date(dayAfter.getTime() + 3_600_000)
/** Two weeks later: overdue, however little the bank has told. */
const overdue = new Date('2026-12-04T02:00:00Z')

const newStage = await stagesOf(t, { rail: 'vietqr' })

async function decide(
  { database, environment, seeded }: Stage,
  found: BreakRow | undefined,
  action: BreakAction,
  details: ResolutionDetails = {},
): Promise<void> {
  if (found === undefined) throw new Error('there is no such break')
  const officer = (subject: string) => ({ tenantId: seeded.tenantId, subject })
  const proposal = { action, reason: 'đã xác minh', details }
  const id = await database.transaction((tx) => propose(tx, environment, officer('lan'), found.id, proposal))
  await database.transaction((tx) => approve(tx, environment, officer('minh'), found.id, id))
}

const close = ({ database, environment, seeded }: Stage, railAccountId: string, day: string) =>
  database.transaction((tx) =>
    closeDay(tx, environment, { tenantId: seeded.tenantId, subject: 'lan' }, railAccountId, day, null),
  )

t.test(
  'a shift is one sum on hand, and its deposit by code explains every payment of it; the day closes',
  async (t) => {
    const stage = await newStage(t)
    const drawer = await openDrawer(stage)
    for (const total of [58_000n, 70_000n, 12_000n]) await drawer.take(total)
    await stage.run()
    t.match(
      await stage.breaks(),
      [{ class: 'CASH_ON_HAND', amount: 140_000n, evidence: { shiftId: drawer.shiftId, shift: 'OPEN' } }],
      'one break for the drawer, not one per payment',
    )
    const shift = await drawer.close()
    t.match(shift.handovers, [{ railAccountId: drawer.railAccountId, accountNumber: '113366668888', amount: 140_000n }])
    await stage.run(soon)
    t.match(await stage.breaks(), [{ class: 'CASH_ON_HAND', evidence: { shift: 'CLOSED', code: codeOf(shift) } }])
    t.match((await close(stage, drawer.railAccountId, payDay)).figures, {
      entered: 140_000n,
      closing: 140_000n,
      openBreaks: [{ class: 'CASH_ON_HAND', count: 1, payments: 140_000n }],
      unexplained: { count: 0 },
    })

    await stage.statement([{ amount: 140_000n, reference: 'TM1', text: `NOP TIEN MAT CA ${codeOf(shift)}` }], {
      day: '2026-11-23',
    })
    t.match(await stage.run(new Date('2026-11-24T02:00:00Z')), { matched: { CASH_DEPOSIT: 3 }, settled: {} })
    t.same(await stage.breaks(), [])
    t.same(await stage.violations(), [])
    const day = await close(stage, drawer.railAccountId, '2026-11-23')
    t.match(day, { status: 'CLOSED', figures: { opening: 140_000n, matched: 140_000n, closing: 0n } })
    t.same(
      day.figures.statement,
      { lines: '140000', matched: '140000', breaks: '0' },
      'the deposit is this account’s line',
    )
    t.match(await readHandovers(stage.database, stage.seeded.tenantId, { limit: 5 }), [
      { state: 'DEPOSITED', depositedOn: '2026-11-23', amount: 140_000n, collections: 3, shiftId: drawer.shiftId },
    ])
  },
)

t.test('several deposits for a shift: the rest is on hand until it comes, then all is explained', async (t) => {
  const stage = await newStage(t)
  const drawer = await openDrawer(stage)
  await drawer.take(100_000n)
  await drawer.take(50_000n)
  const code = codeOf(await drawer.close())
  await stage.statement([{ amount: 90_000n, reference: 'TM1', text: code }], { day: payDay })
  await stage.run()
  t.match(await stage.breaks(), [{ class: 'CASH_ON_HAND', amount: 60_000n }])
  await stage.statement([{ amount: 60_000n, reference: 'TM2', text: `nop not ${code}` }], { day: '2026-11-23' })
  t.match(await stage.run(new Date('2026-11-24T02:00:00Z')), { matched: { CASH_DEPOSIT: 2 } })
  t.same(await stage.breaks(), [])
  t.same(await stage.violations(), [])
})

t.test('one deposit for several shifts names them all; without a code only one sum may fit', async (t) => {
  const stage = await newStage(t)
  const codes: string[] = []
  for (const total of [31_000n, 42_000n]) {
    const drawer = await openDrawer(stage)
    await drawer.take(total)
    codes.push(codeOf(await drawer.close()))
  }
  const alone = await openDrawer(stage)
  await alone.take(20_000n)
  await alone.take(15_500n)
  await alone.close()
  await stage.statement([
    { amount: 73_000n, reference: 'TM1', text: codes.join(' ') },
    { amount: 35_500n, reference: 'TM2', text: 'NOP TIEN MAT' },
  ])
  t.match(await stage.run(), { matched: { CASH_DEPOSIT: 4 }, settled: {} })
  t.same(await stage.breaks(), [])
  t.same(await stage.violations(), [])
})

t.test('a transfer of the amount of one cash payment, or with its pay code, is never taken for the cash', async (t) => {
  const stage = await newStage(t)
  const drawer = await openDrawer(stage)
  const cash = await drawer.take(58_000n)
  await drawer.take(9_000n)
  await drawer.close()
  await stage.statement([
    { amount: 58_000n, reference: 'B1', text: 'CHUYEN TIEN' },
    { amount: 58_000n, reference: 'B2', text: `nop le phi ${cash.payCode}` },
  ])
  t.match(await stage.run(), { settled: { 'second-success': 1 } }, 'who pays again by transfer gets it back')
  t.same((await stage.breaks()).map((entry) => entry.class).sort(), [
    'CASH_ON_HAND',
    'DUPLICATE_PAYMENT',
    'UNREFERENCED',
  ])
  t.same(await stage.violations(), [])
})

t.test(
  'cash given back in its shift explains itself; cash that nobody pays in becomes a break of its own',
  async (t) => {
    const stage = await newStage(t)
    const drawer = await openDrawer(stage)
    const mistaken = await drawer.take(58_000n)
    await drawer.giveBack(mistaken.collectionId)
    await drawer.take(70_000n)
    t.match(await stage.run(), { matched: { CASH_TAKEN_BACK: 2 } })
    t.match(await stage.breaks(), [{ class: 'CASH_ON_HAND', amount: 70_000n }])
    t.match((await drawer.close()).handovers, [{ amount: 70_000n }])
    await stage.run(overdue)
    const [missing, ...others] = await stage.breaks()
    t.match(missing, { class: 'CASH_NOT_DEPOSITED', amount: 70_000n })
    t.same(others, [])
    await t.rejects(close(stage, drawer.railAccountId, '2026-12-03'), { code: 'DAY_HAS_OPEN_BREAKS' })
    await stage.statement([{ amount: 66_000n, reference: 'TM9', text: 'CHI LAN NOP' }], { day: '2026-12-03' })
    await stage.run(new Date(overdue.getTime() + 60_000))
    const [line] = await stage.database.query<{ id: bigint }>('SELECT id FROM statement_lines WHERE tenant_id = $1', [
      stage.seeded.tenantId,
    ])
    await decide(stage, missing, 'PAIR', { lineIds: [String(line?.id)] })
    t.same(await stage.breaks(), [], 'two officers put the deposit without a code to its shift')
    t.same(await stage.violations(), [])
  },
)

t.test('one deposit for two shifts that names neither is put together by two officers', async (t) => {
  const stage = await newStage(t)
  for (const total of [31_000n, 42_000n]) {
    const drawer = await openDrawer(stage)
    await drawer.take(total)
    await drawer.take(total + 1_000n)
    await drawer.close()
  }
  await stage.statement([{ amount: 148_000n, reference: 'TM1', text: 'NOP TIEN MAT NGAY 20/11' }])
  await stage.run()
  const open = await stage.breaks()
  const [first, second] = open.filter((entry) => entry.class === 'CASH_ON_HAND')
  const deposit = open.find((entry) => entry.class === 'UNREFERENCED')
  const breakIds = [second, deposit].map((entry) => String(entry?.id))
  await t.rejects(decide(stage, first, 'PAIR', { breakIds: [...breakIds, '999999'] }), {
    code: 'RESOLUTION_NOT_ALLOWED',
  })
  const { database, environment, seeded } = stage
  const [pending] = await database.query<{ id: bigint }>(
    `SELECT id FROM break_resolutions WHERE break_id = $1 AND status = 'PROPOSED'`,
    [first?.id],
  )
  const lan = { tenantId: seeded.tenantId, subject: 'lan' }
  await database.transaction((tx) =>
    refuse(tx, environment, lan, first?.id ?? 0n, pending?.id ?? 0n, 'WITHDRAWN', 'nhầm'),
  )
  await decide(stage, first, 'PAIR', { breakIds })
  t.same(await stage.breaks(), [])
  t.same(await stage.violations(), [])
  const matched = await database.query(
    `SELECT count(DISTINCT group_id) AS groups, count(settlement_id) AS payments, count(line_id) AS lines FROM reconciliation_items
      WHERE tenant_id = $1 AND rule = 'OFFICER' AND ended_on IS NULL`,
    [seeded.tenantId],
  )
  t.same(matched, [{ groups: 1n, payments: 4n, lines: 1n }])
})

t.test(
  'a drawer that is short: the count is a break at once, the missing money one when the deposit is short too',
  async (t) => {
    const stage = await newStage(t)
    const [short, over] = [await openDrawer(stage), await openDrawer(stage)]
    await short.take(100_000n)
    await over.take(30_000n)
    const code = codeOf(await short.close(-7_000n))
    const overCode = codeOf(await over.close(2_000n))
    await stage.statement([
      { amount: 93_000n, reference: 'TM1', text: code },
      { amount: 30_000n, reference: 'TM2', text: overCode },
    ])
    await stage.run()
    const counts = async () =>
      (await stage.breaks('duties'))
        .filter((entry) => entry.class === 'CASH_DIFFERENCE')
        .sort((a, b) => Number(b.amount - a.amount))
    const counted = await counts()
    t.match(counted, [
      {
        class: 'CASH_DIFFERENCE',
        amount: 7_000n,
        evidence: { shiftId: short.shiftId, difference: -7_000, note: 'đếm lại hai lần' },
      },
      { class: 'CASH_DIFFERENCE', amount: 2_000n, evidence: { difference: 2_000 } },
    ])
    t.match(await stage.breaks(), [{ class: 'CASH_ON_HAND', amount: 7_000n }])
    await decide(stage, counted[1], 'EXPLAIN')
    await stage.run(overdue)
    t.match(await stage.breaks(), [{ class: 'AMOUNT_MISMATCH', amount: 7_000n }])
    // The clerk makes it good.
    await stage.statement([{ amount: 7_000n, reference: 'TM3', text: code }], { day: '2026-12-03' })
    await stage.run(new Date(overdue.getTime() + 60_000))
    t.same(await stage.breaks(), [])
    t.same(await counts(), [], 'what was missing is there; what was explained is not asked for again')
    t.same(await stage.violations(), [])
  },
)

t.test('cash that was written off, deposited twice or into another account is shown when it comes', async (t) => {
  const stage = await newStage(t)
  const { other } = await sceneOf(stage)
  const drawers = [await openDrawer(stage), await openDrawer(stage), await openDrawer(stage)]
  const codes: string[] = []
  for (const [index, drawer] of drawers.entries()) {
    await drawer.take(21_000n + BigInt(index))
    codes.push(codeOf(await drawer.close()))
  }
  const [twice = '', lost = '', astray = ''] = codes
  await stage.statement([{ amount: 21_000n, reference: 'TM1', text: twice }], { day: '2026-12-02' })
  await stage.run(overdue)
  const missing = (await stage.breaks()).find((entry) => entry.amount === 21_001n)
  t.match(missing, { class: 'CASH_NOT_DEPOSITED' })
  await decide(stage, missing, 'WRITE_OFF')
  await stage.statement(
    [
      { amount: 21_000n, reference: 'TM2', text: twice },
      { amount: 21_001n, reference: 'TM3', text: lost },
    ],
    { day: '2026-12-03' },
  )
  await stage.statement([{ amount: 21_002n, reference: 'TM4', text: astray }], {
    day: '2026-12-03',
    account: other.accountNumber,
    opening: 0n,
  })
  await stage.run(new Date(overdue.getTime() + 60_000))
  const found = (await stage.breaks()).map((entry) => `${entry.class} ${entry.amount}`)
  t.same(found.sort(), [
    'CASH_NOT_DEPOSITED 21002',
    'DUPLICATE_CREDIT 21000',
    'STATUS_MISMATCH 21001',
    'WRONG_ACCOUNT 21002',
  ])
  t.same(await stage.violations(), [])
})

t.test('how long cash may stay on hand is a term of its rail account', async (t) => {
  const stage = await newStage(t)
  const drawer = await openDrawer(stage)
  await drawer.take(10_000n)
  await drawer.close()
  const terms = reconciliationTerms.parse({
    format: 'feegate-reconciliation/1',
    railTerms: [{ railAccountId: drawer.railAccountId, validFrom: '2026-01-01', legs: 2, depositDays: 10 }],
  })
  await stage.database.transaction((tx) => loadTerms(tx, stage.environment, stage.seeded.tenantId, terms, 'test'))
  await stage.run(overdue)
  t.match(await stage.breaks(), [{ class: 'CASH_ON_HAND' }])
})
