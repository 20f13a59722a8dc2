/**
 * Resolving a break: one officer proposes, another approves (here and by a CHECK of the database). What an approval does about money
 * goes through the settlement door.
 */
import { sequenceId } from '../../domain/ids.ts'
import type { Outcome } from '../../domain/outcome.ts'
import { type BreakAction, breakClass } from '../../domain/reconciliation/breaks.ts'
import { ruleSet } from '../../domain/reconciliation/rules.ts'
import { businessDate, startOfLocalDay } from '../../domain/vietnam-time.ts'
import type { Environment } from '../../environment.ts'
import { Problem } from '../../problem/problem.ts'
import { settleAll } from '../../settlement/settle.ts'
import { bookWriteOff } from '../../settlement/write-off.ts'
import type { Transaction } from '../../store/database.ts'
import { appendJournal } from '../../store/journal.ts'
import { tellBreak } from './history.ts'

export type Actor = { readonly tenantId: string; readonly subject: string }

export type ResolutionDetails = {
  /** APPLY_TO_INVOICE. */
  readonly invoiceId?: string | undefined
  /** PAIR: more items for the match, from other breaks. */
  readonly settlementIds?: readonly string[] | undefined
  readonly lineIds?: readonly string[] | undefined
  /** WAIT. */
  readonly until?: string | undefined
}

export type Proposal = { readonly action: BreakAction; readonly reason: string; readonly details: ResolutionDetails }

type BreakRow = {
  id: bigint
  class: string
  status: string
  rail_account_id: string
  beneficiary_account_id: string
  rail: string
  statement_amount: string
  payment_amount: bigint
  opened_on: string
  open_from: string
}

/** Every change of a break begins here. */
async function lockBreak(tx: Transaction, tenantId: string, id: bigint): Promise<BreakRow> {
  const [row] = await tx.query<BreakRow>(
    `SELECT b.id, b.class, b.status, b.rail_account_id, r.beneficiary_account_id, r.rail, b.statement_amount, b.payment_amount, b.opened_on,
            coalesce((SELECT max(d.business_date) + 1 FROM reconciliation_days d WHERE d.rail_account_id = b.rail_account_id AND d.status = 'CLOSED'),
                     DATE '0001-01-01')::text AS open_from
       FROM breaks b JOIN rail_accounts r ON r.id = b.rail_account_id WHERE b.id = $1 AND b.tenant_id = $2 FOR UPDATE OF b`,
    [id, tenantId],
  )
  if (row === undefined) throw new Problem('NOT_FOUND')
  return row
}

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

async function act(
  tx: Transaction,
  environment: Environment,
  actor: Actor,
  found: BreakRow,
  { action, details }: Pending,
): Promise<Readonly<Record<string, string>>> {
  switch (action) {
    case 'WAIT':
      await tx.query(`UPDATE breaks SET status = 'WAITING', wait_until = $2, updated_at = $3 WHERE id = $1`, [
        found.id,
        details.until,
        environment.now(),
      ])
      return { until: details.until ?? '' }
    case 'APPLY_TO_INVOICE':
      return await settleLine(
        tx,
        environment,
        actor,
        found,
        await payCodeOf(tx, actor.tenantId, details.invoiceId ?? ''),
      )
    case 'OPEN_REFUND':
      return await settleLine(tx, environment, actor, found, null)
    case 'RECORD_REVERSAL':
      return await recordReversal(tx, environment, actor, found)
    case 'PAIR':
      return await pair(tx, environment, actor, found, details)
    case 'WRITE_OFF':
      await bookWriteOff(tx, environment, {
        tenantId: actor.tenantId,
        railAccountId: found.rail_account_id,
        // What the books still expect beyond what the bank showed.
        amount:
          found.payment_amount === 0n ? 0n : found.payment_amount - BigInt(found.statement_amount.split('.')[0] ?? '0'),
      })
      await close(tx, environment, found, 'RESOLVED')
      return {}
    case 'BANK_ERROR':
      await close(tx, environment, found, 'RESOLVED')
      return {}
  }
}

async function close(
  tx: Transaction,
  environment: Environment,
  found: BreakRow,
  status: 'RESOLVED' | 'CLEARED',
): Promise<void> {
  const day = latest(businessDate(environment.now()), found.open_from, found.opened_on)
  await tx.query(`UPDATE breaks SET status = $2, wait_until = NULL, closed_on = $3, updated_at = $4 WHERE id = $1`, [
    found.id,
    status,
    day,
    environment.now(),
  ])
}

const latest = (...days: readonly string[]): string => [...days].sort().at(-1) ?? ''

async function payCodeOf(tx: Transaction, tenantId: string, invoiceId: string): Promise<string> {
  const [row] = await tx.query<{ pay_code: string }>('SELECT pay_code FROM invoices WHERE id = $1 AND tenant_id = $2', [
    invoiceId,
    tenantId,
  ])
  if (row === undefined)
    throw new Problem('INVALID_REQUEST', {
      errors: [{ field: 'invoiceId', code: 'unknown', en: 'no such invoice', vi: 'không có khoản thu này' }],
    })
  return row.pay_code
}

type LineRow = {
  id: bigint
  amount_vnd: bigint
  bank_reference: string | null
  day: string
  remittance: string
}

