/** One run: payments all the time, faults one after another, now and then two at once; then rest, and the verdict. */
import { createRandom, type Random } from '../simulation/engine/random.ts'
import { type Fault, faults } from './faults.ts'
import { createPayments, nextOf, type PlannedPayment } from './plan.ts'
import { comeToRest } from './quiet.ts'
import type { Done, Run } from './report.ts'
import { openStage, registerWebhooks, type Stage } from './stage.ts'
import { judge } from './verdict.ts'
import { pause } from './wait.ts'

export type RunOptions = {
  readonly seed: string
  readonly minutes: number
  /** One phase for each, in this order. */
  readonly replicas: readonly number[]
  readonly perSecond: number
  readonly folder: string
  readonly tell: (line: string) => void
}

/** Kept for coming to rest and the verdict. */
const endMs = 25_000
const portals = 2
/** Harm lasts so long, and up to so much longer. */
const [shortestMs, variesMs] = [800, 2_700]
const calmMs = 300

export async function run(options: RunOptions): Promise<Run> {
  const { seed, minutes, replicas, perSecond, folder, tell } = options
  const end = Date.now() + minutes * 60_000 - endMs
  const random = createRandom(seed)
  const next = createPayments(random.fork('payments'), portals, perSecond)
  const stage = await openStage(folder, Math.max(...replicas), minutes)
  closeWhenTold(stage)
  try {
    const done: Done[] = []
    const impossible = new Map<Fault, string>()
    for (const fault of faults) {
      const reason = fault.impossible?.(stage) ?? null
      if (reason !== null) impossible.set(fault, reason)
    }
    const possible = faults.filter((fault) => !impossible.has(fault))
    let loading = false
    for (const [phase, count] of replicas.entries()) {
      const phaseEnd = Date.now() + (end - Date.now()) / (replicas.length - phase)
      tell(`${count} ${count === 1 ? 'replica' : 'replicas'}`)
      await stage.run(count)
      if (!loading) {
        await registerWebhooks(stage)
        stage.load.run(next)
        loading = true
      }
      while (Date.now() < phaseEnd)
        done.push(
          ...(await harm(stage, { possible, done, count, random: random.fork(`fault ${done.length}`), next, tell })),
        )
    }
    tell('the faults are over; waiting for rest')
    await stage.load.stop()
    stage.note('every payment has come to its end')
    const open = await comeToRest(stage)
    for (const line of open) stage.note(`still open: ${line}`)
    stage.note('at rest')
    const answers = await judge(stage)
    return { done, impossible, answers, load: stage.load }
  } finally {
    await stage.close()
  }
}

/** Processes and disks of a run that is broken off do not stay behind. */
function closeWhenTold(stage: Stage): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void stage.close().finally(() => process.exit(130)))
}

type Harm = {
  readonly possible: readonly Fault[]
  readonly done: readonly Done[]
  readonly count: number
  readonly random: Random
  readonly next: () => PlannedPayment
  readonly tell: (line: string) => void
}

async function harm(stage: Stage, { possible, done, count, random, next, tell }: Harm): Promise<Done[]> {
  const times = new Map<string, number>()
  for (const { fault } of done) times.set(fault.name, (times.get(fault.name) ?? 0) + 1)
  const fitting = possible.filter(({ fits }) => fits?.(stage) ?? true)
  const first = nextOf(fitting, times, random)
  const others = fitting.filter(({ part }) => part !== first.part)
  const chosen = random.chance(0.25) && others.length > 0 ? [first, nextOf(others, times, random)] : [first]
  const names = chosen.map(({ name }) => name).join(' + ')
  stage.note(`harm: ${names}`)
  const from = Date.now()
  const heals = await Promise.all(chosen.map(({ hurt }, index) => hurt(stage, random.fork(`hurt ${index}`))))
  await pause(shortestMs + random.below(variesMs))
  await Promise.all(heals.map((heal) => heal()))
  const until = Date.now()
  stage.note(`healed: ${names}`)
  let recoveredAt: number | null = null
  try {
    await stage.load.probe(next())
    recoveredAt = Date.now()
    stage.note(`recovered: ${names}`)
  } catch (error) {
    stage.note(`not recovered: ${names}: ${error instanceof Error ? error.message : String(error)}`)
  }
  const told =
    recoveredAt === null ? 'NO RECOVERY' : `next payment after ${((recoveredAt - until) / 1000).toFixed(1)} s`
  tell(`  ${names}: ${((until - from) / 1000).toFixed(1)} s, ${told}`)
  await pause(calmMs)
  return chosen.map((fault) => ({ fault, replicas: count, from, until, recoveredAt }))
}
