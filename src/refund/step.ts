/** A step that a person or the gateway wants to take: checked against the table and the four-eyes rule, then written. */
import { isAnotherPerson, type RefundEvent, stepOf } from '../domain/refund.ts'
import { Problem } from '../problem/problem.ts'
import type { Transaction } from '../store/database.ts'
import { lockRefunds, type RefundRecord, type Step, writeStep } from '../store/refunds.ts'
import { fourEyesProblem, stateProblem } from './refusals.ts'

/** The refund, its invoice and its settlement, locked. With a version: as somebody has looked at it, or not at all. */
export async function lockRefund(
  tx: Transaction,
  tenantId: string,
  id: string,
  version?: number,
): Promise<RefundRecord> {
  const [refund] = await lockRefunds(tx, [id], tenantId)
  if (refund === undefined) throw new Problem('NOT_FOUND')
  if (version !== undefined && refund.steps !== version)
    throw new Problem('REFUND_WRONG_STATE', {
      vi: 'Yêu cầu hoàn đã thay đổi sau khi mở xem: xem lại rồi quyết định.',
      en: 'The refund has changed since it was looked at: look again, then decide.',
    })
  return refund
}

/** Throws when the table or the four-eyes rule forbids it; changes nothing. */
export function checkStep(refund: RefundRecord, event: RefundEvent, actor: string): void {
  const step = stepOf(refund.status, event, refund.channel)
  if (step === null) throw stateProblem(refund, event)
  if (step.notBy === 'requester' && !isAnotherPerson(actor, refund.requestedBy)) throw fourEyesProblem('requester')
  if (step.notBy === 'reporter' && !isAnotherPerson(actor, refund.resultBy)) throw fourEyesProblem('reporter')
}

export async function takeStep(tx: Transaction, refund: RefundRecord, step: Omit<Step, 'to'>): Promise<void> {
  checkStep(refund, step.event, step.actor)
  const to = stepOf(refund.status, step.event, refund.channel)?.to
  if (to === undefined) throw stateProblem(refund, step.event)
  await writeStep(tx, refund, { ...step, to })
}
