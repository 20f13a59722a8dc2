/**
 * An officer shapes a request: gives a case its reason, basis, channel and payee, changes a portal's request, or sends a failed
 * refund another way. Whoever does has made the request, so another person must approve it.
 */
import { moneyOf, reasonRules } from '../domain/refund-rules.ts'
import type { Environment } from '../environment.ts'
import { Problem } from '../problem/problem.ts'
import type { Vault } from '../secrets/vault.ts'
import type { Transaction } from '../store/database.ts'
import { readPaid } from '../store/paid-money.ts'
import { sealPayee } from './payee.ts'
import { checkReason, proposalColumns, propose, type RefundProposal, without } from './propose.ts'
import { allotmentProblem } from './refusals.ts'
import { checkStep, lockRefund, takeStep } from './step.ts'

export async function prepareRefund(
  tx: Transaction,
  environment: Environment,
  officer: { readonly tenantId: string; readonly subject: string },
  refundId: string,
  proposal: RefundProposal,
  vault: Vault,
): Promise<void> {
  const now = environment.now()
  const refund = await lockRefund(tx, officer.tenantId, refundId)
  checkStep(refund, 'prepare', officer.subject)
  const paid = await readPaid(tx, officer.tenantId, refund.settlementId)
  if (paid === null) throw new Problem('NOT_FOUND')
  const money = moneyOf(refund.origin)
  if (reasonRules[proposal.reason].money !== money)
    throw allotmentProblem({ ok: false, why: 'wrongMoney', lines: [], left: 0n }, proposal.reason, paid)
  // Of a payment that the rail took back there is nothing to send: only what becomes of the debt is recorded.
  if (money === 'NONE') checkReason(proposal, 'officer')
  const proposed = money === 'NONE' ? null : propose(proposal, 'officer', without(paid, refund.id), now)
  const payee = await sealPayee(vault, refund, proposal.payee ?? null)
  await takeStep(tx, refund, {
    event: 'prepare',
    at: now,
    actor: officer.subject,
    facts: {
      reason: proposal.reason,
      legalBasis: proposal.legalBasis,
      amount: (proposed?.amount ?? refund.amount).toString(),
      channel: proposed?.channel ?? null,
      requestedBefore: refund.requestedBy,
    },
    set: {
      ...proposalColumns(proposal, proposed, payee),
      requested_by: officer.subject,
      approved_by: null,
      approved_at: null,
    },
  })
}
