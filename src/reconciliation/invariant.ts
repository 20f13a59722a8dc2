/**
 * I12, executable: after a run every statement line, payment, settlement row and refund sent is in exactly one match or one break,
 * and the money of matches and breaks adds up to the statements. "At most one" is also held by unique indexes; this finds the rest.
 */
import type { TenantDatabase } from '../store/database.ts'

export type Violation = { readonly what: string; readonly id: string; readonly detail: string }

/** Each finds what breaks one part of I12 for tenant $1. Everything the runs so far have seen counts. */
const checks: Readonly<Record<string, string>> = {
  line: `
    SELECT l.id::text AS id, count(i.id) || ' places' AS detail
      FROM statement_files f JOIN statements s ON s.file_id = f.id JOIN statement_lines l ON l.statement_id = s.id
      LEFT JOIN reconciliation_items i ON i.line_id = l.id AND i.ended_on IS NULL
     WHERE f.tenant_id = $1 AND f.status = 'IMPORTED' AND f.run_id IS NOT NULL AND l.status = 'BOOK' AND l.withdrawn_at IS NULL
     GROUP BY l.id HAVING count(i.id) <> 1`,
  payment: `
    SELECT s.id, count(i.id) || ' places' AS detail
      FROM settlements s LEFT JOIN reconciliation_items i ON i.settlement_id = s.id AND i.ended_on IS NULL
     WHERE s.tenant_id = $1 AND s.settled_at < (SELECT max(started_at) FROM reconciliation_runs WHERE tenant_id = $1 AND status = 'DONE')
     GROUP BY s.id HAVING count(i.id) <> 1`,
  row: `
    SELECT r.id::text AS id, count(i.id) || ' places' AS detail
      FROM statement_files f JOIN settlement_rows r ON r.file_id = f.id
      LEFT JOIN reconciliation_items i ON i.row_id = r.id AND i.ended_on IS NULL
     WHERE f.tenant_id = $1 AND f.status IN ('IMPORTED', 'SUPERSEDED') AND f.run_id IS NOT NULL AND r.withdrawn_at IS NULL
     GROUP BY r.id HAVING count(i.id) <> 1`,
  refund: `
    SELECT f.id, count(i.id) || ' places' AS detail
      FROM refunds f LEFT JOIN reconciliation_items i ON i.refund_id = f.id AND i.ended_on IS NULL
     WHERE f.tenant_id = $1 AND f.status IN ('SENT', 'UNKNOWN', 'DONE')
       AND f.updated_at < (SELECT max(started_at) FROM reconciliation_runs WHERE tenant_id = $1 AND status = 'DONE')
     GROUP BY f.id HAVING count(i.id) <> 1`,
  'place of a withdrawn or unknown line': `
    SELECT i.line_id::text AS id, 'place ' || i.id AS detail
      FROM reconciliation_items i LEFT JOIN statement_lines l ON l.id = i.line_id AND l.tenant_id = i.tenant_id AND l.withdrawn_at IS NULL
     WHERE i.tenant_id = $1 AND i.ended_on IS NULL AND i.line_id IS NOT NULL AND l.id IS NULL
       AND NOT EXISTS (SELECT 1 FROM statement_files f WHERE f.tenant_id = $1 AND f.status = 'IMPORTED' AND f.run_id IS NULL)`,
  'place of an unknown payment': `
    SELECT i.settlement_id AS id, 'place ' || i.id AS detail
      FROM reconciliation_items i LEFT JOIN settlements s ON s.id = i.settlement_id AND s.tenant_id = i.tenant_id
     WHERE i.tenant_id = $1 AND i.ended_on IS NULL AND i.settlement_id IS NOT NULL AND s.id IS NULL`,
  break: `
    SELECT b.id::text AS id, b.items || ' items told, ' || count(i.id) || ' held' AS detail
      FROM breaks b LEFT JOIN reconciliation_items i ON i.break_id = b.id AND i.ended_on IS NULL
     WHERE b.tenant_id = $1 AND b.status IN ('OPEN', 'WAITING') GROUP BY b.id, b.items HAVING b.items <> count(i.id)`,
  // The sum of breaks plus matches equals the statement: what is placed against the bank's own balances.
  statement: `
    SELECT s.id::text AS id, 'matches and breaks give ' || coalesce(sum(CASE l.direction WHEN 'CREDIT' THEN l.amount ELSE -l.amount END), 0)
           || ', the balances ' || (s.closing - s.opening) AS detail
      FROM statement_files f JOIN statements s ON s.file_id = f.id
      LEFT JOIN (statement_lines l JOIN reconciliation_items i ON i.line_id = l.id AND i.ended_on IS NULL) ON l.statement_id = s.id
     WHERE f.tenant_id = $1 AND f.run_id IS NOT NULL AND s.status = 'CURRENT' AND s.opening IS NOT NULL AND s.closing IS NOT NULL AND s.known_lines = 0
     GROUP BY s.id, s.opening, s.closing
    HAVING coalesce(sum(CASE l.direction WHEN 'CREDIT' THEN l.amount ELSE -l.amount END), 0) <> s.closing - s.opening`,
}

const mostNamed = 100

/** Empty when I12 holds for what the runs so far have seen; else at most 100 violations of each part. All of one moment. */
export async function checkReconciled(
  source: Pick<TenantDatabase, 'transaction'>,
  tenantId: string,
): Promise<Violation[]> {
  return await source.transaction(
    async (tx) => {
      // Whole tables against whole tables: right after a large file nothing is known of their sizes, and a plan that looks each row up by
      // itself would take hours.
      await tx.query('SET LOCAL enable_nestloop = off', [])
      await tx.query(`SET LOCAL work_mem = '128MB'`, [])
      const found: Violation[] = []
      for (const [what, sql] of Object.entries(checks)) {
        const rows = await tx.query<{ id: string; detail: string }>(`${sql} ORDER BY 1 LIMIT ${mostNamed}`, [tenantId])
        found.push(...rows.map((row) => ({ what, ...row })))
      }
      return found
    },
    { isolation: 'REPEATABLE READ' },
  )
}
