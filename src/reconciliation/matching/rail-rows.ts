/**
 * The third leg: rows of settlement files. A row and its payment are found by transaction id or our reference; then the bank's
 * credit is found for a batch of rows (net of fees), or for a row by itself.
 */
import { ruleSet } from '../../domain/reconciliation/rules.ts'
import type { Transaction } from '../../store/database.ts'
import { classOfPair, take } from './results.ts'
import type { RunScope } from './working-set.ts'

/** Row and payment of one rail account that mean each other: by transaction id first, then by our reference and amount. */
export async function pairRows(tx: Transaction): Promise<void> {
  await tx.query(
    `CREATE TEMP TABLE run_row_pairs ON COMMIT DROP AS
     SELECT r.row_id, p.settlement_id, r.rail_transaction_id AS ref, p.amount = r.gross AS same_amount
       FROM w_rows r JOIN w_pays p ON p.rail_account_id = r.rail_account_id AND p.rail_transaction_id = r.rail_transaction_id
        AND p.direction = CASE r.status WHEN 'REVERSED' THEN 'OUT' ELSE 'IN' END`,
    [],
  )
  await tx.query(
    `INSERT INTO run_row_pairs
     SELECT row_id, settlement_id, ref, true FROM (
       SELECT r.row_id, p.settlement_id, r.merchant_ref AS ref, count(*) OVER (PARTITION BY r.row_id) AS payments,
              count(*) OVER (PARTITION BY p.settlement_id) AS rows
         FROM w_rows r JOIN w_pays p ON p.rail_account_id = r.rail_account_id AND p.merchant_ref = r.merchant_ref AND p.amount = r.gross AND p.direction = 'IN'
        WHERE r.status = 'SUCCEEDED'
          AND NOT EXISTS (SELECT 1 FROM run_row_pairs x WHERE x.row_id = r.row_id OR x.settlement_id = p.settlement_id)) c
      WHERE payments = 1 AND rows = 1`,
    [],
  )
  await tx.query(`ANALYZE run_row_pairs`, [])
  // The whole batch counts, also rows that stand in breaks of their own: the rail paid for them.
  await tx.query(
    `CREATE TEMP TABLE run_batches ON COMMIT DROP AS
     SELECT a.bank, r.rail_account_id, r.batch_id, r.value_on, sum(r.net) AS net
       FROM settlement_rows r
       JOIN (SELECT DISTINCT rail_account_id, batch_id, bank FROM w_rows WHERE batch_id IS NOT NULL) a
         ON a.rail_account_id = r.rail_account_id AND a.batch_id = r.batch_id
      WHERE r.withdrawn_at IS NULL AND r.status IN ('SUCCEEDED', 'REVERSED')
      GROUP BY 1, 2, 3, 4`,
    [],
  )
}

/** Rows that arrive after their payment was explained without them join its match; rows that move nothing explain themselves. */
export async function joinLateRows(tx: Transaction): Promise<void> {
  await take(
    tx,
    `INSERT INTO run_result (grp, rule, evidence, row_id, joins_item)
     SELECT 'R:' || r.row_id, 'SETTLEMENT_ROW', jsonb_build_object('reference', r.rail_transaction_id), r.row_id, i.id
       FROM w_rows r
       JOIN settlements s ON s.rail_account_id = r.rail_account_id AND s.rail_transaction_id = r.rail_transaction_id
        AND s.direction = CASE r.status WHEN 'REVERSED' THEN 'OUT' ELSE 'IN' END AND s.amount = r.gross
       JOIN reconciliation_items i ON i.settlement_id = s.id AND i.ended_on IS NULL AND i.rule IS NOT NULL
      WHERE r.status IN ('SUCCEEDED', 'REVERSED')`,
  )
  await take(
    tx,
    `INSERT INTO run_result (grp, rule, evidence, row_id)
     SELECT 'R:' || r.row_id, 'SETTLEMENT_ROW', jsonb_build_object('status', r.status), r.row_id
       FROM w_rows r WHERE r.status IN ('FAILED', 'PENDING')
        AND NOT EXISTS (SELECT 1 FROM run_row_pairs p WHERE p.row_id = r.row_id)
        AND NOT EXISTS (SELECT 1 FROM settlements s WHERE s.rail_account_id = r.rail_account_id AND s.rail_transaction_id = r.rail_transaction_id AND s.direction = 'IN')`,
  )
}

