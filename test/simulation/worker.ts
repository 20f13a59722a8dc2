/** A child process that runs the seeds it is sent, one after another, on stores of its own. */
import type { Action } from './actions.ts'
import { openMachine, type Servers } from './machine.ts'
import { mapReached, type Reached, type RunOptions, runSeed } from './run.ts'
import { shrink } from './shrink.ts'

export type Order = RunOptions & { readonly shrink: boolean }
export type Report = {
  readonly seed: string
  readonly broken: readonly string[]
  /** Of the shortest failing run; empty when all held. */
  readonly history: readonly string[]
  readonly plan: readonly Action[]
  readonly reached: { readonly [Part in keyof Reached]: readonly string[] }
  readonly ms: number
}

// Set by many.ts, which made both.
const servers: Servers = JSON.parse(process.env.SIMULATION_SERVERS ?? '')
const { machine, close } = await openMachine(servers, Number(process.env.SIMULATION_PLACE))

async function run(order: Order): Promise<Report> {
  const started = performance.now()
  const result = await runSeed(machine, order)
  const shown = result.broken.length > 0 && order.shrink ? await shrink(machine, result, order) : result
  return {
    seed: order.seed,
    broken: shown.broken,
    history: shown.broken.length > 0 ? shown.history : [],
    plan: shown.plan,
    reached: mapReached((part) => [...result.reached[part]]),
    ms: Math.round(performance.now() - started),
  }
}

process.on('message', (order: Order | 'end') => {
  if (order === 'end') {
    void close().then(() => process.disconnect?.())
    return
  }
  run(order).then(
    (report) => {
      process.send?.(report)
    },
    (error: unknown) => {
      process.send?.({
        seed: order.seed,
        broken: [`the run itself ended: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`],
        history: [],
        plan: [],
        reached: mapReached(() => []),
        ms: 0,
      } satisfies Report)
    },
  )
})
process.on('disconnect', () => process.exit(0))
process.send?.('ready')
