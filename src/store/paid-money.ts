import type { Disposition } from '../domain/decision.ts'
import type { Creditor } from '../domain/fees/catalogue.ts'
import type { RefundOrigin, RefundStatus } from '../domain/refund.ts'
import type { PaidItem, PaidMoney, RefundItem } from '../domain/refund-rules.ts'
import type { Transaction } from './database.ts'
import { itemsOf } from './refunds.ts'

/** A payment as refunds see it: what came, for which lines, into whose account, and what has been asked back of it. */
export type PaidRecord = Omit<PaidMoney, 'items' | 'refunds'> & {
  readonly settlementId: string
  readonly tenantId: string
  readonly invoiceId: string | null
  readonly paymentId: string | null
  readonly rail: string
  readonly railAccountId: string
  readonly railTransactionId: string
  readonly beneficiaryAccountId: string
  readonly creditor: Creditor
  readonly paidAt: Date
  readonly items: readonly (PaidItem & {
    readonly economicCode: string | null
    readonly taxObligationId: string | null
  })[]
  readonly refunds: readonly {
    readonly id: string
    readonly status: RefundStatus
    readonly origin: RefundOrigin
    readonly amount: bigint
    readonly items: readonly RefundItem[]
    readonly railRefundId: string | null
    /** It has been at a rail, whatever became of it there. */
    readonly wasSent: boolean
  }[]
}

type SettlementRow = Omit<PaidRecord, 'items' | 'refunds' | 'disposition'> & { disposition: Disposition }

/** Null when there is no such settlement of this tenant. To change anything, lock it first (`lockPayments`). */
export async function readPaid(
  source: Pick<Transaction, 'query'>,
  tenantId: string,
  settlementId: string,
): Promise<PaidRecord | null> {
  const [settlement] = await source.query<SettlementRow>(
    `SELECT s.id AS "settlementId", s.tenant_id AS "tenantId", s.invoice_id AS "invoiceId", s.payment_id AS "paymentId", a.rail,
            s.rail_account_id AS "railAccountId", s.rail_transaction_id AS "railTransactionId", s.disposition, s.amount, s.paid_at AS "paidAt",
            b.id AS "beneficiaryAccountId", b.creditor,
            s.direction = 'IN' AND EXISTS (
              SELECT 1 FROM settlements o WHERE o.rail_account_id = s.rail_account_id
                 AND o.rail_transaction_id = s.rail_transaction_id AND o.direction = 'OUT') AS reversed
       FROM settlements s
       JOIN rail_accounts a ON a.id = s.rail_account_id
       LEFT JOIN invoices i ON i.id = s.invoice_id
       JOIN beneficiary_accounts b ON b.id = coalesce(i.beneficiary_account_id, a.beneficiary_account_id)
      WHERE s.id = $1 AND s.tenant_id = $2`,
    [settlementId, tenantId],
  )
  if (settlement === undefined) return null
  const items = await source.query<PaidRecord['items'][number]>(
    `SELECT line_no AS "lineNo", kind, net, refund_rule AS "refundRule", economic_code AS "economicCode", tax_obligation_id AS "taxObligationId"
       FROM invoice_items WHERE invoice_id = $1 ORDER BY line_no`,
    [settlement.invoiceId],
  )
  const refunds = await source.query<
    Omit<PaidRecord['refunds'][number], 'items'> & { items: { lineNo: number; amount: string | number }[] }
  >(
    `SELECT id, status, origin, amount, items, rail_refund_id AS "railRefundId",
            channel = 'RAIL_REVERSAL' AND sent_at IS NOT NULL AS "wasSent" FROM refunds WHERE settlement_id = $1 AND tenant_id = $2 ORDER BY id`,
    [settlementId, tenantId],
  )
  return { ...settlement, items, refunds: refunds.map((refund) => ({ ...refund, items: itemsOf(refund.items) })) }
}
