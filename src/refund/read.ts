/** Refunds as officers and portals look at them. */
import type { RefundChannel, RefundOrigin, RefundStatus } from '../domain/refund.ts'
import type { Transaction } from '../store/database.ts'
import { type RefundRecord, type RefundRow, refundColumns, toRefund } from '../store/refunds.ts'

export type RefundView = RefundRecord & {
  readonly dossierCode: string | null
  readonly disposition: string
  readonly paidAmount: bigint
  readonly paidAt: Date
  readonly rail: string
  readonly railAccountId: string
  readonly railTransactionId: string
  readonly beneficiaryAccountId: string
}

export type RefundFilter = {
  readonly ids?: readonly string[]
  readonly invoiceId?: string
  readonly settlementId?: string
  readonly dossierCode?: string
  readonly status?: RefundStatus
  /** Neither done nor rejected. */
  readonly open?: boolean
  readonly origin?: RefundOrigin
  readonly channel?: RefundChannel
  readonly needsHuman?: boolean
  readonly payoutOrderId?: string
  /** Portals see refunds of their own invoices. */
  readonly clientId?: string
  /** Ids below this one: the list runs from the newest to the oldest. */
  readonly before?: string
  readonly limit: number
}

/** Newest first. */
export async function readRefunds(
  source: Pick<Transaction, 'query'>,
  tenantId: string,
  filter: RefundFilter,
): Promise<RefundView[]> {
  const rows = await source.query<RefundRow & Omit<RefundView, keyof RefundRecord>>(
    `SELECT ${refundColumns}, i.dossier_code AS "dossierCode", s.disposition, s.amount AS "paidAmount", s.paid_at AS "paidAt", a.rail,
            s.rail_account_id AS "railAccountId", s.rail_transaction_id AS "railTransactionId",
            coalesce(i.beneficiary_account_id, a.beneficiary_account_id) AS "beneficiaryAccountId"
       FROM refunds r
       JOIN settlements s ON s.id = r.settlement_id
       JOIN rail_accounts a ON a.id = s.rail_account_id
       LEFT JOIN invoices i ON i.id = r.invoice_id
      WHERE r.tenant_id = $1
        AND ($2::text[] IS NULL OR r.id = ANY ($2))
        AND ($3::text IS NULL OR r.invoice_id = $3)
        AND ($4::text IS NULL OR r.settlement_id = $4)
        AND ($5::text IS NULL OR i.dossier_code = $5)
        AND ($6::text IS NULL OR r.status = $6)
        AND ($7::boolean IS NULL OR (r.status NOT IN ('DONE', 'REJECTED')) = $7)
        AND ($8::text IS NULL OR r.origin = $8)
        AND ($9::text IS NULL OR r.channel = $9)
        AND ($10::boolean IS NULL OR r.needs_human = $10)
        AND ($11::text IS NULL OR r.payout_order_id = $11)
        AND ($12::text IS NULL OR i.client_id = $12)
        AND ($13::text IS NULL OR r.id < $13)
      ORDER BY r.id DESC LIMIT $14`,
    [
      tenantId,
      filter.ids ?? null,
      filter.invoiceId ?? null,
      filter.settlementId ?? null,
      filter.dossierCode ?? null,
      filter.status ?? null,
      filter.open ?? null,
      filter.origin ?? null,
      filter.channel ?? null,
      filter.needsHuman ?? null,
      filter.payoutOrderId ?? null,
      filter.clientId ?? null,
      filter.before ?? null,
      filter.limit,
    ],
  )
  return rows.map((row) => ({ ...row, ...toRefund(row) }))
}

export type RefundStepView = {
  readonly seq: number
  readonly at: Date
  readonly event: string
  readonly from: string | null
  readonly to: string
  readonly actor: string
  readonly facts: Readonly<Record<string, string | number | null>>
}

/** Every step there was, oldest first. */
export async function readRefundSteps(
  source: Pick<Transaction, 'query'>,
  tenantId: string,
  refundId: string,
): Promise<RefundStepView[]> {
  return await source.query<RefundStepView>(
    `SELECT seq, at, event, from_status AS "from", to_status AS "to", actor, facts FROM refund_steps
      WHERE refund_id = $1 AND tenant_id = $2 ORDER BY seq`,
    [refundId, tenantId],
  )
}
