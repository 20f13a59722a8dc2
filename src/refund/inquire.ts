/** Asking a rail what became of a refund that it accepted, or never answered for. */
import type { RefundResult } from '../../adapters/contract.ts'
import { HttpCallError } from '../network/http-caller.ts'
import type { OpenRailAccount } from '../rails/accounts.ts'
import { readAnswerWithAnyKey } from '../rails/any-key.ts'
import { runSteps } from '../rails/run-steps.ts'
import type { Transaction } from '../store/database.ts'
import { readPaid } from '../store/paid-money.ts'
import type { RefundRecord } from '../store/refunds.ts'
import { adapterArguments, type RefundRailOptions, railAccountOf, railOrderOf } from './rail-order.ts'
import { recordAnswer } from './record-answer.ts'

export async function inquireRefund(options: RefundRailOptions, refund: RefundRecord): Promise<void> {
  const { breaker, metrics, log } = options
  const account = await railAccountOf(options, refund.id)
  const reference = refund.railReference
  if (account?.adapter.inquireRefund === undefined || reference === null || !breaker.allows(account.id)) return
  const child = log.child({ refundId: refund.id, rail: account.rail, railAccountId: account.id })
  let result: RefundResult
  try {
    result = await askRail(options, account, refund, reference)
    breaker.answered(account.id)
  } catch (error) {
    if (error instanceof HttpCallError) breaker.failed(account.id)
    child.warn({ err: error }, 'inquiry about a refund failed; the next slot asks again')
    result = { kind: 'unknown', detail: error instanceof Error ? error.message : String(error) }
  }
  metrics.refundInquiries.inc({ rail: account.rail, result: result.kind })
  child.info({ result }, 'asked about a refund')
  if (result.kind !== 'unknown') {
    await recordAnswer({ ...options, canInquire: true }, refund.id, reference, result, async (locked, tx) => {
      const isOurs = account.adapter.capabilities.refundFoundBy !== 'payment' || (await isNamed(tx, locked, result))
      if (!isOurs) child.warn({ result }, 'the rail tells of a refund of this payment that may be another one')
      return isOurs
    })
  }
}

async function askRail(
  options: RefundRailOptions,
  account: OpenRailAccount,
  refund: RefundRecord,
  reference: string,
): Promise<RefundResult> {
  const { adapter } = account
  const paid = await readPaid(options.database, refund.tenantId, refund.settlementId)
  const order = paid === null ? null : await railOrderOf(options.database, refund, paid, reference)
  if (order === null) return { kind: 'unknown', detail: 'the payment is not on record' }
  const [railAccount, context] = adapterArguments(options, account)
  const first = adapter.inquireRefund?.(order, railAccount, context)
  if (first === undefined) return { kind: 'unknown', detail: 'the rail cannot be asked' }
  return await runSteps(
    first,
    (answer, state) =>
      readAnswerWithAnyKey(
        account,
        (candidate) => adapter.readRefundInquiry?.(answer, state, order, candidate, context) ?? first,
      ),
    options.call,
  )
}

/**
 * Where the rail tells of a payment's newest refund only: whether that can be none but this. Another sending of the same amount
 * may be what it speaks of, unless that one's own number is on record and differs.
 */
async function isNamed(tx: Transaction, refund: RefundRecord, result: RefundResult): Promise<boolean> {
  const told = 'railRefundId' in result ? result.railRefundId : null
  // The number it was accepted under.
  if (told !== null && told === refund.railRefundId) return true
  const paid = await readPaid(tx, refund.tenantId, refund.settlementId)
  const [{ sendings } = { sendings: 0 }] = await tx.query<{ sendings: number }>(
    `SELECT (count(*) FILTER (WHERE event = 'send') - count(*) FILTER (WHERE event = 'notSent'))::int AS sendings
       FROM refund_steps WHERE refund_id = $1 AND tenant_id = $2`,
    [refund.id, refund.tenantId],
  )
  const others = (paid?.refunds ?? []).filter(
    ({ id, amount, wasSent }) => id !== refund.id && amount === refund.amount && wasSent,
  )
  if (sendings > 1) return false
  return others.every(({ railRefundId }) => told !== null && railRefundId !== null && railRefundId !== told)
}
