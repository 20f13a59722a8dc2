/**
 * The one door through which money enters (DESIGN §5.4): callbacks, inquiry answers, one-time-code confirmations, statements
 * and counters all come here. One call is one transaction: everything below is committed together or not at all.
 */
import type { HttpReply, RawRequest, Verdict } from '../../adapters/contract.ts'
import { eventText } from '../domain/event.ts'
import type { Outcome } from '../domain/outcome.ts'
import { gatewayActor } from '../domain/refund.ts'
import { type Environment, newId } from '../environment.ts'
import { callbackRow, storableText } from '../store/callback-evidence.ts'
import type { Transaction } from '../store/database.ts'
import { appendEvents, type NewEvent } from '../store/events.ts'
import type { BookInvoice } from '../store/invoice-book.ts'
import { appendJournal, type JournalEntry } from '../store/journal.ts'
import { queueAdjustmentsOfReversals } from '../store/receipt-adjustments.ts'
import { openingStep } from '../store/refunds.ts'
import { insertAll, type Row, rowsToJson } from '../store/rows.ts'
import { refreshBaskets } from './baskets.ts'
import { type Books, openBooks } from './books.ts'
import { enter, type Weighed, weigh } from './weigh.ts'
import { withdrawCases } from './withdraw-cases.ts'

export type SettlementRequest = {
  readonly outcome: Outcome
  /** The rail lets the payer type the amount. */
  readonly transferRail: boolean
  /** For callbacks: the request is kept as evidence, and its acknowledgement is made from the verdict, in the same commit. */
  readonly callback?: {
    readonly request: RawRequest
    readonly requestId: string
    readonly remoteAddress: string
    readonly receivedAt: Date
    readonly acknowledge: (verdict: Verdict) => HttpReply
  }
}

export type SettlementResult = {
  readonly verdict: Verdict
  /** Row of the decision table. */
  readonly rule: string
  readonly alarm: boolean
  readonly settlementId: string | null
  readonly reply: HttpReply | null
}

/** Settles all requests in the caller's transaction. Results stand in the order of the requests; none counts before the commit. */
export async function settleAll(
  tx: Transaction,
  requests: readonly SettlementRequest[],
  environment: Environment,
): Promise<SettlementResult[]> {
  const now = environment.now()
  const books = await openBooks(
    tx,
    requests.map(({ outcome }) => ({
      railAccountId: outcome.accountId,
      merchantRef: outcome.merchantRef,
      railTransactionId: outcome.railTransactionId,
    })),
  )
  const entries = emptyEntries()
  const results = requests.map((request) => settleOne(request, books, entries, environment, now))
  await writeEntries(tx, entries, now)
  const paid = [...entries.invoiceChanges.values()].filter(({ status }) => status === 'PAID')
  await refreshBaskets(
    tx,
    environment,
    paid.map(({ id }) => id),
  )
  return results
}

type Entries = {
  settlements: Row[]
  ledgerTransactions: Row[]
  ledgerPostings: Row[]
  newPayments: Row[]
  paymentChanges: Map<
    string,
    { id: string; status: string; reason: string; railTransactionId: string | null; paidAt: Date | null }
  >
  invoiceChanges: Map<
    string,
    { id: string; status: string; eventSeq: number; paidAt: Date | null; lateBySeconds: number | null }
  >
  refunds: Row[]
  /** Successes that went back, and the case about the debt where there is one. */
  takenBack: { settlementId: string; refundId: string | null }[]
  refundSteps: Row[]
  receipts: Row[]
  events: NewEvent[]
  journal: JournalEntry[]
  callbacks: Row[]
}

function emptyEntries(): Entries {
  return {
    settlements: [],
    ledgerTransactions: [],
    ledgerPostings: [],
    newPayments: [],
    paymentChanges: new Map(),
    invoiceChanges: new Map(),
    refunds: [],
    takenBack: [],
    refundSteps: [],
    receipts: [],
    events: [],
    journal: [],
    callbacks: [],
  }
}

