/**
 * Taking a collection back at the counter: asked for by one clerk, approved by another, booked as a reversal. Only while the cash
 * lies in the drawer it went into; after that it is a refund (docs/decisions/015).
 */
import { mayDecide } from '../domain/counter.ts'
import { type Environment, newId } from '../environment.ts'
import { lockInvoice } from '../payment/end-attempt.ts'
import { Problem } from '../problem/problem.ts'
import { takeBack } from '../settlement/take-back.ts'
import type { Transaction } from '../store/database.ts'
import { appendJournal } from '../store/journal.ts'
import { insertAll } from '../store/rows.ts'
import type { Clerk } from './shift.ts'

export type Correction = {
  readonly id: string
  readonly collectionId: string
  readonly shiftId: string
  readonly amount: bigint
  readonly reason: string
  readonly status: 'REQUESTED' | 'APPROVED' | 'REJECTED'
  readonly requestedBy: string
  readonly requestedAt: Date
  readonly decidedBy: string | null
  readonly decidedAt: Date | null
  readonly settlementId: string | null
}

type Drawer = { invoiceId: string; shiftId: string; railAccountId: string; rail: string; amount: bigint }

/** The collection's drawer, still open; its invoice and its shift are locked, in this order. */
async function lockDrawer(tx: Transaction, tenantId: string, collectionId: string): Promise<Drawer> {
  const [collection] = await tx.query<Drawer>(
    `SELECT c.invoice_id AS "invoiceId", c.shift_id AS "shiftId", c.rail_account_id AS "railAccountId", a.rail, c.amount
       FROM counter_collections c JOIN rail_accounts a ON a.id = c.rail_account_id WHERE c.id = $1 AND c.tenant_id = $2`,
    [collectionId, tenantId],
  )
  if (collection === undefined) throw new Problem('NOT_FOUND')
  await lockInvoice(tx, collection.invoiceId)
  const [shift] = await tx.query<{ status: string }>('SELECT status FROM counter_shifts WHERE id = $1 FOR UPDATE', [
    collection.shiftId,
  ])
  if (shift?.status !== 'OPEN') throw new Problem('CORRECTION_TOO_LATE')
  return collection
}

export async function requestCorrection(
  tx: Transaction,
  environment: Environment,
  clerk: Clerk,
  collectionId: string,
  reason: string,
): Promise<string> {
  const drawer = await lockDrawer(tx, clerk.tenantId, collectionId)
  const now = environment.now()
  const id = newId(environment, 'cor')
  const made = await insertAll(
    tx,
    'counter_corrections',
    [
      {
        id,
        tenant_id: clerk.tenantId,
        collection_id: collectionId,
        shift_id: drawer.shiftId,
        amount: drawer.amount,
        reason,
        status: 'REQUESTED',
        requested_by: clerk.subject,
        requested_at: now,
      },
    ],
    "ON CONFLICT (collection_id) WHERE status <> 'REJECTED' DO NOTHING RETURNING id",
  )
  if (made.length === 0) throw new Problem('CORRECTION_NOT_OPEN')
  await tell(tx, environment, clerk, 'counter.correction-requested', id, { collectionId })
  return id
}

/** The reversal is on record and the cash may be handed back once this has committed. */
export async function approveCorrection(
  tx: Transaction,
  environment: Environment,
  clerk: Clerk,
  correctionId: string,
): Promise<void> {
  const correction = await findCorrection(tx, clerk, correctionId)
  if (!mayDecide('approve', correction.requestedBy, clerk.subject)) throw new Problem('FOUR_EYES')
  const drawer = await lockDrawer(tx, clerk.tenantId, correction.collectionId)
  await lockRequested(tx, clerk, correctionId)
  const { row, settlementId } = await takeBack(
    tx,
    {
      tenantId: clerk.tenantId,
      rail: drawer.rail,
      railAccountId: drawer.railAccountId,
      railTransactionId: correction.collectionId,
      amount: drawer.amount,
      source: 'COUNTER',
      transferRail: false,
      terms: 'drawer',
      reason: correction.reason,
      evidence: { correction: correctionId, requestedBy: correction.requestedBy, approvedBy: clerk.subject },
    },
    environment,
  )
  // A refund of this very money is under way.
  if (settlementId === null)
    throw new Problem('CORRECTION_TOO_LATE', {
      vi: `Không lập được bút toán hoàn (${row.rule}): xem yêu cầu hoàn tiền.`,
      en: `It cannot be taken back (${row.rule}): look at its refund.`,
    })
  await decide(tx, environment, clerk, correctionId, 'APPROVED', settlementId)
  await tell(tx, environment, clerk, 'counter.correction-approved', correctionId, { settlementId })
}

