/**
 * Sending an approved refund to its rail, once. SENT and the reference are committed before the call, so a crash or a timeout
 * leaves something to ask about; what may have left is never sent again (rails.md rule 9).
 */
import type { RefundOrder } from '../../adapters/contract.ts'
import { gatewayActor } from '../domain/refund.ts'
import { fits } from '../domain/refund-rules.ts'
import { newId } from '../environment.ts'
import { HttpCallError, type HttpCaller } from '../network/http-caller.ts'
import type { OpenRailAccount } from '../rails/accounts.ts'
import { readAnswerWithAnyKey } from '../rails/any-key.ts'
import { runSteps } from '../rails/run-steps.ts'
import { readPaid } from '../store/paid-money.ts'
import { lockRefunds } from '../store/refunds.ts'
import { without } from './propose.ts'
import { adapterArguments, type RefundRailOptions, railAccountOf, railOrderOf } from './rail-order.ts'
import { type RailAnswer, recordAnswer } from './record-answer.ts'
import { postponeMs, sendLeaseMs } from './schedule.ts'
import { takeStep } from './step.ts'

export async function sendRefund(options: RefundRailOptions, refundId: string): Promise<void> {
  const { breaker, metrics, log } = options
  const account = await railAccountOf(options, refundId)
  const child = log.child({ refundId, rail: account?.rail, railAccountId: account?.id })
  if (account === null || account.adapter.refund === undefined) {
    child.error('a refund is approved for a rail account that cannot be used')
    await postpone(options, refundId, 'the rail account cannot be used', true)
    return
  }
  if (!breaker.allows(account.id)) {
    await postpone(options, refundId, 'the rail does not answer for now', false)
    return
  }
  const order = await commitSending(options, refundId)
  if (order === null) return
  const answer = await askRail(options, account, order)
  const recorded = await recordAnswer(
    { ...options, canInquire: account.adapter.inquireRefund !== undefined },
    refundId,
    order.refundId,
    answer,
  )
  metrics.refunds.inc({ rail: account.rail, result: recorded ?? 'late' })
  const level = recorded === null ? 'error' : answer.kind === 'unknown' ? 'warn' : 'info'
  child[level]({ answer, recorded }, 'refund sent')
}

/** SENT under its own reference; null when there is nothing to send (any more). */
async function commitSending(
  { database, environment }: RefundRailOptions,
  refundId: string,
): Promise<RefundOrder | null> {
  const now = environment.now()
  return await database.transaction(async (tx) => {
    const [refund] = await lockRefunds(tx, [refundId])
    if (refund === undefined || refund.status !== 'APPROVED' || refund.channel !== 'RAIL_REVERSAL') return null
    const paid = await readPaid(tx, refund.tenantId, refund.settlementId)
    const reference = refund.railReference ?? newId(environment, 'ref')
    const order = paid === null ? null : await railOrderOf(tx, refund, paid, reference)
    if (paid === null || order === null || !fits(refund, without(paid, refund.id))) {
      const why = 'the rail has taken the payment back'
      await takeStep(tx, refund, {
        event: 'block',
        at: now,
        actor: gatewayActor,
        facts: { why },
        set: { rail_detail: why, lease_until: null, next_send_at: null },
      })
      return null
    }
    // The claim saw none, but another replica may have been quicker. The unique index holds the same.
    const [underWay] = await tx.query(
      `SELECT id FROM refunds WHERE settlement_id = $1 AND tenant_id = $2 AND channel = 'RAIL_REVERSAL' AND status IN ('SENT', 'UNKNOWN')`,
      [refund.settlementId, refund.tenantId],
    )
    if (underWay !== undefined) {
      await tx.query('UPDATE refunds SET lease_until = NULL, next_send_at = $2 WHERE id = $1', [
        refund.id,
        new Date(now.getTime() + postponeMs),
      ])
      return null
    }
    await takeStep(tx, refund, {
      event: 'send',
      at: now,
      actor: gatewayActor,
      facts: { reference },
      set: {
        rail_reference: reference,
        sent_at: now,
        lease_until: new Date(now.getTime() + sendLeaseMs),
        next_send_at: null,
        needs_human: false,
      },
    })
    return order
  })
}

async function askRail(options: RefundRailOptions, account: OpenRailAccount, order: RefundOrder): Promise<RailAnswer> {
  const { adapter } = account
  const { breaker, log } = options
  // What may be repeated is a step before the refund itself: a token.
  let mayHaveLeft = false
  const call: HttpCaller = async (asked) => {
    try {
      const answer = await options.call(asked)
      mayHaveLeft ||= !asked.repeatable
      return answer
    } catch (error) {
      mayHaveLeft ||= !asked.repeatable && !(error instanceof HttpCallError && error.neverSent)
      throw error
    }
  }
  try {
    const [railAccount, context] = adapterArguments(options, account)
    const first = adapter.refund?.(order, railAccount, context)
    if (first === undefined) return { kind: 'notSent', detail: 'the rail makes no refunds' }
    const result = await runSteps(
      first,
      (answer, state) =>
        readAnswerWithAnyKey(
          account,
          (candidate) => adapter.readRefund?.(answer, state, order, candidate, context) ?? first,
        ),
      call,
    )
    breaker.answered(account.id)
    return result
  } catch (error) {
    if (error instanceof HttpCallError) breaker.failed(account.id)
    else log.error({ err: error, refund: order.refundId }, 'the answer to a refund could not be read')
    const detail = error instanceof Error ? error.message : String(error)
    return { kind: mayHaveLeft ? 'unknown' : 'notSent', detail }
  }
}

/** Gives a claimed refund back to the queue. */
async function postpone(
  { database, environment }: RefundRailOptions,
  refundId: string,
  detail: string,
  needsHuman: boolean,
): Promise<void> {
  const now = environment.now()
  await database.query(
    `UPDATE refunds SET lease_until = NULL, next_send_at = $2, rail_detail = $3, needs_human = $4, updated_at = $5
      WHERE id = $1 AND status = 'APPROVED'`,
    [refundId, new Date(now.getTime() + postponeMs), detail, needsHuman, now],
  )
}