function settleOne(
  request: SettlementRequest,
  books: Books,
  entries: Entries,
  environment: Environment,
  now: Date,
): SettlementResult {
  const { outcome } = request
  const weighed = weigh(outcome, request.transferRail, books, now)
  const { row, railAccount, invoice } = weighed
  const settlementId = row.effect.record === undefined ? (weighed.known?.id ?? null) : newId(environment, 'stl')
  const statusBefore = invoice?.status
  const eventSeqBefore = invoice?.eventSeq
  if (settlementId !== null) enter(weighed, outcome, settlementId, books)
  else enter(weighed, outcome, '', books)

  if (row.effect.record !== undefined && settlementId !== null) {
    const payment = paymentRow(weighed, outcome, entries, environment, now)
    recordMoney(weighed, outcome, settlementId, payment, entries, environment, now)
  } else if (weighed.payment !== null && row.effect.payment !== undefined) {
    changePayment(weighed.payment.id, weighed.payment.status, row.rule, null, null, entries)
  }
  if (invoice !== null && (invoice.status !== statusBefore || invoice.eventSeq !== eventSeqBefore)) {
    const paid = row.effect.invoice === 'PAID'
    const earlier = entries.invoiceChanges.get(invoice.id)
    entries.invoiceChanges.set(invoice.id, {
      id: invoice.id,
      status: invoice.status,
      eventSeq: invoice.eventSeq,
      paidAt: paid ? weighed.paidAt : (earlier?.paidAt ?? null),
      lateBySeconds: paid ? weighed.lateBySeconds : (earlier?.lateBySeconds ?? null),
    })
  }
  if (row.rule !== 'repeat') {
    entries.journal.push({
      tenantId: railAccount.tenantId,
      at: now,
      kind: `settlement.${row.rule}`,
      subject: settlementId ?? invoice?.id ?? `reference:${outcome.merchantRef ?? '-'}`,
      actor: `rail:${railAccount.id}`,
      facts: {
        source: outcome.source,
        railTransactionId: outcome.railTransactionId,
        merchantRef: outcome.merchantRef,
        amount: outcome.amount.toString(),
        invoiceId: invoice?.id ?? null,
      },
    })
  }
  const verdict = verdictOf(weighed, settlementId)
  const reply = request.callback === undefined ? null : request.callback.acknowledge(verdict)
  if (request.callback !== undefined && reply !== null) {
    const { callback } = request
    entries.callbacks.push(
      callbackRow({
        ...callback,
        id: newId(environment, 'cbk'),
        tenantId: railAccount.tenantId,
        railAccountId: railAccount.id,
        verdict: verdict.kind,
        detail: row.rule,
        settlementId,
        reply,
      }),
    )
  }
  return { verdict, rule: row.rule, alarm: row.effect.alarm === true, settlementId, reply }
}

/** The attempt the money belongs to; money that came by pay code without an attempt gets one. */
function paymentRow(
  weighed: Weighed,
  outcome: Outcome,
  entries: Entries,
  environment: Environment,
  now: Date,
): string | null {
  const { invoice, payment, row } = weighed
  if (invoice === null || outcome.merchantRef === null) return null
  if (payment !== null) {
    if (row.effect.payment !== undefined) {
      changePayment(payment.id, payment.status, row.rule, outcome.railTransactionId, weighed.paidAt, entries)
    }
    return payment.id
  }
  if (row.effect.payment !== 'SUCCEEDED') return null
  const id = newId(environment, 'pay')
  invoice.payments.push({ id, status: 'SUCCEEDED', railAccountId: outcome.accountId, merchantRef: outcome.merchantRef })
  entries.newPayments.push({
    id,
    tenant_id: invoice.tenantId,
    invoice_id: invoice.id,
    rail_account_id: outcome.accountId,
    merchant_ref: outcome.merchantRef,
    amount: invoice.total,
    status: 'SUCCEEDED',
    status_reason: row.rule,
    locale: 'vi',
    sent: {},
    confirm_tries: 0,
    inquiries: 0,
    needs_human: false,
    rail_transaction_id: outcome.railTransactionId,
    paid_at: weighed.paidAt,
    created_at: now,
    expires_at: invoice.expiresAt,
    updated_at: now,
  })
  return id
}

