/** Approving and rejecting: by another person than the one who asked, held here and by CHECKs of the table. */
import { gatewayActor } from '../domain/refund.ts'
import { channelFault, fits } from '../domain/refund-rules.ts'
import type { Environment } from '../environment.ts'
import { Problem } from '../problem/problem.ts'
import type { Transaction } from '../store/database.ts'
import { readPaid } from '../store/paid-money.ts'
import { channelFactsOf, missingOf, without } from './propose.ts'
import { channelProblem } from './refusals.ts'
import { checkStep, lockRefund, takeStep } from './step.ts'

type Approver = { readonly tenantId: string; readonly subject: string }

/** From REQUESTED; or from FAILED, which is then sent anew under a fresh reference. `version`: what the approver has looked at. */
export async function approveRefund(
  tx: Transaction,
  environment: Environment,
  approver: Approver,
  refundId: string,
  version: number,
): Promise<void> {
  const now = environment.now()
  const refund = await lockRefund(tx, approver.tenantId, refundId, version)
  checkStep(refund, 'approve', approver.subject)
  if (refund.origin === 'REVERSED')
    throw new Problem('REFUND_NOT_ALLOWED', {
      vi: 'Ngân hàng đã trả tiền cho người nộp: không có gì để hoàn. Ghi quyết định về khoản nợ rồi đóng hồ sơ.',
      en: 'The rail has given the money back already: there is nothing to send. Record what becomes of the debt and close the case.',
    })
  const missing = missingOf(refund)
  if (missing !== null || refund.requestedBy === gatewayActor || refund.channel === null)
    throw new Problem('REFUND_INCOMPLETE', missing ?? {})
  const paid = await readPaid(tx, approver.tenantId, refund.settlementId)
  if (paid === null) throw new Problem('NOT_FOUND')
  // Meanwhile the rail may have taken the payment back, or, while this one stood as failed, another may have taken its place.
  if (!fits(refund, without(paid, refund.id))) throw new Problem('REFUND_EXCEEDS_PAID')
  const fault = channelFault(refund.channel, channelFactsOf(paid, refund.amount, now))
  if (fault !== null) throw channelProblem(refund.channel, fault)
  await takeStep(tx, refund, {
    event: 'approve',
    at: now,
    actor: approver.subject,
    facts: { channel: refund.channel },
    set: {
      approved_by: approver.subject,
      approved_at: now,
      next_send_at: refund.channel === 'RAIL_REVERSAL' ? now : null,
      // Of an earlier sending that failed; its history stays in refund_steps.
      rail_reference: null,
      rail_refund_id: null,
      rail_detail: null,
      sent_at: null,
      inquiries: 0,
      needs_human: false,
      payout_order_id: null,
      result: null,
      result_reference: null,
      result_at: null,
      result_note: null,
      result_by: null,
      result_confirmed_by: null,
    },
  })
}

/** Nothing is sent. Before SENT only; a failed refund is given up. */
export async function rejectRefund(
  tx: Transaction,
  environment: Environment,
  approver: Approver,
  refundId: string,
  why: string,
): Promise<void> {
  const now = environment.now()
  const refund = await lockRefund(tx, approver.tenantId, refundId)
  checkStep(refund, 'reject', approver.subject)
  // What becomes of a debt takes two people; money that stays unreturned can be asked for again.
  if (refund.origin === 'REVERSED' && refund.requestedBy === gatewayActor)
    throw new Problem('REFUND_INCOMPLETE', {
      vi: 'Cán bộ phải ghi quyết định về khoản nợ (prepare) trước khi đóng hồ sơ.',
      en: 'An officer must first record what becomes of the debt (prepare).',
    })
  await takeStep(tx, refund, {
    event: 'reject',
    at: now,
    actor: approver.subject,
    words: { why },
    set: { rejected_by: approver.subject, rejected_at: now, next_send_at: null },
  })
}
