/** Items that two officers put together: a match like any other, and the end of the break. */
import { sequenceId } from '../../domain/ids.ts'
import { ruleSet } from '../../domain/reconciliation/rules.ts'
import type { Environment } from '../../environment.ts'
import { Problem } from '../../problem/problem.ts'
import type { Transaction } from '../../store/database.ts'
import { tellBreak } from './history.ts'
import { type Actor, type BreakRow, closeBreak, dayOfDecision, type ResolutionDetails } from './open-break.ts'

/** The items of the break, and chosen ones of other open breaks or all of theirs, become one match by officers. */
export async function pair(
  tx: Transaction,
  environment: Environment,
  actor: Actor,
  found: BreakRow,
  details: ResolutionDetails,
): Promise<Readonly<Record<string, string>>> {
  const others = (details.breakIds ?? []).map((id) => BigInt(id)).filter((id) => id !== found.id)
  const open = await tx.query(
    `SELECT id FROM breaks WHERE id = ANY($1::bigint[]) AND tenant_id = $2 AND status IN ('OPEN', 'WAITING') ORDER BY id FOR UPDATE`,
    [others, actor.tenantId],
  )
  if (open.length !== new Set(others).size)
    throw new Problem('RESOLUTION_NOT_ALLOWED', {
      en: 'a chosen break is not open',
      vi: 'Chênh lệch đã chọn không còn mở.',
    })
  const held = await tx.query<{ line_id: bigint | null; settlement_id: string | null }>(
    `SELECT line_id, settlement_id FROM reconciliation_items WHERE break_id = ANY($1::bigint[]) AND ended_on IS NULL`,
    [[found.id, ...others]],
  )
  const lines = [...held.flatMap(({ line_id }) => line_id ?? []), ...(details.lineIds ?? []).map((id) => BigInt(id))]
  const payments = [...held.flatMap(({ settlement_id }) => settlement_id ?? []), ...(details.settlementIds ?? [])]
  await matchByOfficer(tx, environment, actor, found, [...new Set(lines)], [...new Set(payments)])
  return { lines: String(lines.length), payments: String(payments.length) }
}

