import type { ReceiptRelation, ReceiptStatus } from '../domain/receipt.ts'
import type { Transaction } from './database.ts'

export type ReceiptRecord = {
  readonly id: string
  readonly invoiceId: string
  readonly dossierCode: string
  readonly agencyCode: string
  readonly collectorTaxCode: string
  readonly kind: string
  readonly status: ReceiptStatus
  /** Below zero on a receipt that takes something back. */
  readonly amount: bigint
  readonly requestedAt: Date
  readonly template: string | null
  readonly symbol: string | null
  readonly number: number | null
  readonly issuedAt: Date | null
  /** Local day. */
  readonly issuedOn: string | null
  readonly feeName: string | null
  readonly collectorName: string | null
  readonly relation: ReceiptRelation | null
  readonly relatesToId: string | null
  readonly reason: string | null
  readonly jws: string | null
  readonly providerUrl: string | null
  readonly lastError: string | null
  readonly summaryId: string | null
  readonly payToken: string
}

export type ReceiptFilter = {
  readonly tenantId: string
  readonly id?: string | undefined
  /** Those of this client's invoices only. */
  readonly clientId?: string | undefined
  readonly invoiceId?: string | undefined
  readonly status?: ReceiptStatus | undefined
  readonly agencyCode?: string | undefined
  readonly dossierCode?: string | undefined
  readonly symbol?: string | undefined
  readonly number?: number | undefined
  /** Local days, both included. */
  readonly issuedFrom?: string | undefined
  readonly issuedTo?: string | undefined
  /** Ids below this one: the list runs from the newest to the oldest. */
  readonly before?: string | undefined
  readonly limit: number
}

export async function readReceipts(
  source: Pick<Transaction, 'query'>,
  filter: ReceiptFilter,
): Promise<ReceiptRecord[]> {
  return await source.query<ReceiptRecord>(
    `SELECT r.id, r.invoice_id AS "invoiceId", i.dossier_code AS "dossierCode", i.collecting_agency_code AS "agencyCode",
            r.creditor_tax_code AS "collectorTaxCode", r.kind, r.status, r.amount, r.requested_at AS "requestedAt", r.template, r.symbol, r.number,
            r.issued_at AS "issuedAt", r.issued_on AS "issuedOn", r.fee_name AS "feeName", r.collector_name AS "collectorName", r.relation,
            r.relates_to_id AS "relatesToId", r.reason, r.jws, r.provider_url AS "providerUrl", r.last_error AS "lastError",
            r.summary_id AS "summaryId", i.pay_token AS "payToken"
       FROM receipts r JOIN invoices i ON i.id = r.invoice_id
      WHERE r.tenant_id = $1
        AND ($2::text IS NULL OR r.id = $2)
        AND ($3::text IS NULL OR i.client_id = $3)
        AND ($4::text IS NULL OR r.invoice_id = $4)
        AND ($5::text IS NULL OR r.status = $5)
        AND ($6::text IS NULL OR i.collecting_agency_code = $6)
        AND ($7::text IS NULL OR i.dossier_code = $7)
        AND ($8::text IS NULL OR r.symbol = $8)
        AND ($9::integer IS NULL OR r.number = $9)
        AND ($10::date IS NULL OR r.issued_on >= $10)
        AND ($11::date IS NULL OR r.issued_on <= $11)
        AND ($12::text IS NULL OR r.id < $12)
      ORDER BY r.id DESC LIMIT $13`,
    [
      filter.tenantId,
      filter.id ?? null,
      filter.clientId ?? null,
      filter.invoiceId ?? null,
      filter.status ?? null,
      filter.agencyCode ?? null,
      filter.dossierCode ?? null,
      filter.symbol ?? null,
      filter.number ?? null,
      filter.issuedFrom ?? null,
      filter.issuedTo ?? null,
      filter.before ?? null,
      filter.limit,
    ],
  )
}

/** Puts a receipt that waits at the head of the queue again. False when it does not wait. */
export async function requestAgain(tx: Transaction, tenantId: string, id: string): Promise<boolean> {
  const changed = await tx.query(
    `UPDATE receipts SET next_try_at = NULL, tries = 0, last_error = NULL WHERE id = $1 AND tenant_id = $2 AND status = 'REQUESTED' RETURNING id`,
    [id, tenantId],
  )
  return changed.length > 0
}

export type SummaryRecord = {
  readonly id: string
  readonly collectorTaxCode: string
  readonly collectorName: string
  readonly businessDate: string
  readonly part: number
  readonly supplementsId: string | null
  readonly receipts: number
  readonly amount: bigint
  readonly madeAt: Date
}

const summaryColumns = `id, creditor_tax_code AS "collectorTaxCode", collector_name AS "collectorName", business_date AS "businessDate", part,
  supplements_id AS "supplementsId", receipts, amount, made_at AS "madeAt"`

export async function readSummaries(
  source: Pick<Transaction, 'query'>,
  filter: {
    readonly tenantId: string
    readonly id?: string
    readonly taxCode?: string
    readonly from?: string
    readonly to?: string
    readonly before?: string
    readonly limit: number
  },
): Promise<SummaryRecord[]> {
  return await source.query<SummaryRecord>(
    `SELECT ${summaryColumns} FROM receipt_summaries
      WHERE tenant_id = $1 AND ($2::text IS NULL OR id = $2) AND ($3::text IS NULL OR creditor_tax_code = $3)
        AND ($4::date IS NULL OR business_date >= $4) AND ($5::date IS NULL OR business_date <= $5) AND ($6::text IS NULL OR id < $6)
      ORDER BY id DESC LIMIT $7`,
    [
      filter.tenantId,
      filter.id ?? null,
      filter.taxCode ?? null,
      filter.from ?? null,
      filter.to ?? null,
      filter.before ?? null,
      filter.limit,
    ],
  )
}

export type SummaryLine = {
  readonly lineNo: number
  readonly receiptId: string
  readonly template: string
  readonly symbol: string
  readonly number: number
  readonly issuedOn: string
  readonly feeName: string
  readonly amount: bigint
  readonly status: 'NEW' | ReceiptRelation
  readonly relatedTemplate: string | null
  readonly relatedSymbol: string | null
  readonly relatedNumber: number | null
}

/** Lines after one, in order; a page at a time. The caller has found the summary in its tenant. */
export async function readSummaryLines(
  source: Pick<Transaction, 'query'>,
  summaryId: string,
  afterLine: number,
  limit: number,
): Promise<SummaryLine[]> {
  return await source.query<SummaryLine>(
    `SELECT line_no AS "lineNo", receipt_id AS "receiptId", template, symbol, number, issued_on AS "issuedOn", fee_name AS "feeName", amount, status,
            related_template AS "relatedTemplate", related_symbol AS "relatedSymbol", related_number AS "relatedNumber"
       FROM receipt_summary_lines WHERE summary_id = $1 AND line_no > $2 ORDER BY line_no LIMIT $3`,
    [summaryId, afterLine, limit],
  )
}
