/** The last rules (window, reversal pairs, refunds, expected movements), and a class for everything that no rule explains. */
import { ruleSet } from '../../domain/reconciliation/rules.ts'
import type { Transaction } from '../../store/database.ts'
import { depositRows } from './cash.ts'
import { classOfPair, take } from './results.ts'
import type { RunScope } from './working-set.ts'

/** Taken first: no rule may look at money that is not whole VND. */
export async function findForeignCurrency(tx: Transaction): Promise<void> {
  await take(
    tx,
    `INSERT INTO run_result (grp, class, evidence, line_id)
     SELECT 'L:' || line_id, 'WRONG_CURRENCY', '{}', line_id FROM w_lines WHERE amount_vnd IS NULL`,
  )
}

/**
 * Rule 5: same account and amount within the window, and nobody else on either side, neither a payment nor a handover of cash. Only
 * lines that name nothing: a line that names another invoice is not this payment, whatever its amount.
 */
export async function matchWindow(tx: Transaction): Promise<void> {
  const { from, to } = ruleSet.windowDays
  await tx.query(
    `CREATE TEMP TABLE run_window ON COMMIT DROP AS
     SELECT l.line_id, l.bank, l.amount_vnd, d.position FROM w_lines l JOIN run_days d ON d.day = l.booked_on
      WHERE l.direction = 'CREDIT' AND NOT l.reversal AND NOT l.held
        AND NOT EXISTS (SELECT 1 FROM w_named n WHERE n.line_id = l.line_id)`,
    [],
  )
  await tx.query(
    `CREATE TEMP TABLE run_window_pays ON COMMIT DROP AS
     SELECT p.settlement_id COLLATE "C" AS candidate, p.bank, p.amount, d.position FROM w_pays p JOIN run_days d ON d.day = p.paid_on
      WHERE p.direction = 'IN' AND NOT p.held
     UNION ALL
     SELECT c.handover_id COLLATE "C", c.bank, c.amount, d.position
       FROM (SELECT handover_id, bank, handed_over_on, sum(CASE direction WHEN 'IN' THEN amount ELSE -amount END)::bigint AS amount
               FROM w_cash WHERE handover_id IS NOT NULL GROUP BY 1, 2, 3 HAVING NOT bool_or(held)) c
       JOIN run_days d ON d.day = c.handed_over_on`,
    [],
  )
  await tx.query(`CREATE INDEX ON run_window (bank, amount_vnd, position)`, [])
  await tx.query(`CREATE INDEX ON run_window_pays (bank, amount, position)`, [])
  await tx.query(`ANALYZE run_window`, [])
  await tx.query(`ANALYZE run_window_pays`, [])
  // Two candidates are as good as a thousand: neither side ever looks at more.
  await tx.query(
    `CREATE TEMP TABLE run_window_pairs ON COMMIT DROP AS
     SELECT l.line_id, c.candidate, c.candidates, o.candidates AS lines
       FROM run_window l
      CROSS JOIN LATERAL (
        SELECT min(candidate) AS candidate, count(*) AS candidates FROM (
          SELECT p.candidate FROM run_window_pays p
           WHERE p.bank = l.bank AND p.amount = l.amount_vnd AND p.position BETWEEN l.position - ${to} AND l.position - ${from} LIMIT 2) two) c
      CROSS JOIN LATERAL (
        SELECT count(*) AS candidates FROM (
          SELECT 1 FROM run_window_pays p JOIN run_window r ON r.bank = p.bank AND r.amount_vnd = p.amount AND r.position BETWEEN p.position + ${from} AND p.position + ${to}
           WHERE p.candidate = c.candidate LIMIT 2) two) o
      WHERE c.candidates > 0`,
    [],
  )
  await take(
    tx,
    `INSERT INTO run_result (grp, class, rule, evidence, line_id, settlement_id, invoice_id)
     SELECT 'L:' || w.line_id, ${classOfPair}, 'AMOUNT_WINDOW', jsonb_build_object('amount', p.amount, 'bookedOn', l.booked_on, 'paidOn', p.paid_on),
            w.line_id, p.settlement_id, p.invoice_id
       FROM run_window_pairs w JOIN w_pays p ON p.settlement_id = w.candidate JOIN w_lines l ON l.line_id = w.line_id
      WHERE w.candidates = 1 AND w.lines = 1`,
  )
  await take(
    tx,
    depositRows(
      `SELECT 'D:' || w.candidate AS grp, w.candidate AS handover_id FROM run_window_pairs w JOIN w_lines l ON l.line_id = w.line_id
        WHERE w.candidates = 1 AND w.lines = 1 AND w.candidate IN (SELECT handover_id FROM w_cash)`,
      'SELECT candidate AS handover_id, line_id FROM run_window_pairs',
    ),
  )
  await take(
    tx,
    `INSERT INTO run_result (grp, class, evidence, line_id)
     SELECT 'L:' || w.line_id, 'AMBIGUOUS', jsonb_build_object('amount', l.amount_vnd, 'candidates', (SELECT jsonb_agg(c.candidate) FROM (
              SELECT p.candidate FROM run_window x JOIN run_window_pays p ON p.bank = x.bank AND p.amount = x.amount_vnd
                 AND p.position BETWEEN x.position - ${to} AND x.position - ${from}
               WHERE x.line_id = w.line_id ORDER BY p.candidate LIMIT 20) c)), w.line_id
       FROM run_window_pairs w JOIN w_lines l ON l.line_id = w.line_id`,
  )
}

