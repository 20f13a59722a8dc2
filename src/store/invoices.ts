import type { InvoiceStatus } from '../domain/decision.ts'
import type { FeeKind } from '../domain/fees/catalogue.ts'
import type { Database, Transaction } from './database.ts'

/** Every query of a portal goes through its tenant and its client. */
export type InvoiceOwner = { readonly tenantId: string; readonly clientId: string }

export type InvoiceItemRecord = {
  readonly lineNo: number
  readonly rateId: string | null
  readonly rateVersion: number | null
  readonly kind: FeeKind
  readonly nameVi: string
  readonly quantity: number
  readonly gross: bigint
  readonly adjustmentId: string | null
  readonly reductionAmount: bigint
  readonly net: bigint
  readonly economicCode: string | null
  readonly creditorTaxCode: string
  readonly taxObligationId: string | null
  readonly basis: { readonly document: string; readonly article: string }
}

export type InvoiceRecord = {
  readonly id: string
  readonly tenantId: string
  readonly version: number
  readonly status: InvoiceStatus
  readonly dossierCode: string
  readonly procedureCode: string
  readonly onlineServiceCode: string | null
  readonly resolvingAgencyCode: string
  readonly collectingAgencyCode: string
  readonly beneficiaryAccountId: string
  readonly collectionMode: 'UPFRONT' | 'AFTER'
  readonly total: bigint
  readonly issuedAt: Date
  readonly dueAt: Date | null
  readonly expiresAt: Date
  readonly paidAt: Date | null
  readonly lateBySeconds: number | null
  readonly supersedesId: string | null
  readonly supersededById: string | null
  readonly cancelReason: string | null
  readonly payCode: string
  readonly payToken: string
  readonly jws: string
  readonly items: readonly InvoiceItemRecord[]
}

export type InvoiceFilter = {
  readonly ids?: readonly string[]
  readonly status?: InvoiceStatus
  readonly dossierCode?: string
  readonly agencyCode?: string
  readonly issuedFrom?: Date
  readonly issuedBefore?: Date
  /** Ids below this one: the list runs from the newest to the oldest. */
  readonly before?: string
  readonly limit: number
}

type Row = Omit<InvoiceRecord, 'items'> & {
  items:
    | (Omit<InvoiceItemRecord, 'gross' | 'net' | 'reductionAmount'> & {
        gross: string
        net: string
        reductionAmount: string
      })[]
    | null
}

/** Invoices of one owner, newest first. */
export async function readInvoices(
  source: Pick<Database | Transaction, 'query'>,
  owner: InvoiceOwner,
  filter: InvoiceFilter,
): Promise<InvoiceRecord[]> {
  const rows = await source.query<Row>(
    `SELECT i.id, i.tenant_id AS "tenantId", i.version, i.status, i.dossier_code AS "dossierCode", i.procedure_code AS "procedureCode",
            i.online_service_code AS "onlineServiceCode", i.resolving_agency_code AS "resolvingAgencyCode",
            i.collecting_agency_code AS "collectingAgencyCode", i.beneficiary_account_id AS "beneficiaryAccountId",
            i.collection_mode AS "collectionMode", i.total, i.issued_at AS "issuedAt", i.due_at AS "dueAt", i.expires_at AS "expiresAt",
            i.paid_at AS "paidAt", i.late_by_seconds AS "lateBySeconds", i.supersedes_id AS "supersedesId",
            i.superseded_by_id AS "supersededById", i.cancel_reason AS "cancelReason", i.pay_code AS "payCode", i.pay_token AS "payToken", i.jws,
            (SELECT json_agg(json_build_object('lineNo', t.line_no, 'rateId', t.rate_id, 'rateVersion', t.rate_version, 'kind', t.kind,
                      'nameVi', t.name_vi, 'quantity', t.quantity, 'gross', t.gross::text, 'adjustmentId', t.adjustment_id,
                      'reductionAmount', t.reduction_amount::text, 'net', t.net::text, 'economicCode', t.economic_code,
                      'creditorTaxCode', t.creditor_tax_code, 'taxObligationId', t.tax_obligation_id, 'basis', t.basis) ORDER BY t.line_no)
               FROM invoice_items t WHERE t.invoice_id = i.id) AS items
       FROM invoices i
      WHERE i.tenant_id = $1 AND i.client_id = $2
        AND ($3::text[] IS NULL OR i.id = ANY ($3))
        AND ($4::text IS NULL OR i.status = $4)
        AND ($5::text IS NULL OR i.dossier_code = $5)
        AND ($6::text IS NULL OR i.collecting_agency_code = $6)
        AND ($7::timestamptz IS NULL OR i.issued_at >= $7)
        AND ($8::timestamptz IS NULL OR i.issued_at < $8)
        AND ($9::text IS NULL OR i.id < $9)
      ORDER BY i.id DESC LIMIT $10`,
    [
      owner.tenantId,
      owner.clientId,
      filter.ids ?? null,
      filter.status ?? null,
      filter.dossierCode ?? null,
      filter.agencyCode ?? null,
      filter.issuedFrom ?? null,
      filter.issuedBefore ?? null,
      filter.before ?? null,
      filter.limit,
    ],
  )
  return rows.map((row) => ({
    ...row,
    items: (row.items ?? []).map((item) => ({
      ...item,
      gross: BigInt(item.gross),
      net: BigInt(item.net),
      reductionAmount: BigInt(item.reductionAmount),
    })),
  }))
}
