/** Money that was taken back must not be given back as well: refunds of it that nobody has decided about are withdrawn. */
import { gatewayActor } from '../domain/refund.ts'
import type { Transaction } from '../store/database.ts'
import { lockRefunds, writeStep } from '../store/refunds.ts'

/** Of these settlements. What is approved already is stopped by its own check before it is sent (refund/send.ts). */
export async function withdrawCases(tx: Transaction, settlementIds: readonly string[], now: Date): Promise<void> {
  if (settlementIds.length === 0) return
  const waiting = await tx.query<{ id: string }>(
    `SELECT id FROM refunds WHERE settlement_id = ANY($1) AND status = 'REQUESTED' ORDER BY id`,
    [settlementIds],
  )
  const refunds = await lockRefunds(
    tx,
    waiting.map(({ id }) => id),
  )
  // A decision may have come between the reading and the lock.
  for (const refund of refunds)
    if (refund.status === 'REQUESTED')
      await writeStep(tx, refund, { event: 'withdraw', to: 'REJECTED', at: now, actor: gatewayActor })
}