/**
 * Rule 6: a credit and the debit that takes it back (or the other way round), by reference, or by amount when only one fits.
 * When the credit is explained by a payment, the debit is news about that payment.
 */
export async function matchReversals(tx: Transaction): Promise<void> {
  await take(
    tx,
    `INSERT INTO run_result (grp, rule, evidence, line_id)
     SELECT 'L:' || least(c.first, c.second), 'REVERSAL_PAIR', jsonb_build_object('reference', c.key), m.line_id
       FROM (
         SELECT o.line_id AS first, r.line_id AS second, min(k.key) AS key, count(*) OVER (PARTITION BY o.line_id) AS reversals,
                count(*) OVER (PARTITION BY r.line_id) AS originals
           FROM w_lines r
           JOIN w_keys k ON k.line_id = r.line_id
           JOIN w_keys ok ON ok.key = k.key AND ok.bank = k.bank
           JOIN w_lines o ON o.line_id = ok.line_id AND o.direction <> r.direction AND o.amount_vnd = r.amount_vnd AND NOT o.reversal AND o.booked_on <= r.booked_on
          WHERE r.reversal
          GROUP BY o.line_id, r.line_id) c
      CROSS JOIN LATERAL (VALUES (c.first), (c.second)) AS m(line_id)
      WHERE c.reversals = 1 AND c.originals = 1`,
  )
  await take(
    tx,
    `INSERT INTO run_result (grp, class, evidence, line_id, invoice_id)
     SELECT DISTINCT ON (r.line_id) 'L:' || r.line_id, 'REVERSED', jsonb_build_object('reference', k.ref, 'settlementId', s.id), r.line_id, s.invoice_id
       FROM w_lines r
       JOIN w_texts k ON k.line_id = r.line_id AND k.level = 2
       JOIN run_accounts a ON a.bank = r.bank
       JOIN settlements s ON s.rail_account_id = a.rail_account_id AND s.rail_transaction_id = k.ref AND s.direction = 'IN' AND s.amount = r.amount_vnd
      WHERE r.direction = 'DEBIT' AND NOT r.held
      ORDER BY r.line_id, s.id`,
  )
  await take(
    tx,
    `INSERT INTO run_result (grp, class, evidence, line_id, invoice_id)
     SELECT DISTINCT ON (r.line_id) 'L:' || r.line_id, 'REVERSED', jsonb_build_object('reference', n.ref), r.line_id, n.invoice_id
       FROM w_lines r LEFT JOIN w_named n ON n.line_id = r.line_id
      WHERE r.direction = 'DEBIT' AND r.reversal AND NOT r.held
      ORDER BY r.line_id, n.invoice_id`,
  )
}

