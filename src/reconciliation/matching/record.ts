/** What the rules found -> `reconciliation_items` and `breaks`, with the history of every break. Set-based; nothing is deleted. */
import { ruleSet } from '../../domain/reconciliation/rules.ts'
import type { Transaction } from '../../store/database.ts'
import type { RunScope } from './working-set.ts'

/** Days, accounts and earlier places of everything found. */
export async function dateResults(tx: Transaction): Promise<void> {
  await tx.query('ANALYZE run_result', [])
  await tx.query(
    `CREATE TEMP TABLE run_dated ON COMMIT DROP AS
    SELECT r.*, row_number() OVER (ORDER BY r.grp, r.row_id, r.settlement_id, r.line_id) AS no,
           -- A line without a payment of its own belongs where the payments of its group do.
           coalesce(s.rail_account_id, w.rail_account_id, fs.rail_account_id, max(s.rail_account_id) OVER (PARTITION BY r.grp, r.class), a.rail_account_id) AS rail_account_id,
           l.booked_on, (s.paid_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS paid_on, (w.occurred_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS occurred_on,
           (f.updated_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS sent_on
      FROM run_result r
      LEFT JOIN statement_lines l ON l.id = r.line_id
      LEFT JOIN settlements s ON s.id = r.settlement_id
      LEFT JOIN settlement_rows w ON w.id = r.row_id
      LEFT JOIN refunds f ON f.id = r.refund_id
      LEFT JOIN settlements fs ON fs.id = f.settlement_id
      LEFT JOIN run_accounts a ON a.bank = l.beneficiary_account_id AND a.home`,
    [],
  )
  await tx.query(`ALTER TABLE run_dated ADD COLUMN counted_on date, ADD COLUMN open_from date`, [])
  // A match counts on the day of its last part, an item of a break on its own day; neither ever on a closed day.
  await tx.query(
    `UPDATE run_dated d SET open_from = a.open_from,
            counted_on = greatest(a.open_from, CASE WHEN d.class IS NULL THEN g.day ELSE coalesce(d.paid_on, least(d.booked_on, d.occurred_on, d.sent_on)) END)
       FROM run_accounts a,
            (SELECT grp, class IS NULL AS matched, max(greatest(booked_on, paid_on, coalesce(occurred_on, sent_on))) AS day FROM run_dated GROUP BY 1, 2) g
      WHERE a.rail_account_id = d.rail_account_id AND g.grp = d.grp AND g.matched = (d.class IS NULL)`,
    [],
  )
  await tx.query(`CREATE INDEX ON run_dated (grp)`, [])
  await tx.query(`ANALYZE run_dated`, [])
  // Where each of these items stood until now. Four plain joins: an OR of columns cannot be hashed.
  await tx.query(
    `CREATE TEMP TABLE run_moves ON COMMIT DROP AS
     SELECT DISTINCT o.item_id, o.break_id, o.held, d.no, d.grp, d.class, d.counted_on, d.open_from,
            (o.line_id IS NOT DISTINCT FROM d.line_id AND o.settlement_id IS NOT DISTINCT FROM d.settlement_id
             AND o.row_id IS NOT DISTINCT FROM d.row_id AND o.refund_id IS NOT DISTINCT FROM d.refund_id) AS same
       FROM (
         SELECT o.*, d.no FROM run_open o JOIN run_dated d ON d.line_id = o.line_id
         UNION SELECT o.*, d.no FROM run_open o JOIN run_dated d ON d.settlement_id = o.settlement_id
         UNION SELECT o.*, d.no FROM run_open o JOIN run_dated d ON d.row_id = o.row_id
         UNION SELECT o.*, d.no FROM run_open o JOIN run_dated d ON d.refund_id = o.refund_id) o
       JOIN run_dated d ON d.no = o.no`,
    [],
  )
  await tx.query(`ANALYZE run_moves`, [])
}

/** First row of a line or payment: only then its day is set, so that sums by day count it once. */
const firstDay = (day: string, column: string): string => `CASE WHEN d.${column} IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM run_open o WHERE o.${column} = d.${column})
    AND NOT EXISTS (SELECT 1 FROM run_freed o WHERE o.${column} = d.${column}) THEN greatest(d.${day}, d.open_from) END`

