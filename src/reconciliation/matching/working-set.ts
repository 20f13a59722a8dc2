/**
 * What a run looks at, in temporary tables of its transaction: the accounts, the calendar, and every line, payment, settlement row
 * and refund that is not explained yet (new, or in an open break). Everything after it is set-based SQL over these.
 */
import { addDays, type BusinessCalendar } from '../../domain/business-days.ts'
import { ruleSet } from '../../domain/reconciliation/rules.ts'
import type { Transaction } from '../../store/database.ts'
import { rowsToJson } from '../../store/rows.ts'

export type RunScope = {
  readonly tenantId: string
  readonly runId: bigint
  /** Local day. */
  readonly asOf: string
  readonly now: Date
  readonly calendar: BusinessCalendar
  /** Rails on which the payer types the amount: unnamed credits are theirs first. */
  readonly transferRails: readonly string[]
}

/** Days around the run for which distances in business days are laid out. */
const daysBack = 800
const daysAhead = 40

/** A payment committed by a transaction that began before the last run and ended after it is not lost: runs overlap by this much. */
const overlapMinutes = 60

export async function layOutAccounts(tx: Transaction, scope: RunScope): Promise<void> {
  await tx.query(
    `CREATE TEMP TABLE run_accounts (bank text, rail_account_id text, home boolean, legs integer, deposit_days integer, open_from date) ON COMMIT DROP`,
    [],
  )
  await tx.query(
    `INSERT INTO run_accounts
     SELECT bank, id, row_number() OVER (PARTITION BY bank ORDER BY transfer DESC, position, id) = 1, coalesce(t.legs, 2), coalesce(t.deposit_days, ${ruleSet.cashDepositDays}), open_from
       FROM (
         SELECT r.id, r.position, r.rail = ANY($2) AS transfer,
                (SELECT min(o.id) FROM beneficiary_accounts o
                  WHERE o.tenant_id = b.tenant_id AND o.bank_bin = b.bank_bin AND o.account_number = b.account_number) AS bank,
                coalesce((SELECT max(d.business_date) + 1 FROM reconciliation_days d WHERE d.rail_account_id = r.id AND d.status = 'CLOSED'),
                         DATE '0001-01-01') AS open_from
           FROM rail_accounts r JOIN beneficiary_accounts b ON b.id = r.beneficiary_account_id
          WHERE r.tenant_id = $1) account
       LEFT JOIN LATERAL (SELECT t.legs, t.deposit_days FROM rail_terms t WHERE t.rail_account_id = account.id AND t.valid_from <= $3
                           ORDER BY t.valid_from DESC LIMIT 1) t ON true`,
    [scope.tenantId, scope.transferRails, scope.asOf],
  )
  await tx.query(
    `CREATE TEMP TABLE run_banks ON COMMIT DROP AS
     SELECT id, min(id) OVER (PARTITION BY bank_bin, account_number) AS bank FROM beneficiary_accounts WHERE tenant_id = $1`,
    [scope.tenantId],
  )
  await tx.query('ANALYZE run_banks', [])
  await tx.query(`CREATE TEMP TABLE run_days (day date PRIMARY KEY, position integer) ON COMMIT DROP`, [])
  const days = Array.from({ length: daysBack + daysAhead + 1 }, (_, index) => addDays(scope.asOf, index - daysBack))
  await tx.query(`INSERT INTO run_days SELECT * FROM json_to_recordset($1::json) AS d(day date, position integer)`, [
    rowsToJson(days.map((day) => ({ day, position: scope.calendar.position(day) }))),
  ])
  await tx.query(`ANALYZE run_accounts`, [])
  await tx.query(`ANALYZE run_days`, [])
}