/** Refunds we sent and their debits: by reference, then by amount within the window when only one fits. */
export async function matchRefunds(tx: Transaction): Promise<void> {
  const { from, to } = ruleSet.windowDays
  await take(
    tx,
    `INSERT INTO run_result (grp, rule, evidence, line_id, refund_id, invoice_id)
     SELECT 'L:' || c.line_id, 'REFUND', jsonb_build_object('reference', c.ref), c.line_id, c.refund_id, c.invoice_id
       FROM (
         SELECT l.line_id, f.refund_id, f.invoice_id, min(t.ref) AS ref, count(*) OVER (PARTITION BY l.line_id) AS refunds, count(*) OVER (PARTITION BY f.refund_id) AS lines
           FROM w_refunds f
           JOIN w_texts t ON t.bank = f.bank AND t.ref IN (f.refund_id, f.rail_refund_id, f.rail_reference, f.merchant_ref, f.pay_code)
           JOIN w_lines l ON l.line_id = t.line_id AND l.direction = 'DEBIT' AND l.amount_vnd = f.amount
          GROUP BY l.line_id, f.refund_id, f.invoice_id) c
      WHERE c.refunds = 1 AND c.lines = 1`,
  )
  await take(
    tx,
    `INSERT INTO run_result (grp, rule, evidence, line_id, refund_id, invoice_id)
     SELECT 'L:' || c.line_id, 'REFUND', jsonb_build_object('amount', c.amount), c.line_id, c.refund_id, c.invoice_id
       FROM (
         SELECT l.line_id, f.refund_id, f.invoice_id, f.amount, count(*) OVER (PARTITION BY l.line_id) AS refunds, count(*) OVER (PARTITION BY f.refund_id) AS lines
           FROM w_refunds f JOIN run_days fd ON fd.day = f.sent_on AND NOT f.failed
           JOIN w_lines l ON l.bank = f.bank AND l.direction = 'DEBIT' AND NOT l.reversal AND l.amount_vnd = f.amount
           JOIN run_days ld ON ld.day = l.booked_on AND ld.position BETWEEN fd.position + ${from} AND fd.position + ${to}) c
      WHERE c.refunds = 1 AND c.lines = 1`,
  )
}

export async function matchExpected(tx: Transaction, { tenantId }: RunScope): Promise<void> {
  await tx.query(
    `CREATE TEMP TABLE run_expected ON COMMIT DROP AS
     SELECT e.id, e.direction, e.counterparty_account, e.text_contains, bank
       FROM expected_movements e JOIN run_banks b ON b.id = e.beneficiary_account_id
      WHERE e.tenant_id = $1`,
    [tenantId],
  )
  await take(
    tx,
    `INSERT INTO run_result (grp, rule, evidence, line_id)
     SELECT DISTINCT ON (l.line_id) 'L:' || l.line_id, 'EXPECTED', jsonb_build_object('movement', e.id), l.line_id
       FROM w_lines l JOIN run_expected e ON e.bank = l.bank AND e.direction = l.direction
        AND (e.counterparty_account IS NULL OR e.counterparty_account = l.counterparty_account)
        AND (e.text_contains IS NULL OR strpos(upper(regexp_replace(replace(replace(normalize(l.remittance, NFD), 'đ', 'd'), 'Đ', 'D'), '[^A-Za-z0-9]+', '', 'g')), e.text_contains) > 0)
      WHERE NOT l.reversal AND NOT EXISTS (SELECT 1 FROM w_named n WHERE n.line_id = l.line_id)
      ORDER BY l.line_id, e.id`,
  )
}

