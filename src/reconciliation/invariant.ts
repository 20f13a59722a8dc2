/**
 * I12, executable: after a run every statement line, payment, settlement row and refund sent is in exactly one match or one break,
 * and the money of matches and breaks adds up to the statements. "At most one" is also held by unique indexes; this finds the rest.
 */
import type { Query } from '../store/database.ts'

export type Violation = { readonly what: string; readonly id: string; readonly detail: string }

/** Empty when I12 holds for what the runs so far have seen. At most 100 violations are named. */
export async function checkReconciled(query: Query, tenantId: string): Promise<Violation[]> {
  return await query<Violation>(
    `WITH horizon AS (
       SELECT coalesce(max(started_at), '-infinity') AS seen FROM reconciliation_runs WHERE tenant_id = $1 AND status = 'DONE'),
     lines AS (
       SELECT l.id, l.statement_id, l.direction, l.amount FROM statement_lines l
         JOIN statements s ON s.id = l.statement_id JOIN statement_files f ON f.id = s.file_id
        WHERE l.tenant_id = $1 AND l.status = 'BOOK' AND l.withdrawn_at IS NULL AND f.status = 'IMPORTED' AND f.run_id IS NOT NULL),
     places AS (
       SELECT i.line_id, i.settlement_id, i.row_id, i.refund_id, i.rule, i.break_id FROM reconciliation_items i
        WHERE i.tenant_id = $1 AND i.ended_on IS NULL)
     SELECT * FROM (
       SELECT 'line' AS what, l.id::text AS id, count(p.line_id) || ' places' AS detail
         FROM lines l LEFT JOIN places p ON p.line_id = l.id GROUP BY l.id HAVING count(p.line_id) <> 1
       UNION ALL
       SELECT 'payment', s.id, count(p.settlement_id) || ' places'
         FROM settlements s LEFT JOIN places p ON p.settlement_id = s.id, horizon
        WHERE s.tenant_id = $1 AND s.settled_at < horizon.seen GROUP BY s.id HAVING count(p.settlement_id) <> 1
       UNION ALL
       SELECT 'row', r.id::text, count(p.row_id) || ' places'
         FROM settlement_rows r JOIN statement_files f ON f.id = r.file_id LEFT JOIN places p ON p.row_id = r.id
        WHERE r.tenant_id = $1 AND r.withdrawn_at IS NULL AND f.status = 'IMPORTED' AND f.run_id IS NOT NULL GROUP BY r.id HAVING count(p.row_id) <> 1
       UNION ALL
       SELECT 'refund', f.id, count(p.refund_id) || ' places'
         FROM refunds f LEFT JOIN places p ON p.refund_id = f.id, horizon
        WHERE f.tenant_id = $1 AND f.status IN ('SENT', 'UNKNOWN', 'DONE') AND f.updated_at < horizon.seen GROUP BY f.id HAVING count(p.refund_id) <> 1
       UNION ALL
       SELECT 'place of nothing', coalesce(p.line_id::text, p.settlement_id, p.row_id::text, p.refund_id), 'its item is not on record'
         FROM places p
        WHERE (p.line_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM statement_lines l WHERE l.id = p.line_id AND l.tenant_id = $1))
           OR (p.settlement_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM settlements s WHERE s.id = p.settlement_id AND s.tenant_id = $1))
       UNION ALL
       SELECT 'break', b.id::text, 'holds other money than its items'
         FROM breaks b
        WHERE b.tenant_id = $1 AND b.status IN ('OPEN', 'WAITING')
          AND b.items <> (SELECT count(*) FROM places p WHERE p.break_id = b.id)
       UNION ALL
       -- The sum of breaks plus matches equals the statement: booked lines against the bank's own balances.
       SELECT 'statement', s.id::text, 'matches and breaks give ' || coalesce(sum(CASE l.direction WHEN 'CREDIT' THEN l.amount ELSE -l.amount END), 0)
              || ', the balances ' || (s.closing - s.opening)
         FROM statements s JOIN statement_files f ON f.id = s.file_id
         LEFT JOIN lines l ON l.statement_id = s.id AND EXISTS (SELECT 1 FROM places p WHERE p.line_id = l.id)
        WHERE s.tenant_id = $1 AND s.status = 'CURRENT' AND f.run_id IS NOT NULL AND s.opening IS NOT NULL AND s.closing IS NOT NULL AND s.known_lines = 0
        GROUP BY s.id, s.opening, s.closing
       HAVING coalesce(sum(CASE l.direction WHEN 'CREDIT' THEN l.amount ELSE -l.amount END), 0) <> s.closing - s.opening) violation
      ORDER BY what, id LIMIT 100`,
    [tenantId],
  )
}
