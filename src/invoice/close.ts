/** Cancelling an unpaid invoice: the dossier was withdrawn or refused (domain.md §7.1). */
import type { Environment } from '../environment.ts'
import { lockInvoice } from '../payment/end-attempt.ts'
import { Problem } from '../problem/problem.ts'
import type { Transaction } from '../store/database.ts'
import { changeInvoiceStatus } from './change-status.ts'

export type OpenInvoice = { readonly id: string; readonly version: number; readonly dossierCode: string }

/**
 * Locks an invoice of this tenant and client for closing. Refuses while an attempt is under way at a rail: money may be
 * moving, and a payer who has just paid a cancelled invoice is the second worst thing that can happen.
 */
export async function lockOpenInvoice(
  tx: Transaction,
  owner: { tenantId: string; clientId: string },
  invoiceId: string,
  now: Date,
): Promise<OpenInvoice> {
  await lockInvoice(tx, invoiceId)
  const [invoice] = await tx.query<OpenInvoice & { status: string; under_way: boolean }>(
    `SELECT id, version, dossier_code AS "dossierCode", status, EXISTS (
              SELECT 1 FROM payments p
               WHERE p.invoice_id = i.id AND p.status IN ('CREATED', 'REDIRECTED', 'UNKNOWN') AND p.expires_at > $4
                 -- Showing a QR is no sign that anybody pays.
                 AND coalesce(p.instruction ->> 'kind', '') <> 'qr') AS under_way
       FROM invoices i WHERE id = $1 AND tenant_id = $2 AND client_id = $3`,
    [invoiceId, owner.tenantId, owner.clientId, now],
  )
  if (invoice === undefined) throw new Problem('NOT_FOUND')
  if (invoice.status !== 'ISSUED' && invoice.status !== 'PAYING')
    throw new Problem('INVOICE_NOT_OPEN', {
      vi: `Khoản thu đang ở trạng thái ${invoice.status}.`,
      en: `The invoice is ${invoice.status}.`,
    })
  if (invoice.under_way) throw new Problem('INVOICE_BEING_PAID', { retryAfterSeconds: 60 })
  return invoice
}

export async function cancelInvoice(
  tx: Transaction,
  environment: Environment,
  owner: { tenantId: string; clientId: string },
  invoiceId: string,
  reason: string,
): Promise<void> {
  await lockOpenInvoice(tx, owner, invoiceId, environment.now())
  await changeInvoiceStatus(tx, environment, {
    ids: [invoiceId],
    status: 'CANCELLED',
    event: 'invoice.cancelled',
    actor: owner.clientId,
    reason,
  })
}