export async function recordMatches(tx: Transaction, { tenantId, runId }: RunScope): Promise<void> {
  await tx.query(
    `UPDATE reconciliation_items i SET ended_on = greatest(m.counted_on, m.open_from)
       FROM run_moves m WHERE m.item_id = i.id AND m.class IS NULL AND i.ended_on IS NULL`,
    [],
  )
  await tx.query(
    `INSERT INTO reconciliation_items (run_id, group_id, line_id, settlement_id, row_id, refund_id, counted_on, line_day, payment_day,
                                       rule_set_version, tenant_id, rail_account_id, rule, evidence)
     SELECT $2, g.id, d.line_id, d.settlement_id, d.row_id, d.refund_id, d.counted_on, ${firstDay('booked_on', 'line_id')},
            ${firstDay('paid_on', 'settlement_id')}, ${ruleSet.version}, $1, d.rail_account_id, d.rule, d.evidence
       FROM run_dated d
       LEFT JOIN reconciliation_items joined ON joined.id = d.joins_item
       LEFT JOIN (SELECT grp, nextval(pg_get_serial_sequence('reconciliation_items', 'id')) AS own
                    FROM run_dated WHERE class IS NULL GROUP BY grp HAVING count(*) > 1) n ON n.grp = d.grp
      CROSS JOIN LATERAL (SELECT coalesce(joined.group_id, joined.id, n.own) AS id) g
      WHERE d.class IS NULL
      ORDER BY d.no`,
    [tenantId, runId],
  )
}

export async function recordBreaks(tx: Transaction, { tenantId, runId, now }: RunScope): Promise<void> {
  // What officers resolved stays as they left it, unless it was matched.
  await tx.query(
    `DELETE FROM run_dated d WHERE d.class IS NOT NULL AND EXISTS (SELECT 1 FROM run_moves m WHERE m.no = d.no AND m.held)`,
    [],
  )
  await tx.query(
    `CREATE TEMP TABLE run_breaks ON COMMIT DROP AS
     SELECT grp AS key, min(class) AS class, min(rail_account_id) AS rail_account_id, (array_agg(evidence ORDER BY no))[1] AS evidence,
            min(invoice_id) AS invoice_id, min(least(booked_on, paid_on, coalesce(occurred_on, sent_on))) AS aged_from, min(counted_on) AS opened_on,
            NULL::bigint AS break_id
       FROM run_dated WHERE class IS NOT NULL GROUP BY grp`,
    [],
  )
  await tx.query('ANALYZE run_breaks', [])
  await tx.query(
    `UPDATE run_breaks n SET break_id = b.id FROM breaks b WHERE b.tenant_id = $1 AND b.key = n.key AND b.status IN ('OPEN', 'WAITING')`,
    [tenantId],
  )
  // What the settlement door refused once is not offered to it again.
  await tx.query(
    `UPDATE run_breaks n SET evidence = n.evidence || '{"offered": true}' FROM breaks b
      WHERE b.id = n.break_id AND b.class = n.class AND b.evidence ->> 'offered' = 'true'`,
    [],
  )
  await tx.query(
    `INSERT INTO break_history (tenant_id, break_id, at, actor, kind, facts)
     SELECT $1, b.id, $2, 'feegate', 'CLASS', jsonb_build_object('from', b.class, 'to', n.class)
       FROM run_breaks n JOIN breaks b ON b.id = n.break_id WHERE b.class <> n.class ORDER BY b.id`,
    [tenantId, now],
  )
  await tx.query(
    `UPDATE breaks b SET class = n.class, evidence = n.evidence, invoice_id = n.invoice_id, updated_at = $1
       FROM run_breaks n WHERE n.break_id = b.id AND (b.class, b.evidence) IS DISTINCT FROM (n.class, n.evidence)`,
    [now],
  )
  await tx.query(
    `WITH added AS (
       INSERT INTO breaks (tenant_id, rail_account_id, key, class, status, amount, statement_amount, payment_amount, rail_amount, items,
                           invoice_id, aged_from, opened_on, evidence, created_at, updated_at)
       SELECT $1, rail_account_id, key, class, 'OPEN', 0, 0, 0, 0, 0, invoice_id, aged_from, opened_on, evidence, $2, $2
         FROM run_breaks WHERE break_id IS NULL ORDER BY key
       RETURNING id, key, class),
     told AS (
       INSERT INTO break_history (tenant_id, break_id, at, actor, kind, facts)
       SELECT $1, id, $2, 'feegate', 'OPENED', jsonb_build_object('class', class, 'run', $3::text) FROM added ORDER BY id)
     UPDATE run_breaks n SET break_id = a.id FROM added a WHERE a.key = n.key`,
    [tenantId, now, runId],
  )
  await tx.query(
    `DELETE FROM run_dated d USING run_moves m, run_breaks n
      WHERE m.no = d.no AND m.same AND n.key = d.grp AND n.break_id = m.break_id AND d.class IS NOT NULL`,
    [],
  )
  await tx.query(
    `UPDATE reconciliation_items i SET ended_on = greatest(m.counted_on, m.open_from)
       FROM run_moves m JOIN run_dated d ON d.no = m.no WHERE m.item_id = i.id AND d.class IS NOT NULL AND i.ended_on IS NULL`,
    [],
  )
  await tx.query(
    `INSERT INTO reconciliation_items (run_id, break_id, line_id, settlement_id, row_id, refund_id, counted_on, line_day, payment_day,
                                       tenant_id, rail_account_id, evidence)
     SELECT $2, n.break_id, d.line_id, d.settlement_id, d.row_id, d.refund_id, d.counted_on, ${firstDay('booked_on', 'line_id')},
            ${firstDay('paid_on', 'settlement_id')}, $1, d.rail_account_id, d.evidence
       FROM run_dated d JOIN run_breaks n ON n.key = d.grp WHERE d.class IS NOT NULL ORDER BY d.no`,
    [tenantId, runId],
  )
}

