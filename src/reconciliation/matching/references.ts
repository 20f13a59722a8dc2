/** Rules 1 to 3 on what the exact rule left: equal transaction ids, our references in references, our references in text, baskets. */
import type { Transaction } from '../../store/database.ts'
import { classOfPair, take } from './results.ts'

/** Every pair of a line and a payment of the same account that share a reference. `once`: the reference can be paid only once. */
export async function drawEdges(tx: Transaction): Promise<void> {
  await tx.query(
    `CREATE TEMP TABLE run_edges ON COMMIT DROP AS
     SELECT DISTINCT ON (l.line_id, p.settlement_id) l.line_id, p.settlement_id, e.level, e.ref, e.once,
            p.amount = l.amount_vnd AS same_amount, p.paid_on = l.booked_on AS same_day
       FROM (
         SELECT k.line_id, p.settlement_id, 1 AS level, k.key AS ref, true AS once
           FROM w_keys k JOIN w_pays p ON p.bank = k.bank AND p.rail_transaction_id = k.key
         UNION ALL
         SELECT t.line_id, p.settlement_id, t.level, t.ref, p.merchant_ref IS DISTINCT FROM p.pay_code
           FROM w_texts t JOIN w_pays p ON p.bank = t.bank AND p.merchant_ref = t.ref
         UNION ALL
         SELECT t.line_id, p.settlement_id, t.level, t.ref, false
           FROM w_texts t JOIN w_pays p ON p.bank = t.bank AND p.pay_code = t.ref) e
       JOIN w_lines l ON l.line_id = e.line_id
       JOIN w_pays p ON p.settlement_id = e.settlement_id
      WHERE l.amount_vnd IS NOT NULL AND (l.direction = 'CREDIT') = (p.direction = 'IN') AND (p.direction = 'OUT' OR NOT l.reversal)
      ORDER BY l.line_id, p.settlement_id, e.level, e.once DESC, e.ref`,
    [],
  )
  // Asked for line by line and payment by payment: without these, ten thousand left-overs would cost a hundred million steps.
  await tx.query('CREATE INDEX ON run_edges (line_id)', [])
  await tx.query('CREATE INDEX ON run_edges (settlement_id)', [])
  await tx.query(`ANALYZE run_edges`, [])
}

const ruleOfLevel = `CASE e.level WHEN 1 THEN 'RAIL_TRANSACTION' WHEN 2 THEN 'REFERENCE' ELSE 'TEXT_REFERENCE' END`

/**
 * Pairs that leave no choice. Several lines for a reference that can be paid once: the first is the payment. Several for a pay code:
 * only the booking day may tell them apart. A line that names two invoices is a basket or a break, never one of them.
 */
export async function matchReferences(tx: Transaction): Promise<void> {
  for (const level of [1, 2, 3]) {
    for (const sameDay of [false, true]) {
      await take(
        tx,
        `INSERT INTO run_result (grp, class, rule, evidence, line_id, settlement_id, invoice_id)
         SELECT 'L:' || e.line_id, ${classOfPair}, ${ruleOfLevel}, jsonb_build_object('reference', e.ref), e.line_id, p.settlement_id, p.invoice_id
           FROM (
             SELECT e.*, count(*) OVER (PARTITION BY e.line_id) AS payments, count(*) OVER (PARTITION BY e.settlement_id) AS lines,
                    row_number() OVER (PARTITION BY e.settlement_id ORDER BY e.line_id) AS place
               FROM run_edges e JOIN w_lines l ON l.line_id = e.line_id JOIN w_pays p ON p.settlement_id = e.settlement_id
              WHERE e.level = $1 AND e.same_amount AND (NOT $2 OR e.same_day)
                AND ($1 = 1 OR (SELECT count(*) FROM w_named n WHERE n.line_id = e.line_id) <= 1)) e
           JOIN w_pays p ON p.settlement_id = e.settlement_id
          WHERE e.payments = 1 AND (e.lines = 1 OR e.once AND e.place = 1)`,
        [level, sameDay],
      )
    }
  }
}

