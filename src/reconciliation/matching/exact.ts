/**
 * Rule 1 on the lines of new files, straight from the tables: the bulk of a day in one join. What it cannot decide alone (another
 * disposition, several candidates, a second line for one payment) is left to the rules that follow.
 */
import { ruleSet } from '../../domain/reconciliation/rules.ts'
import type { Transaction } from '../../store/database.ts'
import type { RunScope } from './working-set.ts'

/** Booked lines of files that no run has finished yet, as slim as the join needs them. */
export async function gatherNewLines(tx: Transaction, { tenantId }: RunScope): Promise<void> {
  await tx.query(
    `CREATE TEMP TABLE run_new_lines ON COMMIT DROP AS
     SELECT l.id AS line_id, l.beneficiary_account_id AS bank, l.booked_on, l.amount_vnd,
            CASE WHEN l.direction = 'CREDIT' AND NOT l.reversal THEN l.bank_reference END AS credit_reference
       FROM statement_files f JOIN statements s ON s.file_id = f.id JOIN statement_lines l ON l.statement_id = s.id
      WHERE f.tenant_id = $1 AND f.kind = 'STATEMENT' AND f.status = 'IMPORTED' AND f.run_id IS NULL AND l.status = 'BOOK' AND l.withdrawn_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM reconciliation_items i WHERE i.line_id = l.id AND i.ended_on IS NULL)`,
    [tenantId],
  )
  await tx.query('ANALYZE run_new_lines', [])
}

/**
 * A payment may be new or wait for its statement in a CUT_OFF break; any other place keeps it. A reference that stands in two lines,
 * or in two payments of one bank account, is not decided here.
 */
export async function matchExact(tx: Transaction, { tenantId, runId }: RunScope): Promise<void> {
  await tx.query(
    `CREATE TEMP TABLE run_exact ON COMMIT DROP AS
     SELECT line_id, settlement_id, rail_account_id, rail_transaction_id, booked_on, paid_on, open_from, item_id
       FROM (
         SELECT l.line_id, l.booked_on, s.id AS settlement_id, (s.paid_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS paid_on,
                s.rail_account_id, s.rail_transaction_id, a.open_from, count(*) OVER (PARTITION BY l.line_id) AS payments
           FROM run_new_lines l
           JOIN run_accounts a ON a.bank = l.bank
           JOIN settlements s ON s.rail_account_id = a.rail_account_id AND s.rail_transaction_id = l.credit_reference
          WHERE s.direction = 'IN' AND s.disposition = 'APPLIED' AND s.amount = l.amount_vnd
            -- A payment that needs its rail's file too is not explained by the bank alone.
            AND a.legs = 2) pair
       LEFT JOIN LATERAL (
         SELECT i.id AS item_id, b.class IS NOT DISTINCT FROM 'CUT_OFF' AND b.status = 'OPEN' AS waits
           FROM reconciliation_items i LEFT JOIN breaks b ON b.id = i.break_id
          WHERE i.settlement_id = pair.settlement_id AND i.ended_on IS NULL) place ON true
      WHERE payments = 1 AND coalesce(waits, true)
        AND rail_transaction_id NOT IN (SELECT credit_reference FROM run_new_lines WHERE credit_reference IS NOT NULL GROUP BY bank, credit_reference HAVING count(*) > 1)
      ORDER BY line_id`,
    [],
  )
  // Most lines are in it: what is gathered after it must not be planned as if they were not.
  await tx.query('ANALYZE run_exact', [])
  await tx.query(
    `UPDATE reconciliation_items i SET ended_on = greatest(e.booked_on, e.paid_on, e.open_from)
       FROM run_exact e WHERE e.item_id = i.id AND i.ended_on IS NULL`,
    [],
  )
  await tx.query(
    `INSERT INTO reconciliation_items (run_id, line_id, settlement_id, counted_on, line_day, payment_day, rule_set_version, tenant_id,
                                       rail_account_id, rule, evidence)
     SELECT $2, line_id, settlement_id, greatest(booked_on, paid_on, open_from), greatest(booked_on, open_from),
            CASE WHEN item_id IS NULL THEN greatest(paid_on, open_from) END,
            ${ruleSet.version}, $1, rail_account_id, 'RAIL_TRANSACTION', jsonb_build_object('railTransactionId', rail_transaction_id)
       FROM run_exact ORDER BY line_id`,
    [tenantId, runId],
  )
}
