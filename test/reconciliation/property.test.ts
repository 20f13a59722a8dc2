/** A day of payments, the bank's view of it with every kind of damage: I12 holds, and each damage is found as what it is. */
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { breakClasses, dutyClasses } from '../../src/domain/reconciliation/breaks.ts'
import { createSettler } from '../../src/settlement/group.ts'
import { testDatabase } from '../harness/database.ts'
import { testEnvironment } from '../harness/environment.ts'
import { seedTenant } from '../harness/seed.ts'
import { type Damage, damages, type RailRow, type Scene, sceneOf } from './damage.ts'
import { dayAfter, stageOf } from './stage.ts'

async function scenes(t: Test): Promise<() => Promise<Scene>> {
  const { database, url } = await testDatabase(t, { maxConnections: 8 })
  return async () => {
    const environment = testEnvironment(new Date('2026-11-20T04:00:00Z'))
    const seeded = await seedTenant(database, { rail: 'vietqr' })
    return await sceneOf(
      stageOf(t, { database, url, environment, settler: createSettler({ database, environment }), seeded }),
    )
  }
}

/** Plants them all, lets bank and rail report in any order, runs, and compares what was found with what was planted. */
async function play(t: Test, scene: Scene, names: readonly string[], order: readonly number[]): Promise<void> {
  const planted: Damage[] = []
  for (const name of names) planted.push(await (damages[name] ?? damages.none ?? missing)(scene))
  const shuffled = <T>(items: readonly T[]): T[] =>
    items
      .map((item, index) => ({ item, at: order[index % order.length] ?? 0, index }))
      .sort((a, b) => a.at - b.at || a.index - b.index)
      .map(({ item }) => item)
  const lines = shuffled(planted.flatMap((damage) => damage.lines ?? []))
  t.equal((await scene.statement(lines)).status, 'IMPORTED')
  const foreign = planted.flatMap((damage) => damage.foreignLines ?? [])
  if (foreign.length > 0)
    t.equal(
      (await scene.statement(foreign, { id: 'USD/1', currency: 'USD', account: '113366668888' })).status,
      'IMPORTED',
    )
  if (planted.some(({ gap }) => gap === true))
    t.equal((await scene.statement([], { id: 'GAP/1', day: '2026-11-22', opening: 999_999_999n })).status, 'IMPORTED')
  const rows = shuffled(planted.flatMap((damage) => damage.rows ?? []))
  if (rows.length > 0)
    t.equal(
      (await scene.importText(railFile(rows), settlementSource(scene), undefined, 'rail.jsonl')).status,
      'IMPORTED',
    )

  await scene.run()
  t.same(await scene.violations(), [], 'I12')
  const expected = planted.flatMap(({ found }) => found).filter((code) => !dutyClasses.some((duty) => duty === code))
  const found = (await scene.breaks()).map((entry) => entry.class)
  // Payments that wait stand together, one break per rail account and day.
  const once = (classes: string[]): string[] => [
    ...classes.filter((code) => code !== 'CUT_OFF').sort(),
    ...(classes.includes('CUT_OFF') ? ['CUT_OFF'] : []),
  ]
  t.same(once(found), once(expected), names.join(' '))
  const duties = (await scene.breaks('duties')).map((entry) => entry.class)
  for (const code of ['NOT_PUSHED', 'BALANCE_GAP', 'CASH_DIFFERENCE'])
    t.equal(
      duties.includes(code),
      planted.some((damage) => damage.found.includes(code)),
      code,
    )

  const before = await scene.breaks()
  await scene.run(new Date(dayAfter.getTime() + 60_000))
  t.same(await scene.breaks(), before, 'a second run changes nothing')
  t.same(await scene.violations(), [], 'I12 again')
}

async function missing(): Promise<Damage> {
  throw new Error('there is no such damage')
}

function railFile(rows: readonly RailRow[]): string {
  const sum = (of: (row: RailRow) => bigint): number => Number(rows.reduce((total, row) => total + of(row), 0n))
  const text = rows.map((row) =>
    JSON.stringify({ ...row, gross: Number(row.gross), fee: Number(row.fee), net: Number(row.net) }),
  )
  return [
    ...text,
    JSON.stringify({ rows: rows.length, gross: sum(({ gross }) => gross), net: sum(({ net }) => net) }),
    '',
  ].join('\n')
}

function settlementSource(scene: Scene) {
  return {
    kind: 'SETTLEMENT' as const,
    sourceId: null,
    layout: 'feegate-rows',
    railAccountId: scene.card,
  }
}

const newScene = await scenes(t)

for (const name of Object.keys(damages)) {
  t.test(`planted alone: ${name}`, async (t) => {
    await play(t, await newScene(), [name], [0])
  })
}

t.test('every class of break is planted by some damage', async (t) => {
  const scene = await newScene()
  const planted = new Set<string>()
  for (const damage of Object.values(damages)) for (const code of (await damage(scene)).found) planted.add(code)
  t.same(
    breakClasses.map(({ code }) => code).filter((code) => !planted.has(code)),
    [],
  )
})

t.test('any mixture of damages on one day: I12 holds and each is found as its own class', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...Object.keys(damages)), { minLength: 4, maxLength: 30 }),
      fc.array(fc.nat(), { minLength: 7, maxLength: 40 }),
      async (names, order) => await play(t, await newScene(), names, order),
    ),
    { numRuns: 8 },
  )
})
