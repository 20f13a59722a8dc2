import type { InvoiceStatus, PaymentStatus } from '../domain/decision.ts'
import type { Transaction } from './database.ts'

export type BookItem = {
  lineNo: number
  rateId: string | null
  kind: string
  nameVi: string
  net: bigint
  economicCode: string | null
  creditorTaxCode: string
  taxObligationId: string | null
}

export type BookPayment = { id: string; status: PaymentStatus; railAccountId: string; merchantRef: string }

export type BookInvoice = {
  id: string
  tenantId: string
  clientId: string
  version: number
  dossierCode: string
  procedureCode: string
  collectingAgencyCode: string
  beneficiaryAccountId: string
  payCode: string
  total: bigint
  status: InvoiceStatus
  expiresAt: Date
  eventSeq: number
  /** Last local day of the price; null: open-ended. */
  priceValidTo: string | null
  /** Expired only: a newer open or paid demand exists for the same obligations. */
  replaced: boolean
  /** Expired only: a rate or adjustment used was withdrawn by a later catalogue. */
  priceWithdrawn: boolean
  items: BookItem[]
  payments: BookPayment[]
}

type InvoiceRow = Omit<BookInvoice, 'items' | 'payments'> & {
  items: (Omit<BookItem, 'net'> & { net: string })[] | null
  payments: BookPayment[] | null
}

/** The current rows of these invoices with their items and attempts. Whoever will change them holds their row locks. */
export async function readInvoiceBook(tx: Transaction, invoiceIds: readonly string[]): Promise<BookInvoice[]> {
  const rows = await tx.query<InvoiceRow>(
    `SELECT i.id, i.tenant_id AS "tenantId", i.client_id AS "clientId", i.version, i.dossier_code AS "dossierCode",
            i.procedure_code AS "procedureCode", i.collecting_agency_code AS "collectingAgencyCode",
            i.beneficiary_account_id AS "beneficiaryAccountId", i.pay_code AS "payCode", i.total, i.status,
            i.expires_at AS "expiresAt", i.event_seq AS "eventSeq",
            i.price_valid_to AS "priceValidTo",
            -- Only expired invoices ask these two.
            i.status = 'EXPIRED' AND EXISTS (
              SELECT 1 FROM invoices o WHERE o.tenant_id = i.tenant_id AND o.dossier_code = i.dossier_code
                 AND o.obligation_key = i.obligation_key AND o.id <> i.id
                 AND o.status IN ('ISSUED', 'PAYING', 'PAID', 'PARTIALLY_REFUNDED', 'REFUNDED')) AS replaced,
            i.status = 'EXPIRED' AND EXISTS (
              SELECT 1 FROM invoice_items t
                LEFT JOIN fee_rates r ON r.tenant_id = i.tenant_id AND r.id = t.rate_id AND r.version = t.rate_version
                LEFT JOIN fee_adjustments a
                  ON a.tenant_id = i.tenant_id AND a.id = t.adjustment_id AND a.version = t.adjustment_version
               WHERE t.invoice_id = i.id AND (r.withdrawn_at IS NOT NULL OR a.withdrawn_at IS NOT NULL)) AS "priceWithdrawn",
            (SELECT json_agg(json_build_object('lineNo', t.line_no, 'rateId', t.rate_id, 'kind', t.kind, 'nameVi', t.name_vi,
                       'net', t.net::text, 'economicCode', t.economic_code, 'creditorTaxCode', t.creditor_tax_code,
                       'taxObligationId', t.tax_obligation_id) ORDER BY t.line_no)
               FROM invoice_items t WHERE t.invoice_id = i.id) AS items,
            (SELECT json_agg(json_build_object('id', p.id, 'status', p.status, 'railAccountId', p.rail_account_id,
                       'merchantRef', p.merchant_ref) ORDER BY p.id)
               FROM payments p WHERE p.invoice_id = i.id) AS payments
       FROM invoices i WHERE i.id = ANY($1)`,
    [invoiceIds],
  )
  return rows.map((row) => ({
    ...row,
    items: (row.items ?? []).map((item) => ({ ...item, net: BigInt(item.net) })),
    payments: row.payments ?? [],
  }))
}
