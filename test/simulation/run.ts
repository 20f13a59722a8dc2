/** One seed, from its plan to its verdict. */
import { type Action, act, isAtOnce, planOf } from './actions.ts'
import { behave } from './acts/machines.ts'
import type { Fault, FaultPolicy, World } from './engine/world.ts'
import { brokenAtTheEnd, brokenNow } from './invariants.ts'
import { rails } from './stage/rails.ts'
import { type Machine, openStage, type Stage } from './stage/stage.ts'

export type RunResult = {
  readonly seed: string
  readonly plan: readonly Action[]
  /** What is wrong; empty when all held. */
  readonly broken: readonly string[]
  readonly history: readonly string[]
  readonly reached: Reached
}

export type Reached = {
  readonly faults: ReadonlySet<string>
  readonly rules: ReadonlySet<string>
  readonly reversals: ReadonlySet<string>
  readonly breaks: ReadonlySet<string>
  readonly actions: ReadonlySet<string>
  readonly transitions: ReadonlySet<string>
}

/** The same for each part of what is reached. */
export function mapReached<T>(of: (part: keyof Reached) => T): { readonly [Part in keyof Reached]: T } {
  const [faults, rules, reversals] = [of('faults'), of('rules'), of('reversals')]
  return { faults, rules, reversals, breaks: of('breaks'), actions: of('actions'), transitions: of('transitions') }
}

export type RunOptions = {
  readonly seed: string
  readonly steps: number
  /** What happens, instead of what the seed would choose. */
  readonly plan?: readonly Action[]
  /** Only these actions of the plan, for shrinking. */
  readonly only?: ReadonlySet<number>
}

/** Things done between two actions, at most, and until an action is waited for no longer. */
const stepsBetween = 40
const stepsToEnd = 300
/** A run that does more than this goes round in circles. */
const mostSteps = 25_000
const minute = 60_000