export async function matchByOfficer(
  tx: Transaction,
  environment: Environment,
  actor: Actor,
  found: BreakRow,
  lineIds: readonly bigint[],
  settlementIds: readonly string[],
): Promise<void> {
  const day = dayOfDecision(environment, found)
  const chosen = await tx.query<{ id: bigint; break_id: bigint | null; kind: string }>(
    `SELECT i.id, i.break_id, CASE WHEN i.rule IS NULL THEN 'break' ELSE 'match' END AS kind
       FROM reconciliation_items i
      WHERE i.tenant_id = $1 AND i.ended_on IS NULL
        AND (i.break_id = $4 OR i.line_id = ANY($2::bigint[]) OR i.settlement_id = ANY($3::text[])) ORDER BY i.id FOR UPDATE`,
    [actor.tenantId, lineIds, settlementIds, found.id],
  )
  if (chosen.some(({ kind }) => kind === 'match'))
    throw new Problem('RESOLUTION_NOT_ALLOWED', {
      en: 'a chosen item is matched already',
      vi: 'Khoản đã chọn đã được ghép.',
    })
  const known = await tx.query<{ id: string }>(
    `SELECT id::text AS id FROM statement_lines WHERE id = ANY($2::bigint[]) AND tenant_id = $1 AND withdrawn_at IS NULL
     UNION ALL SELECT id FROM settlements WHERE id = ANY($3::text[]) AND tenant_id = $1`,
    [actor.tenantId, lineIds, settlementIds],
  )
  if (known.length !== new Set(lineIds).size + new Set(settlementIds).size)
    throw new Problem('RESOLUTION_NOT_ALLOWED', {
      en: 'a chosen item is not on record',
      vi: 'Khoản đã chọn không tồn tại.',
    })
  await tx.query(`UPDATE reconciliation_items SET ended_on = $2 WHERE id = ANY($1::bigint[])`, [
    chosen.map(({ id }) => id),
    day,
  ])
  await tx.query(
    `INSERT INTO reconciliation_items (run_id, group_id, line_id, settlement_id, row_id, refund_id, counted_on, line_day, payment_day,
                                       rule_set_version, tenant_id, rail_account_id, rule, evidence)
     SELECT 0, g.id, p.line_id, p.settlement_id, p.row_id, p.refund_id, $4::date, NULL,
            CASE WHEN p.settlement_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM reconciliation_items o WHERE o.settlement_id = p.settlement_id AND o.id = ANY($6::bigint[]))
                 THEN greatest((s.paid_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date, $7::date) END,
            ${ruleSet.version}, $1, coalesce(s.rail_account_id, $8), 'OFFICER', jsonb_build_object('break', $5::text, 'approvedBy', $9::text)
       FROM (SELECT unnest($2::bigint[]) AS line_id, NULL::text AS settlement_id, NULL::bigint AS row_id, NULL::text AS refund_id
             UNION ALL SELECT NULL, unnest($3::text[]), NULL, NULL
             UNION ALL SELECT NULL, NULL, i.row_id, i.refund_id FROM reconciliation_items i WHERE i.id = ANY($6::bigint[]) AND num_nonnulls(i.row_id, i.refund_id) > 0) p
       LEFT JOIN settlements s ON s.id = p.settlement_id
      CROSS JOIN (SELECT nextval(pg_get_serial_sequence('reconciliation_items', 'id')) AS id) g`,
    [
      actor.tenantId,
      lineIds,
      settlementIds,
      day,
      found.id,
      chosen.map(({ id }) => id),
      found.open_from,
      found.rail_account_id,
      actor.subject,
    ],
  )
  await closeBreak(tx, environment, found, 'RESOLVED')
  await shrinkOthers(
    tx,
    environment,
    actor,
    chosen.flatMap(({ break_id }) => break_id ?? []),
    found.id,
    day,
  )
}

/** Breaks that gave an item away: smaller now, or cleared. */
async function shrinkOthers(
  tx: Transaction,
  environment: Environment,
  actor: Actor,
  breakIds: readonly bigint[],
  own: bigint,
  day: string,
): Promise<void> {
  const others = [...new Set(breakIds)].filter((id) => id !== own)
  if (others.length === 0) return
  await tx.query(
    `UPDATE breaks b SET items = c.items, payment_amount = c.payments, amount = greatest(abs(c.payments), abs(trunc(c.lines))), statement_amount = c.lines, updated_at = $2,
            status = CASE WHEN c.items = 0 THEN 'CLEARED' ELSE b.status END, wait_until = CASE WHEN c.items = 0 THEN NULL ELSE b.wait_until END,
            closed_on = CASE WHEN c.items = 0 THEN greatest($3::date, b.opened_on) END
       FROM (SELECT o.id, count(i.id) AS items, coalesce(sum(CASE s.direction WHEN 'IN' THEN s.amount ELSE -s.amount END), 0) AS payments,
                    coalesce(sum(CASE l.direction WHEN 'CREDIT' THEN l.amount ELSE -l.amount END), 0) AS lines
               FROM breaks o LEFT JOIN reconciliation_items i ON i.break_id = o.id AND i.ended_on IS NULL
               LEFT JOIN settlements s ON s.id = i.settlement_id LEFT JOIN statement_lines l ON l.id = i.line_id
              WHERE o.id = ANY($1::bigint[]) GROUP BY o.id) c
      WHERE b.id = c.id AND b.status IN ('OPEN', 'WAITING')`,
    [others, environment.now(), day],
  )
  for (const id of others)
    await tellBreak(tx, environment, actor, id, 'CLEARED', null, { matchedWith: sequenceId('brk', own) })
}
