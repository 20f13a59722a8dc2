/**
 * Refunds and their steps. Whoever changes a refund holds, in this order: its invoice's row lock (orphans have none), its
 * settlement's, its own. `lockRefunds` and `lockPayment` take them.
 */
import type { RefundChannel, RefundEvent, RefundOrigin, RefundStatus } from '../domain/refund.ts'
import type { RefundItem } from '../domain/refund-rules.ts'
import type { Transaction } from './database.ts'
import { appendJournal } from './journal.ts'
import { insertAll, type Row, rowsToJson } from './rows.ts'

export type Payee = { readonly accountNumber: string; readonly accountName: string; readonly bankBin: string }
/** As it stands in the row: number and name are sealed beside it, unless an earlier version wrote them plain (refund/payee.ts). */
export type StoredPayee = { readonly bankBin: string; readonly accountNumber?: string; readonly accountName?: string }

export type RefundRecord = {
  readonly id: string
  readonly tenantId: string
  readonly settlementId: string
  readonly invoiceId: string | null
  readonly origin: RefundOrigin
  readonly status: RefundStatus
  readonly amount: bigint
  readonly items: readonly RefundItem[]
  /** A `RefundReason`; for a case nobody has made a request of yet, the row of the decision table that opened it. */
  readonly reason: string
  readonly legalBasis: string | null
  readonly note: string | null
  readonly otherPayment: string | null
  readonly channel: RefundChannel | null
  readonly payee: StoredPayee | null
  /** Columns of the vault, for the payee. */
  readonly master_key_id: string | null
  readonly data_key: Buffer | null
  readonly sealed: Readonly<Record<string, string>> | null
  readonly requestedBy: string
  readonly approvedBy: string | null
  readonly approvedAt: Date | null
  readonly rejectedBy: string | null
  readonly rejectedAt: Date | null
  readonly railReference: string | null
  readonly railRefundId: string | null
  readonly railDetail: string | null
  readonly sentAt: Date | null
  readonly leaseUntil: Date | null
  readonly nextInquiryAt: Date | null
  readonly inquiries: number
  readonly needsHuman: boolean
  readonly payoutOrderId: string | null
  readonly result: 'DONE' | 'FAILED' | null
  readonly resultReference: string | null
  readonly resultAt: Date | null
  readonly resultNote: string | null
  readonly resultBy: string | null
  readonly resultConfirmedBy: string | null
  readonly doneAt: Date | null
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly steps: number
}

/** Column list of a `RefundRecord`, of the alias `r`. */
export const refundColumns = `r.id, r.tenant_id AS "tenantId", r.settlement_id AS "settlementId", r.invoice_id AS "invoiceId", r.origin,
  r.status, r.amount, r.items, r.reason, r.legal_basis AS "legalBasis", r.note, r.other_payment AS "otherPayment", r.channel, r.payee, r.master_key_id, r.data_key, r.sealed,
  r.requested_by AS "requestedBy", r.approved_by AS "approvedBy", r.approved_at AS "approvedAt", r.rejected_by AS "rejectedBy",
  r.rejected_at AS "rejectedAt", r.rail_reference AS "railReference", r.rail_refund_id AS "railRefundId", r.rail_detail AS "railDetail",
  r.sent_at AS "sentAt", r.lease_until AS "leaseUntil", r.next_inquiry_at AS "nextInquiryAt", r.inquiries, r.needs_human AS "needsHuman",
  r.payout_order_id AS "payoutOrderId", r.result, r.result_reference AS "resultReference", r.result_at AS "resultAt",
  r.result_note AS "resultNote", r.result_by AS "resultBy", r.result_confirmed_by AS "resultConfirmedBy", r.done_at AS "doneAt",
  r.created_at AS "createdAt", r.updated_at AS "updatedAt", r.steps`

/** A row of `refundColumns` as it comes: amounts of lines are JSON numbers or text. */
export type RefundRow = Omit<RefundRecord, 'items'> & { items: { lineNo: number; amount: string | number }[] }

export function toRefund(row: RefundRow): RefundRecord {
  return { ...row, items: itemsOf(row.items) }
}

