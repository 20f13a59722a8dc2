/**
 * The questions behind src/domain/parity.ts. Each is one statement over rows of given ids (`$1`) and so sees one moment of the
 * database: what is committed together is seen together. All go by primary keys and by the indexes named beside the tables.
 */
import { decisionTable } from '../domain/decision.ts'
import { type ParityCode, parityClasses, parityCodes } from '../domain/parity.ts'
import type { Query } from './database.ts'

export type Discrepancy = {
  readonly subject: string
  readonly tenantId: string
  readonly invoiceId: string | null
  /** For people: the numbers that do not tie. No personal data. */
  readonly detail: string
}

const paid = `('PAID', 'PARTIALLY_REFUNDED', 'REFUNDED')`
const covers = `('APPLIED', 'OVERPAID')`

/** Reversals of money that paid nothing open no case: the one of the money itself is withdrawn. */
const withoutCase = decisionTable
  .filter(({ effect }) => effect.record === 'REVERSED' && effect.refundCase === undefined)
  .map(({ rule }) => `'${rule}'`)
  .join(', ')

/** What came, less what it paid for: the amount its case is about. Null: it needs none. */
export const caseAmount = `CASE WHEN s.disposition = 'APPLIED' OR s.rule IN (${withoutCase}) THEN NULL
  WHEN s.disposition = 'OVERPAID' THEN s.amount - i.total ELSE s.amount END`

/** Fees of a paid invoice that a receipt is owed for, one row each: of the alias `i`. */
export const receiptsOwed = `SELECT n.kind, n.creditor_tax_code, sum(n.net)::bigint AS amount FROM invoice_items n
  WHERE n.invoice_id = i.id AND n.kind IN ('PHI', 'LE_PHI') AND n.net > 0 GROUP BY n.kind, n.creditor_tax_code`

