/**
 * Cash (docs/decisions/039): no bank line tells of one collection. What is taken in a shift is handed over as one sum per rail account
 * and paid in under the code of that handover: in one deposit, in several, or together with other shifts.
 */
import type { Transaction } from '../../store/database.ts'
import { take } from './results.ts'
import type { RunScope } from './working-set.ts'

/** Out of the payments that other rules look at: a transfer that names the invoice of a cash payment is a second payment. */
export async function setCashApart(tx: Transaction, { tenantId }: RunScope): Promise<void> {
  await tx.query(
    `CREATE TEMP TABLE w_cash ON COMMIT DROP AS
     SELECT p.settlement_id, p.bank, p.rail_account_id, p.direction, p.amount, p.paid_on, p.held, c.collection_id, s.id AS shift_id, s.status AS shift,
            s.operator, s.unit_code, h.id AS handover_id, h.code, h.amount AS handed_over, (h.handed_over_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS handed_over_on
       FROM (
         SELECT p.settlement_id, c.id AS collection_id, c.shift_id FROM w_pays p JOIN counter_collections c ON c.settlement_id = p.settlement_id
         UNION ALL
         SELECT p.settlement_id, k.collection_id, k.shift_id FROM w_pays p JOIN counter_corrections k ON k.settlement_id = p.settlement_id) c
       JOIN w_pays p ON p.settlement_id = c.settlement_id
       JOIN counter_shifts s ON s.id = c.shift_id AND s.tenant_id = $1
       LEFT JOIN cash_handovers h ON h.shift_id = c.shift_id AND h.rail_account_id = p.rail_account_id`,
    [tenantId],
  )
  await tx.query('DELETE FROM w_pays p USING w_cash c WHERE c.settlement_id = p.settlement_id', [])
  await tx.query('CREATE INDEX ON w_cash (settlement_id)', [])
  await tx.query('ANALYZE w_cash', [])
}

export async function matchCash(tx: Transaction, scope: RunScope): Promise<void> {
  await matchTakenBack(tx)
  await nameHandovers(tx, scope)
  await matchDeposits(tx)
  await matchJointDeposits(tx)
  await findPartDeposits(tx, scope)
  await findStrayDeposits(tx, scope)
}

async function matchTakenBack(tx: Transaction): Promise<void> {
  await take(
    tx,
    `INSERT INTO run_result (grp, rule, evidence, settlement_id)
     SELECT 'K:' || c.collection_id, 'CASH_TAKEN_BACK', jsonb_build_object('shiftId', c.shift_id, 'collectionId', c.collection_id), c.settlement_id
       FROM (SELECT w.*, sum(CASE direction WHEN 'IN' THEN amount ELSE -amount END) OVER (PARTITION BY collection_id) AS left_over,
                    count(*) OVER (PARTITION BY collection_id) AS sides FROM w_cash w) c
      WHERE c.sides = 2 AND c.left_over = 0`,
  )
}

/** Which handovers a credit names. One that names an invoice as well is nobody's deposit. */
async function nameHandovers(tx: Transaction, { tenantId }: RunScope): Promise<void> {
  await tx.query(
    `CREATE TEMP TABLE w_handed ON COMMIT DROP AS
     SELECT DISTINCT l.line_id, l.amount_vnd, h.id AS handover_id, h.code, a.bank = l.bank AS same_bank, count(*) OVER (PARTITION BY l.line_id) AS names
       FROM (SELECT DISTINCT line_id, ref FROM w_texts) t
       JOIN cash_handovers h ON h.code = t.ref AND h.tenant_id = $1
       JOIN run_accounts a ON a.rail_account_id = h.rail_account_id
       JOIN w_lines l ON l.line_id = t.line_id AND l.direction = 'CREDIT' AND NOT l.reversal AND l.amount_vnd IS NOT NULL
      WHERE NOT EXISTS (SELECT 1 FROM w_named n WHERE n.line_id = t.line_id)`,
    [tenantId],
  )
  await tx.query('ANALYZE w_handed', [])
  // What is still to be explained of each, against the lines that name it and nothing else.
  await tx.query(
    `CREATE TEMP TABLE run_handovers ON COMMIT DROP AS
     SELECT c.handover_id, c.owed, coalesce(n.lines, 0) AS lines, coalesce(n.paid_in, 0) AS paid_in, coalesce(n.joint, false) AS joint
       FROM (SELECT handover_id, sum(CASE direction WHEN 'IN' THEN amount ELSE -amount END) AS owed FROM w_cash WHERE handover_id IS NOT NULL GROUP BY 1) c
       LEFT JOIN (SELECT handover_id, count(*) AS lines, sum(amount_vnd) AS paid_in, bool_or(names > 1) AS joint FROM w_handed WHERE same_bank GROUP BY 1) n
         ON n.handover_id = c.handover_id`,
    [],
  )
}

