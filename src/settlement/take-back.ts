/**
 * Taking a success back on request: a bank's `reverse`, a correction at the counter. Decided under the lock of the invoice and
 * of the refund cases of this money, and booked through `settleAll` in the same transaction.
 */
import type { OutcomeSource } from '../domain/outcome.ts'
import { gatewayActor, holdsMoney, type RefundStatus } from '../domain/refund.ts'
import { decideReversal, type ReversalRow } from '../domain/reversal.ts'
import { businessDate } from '../domain/vietnam-time.ts'
import { type Environment, newId } from '../environment.ts'
import type { Transaction } from '../store/database.ts'
import { appendJournal } from '../store/journal.ts'
import { lockPayments, openingStep } from '../store/refunds.ts'
import { insertAll } from '../store/rows.ts'
import { settleAll } from './settle.ts'

export type TakeBackRequest = {
  readonly tenantId: string
  readonly rail: string
  readonly railAccountId: string
  readonly railTransactionId: string
  readonly amount: bigint
  readonly source: OutcomeSource
  readonly transferRail: boolean
  /**
   * `bank`: the same day only, and only until the dossier system was told.
   * `drawer`: the cash still lies in the drawer and two officers have looked: neither matters.
   */
  readonly terms: 'bank' | 'drawer'
  readonly reason: string
  readonly evidence: Readonly<Record<string, string>>
}

export type TakeBack = {
  readonly row: ReversalRow
  /** The reversal on record. */
  readonly settlementId: string | null
  /** The case that was opened because it was too late. */
  readonly refundId: string | null
}

type Original = {
  id: string
  invoice_id: string | null
  merchant_ref: string | null
  amount: bigint
  disposition: string
  paid_at: Date
}

export async function takeBack(tx: Transaction, request: TakeBackRequest, environment: Environment): Promise<TakeBack> {
  const now = environment.now()
  const original = await lockOriginal(tx, request)
  const money = original === null ? null : await readMoney(tx, original, request, now)
  const row = decideReversal({
    found: original !== null && original.amount === request.amount,
    reversed: money?.reversed ?? false,
    refundUnderWay: money?.refundUnderWay ?? false,
    sameDay: original !== null && (request.terms === 'drawer' || businessDate(original.paid_at) === businessDate(now)),
    dossierTold: request.terms === 'bank' && (money?.dossierTold ?? false),
    taxPaid: request.terms === 'bank' && (money?.taxPaid ?? false),
  })
  if (original === null || money === null) return { row, settlementId: null, refundId: null }
  if (row.effect.answer === 'reversed') {
    return { row, settlementId: await book(tx, original, request, environment), refundId: null }
  }
  const refundId =
    row.effect.refundCase === true ? await openCase(tx, original, money.notGoingBack, request, row, environment) : null
  return { row, settlementId: null, refundId }
}

/** The success under this transaction id, its invoice and itself locked; null when there is none. */
async function lockOriginal(
  tx: Transaction,
  { railAccountId, railTransactionId }: TakeBackRequest,
): Promise<Original | null> {
  const [original] = await tx.query<Original>(
    `SELECT id, invoice_id, merchant_ref, amount, disposition, paid_at FROM settlements
      WHERE rail_account_id = $1 AND rail_transaction_id = $2 AND direction = 'IN'`,
    [railAccountId, railTransactionId],
  )
  if (original === undefined) return null
  await lockPayments(tx, [{ invoice_id: original.invoice_id, settlement_id: original.id }])
  return original
}

function paidInvoice({ disposition }: Original): boolean {
  return disposition === 'APPLIED' || disposition === 'OVERPAID'
}

type Money = {
  readonly reversed: boolean
  readonly refundUnderWay: boolean
  readonly dossierTold: boolean
  readonly taxPaid: boolean
  /** Of the amount: what no refund case covers. */
  readonly notGoingBack: bigint
}

