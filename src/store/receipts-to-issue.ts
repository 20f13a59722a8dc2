/** Receipts on their way from REQUESTED to ISSUED: claimed, read with all that their content needs, written. */

import type { ReceiptRelation } from '../domain/receipt.ts'
import type { ReceiptNumber } from '../domain/receipt-document.ts'
import type { Transaction } from './database.ts'
import { rowsToJson } from './rows.ts'

export type ReceiptToIssue = {
  readonly id: string
  readonly tenantId: string
  readonly invoiceId: string
  readonly settlementId: string
  readonly dossierCode: string
  readonly agencyCode: string
  readonly taxCode: string
  readonly kind: string
  readonly amount: bigint
  readonly delegated: boolean
  readonly collectorName: string | null
  readonly collectorAddress: string
  readonly payerName: string | null
  readonly procedureName: string
  readonly paidAt: Date
  readonly rail: string
  readonly relation: ReceiptRelation | null
  readonly relatesToId: string | null
  readonly reason: string | null
  readonly related: (ReceiptNumber & { readonly issuedAt: string; readonly status: string }) | null
}

/**
 * Locks the invoices of receipts that wait for a number of ours, then the receipts with those they adjust, in id order.
 * Invoices that somebody else holds are left for the next round, so an issuer never waits and never deadlocks.
 */
export async function claimForBuiltIn(
  tx: Transaction,
  now: Date,
  limit: number,
  only: readonly string[] | null,
): Promise<ReceiptToIssue[]> {
  const claimed = await tx.query<{ id: string }>(
    `SELECT r.id FROM receipts r JOIN invoices i ON i.id = r.invoice_id
       LEFT JOIN receipt_issuers s ON s.agency_code = i.collecting_agency_code
       LEFT JOIN receipts o ON o.id = r.relates_to_id
      WHERE r.status = 'REQUESTED' AND (r.next_try_at IS NULL OR r.next_try_at <= $1) AND ($3::text[] IS NULL OR r.id = ANY ($3))
        AND coalesce(s.provider ->> 'kind', 'built-in') = 'built-in'
        -- What adjusts a receipt follows it.
        AND (o.id IS NULL OR o.number IS NOT NULL)
      ORDER BY r.requested_at, r.id LIMIT $2 FOR UPDATE OF i SKIP LOCKED`,
    [now, limit, only],
  )
  return claimed.length === 0
    ? []
    : await lockReceipts(
        tx,
        claimed.map(({ id }) => id),
      )
}

/** The receipts of these ids that still wait, locked. The caller holds the rows of their invoices. */
export async function lockReceipts(tx: Transaction, ids: readonly string[]): Promise<ReceiptToIssue[]> {
  await tx.query(
    'SELECT id FROM receipts WHERE id = ANY ($1) OR id IN (SELECT relates_to_id FROM receipts WHERE id = ANY ($1)) ORDER BY id FOR UPDATE',
    [ids],
  )
  return await tx.query<ReceiptToIssue>(
    `SELECT r.id, r.tenant_id AS "tenantId", r.invoice_id AS "invoiceId", r.settlement_id AS "settlementId", i.dossier_code AS "dossierCode", i.collecting_agency_code AS "agencyCode",
            r.creditor_tax_code AS "taxCode", r.kind, r.amount, coalesce(s.mode, 'OWN') = 'DELEGATED' AS delegated,
            CASE r.creditor_tax_code WHEN a.tax_code THEN a.name_vi WHEN b.creditor_tax_code THEN b.creditor_name END AS "collectorName",
            a.address AS "collectorAddress",
            -- The receipt names the payer (domain.md §1); who files pays unless somebody else is named.
            coalesce(r.payer_name, i.parties -> 'payer' ->> 'name', i.parties -> 'submitter' ->> 'name') AS "payerName",
            coalesce(p.body ->> 'nameVi', i.procedure_code) AS "procedureName", t.paid_at AS "paidAt", c.rail,
            r.relation, r.relates_to_id AS "relatesToId", r.reason,
            CASE WHEN o.id IS NULL THEN NULL
              ELSE json_build_object('template', o.template, 'symbol', o.symbol, 'number', o.number, 'issuedAt', o.issued_at, 'status', o.status) END AS related
       FROM receipts r JOIN invoices i ON i.id = r.invoice_id
       JOIN settlements t ON t.id = r.settlement_id JOIN rail_accounts c ON c.id = t.rail_account_id
       JOIN agencies a ON a.code = i.collecting_agency_code
       JOIN beneficiary_accounts b ON b.id = i.beneficiary_account_id
       LEFT JOIN procedures p ON p.tenant_id = i.tenant_id AND p.code = i.procedure_code
       LEFT JOIN receipt_issuers s ON s.agency_code = i.collecting_agency_code
       LEFT JOIN receipts o ON o.id = r.relates_to_id
      WHERE r.id = ANY ($1) AND r.status = 'REQUESTED' AND (o.id IS NULL OR o.number IS NOT NULL)
      ORDER BY r.requested_at, r.id`,
    [ids],
  )
}

export type IssuedReceipt = ReceiptNumber & {
  readonly id: string
  readonly seriesId: string | null
  readonly issuedAt: Date
  readonly issuedOn: string
  readonly feeName: string
  readonly collectorName: string
  readonly jws: string
  readonly providerReference: string | null
  readonly providerUrl: string | null
}

export async function writeIssued(tx: Transaction, issued: readonly IssuedReceipt[]): Promise<void> {
  await tx.query(
    `UPDATE receipts r SET status = 'ISSUED', series_id = n."seriesId", template = n.template, symbol = n.symbol, number = n.number,
            issued_at = n."issuedAt", issued_on = n."issuedOn", fee_name = n."feeName", collector_name = n."collectorName", jws = n.jws,
            provider_reference = n."providerReference", provider_url = n."providerUrl", last_error = NULL, next_try_at = NULL
       FROM json_to_recordset($1::json) AS n(id text, "seriesId" text, template text, symbol text, number integer, "issuedAt" timestamptz,
              "issuedOn" date, "feeName" text, "collectorName" text, jws text, "providerReference" text, "providerUrl" text)
      WHERE r.id = n.id`,
    [rowsToJson(issued)],
  )
}

/** The receipts that the issued ones adjust or replace. */
export async function markRelated(tx: Transaction, issuedIds: readonly string[]): Promise<void> {
  await tx.query(
    `UPDATE receipts o SET status = CASE r.relation WHEN 'ADJUSTS' THEN 'ADJUSTED' ELSE 'REPLACED' END
       FROM receipts r WHERE r.id = ANY ($1) AND o.id = r.relates_to_id AND o.status <> 'REPLACED'`,
    [issuedIds],
  )
}

/** They stay REQUESTED, with the reason, and are tried again. */
export async function postpone(
  source: Pick<Transaction, 'query'>,
  receipts: readonly { readonly id: string; readonly error: string; readonly nextTryAt: Date }[],
): Promise<void> {
  await source.query(
    `UPDATE receipts r SET tries = r.tries + 1, last_error = n.error, next_try_at = n."nextTryAt"
       FROM json_to_recordset($1::json) AS n(id text, error text, "nextTryAt" timestamptz) WHERE r.id = n.id AND r.status = 'REQUESTED'`,
    [rowsToJson(receipts)],
  )
}
