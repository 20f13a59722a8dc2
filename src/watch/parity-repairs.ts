/**
 * Repairs of src/domain/parity.ts: each does what the commit it is missing from would have done, from rows that are on record.
 * The caller holds the locks of `lockSubject` and has asked again under them, so a repair happens once.
 */
import type { ParityCode, parityClasses } from '../domain/parity.ts'
import { gatewayActor } from '../domain/refund.ts'
import { type Environment, newId } from '../environment.ts'
import type { Transaction } from '../store/database.ts'
import { addMissingDeliveries } from '../store/events.ts'
import { caseAmount, receiptsOwed } from '../store/parity-checks.ts'
import { lockPayments, openingStep } from '../store/refunds.ts'
import { insertAll } from '../store/rows.ts'

export type RepairCode = {
  [Code in ParityCode]: (typeof parityClasses)[Code]['action'] extends 'repair' ? Code : never
}[ParityCode]

export type Repair = (tx: Transaction, environment: Environment, subject: string) => Promise<void>

/** The invoice, then what hangs from it; what belongs to no invoice is locked by itself. */
export async function lockSubject(
  tx: Transaction,
  code: RepairCode,
  { subject, invoiceId }: { readonly subject: string; readonly invoiceId: string | null },
): Promise<void> {
  if (code === 'MONEY_WITHOUT_CASE') {
    await lockPayments(tx, [{ invoice_id: invoiceId, settlement_id: subject }])
  } else if (invoiceId !== null) {
    await tx.query('SELECT id FROM invoices WHERE id = $1 FOR UPDATE', [invoiceId])
  }
  // An event without an invoice: the key of its deliveries lets one be made once.
}

export const repairs: Readonly<Record<RepairCode, Repair>> = {
  MONEY_WITHOUT_CASE: openCase,
  PAID_WITHOUT_RECEIPT: requestReceipts,
  ATTEMPT_LEFT_OPEN: closeAttempt,
  EVENT_WITHOUT_DELIVERY: (tx, environment, eventId) => addMissingDeliveries(tx, eventId, environment.now()),
}

async function openCase(tx: Transaction, environment: Environment, settlementId: string): Promise<void> {
  const [money] = await tx.query<{
    tenantId: string
    invoiceId: string | null
    origin: string
    rule: string
    amount: bigint
  }>(
    `SELECT s.tenant_id AS "tenantId", s.invoice_id AS "invoiceId", s.disposition AS origin, s.rule, ${caseAmount} AS amount
       FROM settlements s LEFT JOIN invoices i ON i.id = s.invoice_id WHERE s.id = $1`,
    [settlementId],
  )
  if (money === undefined) throw new Error(`settlement ${settlementId} is gone`)
  const { tenantId, invoiceId, origin, rule, amount } = money
  const now = environment.now()
  const id = newId(environment, 'ref')
  await insertAll(tx, 'refunds', [
    {
      id,
      tenant_id: tenantId,
      settlement_id: settlementId,
      invoice_id: invoiceId,
      origin,
      amount,
      status: 'REQUESTED',
      reason: rule,
      requested_by: gatewayActor,
      items: [],
      inquiries: 0,
      needs_human: false,
      created_at: now,
      updated_at: now,
      steps: 1,
    },
  ])
  const facts = { rule, amount: amount.toString() }
  await insertAll(tx, 'refund_steps', [openingStep({ id, tenantId }, now, gatewayActor, facts)])
}

async function requestReceipts(tx: Transaction, environment: Environment, invoiceId: string): Promise<void> {
  const owed = await tx.query<{
    tenantId: string
    settlementId: string
    kind: string
    creditorTaxCode: string
    amount: bigint
  }>(
    `SELECT i.tenant_id AS "tenantId", s.id AS "settlementId", o.kind, o.creditor_tax_code AS "creditorTaxCode", o.amount
       FROM invoices i JOIN settlements s ON s.invoice_id = i.id AND s.disposition IN ('APPLIED', 'OVERPAID') CROSS JOIN LATERAL (${receiptsOwed}) o
      WHERE i.id = $1 AND NOT EXISTS (
        SELECT FROM receipts r WHERE r.invoice_id = i.id AND r.relation IS NULL AND r.kind = o.kind AND r.creditor_tax_code = o.creditor_tax_code)`,
    [invoiceId],
  )
  await insertAll(
    tx,
    'receipts',
    owed.map(({ tenantId, settlementId, kind, creditorTaxCode, amount }) => ({
      id: newId(environment, 'rcp'),
      tenant_id: tenantId,
      invoice_id: invoiceId,
      settlement_id: settlementId,
      creditor_tax_code: creditorTaxCode,
      kind,
      amount,
      status: 'REQUESTED',
      tries: 0,
      requested_at: environment.now(),
    })),
  )
}

async function closeAttempt(tx: Transaction, environment: Environment, paymentId: string): Promise<void> {
  await tx.query(
    `UPDATE payments p SET status = 'SUCCEEDED', status_reason = s.rule, rail_transaction_id = s.rail_transaction_id, paid_at = s.paid_at,
            next_inquiry_at = NULL, updated_at = $2
       FROM (SELECT rule, rail_transaction_id, paid_at FROM settlements
              WHERE payment_id = $1 AND direction = 'IN' AND disposition <> 'UNDERPAID' ORDER BY id LIMIT 1) s
      WHERE p.id = $1 AND p.status <> 'SUCCEEDED'`,
    [paymentId, environment.now()],
  )
}