/** By another officer, or withdrawn by whoever asked. */
export async function rejectCorrection(
  tx: Transaction,
  environment: Environment,
  clerk: Clerk,
  correctionId: string,
): Promise<void> {
  const correction = await findCorrection(tx, clerk, correctionId)
  await lockDrawer(tx, clerk.tenantId, correction.collectionId)
  await lockRequested(tx, clerk, correctionId)
  await decide(tx, environment, clerk, correctionId, 'REJECTED', null)
  await tell(tx, environment, clerk, 'counter.correction-rejected', correctionId, {})
}

async function findCorrection(tx: Transaction, { tenantId }: Clerk, id: string): Promise<Correction> {
  const [correction] = await readCorrections(tx, tenantId, { id, limit: 1 })
  if (correction === undefined) throw new Problem('NOT_FOUND')
  return correction
}

async function lockRequested(tx: Transaction, { tenantId }: Clerk, id: string): Promise<void> {
  const [locked] = await tx.query<{ status: string }>(
    'SELECT status FROM counter_corrections WHERE id = $1 AND tenant_id = $2 FOR UPDATE',
    [id, tenantId],
  )
  if (locked?.status !== 'REQUESTED') throw new Problem('CORRECTION_NOT_OPEN')
}

async function decide(
  tx: Transaction,
  environment: Environment,
  clerk: Clerk,
  id: string,
  status: 'APPROVED' | 'REJECTED',
  settlementId: string | null,
): Promise<void> {
  await tx.query(
    `UPDATE counter_corrections SET status = $3, decided_by = $4, decided_at = $5, settlement_id = $6 WHERE id = $1 AND tenant_id = $2`,
    [id, clerk.tenantId, status, clerk.subject, environment.now(), settlementId],
  )
}

async function tell(
  tx: Transaction,
  environment: Environment,
  clerk: Clerk,
  kind: string,
  subject: string,
  facts: Readonly<Record<string, string>>,
): Promise<void> {
  await appendJournal(tx, [
    { tenantId: clerk.tenantId, at: environment.now(), kind, subject, actor: clerk.subject, facts },
  ])
}

export type CorrectionFilter = {
  readonly id?: string
  readonly shiftId?: string
  readonly status?: Correction['status']
  readonly before?: string
  readonly limit: number
}

export async function readCorrections(
  source: Pick<Transaction, 'query'>,
  tenantId: string,
  filter: CorrectionFilter,
): Promise<Correction[]> {
  return await source.query<Correction>(
    `SELECT id, collection_id AS "collectionId", shift_id AS "shiftId", amount, reason, status, requested_by AS "requestedBy",
            requested_at AS "requestedAt", decided_by AS "decidedBy", decided_at AS "decidedAt", settlement_id AS "settlementId"
       FROM counter_corrections
      WHERE tenant_id = $1
        AND ($2::text IS NULL OR id = $2)
        AND ($3::text IS NULL OR shift_id = $3)
        AND ($4::text IS NULL OR status = $4)
        AND ($5::text IS NULL OR id < $5)
      ORDER BY id DESC LIMIT $6`,
    [tenantId, filter.id ?? null, filter.shiftId ?? null, filter.status ?? null, filter.before ?? null, filter.limit],
  )
}
