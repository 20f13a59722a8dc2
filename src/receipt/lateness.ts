/**
 * Raises an alarm for receipts that are not issued: after some minutes, and again when their local day is over, because the
 * law wants them on the day of collection (domain.md §7.3). Each alarm is raised once per receipt, by one replica.
 */
import { businessDate, startOfLocalDay } from '../domain/vietnam-time.ts'
import type { ReceiptOptions } from './issue.ts'

export const waitingAfterMs = 10 * 60_000

export type Lateness = { readonly waiting: number; readonly dayMissed: number }

/** One round: sets the gauges, raises what is new. Returns what is late now. */
export async function watchLateness({
  database,
  environment,
  metrics,
  log,
}: Pick<ReceiptOptions, 'database' | 'environment' | 'metrics' | 'log'>): Promise<Lateness> {
  const now = environment.now()
  const today = startOfLocalDay(businessDate(now)) ?? now
  const since = new Date(now.getTime() - waitingAfterMs)
  const raised = await database.query<{ id: string; alarm: string; last_error: string | null }>(
    `UPDATE receipts r SET alarm = n.alarm
       FROM (SELECT id, CASE WHEN requested_at < $1 THEN 'DAY_MISSED' ELSE 'WAITING' END AS alarm
               FROM receipts WHERE status = 'REQUESTED' AND (requested_at < $1 OR requested_at < $2)) n
      WHERE r.id = n.id AND r.status = 'REQUESTED' AND (r.alarm IS NULL OR (r.alarm = 'WAITING' AND n.alarm = 'DAY_MISSED'))
      RETURNING r.id, r.alarm, r.last_error`,
    [today, since],
  )
  for (const { id, alarm, last_error: reason } of raised) {
    if (alarm === 'DAY_MISSED') log.error({ receiptId: id, reason }, 'receipt not issued on the day of collection')
    else log.error({ receiptId: id, reason, minutes: waitingAfterMs / 60_000 }, 'receipt still not issued')
  }
  const [late = { waiting: 0n, dayMissed: 0n }] = await database.query<{ waiting: bigint; dayMissed: bigint }>(
    `SELECT count(*) FILTER (WHERE requested_at >= $1) AS waiting, count(*) FILTER (WHERE requested_at < $1) AS "dayMissed"
       FROM receipts WHERE status = 'REQUESTED' AND (requested_at < $1 OR requested_at < $2)`,
    [today, since],
  )
  const lateness = { waiting: Number(late.waiting), dayMissed: Number(late.dayMissed) }
  metrics.receiptsWaiting.set({ lateness: 'waiting' }, lateness.waiting)
  metrics.receiptsWaiting.set({ lateness: 'day_missed' }, lateness.dayMissed)
  return lateness
}
