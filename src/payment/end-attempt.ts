import type { Transaction } from '../store/database.ts'

/** Takes the lock that guards everything about an invoice (docs/architecture.md, lock order). */
export async function lockInvoice(tx: Transaction, invoiceId: string): Promise<void> {
  await tx.query('SELECT id FROM invoices WHERE id = $1 FOR UPDATE', [invoiceId])
}

/**
 * Ends an attempt without money, under the invoice's lock. The invoice is open again when no other attempt is under way.
 * A final state stays as it is: false then.
 */
export async function failAttempt(
  tx: Transaction,
  attempt: { paymentId: string; invoiceId: string },
  reason: string,
  now: Date,
): Promise<boolean> {
  const failed = await tx.query(
    `UPDATE payments SET status = 'FAILED', status_reason = $2, next_inquiry_at = NULL, updated_at = $3
      WHERE id = $1 AND status IN ('CREATED', 'REDIRECTED', 'UNKNOWN') RETURNING id`,
    [attempt.paymentId, reason, now],
  )
  if (failed.length === 0) return false
  await tx.query(
    `UPDATE invoices SET status = 'ISSUED', updated_at = $2 WHERE id = $1 AND status = 'PAYING'
        AND NOT EXISTS (SELECT 1 FROM payments WHERE invoice_id = $1 AND status IN ('CREATED', 'REDIRECTED', 'UNKNOWN'))`,
    [attempt.invoiceId, now],
  )
  return true
}