/** What row and payment disagree about, and fees that are not the agreed ones. */
export async function findRowMismatches(tx: Transaction, { tenantId }: RunScope): Promise<void> {
  await take(
    tx,
    `INSERT INTO run_result (grp, class, evidence, row_id, settlement_id, invoice_id)
     SELECT 'R:' || r.row_id, CASE WHEN r.status IN ('FAILED', 'PENDING') THEN 'STATUS_MISMATCH' ELSE 'AMOUNT_MISMATCH' END,
            jsonb_build_object('reference', x.ref, 'status', r.status), r.row_id, p.settlement_id, p.invoice_id
       FROM run_row_pairs x JOIN w_rows r ON r.row_id = x.row_id JOIN w_pays p ON p.settlement_id = x.settlement_id
      WHERE r.status IN ('FAILED', 'PENDING') OR NOT x.same_amount`,
  )
  // A reversal the rail reports and we do not know, or a failure of what is explained as paid.
  await take(
    tx,
    `INSERT INTO run_result (grp, class, evidence, row_id)
     SELECT 'R:' || r.row_id, 'STATUS_MISMATCH', jsonb_build_object('reference', r.rail_transaction_id, 'status', r.status), r.row_id
       FROM w_rows r WHERE r.status IN ('REVERSED', 'FAILED', 'PENDING') AND NOT EXISTS (SELECT 1 FROM run_row_pairs p WHERE p.row_id = r.row_id)`,
  )
  await take(
    tx,
    `INSERT INTO run_result (grp, class, evidence, row_id, settlement_id, invoice_id)
     SELECT 'R:' || r.row_id, 'FEE_MISMATCH', jsonb_build_object('fee', r.fee, 'agreed', r.agreed, 'net', r.net), r.row_id, p.settlement_id, p.invoice_id
       FROM (
         SELECT r.*, t.fee_tolerance, t.fee_flat + (2 * r.gross * t.fee_ppm + 1000000) / 2000000 AS agreed
           FROM w_rows r
           LEFT JOIN LATERAL (SELECT * FROM rail_terms t WHERE t.tenant_id = $1 AND t.rail_account_id = r.rail_account_id AND t.valid_from <= r.occurred_on
                               ORDER BY t.valid_from DESC LIMIT 1) t ON true
          WHERE r.status = 'SUCCEEDED') r
       LEFT JOIN run_row_pairs x ON x.row_id = r.row_id
       LEFT JOIN w_pays p ON p.settlement_id = x.settlement_id
      WHERE r.net <> r.gross - r.fee OR abs(r.fee - r.agreed) > r.fee_tolerance`,
    [tenantId],
  )
}

