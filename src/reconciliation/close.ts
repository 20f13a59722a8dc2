/**
 * Close of day, per rail account: what the rail owed at the begin, what came, what the bank showed, what is still open and why.
 *
 *   closing = opening + entered - matched - resolved, and closing = open breaks + in transit
 *
 * Both are computed from the items; a day on which they differ is not closed. A closed day never changes (triggers of the database);
 * what is found later counts on the next open day and says which day it belongs to.
 */
import { addDays } from '../domain/business-days.ts'
import { sequenceId } from '../domain/ids.ts'
import { unexplainedClasses } from '../domain/reconciliation/breaks.ts'
import { businessDate } from '../domain/vietnam-time.ts'
import type { Environment } from '../environment.ts'
import { Problem } from '../problem/problem.ts'
import type { Transaction } from '../store/database.ts'
import { appendJournal } from '../store/journal.ts'

export type DayFigures = {
  readonly railAccountId: string
  readonly fromDate: string
  readonly businessDate: string
  /** Whole VND of payments, reversals taken off. */
  readonly opening: bigint
  readonly entered: bigint
  readonly matched: bigint
  readonly resolved: bigint
  readonly closing: bigint
  /** Paid by then, and matched with a line of a later day. */
  readonly inTransit: bigint
  readonly openBreaks: readonly {
    readonly class: string
    readonly count: number
    readonly payments: bigint
    readonly lines: string
  }[]
  /** Statement lines of these days: booked, and of those matched and in breaks. */
  readonly statement: { readonly lines: string; readonly matched: string; readonly breaks: string }
  /** Money that belongs to a day closed before. */
  readonly lateFinds: readonly { readonly day: string; readonly count: number; readonly amount: bigint }[]
  /** Of the breaks that nothing explains: their number and money. */
  readonly unexplained: { readonly count: number; readonly amount: bigint }
}

type Officer = { readonly tenantId: string; readonly subject: string }