/** Waits that are over put the break in front of its owner again. */
export async function endWaits(tx: Transaction, { tenantId, now, asOf }: RunScope): Promise<void> {
  await tx.query(
    `WITH over AS (
       UPDATE breaks SET status = 'OPEN', wait_until = NULL, updated_at = $2 WHERE tenant_id = $1 AND status = 'WAITING' AND wait_until < $3::date RETURNING id)
     INSERT INTO break_history (tenant_id, break_id, at, actor, kind, facts) SELECT $1, id, $2, 'feegate', 'OPENED', '{"waitOver": true}' FROM over`,
    [tenantId, now, asOf],
  )
}

/** Sums of the breaks whose items changed; breaks of money that hold nothing any more are cleared. */
export async function settleBreaks(tx: Transaction, { tenantId, now }: RunScope): Promise<void> {
  await tx.query(
    `CREATE TEMP TABLE run_sums ON COMMIT DROP AS
     SELECT b.id AS break_id, count(i.id) FILTER (WHERE i.ended_on IS NULL) AS items, max(i.ended_on) AS ended_on,
            coalesce(sum(CASE l.direction WHEN 'CREDIT' THEN l.amount ELSE -l.amount END) FILTER (WHERE i.ended_on IS NULL), 0) AS statement_amount,
            coalesce(sum(CASE s.direction WHEN 'IN' THEN s.amount ELSE -s.amount END) FILTER (WHERE i.ended_on IS NULL), 0)
              - coalesce(sum(f.amount) FILTER (WHERE i.ended_on IS NULL), 0) AS payment_amount,
            coalesce(sum(CASE w.status WHEN 'SUCCEEDED' THEN w.gross WHEN 'REVERSED' THEN -w.gross ELSE 0 END) FILTER (WHERE i.ended_on IS NULL), 0) AS rail_amount
       FROM breaks b
       JOIN reconciliation_items i ON i.break_id = b.id
       LEFT JOIN statement_lines l ON l.id = i.line_id
       LEFT JOIN settlements s ON s.id = i.settlement_id
       LEFT JOIN settlement_rows w ON w.id = i.row_id
       LEFT JOIN refunds f ON f.id = i.refund_id
      WHERE b.tenant_id = $1 AND b.status IN ('OPEN', 'WAITING') GROUP BY b.id`,
    [tenantId],
  )
  await tx.query('CREATE INDEX ON run_sums (break_id)', [])
  await tx.query('ANALYZE run_sums', [])
  await tx.query(
    `UPDATE breaks b SET items = s.items, statement_amount = s.statement_amount, payment_amount = s.payment_amount, rail_amount = s.rail_amount,
            -- In question: the difference where two sides are told and differ, else what is there.
            amount = CASE WHEN s.statement_amount <> 0 AND s.payment_amount <> 0 AND s.statement_amount <> s.payment_amount
                          THEN abs(trunc(s.statement_amount - s.payment_amount))
                          ELSE greatest(abs(trunc(s.statement_amount)), abs(s.payment_amount), abs(s.rail_amount)) END,
            updated_at = $1
       FROM run_sums s WHERE s.break_id = b.id AND s.items > 0
        AND (b.items, b.statement_amount, b.payment_amount, b.rail_amount) IS DISTINCT FROM (s.items, s.statement_amount, s.payment_amount, s.rail_amount)`,
    [now],
  )
  await tx.query(
    `WITH gone AS (
       UPDATE breaks b SET status = 'CLEARED', wait_until = NULL, items = 0, updated_at = $2,
              closed_on = greatest(s.ended_on, b.opened_on, a.open_from)
         FROM run_sums s, run_accounts a
        WHERE s.break_id = b.id AND s.items = 0 AND a.rail_account_id = b.rail_account_id AND b.status IN ('OPEN', 'WAITING')
       RETURNING b.id)
     ${tellCleared}`,
    [tenantId, now],
  )
}

/** For a CTE `gone(id)`: history, and proposals about what is no longer in question. $1 tenant, $2 now. */
export const tellCleared = `, dropped AS (
       UPDATE break_resolutions r SET status = 'WITHDRAWN', decided_by = 'feegate', decided_at = $2
         FROM gone WHERE r.break_id = gone.id AND r.status = 'PROPOSED' RETURNING r.break_id)
     INSERT INTO break_history (tenant_id, break_id, at, actor, kind)
     SELECT $1, id, $2, 'feegate', 'CLEARED' FROM gone`
