import { refundTransitions } from '../../src/domain/refund.ts'

/** The ways of domain.md §7.1 and §7.2 (and docs/decisions/003): every other is refused, and every one must be seen. */
export const lifecycles: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  invoices: [
    ['ISSUED', 'PAYING'],
    ['PAYING', 'ISSUED'],
    ['ISSUED', 'PAID'],
    ['PAYING', 'PAID'],
    ['EXPIRED', 'PAID'],
    ['ISSUED', 'SUPERSEDED'],
    ['PAYING', 'SUPERSEDED'],
    ['ISSUED', 'CANCELLED'],
    ['PAYING', 'CANCELLED'],
    ['ISSUED', 'EXPIRED'],
    ['PAYING', 'EXPIRED'],
    ['PAID', 'PARTIALLY_REFUNDED'],
    ['PAID', 'REFUNDED'],
    ['PARTIALLY_REFUNDED', 'REFUNDED'],
  ],
  payments: [
    ['CREATED', 'REDIRECTED'],
    ['CREATED', 'UNKNOWN'],
    ['CREATED', 'FAILED'],
    ['CREATED', 'SUCCEEDED'],
    ['REDIRECTED', 'UNKNOWN'],
    ['REDIRECTED', 'FAILED'],
    ['REDIRECTED', 'SUCCEEDED'],
    ['UNKNOWN', 'FAILED'],
    ['UNKNOWN', 'SUCCEEDED'],
    ['FAILED', 'SUCCEEDED'],
  ],
  baskets: [
    ['OPEN', 'PARTLY_PAID'],
    ['OPEN', 'PAID'],
    ['OPEN', 'CLOSED'],
    ['PARTLY_PAID', 'PAID'],
  ],
  refunds: waysOf(refundTransitions),
  deliveries: [
    ['PENDING', 'DELIVERED'],
    ['PENDING', 'DEAD'],
    // An event is sent again because somebody asked for it.
    ['DELIVERED', 'PENDING'],
    ['DEAD', 'PENDING'],
    // Given up while its last try was on the way, and that one got through.
    ['DEAD', 'DELIVERED'],
  ],
  receipts: [
    ['REQUESTED', 'ISSUED'],
    ['ISSUED', 'REPORTED'],
    ['ISSUED', 'ADJUSTED'],
    ['REPORTED', 'ADJUSTED'],
  ],
  counter_shifts: [['OPEN', 'CLOSED']],
  counter_corrections: [
    ['REQUESTED', 'APPROVED'],
    ['REQUESTED', 'REJECTED'],
  ],
  statement_files: [
    ['LOADING', 'IMPORTED'],
    ['LOADING', 'REFUSED'],
    ['IMPORTED', 'SUPERSEDED'],
  ],
  reconciliation_runs: [
    ['RUNNING', 'DONE'],
    ['RUNNING', 'FAILED'],
  ],
  breaks: [
    ['OPEN', 'WAITING'],
    ['OPEN', 'RESOLVED'],
    ['OPEN', 'CLEARED'],
    ['WAITING', 'OPEN'],
    ['WAITING', 'RESOLVED'],
    ['WAITING', 'CLEARED'],
  ],
  break_resolutions: [
    ['PROPOSED', 'APPROVED'],
    ['PROPOSED', 'REJECTED'],
    ['PROPOSED', 'WITHDRAWN'],
  ],
  reconciliation_days: [['PROPOSED', 'CLOSED']],
}

/** Different steps may go the same way, and some stay where they are. */
function waysOf(transitions: readonly { readonly from: string; readonly to: string }[]): [string, string][] {
  const ways = new Map(
    transitions
      .filter(({ from, to }) => from !== to)
      .map(({ from, to }) => [`${from} ${to}`, [from, to] as [string, string]]),
  )
  return [...ways.values()]
}

/** What may happen and is not demanded of a few hundred seeds, with its reason. */
export const notDemanded: Readonly<Record<string, string>> = {
  'deliveries DEAD → DELIVERED': 'given up after three days in the very moment in which its last try is on the way',
  'refunds FAILED → DONE': 'an answer of the rail must be under way while two officers confirm that no money moved',
  'refunds APPROVED → FAILED':
    'the rail must take a payment back between the approval of its refund and the sending, two seconds later',
  RECEIPT_MISSING: 'a run must begin after midnight and before the receipt of the last second of the day is issued',
}
