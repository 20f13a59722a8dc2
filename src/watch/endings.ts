/** Warns before a certificate, key or list ends: in the metrics always, in the log 60, 30 and 7 days before, and daily at the last. */
import type { Logger } from 'pino'
import { dayMs, type Ending, isUrgent, type Stage, stageOf } from '../endings/ending.ts'
import type { Environment } from '../environment.ts'
import type { Metrics } from '../metrics.ts'

export type EndingSource = () => readonly Ending[] | Promise<readonly Ending[]>

export type EndingWatcherOptions = {
  readonly endings: readonly EndingSource[]
  readonly environment: Environment
  readonly metrics: Metrics
  readonly log: Logger
}

/** A round to be run every hour or so. Returns how many warnings were written. */
export function createEndingWatcher({
  endings,
  environment,
  metrics,
  log,
}: EndingWatcherOptions): () => Promise<number> {
  const told = new Map<string, { stage: Stage; at: number }>()

  function isNews(name: string, stage: Stage, now: number): boolean {
    const last = told.get(name)
    if (last?.stage !== stage) return true
    return isUrgent(stage) && now - last.at >= dayMs
  }

  /** A source that cannot be read is told of, and hides none of the others. */
  async function readAll(): Promise<Ending[]> {
    const found: Ending[] = []
    for (const source of endings) {
      try {
        found.push(...(await source()))
      } catch (error) {
        log.error({ err: error }, 'what ends soon cannot be read')
      }
    }
    return found
  }

  return async () => {
    const now = environment.now()
    const found = await readAll()
    // What was renewed or removed leaves the metrics.
    metrics.daysLeft.reset()
    let warnings = 0
    for (const { kind, name, endsAt } of found) {
      if (endsAt === null) continue
      const daysLeft = Math.floor((endsAt.getTime() - now.getTime()) / dayMs)
      metrics.daysLeft.set({ kind, name }, daysLeft)
      const stage = stageOf({ kind, endsAt }, now)
      if (stage === 'quiet' || !isNews(name, stage, now.getTime())) continue
      told.set(name, { stage, at: now.getTime() })
      warnings++
      const line = { kind, name, endsAt, daysLeft }
      if (stage === 'ended') log.error(line, 'this has ended: renew it now')
      else log.warn(line, `this ends within ${stage}: renew it`)
    }
    return warnings
  }
}
