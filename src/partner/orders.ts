/** A sender's orders: a reference of theirs for an invoice of ours. They make no debt and hold no money. */
import type { SenderCode } from '../../adapters/national-portal/sender/account.ts'
import type { SenderOrder } from '../../adapters/national-portal/sender/init.ts'
import type { SenderStanding, StandingOrder } from '../../adapters/national-portal/sender/question.ts'
import { type Environment, newId } from '../environment.ts'
import { lockInvoice } from '../payment/end-attempt.ts'
import type { Transaction } from '../store/database.ts'
import { appendJournal } from '../store/journal.ts'
import { insertAll } from '../store/rows.ts'
import { type Candidate, chooseInvoice } from './choose.ts'
import type { Partner } from './partners.ts'

export type Placed =
  | { readonly ok: true; readonly orderId: string; readonly payToken: string; readonly isNew: boolean }
  | { readonly ok: false; readonly code: SenderCode; readonly detail: string }

/** The same order again finds its first; the same reference with another content is refused (lesson 1 of domain.md §8.1). */
export async function placeOrder(
  tx: Transaction,
  environment: Environment,
  partner: Partner,
  order: SenderOrder,
): Promise<Placed> {
  // One message under a reference at a time, before any row lock (docs/architecture.md).
  await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [
    `partner order ${partner.id} ${order.reference}`,
  ])
  const [known] = await tx.query<{ id: string; fingerprint: Buffer; pay_token: string }>(
    `SELECT o.id, o.fingerprint, i.pay_token FROM partner_orders o JOIN invoices i ON i.id = o.invoice_id
      WHERE o.partner_id = $1 AND o.reference = $2 AND o.tenant_id = $3`,
    [partner.id, order.reference, partner.tenantId],
  )
  if (known !== undefined)
    return known.fingerprint.equals(order.fingerprint)
      ? { ok: true, orderId: known.id, payToken: known.pay_token, isNew: false }
      : { ok: false, code: 'referenceReused', detail: 'the reference stands for another order' }
  if (partner.status !== 'ACTIVE') return { ok: false, code: 'unavailable', detail: 'the partner is paused' }

  const first = chooseInvoice(await readCandidates(tx, partner, order), order, environment.now())
  if (!first.ok) return first
  await lockInvoice(tx, first.invoice.id)
  // Again under its lock: it may have been paid meanwhile, and an order that comes after its result would wait for ever.
  const choice = chooseInvoice(await readCandidates(tx, partner, order), order, environment.now())
  if (!choice.ok) return choice
  const now = environment.now()
  const orderId = newId(environment, 'pto')
  await insertAll(tx, 'partner_orders', [
    {
      id: orderId,
      tenant_id: partner.tenantId,
      partner_id: partner.id,
      reference: order.reference,
      invoice_id: choice.invoice.id,
      amount: order.amount,
      init_time: order.initTime,
      description: order.description,
      fingerprint: order.fingerprint,
      created_at: now,
    },
  ])
  await appendJournal(tx, [
    {
      tenantId: partner.tenantId,
      at: now,
      kind: 'partner.order',
      subject: orderId,
      actor: `partner:${partner.id}`,
      facts: { invoiceId: choice.invoice.id, reference: order.reference, amount: order.amount.toString() },
    },
  ])
  return { ok: true, orderId, payToken: choice.invoice.payToken, isNew: true }
}

async function readCandidates(tx: Transaction, partner: Partner, order: SenderOrder): Promise<Candidate[]> {
  return await tx.query<Candidate>(
    `SELECT i.id, i.status, i.total, i.expires_at AS "expiresAt", b.account_number AS "beneficiaryAccount", i.pay_token AS "payToken"
       FROM invoices i JOIN beneficiary_accounts b ON b.id = i.beneficiary_account_id
      WHERE i.tenant_id = $1
        AND ($2::text IS NULL OR i.pay_code = $2)
        AND ($3::text IS NULL OR i.dossier_code = $3)
        AND (cardinality($4::text[]) = 0 OR i.collecting_agency_code = ANY ($4))
      ORDER BY i.id`,
    [partner.tenantId, order.payCode, order.dossierCode, partner.agencyCodes],
  )
}

