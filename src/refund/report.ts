/**
 * What no machine can tell: the result of a payout, or of a rail refund that inquiry gave up on. One officer reports it with the
 * bank's reference, another confirms.
 */
import type { Environment } from '../environment.ts'
import { Problem } from '../problem/problem.ts'
import { settleRefund } from '../settlement/refund.ts'
import type { Transaction } from '../store/database.ts'
import { stateProblem } from './refusals.ts'
import { checkStep, lockRefund, takeStep } from './step.ts'

export type RefundReport = {
  readonly result: 'DONE' | 'FAILED'
  /** The bank's number of the payout, or of its refusal. */
  readonly reference: string
  /** When the bank moved the money. */
  readonly at?: Date | undefined
  readonly note?: string | undefined
}

type Officer = { readonly tenantId: string; readonly subject: string }

/** A new report takes the place of one nobody has confirmed. */
export async function reportRefund(
  tx: Transaction,
  environment: Environment,
  officer: Officer,
  refundId: string,
  report: RefundReport,
): Promise<void> {
  const now = environment.now()
  const refund = await lockRefund(tx, officer.tenantId, refundId)
  checkStep(refund, 'report', officer.subject)
  // As long as the rail is being asked, its own word comes first.
  if (refund.status === 'UNKNOWN' && !refund.needsHuman) throw stateProblem(refund, 'report')
  if (report.at !== undefined && report.at > now)
    throw new Problem('INVALID_REQUEST', {
      errors: [{ field: 'at', code: 'in_future', vi: 'chưa tới thời điểm này', en: 'lies in the future' }],
    })
  await takeStep(tx, refund, {
    event: 'report',
    at: now,
    actor: officer.subject,
    facts: { result: report.result },
    words: { reference: report.reference, note: report.note ?? null },
    set: {
      result: report.result,
      result_reference: report.reference,
      result_at: report.at ?? null,
      result_note: report.note ?? null,
      result_by: officer.subject,
    },
  })
}

/** `version` is what the confirming officer has looked at: a report that changed since is not confirmed. */
export async function confirmReport(
  tx: Transaction,
  environment: Environment,
  officer: Officer,
  refundId: string,
  version: number,
): Promise<void> {
  const now = environment.now()
  const refund = await lockRefund(tx, officer.tenantId, refundId, version)
  const event = refund.result === 'FAILED' ? 'confirmFailed' : 'confirmDone'
  if (refund.result === null) throw stateProblem(refund, event)
  checkStep(refund, event, officer.subject)
  if (event === 'confirmDone') {
    const booked = await settleRefund(tx, environment, refund, {
      event,
      actor: officer.subject,
      refundedAt: refund.resultAt ?? now,
      reference: refund.resultReference,
      set: { result_confirmed_by: officer.subject },
    })
    if (!booked) throw stateProblem(refund, event)
    return
  }
  await takeStep(tx, refund, {
    event,
    at: now,
    actor: officer.subject,
    words: { reference: refund.resultReference },
    set: { result_confirmed_by: officer.subject, needs_human: false, next_inquiry_at: null, lease_until: null },
  })
}