function changePayment(
  id: string,
  status: string,
  reason: string,
  railTransactionId: string | null,
  paidAt: Date | null,
  entries: Entries,
): void {
  const earlier = entries.paymentChanges.get(id)
  // The first success of a batch keeps its transaction id; a duplicate after it changes nothing.
  if (earlier?.status === 'SUCCEEDED') return
  entries.paymentChanges.set(id, { id, status, reason, railTransactionId, paidAt })
}

function recordMoney(
  weighed: Weighed,
  outcome: Outcome,
  settlementId: string,
  paymentId: string | null,
  entries: Entries,
  environment: Environment,
  now: Date,
): void {
  const { row, railAccount, invoice, paidAt, lateBySeconds, postings } = weighed
  entries.settlements.push({
    id: settlementId,
    tenant_id: railAccount.tenantId,
    rail_account_id: railAccount.id,
    rail_transaction_id: outcome.railTransactionId,
    direction: row.effect.record === 'REVERSED' ? 'OUT' : 'IN',
    merchant_ref: outcome.merchantRef,
    invoice_id: invoice?.id ?? null,
    payment_id: paymentId,
    disposition: row.effect.record ?? '',
    rule: row.rule,
    amount: outcome.amount,
    paid_at: paidAt,
    late_by_seconds: lateBySeconds,
    source: outcome.source,
    evidence: storableEvidence(outcome.evidence),
    settled_at: now,
  })
  const transactionId = newId(environment, 'ltx')
  entries.ledgerTransactions.push({
    id: transactionId,
    tenant_id: railAccount.tenantId,
    settlement_id: settlementId,
    kind: row.effect.record ?? '',
    booked_at: now,
  })
  postings.forEach((posting, index) => {
    entries.ledgerPostings.push({ transaction_id: transactionId, line_no: index + 1, ...posting })
  })
  let refundId: string | null = null
  if (row.effect.refundCase !== undefined && row.effect.record !== undefined) {
    const amount = row.effect.refundCase === 'whole' ? outcome.amount : outcome.amount - (invoice?.total ?? 0n)
    refundId = newId(environment, 'ref')
    entries.refunds.push({
      id: refundId,
      tenant_id: railAccount.tenantId,
      settlement_id: settlementId,
      invoice_id: invoice?.id ?? null,
      origin: row.effect.record,
      amount,
      status: 'REQUESTED',
      reason: row.rule,
      requested_by: gatewayActor,
      created_at: now,
      updated_at: now,
      steps: 1,
    })
    entries.refundSteps.push(
      openingStep({ id: refundId, tenantId: railAccount.tenantId }, now, gatewayActor, {
        rule: row.rule,
        amount: amount.toString(),
      }),
    )
  }
  if (row.effect.withdrawCases === true && weighed.takenBack !== null)
    entries.takenBack.push({ settlementId: weighed.takenBack.id, refundId })
  if (invoice === null) return
  if (row.effect.invoice === 'PAID') requestReceipts(invoice, settlementId, entries, environment, now)
  if (row.effect.event !== undefined) {
    const eventId = newId(environment, 'evt')
    entries.events.push({
      id: eventId,
      tenantId: invoice.tenantId,
      clientId: invoice.clientId,
      type: row.effect.event,
      invoiceId: invoice.id,
      invoiceSeq: invoice.eventSeq,
      createdAt: now,
      body: eventText({
        id: eventId,
        type: row.effect.event,
        occurredAt: now,
        sequence: invoice.eventSeq,
        invoice,
        payment: {
          paymentId,
          settlementId,
          rail: railAccount.rail,
          railAccountId: railAccount.id,
          railTransactionId: outcome.railTransactionId,
          merchantRef: outcome.merchantRef,
          amount: outcome.amount,
          paidAt,
          lateBySeconds,
        },
      }),
    })
  }
}

