/** What a rail said of a refund, written down: by the call that sent it, or by an inquiry. */
import type { RefundResult } from '../../adapters/contract.ts'
import { gatewayActor, stepOf } from '../domain/refund.ts'
import type { Environment } from '../environment.ts'
import { settleRefund } from '../settlement/refund.ts'
import type { Database, Transaction } from '../store/database.ts'
import { appendJournal } from '../store/journal.ts'
import { lockRefunds, type RefundRecord } from '../store/refunds.ts'
import { nextRefundInquiryAt, resendAfterMs } from './schedule.ts'
import { takeStep } from './step.ts'

export type RailAnswer = RefundResult | { readonly kind: 'notSent'; readonly detail: string }

export type AnswerContext = {
  readonly database: Database
  readonly environment: Environment
  /** The rail can be asked what became of a refund. */
  readonly canInquire: boolean
}

/**
 * Takes the step that the answer stands for. Null when it took none: the refund is final, or has been sent anew under another
 * reference since. Money moved for nothing is then at least shown to a human.
 */
export async function recordAnswer(
  { database, environment, canInquire }: AnswerContext,
  refundId: string,
  reference: string,
  answer: RailAnswer,
  isAbout: (refund: RefundRecord, tx: Transaction) => Promise<boolean> = () => Promise.resolve(true),
): Promise<RailAnswer['kind'] | null> {
  return await database.transaction(async (tx) => {
    const [refund] = await lockRefunds(tx, [refundId])
    if (refund === undefined || !(await isAbout(refund, tx))) return null
    const isCurrent = refund.railReference === reference
    if (isCurrent && (await write(tx, environment, canInquire, refund, answer))) return answer.kind
    if (answer.kind === 'done' && !(isCurrent && refund.status === 'DONE'))
      await flag(tx, refund, reference, environment.now())
    return null
  })
}

/** The rail moved money for a sending that people have given up: only they can tell what that means now. */
async function flag(tx: Transaction, refund: RefundRecord, reference: string, now: Date): Promise<void> {
  await tx.query(
    'UPDATE refunds SET needs_human = true, rail_detail = $3, updated_at = $4 WHERE id = $1 AND tenant_id = $2',
    [refund.id, refund.tenantId, `done after all under ${reference}, which was given up`, now],
  )
  await appendJournal(tx, [
    {
      tenantId: refund.tenantId,
      at: now,
      kind: 'refund.contradicted',
      subject: refund.id,
      actor: gatewayActor,
      facts: { reference, status: refund.status },
    },
  ])
}

async function write(
  tx: Transaction,
  environment: Environment,
  canInquire: boolean,
  refund: RefundRecord,
  answer: RailAnswer,
): Promise<boolean> {
  const now = environment.now()
  const by = { at: now, actor: gatewayActor }
  switch (answer.kind) {
    case 'done':
      return await settleRefund(tx, environment, refund, {
        event: 'done',
        actor: gatewayActor,
        refundedAt: now,
        reference: answer.railRefundId,
        set: { rail_refund_id: answer.railRefundId, rail_detail: 'done' },
      })
    case 'accepted': {
      if (!canInquire)
        return await loseSight(tx, refund, { at: now, canInquire, detail: `accepted: ${answer.railRefundId}` })
      if (stepOf(refund.status, 'accept', refund.channel) === null) return false
      // Told before: nothing new, and no step for every inquiry.
      if (refund.railRefundId === answer.railRefundId) return false
      const next = refund.nextInquiryAt ?? nextRefundInquiryAt(refund.sentAt ?? now, true, now)
      await takeStep(tx, refund, {
        ...by,
        event: 'accept',
        facts: { reference: answer.railRefundId },
        set: {
          rail_refund_id: answer.railRefundId,
          rail_detail: 'accepted',
          lease_until: null,
          next_inquiry_at: next,
          needs_human: next === null,
        },
      })
      return true
    }
    case 'refused': {
      if (stepOf(refund.status, 'fail', refund.channel) === null) return false
      const detail = `${answer.railCode}: ${answer.message}`.slice(0, 300)
      await takeStep(tx, refund, {
        ...by,
        event: 'fail',
        words: { detail },
        set: { rail_detail: detail, lease_until: null, next_inquiry_at: null, needs_human: false },
      })
      return true
    }
    case 'unknown':
      return await loseSight(tx, refund, { at: now, canInquire, detail: answer.detail })
    case 'notSent': {
      if (stepOf(refund.status, 'notSent', refund.channel) === null) return false
      const [{ failures } = { failures: 0 }] = await tx.query<{ failures: number }>(
        `SELECT count(*)::int AS failures FROM refund_steps WHERE refund_id = $1 AND tenant_id = $2 AND event = 'notSent'`,
        [refund.id, refund.tenantId],
      )
      await takeStep(tx, refund, {
        ...by,
        event: 'notSent',
        words: { detail: answer.detail.slice(0, 300) },
        set: {
          rail_detail: answer.detail.slice(0, 300),
          lease_until: null,
          sent_at: null,
          next_send_at: new Date(now.getTime() + resendAfterMs(failures + 1)),
        },
      })
      return true
    }
  }
}

/** It may have happened: UNKNOWN, asked about where the rail can be asked, else for a human. False when it is not SENT any more. */
export async function loseSight(
  tx: Transaction,
  refund: RefundRecord,
  { at, canInquire, detail, isOver = false }: { at: Date; canInquire: boolean; detail: string; isOver?: boolean },
): Promise<boolean> {
  if (stepOf(refund.status, 'lose', refund.channel) === null) return false
  const next = canInquire && !isOver ? nextRefundInquiryAt(refund.sentAt ?? at, false, at) : null
  await takeStep(tx, refund, {
    event: 'lose',
    at,
    actor: gatewayActor,
    words: { detail: detail.slice(0, 300) },
    set: { rail_detail: detail.slice(0, 300), lease_until: null, next_inquiry_at: next, needs_human: next === null },
  })
  return true
}