/** Rule 4: the net sum of a batch is one credit of its value date; exactly one batch and one credit fit. */
export async function matchBatches(tx: Transaction): Promise<void> {
  await tx.query(
    `CREATE TEMP TABLE run_batch_lines ON COMMIT DROP AS
     SELECT * FROM (
       SELECT b.*, l.line_id, count(*) OVER (PARTITION BY b.rail_account_id, b.batch_id, b.value_on) AS lines, count(*) OVER (PARTITION BY l.line_id) AS batches
         FROM run_batches b JOIN w_lines l ON l.bank = b.bank AND l.amount_vnd = b.net AND l.direction = 'CREDIT' AND NOT l.reversal
          AND (b.value_on IS NULL OR b.value_on IN (l.value_on, l.booked_on))) c
      WHERE lines = 1 AND batches = 1`,
    [],
  )
  await take(
    tx,
    `INSERT INTO run_result (grp, class, rule, evidence, line_id, settlement_id, row_id, invoice_id)
     SELECT CASE WHEN ${classOfPair} IS NULL THEN 'B:' || b.line_id ELSE 'R:' || r.row_id END, ${classOfPair}, 'BATCH',
            jsonb_build_object('batch', b.batch_id, 'net', b.net),
            CASE WHEN ${classOfPair} IS NULL AND row_number() OVER (PARTITION BY b.line_id, ${classOfPair} IS NULL ORDER BY r.row_id) = 1 THEN b.line_id END,
            p.settlement_id, r.row_id, p.invoice_id
       FROM run_batch_lines b
       JOIN w_rows r ON r.rail_account_id = b.rail_account_id AND r.batch_id = b.batch_id AND r.value_on IS NOT DISTINCT FROM b.value_on
       JOIN run_row_pairs x ON x.row_id = r.row_id
       JOIN w_pays p ON p.settlement_id = x.settlement_id`,
  )
  // Rows whose payment came on record after their batch was credited.
  await take(
    tx,
    `INSERT INTO run_result (grp, class, rule, evidence, settlement_id, row_id, invoice_id, joins_item)
     SELECT DISTINCT ON (r.row_id) 'R:' || r.row_id, ${classOfPair}, 'BATCH', jsonb_build_object('batch', r.batch_id), p.settlement_id, r.row_id, p.invoice_id,
            CASE WHEN ${classOfPair} IS NULL THEN i.id END
       FROM w_rows r
       JOIN run_row_pairs x ON x.row_id = r.row_id
       JOIN w_pays p ON p.settlement_id = x.settlement_id
       JOIN settlement_rows o ON o.rail_account_id = r.rail_account_id AND o.batch_id = r.batch_id AND o.value_on IS NOT DISTINCT FROM r.value_on
       JOIN reconciliation_items i ON i.row_id = o.id AND i.ended_on IS NULL AND i.rule = 'BATCH'
      ORDER BY r.row_id, i.id`,
  )
}

/** A batch of nothing but rows that stand in breaks of their own: its credit is explained all the same. */
export async function explainTroubledBatches(tx: Transaction): Promise<void> {
  await take(
    tx,
    `INSERT INTO run_result (grp, rule, evidence, line_id)
     SELECT 'B:' || l.line_id, 'BATCH', jsonb_build_object('batch', b.batch_id, 'net', b.net), l.line_id
       FROM run_batch_lines b JOIN w_lines l ON l.line_id = b.line_id
      WHERE EXISTS (SELECT 1 FROM settlement_rows r WHERE r.rail_account_id = b.rail_account_id AND r.batch_id = b.batch_id)`,
  )
}

/** A credit that names the batch and differs from its net sum: the whole of it is in question. */
export async function findBatchMismatches(tx: Transaction): Promise<void> {
  await take(
    tx,
    `INSERT INTO run_result (grp, class, evidence, line_id, settlement_id, row_id, invoice_id)
     SELECT 'L:' || c.line_id, 'FEE_MISMATCH', jsonb_build_object('batch', c.batch_id, 'net', c.net, 'credited', c.amount_vnd),
            CASE WHEN row_number() OVER (PARTITION BY c.line_id ORDER BY r.row_id) = 1 THEN c.line_id END, p.settlement_id, r.row_id, p.invoice_id
       FROM (
         SELECT b.*, l.line_id, l.amount_vnd, count(*) OVER (PARTITION BY b.rail_account_id, b.batch_id, b.value_on) AS lines,
                count(*) OVER (PARTITION BY l.line_id) AS batches
           FROM run_batches b JOIN w_texts t ON t.ref = b.batch_id AND t.bank = b.bank
           JOIN w_lines l ON l.line_id = t.line_id AND l.direction = 'CREDIT'
          WHERE l.amount_vnd <> b.net) c
       JOIN w_rows r ON r.rail_account_id = c.rail_account_id AND r.batch_id = c.batch_id AND r.value_on IS NOT DISTINCT FROM c.value_on
       LEFT JOIN run_row_pairs x ON x.row_id = r.row_id
       LEFT JOIN w_pays p ON p.settlement_id = x.settlement_id
      WHERE c.lines = 1 AND c.batches = 1`,
  )
}

