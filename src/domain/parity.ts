/**
 * What must tie between payments, settlements, ledger, invoices, events, deliveries, receipts and refunds: every way in which it
 * may not is a class of this table. What follows from committed facts without a doubt is repaired; whatever is about money that
 * does not tie is told to people. The same table generates docs/parity.md.
 */

/** The rows a class looks at, one by one; `changing` ones are found again when they change. */
export const parityScopes = {
  ledger_transactions: { changing: false, idPrefix: 'ltx' },
  settlements: { changing: false, idPrefix: 'stl' },
  events: { changing: false, idPrefix: 'evt' },
  receipts: { changing: false, idPrefix: 'rcp' },
  invoices: { changing: true, idPrefix: 'inv' },
  payments: { changing: true, idPrefix: 'pay' },
  refunds: { changing: true, idPrefix: 'ref' },
} as const

export type ParityScope = keyof typeof parityScopes

export type ParityClass = {
  readonly scope: ParityScope
  readonly means: string
  /** `money`: a sum or a promise about it is wrong. `flow`: somebody waits for something that will not come by itself. */
  readonly severity: 'money' | 'flow'
  readonly action: 'repair' | 'alarm'
  /** What the sweeper does, or what a person is to do. */
  readonly remedy: string
}

const toTheBooks =
  'stop paying out of what hangs from it, compare journal and callbacks of the subject with the rail’s statement, correct as the database owner with a second person'

export const parityClasses = {
  LEDGER_NOT_ZERO: {
    scope: 'ledger_transactions',
    means: 'postings of a ledger transaction do not sum to zero, or there are none',
    severity: 'money',
    action: 'alarm',
    remedy: toTheBooks,
  },
  SETTLEMENT_UNBOOKED: {
    scope: 'settlements',
    means: 'a settlement has no ledger transaction',
    severity: 'money',
    action: 'alarm',
    remedy: toTheBooks,
  },
  SETTLEMENT_BOOKED_WRONG: {
    scope: 'settlements',
    means: 'what was posted to the rail is not what came',
    severity: 'money',
    action: 'alarm',
    remedy: toTheBooks,
  },
  SETTLEMENT_WRONG_CREDITOR: {
    scope: 'settlements',
    means: 'what covers an invoice came to an account of another creditor',
    severity: 'money',
    action: 'alarm',
    remedy: 'ask the creditor of the rail account for the money; the invoice stays as it is until that is done',
  },
  SETTLEMENT_UNTOLD: {
    scope: 'settlements',
    means: 'the journal does not tell of a settlement',
    severity: 'money',
    action: 'alarm',
    remedy: 'money entered past the door: find who wrote it, and check it against the rail’s statement',
  },
  REFUNDS_BEYOND_PAID: {
    scope: 'settlements',
    means: 'refunds that are not failed or rejected exceed what was paid',
    severity: 'money',
    action: 'alarm',
    remedy: 'reject what is not sent, ask the payer for what is; see the refund’s steps',
  },
  MONEY_WITHOUT_CASE: {
    scope: 'settlements',
    means: 'money that paid nothing, or came back, has no case',
    severity: 'flow',
    action: 'repair',
    remedy: 'the case is opened, as the settlement would have opened it',
  },
  INVOICE_TOTAL_WRONG: {
    scope: 'invoices',
    means: 'the total is not the sum of the items',
    severity: 'money',
    action: 'alarm',
    remedy: 'cancel it if it is open; compare it with its signed document',
  },
  PAID_WITHOUT_SUCCESS: {
    scope: 'invoices',
    means: 'an invoice is paid, and no settlement covers it',
    severity: 'money',
    action: 'alarm',
    remedy: 'ask the rail about its attempts; tell the agency not to hand out the result before it is clear',
  },
  SUCCESS_WITHOUT_PAID: {
    scope: 'invoices',
    means: 'a settlement covers an invoice that is not paid',
    severity: 'money',
    action: 'alarm',
    remedy: 'the payer has paid: see the journal for who changed the status, and correct it as the database owner',
  },
  PAID_NOT_TOLD: {
    scope: 'invoices',
    means: 'a paid invoice has not exactly one event that says so',
    severity: 'flow',
    action: 'alarm',
    remedy: 'tell the dossier system by hand: an event’s place among the others cannot be made up afterwards',
  },
  PAID_WITHOUT_RECEIPT: {
    scope: 'invoices',
    means: 'a fee that was paid has no receipt, not even a requested one',
    severity: 'flow',
    action: 'repair',
    remedy: 'the receipt is requested',
  },
  RECEIPT_NOT_OWED: {
    scope: 'receipts',
    means: 'a receipt of an invoice that is not paid, or over another amount than was paid',
    severity: 'money',
    action: 'alarm',
    remedy: 'adjust or replace it (docs/receipts.md); a receipt is never deleted',
  },
  ATTEMPT_LEFT_OPEN: {
    scope: 'payments',
    means: 'an attempt is not succeeded, and its money is on record',
    severity: 'flow',
    action: 'repair',
    remedy: 'the attempt succeeds by that settlement and is asked about no more',
  },
  ATTEMPT_WITHOUT_MONEY: {
    scope: 'payments',
    means: 'an attempt succeeded, and no settlement is of it',
    severity: 'money',
    action: 'alarm',
    remedy: 'ask the rail; if the money is there, its notice or statement line settles it',
  },
  EVENT_WITHOUT_DELIVERY: {
    scope: 'events',
    means: 'an endpoint that was there before an event has no delivery of it',
    severity: 'flow',
    action: 'repair',
    remedy: 'the delivery is made, with a window of its own from now on',
  },
  REFUND_BOOKED_WRONG: {
    scope: 'refunds',
    means: 'a refund is done and not booked over its amount, or booked and not done',
    severity: 'money',
    action: 'alarm',
    remedy: toTheBooks,
  },
} as const satisfies Record<string, ParityClass>

export type ParityCode = keyof typeof parityClasses

export const parityCodes = Object.keys(parityClasses) as ParityCode[]
