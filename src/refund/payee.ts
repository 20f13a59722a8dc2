/** Where a payout goes: the bank stands open, the account's number and name are sealed under a data key of the refund's own. */
import type { MaybeSealed, SecretOwner, Vault } from '../secrets/vault.ts'
import type { Database } from '../store/database.ts'
import type { Payee, StoredPayee } from '../store/refunds.ts'

/** Columns of `refunds`. */
export type PayeeColumns = MaybeSealed & { readonly payee: StoredPayee | null }

const payeeOwner = (tenantId: string, refundId: string): SecretOwner => ({
  kind: 'refund-payee',
  tenantId,
  id: refundId,
})

export async function sealPayee(
  vault: Vault,
  refund: { readonly tenantId: string; readonly id: string },
  payee: Payee | null,
): Promise<PayeeColumns> {
  if (payee === null) return { payee: null, master_key_id: null, data_key: null, sealed: null }
  const { bankBin, accountNumber, accountName } = payee
  const sealed = await vault.seal(payeeOwner(refund.tenantId, refund.id), { accountNumber, accountName })
  return { payee: { bankBin }, ...sealed }
}

/** Null when there is none, or when its time was over and it was erased. */
export async function openPayee(
  vault: Vault,
  refund: PayeeColumns & { readonly tenantId: string; readonly id: string },
): Promise<Payee | null> {
  const { payee, tenantId, id } = refund
  if (payee === null) return null
  const { bankBin, accountNumber, accountName } = payee
  // Written plain by an earlier version, and `sealPlainPayees` has not come to it yet.
  if (accountNumber !== undefined && accountName !== undefined) return { bankBin, accountNumber, accountName }
  if (refund.data_key === null) return null
  const opened = await vault.open(payeeOwner(tenantId, id), refund)
  return { bankBin, accountNumber: opened.accountNumber ?? '', accountName: opened.accountName ?? '' }
}

const atOnce = 200

/** Seals what an earlier version wrote plain, in batches, until none is left. Holds no lock; safe on all replicas at once. Returns how many. */
export async function sealPlainPayees(database: Database, vault: Vault): Promise<number> {
  let sealed = 0
  for (let after = ''; ; ) {
    const rows = await database.query<{ id: string; tenantId: string; payee: Payee }>(
      `SELECT id, tenant_id AS "tenantId", payee FROM refunds WHERE payee ? 'accountNumber' AND id > $1 ORDER BY id LIMIT ${atOnce}`,
      [after],
    )
    const last = rows.at(-1)
    if (last === undefined) return sealed
    after = last.id
    for (const row of rows) {
      const columns = await sealPayee(vault, row, row.payee)
      // Still as it was read: another replica, or an officer who prepares it anew, may have been quicker.
      const changed = await database.query(
        `UPDATE refunds SET payee = $3, master_key_id = $4, data_key = $5, sealed = $6 WHERE id = $1 AND payee = $2 RETURNING id`,
        [
          row.id,
          JSON.stringify(row.payee),
          JSON.stringify(columns.payee),
          columns.master_key_id,
          columns.data_key,
          columns.sealed,
        ],
      )
      sealed += changed.length
    }
  }
}
