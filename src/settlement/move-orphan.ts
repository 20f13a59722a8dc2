/**
 * Money on record under no reference of ours, and two officers know whose it is: taken off the books as an orphan and put on them as a
 * payment of the invoice, in the caller's transaction (docs/decisions/040). Its refund case is withdrawn; a case that is under way
 * stands in the way.
 */
import type { Environment } from '../environment.ts'
import type { Transaction } from '../store/database.ts'
import { settleAll } from './settle.ts'
import { takeBack } from './take-back.ts'

export type OrphanMove = {
  readonly tenantId: string
  /** Of the orphan. */
  readonly settlementId: string
  readonly invoiceId: string
  readonly payCode: string
  readonly reason: string
  readonly evidence: Readonly<Record<string, string>>
}

export type OrphanMoved =
  | { readonly kind: 'moved'; readonly reversalId: string; readonly settlementId: string; readonly rule: string }
  /** Nothing may be kept of what the caller's transaction did. */
  | { readonly kind: 'refused'; readonly rule: string }

export async function moveOrphan(tx: Transaction, environment: Environment, move: OrphanMove): Promise<OrphanMoved> {
  // The invoice first, as everywhere; the orphan has none of its own.
  await tx.query('SELECT id FROM invoices WHERE id = $1 AND tenant_id = $2 FOR UPDATE', [move.invoiceId, move.tenantId])
  const [orphan] = await tx.query<{
    railAccountId: string
    rail: string
    railTransactionId: string
    amount: bigint
    paidAt: Date
  }>(
    `SELECT s.rail_account_id AS "railAccountId", r.rail, s.rail_transaction_id AS "railTransactionId", s.amount, s.paid_at AS "paidAt"
       FROM settlements s JOIN rail_accounts r ON r.id = s.rail_account_id
      WHERE s.id = $1 AND s.tenant_id = $2 AND s.disposition = 'ORPHAN'`,
    [move.settlementId, move.tenantId],
  )
  if (orphan === undefined) return { kind: 'refused', rule: 'no orphan' }
  const { row, settlementId: reversalId } = await takeBack(
    tx,
    {
      ...orphan,
      tenantId: move.tenantId,
      source: 'STATEMENT',
      transferRail: true,
      // Whatever the day: the money stays where it is.
      terms: 'drawer',
      reason: move.reason,
      evidence: { ...move.evidence, movedTo: move.invoiceId },
    },
    environment,
  )
  if (reversalId === null) return { kind: 'refused', rule: row.rule }
  const [result] = await settleAll(
    tx,
    [
      {
        outcome: {
          rail: orphan.rail,
          accountId: orphan.railAccountId,
          merchantRef: move.payCode,
          railTransactionId: movedId(move.settlementId),
          kind: 'succeeded',
          amount: orphan.amount,
          currency: 'VND',
          paidAt: orphan.paidAt,
          source: 'STATEMENT',
          evidence: { ...move.evidence, movedFrom: move.settlementId, railTransactionId: orphan.railTransactionId },
        },
        transferRail: true,
      },
    ],
    environment,
  )
  const rule = result?.rule ?? 'no result'
  // Money that would not count for the invoice stays an orphan with its own case.
  if (result === undefined || result.settlementId === null || !usefulRules.has(rule)) return { kind: 'refused', rule }
  return { kind: 'moved', reversalId, settlementId: result.settlementId, rule }
}

const usefulRules = new Set(['first-success', 'overpaid', 'underpaid', 'late-success'])

/** Rail transaction id of the payment that an orphan became. */
export function movedId(settlementId: string): string {
  return `moved:${settlementId}`
}
