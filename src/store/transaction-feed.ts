/** Every transaction of a tenant's agencies in one order that never changes: the province's single point (domain.md §3 row 32). */
import type { TenantDatabase, Transaction } from './database.ts'

export type FeedTransaction = {
  readonly position: bigint
  readonly settlementId: string
  readonly direction: 'IN' | 'OUT'
  readonly disposition: string
  readonly amount: bigint
  readonly paidAt: Date
  readonly settledAt: Date
  readonly lateBySeconds: number | null
  readonly railTransactionId: string
  readonly merchantRef: string | null
  readonly source: string
  readonly railAccountId: string
  readonly rail: string
  readonly invoiceId: string | null
  readonly dossierCode: string | null
  readonly procedureCode: string | null
  readonly agencyCode: string
  readonly agencyName: string
  readonly resolvingAgencyCode: string | null
}

const placedAtOnce = 5_000
/** A transaction that settles longer than this before it commits does not exist: the database cuts it off far earlier. */
const latestCommitMs = 24 * 60 * 60 * 1000

/**
 * Gives a place to what has been committed since. Under a lock and after the commit: a place taken at the time of settling
 * could be passed by a reader while its transaction is still open.
 */
export async function placeTransactions(tx: Transaction, tenantId: string): Promise<void> {
  await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 5))', [`transaction feed ${tenantId}`])
  await tx.query(
    `INSERT INTO transaction_feed (tenant_id, settlement_id, settled_at)
     SELECT s.tenant_id, s.id, s.settled_at FROM settlements s
      WHERE s.tenant_id = $1
        AND s.settled_at >= coalesce((SELECT max(settled_at) FROM transaction_feed WHERE tenant_id = $1), '-infinity') - $2 * interval '1 millisecond'
        AND NOT EXISTS (SELECT 1 FROM transaction_feed f WHERE f.settlement_id = s.id)
      ORDER BY s.settled_at, s.id LIMIT $3`,
    [tenantId, latestCommitMs, placedAtOnce],
  )
}

export const feedColumns = `f.position, x.settlement_id AS "settlementId", x.direction, x.disposition, x.amount, x.paid_at AS "paidAt", x.settled_at AS "settledAt",
  x.late_by_seconds AS "lateBySeconds", x.rail_transaction_id AS "railTransactionId", x.merchant_ref AS "merchantRef", x.source,
  x.rail_account_id AS "railAccountId", x.rail, x.invoice_id AS "invoiceId", x.dossier_code AS "dossierCode", x.procedure_code AS "procedureCode",
  x.agency_code AS "agencyCode", x.agency_name AS "agencyName", x.resolving_agency_code AS "resolvingAgencyCode"`

/** Transactions after a place, in order. */
export async function readTransactions(
  store: TenantDatabase,
  tenantId: string,
  after: bigint,
  limit: number,
): Promise<FeedTransaction[]> {
  await store.transaction((tx) => placeTransactions(tx, tenantId))
  return await store.query<FeedTransaction>(
    `SELECT ${feedColumns} FROM transaction_feed f JOIN report_transactions x ON x.settlement_id = f.settlement_id
      WHERE f.tenant_id = $1 AND f.position > $2 ORDER BY f.position LIMIT $3`,
    [tenantId, after, limit],
  )
}
