/**
 * Refunds whose result nobody could tell, and whose debit the bank shows under their reference: done, by the same step as if the rail
 * had said so. A debit that fits by its amount alone explains the line and decides nothing (docs/decisions/040).
 */
import type { Logger } from 'pino'
import { sequenceId } from '../domain/ids.ts'
import { gatewayActor } from '../domain/refund.ts'
import { startOfLocalDay } from '../domain/vietnam-time.ts'
import type { Environment } from '../environment.ts'
import { settleRefund } from '../settlement/refund.ts'
import type { TenantDatabase } from '../store/database.ts'
import { lockRefunds } from '../store/refunds.ts'

/** Looks at all that stand in a match, whichever run made it: a run that is cut off before this leaves them to the next. */
export async function confirmSeenRefunds(
  tenant: TenantDatabase,
  environment: Environment,
  log: Logger,
  tenantId: string,
): Promise<number> {
  const seen = await tenant.query<{ id: string; lineId: bigint; bookedOn: string; bankReference: string | null }>(
    `SELECT f.id, l.id AS "lineId", l.booked_on AS "bookedOn", l.bank_reference AS "bankReference"
       FROM refunds f
       JOIN reconciliation_items i ON i.refund_id = f.id AND i.ended_on IS NULL AND i.rule = 'REFUND' AND i.evidence ->> 'reference' IS NOT NULL
       JOIN statement_lines l ON l.id = i.line_id
      WHERE f.tenant_id = $1 AND f.status IN ('UNKNOWN', 'FAILED') ORDER BY f.id`,
    [tenantId],
  )
  let confirmed = 0
  for (const { id, lineId, bookedOn, bankReference } of seen) {
    const line = sequenceId('lin', lineId)
    const booked = await tenant.transaction(async (tx) => {
      const [refund] = await lockRefunds(tx, [id], tenantId)
      if (refund === undefined || refund.status === 'DONE') return true
      return await settleRefund(tx, environment, refund, {
        event: 'done',
        actor: gatewayActor,
        refundedAt: startOfLocalDay(bookedOn) ?? environment.now(),
        reference: bankReference ?? line,
        set: { rail_detail: `done: the statement shows it, ${line}` },
      })
    })
    if (booked) confirmed += 1
    else log.error({ refundId: id, line }, 'the statement shows a refund whose money another refund has taken')
  }
  return confirmed
}
