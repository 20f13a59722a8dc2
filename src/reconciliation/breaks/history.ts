/** What people do with a break and what becomes of it: comments, owners, the history nobody can rewrite. */
import type { Environment } from '../../environment.ts'
import { Problem } from '../../problem/problem.ts'
import type { Transaction } from '../../store/database.ts'

type Person = { readonly tenantId: string; readonly subject: string }

export async function tellBreak(
  tx: Transaction,
  environment: Environment,
  actor: Person,
  breakId: bigint,
  kind: string,
  text: string | null,
  facts: Readonly<Record<string, string>> = {},
): Promise<void> {
  await tx.query(
    `INSERT INTO break_history (tenant_id, break_id, at, actor, kind, text, facts) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [actor.tenantId, breakId, environment.now(), actor.subject, kind, text, JSON.stringify(facts)],
  )
}

export async function comment(
  tx: Transaction,
  environment: Environment,
  actor: Person,
  breakId: bigint,
  text: string,
): Promise<void> {
  const rows = await tx.query('SELECT id FROM breaks WHERE id = $1 AND tenant_id = $2', [breakId, actor.tenantId])
  if (rows.length === 0) throw new Problem('NOT_FOUND')
  await tellBreak(tx, environment, actor, breakId, 'COMMENT', text)
}

/** Gives an open break to an officer, or to nobody. */
export async function assign(
  tx: Transaction,
  environment: Environment,
  actor: Person,
  breakId: bigint,
  owner: string | null,
): Promise<void> {
  const [row] = await tx.query<{ status: string }>(
    'SELECT status FROM breaks WHERE id = $1 AND tenant_id = $2 FOR UPDATE',
    [breakId, actor.tenantId],
  )
  if (row === undefined) throw new Problem('NOT_FOUND')
  if (row.status !== 'OPEN' && row.status !== 'WAITING') throw new Problem('BREAK_NOT_OPEN')
  await tx.query('UPDATE breaks SET owner = $2, updated_at = $3 WHERE id = $1', [breakId, owner, environment.now()])
  await tellBreak(tx, environment, actor, breakId, 'OWNER', null, { owner: owner ?? '' })
}
