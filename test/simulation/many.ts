/** Many seeds over a few processes. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Order, Report } from './worker.ts'

export type ManyOptions = {
  readonly seeds: readonly string[]
  readonly steps: number
  readonly workers: number
  readonly shrink: boolean
  /** Stops early once this many seeds have failed. */
  readonly mostFailures?: number
  /** For planted bugs: more arguments and environment of the processes. */
  readonly execArgv?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly onReport?: (report: Report, done: number) => void
}

export async function runMany(options: ManyOptions): Promise<Report[]> {
  const { seeds, steps, workers, mostFailures = 5, onReport } = options
  const waiting = [...seeds]
  const reports: Report[] = []
  const failures = (): number => reports.filter(({ broken }) => broken.length > 0).length

  function work(): Promise<void> {
    return new Promise((resolve, reject) => {
      const child: ChildProcess = fork(fileURLToPath(new URL('worker.ts', import.meta.url)), {
        execArgv: [...(options.execArgv ?? [])],
        env: { ...process.env, ...options.env },
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      })
      const next = (): void => {
        const seed = failures() >= mostFailures ? undefined : waiting.shift()
        child.send(seed === undefined ? 'end' : ({ seed, steps, shrink: options.shrink } satisfies Order))
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

  await Promise.all(Array.from({ length: Math.min(workers, seeds.length) }, work))
  return reports.sort((a, b) => seeds.indexOf(a.seed) - seeds.indexOf(b.seed))
}
