/** Resolutions that put money on record, through the settlement door. */
import { sequenceId } from '../../domain/ids.ts'
import type { Outcome } from '../../domain/outcome.ts'
import { startOfLocalDay } from '../../domain/vietnam-time.ts'
import type { Environment } from '../../environment.ts'
import { Problem } from '../../problem/problem.ts'
import { movedId, moveOrphan } from '../../settlement/move-orphan.ts'
import { settleAll } from '../../settlement/settle.ts'
import type { Transaction } from '../../store/database.ts'
import { matchByOfficer } from './match-by-officer.ts'
import type { Actor, BreakRow } from './open-break.ts'

type Facts = Readonly<Record<string, string>>

type LineRow = {
  id: bigint
  amount_vnd: bigint
  bank_reference: string | null
  day: string
  remittance: string
}

/** The credits of the break, and the payments on record that it holds. */
async function readMoney(
  tx: Transaction,
  breakId: bigint,
): Promise<{ lines: LineRow[]; payments: { id: string; disposition: string }[] }> {
  const lines = await tx.query<LineRow>(
    `SELECT l.id, l.amount_vnd, l.bank_reference, least(l.value_on, l.booked_on) AS day, l.remittance
       FROM reconciliation_items i JOIN statement_lines l ON l.id = i.line_id
      WHERE i.break_id = $1 AND i.ended_on IS NULL AND l.direction = 'CREDIT' AND l.amount_vnd IS NOT NULL`,
    [breakId],
  )
  const payments = await tx.query<{ id: string; disposition: string }>(
    `SELECT s.id, s.disposition FROM reconciliation_items i JOIN settlements s ON s.id = i.settlement_id
      WHERE i.break_id = $1 AND i.ended_on IS NULL`,
    [breakId],
  )
  return { lines, payments }
}

/** Money nobody has recorded yet pays the invoice; money on record as an orphan is moved to it. */
export async function applyToInvoice(
  tx: Transaction,
  environment: Environment,
  actor: Actor,
  found: BreakRow,
  invoiceId: string,
): Promise<Facts> {
  const payCode = await payCodeOf(tx, actor.tenantId, invoiceId)
  const { lines, payments } = await readMoney(tx, found.id)
  const [payment, another] = payments
  if (payment === undefined) return await settleLine(tx, environment, actor, found, lines, payCode)
  if (another !== undefined || payment.disposition !== 'ORPHAN') throw new Problem('RESOLUTION_NOT_ALLOWED')
  const moved = await moveOrphan(tx, environment, {
    tenantId: actor.tenantId,
    settlementId: payment.id,
    invoiceId,
    payCode,
    reason: sequenceId('brk', found.id),
    evidence: { break: sequenceId('brk', found.id), resolvedBy: actor.subject },
  })
  if (moved.kind === 'refused') throw refusedByDoor(moved.rule)
  const { settlementId, reversalId, rule } = moved
  await matchByOfficer(
    tx,
    environment,
    actor,
    found,
    lines.map(({ id }) => id),
    [payment.id, reversalId, settlementId],
  )
  return { settlementId, rule, movedFrom: payment.id }
}

/** Money without an owner goes on record as an orphan, which opens its refund case; what is on record has its case already. */
export async function openRefund(
  tx: Transaction,
  environment: Environment,
  actor: Actor,
  found: BreakRow,
): Promise<Facts> {
  const { lines, payments } = await readMoney(tx, found.id)
  if (payments.length > 0) throw new Problem('RESOLUTION_NOT_ALLOWED')
  return await settleLine(tx, environment, actor, found, lines, null)
}

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

async function settleLine(
  tx: Transaction,
  environment: Environment,
  actor: Actor,
  found: BreakRow,
  lines: readonly LineRow[],
  merchantRef: string | null,
): Promise<Facts> {
  const [line, another] = lines
  if (line === undefined || another !== undefined) throw new Problem('RESOLUTION_NOT_ALLOWED')
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
    throw refusedByDoor(result?.rule ?? 'no result')
  await matchByOfficer(tx, environment, actor, found, [line.id], [result.settlementId])
  return { settlementId: result.settlementId, rule: result.rule }
}

function refusedByDoor(rule: string): Problem {
  return new Problem('RESOLUTION_NOT_ALLOWED', {
    en: `the settlement door refuses it: ${rule}`,
    vi: `Không ghi nhận được: ${rule}`,
  })
}

/**
 * The bank took a credit back: the rail transaction it belonged to is reversed through the door. Money that officers moved to an
 * invoice meanwhile is taken back from there.
 */
export async function recordReversal(
  tx: Transaction,
  environment: Environment,
  actor: Actor,
  found: BreakRow,
): Promise<Facts> {
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
       JOIN settlements o ON o.id = coalesce(b.evidence ->> 'settlementId', i.settlement_id) AND o.direction = 'IN' AND o.tenant_id = b.tenant_id
       LEFT JOIN settlements m ON m.rail_account_id = o.rail_account_id AND m.rail_transaction_id = '${movedId('')}' || o.id AND m.direction = 'IN'
       JOIN settlements s ON s.id = coalesce(m.id, o.id)
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