/** Several payments in one line: every invoice it names has one payment that only this line names, and they add up. */
export async function matchBaskets(tx: Transaction): Promise<void> {
  await take(
    tx,
    `INSERT INTO run_result (grp, rule, evidence, line_id, settlement_id, invoice_id)
     SELECT 'L:' || b.line_id, 'BASKET', jsonb_build_object('reference', e.ref), CASE WHEN p.settlement_id = b.first THEN b.line_id END,
            p.settlement_id, p.invoice_id
       FROM (
         SELECT e.line_id, min(e.settlement_id) AS first
           FROM run_edges e JOIN w_pays p ON p.settlement_id = e.settlement_id JOIN w_lines l ON l.line_id = e.line_id
          WHERE e.level > 1 AND p.disposition = 'APPLIED'
          GROUP BY e.line_id, l.amount_vnd
         HAVING count(*) > 1 AND sum(p.amount) = l.amount_vnd
            AND count(*) = (SELECT count(*) FROM w_named n WHERE n.line_id = e.line_id)
            AND count(DISTINCT p.invoice_id) = count(*)) b
       JOIN run_edges e ON e.line_id = b.line_id AND e.level > 1
       JOIN w_pays p ON p.settlement_id = e.settlement_id AND p.disposition = 'APPLIED'
      WHERE NOT EXISTS (SELECT 1 FROM run_edges o JOIN w_lines ol ON ol.line_id = o.line_id
                          JOIN run_edges mine ON mine.line_id = b.line_id AND mine.settlement_id = o.settlement_id
                         WHERE o.line_id <> b.line_id)`,
  )
}

/** One payment in several lines: each names it and nothing else, none is the whole of it, and they add up. */
export async function matchSplits(tx: Transaction): Promise<void> {
  await take(
    tx,
    `INSERT INTO run_result (grp, rule, evidence, line_id, settlement_id, invoice_id)
     SELECT 'S:' || s.settlement_id, 'SPLIT', jsonb_build_object('reference', e.ref, 'lines', s.lines), e.line_id,
            CASE WHEN e.line_id = s.first THEN s.settlement_id END, p.invoice_id
       FROM (
         SELECT e.settlement_id, min(e.line_id) AS first, count(*) AS lines
           FROM run_edges e JOIN w_lines l ON l.line_id = e.line_id JOIN w_pays p ON p.settlement_id = e.settlement_id AND p.disposition = 'APPLIED'
          GROUP BY e.settlement_id, p.amount
         HAVING count(*) > 1 AND sum(l.amount_vnd) = p.amount
            AND bool_and((SELECT count(*) FROM run_edges o WHERE o.line_id = e.line_id) = 1)
            AND bool_and((SELECT count(*) FROM w_named n WHERE n.line_id = e.line_id) <= 1)) s
       JOIN run_edges e ON e.settlement_id = s.settlement_id
       JOIN w_lines l ON l.line_id = e.line_id
       JOIN w_pays p ON p.settlement_id = s.settlement_id`,
  )
}

/** A second line for a transaction, or for an attempt, that is explained already: the bank credited it twice. */
export async function findDoubleCredits(tx: Transaction): Promise<void> {
  await take(
    tx,
    `INSERT INTO run_result (grp, class, evidence, line_id, invoice_id)
     SELECT DISTINCT ON (l.line_id) 'L:' || l.line_id,
            -- Money that was given up, written off for instance, has come after all.
            CASE WHEN EXISTS (SELECT 1 FROM reconciliation_items i WHERE i.settlement_id = s.id AND i.ended_on IS NULL AND i.break_id IS NOT NULL)
                  AND NOT EXISTS (SELECT 1 FROM run_result r WHERE r.settlement_id = s.id) THEN 'STATUS_MISMATCH' ELSE 'DUPLICATE_CREDIT' END,
            jsonb_build_object('reference', k.ref, 'settlementId', s.id), l.line_id, s.invoice_id
       FROM w_lines l
       JOIN w_texts k ON k.line_id = l.line_id AND k.level = 2
       JOIN run_accounts a ON a.bank = l.bank
       JOIN settlements s ON s.rail_account_id = a.rail_account_id AND s.rail_transaction_id = k.ref AND s.direction = 'IN' AND s.amount = l.amount_vnd
      WHERE l.direction = 'CREDIT' AND NOT l.reversal AND NOT EXISTS (SELECT 1 FROM w_pays p WHERE p.settlement_id = s.id)
      ORDER BY l.line_id, s.id`,
  )
  await take(
    tx,
    `INSERT INTO run_result (grp, class, evidence, line_id, invoice_id)
     SELECT DISTINCT ON (l.line_id) 'L:' || l.line_id, 'DUPLICATE_CREDIT', jsonb_build_object('reference', n.ref, 'settlementId', s.id), l.line_id, s.invoice_id
       FROM w_lines l
       JOIN w_named n ON n.line_id = l.line_id AND n.attempt_account IS NOT NULL
       JOIN settlements s ON s.invoice_id = n.invoice_id AND s.rail_account_id = n.attempt_account AND s.merchant_ref = n.ref
        AND s.direction = 'IN' AND s.amount = l.amount_vnd
      WHERE l.direction = 'CREDIT' AND NOT l.reversal AND NOT EXISTS (SELECT 1 FROM w_pays p WHERE p.settlement_id = s.id)
      ORDER BY l.line_id, s.id`,
  )
}