const checks: Readonly<Record<ParityCode, string>> = {
  LEDGER_NOT_ZERO: `
    SELECT t.id AS subject, t.tenant_id AS "tenantId", s.invoice_id AS "invoiceId", coalesce('sum ' || sum(p.amount), 'no postings') AS detail
      FROM ledger_transactions t LEFT JOIN ledger_postings p ON p.transaction_id = t.id LEFT JOIN settlements s ON s.id = t.settlement_id
     WHERE t.id = ANY ($1) GROUP BY t.id, s.invoice_id HAVING coalesce(sum(p.amount), 1) <> 0`,
  SETTLEMENT_UNBOOKED: `
    SELECT s.id AS subject, s.tenant_id AS "tenantId", s.invoice_id AS "invoiceId", s.disposition || ' ' || s.amount AS detail
      FROM settlements s WHERE s.id = ANY ($1) AND NOT EXISTS (SELECT FROM ledger_transactions t WHERE t.settlement_id = s.id)`,
  // What a reversal posts is what the success had posted; the success itself is looked at here.
  SETTLEMENT_BOOKED_WRONG: `
    SELECT s.id AS subject, s.tenant_id AS "tenantId", s.invoice_id AS "invoiceId", 'came ' || s.amount || ', posted ' || coalesce(sum(p.amount), 0) AS detail
      FROM settlements s JOIN ledger_transactions t ON t.settlement_id = s.id
      LEFT JOIN ledger_postings p ON p.transaction_id = t.id AND p.account = 'rail:' || s.rail_account_id
     WHERE s.id = ANY ($1) AND s.direction = 'IN' GROUP BY s.id HAVING coalesce(sum(p.amount), 0) <> s.amount`,
  SETTLEMENT_WRONG_CREDITOR: `
    SELECT s.id AS subject, s.tenant_id AS "tenantId", s.invoice_id AS "invoiceId", s.rail_account_id || ' pays into ' || a.beneficiary_account_id AS detail
      FROM settlements s JOIN invoices i ON i.id = s.invoice_id JOIN rail_accounts a ON a.id = s.rail_account_id
     WHERE s.id = ANY ($1) AND s.disposition IN ${covers} AND a.beneficiary_account_id <> i.beneficiary_account_id`,
  SETTLEMENT_UNTOLD: `
    SELECT s.id AS subject, s.tenant_id AS "tenantId", s.invoice_id AS "invoiceId", s.rule AS detail FROM settlements s
     WHERE s.id = ANY ($1) AND NOT EXISTS (SELECT FROM journal_entries j WHERE j.subject = s.id)`,
  REFUNDS_BEYOND_PAID: `
    SELECT s.id AS subject, s.tenant_id AS "tenantId", s.invoice_id AS "invoiceId", 'paid ' || s.amount || ', refunds ' || sum(r.amount) AS detail
      FROM settlements s JOIN refunds r ON r.settlement_id = s.id AND r.status NOT IN ('REJECTED', 'FAILED')
     WHERE s.id = ANY ($1) GROUP BY s.id HAVING sum(r.amount) > s.amount`,
  MONEY_WITHOUT_CASE: `
    SELECT s.id AS subject, s.tenant_id AS "tenantId", s.invoice_id AS "invoiceId", s.disposition || ' ' || s.amount AS detail
      FROM settlements s LEFT JOIN invoices i ON i.id = s.invoice_id
     WHERE s.id = ANY ($1) AND ${caseAmount} > 0
       AND NOT EXISTS (SELECT FROM refunds r WHERE r.settlement_id = s.id AND r.origin = s.disposition)`,
  INVOICE_TOTAL_WRONG: `
    SELECT i.id AS subject, i.tenant_id AS "tenantId", i.id AS "invoiceId", 'total ' || i.total || ', items ' || coalesce(sum(n.net), 0) AS detail
      FROM invoices i LEFT JOIN invoice_items n ON n.invoice_id = i.id WHERE i.id = ANY ($1) GROUP BY i.id HAVING coalesce(sum(n.net), 0) <> i.total`,
  PAID_WITHOUT_SUCCESS: `
    SELECT i.id AS subject, i.tenant_id AS "tenantId", i.id AS "invoiceId", i.status AS detail FROM invoices i
     WHERE i.id = ANY ($1) AND i.status IN ${paid}
       AND 1 <> (SELECT count(*) FROM settlements s WHERE s.invoice_id = i.id AND s.disposition IN ${covers} AND s.amount >= i.total)`,
  SUCCESS_WITHOUT_PAID: `
    SELECT i.id AS subject, i.tenant_id AS "tenantId", i.id AS "invoiceId", i.status || ', settled by ' || s.id AS detail
      FROM invoices i JOIN settlements s ON s.invoice_id = i.id AND s.disposition IN ${covers} WHERE i.id = ANY ($1) AND i.status NOT IN ${paid}`,
  PAID_NOT_TOLD: `
    SELECT i.id AS subject, i.tenant_id AS "tenantId", i.id AS "invoiceId", 'events ' || count(e.id) AS detail
      FROM invoices i LEFT JOIN events e ON e.invoice_id = i.id AND e.type = 'invoice.paid'
     WHERE i.id = ANY ($1) AND i.status IN ${paid} GROUP BY i.id HAVING count(e.id) <> 1`,
  PAID_WITHOUT_RECEIPT: `
    SELECT i.id AS subject, i.tenant_id AS "tenantId", i.id AS "invoiceId", string_agg(o.kind || ' ' || o.amount, ', ') AS detail
      FROM invoices i CROSS JOIN LATERAL (${receiptsOwed}) o
     WHERE i.id = ANY ($1) AND i.status IN ${paid}
       -- Without it there is nothing a receipt could be of; PAID_WITHOUT_SUCCESS tells.
       AND EXISTS (SELECT FROM settlements s WHERE s.invoice_id = i.id AND s.disposition IN ${covers})
       AND NOT EXISTS (SELECT FROM receipts r WHERE r.invoice_id = i.id AND r.relation IS NULL AND r.kind = o.kind AND r.creditor_tax_code = o.creditor_tax_code)
     GROUP BY i.id`,
  RECEIPT_NOT_OWED: `
    SELECT r.id AS subject, r.tenant_id AS "tenantId", r.invoice_id AS "invoiceId",
           r.kind || ' ' || r.amount || ', owed ' || coalesce(o.amount, 0) || ' of an invoice ' || i.status AS detail
      FROM receipts r JOIN invoices i ON i.id = r.invoice_id
      LEFT JOIN LATERAL (${receiptsOwed}) o ON o.kind = r.kind AND o.creditor_tax_code = r.creditor_tax_code
     WHERE r.id = ANY ($1) AND r.relation IS NULL AND (i.status NOT IN ${paid} OR r.amount IS DISTINCT FROM o.amount)`,
  // Too little money leaves its attempt open.
  ATTEMPT_LEFT_OPEN: `
    SELECT p.id AS subject, p.tenant_id AS "tenantId", p.invoice_id AS "invoiceId", p.status || ', settled by ' || min(s.id) AS detail
      FROM payments p JOIN settlements s ON s.payment_id = p.id AND s.direction = 'IN' AND s.disposition <> 'UNDERPAID'
     WHERE p.id = ANY ($1) AND p.status <> 'SUCCEEDED' GROUP BY p.id`,
  ATTEMPT_WITHOUT_MONEY: `
    SELECT p.id AS subject, p.tenant_id AS "tenantId", p.invoice_id AS "invoiceId", p.amount::text AS detail FROM payments p
     WHERE p.id = ANY ($1) AND p.status = 'SUCCEEDED' AND NOT EXISTS (SELECT FROM settlements s WHERE s.payment_id = p.id AND s.direction = 'IN')`,
  EVENT_WITHOUT_DELIVERY: `
    SELECT e.id AS subject, e.tenant_id AS "tenantId", e.invoice_id AS "invoiceId", e.type || ' to ' || string_agg(w.id, ', ') AS detail
      FROM events e JOIN webhook_endpoints w ON w.client_id = e.client_id AND w.status <> 'DELETED' AND w.created_at < e.created_at
     WHERE e.id = ANY ($1) AND NOT EXISTS (SELECT FROM deliveries d WHERE d.event_id = e.id AND d.endpoint_id = w.id) GROUP BY e.id`,
  REFUND_BOOKED_WRONG: `
    SELECT r.id AS subject, r.tenant_id AS "tenantId", r.invoice_id AS "invoiceId", r.status || ' ' || r.amount || ', booked ' || coalesce(b.amount, 0) AS detail
      FROM refunds r LEFT JOIN LATERAL (
        SELECT sum(p.amount)::bigint AS amount FROM ledger_transactions t JOIN ledger_postings p ON p.transaction_id = t.id AND p.amount > 0
         WHERE t.refund_id = r.id) b ON true
     WHERE r.id = ANY ($1) AND coalesce(b.amount, 0) <> CASE r.status WHEN 'DONE' THEN r.amount ELSE 0 END`,
}

export async function findDiscrepancies(
  source: { readonly query: Query },
  code: ParityCode,
  ids: readonly string[],
): Promise<Discrepancy[]> {
  return await source.query<Discrepancy>(`${checks[code]} ORDER BY 1`, [ids])
}

/** Over the whole database, unbounded: for tests and for the end of a simulated run. */
export async function findAllDiscrepancies(source: {
  readonly query: Query
}): Promise<(Discrepancy & { code: ParityCode })[]> {
  const found: (Discrepancy & { code: ParityCode })[] = []
  for (const code of parityCodes) {
    const rows = await source.query<{ id: string }>(`SELECT id FROM ${parityClasses[code].scope}`, [])
    const some = await findDiscrepancies(
      source,
      code,
      rows.map(({ id }) => id),
    )
    found.push(...some.map((one) => ({ ...one, code })))
  }
  return found
}
