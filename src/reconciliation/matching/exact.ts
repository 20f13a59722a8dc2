/**
 * Rule 1 on what is new, straight from the tables: the bulk of a day in one join. What it cannot decide alone (another disposition,
 * several candidates, a second line for one payment) is left to the rules that follow.
 */
import { ruleSet } from '../../domain/reconciliation/rules.ts'
import type { Transaction } from '../../store/database.ts'
import type { RunScope } from './working-set.ts'

/** Lines come in the order of the statement: of two with one transaction id the first is the payment, the second a double credit. */
export async function matchExact(tx: Transaction, { tenantId, runId }: RunScope): Promise<void> {
  await tx.query(
    `INSERT INTO reconciliation_items (run_id, line_id, settlement_id, counted_on, line_day, payment_day, rule_set_version, tenant_id,
                                       rail_account_id, rule, evidence)
     SELECT $2, line_id, settlement_id, greatest(booked_on, paid_on, open_from), greatest(booked_on, open_from), greatest(paid_on, open_from),
            ${ruleSet.version}, $1, rail_account_id, 'RAIL_TRANSACTION', jsonb_build_object('railTransactionId', rail_transaction_id)
       FROM (
         SELECT l.id AS line_id, l.booked_on, s.id AS settlement_id, (s.paid_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS paid_on,
                s.rail_account_id, s.rail_transaction_id, a.open_from, count(*) OVER (PARTITION BY l.id) AS candidates
           FROM statement_files f
           JOIN statements t ON t.file_id = f.id
           JOIN statement_lines l ON l.statement_id = t.id
           JOIN run_accounts a ON a.bank = l.beneficiary_account_id
           JOIN settlements s ON s.rail_account_id = a.rail_account_id AND s.rail_transaction_id = l.bank_reference
          WHERE f.tenant_id = $1 AND f.kind = 'STATEMENT' AND f.status = 'IMPORTED' AND f.run_id IS NULL
            AND l.status = 'BOOK' AND l.withdrawn_at IS NULL AND l.direction = 'CREDIT' AND NOT l.reversal
            AND s.direction = 'IN' AND s.disposition = 'APPLIED' AND s.amount = l.amount_vnd
            -- A payment that needs its rail's file too is not explained by the bank alone.
            AND a.legs = 2) pair
      WHERE candidates = 1
      ORDER BY line_id
     ON CONFLICT DO NOTHING`,
    [tenantId, runId],
  )
}
