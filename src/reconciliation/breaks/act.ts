/** What each approved resolution does. Money goes through the settlement door. */
import type { BreakAction } from '../../domain/reconciliation/breaks.ts'
import type { Environment } from '../../environment.ts'
import { bookWriteOff } from '../../settlement/write-off.ts'
import type { Transaction } from '../../store/database.ts'
import { pair } from './match-by-officer.ts'
import { applyToInvoice, openRefund, recordReversal } from './money.ts'
import { type Actor, type BreakRow, closeBreak, type ResolutionDetails } from './open-break.ts'

/** Facts of it, for history and journal. */
export async function act(
  tx: Transaction,
  environment: Environment,
  actor: Actor,
  found: BreakRow,
  { action, details }: { readonly action: BreakAction; readonly details: ResolutionDetails },
): Promise<Readonly<Record<string, string>>> {
  switch (action) {
    case 'WAIT':
      await tx.query(`UPDATE breaks SET status = 'WAITING', wait_until = $2, updated_at = $3 WHERE id = $1`, [
        found.id,
        details.until,
        environment.now(),
      ])
      return { until: details.until ?? '' }
    case 'APPLY_TO_INVOICE':
      return await applyToInvoice(tx, environment, actor, found, details.invoiceId ?? '')
    case 'OPEN_REFUND':
      return await openRefund(tx, environment, actor, found)
    case 'RECORD_REVERSAL':
      return await recordReversal(tx, environment, actor, found)
    case 'PAIR':
      return await pair(tx, environment, actor, found, details)
    case 'WRITE_OFF':
      await bookWriteOff(tx, environment, {
        tenantId: actor.tenantId,
        railAccountId: found.rail_account_id,
        // What the books still expect beyond what the bank showed.
        amount:
          found.payment_amount === 0n ? 0n : found.payment_amount - BigInt(found.statement_amount.split('.')[0] ?? '0'),
      })
      await closeBreak(tx, environment, found, 'RESOLVED')
      return {}
    case 'BANK_ERROR':
    case 'EXPLAIN':
      await closeBreak(tx, environment, found, 'RESOLVED')
      return {}
  }
}