export function itemsOf(items: readonly { lineNo: number; amount: string | number }[]): RefundItem[] {
  return items.map(({ lineNo, amount }) => ({ lineNo, amount: BigInt(amount) }))
}

/** Locks the refunds of these ids that there are (of this tenant, where one is given), in id order. */
export async function lockRefunds(
  tx: Transaction,
  ids: readonly string[],
  tenantId: string | null = null,
): Promise<RefundRecord[]> {
  const places = await tx.query<{ invoice_id: string | null; settlement_id: string }>(
    'SELECT invoice_id, settlement_id FROM refunds WHERE id = ANY($1) AND ($2::text IS NULL OR tenant_id = $2)',
    [ids, tenantId],
  )
  await lockPayments(tx, places)
  const rows = await tx.query<RefundRow>(
    `SELECT ${refundColumns} FROM refunds r WHERE r.id = ANY($1) AND ($2::text IS NULL OR r.tenant_id = $2) ORDER BY r.id FOR UPDATE`,
    [ids, tenantId],
  )
  return rows.map(toRefund)
}

/** Locks payments for a change of what is refunded of them: invoices first, in id order, then settlements. */
export async function lockPayments(
  tx: Transaction,
  payments: readonly { readonly invoice_id: string | null; readonly settlement_id: string }[],
): Promise<void> {
  const invoiceIds = [...new Set(payments.flatMap(({ invoice_id }) => invoice_id ?? []))].sort()
  if (invoiceIds.length > 0)
    await tx.query('SELECT id FROM invoices WHERE id = ANY($1) ORDER BY id FOR UPDATE', [invoiceIds])
  for (const settlementId of [...new Set(payments.map(({ settlement_id }) => settlement_id))].sort())
    await tx.query('SELECT lock_settlement($1)', [settlementId])
}

export type Step = {
  readonly event: RefundEvent
  readonly to: RefundStatus
  readonly at: Date
  readonly actor: string
  /** For history and journal: no personal data. */
  readonly facts?: Readonly<Record<string, string | number | null>>
  /** What people or banks wrote, for the history alone. No account numbers. */
  readonly words?: Readonly<Record<string, string | null>>
  /** Other columns that change with it. */
  readonly set?: Row
}

/** Takes one step of a locked refund: its row, its history, the journal. That the step is allowed has been checked. */
export async function writeStep(tx: Transaction, refund: RefundRecord, step: Step): Promise<void> {
  const { event, to, at, actor, facts = {}, words = {}, set = {} } = step
  const seq = refund.steps + 1
  const row = { ...set, status: to, updated_at: at, steps: seq }
  const columns = Object.keys(row).join(', ')
  await tx.query(
    `UPDATE refunds SET (${columns}) = (SELECT ${columns} FROM json_populate_record(NULL::refunds, $2::json)) WHERE id = $1`,
    [refund.id, rowsToJson([row]).slice(1, -1)],
  )
  await insertAll(tx, 'refund_steps', [
    { ...stepRow(refund, seq, at, actor, { ...facts, ...words }), event, from_status: refund.status, to_status: to },
  ])
  await appendJournal(tx, [
    {
      tenantId: refund.tenantId,
      at,
      kind: `refund.${event}`,
      subject: refund.id,
      actor,
      facts: { from: refund.status, to, amount: refund.amount.toString(), ...facts },
    },
  ])
}

/** The first step of a refund that is being inserted with `steps` 1. */
export function openingStep(
  refund: { readonly id: string; readonly tenantId: string },
  at: Date,
  actor: string,
  facts: Readonly<Record<string, string | number | null>>,
): Row {
  const status: RefundStatus = 'REQUESTED'
  return { ...stepRow(refund, 1, at, actor, facts), event: 'open', from_status: null, to_status: status }
}

function stepRow(
  { id, tenantId }: { readonly id: string; readonly tenantId: string },
  seq: number,
  at: Date,
  actor: string,
  facts: object,
): Row {
  return { refund_id: id, seq, tenant_id: tenantId, at, actor, facts }
}
