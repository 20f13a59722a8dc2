/**
 * The door on the way out: a refund that is done is booked here and nowhere else, whoever brings the news (a rail's answer, an
 * inquiry, two officers, a statement). Books, invoice, receipts, event and journal change in the caller's transaction.
 */
import type { InvoiceStatus } from '../domain/decision.ts'
import { eventText } from '../domain/event.ts'
import { refundPostings } from '../domain/postings.ts'
import { holdsMoney, isPayout, stepOf } from '../domain/refund.ts'
import { fits, moneyOf, type RefundItem } from '../domain/refund-rules.ts'
import { type Environment, newId } from '../environment.ts'
import type { Transaction } from '../store/database.ts'
import { appendEvents } from '../store/events.ts'
import { readInvoiceBook } from '../store/invoice-book.ts'
import { type PaidRecord, readPaid } from '../store/paid-money.ts'
import { type RefundRecord, writeStep } from '../store/refunds.ts'
import { insertAll, type Row } from '../store/rows.ts'

export type RefundNews = {
  /** `done`: the rail's word. `confirmDone`: two people's, reported before and confirmed by `actor` now. */
  readonly event: 'done' | 'confirmDone'
  readonly actor: string
  /** When the money went back, as far as anybody told. */
  readonly refundedAt: Date
  /** The rail's or the bank's own number of it. */
  readonly reference: string | null
  readonly set?: Row
}

/**
 * Books a refund whose locks the caller holds (`lockRefunds`). False, and nothing changed, when it is in no state to be done:
 * news that comes twice is booked once.
 */
export async function settleRefund(
  tx: Transaction,
  environment: Environment,
  refund: RefundRecord,
  news: RefundNews,
): Promise<boolean> {
  const step = stepOf(refund.status, news.event, refund.channel)
  if (step === null) return false
  const now = environment.now()
  const paid = await readPaid(tx, refund.tenantId, refund.settlementId)
  if (paid === null) throw new Error(`the settlement of refund ${refund.id} is gone`)
  // While it stood as failed its money was free, and another refund may have taken it.
  if (!holdsMoney(refund.status) && !fits(refund, paid)) return false
  await book(tx, environment, refund, paid, now)
  if (moneyOf(refund.origin) === 'COLLECTED') await tellInvoice(tx, environment, refund, paid, news, now)
  await writeStep(tx, refund, {
    event: news.event,
    to: step.to,
    at: now,
    actor: news.actor,
    facts: { refundedAt: news.refundedAt.toISOString() },
    words: { reference: news.reference },
    set: { ...news.set, done_at: now, lease_until: null, next_inquiry_at: null, needs_human: false },
  })
  return true
}

async function book(
  tx: Transaction,
  environment: Environment,
  refund: RefundRecord,
  paid: PaidRecord,
  now: Date,
): Promise<void> {
  const postings = refundPostings({
    amount: refund.amount,
    payout: isPayout(refund.channel),
    railAccountId: paid.railAccountId,
    beneficiaryAccountId: paid.beneficiaryAccountId,
    items: refund.items.map(({ lineNo, amount }) => ({
      amount,
      economicCode: paid.items.find((item) => item.lineNo === lineNo)?.economicCode ?? null,
    })),
  })
  const id = newId(environment, 'ltx')
  await insertAll(tx, 'ledger_transactions', [
    { id, tenant_id: refund.tenantId, settlement_id: null, refund_id: refund.id, kind: 'REFUND', booked_at: now },
  ])
  await insertAll(
    tx,
    'ledger_postings',
    postings.map((posting, index) => ({ transaction_id: id, line_no: index + 1, ...posting })),
  )
}

/** Collected money: the invoice is no longer fully paid, its receipts no longer fully right, and the dossier system must know. */
async function tellInvoice(
  tx: Transaction,
  environment: Environment,
  refund: RefundRecord,
  paid: PaidRecord,
  news: RefundNews,
  now: Date,
): Promise<void> {
  const [invoice] = refund.invoiceId === null ? [] : await readInvoiceBook(tx, [refund.invoiceId])
  if (invoice === undefined) throw new Error(`refund ${refund.id} of collected money has no invoice`)
  const earlier = paid.refunds.filter(({ origin, status }) => moneyOf(origin) === 'COLLECTED' && status === 'DONE')
  const refundedTotal = earlier.reduce((sum, { amount }) => sum + amount, refund.amount)
  const status: InvoiceStatus = refundedTotal >= invoice.total ? 'REFUNDED' : 'PARTIALLY_REFUNDED'
  const sequence = invoice.eventSeq + 1
  await tx.query('UPDATE invoices SET status = $2, event_seq = $3, updated_at = $4 WHERE id = $1', [
    invoice.id,
    status,
    sequence,
    now,
  ])
  await adjustReceipts(tx, environment, refund, now)
  const id = newId(environment, 'evt')
  await appendEvents(tx, [
    {
      id,
      tenantId: invoice.tenantId,
      clientId: invoice.clientId,
      type: 'invoice.refunded',
      invoiceId: invoice.id,
      invoiceSeq: sequence,
      createdAt: now,
      body: eventText({
        id,
        type: 'invoice.refunded',
        occurredAt: now,
        sequence,
        invoice: { ...invoice, status },
        refund: {
          id: refund.id,
          settlementId: refund.settlementId,
          reason: refund.reason,
          channel: refund.channel ?? '',
          amount: refund.amount,
          refundedTotal,
          items: refund.items,
          reference: news.reference,
          refundedAt: news.refundedAt,
        },
      }),
    },
  ])
}

/** Asks for an adjustment of each receipt that stands for a line given back: the receipt itself stays (domain.md §7.3). */
async function adjustReceipts(
  tx: Transaction,
  environment: Environment,
  refund: RefundRecord,
  now: Date,
): Promise<void> {
  const receipts = await tx.query<{ id: string; lineNo: number }>(
    `SELECT r.id, t.line_no AS "lineNo" FROM receipts r
       JOIN invoice_items t ON t.invoice_id = r.invoice_id AND t.kind = r.kind AND t.creditor_tax_code = r.creditor_tax_code
      WHERE r.invoice_id = $1 AND r.tenant_id = $2 AND r.relation IS NULL ORDER BY r.id`,
    [refund.invoiceId, refund.tenantId],
  )
  const sums = new Map<string, bigint>()
  for (const { id, lineNo } of receipts) {
    const amount = amountOf(refund.items, lineNo)
    if (amount > 0n) sums.set(id, (sums.get(id) ?? 0n) + amount)
  }
  await insertAll(
    tx,
    'receipt_adjustments',
    [...sums].map(([receiptId, amount]) => ({
      id: newId(environment, 'rca'),
      tenant_id: refund.tenantId,
      receipt_id: receiptId,
      refund_id: refund.id,
      amount,
      status: 'REQUESTED',
      requested_at: now,
    })),
  )
}

function amountOf(items: readonly RefundItem[], lineNo: number): bigint {
  return items.find((item) => item.lineNo === lineNo)?.amount ?? 0n
}
