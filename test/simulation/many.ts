/** Many runs over a few processes. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Servers } from './machine.ts'
import type { RunOptions } from './run.ts'
import type { Order, Report } from './worker.ts'

export type ManyOptions = {
  readonly servers: Servers
  readonly runs: readonly RunOptions[]
  readonly workers: number
  readonly shrink: boolean
  /** Stops early once this many have failed. */
  readonly mostFailures?: number
  /** Name of a bug that is switched on. */
  readonly bug?: string
  readonly onReport?: (report: Report, done: number) => void
}

/** Every process has a place on the servers that no other ever had. */
let places = 0

/** Reports stand in the order of the runs. */
export async function runMany(options: ManyOptions): Promise<Report[]> {
  const { servers, runs, workers, mostFailures = 5, bug, onReport } = options
  const waiting = [...runs]
  const reports: Report[] = []
  const failures = (): number => reports.filter(({ broken }) => broken.length > 0).length

  function work(): Promise<void> {
    return new Promise((resolve, reject) => {
      const child: ChildProcess = fork(fileURLToPath(new URL('worker.ts', import.meta.url)), {
        execArgv: [
          // A run makes much that is soon forgotten.
          '--max-semi-space-size=64',
          ...(bug === undefined ? [] : ['--import', fileURLToPath(new URL('mutate.ts', import.meta.url))]),
        ],
        env: {
          ...process.env,
          SIMULATION_SERVERS: JSON.stringify(servers),
          SIMULATION_PLACE: String(places++),
          ...(bug === undefined ? {} : { FEEGATE_MUTATION: bug }),
        },
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      })
      const next = (): void => {
        const run = failures() >= mostFailures ? undefined : waiting.shift()
        child.send(run === undefined ? 'end' : ({ ...run, shrink: options.shrink } satisfies Order))
      }
      child.on('message', (message: Report | 'ready') => {
        if (message !== 'ready') {
          reports.push(message)
          onReport?.(message, reports.length)
        }
        next()
      })
      child.on('error', reject)
      child.on('exit', (code) =>
        code === 0 ? resolve() : reject(new Error(`a simulating process ended with ${code}`)),
      )
    })
  }

  await Promise.all(Array.from({ length: Math.min(workers, runs.length) }, work))
  const order = runs.map(({ seed }) => seed)
  return reports.sort((a, b) => order.indexOf(a.seed) - order.indexOf(b.seed))
}