/** Figures of a day as they stand now; of a closed day they are on record instead. */
export async function dayFigures(
  tx: Pick<Transaction, 'query'>,
  tenantId: string,
  railAccountId: string,
  day: string,
): Promise<DayFigures> {
  const [account] = await tx.query<{ closed: string | null; closing: bigint | null; first: string | null }>(
    `SELECT d.business_date AS closed, d.closing,
            (SELECT min(least(i.payment_day, i.line_day, i.counted_on)) FROM reconciliation_items i WHERE i.rail_account_id = r.id) AS first
       FROM rail_accounts r
       LEFT JOIN LATERAL (SELECT * FROM reconciliation_days d WHERE d.rail_account_id = r.id AND d.status = 'CLOSED' ORDER BY business_date DESC LIMIT 1) d ON true
      WHERE r.id = $1 AND r.tenant_id = $2`,
    [railAccountId, tenantId],
  )
  if (account === undefined) throw new Problem('NOT_FOUND')
  const fromDate = account.closed === null ? least(account.first ?? day, day) : addDays(account.closed, 1)
  if (fromDate > day) throw new Problem('DAY_NOT_CLOSABLE', { en: `${day} is closed`, vi: `Ngày ${day} đã khoá.` })
  const span = [railAccountId, fromDate, day]
  const signed = `CASE s.direction WHEN 'IN' THEN s.amount ELSE -s.amount END`
  const [sums] = await tx.query<{ entered: bigint; matched: bigint; resolved: bigint; transit: bigint }>(
    `SELECT coalesce(sum(${signed}) FILTER (WHERE i.payment_day BETWEEN $2 AND $3), 0)::bigint AS entered,
            (coalesce(sum(${signed}) FILTER (WHERE i.rule IS NOT NULL AND i.counted_on BETWEEN $2 AND $3), 0)
              - coalesce(sum(${signed}) FILTER (WHERE i.rule IS NOT NULL AND i.ended_on BETWEEN $2 AND $3), 0))::bigint AS matched,
            (coalesce(sum(${signed}) FILTER (WHERE b.status = 'RESOLVED' AND b.closed_on BETWEEN $2 AND $3 AND (i.ended_on IS NULL OR i.ended_on > b.closed_on)), 0)
              - coalesce(sum(${signed}) FILTER (WHERE b.status = 'RESOLVED' AND i.ended_on BETWEEN $2 AND $3 AND i.ended_on > b.closed_on), 0))::bigint AS resolved,
            coalesce(sum(${signed}) FILTER (WHERE i.payment_day <= $3 AND i.counted_on > $3), 0)::bigint AS transit
       FROM reconciliation_items i
       JOIN settlements s ON s.id = i.settlement_id
       LEFT JOIN breaks b ON b.id = i.break_id
      WHERE i.rail_account_id = $1
        AND (i.counted_on >= $2 OR i.ended_on >= $2 OR b.closed_on >= $2)`,
    span,
  )
  const open = await tx.query<{ class: string; count: bigint; payments: bigint; lines: string }>(
    `SELECT b.class, count(DISTINCT b.id) AS count, coalesce(sum(${signed}), 0)::bigint AS payments,
            coalesce(sum(CASE l.direction WHEN 'CREDIT' THEN l.amount ELSE -l.amount END), 0)::text AS lines
       FROM breaks b JOIN reconciliation_items i ON i.break_id = b.id AND i.rail_account_id = $1
       LEFT JOIN settlements s ON s.id = i.settlement_id LEFT JOIN statement_lines l ON l.id = i.line_id
      WHERE i.counted_on <= $2 AND (i.ended_on IS NULL OR i.ended_on > $2) AND (b.closed_on IS NULL OR b.closed_on > $2)
      GROUP BY b.class ORDER BY b.class`,
    [railAccountId, day],
  )
  const [lines] = await tx.query<{ lines: string; matched: string; breaks: string }>(
    `SELECT coalesce(sum(amount), 0)::text AS lines, coalesce(sum(amount) FILTER (WHERE rule IS NOT NULL), 0)::text AS matched,
            coalesce(sum(amount) FILTER (WHERE rule IS NULL), 0)::text AS breaks
       FROM (SELECT i.rule, CASE l.direction WHEN 'CREDIT' THEN l.amount ELSE -l.amount END AS amount
               FROM reconciliation_items i JOIN statement_lines l ON l.id = i.line_id
              WHERE i.rail_account_id = $1 AND l.booked_on BETWEEN $2 AND $3 AND i.ended_on IS NULL) line`,
    span,
  )
  const late = await tx.query<{ day: string; count: bigint; amount: bigint }>(
    `SELECT (s.paid_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS day, count(*) AS count, sum(${signed})::bigint AS amount
       FROM reconciliation_items i JOIN settlements s ON s.id = i.settlement_id
      WHERE i.rail_account_id = $1 AND i.payment_day BETWEEN $2 AND $3 AND (s.paid_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date < $2
      GROUP BY 1 ORDER BY 1`,
    span,
  )
  const [unexplained] = await tx.query<{ count: bigint; amount: bigint }>(
    `SELECT count(*) AS count, coalesce(sum(amount), 0)::bigint AS amount FROM breaks b
      WHERE b.rail_account_id = $1 AND b.status = 'OPEN' AND b.class = ANY($2) AND b.opened_on <= $3`,
    [railAccountId, unexplainedClasses, day],
  )
  const { entered = 0n, matched = 0n, resolved = 0n, transit = 0n } = sums ?? {}
  const opening = account.closing ?? 0n
  const closing = opening + entered - matched - resolved
  const explained = open.reduce((sum, { payments }) => sum + payments, 0n) + transit
  if (closing !== explained)
    throw new Error(
      `figures of ${railAccountId} to ${day} do not tie: closing ${closing}, open breaks and transit ${explained}`,
    )
  return {
    railAccountId,
    fromDate,
    businessDate: day,
    opening,
    entered,
    matched,
    resolved,
    closing,
    inTransit: transit,
    openBreaks: open.map(({ count, ...row }) => ({ ...row, count: Number(count) })),
    statement: lines ?? { lines: '0', matched: '0', breaks: '0' },
    lateFinds: late.map(({ count, ...row }) => ({ ...row, count: Number(count) })),
    unexplained: { count: Number(unexplained?.count ?? 0n), amount: unexplained?.amount ?? 0n },
  }
}