/** Handovers that only lines of their own name: matched when those add up. */
async function matchDeposits(tx: Transaction): Promise<void> {
  await take(
    tx,
    depositRows(
      `SELECT 'D:' || r.handover_id AS grp, r.handover_id FROM run_handovers r WHERE r.lines > 0 AND NOT r.joint AND r.paid_in = r.owed`,
      'SELECT handover_id, line_id FROM w_handed WHERE same_bank',
    ),
  )
}

/** One deposit for several shifts: it names them all, nothing else names any of them, and they add up to it. */
async function matchJointDeposits(tx: Transaction): Promise<void> {
  await take(
    tx,
    depositRows(
      `SELECT 'L:' || n.line_id AS grp, n.handover_id
         FROM (SELECT n.line_id, n.handover_id, n.amount_vnd, r.lines, sum(r.owed) OVER (PARTITION BY n.line_id) AS owed,
                      max(r.lines) OVER (PARTITION BY n.line_id) AS most_lines, count(*) OVER (PARTITION BY n.line_id) AS known, n.names
                 FROM w_handed n JOIN run_handovers r ON r.handover_id = n.handover_id WHERE n.same_bank AND n.names > 1) n
        WHERE n.owed = n.amount_vnd AND n.most_lines = 1 AND n.known = n.names`,
      // The line stands once, beside the first of them.
      'SELECT min(handover_id) AS handover_id, line_id FROM w_handed WHERE names > 1 GROUP BY line_id',
    ),
  )
}

/** Less than was taken: the rest is on hand until it is overdue. More, or overdue: two amounts under one code. */
async function findPartDeposits(tx: Transaction, scope: RunScope): Promise<void> {
  await take(
    tx,
    depositRows(
      `SELECT 'H:' || c.shift_id || ':' || c.rail_account_id AS grp, r.handover_id, r.owed, r.paid_in, a.deposit_days, d.position AS handed_over_position
         FROM run_handovers r
         JOIN LATERAL (SELECT shift_id, rail_account_id, handed_over_on FROM w_cash c WHERE c.handover_id = r.handover_id LIMIT 1) c ON true
         JOIN run_accounts a ON a.rail_account_id = c.rail_account_id
         LEFT JOIN run_days d ON d.day = c.handed_over_on
        WHERE r.lines > 0 AND NOT r.joint`,
      'SELECT handover_id, line_id FROM w_handed WHERE same_bank',
      `CASE WHEN h.paid_in < h.owed AND h.handed_over_position + h.deposit_days > $1 THEN 'CASH_ON_HAND' ELSE 'AMOUNT_MISMATCH' END`,
    ),
    [scope.calendar.position(scope.asOf)],
  )
}

