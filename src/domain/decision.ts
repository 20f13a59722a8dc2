/**
 * What to do with news about money: the decision table of domain.md §7.4, as data.
 *
 * The table is read from the top; the first row whose conditions all hold decides. `decide` only walks it.
 * The same table generates docs/decision-table.md and drives the tests.
 */
import type { OutcomeKind } from './outcome.ts'

export type InvoiceStatus =
  | 'ISSUED'
  | 'PAYING'
  | 'PAID'
  | 'PARTIALLY_REFUNDED'
  | 'REFUNDED'
  | 'WAIVED'
  | 'SUPERSEDED'
  | 'CANCELLED'
  | 'EXPIRED'

export type PaymentStatus = 'CREATED' | 'REDIRECTED' | 'SUCCEEDED' | 'FAILED' | 'UNKNOWN'

export type Disposition = 'APPLIED' | 'OVERPAID' | 'UNDERPAID' | 'DUPLICATE' | 'UNAPPLIED' | 'ORPHAN' | 'REVERSED'

/** Everything the decision may depend on. Computed by the caller from committed rows, under the invoice's lock. */
export type Facts = {
  readonly kind: OutcomeKind
  /** Of the amount that came against the invoice's total. */
  readonly amount: 'equal' | 'lower' | 'higher'
  /** Null: the reference names nothing of ours. */
  readonly invoice: InvoiceStatus | null
  readonly payment: PaymentStatus | null
  /** This rail transaction is already on record in this direction. */
  readonly repeated: boolean
  /** What is on record under it has the same reference and amount. */
  readonly sameAsRecorded: boolean
  /**
   * The success of this rail transaction that is on record (matters for reversals): it paid the invoice, was less than owed (the
   * dossier system heard of both), or paid nothing.
   */
  readonly success: 'paid' | 'short' | 'rest' | null
  /** Currency is VND, and the rail account pays into the invoice's beneficiary account within its tenant. */
  readonly ours: boolean
  /** The payer typed the amount (capabilities.transfer). */
  readonly transferRail: boolean
  /** Expired invoices: every rate used is still in force and no newer demand exists for the same obligations. */
  readonly stillPayable: boolean
}

export type Effect = {
  /** Money goes on record under this disposition. */
  readonly record?: Disposition
  readonly invoice?: 'PAID' | 'ISSUED'
  readonly payment?: 'SUCCEEDED' | 'FAILED' | 'UNKNOWN'
  /** A case is opened for a human, over this much of what came (or went back). */
  readonly refundCase?: 'whole' | 'excess'
  /** Refund cases of the money that went back, as far as nobody has decided about them, are closed: it must not go back twice. */
  readonly withdrawCases?: true
  readonly event?: EventType
  readonly alarm?: boolean
  readonly verdict: 'recorded' | 'repeated' | 'alreadyFinal' | 'amountMismatch' | 'unknownReference' | 'wrongAccount'
}

export type EventType =
  | 'invoice.issued'
  | 'invoice.paid'
  | 'invoice.waived'
  | 'invoice.cancelled'
  | 'invoice.superseded'
  | 'invoice.expired'
  | 'invoice.refunded'
  | 'payment.underpaid'
  | 'payment.reversed'
  | 'receipt.issued'

export type Row = {
  readonly rule: string
  /** The event and state of domain.md §7.4 this row stands for. */
  readonly means: string
  readonly when: {
    readonly kind?: readonly OutcomeKind[]
    readonly amount?: readonly Facts['amount'][]
    readonly invoice?: readonly (InvoiceStatus | null)[]
    readonly payment?: readonly (PaymentStatus | null)[]
    readonly repeated?: boolean
    readonly sameAsRecorded?: boolean
    readonly success?: readonly Facts['success'][]
    readonly ours?: boolean
    readonly transferRail?: boolean
    readonly stillPayable?: boolean
  }
  readonly effect: Effect
}

const open = ['ISSUED', 'PAYING'] as const
const paid = ['PAID', 'PARTIALLY_REFUNDED', 'REFUNDED'] as const
const closed = ['CANCELLED', 'SUPERSEDED', 'WAIVED'] as const
const unfinished = ['CREATED', 'REDIRECTED', 'UNKNOWN'] as const

