/**
 * Resolving a break: one officer proposes, another approves (here and by a CHECK of the database). What an approval does stands in
 * act.ts.
 */
import { sequenceId } from '../../domain/ids.ts'
import { type BreakAction, breakClass } from '../../domain/reconciliation/breaks.ts'
import { businessDate } from '../../domain/vietnam-time.ts'
import type { Environment } from '../../environment.ts'
import { Problem } from '../../problem/problem.ts'
import type { Transaction } from '../../store/database.ts'
import { appendJournal } from '../../store/journal.ts'
import { act } from './act.ts'
import { tellBreak } from './history.ts'
import { type Actor, lockBreak, type ResolutionDetails } from './open-break.ts'

export type Proposal = { readonly action: BreakAction; readonly reason: string; readonly details: ResolutionDetails }

export async function propose(
  tx: Transaction,
  environment: Environment,
  actor: Actor,
  breakId: bigint,
  proposal: Proposal,
): Promise<bigint> {
  const found = await lockBreak(tx, actor.tenantId, breakId)
  if (found.status !== 'OPEN' && found.status !== 'WAITING') throw new Problem('BREAK_NOT_OPEN')
  if (!breakClass(found.class).actions.includes(proposal.action)) throw new Problem('RESOLUTION_NOT_ALLOWED')
  const pending = await tx.query(`SELECT id FROM break_resolutions WHERE break_id = $1 AND status = 'PROPOSED'`, [
    breakId,
  ])
  if (pending.length > 0) throw new Problem('RESOLUTION_PENDING')
  checkDetails(proposal, businessDate(environment.now()))
  const [row] = await tx.query<{ id: bigint }>(
    `INSERT INTO break_resolutions (tenant_id, break_id, action, details, reason, status, proposed_by, proposed_at)
     VALUES ($1, $2, $3, $4, $5, 'PROPOSED', $6, $7) RETURNING id`,
    [
      actor.tenantId,
      breakId,
      proposal.action,
      JSON.stringify(proposal.details),
      proposal.reason,
      actor.subject,
      environment.now(),
    ],
  )
  if (row === undefined) throw new Error('the resolution got no number')
  await tellBreak(tx, environment, actor, breakId, 'PROPOSED', proposal.reason, { action: proposal.action })
  return row.id
}

function checkDetails({ action, details }: Proposal, today: string): void {
  const wrong = (field: string, en: string, vi: string): Problem =>
    new Problem('INVALID_REQUEST', { errors: [{ field, code: 'required', en, vi }] })
  if (action === 'APPLY_TO_INVOICE' && details.invoiceId === undefined)
    throw wrong('invoiceId', 'an invoice is needed', 'cần mã khoản thu')
  if (action === 'WAIT' && (details.until === undefined || details.until <= today))
    throw wrong('until', 'a day after today is needed', 'cần một ngày sau hôm nay')
}

type Pending = {
  id: bigint
  break_id: bigint
  action: BreakAction
  details: ResolutionDetails
  reason: string
  proposed_by: string
}

async function lockPending(tx: Transaction, tenantId: string, breakId: bigint, id: bigint): Promise<Pending> {
  const [row] = await tx.query<Pending & { status: string }>(
    `SELECT id, break_id, action, details, reason, proposed_by, status FROM break_resolutions
      WHERE id = $1 AND break_id = $2 AND tenant_id = $3 FOR UPDATE`,
    [id, breakId, tenantId],
  )
  if (row === undefined) throw new Problem('NOT_FOUND')
  if (row.status !== 'PROPOSED') throw new Problem('RESOLUTION_NOT_PENDING')
  return row
}

/** Approves and acts, in one transaction: the decision stands exactly when its effect does. */
export async function approve(
  tx: Transaction,
  environment: Environment,
  actor: Actor,
  breakId: bigint,
  resolutionId: bigint,
): Promise<void> {
  const found = await lockBreak(tx, actor.tenantId, breakId)
  const pending = await lockPending(tx, actor.tenantId, breakId, resolutionId)
  if (pending.proposed_by === actor.subject) throw new Problem('FOUR_EYES')
  if (found.status !== 'OPEN' && found.status !== 'WAITING') throw new Problem('BREAK_NOT_OPEN')
  const outcome = await act(tx, environment, actor, found, pending)
  await decide(tx, environment, actor, pending, 'APPROVED', outcome)
  await tellBreak(tx, environment, actor, breakId, 'APPROVED', null, { action: pending.action, ...outcome })
  await appendJournal(tx, [
    {
      tenantId: actor.tenantId,
      at: environment.now(),
      kind: 'reconciliation.resolved',
      subject: sequenceId('brk', breakId),
      actor: actor.subject,
      facts: { action: pending.action, proposedBy: pending.proposed_by, ...outcome },
    },
  ])
}

/** Another officer says no, or the one who proposed takes it back. */
export async function refuse(
  tx: Transaction,
  environment: Environment,
  actor: Actor,
  breakId: bigint,
  resolutionId: bigint,
  verdict: 'REJECTED' | 'WITHDRAWN',
  reason: string,
): Promise<void> {
  await lockBreak(tx, actor.tenantId, breakId)
  const pending = await lockPending(tx, actor.tenantId, breakId, resolutionId)
  const own = pending.proposed_by === actor.subject
  if (verdict === 'REJECTED' ? own : !own) throw new Problem('FOUR_EYES')
  await decide(tx, environment, actor, pending, verdict, { reason })
  await tellBreak(tx, environment, actor, breakId, verdict, reason, { action: pending.action })
}

async function decide(
  tx: Transaction,
  environment: Environment,
  actor: Actor,
  pending: Pending,
  status: string,
  outcome: Readonly<Record<string, string>>,
): Promise<void> {
  await tx.query(
    `UPDATE break_resolutions SET status = $2, decided_by = $3, decided_at = $4, outcome = $5 WHERE id = $1`,
    [pending.id, status, actor.subject, environment.now(), JSON.stringify(outcome)],
  )
}