/** One receipt per creditor and kind; taxes get a budget voucher and postage the post's own invoice instead (domain.md §1, §7.3). */
function requestReceipts(
  invoice: BookInvoice,
  settlementId: string,
  entries: Entries,
  environment: Environment,
  now: Date,
): void {
  const sums = new Map<string, { creditorTaxCode: string; kind: string; amount: bigint }>()
  for (const { kind, creditorTaxCode, net } of invoice.items) {
    if ((kind !== 'PHI' && kind !== 'LE_PHI') || net === 0n) continue
    const key = `${kind} ${creditorTaxCode}`
    sums.set(key, { creditorTaxCode, kind, amount: (sums.get(key)?.amount ?? 0n) + net })
  }
  for (const { creditorTaxCode, kind, amount } of sums.values()) {
    entries.receipts.push({
      id: newId(environment, 'rcp'),
      tenant_id: invoice.tenantId,
      invoice_id: invoice.id,
      settlement_id: settlementId,
      creditor_tax_code: creditorTaxCode,
      kind,
      amount,
      status: 'REQUESTED',
      requested_at: now,
    })
  }
}

function verdictOf({ row }: Weighed, settlementId: string | null): Verdict {
  switch (row.effect.verdict) {
    case 'amountMismatch':
      return { kind: 'amountMismatch', settlementId }
    case 'unknownReference':
      return { kind: 'unknownReference' }
    case 'wrongAccount':
      return { kind: 'refused', reason: 'wrong-account' }
    default:
      return { kind: row.effect.verdict, settlementId: settlementId ?? '' }
  }
}

function storableEvidence(evidence: Outcome['evidence']): Record<string, string> {
  return Object.fromEntries(Object.entries(evidence).map(([name, value]) => [name, storableText(value)]))
}

async function writeEntries(tx: Transaction, entries: Entries, now: Date): Promise<void> {
  await insertAll(tx, 'payments', entries.newPayments)
  await insertAll(tx, 'settlements', entries.settlements)
  await insertAll(tx, 'ledger_transactions', entries.ledgerTransactions)
  await insertAll(tx, 'ledger_postings', entries.ledgerPostings)
  if (entries.paymentChanges.size > 0) {
    await tx.query(
      `UPDATE payments p SET status = c.status, status_reason = c.reason, updated_at = $2,
              rail_transaction_id = coalesce(c."railTransactionId", p.rail_transaction_id), paid_at = coalesce(c."paidAt", p.paid_at),
              -- A final attempt is asked about no more, and one whose schedule has ended waits for a human.
              next_inquiry_at = CASE WHEN c.status = 'UNKNOWN' AND NOT p.needs_human THEN coalesce(p.next_inquiry_at, $2) END
         FROM json_to_recordset($1::json) AS c(id text, status text, reason text, "railTransactionId" text, "paidAt" timestamptz)
        WHERE p.id = c.id AND p.status <> 'SUCCEEDED'`,
      [rowsToJson([...entries.paymentChanges.values()]), now],
    )
  }
  if (entries.invoiceChanges.size > 0) {
    await tx.query(
      `UPDATE invoices i SET status = c.status, event_seq = c."eventSeq", updated_at = $2,
              paid_at = coalesce(c."paidAt", i.paid_at), late_by_seconds = coalesce(c."lateBySeconds", i.late_by_seconds)
         FROM json_to_recordset($1::json) AS c(id text, status text, "eventSeq" integer, "paidAt" timestamptz, "lateBySeconds" integer)
        WHERE i.id = c.id`,
      [rowsToJson([...entries.invoiceChanges.values()]), now],
    )
  }
  await insertAll(tx, 'refunds', entries.refunds)
  await insertAll(tx, 'refund_steps', entries.refundSteps)
  await insertAll(tx, 'receipts', entries.receipts)
  await withdrawCases(
    tx,
    entries.takenBack.map(({ settlementId }) => settlementId),
    now,
  )
  await queueAdjustmentsOfReversals(
    tx,
    entries.takenBack.flatMap(({ settlementId, refundId }) => (refundId === null ? [] : { settlementId, refundId })),
    now,
  )
  await appendEvents(tx, entries.events)
  await insertAll(tx, 'callbacks', entries.callbacks)
  await appendJournal(tx, entries.journal)
}
