/**
 * Requests receipts that take something off earlier ones after a refund. What is issued is never touched; the new receipt
 * gets its own number from the watcher, and the old one becomes ADJUSTED in that commit.
 */
import type { Transaction } from './database.ts'
import { appendJournal } from './journal.ts'
import { insertAll, rowsToJson } from './rows.ts'

type Queued = {
  readonly id: string
  readonly tenantId: string
  readonly invoiceId: string
  readonly receiptId: string
  readonly refundId: string
  readonly amount: bigint
  readonly reason: string
}

/** What came of a queued adjustment. `none`: the receipt is itself an adjustment, or the refund has adjusted its successor already. */
export type WorkedOff = { readonly id: string; readonly result: 'requested' | 'none' | 'over' }

/** A payment whose money went back as a whole, and the case about it. */
export type TakenBack = { readonly settlementId: string; readonly refundId: string }

/** Queues what then no longer holds of its receipts: all that no refund has taken off them. The caller holds the invoices. */
export async function queueAdjustmentsOfReversals(
  tx: Transaction,
  takenBack: readonly TakenBack[],
  now: Date,
): Promise<void> {
  if (takenBack.length === 0) return
  await tx.query(
    // A payment is taken back once, so the receipt's own number names the adjustment.
    `INSERT INTO receipt_adjustments (id, tenant_id, receipt_id, refund_id, amount, status, requested_at)
     SELECT 'rca_' || substr(r.id, 5), r.tenant_id, r.id, t."refundId", r.amount - taken.amount, 'REQUESTED', $2
       FROM json_to_recordset($1::json) AS t("settlementId" text, "refundId" text)
       JOIN receipts r ON r.settlement_id = t."settlementId" AND r.relation IS NULL
      CROSS JOIN LATERAL (SELECT coalesce(sum(a.amount), 0)::bigint AS amount FROM receipt_adjustments a WHERE a.receipt_id = r.id) taken
      WHERE r.amount > taken.amount`,
    [rowsToJson(takenBack), now],
  )
}

/**
 * Works off `receipt_adjustments`, the queue that refunds write, one invoice at a time under its lock. A receipt that was
 * replaced meanwhile passes its adjustment on to the one in its place. What cannot be is left in the queue and told.
 */
export async function workOffAdjustments(
  tx: Transaction,
  now: Date,
  newReceiptId: () => string,
  limit: number,
): Promise<WorkedOff[]> {
  const claimed = await tx.query<Queued>(
    `SELECT a.id, a.tenant_id AS "tenantId", r.invoice_id AS "invoiceId", a.receipt_id AS "receiptId", a.refund_id AS "refundId", a.amount,
            -- Printed on the receipt; a case of a reversal holds the name of a rule.
            CASE f.origin WHEN 'REVERSED' THEN 'Tiền đã trả lại người nộp' ELSE f.reason END AS reason
       FROM receipt_adjustments a JOIN receipts r ON r.id = a.receipt_id JOIN invoices i ON i.id = r.invoice_id JOIN refunds f ON f.id = a.refund_id
      WHERE a.status = 'REQUESTED' ORDER BY a.requested_at, a.id LIMIT $1 FOR UPDATE OF i SKIP LOCKED`,
    [limit],
  )
  const worked: WorkedOff[] = []
  for (const queued of claimed) {
    const result = await workOff(tx, queued, now, newReceiptId)
    if (result !== null) worked.push({ id: queued.id, result })
  }
  await tx.query(`UPDATE receipt_adjustments SET status = 'DONE' WHERE id = ANY ($1)`, [
    worked.filter(({ result }) => result !== 'over').map(({ id }) => id),
  ])
  return worked
}

async function workOff(
  tx: Transaction,
  queued: Queued,
  now: Date,
  newReceiptId: () => string,
): Promise<WorkedOff['result'] | null> {
  // Once more under the lock: what we read before it may have been worked off by another replica since.
  await tx.query('SELECT id FROM receipts WHERE invoice_id = $1 ORDER BY id FOR UPDATE', [queued.invoiceId])
  const [open] = await tx.query(
    `SELECT id FROM receipt_adjustments WHERE id = $1 AND status = 'REQUESTED' FOR UPDATE`,
    [queued.id],
  )
  const [target] = await tx.query<{ id: string; adjusts: boolean; done: boolean }>(
    `WITH RECURSIVE chain AS (
       SELECT id, 1 AS place FROM receipts WHERE id = $1
       UNION ALL SELECT n.id, c.place + 1 FROM chain c JOIN receipts n ON n.relates_to_id = c.id AND n.relation = 'REPLACES')
     SELECT r.id, r.relation IS NOT DISTINCT FROM 'ADJUSTS' AS adjusts,
            EXISTS (SELECT 1 FROM receipts d WHERE d.relates_to_id = r.id AND d.refund_id = $2) AS done
       FROM chain c JOIN receipts r ON r.id = c.id ORDER BY c.place DESC LIMIT 1`,
    [queued.receiptId, queued.refundId],
  )
  if (open === undefined) return null
  if (target === undefined || target.adjusts || target.done) return 'none'
  const standing = await readStanding(tx, queued.tenantId, queued.invoiceId)
  const receipt = standing.find(({ id }) => id === target.id)
  if (receipt === undefined || queued.amount > receipt.standing) return 'over'
  await requestAdjustment(tx, queued, receipt, now, newReceiptId())
  return 'requested'
}

async function requestAdjustment(
  tx: Transaction,
  { tenantId, invoiceId, refundId, amount, reason }: Queued,
  receipt: Standing,
  now: Date,
  id: string,
): Promise<void> {
  await insertAll(tx, 'receipts', [
    {
      id,
      tenant_id: tenantId,
      invoice_id: invoiceId,
      settlement_id: receipt.settlementId,
      creditor_tax_code: receipt.creditorTaxCode,
      kind: receipt.kind,
      amount: -amount,
      status: 'REQUESTED',
      relation: 'ADJUSTS',
      relates_to_id: receipt.id,
      refund_id: refundId,
      reason,
      tries: 0,
      requested_at: now,
    },
  ])
  await appendJournal(tx, [
    {
      tenantId,
      at: now,
      kind: 'receipt.adjustment_requested',
      subject: receipt.id,
      actor: 'feegate',
      facts: { refundId, amount: String(-amount), receiptId: id },
    },
  ])
}

/** An original receipt and what of it still stands: its amount and all adjustments, those on their way included. */
type Standing = {
  readonly id: string
  readonly settlementId: string
  readonly creditorTaxCode: string
  readonly kind: string
  readonly standing: bigint
}

/** Receipts that hold: neither an adjustment nor replaced by another, even by one still on its way. */
async function readStanding(tx: Transaction, tenantId: string, invoiceId: string): Promise<Standing[]> {
  return await tx.query<Standing>(
    `SELECT r.id, r.settlement_id AS "settlementId", r.creditor_tax_code AS "creditorTaxCode", r.kind,
            (r.amount + coalesce((SELECT sum(d.amount) FROM receipts d WHERE d.relates_to_id = r.id AND d.relation = 'ADJUSTS'), 0))::bigint AS standing
       FROM receipts r
      WHERE r.invoice_id = $1 AND r.tenant_id = $2 AND r.relation IS DISTINCT FROM 'ADJUSTS'
        AND NOT EXISTS (SELECT 1 FROM receipts n WHERE n.relates_to_id = r.id AND n.relation = 'REPLACES')
      ORDER BY r.id`,
    [invoiceId, tenantId],
  )
}