/** Lines that name a handover and found no place: of another account, of several that do not add up, or of cash explained before. */
async function findStrayDeposits(tx: Transaction, { tenantId }: RunScope): Promise<void> {
  await take(
    tx,
    `INSERT INTO run_result (grp, class, evidence, line_id)
     SELECT DISTINCT ON (n.line_id) 'L:' || n.line_id,
            CASE WHEN NOT n.same_bank THEN 'WRONG_ACCOUNT'
                 WHEN n.names > 1 THEN 'AMBIGUOUS'
                 WHEN place.rule IS NOT NULL THEN 'DUPLICATE_CREDIT'
                 -- Written off, for instance, and paid in after all.
                 ELSE 'STATUS_MISMATCH' END,
            jsonb_build_object('code', n.code, 'handovers', (SELECT jsonb_agg(o.handover_id ORDER BY o.handover_id) FROM w_handed o WHERE o.line_id = n.line_id)), n.line_id
       FROM w_handed n JOIN w_lines l ON l.line_id = n.line_id
       JOIN cash_handovers h ON h.id = n.handover_id
       LEFT JOIN LATERAL (
         SELECT i.rule FROM counter_collections c JOIN reconciliation_items i ON i.settlement_id = c.settlement_id AND i.ended_on IS NULL
          WHERE c.tenant_id = $1 AND c.shift_id = h.shift_id AND c.rail_account_id = h.rail_account_id
          ORDER BY i.rule = 'CASH_TAKEN_BACK', c.slip_no LIMIT 1) place ON true
      ORDER BY n.line_id, n.handover_id`,
    [tenantId],
  )
}

/** What no deposit explains: one break per shift and rail account, on hand until it is overdue. */
export async function classifyCash(tx: Transaction, { asOf, calendar }: RunScope): Promise<void> {
  await take(
    tx,
    `INSERT INTO run_result (grp, class, evidence, settlement_id)
     SELECT CASE WHEN c.direction = 'OUT' THEN 'P:' || c.settlement_id ELSE 'H:' || c.shift_id || ':' || c.rail_account_id END,
            CASE WHEN c.direction = 'OUT' THEN 'REVERSED'
                 -- A drawer that nobody closes is overdue by the calendar, a handover only as far as the bank has told.
                 WHEN coalesce(d.position, 0) + a.deposit_days <= CASE WHEN c.handover_id IS NULL THEN $1 ELSE v.position END THEN 'CASH_NOT_DEPOSITED'
                 ELSE 'CASH_ON_HAND' END,
            ${evidence}, c.settlement_id
       FROM (SELECT w.*, coalesce(handed_over_on, min(paid_on) OVER (PARTITION BY shift_id, rail_account_id)) AS since FROM w_cash w) c
       JOIN run_accounts a ON a.rail_account_id = c.rail_account_id
       JOIN run_coverage v ON v.bank = c.bank
       LEFT JOIN run_days d ON d.day = c.since
      WHERE NOT c.held`,
    [calendar.position(asOf)],
  )
}

const evidence = `jsonb_strip_nulls(jsonb_build_object('shiftId', c.shift_id, 'shift', c.shift, 'operator', c.operator, 'unit', c.unit_code, 'code', c.code,
              'handedOver', c.handed_over, 'handedOverOn', c.handed_over_on))`

/**
 * The payments of handovers beside the lines of their deposits, as many rows as the longer of the two: a match, or a break of a class.
 * @param handovers SELECT of `grp, handover_id` and whatever `classOf` reads, seen as `h`
 * @param lines SELECT of `handover_id, line_id`
 */
export function depositRows(handovers: string, lines: string, classOf: string | null = null): string {
  return `INSERT INTO run_result (grp, class, rule, evidence, line_id, settlement_id)
     WITH h AS (${handovers}),
     payments AS (
       SELECT h.handover_id, c.settlement_id, row_number() OVER (PARTITION BY h.handover_id ORDER BY c.settlement_id) AS place
         FROM h JOIN w_cash c ON c.handover_id = h.handover_id),
     booked AS (
       SELECT h.handover_id, n.line_id, row_number() OVER (PARTITION BY h.handover_id ORDER BY n.line_id) AS place
         FROM h JOIN (${lines}) n ON n.handover_id = h.handover_id)
     SELECT h.grp, ${classOf ?? 'NULL'}, ${classOf === null ? "'CASH_DEPOSIT'" : 'NULL'}, ${evidence}, o.line_id, o.settlement_id
       FROM (SELECT handover_id, line_id, settlement_id FROM payments FULL JOIN booked USING (handover_id, place)) o
       JOIN h ON h.handover_id = o.handover_id
       JOIN LATERAL (SELECT * FROM w_cash c WHERE c.handover_id = o.handover_id LIMIT 1) c ON true`
}
