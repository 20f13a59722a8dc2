/**
 * What the rules found, before it is written: one row per item or pair, `grp` for what belongs together. A row without class is part
 * of a match, one with a class is part of a break whose key is `grp`. Whatever stands here is out of the working set.
 */
import type { Transaction } from '../../store/database.ts'

export async function openResults(tx: Transaction): Promise<void> {
  await tx.query(
    `CREATE TEMP TABLE run_result (grp text, class text, rule text, evidence jsonb, line_id bigint, settlement_id text, row_id bigint,
       refund_id text, invoice_id text, joins_item bigint) ON COMMIT DROP`,
    [],
  )
}

/** Runs a rule (an `INSERT INTO run_result`) and takes what it found out of the working set. Each item is found once. */
export async function take(tx: Transaction, insert: string, values: readonly unknown[] = []): Promise<void> {
  const [found] = await tx.query<{ rows: bigint }>(
    `WITH found AS (${insert} RETURNING 1) SELECT count(*) AS rows FROM found`,
    values,
  )
  // Most rules find nothing on most days.
  if (found !== undefined && found.rows > 0n) await removeTaken(tx)
}

/** Whether a table of the working set holds anything that its rules could look at. */
export async function holdsAny(tx: Transaction, table: 'w_rows'): Promise<boolean> {
  const [row] = await tx.query<{ any: boolean }>(`SELECT EXISTS (SELECT 1 FROM ${table}) AS any`, [])
  return row?.any === true
}

async function removeTaken(tx: Transaction): Promise<void> {
  await tx.query(`DELETE FROM w_lines w WHERE EXISTS (SELECT 1 FROM run_result r WHERE r.line_id = w.line_id)`, [])
  await tx.query(
    `DELETE FROM w_pays w WHERE EXISTS (SELECT 1 FROM run_result r WHERE r.settlement_id = w.settlement_id)`,
    [],
  )
  await tx.query(
    `DELETE FROM w_cash w WHERE EXISTS (SELECT 1 FROM run_result r WHERE r.settlement_id = w.settlement_id)`,
    [],
  )
  await tx.query(`DELETE FROM w_rows w WHERE EXISTS (SELECT 1 FROM run_result r WHERE r.row_id = w.row_id)`, [])
  await tx.query(
    `DELETE FROM w_refunds w WHERE EXISTS (SELECT 1 FROM run_result r WHERE r.refund_id = w.refund_id)`,
    [],
  )
}

/**
 * Class of a payment that the bank agrees with, by what became of it at the settlement door: null when all is well, or when its
 * refund case is closed. Money that was not simply applied stays in front of an officer until then.
 */
export const classOfPair = `CASE
    WHEN p.disposition = 'APPLIED' THEN NULL
    WHEN EXISTS (SELECT 1 FROM refunds f WHERE f.settlement_id = p.settlement_id)
     AND NOT EXISTS (SELECT 1 FROM refunds f WHERE f.settlement_id = p.settlement_id AND f.status NOT IN ('DONE', 'REJECTED')) THEN NULL
    WHEN p.disposition = 'DUPLICATE' THEN 'DUPLICATE_PAYMENT'
    WHEN p.disposition = 'UNAPPLIED' THEN 'LATE'
    WHEN p.disposition IN ('UNDERPAID', 'OVERPAID') THEN 'AMOUNT_MISMATCH'
    WHEN p.disposition = 'ORPHAN' THEN 'MISSING_IN_GATEWAY'
    ELSE 'REVERSED' END`