/** Rows that are credited one by one: the line names the row and brings its net (or gross) amount. */
export async function matchSingleRows(tx: Transaction): Promise<void> {
  await take(
    tx,
    `INSERT INTO run_result (grp, class, rule, evidence, line_id, settlement_id, row_id, invoice_id)
     SELECT 'L:' || c.line_id, ${classOfPair}, 'SETTLEMENT_ROW', jsonb_build_object('reference', c.ref, 'net', c.net), c.line_id, p.settlement_id, c.row_id, p.invoice_id
       FROM (
         SELECT f.*, count(*) OVER (PARTITION BY f.line_id) AS rows, count(*) OVER (PARTITION BY f.row_id) AS lines
           FROM (
             SELECT DISTINCT ON (l.line_id, r.row_id) l.line_id, r.row_id, t.ref, r.net
               FROM w_rows r JOIN w_texts t ON t.bank = r.bank AND t.ref IN (r.rail_transaction_id, r.merchant_ref)
               JOIN w_lines l ON l.line_id = t.line_id AND l.direction = 'CREDIT' AND l.amount_vnd IN (r.net, r.gross)
              WHERE r.status = 'SUCCEEDED' ORDER BY l.line_id, r.row_id, t.ref) f) c
       JOIN run_row_pairs x ON x.row_id = c.row_id
       JOIN w_pays p ON p.settlement_id = x.settlement_id
      WHERE c.rows = 1 AND c.lines = 1`,
  )
}

/** A payment matched with its line by other rules takes its row along. */
export async function attachRows(tx: Transaction): Promise<void> {
  await tx.query(
    `UPDATE run_result f SET row_id = x.row_id
       FROM run_row_pairs x JOIN w_rows r ON r.row_id = x.row_id
      WHERE f.settlement_id = x.settlement_id AND f.row_id IS NULL AND x.same_amount AND r.status IN ('SUCCEEDED', 'REVERSED')`,
    [],
  )
  await tx.query(`DELETE FROM w_rows w WHERE EXISTS (SELECT 1 FROM run_result r WHERE r.row_id = w.row_id)`, [])
}

/**
 * With three legs a payment is explained by rail and bank together. One that only the bank shows waits for the rail's file, and is
 * missing there once a file of its day (or the time for it) has come.
 */
export async function demandThirdLeg(tx: Transaction, { asOf, calendar }: RunScope): Promise<void> {
  await tx.query(
    `UPDATE run_result f SET rule = NULL, grp = 'P:' || f.settlement_id,
            class = CASE WHEN s.paid_on <= coalesce(files.last_day, '0001-01-01') OR d.position + ${ruleSet.statementLagDays} <= $1 THEN 'MISSING_IN_RAIL' ELSE 'CUT_OFF' END
       FROM (SELECT s.id, s.rail_account_id, (s.paid_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS paid_on, s.direction, s.disposition FROM settlements s) s
       JOIN run_accounts a ON a.rail_account_id = s.rail_account_id AND a.legs = 3
       LEFT JOIN run_days d ON d.day = s.paid_on
       LEFT JOIN LATERAL (SELECT max((r.occurred_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date) AS last_day FROM settlement_rows r
                           WHERE r.rail_account_id = s.rail_account_id AND r.withdrawn_at IS NULL) files ON true
      WHERE f.settlement_id = s.id AND f.class IS NULL AND f.rule IN ('RAIL_TRANSACTION', 'REFERENCE', 'TEXT_REFERENCE', 'AMOUNT_WINDOW')
        AND f.row_id IS NULL AND s.direction = 'IN'`,
    [calendar.position(asOf)],
  )
}