/** Lines that a corrected file took back explain nothing any more: their matches end, and what they held is looked at again. */
export async function freeWithdrawn(tx: Transaction, { asOf, tenantId }: RunScope): Promise<void> {
  await tx.query(
    `CREATE TEMP TABLE run_freed (line_id bigint, settlement_id text, row_id bigint, refund_id text) ON COMMIT DROP`,
    [],
  )
  await tx.query(
    `WITH gone AS (
       SELECT i.id, i.group_id FROM statement_lines l JOIN reconciliation_items i ON i.line_id = l.id AND i.ended_on IS NULL
        WHERE l.tenant_id = $1 AND l.withdrawn_at IS NOT NULL
       UNION
       SELECT i.id, i.group_id FROM settlement_rows r JOIN reconciliation_items i ON i.row_id = r.id AND i.ended_on IS NULL
        WHERE r.tenant_id = $1 AND r.withdrawn_at IS NOT NULL),
     ended AS (
       UPDATE reconciliation_items i SET ended_on = greatest(a.open_from, $2::date)
         FROM run_accounts a
        WHERE a.rail_account_id = i.rail_account_id AND i.ended_on IS NULL
          AND (i.id IN (SELECT id FROM gone) OR i.group_id IN (SELECT group_id FROM gone WHERE group_id IS NOT NULL))
       RETURNING i.line_id, i.settlement_id, i.row_id, i.refund_id)
     INSERT INTO run_freed SELECT * FROM ended`,
    [tenantId, asOf],
  )
}

