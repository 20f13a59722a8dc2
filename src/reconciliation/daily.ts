/**
 * Breaks age without new files: what waited for its statement becomes a real break when its window is over. Each tenant that
 * reconciles at all is run once a local day, early, by whichever replica comes first.
 */
import { businessDate } from '../domain/vietnam-time.ts'
import { Problem } from '../problem/problem.ts'
import { type RunOptions, reconcile } from './run.ts'

/** Local hour from which on the statements of yesterday may be expected. */
export const fromHour = 6
const hourMs = 60 * 60 * 1000

/** One look; returns how many tenants were run. */
export async function runDue(options: RunOptions): Promise<number> {
  const { database, environment, log } = options
  const now = environment.now()
  const today = businessDate(now)
  if (businessDate(new Date(now.getTime() - fromHour * hourMs)) !== today) return 0
  const due = await database.query<{ id: string }>(
    `SELECT t.id FROM tenants t
      WHERE EXISTS (SELECT 1 FROM statement_files f WHERE f.tenant_id = t.id AND f.status = 'IMPORTED')
        AND NOT EXISTS (SELECT 1 FROM reconciliation_runs r WHERE r.tenant_id = t.id AND r.as_of = $1
                           -- One that has run for longer than an hour died with its process.
                           AND (r.status = 'DONE' OR r.status = 'RUNNING' AND r.started_at > $2))
      ORDER BY t.id`,
    [today, new Date(now.getTime() - hourMs)],
  )
  let ran = 0
  for (const { id } of due) {
    try {
      await reconcile(options, id, 'feegate')
      ran += 1
    } catch (error) {
      // Another replica has it.
      if (error instanceof Problem && error.code === 'RECONCILIATION_RUNNING') continue
      log.error({ err: error, tenantId: id }, 'the daily run failed')
    }
  }
  return ran
}

const lookEveryMs = 10 * 60 * 1000

export function startDailyRuns(options: RunOptions): { close(): Promise<void> } {
  const { environment, log } = options
  const stop = new AbortController()
  const running = (async () => {
    while (!stop.signal.aborted) {
      try {
        await runDue(options)
      } catch (error) {
        log.warn({ err: error }, 'daily runs could not be looked for; it is tried again')
      }
      await environment.sleep(lookEveryMs, stop.signal)
    }
  })()
  return {
    async close() {
      stop.abort()
      await running
    },
  }
}
