/**
 * Payout orders: what no rail can give back is written into an order for the agency's bank or the Treasury. FeeGate moves no
 * money; officers carry the order out and report what became of each line.
 */

import { foldToLatin } from '../domain/fold.ts'
import type { payoutChannels, RefundStatus } from '../domain/refund.ts'
import { fits } from '../domain/refund-rules.ts'
import { type Environment, newId } from '../environment.ts'
import { Problem } from '../problem/problem.ts'
import type { Vault } from '../secrets/vault.ts'
import type { Transaction } from '../store/database.ts'
import { readPaid } from '../store/paid-money.ts'
import { lockRefunds, type Payee } from '../store/refunds.ts'
import { insertAll } from '../store/rows.ts'
import { openPayee, type PayeeColumns } from './payee.ts'
import { without } from './propose.ts'
import { takeStep } from './step.ts'

export type PayoutChannel = (typeof payoutChannels)[number]

/** Lines of one order: what an officer can check and a bank takes in one file. */
export const mostPayoutLines = 200

/** Puts what is approved for this channel and account into one order, oldest first. Returns its id. */
export async function makePayoutOrder(
  tx: Transaction,
  environment: Environment,
  officer: { readonly tenantId: string; readonly subject: string },
  { channel, beneficiaryAccountId }: { readonly channel: PayoutChannel; readonly beneficiaryAccountId: string },
): Promise<string> {
  const { tenantId, subject } = officer
  const now = environment.now()
  const waiting = await tx.query<{ id: string }>(
    `SELECT r.id FROM refunds r
       JOIN settlements s ON s.id = r.settlement_id
       JOIN rail_accounts a ON a.id = s.rail_account_id
       LEFT JOIN invoices i ON i.id = r.invoice_id
      WHERE r.tenant_id = $1 AND r.status = 'APPROVED' AND r.channel = $2
        AND coalesce(i.beneficiary_account_id, a.beneficiary_account_id) = $3
      ORDER BY r.id LIMIT ${mostPayoutLines}`,
    [tenantId, channel, beneficiaryAccountId],
  )
  const refunds = await lockRefunds(
    tx,
    waiting.map(({ id }) => id),
    tenantId,
  )
  // Another officer's order may have taken some while this one waited for the locks.
  const ours = refunds.filter((refund) => refund.status === 'APPROVED' && refund.channel === channel)
  if (ours.length === 0) throw new Problem('NOTHING_TO_PAY_OUT')
  const orderId = newId(environment, 'pob')
  await insertAll(tx, 'payout_orders', [
    {
      id: orderId,
      tenant_id: tenantId,
      channel,
      beneficiary_account_id: beneficiaryAccountId,
      created_by: subject,
      created_at: now,
    },
  ])
  for (const refund of ours) {
    const paid = await readPaid(tx, tenantId, refund.settlementId)
    if (paid === null || !fits(refund, without(paid, refund.id))) {
      await takeStep(tx, refund, {
        event: 'block',
        at: now,
        actor: subject,
        set: { rail_detail: 'the rail has taken the payment back' },
      })
      continue
    }
    await takeStep(tx, refund, {
      event: 'send',
      at: now,
      actor: subject,
      facts: { payoutOrderId: orderId },
      set: { payout_order_id: orderId, rail_reference: newId(environment, 'ref'), sent_at: now },
    })
  }
  return orderId
}

export type PayoutOrder = {
  readonly id: string
  readonly channel: PayoutChannel
  readonly from: { readonly accountNumber: string; readonly accountName: string; readonly bankBin: string }
  readonly beneficiaryAccountId: string
  readonly createdBy: string
  readonly createdAt: Date
  readonly count: number
  readonly total: bigint
}

export type PayoutLine = {
  readonly refundId: string
  /** Ours, unique to this payout: it stands in the content, so that a statement's line finds its refund. */
  readonly reference: string
  readonly status: RefundStatus
  readonly amount: bigint
  /** Null once its time is over and it is erased. */
  readonly payee: Payee | null
  readonly content: string
  readonly dossierCode: string | null
  readonly reason: string
  readonly legalBasis: string
  readonly requestedBy: string
  readonly approvedBy: string
  readonly railTransactionId: string
  readonly paidAt: Date
}

/** Newest first. */
export async function readPayoutOrders(
  source: Pick<Transaction, 'query'>,
  tenantId: string,
  filter: { readonly id?: string; readonly before?: string; readonly channel?: PayoutChannel; readonly limit: number },
): Promise<PayoutOrder[]> {
  const rows = await source.query<
    Omit<PayoutOrder, 'from'> & { account_number: string; account_name: string; bank_bin: string }
  >(
    `SELECT o.id, o.channel, o.beneficiary_account_id AS "beneficiaryAccountId", o.created_by AS "createdBy", o.created_at AS "createdAt",
            b.account_number, b.account_name, b.bank_bin,
            (SELECT count(*)::int FROM refunds r WHERE r.payout_order_id = o.id) AS count,
            (SELECT coalesce(sum(r.amount), 0)::bigint FROM refunds r WHERE r.payout_order_id = o.id) AS total
       FROM payout_orders o JOIN beneficiary_accounts b ON b.id = o.beneficiary_account_id
      WHERE o.tenant_id = $1 AND ($2::text IS NULL OR o.id = $2) AND ($3::text IS NULL OR o.id < $3) AND ($4::text IS NULL OR o.channel = $4)
      ORDER BY o.id DESC LIMIT $5`,
    [tenantId, filter.id ?? null, filter.before ?? null, filter.channel ?? null, filter.limit],
  )
  return rows.map(({ account_number, account_name, bank_bin, ...order }) => ({
    ...order,
    from: { accountNumber: account_number, accountName: account_name, bankBin: bank_bin },
  }))
}

export async function readPayoutLines(
  source: Pick<Transaction, 'query'>,
  tenantId: string,
  orderId: string,
  vault: Vault,
): Promise<PayoutLine[]> {
  const rows = await source.query<Omit<PayoutLine, 'content' | 'payee'> & PayeeColumns>(
    `SELECT r.id AS "refundId", r.rail_reference AS reference, r.status, r.amount, r.payee, r.master_key_id, r.data_key, r.sealed, i.dossier_code AS "dossierCode", r.reason,
            r.legal_basis AS "legalBasis", r.requested_by AS "requestedBy", r.approved_by AS "approvedBy",
            s.rail_transaction_id AS "railTransactionId", s.paid_at AS "paidAt"
       FROM refunds r JOIN settlements s ON s.id = r.settlement_id LEFT JOIN invoices i ON i.id = r.invoice_id
      WHERE r.tenant_id = $1 AND r.payout_order_id = $2 ORDER BY r.id`,
    [tenantId, orderId],
  )
  return await Promise.all(
    rows.map(async ({ master_key_id, data_key, sealed, ...row }) => ({
      ...row,
      payee: await openPayee(vault, { ...row, master_key_id, data_key, sealed, tenantId, id: row.refundId }),
      content: contentOf(row.reference, row.dossierCode),
    })),
  )
}

/** Latin letters, digits and spaces (rails.md §2.4), the reference first: banks cut long contents at the end. */
function contentOf(reference: string, dossierCode: string | null): string {
  return foldToLatin(`HOANTIEN ${reference.slice('ref_'.length).toUpperCase()} ${dossierCode ?? ''}`, 100)
}