export type KnownOrder = StandingOrder & {
  readonly id: string
  readonly invoiceId: string
  readonly initTime: string
  readonly standing: SenderStanding
  /** For the confirmation of a payment. */
  readonly invoice: {
    readonly agencyName: string
    readonly dossierCode: string
    readonly payCode: string
    readonly lines: readonly { readonly name: string; readonly amount: bigint }[]
  }
}

type OrderRow = {
  id: string
  invoice_id: string
  reference: string
  amount: bigint
  description: string
  init_time: string
  status: string
  newest: boolean
  settlement_id: string | null
  paid_at: Date | null
  taken_back: boolean
  under_way: boolean
  agency_name: string
  dossier_code: string
  pay_code: string
  lines: { name: string; amount: string }[]
}

/** An order and what became of its invoice; null when the partner has no such order. */
export async function readOrder(
  source: Pick<Transaction, 'query'>,
  partner: Partner,
  reference: string,
): Promise<KnownOrder | null> {
  const [row] = await source.query<OrderRow>(
    `SELECT o.id, o.invoice_id, o.reference, o.amount, o.description, o.init_time, i.status,
            NOT EXISTS (SELECT 1 FROM partner_orders n WHERE n.partner_id = o.partner_id AND n.invoice_id = o.invoice_id AND n.id > o.id) AS newest,
            s.id AS settlement_id, s.paid_at,
            EXISTS (SELECT 1 FROM settlements r WHERE r.rail_account_id = s.rail_account_id
                       AND r.rail_transaction_id = s.rail_transaction_id AND r.direction = 'OUT') AS taken_back,
            EXISTS (SELECT 1 FROM payments y WHERE y.invoice_id = i.id AND y.status IN ('CREATED', 'REDIRECTED', 'UNKNOWN')) AS under_way,
            a.name_vi AS agency_name, i.dossier_code, i.pay_code,
            (SELECT json_agg(json_build_object('name', t.name_vi, 'amount', t.net::text) ORDER BY t.line_no)
               FROM invoice_items t WHERE t.invoice_id = i.id) AS lines
       FROM partner_orders o
       JOIN invoices i ON i.id = o.invoice_id
       JOIN agencies a ON a.code = i.collecting_agency_code
       LEFT JOIN settlements s ON s.invoice_id = i.id AND s.disposition IN ('APPLIED', 'OVERPAID')
      WHERE o.tenant_id = $1 AND o.partner_id = $2 AND o.reference = $3`,
    [partner.tenantId, partner.id, reference],
  )
  if (row === undefined) return null
  return {
    id: row.id,
    invoiceId: row.invoice_id,
    reference: row.reference,
    amount: row.amount,
    description: row.description,
    initTime: row.init_time,
    standing: standingOf(row),
    invoice: {
      agencyName: row.agency_name,
      dossierCode: row.dossier_code,
      payCode: row.pay_code,
      lines: row.lines.map(({ name, amount }) => ({ name, amount: BigInt(amount) })),
    },
  }
}

/** Success belongs to the newest order of a partner for its debt: an older one was given up for it. */
function standingOf(row: OrderRow): SenderStanding {
  if (!row.newest) return { kind: 'failed' }
  if (row.settlement_id !== null && row.paid_at !== null)
    return row.taken_back ? { kind: 'pending' } : { kind: 'paid', settlementId: row.settlement_id, paidAt: row.paid_at }
  const isOpen = row.status === 'ISSUED' || row.status === 'PAYING'
  return isOpen || row.under_way ? { kind: 'pending' } : { kind: 'failed' }
}
