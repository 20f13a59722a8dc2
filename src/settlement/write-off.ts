/**
 * Money that two officers decided not to expect any more: what a rail still owes by the books is taken out of them. Part of the
 * settlement door, because only it writes postings.
 */
import { type Environment, newId } from '../environment.ts'
import type { Transaction } from '../store/database.ts'
import { insertAll } from '../store/rows.ts'

/** Books `amount` (whole VND, of either sign) from the rail's account to `writtenOff:<railAccountId>`. Zero books nothing. */
export async function bookWriteOff(
  tx: Transaction,
  environment: Environment,
  { tenantId, railAccountId, amount }: { tenantId: string; railAccountId: string; amount: bigint },
): Promise<void> {
  if (amount === 0n) return
  const id = newId(environment, 'ltx')
  await insertAll(tx, 'ledger_transactions', [
    { id, tenant_id: tenantId, kind: 'WRITE_OFF', booked_at: environment.now() },
  ])
  await insertAll(tx, 'ledger_postings', [
    { transaction_id: id, line_no: 1, account: `writtenOff:${railAccountId}`, amount },
    { transaction_id: id, line_no: 2, account: `rail:${railAccountId}`, amount: -amount },
  ])
}