const least = (a: string, b: string): string => (a < b ? a : b)

/** Closes the day at once when everything is explained; else keeps it as a proposal that another person must approve. */
export async function closeDay(
  tx: Transaction,
  environment: Environment,
  officer: Officer,
  railAccountId: string,
  day: string,
  reason: string | null,
): Promise<{ readonly dayId: bigint; readonly status: 'CLOSED' | 'PROPOSED'; readonly figures: DayFigures }> {
  const own = await tx.query('SELECT id FROM rail_accounts WHERE id = $1 AND tenant_id = $2', [
    railAccountId,
    officer.tenantId,
  ])
  if (own.length === 0) throw new Problem('NOT_FOUND')
  await claimTenant(tx, officer.tenantId)
  await mustBeReady(tx, environment, officer.tenantId, railAccountId, day)
  const figures = await dayFigures(tx, officer.tenantId, railAccountId, day)
  const blocked = figures.unexplained.count > 0
  if (blocked && reason === null)
    throw new Problem('DAY_HAS_OPEN_BREAKS', {
      en: `${figures.unexplained.count} breaks over ${figures.unexplained.amount} VND have no explanation`,
      vi: `${figures.unexplained.count} chênh lệch, ${figures.unexplained.amount} đồng chưa có giải thích.`,
    })
  const [row] = await tx.query<{ id: bigint }>(
    `INSERT INTO reconciliation_days (tenant_id, rail_account_id, from_date, business_date, status, opening, entered, matched, resolved, closing,
                                      figures, unexplained, reason, proposed_by, proposed_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) RETURNING id`,
    [
      officer.tenantId,
      railAccountId,
      figures.fromDate,
      day,
      blocked ? 'PROPOSED' : 'CLOSED',
      figures.opening,
      figures.entered,
      figures.matched,
      figures.resolved,
      figures.closing,
      figuresText(figures),
      blocked ? figures.unexplained.amount : null,
      reason,
      officer.subject,
      environment.now(),
    ],
  )
  if (row === undefined) throw new Error('the day got no number')
  const status = blocked ? 'PROPOSED' : 'CLOSED'
  await tell(
    tx,
    environment,
    officer,
    row.id,
    status === 'CLOSED' ? 'reconciliation.closed' : 'reconciliation.close-proposed',
    figures,
  )
  return { dayId: row.id, status, figures }
}

/** The second person: the figures are computed again, and the day is closed with its open breaks and the reason. */
export async function approveDay(
  tx: Transaction,
  environment: Environment,
  officer: Officer,
  dayId: bigint,
): Promise<DayFigures> {
  await claimTenant(tx, officer.tenantId)
  const [proposed] = await tx.query<{
    rail_account_id: string
    business_date: string
    proposed_by: string
    status: string
  }>(
    'SELECT rail_account_id, business_date, proposed_by, status FROM reconciliation_days WHERE id = $1 AND tenant_id = $2 FOR UPDATE',
    [dayId, officer.tenantId],
  )
  if (proposed === undefined) throw new Problem('NOT_FOUND')
  if (proposed.status !== 'PROPOSED') throw new Problem('DAY_NOT_CLOSABLE')
  if (proposed.proposed_by === officer.subject) throw new Problem('FOUR_EYES')
  const figures = await dayFigures(tx, officer.tenantId, proposed.rail_account_id, proposed.business_date)
  await tx.query(
    `UPDATE reconciliation_days SET status = 'CLOSED', opening = $2, entered = $3, matched = $4, resolved = $5, closing = $6, figures = $7,
            unexplained = $8, approved_by = $9, approved_at = $10 WHERE id = $1`,
    [
      dayId,
      figures.opening,
      figures.entered,
      figures.matched,
      figures.resolved,
      figures.closing,
      figuresText(figures),
      figures.unexplained.amount,
      officer.subject,
      environment.now(),
    ],
  )
  await tell(tx, environment, officer, dayId, 'reconciliation.closed', figures)
  return figures
}