export const decisionTable: readonly Row[] = [
  {
    rule: 'conflict',
    means: 'a rail transaction that is on record with another reference or amount: nothing changes, evidence, alarm',
    when: { repeated: true, sameAsRecorded: false },
    effect: { verdict: 'alreadyFinal', alarm: true },
  },
  {
    rule: 'repeat',
    means: 'the same rail transaction again: same answer, no second effect',
    when: { repeated: true },
    effect: { verdict: 'repeated' },
  },
  {
    rule: 'foreign',
    means: 'wrong currency, partner or account: refuse, keep evidence, alarm',
    when: { ours: false },
    effect: { verdict: 'wrongAccount', alarm: true },
  },
  {
    rule: 'orphan',
    means: 'money under an unknown reference: on record as an orphan, answered as the rail expects, reconciled',
    when: { kind: ['succeeded'], invoice: [null] },
    effect: { verdict: 'unknownReference', record: 'ORPHAN', refundCase: 'whole', alarm: true },
  },
  {
    rule: 'reversal',
    means: 'a success taken back by the rail: on record, told to the dossier system, a case for a human about the debt',
    when: { kind: ['reversed'], success: ['paid'] },
    effect: {
      verdict: 'recorded',
      record: 'REVERSED',
      refundCase: 'whole',
      withdrawCases: true,
      event: 'payment.reversed',
      alarm: true,
    },
  },
  {
    rule: 'reversal-of-short',
    means:
      'money that was less than owed taken back by the rail: on record, its case withdrawn, the dossier system told',
    when: { kind: ['reversed'], success: ['short'] },
    effect: { verdict: 'recorded', record: 'REVERSED', withdrawCases: true, event: 'payment.reversed', alarm: true },
  },
  {
    rule: 'reversal-of-rest',
    means: 'money that paid nothing taken back by the rail: on record, its case withdrawn, nothing pushed',
    when: { kind: ['reversed'], success: ['rest'] },
    effect: { verdict: 'recorded', record: 'REVERSED', withdrawCases: true, alarm: true },
  },
  {
    rule: 'unknown-news',
    means: 'news without money about an unknown reference: evidence only',
    when: { invoice: [null] },
    effect: { verdict: 'unknownReference' },
  },
  {
    rule: 'first-success',
    means: 'verified success, amount equal, invoice open: paid, receipt, push',
    when: { kind: ['succeeded'], amount: ['equal'], invoice: open },
    effect: { verdict: 'recorded', record: 'APPLIED', invoice: 'PAID', payment: 'SUCCEEDED', event: 'invoice.paid' },
  },
  {
    rule: 'second-success',
    means: 'a success by another rail transaction when paid: duplicate, refund case, nothing pushed',
    when: { kind: ['succeeded'], invoice: paid },
    effect: { verdict: 'alreadyFinal', record: 'DUPLICATE', payment: 'SUCCEEDED', refundCase: 'whole', alarm: true },
  },
  {
    rule: 'overpaid',
    means: 'more than owed on a transfer rail: paid, the difference into a refund case',
    when: { kind: ['succeeded'], amount: ['higher'], invoice: open, transferRail: true },
    effect: {
      verdict: 'recorded',
      record: 'OVERPAID',
      invoice: 'PAID',
      payment: 'SUCCEEDED',
      refundCase: 'excess',
      event: 'invoice.paid',
    },
  },
  {
    rule: 'overpaid-refused',
    means: 'more than ordered on a rail that sets the amount itself: refused, evidence, alarm',
    when: { kind: ['succeeded'], amount: ['higher'], invoice: open, transferRail: false },
    effect: { verdict: 'amountMismatch', alarm: true },
  },
  {
    rule: 'underpaid',
    means: 'less than owed: on record, not paid, the payer is told, a human decides top-up or return',
    when: { kind: ['succeeded'], amount: ['lower'], invoice: open },
    effect: {
      verdict: 'amountMismatch',
      record: 'UNDERPAID',
      refundCase: 'whole',
      event: 'payment.underpaid',
      alarm: true,
    },
  },
  {
    rule: 'late-success',
    means: 'success after expiry, dossier open and price still valid: paid with lateBy, pushed with the bank time',
    when: { kind: ['succeeded'], amount: ['equal'], invoice: ['EXPIRED'], stillPayable: true },
    effect: { verdict: 'recorded', record: 'APPLIED', invoice: 'PAID', payment: 'SUCCEEDED', event: 'invoice.paid' },
  },
  {
    rule: 'late-unapplied',
    means: 'success after expiry, price changed, demand replaced or amount different: held for a human',
    when: { kind: ['succeeded'], invoice: ['EXPIRED'] },
    effect: { verdict: 'alreadyFinal', record: 'UNAPPLIED', payment: 'SUCCEEDED', refundCase: 'whole', alarm: true },
  },
  {
    rule: 'closed-success',
    means: 'success after cancel or supersede: held, refund case by default',
    when: { kind: ['succeeded'], invoice: closed },
    effect: { verdict: 'alreadyFinal', record: 'UNAPPLIED', payment: 'SUCCEEDED', refundCase: 'whole', alarm: true },
  },
  {
    rule: 'failure',
    means: 'the attempt failed: the invoice is open again for the next attempt',
    when: { kind: ['failed'], payment: unfinished, invoice: open },
    effect: { verdict: 'recorded', payment: 'FAILED', invoice: 'ISSUED' },
  },
  {
    rule: 'failure-of-rest',
    means: 'an attempt failed whose invoice is paid or closed already: only the attempt ends',
    when: { kind: ['failed'], payment: unfinished },
    effect: { verdict: 'recorded', payment: 'FAILED' },
  },
  {
    rule: 'failure-after-success',
    means: 'failure after success: state kept, evidence, alarm',
    when: { kind: ['failed', 'pending'], payment: ['SUCCEEDED'] },
    effect: { verdict: 'alreadyFinal', alarm: true },
  },
  {
    rule: 'failure-again',
    means: 'failure of an attempt that is final already: evidence only',
    when: { kind: ['failed', 'pending'], payment: ['FAILED'] },
    effect: { verdict: 'alreadyFinal' },
  },
  {
    rule: 'held',
    means: 'money taken but kept for review at the rail: not paid, asked about again, alarm',
    when: { kind: ['held'], payment: unfinished },
    effect: { verdict: 'recorded', payment: 'UNKNOWN', alarm: true },
  },
  {
    rule: 'pending',
    means: 'not final at the rail: asked about again',
    when: { kind: ['pending'], payment: unfinished },
    effect: { verdict: 'recorded', payment: 'UNKNOWN' },
  },
  {
    rule: 'news-only',
    means: 'anything else without money (a hold or reversal of nothing on record): evidence and alarm',
    when: {},
    effect: { verdict: 'alreadyFinal', alarm: true },
  },
]

/** The first row of the table that fits; the last row fits always. */
export function decide(facts: Facts): Row {
  const row = decisionTable.find((candidate) => fits(candidate, facts))
  if (row === undefined) throw new Error('the decision table must end with a row that always fits')
  return row
}

function fits({ when }: Row, facts: Facts): boolean {
  return (
    includes(when.kind, facts.kind) &&
    includes(when.amount, facts.amount) &&
    includes(when.invoice, facts.invoice) &&
    includes(when.payment, facts.payment) &&
    (when.repeated ?? facts.repeated) === facts.repeated &&
    (when.sameAsRecorded ?? facts.sameAsRecorded) === facts.sameAsRecorded &&
    includes(when.success, facts.success) &&
    (when.ours ?? facts.ours) === facts.ours &&
    (when.transferRail ?? facts.transferRail) === facts.transferRail &&
    (when.stillPayable ?? facts.stillPayable) === facts.stillPayable
  )
}

function includes<T>(allowed: readonly T[] | undefined, value: T): boolean {
  return allowed === undefined || allowed.includes(value)
}