/** The line's money goes on record: for an invoice, or as an orphan with a refund case when there is no reference to give it. */
async function settleLine(
  tx: Transaction,
  environment: Environment,
  actor: Actor,
  found: BreakRow,
  merchantRef: string | null,
): Promise<Readonly<Record<string, string>>> {
  const lines = await tx.query<LineRow>(
    `SELECT l.id, l.amount_vnd, l.bank_reference, least(l.value_on, l.booked_on) AS day, l.remittance
       FROM reconciliation_items i JOIN statement_lines l ON l.id = i.line_id
      WHERE i.break_id = $1 AND i.ended_on IS NULL AND l.direction = 'CREDIT' AND l.amount_vnd IS NOT NULL`,
    [found.id],
  )
  const payments = await tx.query(
    `SELECT 1 FROM reconciliation_items WHERE break_id = $1 AND ended_on IS NULL AND settlement_id IS NOT NULL`,
    [found.id],
  )
  const [line] = lines
  // Money that is on record already has its refund case; a second record of it would be a second payment.
  if (line === undefined || lines.length > 1 || payments.length > 0) throw new Problem('RESOLUTION_NOT_ALLOWED')
  const id = sequenceId('lin', line.id)
  const outcome: Outcome = {
    rail: found.rail,
    accountId: found.rail_account_id,
    merchantRef,
    // Its own id and not the bank's reference: a double credit carries the reference of the payment it repeats.
    railTransactionId: id,
    kind: 'succeeded',
    amount: line.amount_vnd,
    currency: 'VND',
    paidAt: startOfLocalDay(line.day),
    source: 'STATEMENT',
    evidence: {
      statementLine: id,
      resolvedBy: actor.subject,
      ...(line.bank_reference === null ? {} : { bankReference: line.bank_reference }),
      text: line.remittance.slice(0, 500),
    },
  }
  const [result] = await settleAll(tx, [{ outcome, transferRail: true }], environment)
  if (result === undefined || result.settlementId === null || result.verdict.kind === 'refused')
    throw new Problem('RESOLUTION_NOT_ALLOWED', {
      en: `the settlement door refuses it: ${result?.rule ?? 'no result'}`,
      vi: `Không ghi nhận được: ${result?.rule ?? ''}`,
    })
  await matchByOfficer(tx, environment, actor, found, [line.id], [result.settlementId])
  return { settlementId: result.settlementId, rule: result.rule }
}

/** The bank took a credit back: the rail transaction it belonged to is reversed through the door. */
async function recordReversal(
  tx: Transaction,
  environment: Environment,
  actor: Actor,
  found: BreakRow,
): Promise<Readonly<Record<string, string>>> {
  const [original] = await tx.query<{
    merchant_ref: string | null
    rail_transaction_id: string
    rail_account_id: string
    rail: string
    amount: bigint
    line_id: bigint | null
  }>(
    `SELECT s.merchant_ref, s.rail_transaction_id, s.rail_account_id, r.rail, s.amount, i.line_id
       FROM breaks b JOIN reconciliation_items i ON i.break_id = b.id AND i.ended_on IS NULL
       JOIN settlements s ON s.id = coalesce(b.evidence ->> 'settlementId', i.settlement_id) AND s.direction = 'IN' AND s.tenant_id = b.tenant_id
       JOIN rail_accounts r ON r.id = s.rail_account_id
      WHERE b.id = $1 LIMIT 1`,
    [found.id],
  )
  if (original === undefined) throw new Problem('RESOLUTION_NOT_ALLOWED')
  const outcome: Outcome = {
    rail: original.rail,
    accountId: original.rail_account_id,
    merchantRef: original.merchant_ref,
    railTransactionId: original.rail_transaction_id,
    kind: 'reversed',
    amount: original.amount,
    currency: 'VND',
    paidAt: environment.now(),
    source: 'STATEMENT',
    evidence: { break: sequenceId('brk', found.id), resolvedBy: actor.subject },
  }
  const [result] = await settleAll(tx, [{ outcome, transferRail: true }], environment)
  if (result === undefined || result.settlementId === null) throw new Problem('RESOLUTION_NOT_ALLOWED')
  await matchByOfficer(tx, environment, actor, found, original.line_id === null ? [] : [original.line_id], [
    result.settlementId,
  ])
  return { settlementId: result.settlementId, rule: result.rule }
}

/** The items of the break, and chosen ones of other open breaks, become one match by officers. */
async function pair(
  tx: Transaction,
  environment: Environment,
  actor: Actor,
  found: BreakRow,
  details: ResolutionDetails,
): Promise<Readonly<Record<string, string>>> {
  const own = await tx.query<{ line_id: bigint | null; settlement_id: string | null }>(
    `SELECT line_id, settlement_id FROM reconciliation_items WHERE break_id = $1 AND ended_on IS NULL`,
    [found.id],
  )
  const lines = [...own.flatMap(({ line_id }) => line_id ?? []), ...(details.lineIds ?? []).map((id) => BigInt(id))]
  const payments = [...own.flatMap(({ settlement_id }) => settlement_id ?? []), ...(details.settlementIds ?? [])]
  await matchByOfficer(tx, environment, actor, found, lines, payments)
  return { lines: String(lines.length), payments: String(payments.length) }
}

async function matchByOfficer(
  tx: Transaction,
  environment: Environment,
  actor: Actor,
  found: BreakRow,
  lineIds: readonly bigint[],
  settlementIds: readonly string[],
): Promise<void> {
  const day = latest(businessDate(environment.now()), found.open_from, found.opened_on)
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
  await close(tx, environment, found, 'RESOLVED')
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