/** What is left after the exact rule. `held` items stand in a break that officers resolved: only a match takes them out. */
export async function gatherTheRest(tx: Transaction, { tenantId, runId }: RunScope): Promise<void> {
  await tx.query(
    `CREATE TEMP TABLE run_open ON COMMIT DROP AS
     SELECT i.id AS item_id, i.break_id, i.line_id, i.settlement_id, i.row_id, i.refund_id, b.status = 'RESOLVED' AS held
       FROM breaks b JOIN reconciliation_items i ON i.break_id = b.id AND i.ended_on IS NULL
      WHERE b.tenant_id = $1
        AND (b.status IN ('OPEN', 'WAITING')
             OR b.status = 'RESOLVED' AND EXISTS (SELECT 1 FROM break_resolutions r WHERE r.break_id = b.id AND r.status = 'APPROVED' AND r.action = 'BANK_ERROR'))`,
    [tenantId],
  )
  const line = `l.id AS line_id, l.beneficiary_account_id AS bank, l.direction, l.reversal, l.amount, l.amount_vnd, l.booked_on,
      coalesce(l.value_on, l.booked_on) AS value_on, l.bank_reference, l.refs, l.ref_codes, l.text_codes, l.words, l.counterparty_account, l.remittance`
  await tx.query(
    `CREATE TEMP TABLE w_lines ON COMMIT DROP AS
     SELECT ${line}, NULL::bigint AS item_id, NULL::bigint AS break_id, false AS held
       FROM (SELECT line_id FROM run_new_lines n WHERE NOT EXISTS (SELECT 1 FROM run_exact e WHERE e.line_id = n.line_id)
                AND NOT EXISTS (SELECT 1 FROM run_freed f WHERE f.line_id = n.line_id)) n
       JOIN statement_lines l ON l.id = n.line_id
     UNION ALL
     SELECT ${line}, o.item_id, o.break_id, coalesce(o.held, false)
       FROM (SELECT line_id, item_id, break_id, held FROM run_open WHERE line_id IS NOT NULL
             UNION ALL SELECT line_id, NULL, NULL, NULL FROM run_freed WHERE line_id IS NOT NULL) o
       JOIN statement_lines l ON l.id = o.line_id AND l.withdrawn_at IS NULL`,
    [],
  )
  const payment = `s.id AS settlement_id, a.bank, s.rail_account_id, s.direction, s.amount, s.rail_transaction_id, s.merchant_ref, v.pay_code, s.invoice_id,
      s.disposition, s.source, (s.paid_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS paid_on`
  const joined = `JOIN run_accounts a ON a.rail_account_id = s.rail_account_id LEFT JOIN invoices v ON v.id = s.invoice_id`
  // By number first: few of a day's payments are left here, and only those are worth their invoice.
  await tx.query(
    `CREATE TEMP TABLE run_fresh ON COMMIT DROP AS
     SELECT s.id FROM settlements s
      WHERE s.tenant_id = $1
        AND s.settled_at >= coalesce((SELECT max(r.started_at) - interval '${overlapMinutes} minutes' FROM reconciliation_runs r
                                       WHERE r.tenant_id = $1 AND r.status = 'DONE' AND r.id < $2), '-infinity')
        AND NOT EXISTS (SELECT 1 FROM reconciliation_items i WHERE i.settlement_id = s.id AND i.ended_on IS NULL)
        AND NOT EXISTS (SELECT 1 FROM run_freed f WHERE f.settlement_id = s.id)`,
    [tenantId, runId],
  )
  await tx.query('ANALYZE run_fresh', [])
  await tx.query(
    `CREATE TEMP TABLE w_pays ON COMMIT DROP AS
     SELECT ${payment}, NULL::bigint AS item_id, NULL::bigint AS break_id, false AS held
       FROM run_fresh n JOIN settlements s ON s.id = n.id ${joined}
     UNION ALL
     SELECT ${payment}, o.item_id, o.break_id, coalesce(o.held, false)
       FROM (SELECT settlement_id, item_id, break_id, held FROM run_open WHERE settlement_id IS NOT NULL
             UNION ALL SELECT settlement_id, NULL, NULL, NULL FROM run_freed WHERE settlement_id IS NOT NULL) o
       JOIN settlements s ON s.id = o.settlement_id ${joined}`,
    [],
  )
  const row = `r.id AS row_id, a.bank, r.rail_account_id, r.rail_transaction_id, r.merchant_ref, r.gross, r.fee, r.net, r.status, r.batch_id, r.value_on,
      (r.occurred_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS occurred_on`
  await tx.query(
    `CREATE TEMP TABLE w_rows ON COMMIT DROP AS
     SELECT ${row}, NULL::bigint AS item_id, NULL::bigint AS break_id, false AS held
       FROM statement_files f JOIN settlement_rows r ON r.file_id = f.id JOIN run_accounts a ON a.rail_account_id = r.rail_account_id
      WHERE f.tenant_id = $1 AND f.kind = 'SETTLEMENT' AND f.status = 'IMPORTED' AND f.run_id IS NULL AND r.withdrawn_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM reconciliation_items i WHERE i.row_id = r.id AND i.ended_on IS NULL)
     UNION ALL
     SELECT ${row}, o.item_id, o.break_id, coalesce(o.held, false)
       FROM (SELECT row_id, item_id, break_id, held FROM run_open WHERE row_id IS NOT NULL
             UNION ALL SELECT row_id, NULL, NULL, NULL FROM run_freed WHERE row_id IS NOT NULL) o
       JOIN settlement_rows r ON r.id = o.row_id AND r.withdrawn_at IS NULL JOIN run_accounts a ON a.rail_account_id = r.rail_account_id`,
    [tenantId],
  )
  // A refund that the rail said has failed is expected by nobody; only a debit that names it says otherwise.
  await tx.query(
    `CREATE TEMP TABLE w_refunds ON COMMIT DROP AS
     SELECT f.id AS refund_id, a.bank, s.rail_account_id, f.amount, f.invoice_id, s.merchant_ref, s.rail_transaction_id, v.pay_code,
            f.rail_refund_id, f.rail_reference,
            (coalesce(f.sent_at, f.updated_at) AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS sent_on,
            i.id AS item_id, i.break_id, false AS held, f.status = 'FAILED' AS failed
       FROM refunds f JOIN settlements s ON s.id = f.settlement_id JOIN run_accounts a ON a.rail_account_id = s.rail_account_id
       LEFT JOIN invoices v ON v.id = f.invoice_id
       LEFT JOIN reconciliation_items i ON i.refund_id = f.id AND i.ended_on IS NULL
       LEFT JOIN breaks b ON b.id = i.break_id
      WHERE f.tenant_id = $1 AND (f.status IN ('SENT', 'UNKNOWN', 'DONE') OR f.status = 'FAILED' AND f.sent_at IS NOT NULL)
        AND (i.id IS NULL OR b.status IN ('OPEN', 'WAITING'))`,
    [tenantId],
  )
  for (const column of ['line_id', 'settlement_id', 'row_id', 'refund_id']) {
    await tx.query(`CREATE INDEX ON run_open (${column}) WHERE ${column} IS NOT NULL`, [])
    await tx.query(`CREATE INDEX ON run_freed (${column}) WHERE ${column} IS NOT NULL`, [])
  }
  await tx.query('CREATE INDEX ON w_lines (line_id)', [])
  await tx.query('CREATE INDEX ON w_pays (settlement_id)', [])
  await tx.query('CREATE INDEX ON w_pays (invoice_id)', [])
  for (const table of ['run_open', 'w_lines', 'w_pays', 'w_rows', 'w_refunds']) await tx.query(`ANALYZE ${table}`, [])
}
