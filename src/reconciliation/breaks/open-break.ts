/** A break that is being resolved: read under its lock, closed on a day that is open. */
import { businessDate } from '../../domain/vietnam-time.ts'
import type { Environment } from '../../environment.ts'
import { Problem } from '../../problem/problem.ts'
import type { Transaction } from '../../store/database.ts'

export type Actor = { readonly tenantId: string; readonly subject: string }

export type ResolutionDetails = {
  /** APPLY_TO_INVOICE. */
  readonly invoiceId?: string | undefined
  /** PAIR: more items for the match, from other breaks; or other breaks whole. */
  readonly settlementIds?: readonly string[] | undefined
  readonly lineIds?: readonly string[] | undefined
  readonly breakIds?: readonly string[] | undefined
  /** WAIT. */
  readonly until?: string | undefined
}

export type BreakRow = {
  id: bigint
  class: string
  status: string
  rail_account_id: string
  beneficiary_account_id: string
  rail: string
  statement_amount: string
  payment_amount: bigint
  opened_on: string
  open_from: string
}

/** Every change of a break begins here. */
export async function lockBreak(tx: Transaction, tenantId: string, id: bigint): Promise<BreakRow> {
  const [row] = await tx.query<BreakRow>(
    `SELECT b.id, b.class, b.status, b.rail_account_id, r.beneficiary_account_id, r.rail, b.statement_amount, b.payment_amount, b.opened_on,
            coalesce((SELECT max(d.business_date) + 1 FROM reconciliation_days d WHERE d.rail_account_id = b.rail_account_id AND d.status = 'CLOSED'),
                     DATE '0001-01-01')::text AS open_from
       FROM breaks b JOIN rail_accounts r ON r.id = b.rail_account_id WHERE b.id = $1 AND b.tenant_id = $2 FOR UPDATE OF b`,
    [id, tenantId],
  )
  if (row === undefined) throw new Problem('NOT_FOUND')
  return row
}

export async function closeBreak(
  tx: Transaction,
  environment: Environment,
  found: BreakRow,
  status: 'RESOLVED' | 'CLEARED',
): Promise<void> {
  const day = dayOfDecision(environment, found)
  await tx.query(`UPDATE breaks SET status = $2, wait_until = NULL, closed_on = $3, updated_at = $4 WHERE id = $1`, [
    found.id,
    status,
    day,
    environment.now(),
  ])
}

/** Today, or the first day that is not closed yet. */
export function dayOfDecision(environment: Environment, { open_from, opened_on }: BreakRow): string {
  return [businessDate(environment.now()), open_from, opened_on].sort().at(-1) ?? ''
}
