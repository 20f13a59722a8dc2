/** Breaks about money that is explained: a message nobody acknowledged, a receipt that is late, a statement that is missing. */
import { dutyClasses } from '../../domain/reconciliation/breaks.ts'
import type { Transaction } from '../../store/database.ts'
import { tellCleared } from './record.ts'
import type { RunScope } from './working-set.ts'

/** A dossier system that is away for an hour is no break; one that has not heard by the next day is. */
const pushGraceHours = 24

export async function findDuties(tx: Transaction, scope: RunScope): Promise<void> {
  const { tenantId, now, asOf } = scope
  await tx.query(
    `CREATE TEMP TABLE run_duties (key text, class text, rail_account_id text, amount bigint, invoice_id text, aged_from date, evidence jsonb) ON COMMIT DROP`,
    [],
  )
  await tx.query(
    `INSERT INTO run_duties
     SELECT 'E:' || e.id, 'NOT_PUSHED', s.rail_account_id, s.amount, e.invoice_id, (e.created_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date,
            jsonb_build_object('eventId', e.id, 'lastError', max(d.last_error))
       FROM deliveries d
       JOIN events e ON e.id = d.event_id AND e.type = 'invoice.paid'
       JOIN settlements s ON s.invoice_id = e.invoice_id AND s.disposition IN ('APPLIED', 'OVERPAID')
      WHERE e.tenant_id = $1 AND d.status <> 'DELIVERED'
        AND NOT EXISTS (SELECT 1 FROM deliveries o WHERE o.event_id = e.id AND o.status = 'DELIVERED')
      GROUP BY e.id, s.rail_account_id, s.amount, e.invoice_id, e.created_at
     HAVING bool_and(d.status = 'DEAD') OR e.created_at < $2::timestamptz - interval '${pushGraceHours} hours'`,
    [tenantId, now],
  )
  await tx.query(
    `INSERT INTO run_duties
     SELECT 'T:' || r.id, 'RECEIPT_MISSING', s.rail_account_id, r.amount, r.invoice_id, (r.requested_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date,
            jsonb_build_object('receiptId', r.id, 'kind', r.kind)
       FROM receipts r JOIN settlements s ON s.id = r.settlement_id
      WHERE r.tenant_id = $1 AND r.status = 'REQUESTED' AND (r.requested_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date < $2::date`,
    [tenantId, asOf],
  )
  // A statement that does not go on where the one before it ended: by its balances, or by its number where it gives no two balances.
  await tx.query(
    `INSERT INTO run_duties
     SELECT 'S:' || c.id, 'BALANCE_GAP', a.rail_account_id, least(abs(trunc(c.opening - c.before)), 999999999999999), NULL, c.period_to,
            jsonb_build_object('statementId', c.id, 'opening', c.opening, 'previousClosing', c.before)
       FROM (
         SELECT s.id, s.beneficiary_account_id, s.period_to, s.opening,
                lag(s.closing) OVER (PARTITION BY s.beneficiary_account_id ORDER BY s.period_to, s.period_from, s.sequence, s.id) AS before
           FROM statements s WHERE s.tenant_id = $1 AND s.status = 'CURRENT' AND s.closing IS NOT NULL AND s.opening IS NOT NULL) c
       JOIN run_accounts a ON a.bank = c.beneficiary_account_id AND a.home
      WHERE c.opening <> c.before`,
    [tenantId],
  )
  // Numbers begin anew every year, and each kind of statement counts for itself.
  await tx.query(
    `INSERT INTO run_duties
     SELECT 'S:' || c.id, 'BALANCE_GAP', a.rail_account_id, 0, NULL, c.period_to,
            jsonb_build_object('statementId', c.id, 'number', c.number, 'previousNumber', c.before)
       FROM (
         SELECT s.*, lag(number) OVER (PARTITION BY beneficiary_account_id, format, extract(year FROM period_to) ORDER BY number, period_to, id) AS before
           FROM (SELECT id, beneficiary_account_id, format, period_to, split_part(sequence, '/', 1)::integer AS number FROM statements
                  WHERE tenant_id = $1 AND status = 'CURRENT' AND sequence ~ '^[0-9]{1,6}(/|$)' AND (opening IS NULL OR closing IS NULL)) s) c
       JOIN run_accounts a ON a.bank = c.beneficiary_account_id AND a.home
      WHERE c.number > c.before + 1`,
    [tenantId],
  )
  // A drawer that took nothing holds no money of these books. What is missing is made good when all that was taken is explained.
  await tx.query(
    `INSERT INTO run_duties
     SELECT 'K:' || s.id, 'CASH_DIFFERENCE', taken.rail_account_id, abs(s.difference), NULL, (s.closed_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date,
            jsonb_strip_nulls(jsonb_build_object('shiftId', s.id, 'operator', s.operator, 'unit', s.unit_code, 'expected', s.expected_cash,
                                                 'counted', s.counted_cash, 'difference', s.difference, 'note', s.note))
       FROM counter_shifts s
       JOIN LATERAL (
         SELECT min(c.rail_account_id) AS rail_account_id, bool_or(b.id IS NOT NULL OR i.id IS NULL) AS open
           FROM counter_collections c
           LEFT JOIN reconciliation_items i ON i.settlement_id = c.settlement_id AND i.ended_on IS NULL
           LEFT JOIN breaks b ON b.id = i.break_id AND b.status IN ('OPEN', 'WAITING')
          WHERE c.shift_id = s.id) taken ON taken.rail_account_id IS NOT NULL
      WHERE s.tenant_id = $1 AND s.difference <> 0 AND (s.difference > 0 OR taken.open)`,
    [tenantId],
  )
  await recordDuties(tx, scope)
}

async function recordDuties(tx: Transaction, { tenantId, now, asOf }: RunScope): Promise<void> {
  await tx.query(
    `WITH added AS (
       INSERT INTO breaks (tenant_id, rail_account_id, key, class, status, amount, statement_amount, payment_amount, rail_amount, items,
                           invoice_id, aged_from, opened_on, evidence, created_at, updated_at)
       SELECT $1, d.rail_account_id, d.key, d.class, 'OPEN', d.amount, 0, 0, 0, 0, d.invoice_id, d.aged_from, greatest(d.aged_from, a.open_from), d.evidence, $2, $2
         FROM run_duties d JOIN run_accounts a ON a.rail_account_id = d.rail_account_id
        WHERE NOT EXISTS (SELECT 1 FROM breaks b WHERE b.tenant_id = $1 AND b.key = d.key AND b.status IN ('OPEN', 'WAITING', 'RESOLVED'))
        ORDER BY d.key
       RETURNING id, class)
     INSERT INTO break_history (tenant_id, break_id, at, actor, kind, facts)
     SELECT $1, id, $2, 'feegate', 'OPENED', jsonb_build_object('class', class) FROM added ORDER BY id`,
    [tenantId, now],
  )
  await tx.query(
    `WITH gone AS (
       UPDATE breaks b SET status = 'CLEARED', wait_until = NULL, updated_at = $2, closed_on = greatest(b.opened_on, a.open_from, $3::date)
         FROM run_accounts a
        WHERE b.tenant_id = $1 AND b.class = ANY($4) AND b.status IN ('OPEN', 'WAITING')
          AND a.rail_account_id = b.rail_account_id AND NOT EXISTS (SELECT 1 FROM run_duties d WHERE d.key = b.key)
       RETURNING b.id)
     ${tellCleared}`,
    [tenantId, now, asOf, dutyClasses],
  )
}