/** Every item that is left gets the class that tells most about it. Held ones stay where officers put them. */
export async function classifyTheRest(tx: Transaction, { asOf, calendar, tenantId }: RunScope): Promise<void> {
  await take(
    tx,
    `INSERT INTO run_result (grp, class, evidence, line_id, invoice_id)
     SELECT 'L:' || l.line_id,
            CASE WHEN l.direction = 'DEBIT' THEN 'UNREFERENCED'
                 -- A code that nobody wrote as a word may be chance.
                 WHEN n.invoice_id IS NOT NULL OR l.ref_codes IS NOT NULL OR l.text_codes && l.words THEN 'MISSING_IN_GATEWAY'
                 ELSE 'UNREFERENCED' END,
            jsonb_strip_nulls(jsonb_build_object('reference', coalesce(n.ref, (l.ref_codes || l.text_codes)[1]))), l.line_id, n.invoice_id
       FROM w_lines l LEFT JOIN LATERAL (SELECT * FROM w_named n WHERE n.line_id = l.line_id ORDER BY n.invoice_id LIMIT 1) n ON true
      WHERE NOT l.held`,
  )
  // How far the bank has told: to the newest statement, and a few business days back in any case.
  await tx.query(
    `CREATE TEMP TABLE run_coverage ON COMMIT DROP AS
     SELECT a.bank, greatest(max(d.position), $1) AS position
       FROM (SELECT DISTINCT bank FROM run_accounts) a
       LEFT JOIN statements s ON s.beneficiary_account_id = a.bank AND s.status = 'CURRENT' AND s.tenant_id = $2
       LEFT JOIN run_days d ON d.day = s.period_to GROUP BY a.bank`,
    [calendar.position(asOf) - ruleSet.statementLagDays, tenantId],
  )
  const due = `coalesce(d.position, 0) + ${ruleSet.windowDays.to} <= c.position`
  // Payments that the rail has settled and the bank has not shown: by batch.
  await take(
    tx,
    `INSERT INTO run_result (grp, class, evidence, row_id, settlement_id)
     SELECT CASE WHEN r.batch_id IS NULL THEN 'R:' || r.row_id ELSE 'B:' || r.rail_account_id || ':' || r.batch_id || ':' || coalesce(r.value_on::text, '') END,
            CASE WHEN bool_or(${due}) OVER (PARTITION BY r.rail_account_id, r.batch_id, r.value_on, CASE WHEN r.batch_id IS NULL THEN r.row_id END)
                 THEN 'MISSING_IN_STATEMENT' ELSE 'CUT_OFF' END,
            jsonb_strip_nulls(jsonb_build_object('batch', r.batch_id)), r.row_id, p.settlement_id
       FROM run_row_pairs x JOIN w_rows r ON r.row_id = x.row_id JOIN w_pays p ON p.settlement_id = x.settlement_id
       JOIN run_coverage c ON c.bank = r.bank
       LEFT JOIN run_days d ON d.day = coalesce(r.value_on, r.occurred_on)
      WHERE NOT r.held AND NOT p.held AND x.same_amount AND r.status = 'SUCCEEDED'`,
  )
  await take(
    tx,
    `INSERT INTO run_result (grp, class, evidence, row_id)
     SELECT 'R:' || r.row_id, CASE WHEN r.status = 'SUCCEEDED' THEN 'MISSING_IN_GATEWAY' ELSE 'STATUS_MISMATCH' END,
            jsonb_build_object('reference', r.rail_transaction_id, 'status', r.status), r.row_id
       FROM w_rows r WHERE NOT r.held`,
  )
  await take(
    tx,
    `INSERT INTO run_result (grp, class, evidence, settlement_id, invoice_id)
     SELECT CASE WHEN class = 'CUT_OFF' THEN 'C:' || rail_account_id || ':' || paid_on ELSE 'P:' || settlement_id END, class,
            CASE WHEN class = 'CUT_OFF' THEN jsonb_build_object('paidOn', paid_on) ELSE jsonb_build_object('railTransactionId', rail_transaction_id) END,
            settlement_id, CASE WHEN class <> 'CUT_OFF' THEN invoice_id END
       FROM (
         SELECT p.*, CASE WHEN p.direction = 'OUT' THEN 'REVERSED'
                          -- It was settled on the word of a line that is there no more.
                          WHEN p.source = 'STATEMENT' THEN 'STATUS_MISMATCH'
                          WHEN ${due} THEN 'MISSING_IN_BANK' ELSE 'CUT_OFF' END AS class
           FROM w_pays p JOIN run_coverage c ON c.bank = p.bank LEFT JOIN run_days d ON d.day = p.paid_on
          WHERE NOT p.held) p`,
  )
  await take(
    tx,
    `INSERT INTO run_result (grp, class, evidence, refund_id, invoice_id)
     SELECT 'F:' || f.refund_id, CASE WHEN ${due} THEN 'REFUND_UNCONFIRMED' ELSE 'CUT_OFF' END, jsonb_build_object('sentOn', f.sent_on), f.refund_id, f.invoice_id
       FROM w_refunds f JOIN run_coverage c ON c.bank = f.bank LEFT JOIN run_days d ON d.day = f.sent_on
      WHERE NOT f.failed`,
  )
}