async function readMoney(
  tx: Transaction,
  original: Original,
  { railAccountId, railTransactionId }: TakeBackRequest,
  now: Date,
): Promise<Money> {
  // Locked last: a decision about a case waits for this one, or this one for it.
  const cases = await tx.query<{ amount: bigint; status: RefundStatus }>(
    'SELECT amount, status FROM refunds WHERE settlement_id = $1 ORDER BY id FOR UPDATE',
    [original.id],
  )
  const [state] = await tx.query<{ reversed: boolean; told: boolean; asked: boolean; tax: boolean }>(
    `SELECT EXISTS (SELECT 1 FROM settlements WHERE rail_account_id = $1 AND rail_transaction_id = $2 AND direction = 'OUT') AS reversed,
            -- A case was opened for an earlier request; what a human made of it stands.
            EXISTS (SELECT 1 FROM bill_reversals WHERE rail_account_id = $1 AND original_transaction_id = $2 AND refund_id IS NOT NULL) AS asked,
            EXISTS (SELECT 1 FROM invoice_items t WHERE t.invoice_id = $3 AND t.kind = 'TAX') AS tax,
            EXISTS (SELECT 1 FROM events e WHERE e.invoice_id = $3 AND e.type = 'invoice.paid' AND (
                      -- In the feed once its reader has come by; a delivery under way may be acknowledged this very moment.
                      e.position IS NOT NULL
                      OR EXISTS (SELECT 1 FROM deliveries d WHERE d.event_id = e.id AND (d.status = 'DELIVERED' OR d.lease_until > $4))
                      OR EXISTS (SELECT 1 FROM partner_results r WHERE r.event_id = e.id AND (r.status = 'DELIVERED' OR r.lease_until > $4)))) AS told`,
    [railAccountId, railTransactionId, original.invoice_id, now],
  )
  const alive = cases.filter(({ status }) => holdsMoney(status))
  const goingBack = alive.reduce((sum, { amount }) => sum + amount, 0n)
  return {
    reversed: state?.reversed ?? false,
    refundUnderWay: alive.some(({ status }) => status !== 'REQUESTED'),
    dossierTold: paidInvoice(original) && (state?.told ?? false),
    taxPaid: paidInvoice(original) && (state?.tax ?? false),
    notGoingBack: state?.asked === true ? 0n : original.amount - goingBack,
  }
}

async function book(
  tx: Transaction,
  original: Original,
  request: TakeBackRequest,
  environment: Environment,
): Promise<string> {
  const [result] = await settleAll(
    tx,
    [
      {
        outcome: {
          rail: request.rail,
          accountId: request.railAccountId,
          merchantRef: original.merchant_ref,
          railTransactionId: request.railTransactionId,
          kind: 'reversed',
          amount: request.amount,
          currency: 'VND',
          paidAt: environment.now(),
          source: request.source,
          evidence: request.evidence,
        },
        transferRail: request.transferRail,
      },
    ],
    environment,
  )
  if (result?.verdict.kind !== 'recorded' || result.settlementId === null)
    throw new Error(`a reversal that was decided is not on record: ${result?.rule}`)
  return result.settlementId
}

/** For a human (docs/decisions/014). Null when all of the money has a case already. */
async function openCase(
  tx: Transaction,
  original: Original,
  amount: bigint,
  request: TakeBackRequest,
  row: ReversalRow,
  environment: Environment,
): Promise<string | null> {
  if (amount <= 0n) return null
  const now = environment.now()
  const id = newId(environment, 'ref')
  await insertAll(tx, 'refunds', [
    {
      id,
      tenant_id: request.tenantId,
      settlement_id: original.id,
      invoice_id: original.invoice_id,
      // As if somebody had asked for collected money; what paid nothing keeps its own name.
      origin: paidInvoice(original) ? 'REQUEST' : original.disposition,
      amount,
      status: 'REQUESTED',
      reason: `${row.rule}: ${request.reason}`.slice(0, 300),
      requested_by: gatewayActor,
      created_at: now,
      updated_at: now,
      steps: 1,
    },
  ])
  await insertAll(tx, 'refund_steps', [
    openingStep({ id, tenantId: request.tenantId }, now, gatewayActor, { rule: row.rule, amount: amount.toString() }),
  ])
  await appendJournal(tx, [
    {
      tenantId: request.tenantId,
      at: now,
      kind: `reversal.${row.rule}`,
      subject: original.id,
      actor: `rail:${request.railAccountId}`,
      facts: { refundId: id, amount: amount.toString(), invoiceId: original.invoice_id },
    },
  ])
  return id
}
