/** Collections as they are read: lists, one, and the slip. */
import type { Transaction } from '../store/database.ts'

export type CollectionStatus = 'COLLECTED' | 'CORRECTION_REQUESTED' | 'CORRECTED'

export type Collection = {
  readonly id: string
  readonly status: CollectionStatus
  readonly shiftId: string
  readonly slipNo: number
  readonly unitCode: string
  readonly unitName: string
  readonly collectedBy: string
  readonly operatorName: string
  readonly invoiceId: string
  readonly invoiceStatus: string
  readonly payCode: string
  readonly payToken: string
  readonly dossierCode: string
  readonly procedureName: string
  readonly collectingAgencyCode: string
  readonly collectingAgencyName: string
  readonly payerName: string | null
  readonly settlementId: string
  readonly amount: bigint
  readonly cashGiven: bigint
  readonly changeGiven: bigint
  readonly collectedAt: Date
  readonly correctedAt: Date | null
  readonly items: readonly { readonly nameVi: string; readonly quantity: number; readonly net: bigint }[]
}

export type CollectionFilter = {
  readonly id?: string
  readonly shiftId?: string
  readonly invoiceId?: string
  readonly operator?: string
  /** The payer's way to the slip. */
  readonly payToken?: string
  readonly before?: string
  readonly limit: number
}

type CollectionRow = Omit<Collection, 'items'> & {
  items: { nameVi: string; quantity: number; net: string }[] | null
}

/** @param tenantId null only together with a pay token, which names one invoice by itself */
export async function readCollections(
  source: Pick<Transaction, 'query'>,
  tenantId: string | null,
  filter: CollectionFilter,
): Promise<Collection[]> {
  if (tenantId === null && filter.payToken === undefined) throw new TypeError('collections are read per tenant')
  const rows = await source.query<CollectionRow>(
    `SELECT c.id, c.shift_id AS "shiftId", c.slip_no AS "slipNo", s.unit_code AS "unitCode", u.name_vi AS "unitName",
            c.collected_by AS "collectedBy", s.operator_name AS "operatorName", c.invoice_id AS "invoiceId", i.status AS "invoiceStatus",
            i.pay_code AS "payCode", i.pay_token AS "payToken", i.dossier_code AS "dossierCode",
            coalesce(p.body ->> 'nameVi', i.procedure_code) AS "procedureName",
            i.collecting_agency_code AS "collectingAgencyCode", a.name_vi AS "collectingAgencyName",
            coalesce(i.parties #>> '{payer,name}', i.parties #>> '{submitter,name}') AS "payerName",
            c.settlement_id AS "settlementId", c.amount, c.cash_given AS "cashGiven", c.change_given AS "changeGiven",
            c.collected_at AS "collectedAt", CASE WHEN r.status = 'APPROVED' THEN r.decided_at END AS "correctedAt",
            CASE r.status WHEN 'APPROVED' THEN 'CORRECTED' WHEN 'REQUESTED' THEN 'CORRECTION_REQUESTED' ELSE 'COLLECTED' END AS status,
            (SELECT json_agg(json_build_object('nameVi', t.name_vi, 'quantity', t.quantity, 'net', t.net::text) ORDER BY t.line_no)
               FROM invoice_items t WHERE t.invoice_id = i.id) AS items
       FROM counter_collections c
       JOIN counter_shifts s ON s.id = c.shift_id
       JOIN agencies u ON u.code = s.unit_code
       JOIN invoices i ON i.id = c.invoice_id
       JOIN agencies a ON a.code = i.collecting_agency_code
       LEFT JOIN procedures p ON p.tenant_id = i.tenant_id AND p.code = i.procedure_code
       LEFT JOIN counter_corrections r ON r.collection_id = c.id AND r.status <> 'REJECTED'
      WHERE ($1::text IS NULL OR c.tenant_id = $1)
        AND ($2::text IS NULL OR c.id = $2)
        AND ($3::text IS NULL OR c.shift_id = $3)
        AND ($4::text IS NULL OR c.invoice_id = $4)
        AND ($5::text IS NULL OR c.collected_by = $5)
        AND ($6::text IS NULL OR i.pay_token = $6)
        AND ($7::text IS NULL OR c.id < $7)
      ORDER BY c.id DESC LIMIT $8`,
    [
      tenantId,
      filter.id ?? null,
      filter.shiftId ?? null,
      filter.invoiceId ?? null,
      filter.operator ?? null,
      filter.payToken ?? null,
      filter.before ?? null,
      filter.limit,
    ],
  )
  return rows.map((row) => ({
    ...row,
    items: (row.items ?? []).map((item) => ({ ...item, net: BigInt(item.net) })),
  }))
}
