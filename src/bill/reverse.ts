/** A bank takes back a payment of today (rails.md §3.2; rules: domain/reversal.ts). */
import type { BillAnswer, BillRequest } from '../../adapters/contract.ts'
import type { ReversalAnswer } from '../domain/reversal.ts'
import { type Environment, newId } from '../environment.ts'
import type { OpenRailAccount } from '../rails/accounts.ts'
import { takeBack } from '../settlement/take-back.ts'
import { storableText } from '../store/callback-evidence.ts'
import type { Transaction } from '../store/database.ts'
import { insertAll } from '../store/rows.ts'

type Reversal = Extract<BillRequest, { kind: 'reverse' }>

export type ReversalResult = {
  readonly answer: BillAnswer
  /** Row of the reversal table, or what was wrong with the message. */
  readonly rule: string
  readonly settlementId: string | null
  readonly alarm: boolean
}

/** In the caller's transaction: the money, the answer that was given, and whatever the caller adds are committed together. */
export async function reverseBill(
  tx: Transaction,
  environment: Environment,
  account: OpenRailAccount,
  request: Reversal,
): Promise<ReversalResult> {
  await lockNames(tx, account, request)
  const [told] = await tx.query<{
    original_transaction_id: string
    amount: bigint
    answer: ReversalAnswer
    rule: string
    settlement_id: string | null
  }>(
    `SELECT original_transaction_id, amount, answer, rule, settlement_id FROM bill_reversals
      WHERE rail_account_id = $1 AND reversal_id = $2`,
    [account.id, request.reversalId],
  )
  if (told !== undefined) {
    const same = told.original_transaction_id === request.originalTransactionId && told.amount === request.amount
    return same
      ? {
          answer: { kind: told.answer },
          rule: `repeat of ${told.rule}`,
          settlementId: told.settlement_id,
          alarm: false,
        }
      : {
          answer: { kind: 'refused', reason: 'malformed' },
          rule: 'reversal id used for another reversal',
          settlementId: null,
          alarm: true,
        }
  }
  const reason = storableText(request.reason)
  const { row, settlementId, refundId } = await takeBack(
    tx,
    {
      tenantId: account.tenantId,
      rail: account.rail,
      railAccountId: account.id,
      railTransactionId: request.originalTransactionId,
      amount: request.amount,
      source: 'PULL',
      transferRail: account.adapter.capabilities.transfer,
      terms: 'bank',
      reason,
      evidence: { ...request.echo, reversalId: request.reversalId, reason },
    },
    environment,
  )
  await insertAll(tx, 'bill_reversals', [
    {
      id: newId(environment, 'brv'),
      tenant_id: account.tenantId,
      rail_account_id: account.id,
      reversal_id: request.reversalId,
      original_transaction_id: request.originalTransactionId,
      amount: request.amount,
      reason,
      answer: row.effect.answer,
      rule: row.rule,
      settlement_id: settlementId,
      refund_id: refundId,
      received_at: environment.now(),
    },
  ])
  return {
    answer: { kind: row.effect.answer },
    rule: row.rule,
    settlementId,
    alarm: row.effect.answer !== 'alreadyReversed',
  }
}

/**
 * One reversal at a time under this id and of this payment, also of money without an invoice to lock. Before every row lock and
 * in one order, so that no cycle can form (docs/architecture.md).
 */
async function lockNames(tx: Transaction, account: OpenRailAccount, request: Reversal): Promise<void> {
  await tx.query(
    `SELECT pg_advisory_xact_lock(h) FROM (SELECT DISTINCT hashtextextended(name, 0) AS h FROM unnest($1::text[]) AS name ORDER BY 1) AS names`,
    [[`reversal ${account.id} ${request.reversalId}`, `reversal of ${account.id} ${request.originalTransactionId}`]],
  )
}
