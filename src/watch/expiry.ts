/**
 * Closes invoices whose time is over. An invoice with an attempt still under way at a rail waits for that attempt: the payer
 * may be typing the bank's code, and money that comes then is in time for nobody's surprise.
 */
import type { InvoiceStatus } from '../domain/decision.ts'
import type { Environment } from '../environment.ts'
import { changeInvoiceStatus } from '../invoice/change-status.ts'
import type { Database } from '../store/database.ts'

const claimSize = 200

/** One round. Returns how many invoices expired. */
export async function expireDue({
  database,
  environment,
}: {
  database: Database
  environment: Environment
}): Promise<number> {
  const now = environment.now()
  const expired: InvoiceStatus = 'EXPIRED'
  return await database.transaction(async (tx) => {
    const due = await tx.query<{ id: string }>(
      `SELECT id FROM invoices i WHERE status IN ('ISSUED', 'PAYING') AND expires_at <= $1
          AND NOT EXISTS (SELECT 1 FROM payments p WHERE p.invoice_id = i.id AND p.status IN ('CREATED', 'REDIRECTED', 'UNKNOWN') AND p.expires_at > $1)
        ORDER BY id LIMIT ${claimSize} FOR UPDATE SKIP LOCKED`,
      [now],
    )
    await changeInvoiceStatus(tx, environment, {
      ids: due.map(({ id }) => id),
      status: expired,
      event: 'invoice.expired',
      actor: 'feegate',
    })
    return due.length
  })
}
