import type { StoredAttempt } from '../../adapters/contract.ts'
import type { Database, Transaction } from '../store/database.ts'

export type OpenAttempt = {
  readonly paymentId: string
  readonly invoiceId: string
  readonly tenantId: string
  readonly railAccountId: string
  readonly status: 'CREATED' | 'REDIRECTED' | 'SUCCEEDED' | 'FAILED' | 'UNKNOWN'
  readonly expiresAt: Date
  readonly stored: StoredAttempt
}

/** The attempt as adapters need it; null when there is none. */
export async function readAttempt(
  source: Pick<Database | Transaction, 'query'>,
  paymentId: string,
): Promise<OpenAttempt | null> {
  const [row] = await source.query<{
    id: string
    invoice_id: string
    tenant_id: string
    rail_account_id: string
    status: OpenAttempt['status']
    expires_at: Date
    merchant_ref: string
    amount: bigint
    created_at: Date
    sent: Record<string, string>
    rail_transaction_id: string | null
  }>(
    `SELECT id, invoice_id, tenant_id, rail_account_id, status, expires_at, merchant_ref, amount, created_at, sent, rail_transaction_id
       FROM payments WHERE id = $1`,
    [paymentId],
  )
  if (row === undefined) return null
  return {
    paymentId: row.id,
    invoiceId: row.invoice_id,
    tenantId: row.tenant_id,
    railAccountId: row.rail_account_id,
    status: row.status,
    expiresAt: row.expires_at,
    stored: {
      merchantRef: row.merchant_ref,
      amount: row.amount,
      createdAt: row.created_at,
      sent: row.sent,
      railTransactionId: row.rail_transaction_id,
    },
  }
}
