/** Requests a receipt in the place of one that is wrong; the watcher issues it, and the old one becomes REPLACED in that commit. */
import { type ReceiptStatus, receiptTransitions } from '../domain/receipt.ts'
import type { Transaction } from './database.ts'
import { appendJournal } from './journal.ts'
import { insertAll } from './rows.ts'

export type ReceiptCorrection = {
  readonly tenantId: string
  readonly receiptId: string
  /** As it should have been. */
  readonly payerName: string
  readonly reason: string
  readonly actor: string
}

export type Replacement =
  | { readonly ok: true; readonly id: string }
  | { readonly ok: false; readonly why: 'notFound' | 'notStanding' }

/** Only a receipt that is issued and unadjusted can be replaced, and once. */
export async function replaceReceipt(
  tx: Transaction,
  correction: ReceiptCorrection,
  now: Date,
  newReceiptId: () => string,
): Promise<Replacement> {
  const [place] = await tx.query<{ invoiceId: string }>(
    'SELECT invoice_id AS "invoiceId" FROM receipts WHERE id = $1 AND tenant_id = $2',
    [correction.receiptId, correction.tenantId],
  )
  if (place === undefined) return { ok: false, why: 'notFound' }
  await tx.query('SELECT id FROM invoices WHERE id = $1 FOR UPDATE', [place.invoiceId])
  await tx.query('SELECT id FROM receipts WHERE invoice_id = $1 ORDER BY id FOR UPDATE', [place.invoiceId])
  const [receipt] = await tx.query<{
    status: ReceiptStatus
    settlement_id: string
    creditor_tax_code: string
    kind: string
    amount: bigint
    relation: string | null
    changed: boolean
  }>(
    `SELECT r.status, r.settlement_id, r.creditor_tax_code, r.kind, r.amount, r.relation,
            EXISTS (SELECT 1 FROM receipts n WHERE n.relates_to_id = r.id) AS changed
       FROM receipts r WHERE r.id = $1`,
    [correction.receiptId],
  )
  const replaceable =
    receipt !== undefined &&
    !receipt.changed &&
    receipt.relation !== 'ADJUSTS' &&
    receiptTransitions[receipt.status].includes('REPLACED')
  if (!replaceable) return { ok: false, why: 'notStanding' }
  const id = newReceiptId()
  await insertAll(tx, 'receipts', [
    {
      id,
      tenant_id: correction.tenantId,
      invoice_id: place.invoiceId,
      settlement_id: receipt.settlement_id,
      creditor_tax_code: receipt.creditor_tax_code,
      kind: receipt.kind,
      amount: receipt.amount,
      status: 'REQUESTED',
      relation: 'REPLACES',
      relates_to_id: correction.receiptId,
      reason: correction.reason,
      payer_name: correction.payerName,
      tries: 0,
      requested_at: now,
    },
  ])
  await appendJournal(tx, [
    {
      tenantId: correction.tenantId,
      at: now,
      kind: 'receipt.replacement_requested',
      subject: correction.receiptId,
      actor: correction.actor,
      facts: { receiptId: id, reason: correction.reason },
    },
  ])
  return { ok: true, id }
}
