/** Asking for a refund of a payment: by an officer, or by a portal whose dossier was not granted. */
import type { RefundOrigin } from '../domain/refund.ts'
import { reasonRules } from '../domain/refund-rules.ts'
import { type Environment, newId } from '../environment.ts'
import { Problem } from '../problem/problem.ts'
import type { Vault } from '../secrets/vault.ts'
import type { Transaction } from '../store/database.ts'
import { appendJournal } from '../store/journal.ts'
import { type PaidRecord, readPaid } from '../store/paid-money.ts'
import { lockPayments, openingStep } from '../store/refunds.ts'
import { insertAll } from '../store/rows.ts'
import { sealPayee } from './payee.ts'
import { proposalColumns, propose, type RefundProposal } from './propose.ts'

export type Asker = {
  readonly tenantId: string
  /** A client id or an officer's subject. */
  readonly actor: string
  readonly as: 'portal' | 'officer'
}

/** Returns the id of the new request. */
export async function requestRefund(
  tx: Transaction,
  environment: Environment,
  asker: Asker,
  settlementId: string,
  proposal: RefundProposal,
  vault: Vault,
): Promise<string> {
  const now = environment.now()
  const paid = await lockPaid(tx, asker.tenantId, settlementId)
  const proposed = propose(proposal, asker.as, paid, now)
  const id = newId(environment, 'ref')
  const origin = originOf(paid, proposal)
  const payee = await sealPayee(vault, { tenantId: asker.tenantId, id }, proposal.payee ?? null)
  await insertAll(tx, 'refunds', [
    {
      id,
      tenant_id: asker.tenantId,
      settlement_id: settlementId,
      invoice_id: paid.invoiceId,
      origin,
      status: 'REQUESTED',
      ...proposalColumns(proposal, proposed, payee),
      requested_by: asker.actor,
      created_at: now,
      updated_at: now,
      steps: 1,
      inquiries: 0,
      needs_human: false,
    },
  ])
  const facts = { reason: proposal.reason, amount: proposed.amount.toString(), channel: proposed.channel }
  await insertAll(tx, 'refund_steps', [openingStep({ id, tenantId: asker.tenantId }, now, asker.actor, facts)])
  await appendJournal(tx, [
    {
      tenantId: asker.tenantId,
      at: now,
      kind: 'refund.open',
      subject: id,
      actor: asker.actor,
      facts: { ...facts, settlementId, invoiceId: paid.invoiceId, legalBasis: proposal.legalBasis },
    },
  ])
  return id
}

/** The settlement that paid an invoice of this tenant (and client, when a portal asks). Throws NOT_FOUND or INVOICE_NOT_PAID. */
export async function settlementOfInvoice(
  tx: Transaction,
  owner: { readonly tenantId: string; readonly clientId?: string },
  invoiceId: string,
): Promise<string> {
  const [invoice] = await tx.query<{ settlement_id: string | null }>(
    `SELECT s.id AS settlement_id FROM invoices i
       LEFT JOIN settlements s ON s.invoice_id = i.id AND s.disposition IN ('APPLIED', 'OVERPAID')
      WHERE i.id = $1 AND i.tenant_id = $2 AND ($3::text IS NULL OR i.client_id = $3)`,
    [invoiceId, owner.tenantId, owner.clientId ?? null],
  )
  if (invoice === undefined) throw new Problem('NOT_FOUND')
  if (invoice.settlement_id === null) throw new Problem('INVOICE_NOT_PAID')
  return invoice.settlement_id
}

async function lockPaid(tx: Transaction, tenantId: string, settlementId: string): Promise<PaidRecord> {
  const [place] = await tx.query<{ invoice_id: string | null; settlement_id: string }>(
    'SELECT invoice_id, id AS settlement_id FROM settlements WHERE id = $1 AND tenant_id = $2',
    [settlementId, tenantId],
  )
  if (place === undefined) throw new Problem('NOT_FOUND')
  await lockPayments(tx, [place])
  // Read after the lock: whoever held it before may have taken some.
  const paid = await readPaid(tx, tenantId, settlementId)
  if (paid === null) throw new Problem('NOT_FOUND')
  return paid
}

function originOf(paid: PaidRecord, { reason }: RefundProposal): RefundOrigin {
  if (reasonRules[reason].money === 'COLLECTED' || paid.disposition === 'APPLIED') return 'REQUEST'
  return paid.disposition
}