/** One line and one payment that name each other and nothing else, with different amounts. */
export async function findAmountMismatches(tx: Transaction): Promise<void> {
  await take(
    tx,
    `INSERT INTO run_result (grp, class, evidence, line_id, settlement_id, invoice_id)
     SELECT 'L:' || e.line_id, 'AMOUNT_MISMATCH', jsonb_build_object('reference', e.ref), e.line_id, e.settlement_id, e.invoice_id
       FROM (
         SELECT e.*, p.invoice_id, count(*) OVER (PARTITION BY e.line_id) AS payments, count(*) OVER (PARTITION BY e.settlement_id) AS lines
           FROM run_edges e JOIN w_lines l ON l.line_id = e.line_id JOIN w_pays p ON p.settlement_id = e.settlement_id
          WHERE (SELECT count(*) FROM w_named n WHERE n.line_id = e.line_id) <= 1) e
      WHERE e.payments = 1 AND e.lines = 1 AND NOT e.same_amount`,
  )
}

/** Named, but not told apart: several payments or several lines fit, or the line names several invoices. */
export async function findAmbiguous(tx: Transaction): Promise<void> {
  await take(
    tx,
    `INSERT INTO run_result (grp, class, evidence, line_id)
     SELECT 'L:' || l.line_id, 'AMBIGUOUS',
            jsonb_build_object('candidates', coalesce((SELECT jsonb_agg(c.settlement_id) FROM (
              SELECT e.settlement_id FROM run_edges e JOIN w_pays p ON p.settlement_id = e.settlement_id
               WHERE e.line_id = l.line_id ORDER BY e.settlement_id LIMIT 20) c), '[]'),
              'invoices', coalesce((SELECT jsonb_agg(c.invoice_id) FROM (
              SELECT n.invoice_id FROM w_named n WHERE n.line_id = l.line_id ORDER BY n.invoice_id LIMIT 20) c), '[]')),
            l.line_id
       FROM w_lines l
      WHERE l.direction = 'CREDIT'
        AND (EXISTS (SELECT 1 FROM run_edges e JOIN w_pays p ON p.settlement_id = e.settlement_id WHERE e.line_id = l.line_id)
             OR (SELECT count(*) FROM w_named n WHERE n.line_id = l.line_id) > 1)`,
  )
}

/** The line names an invoice or a transaction that belongs to another of our bank accounts. */
export async function findWrongAccounts(tx: Transaction): Promise<void> {
  await take(
    tx,
    `INSERT INTO run_result (grp, class, evidence, line_id, settlement_id, invoice_id)
     SELECT DISTINCT ON (l.line_id) 'L:' || l.line_id, 'WRONG_ACCOUNT', jsonb_build_object('reference', n.ref, 'account', n.invoice_bank), l.line_id,
            CASE WHEN p.payments = 1 AND p.lines = 1 THEN p.settlement_id END, n.invoice_id
       FROM w_lines l
       JOIN w_named n ON n.line_id = l.line_id AND n.invoice_bank <> l.bank
       LEFT JOIN LATERAL (
         SELECT min(p.settlement_id) AS settlement_id, count(*) AS payments,
                (SELECT count(*) FROM w_named o JOIN w_lines ol ON ol.line_id = o.line_id WHERE o.invoice_id = n.invoice_id) AS lines
           FROM w_pays p WHERE p.invoice_id = n.invoice_id AND p.direction = 'IN' AND p.amount = l.amount_vnd) p ON true
      WHERE l.direction = 'CREDIT'
      ORDER BY l.line_id, n.invoice_id`,
  )
  await take(
    tx,
    `INSERT INTO run_result (grp, class, evidence, line_id, settlement_id, invoice_id)
     SELECT 'L:' || c.line_id, 'WRONG_ACCOUNT', jsonb_build_object('reference', c.key, 'account', c.bank), c.line_id, c.settlement_id, c.invoice_id
       FROM (
         SELECT l.line_id, k.key, p.bank, p.settlement_id, p.invoice_id, count(*) OVER (PARTITION BY l.line_id) AS payments,
                count(*) OVER (PARTITION BY p.settlement_id) AS lines
           FROM w_lines l JOIN w_keys k ON k.line_id = l.line_id
           JOIN w_pays p ON p.rail_transaction_id = k.key AND p.bank <> l.bank AND p.direction = 'IN' AND p.amount = l.amount_vnd
          WHERE l.direction = 'CREDIT') c
      WHERE c.payments = 1 AND c.lines = 1`,
  )
}
