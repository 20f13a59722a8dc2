/** All that is held on one person, put together: the sealed fields, names on invoices and receipts, accounts refunds were paid to. */
import { openPayee, type PayeeColumns } from '../refund/payee.ts'
import type { Vault } from '../secrets/vault.ts'
import type { Transaction } from '../store/database.ts'
import type { Payee } from '../store/refunds.ts'
import { type Act, exportPersonal, type HeldPersonal } from './keep.ts'

export type PersonalDossier = {
  readonly held: readonly HeldPersonal[]
  /** Invoices that name the person, with every name they hold, for the names are not told apart by number. */
  readonly invoices: readonly {
    readonly id: string
    readonly dossierCode: string
    readonly issuedAt: Date
    readonly names: Readonly<Record<string, string>>
  }[]
  readonly receipts: readonly { readonly id: string; readonly invoiceId: string; readonly payerName: string | null }[]
  /** Of refunds of those invoices. Null: erased. */
  readonly payees: readonly { readonly refundId: string; readonly invoiceId: string; readonly payee: Payee | null }[]
}

/** The search is in the journal (`exportPersonal`). Of one tenant: `act.tenantId`. */
export async function personalDossier(
  tx: Transaction,
  act: Act & { readonly tenantId: string; readonly vault: Vault },
  numbers: readonly string[],
  purpose: string,
): Promise<PersonalDossier> {
  const held = await exportPersonal(tx, act, numbers, purpose)
  const about = [act.tenantId, [...new Set(held.map(({ invoiceId }) => invoiceId))]]
  const invoices = await tx.query<{
    id: string
    dossierCode: string
    issuedAt: Date
    parties: Record<string, { name?: string }>
  }>(
    `SELECT id, dossier_code AS "dossierCode", issued_at AS "issuedAt", parties FROM invoices
      WHERE tenant_id = $1 AND id = ANY ($2) ORDER BY id`,
    about,
  )
  const receipts = await tx.query<PersonalDossier['receipts'][number]>(
    `SELECT id, invoice_id AS "invoiceId", payer_name AS "payerName" FROM receipts WHERE tenant_id = $1 AND invoice_id = ANY ($2) ORDER BY id`,
    about,
  )
  const refunds = await tx.query<PayeeColumns & { id: string; invoiceId: string }>(
    `SELECT id, invoice_id AS "invoiceId", payee, master_key_id, data_key, sealed FROM refunds
      WHERE tenant_id = $1 AND invoice_id = ANY ($2) AND payee IS NOT NULL ORDER BY id`,
    about,
  )
  return {
    held,
    invoices: invoices.map(({ parties, ...invoice }) => ({
      ...invoice,
      names: Object.fromEntries(
        Object.entries(parties).flatMap(([role, { name }]) => (name === undefined ? [] : [[role, name]])),
      ),
    })),
    receipts,
    payees: await Promise.all(
      refunds.map(async (refund) => ({
        refundId: refund.id,
        invoiceId: refund.invoiceId,
        payee: await openPayee(act.vault, { ...refund, tenantId: act.tenantId }),
      })),
    ),
  }
}