export async function runSeed(machine: Machine, { seed, steps, plan: given, only }: RunOptions): Promise<RunResult> {
  const stage = await openStage(seed, machine)
  const { world } = stage
  const whole = given ?? planOf(world.random.fork('plan'), steps)
  const plan = only === undefined ? whole : whole.filter(({ number }) => only.has(number))
  const broken: string[] = []
  const onFault = (error: unknown): void => {
    broken.push(
      `a party met an error nobody expected: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    )
  }
  const pace = world.random.fork('pace')
  // Of four pauses so many last until everybody has finished.
  const patience = pace.pick([1, 3, 4, 4, 4])
  world.faults = faultPolicy(world)
  for (let replica = 1 + world.random.fork('replicas').below(3); replica > 0; replica--) await stage.replicas.start()

  let going = 0

  for (const action of plan) {
    // Whoever runs the gateways starts one when all are gone.
    if (stage.replicas.living.length === 0 && pace.below(3) > 0) await stage.replicas.start()
    const done = act(stage, action, onFault)
    if (isAtOnce(action)) await done
    // Some runs let most things come to their end before the next begins, others heap them up.
    const mayEnd = pace.below(4) < patience
    const steps = mayEnd ? stepsToEnd : pace.below(stepsBetween)
    going += 1
    void done.then(() => {
      going -= 1
    })
    for (let step = 0; step < steps && !(mayEnd && going === 0); step++) if (!(await oneStep(stage, pace))) break
    if (pace.below(3) === 0) broken.push(...(await brokenNow(stage.server)))
    if (broken.length > 0) break
  }
  if (broken.length === 0) {
    // Mostly one replica must finish what all have begun.
    if (pace.below(4) > 0) for (const { host } of stage.replicas.living.slice(1)) await world.crash(host)
    await settleDown(stage)
    broken.push(...(await brokenAtTheEnd(stage, machine.keys)))
    for (const day of daysMore) {
      if (broken.length === 0) break
      await leap(stage, day)
      await calm(stage)
      broken.splice(0, broken.length, ...(await brokenAtTheEnd(stage, machine.keys)))
    }
  }
  const reached = await reachedBy(stage, plan)
  await closeStage(stage)
  return { seed, plan, broken, history: world.history, reached }
}

/** One thing that can be done now; when there is none, a little time. */
async function oneStep({ world }: Stage, pace: { below(bound: number): number }): Promise<boolean> {
  if (await world.step()) return true
  const next = world.nextTimerAt
  if (next === null) return false
  const ms = Math.max(0, next - world.now) + pace.below(50)
  world.advance(ms)
  return true
}

/** Four days are longer than any rail's or our own patience. */
const leapsToEnd = [5, 61, 24 * 60, 3 * 24 * 60]
/** Where much went wrong the next try may be due only then. */
const daysMore = [24 * 60, 24 * 60, 24 * 60]

/** Everybody well, and time enough, in leaps of so many minutes. */
export async function settleDown(stage: Stage, leaps: readonly number[] = leapsToEnd): Promise<void> {
  const { world, banks, dossiers, redis, postgres, replicas } = stage
  world.record('plan', 'everybody is well again')
  world.faults = () => null
  behave(stage)
  dossiers.mode = 'well'
  redis.state = 'up'
  if (postgres.isDown) postgres.start()
  for (const { host } of replicas.living) host.skewMs = 0
  if (replicas.living.length === 0) await replicas.start()
  await calm(stage, 1)
  for (const rail of rails) await calmWhile(stage, banks.sandbox[rail].notifier.release())
  for (const minutes of leaps) await leap(stage, minutes)
  await calm(stage)
}

async function leap(stage: Stage, minutes: number): Promise<void> {
  stage.world.advance(minutes * minute)
  await stage.server.query(`UPDATE webhook_endpoints SET status = 'ACTIVE' WHERE status = 'PAUSED'`)
  await calm(stage, 1)
}

export async function calmWhile(stage: Stage, work: Promise<unknown>): Promise<void> {
  let over = false
  const done = work.finally(() => {
    over = true
  })
  while (!over) {
    if (!(await stage.world.step())) stage.world.advance(250)
    if (over) break
  }
  await done
}

/** Until nothing is left to do but to wait, and a few rounds of the pollers beyond. */
export async function calm({ world }: Stage, rounds = 2): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (let step = 0; world.isBusy || world.underWay > 0; step++) {
      if (step > mostSteps) throw new Error(`the gateway does not come to rest: ${world.describe()}`)
      if (!(await world.step())) world.advance(100)
    }
    world.advance(5_100)
    await world.drain()
  }
  while (world.isBusy) if (!(await world.step())) break
}

export const faultShares: Readonly<Record<string, readonly [Fault, number][]>> = {
  'db.commit': [
    ['lost-before', 0.003],
    ['lost-after', 0.004],
    ['crash-before', 0.003],
    ['crash-after', 0.004],
  ],
  'db.write': [
    ['lost-before', 0.001],
    ['lost-after', 0.001],
    ['crash-before', 0.001],
    ['crash-after', 0.001],
  ],
  'db.read': [
    ['lost-before', 0.001],
    ['lost-after', 0.0005],
    ['crash-before', 0.0005],
    ['crash-after', 0.0005],
  ],
  redis: [
    ['lost-before', 0.01],
    ['lost-after', 0.01],
    ['crash-before', 0.002],
    ['crash-after', 0.002],
  ],
  rail: [
    ['lost-before', 0.05],
    ['lost-after', 0.05],
    ['crash-before', 0.02],
    ['crash-after', 0.02],
  ],
  webhook: [
    ['lost-before', 0.03],
    ['lost-after', 0.03],
    ['crash-before', 0.01],
    ['crash-after', 0.01],
  ],
  callback: [
    ['lost-before', 0.06],
    ['lost-after', 0.06],
  ],
  portal: [
    ['lost-before', 0.03],
    ['lost-after', 0.03],
  ],
  officer: [
    ['lost-before', 0.03],
    ['lost-after', 0.03],
  ],
  payer: [
    ['lost-before', 0.03],
    ['lost-after', 0.03],
  ],
}

function faultPolicy(world: World): FaultPolicy {
  const random = world.random.fork('faults')
  // Some runs have a bad line to the outside.
  const times = random.below(4) === 0 ? 4 : 1
  return (operation, host) => {
    let draw = random.next()
    for (const [fault, share] of faultShares[operation] ?? []) {
      const chance = operation.startsWith('db.') || operation === 'redis' ? share : share * times
      if (draw < chance) return fault.startsWith('crash') && host.name === 'outside' ? null : fault
      draw -= chance
    }
    return null
  }
}

async function reachedBy({ server, world }: Stage, plan: readonly Action[]): Promise<Reached> {
  const named = async (sql: string): Promise<Set<string>> =>
    new Set((await server.query<{ name: string }>(sql)).map(({ name }) => name))
  const rules = await server.query<{ kind: string }>(
    `SELECT DISTINCT kind FROM journal_entries WHERE kind LIKE 'settlement.%' UNION SELECT 'settlement.repeat' FROM callbacks WHERE verdict = 'repeated'`,
  )
  const transitions = await server.query<{ text: string }>(
    `SELECT DISTINCT kind || ' ' || was || ' → ' || became AS text FROM sim_transitions`,
  )
  return {
    faults: new Set(world.reached),
    rules: new Set(rules.map(({ kind }) => kind.slice('settlement.'.length))),
    reversals: await named('SELECT DISTINCT rule AS name FROM bill_reversals'),
    breaks: await named('SELECT DISTINCT class AS name FROM breaks'),
    actions: new Set(plan.map(({ kind }) => kind)),
    transitions: new Set(transitions.map(({ text }) => text)),
  }
}

/** Nothing of this run goes on into the next: whoever still waits is never answered. */
export async function closeStage({ world, replicas, postgres }: Stage): Promise<void> {
  for (const { host } of [...replicas.living]) {
    host.alive = false
    await world.crash(host)
  }
  postgres.isDown = true
  await world.drain()
}
