/**
 * Turns one outcome and the books into the facts of the decision table, and writes the decision back into the books,
 * so that the next outcome of the same batch sees it. Pure but for changing the books it was given.
 */
import { type Disposition, decide, type Facts, type Row } from '../domain/decision.ts'
import type { Outcome } from '../domain/outcome.ts'
import { type Posting, postingsFor } from '../domain/postings.ts'
import { businessDate } from '../domain/vietnam-time.ts'
import type { BookInvoice, BookPayment } from '../store/invoice-book.ts'
import { type BookRailAccount, type BookSettlement, type Books, referenceKey, settlementKey } from './books.ts'

export type Weighed = {
  readonly row: Row
  readonly railAccount: BookRailAccount
  readonly invoice: BookInvoice | null
  /** The attempt under this reference; null when money came by pay code without one. */
  readonly payment: BookPayment | null
  readonly paidAt: Date
  readonly lateBySeconds: number | null
  readonly postings: readonly Posting[]
  /** The settlement on record that this outcome repeats. */
  readonly known: BookSettlement | null
  /** The success that this outcome takes back; null unless it is a reversal. */
  readonly takenBack: BookSettlement | null
}

function standingOf(disposition: Disposition): Facts['success'] {
  if (disposition === 'APPLIED' || disposition === 'OVERPAID') return 'paid'
  return disposition === 'UNDERPAID' ? 'short' : 'rest'
}

export function weigh(outcome: Outcome, transferRail: boolean, books: Books, now: Date): Weighed {
  const railAccount = books.railAccounts.get(outcome.accountId)
  if (railAccount === undefined) throw new Error(`rail account ${outcome.accountId} is not on record`)
  const invoice = findInvoice(outcome, books)
  const payment =
    invoice?.payments.find(
      (candidate) => candidate.railAccountId === outcome.accountId && candidate.merchantRef === outcome.merchantRef,
    ) ?? null
  const direction = outcome.kind === 'reversed' ? 'OUT' : 'IN'
  const success =
    books.settlements.get(settlementKey(outcome.accountId, outcome.railTransactionId, 'IN')) ??
    toldBefore(outcome, transferRail, books)
  const reversal = books.settlements.get(settlementKey(outcome.accountId, outcome.railTransactionId, 'OUT')) ?? null
  const movesMoney = outcome.kind === 'succeeded' || outcome.kind === 'reversed'
  const paidAt = outcome.paidAt ?? now
  const known = movesMoney ? (direction === 'IN' ? success : reversal) : null
  const facts: Facts = {
    kind: outcome.kind,
    amount:
      invoice === null || outcome.amount === invoice.total
        ? 'equal'
        : outcome.amount < invoice.total
          ? 'lower'
          : 'higher',
    invoice: invoice?.status ?? null,
    payment: payment?.status ?? null,
    repeated: known !== null,
    sameAsRecorded: known !== null && known.amount === outcome.amount && known.merchantRef === outcome.merchantRef,
    success: success === null ? null : standingOf(success.disposition),
    ours:
      outcome.currency === 'VND' &&
      (invoice === null ||
        (invoice.tenantId === railAccount.tenantId &&
          invoice.beneficiaryAccountId === railAccount.beneficiaryAccountId)),
    transferRail,
    stillPayable: invoice !== null && isStillPayable(invoice, paidAt),
  }
  const row = decide(facts)
  const { record } = row.effect
  const postings =
    record === undefined
      ? []
      : postingsFor({
          disposition: record,
          amount: outcome.amount,
          railAccountId: railAccount.id,
          beneficiaryAccountId: invoice?.beneficiaryAccountId ?? null,
          items: invoice?.items ?? [],
          ...(record === 'REVERSED' && success !== null ? { reverses: success.postings } : {}),
        })
  const late = record !== undefined && row.effect.invoice === 'PAID' && invoice !== null && paidAt > invoice.expiresAt
  return {
    row,
    railAccount,
    invoice,
    payment,
    paidAt,
    lateBySeconds: late ? Math.ceil((paidAt.getTime() - invoice.expiresAt.getTime()) / 1000) : null,
    postings,
    known,
    takenBack: record === 'REVERSED' ? success : null,
  }
}

/** Makes the decision part of the books. `settlementId` is the id under which it is being recorded. */
export function enter(weighed: Weighed, outcome: Outcome, settlementId: string, books: Books): void {
  const { row, invoice, payment } = weighed
  if (row.effect.record !== undefined) {
    const direction = row.effect.record === 'REVERSED' ? 'OUT' : 'IN'
    books.settlements.set(settlementKey(outcome.accountId, outcome.railTransactionId, direction), {
      id: settlementId,
      disposition: row.effect.record,
      amount: outcome.amount,
      merchantRef: outcome.merchantRef,
      postings: [...weighed.postings],
    })
  }
  if (payment !== null && row.effect.payment !== undefined && payment.status !== 'SUCCEEDED')
    payment.status = row.effect.payment
  if (invoice === null) return
  if (row.effect.event !== undefined) invoice.eventSeq += 1
  if (row.effect.invoice === 'PAID') invoice.status = 'PAID'
  if (row.effect.invoice === 'ISSUED' && invoice.status === 'PAYING') {
    const another = invoice.payments.some(
      ({ status }) => status === 'CREATED' || status === 'REDIRECTED' || status === 'UNKNOWN',
    )
    if (!another) invoice.status = 'ISSUED'
  }
}

/**
 * A success that a statement told of before the rail did, under the bank's reference: the same money, not a second payment. An
 * attempt of a rail that sets the amount is paid once; a pay code may be paid twice, so there the rail's own words must name the
 * bank's reference.
 */
function toldBefore(outcome: Outcome, transferRail: boolean, books: Books): BookSettlement | null {
  if (outcome.kind !== 'succeeded' || outcome.source === 'STATEMENT' || outcome.merchantRef === null) return null
  const words = new Set(Object.values(outcome.evidence))
  const told = (books.toldByStatement.get(referenceKey(outcome.accountId, outcome.merchantRef)) ?? []).filter(
    ({ amount, railTransactionId }) => amount === outcome.amount && (!transferRail || words.has(railTransactionId)),
  )
  return told.length === 1 ? (told[0] ?? null) : null
}

function findInvoice(outcome: Outcome, books: Books): BookInvoice | null {
  if (outcome.merchantRef === null) return null
  const id = books.invoiceIdByReference.get(referenceKey(outcome.accountId, outcome.merchantRef))
  return id === undefined ? null : (books.invoices.get(id) ?? null)
}

function isStillPayable(invoice: BookInvoice, paidAt: Date): boolean {
  const priceHolds = invoice.priceValidTo === null || businessDate(paidAt) <= invoice.priceValidTo
  return priceHolds && !invoice.priceWithdrawn && !invoice.replaced
}