/** Takes a proposal back: by the one who made it, or as a refusal by another. */
export async function dropProposal(
  tx: Transaction,
  environment: Environment,
  officer: Officer,
  dayId: bigint,
): Promise<void> {
  const dropped = await tx.query<{ id: bigint }>(
    `DELETE FROM reconciliation_days WHERE id = $1 AND tenant_id = $2 AND status = 'PROPOSED' RETURNING id`,
    [dayId, officer.tenantId],
  )
  if (dropped.length === 0) throw new Problem('NOT_FOUND')
  await appendJournal(tx, [
    {
      tenantId: officer.tenantId,
      at: environment.now(),
      kind: 'reconciliation.close-dropped',
      subject: sequenceId('day', dayId),
      actor: officer.subject,
      facts: {},
    },
  ])
}

async function mustBeReady(
  tx: Transaction,
  environment: Environment,
  tenantId: string,
  railAccountId: string,
  day: string,
): Promise<void> {
  if (day >= businessDate(environment.now()))
    throw new Problem('DAY_NOT_CLOSABLE', { en: 'the day is not over', vi: 'Ngày chưa kết thúc.' })
  const [state] = await tx.query<{ ran: boolean; waiting: boolean; proposed: boolean }>(
    `SELECT EXISTS (SELECT 1 FROM reconciliation_runs WHERE tenant_id = $1 AND status = 'DONE' AND as_of > $3) AS ran,
            EXISTS (SELECT 1 FROM statement_files WHERE tenant_id = $1 AND status = 'IMPORTED' AND run_id IS NULL) AS waiting,
            EXISTS (SELECT 1 FROM reconciliation_days WHERE rail_account_id = $2 AND status = 'PROPOSED') AS proposed`,
    [tenantId, railAccountId, day],
  )
  if (state?.proposed === true)
    throw new Problem('DAY_NOT_CLOSABLE', {
      en: 'another closing waits for approval',
      vi: 'Một đề nghị khoá ngày đang chờ duyệt.',
    })
  if (state?.ran !== true || state.waiting)
    throw new Problem('DAY_NOT_CLOSABLE', {
      en: 'reconcile first: there is no run after this day, or files wait for one',
      vi: 'Cần chạy đối soát sau ngày này, với mọi tệp đã nạp.',
    })
}

async function claimTenant(tx: Transaction, tenantId: string): Promise<void> {
  const [row] = await tx.query<{ claimed: boolean }>(
    'SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS claimed',
    [`reconcile ${tenantId}`],
  )
  if (row?.claimed !== true) throw new Problem('RECONCILIATION_RUNNING', { retryAfterSeconds: 5 })
}

function figuresText(figures: DayFigures): string {
  return JSON.stringify(figures, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value))
}

async function tell(
  tx: Transaction,
  environment: Environment,
  officer: Officer,
  dayId: bigint,
  kind: string,
  figures: DayFigures,
): Promise<void> {
  await appendJournal(tx, [
    {
      tenantId: officer.tenantId,
      at: environment.now(),
      kind,
      subject: sequenceId('day', dayId),
      actor: officer.subject,
      facts: {
        railAccountId: figures.railAccountId,
        day: figures.businessDate,
        opening: figures.opening.toString(),
        entered: figures.entered.toString(),
        matched: figures.matched.toString(),
        resolved: figures.resolved.toString(),
        closing: figures.closing.toString(),
        unexplained: figures.unexplained.amount.toString(),
      },
    },
  ])
}
