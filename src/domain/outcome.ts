/**
 * What a rail, an inquiry, a statement or a counter says about money, in one normalised shape.
 * It is the only thing the settlement door accepts (DESIGN §4, §5).
 */
export type OutcomeKind =
  /** The payer's money was taken for us. */
  | 'succeeded'
  | 'failed'
  /** Not final yet at the rail. */
  | 'pending'
  /** A success the rail took back. */
  | 'reversed'
  /** Money taken but kept for review at the rail (suspected fraud): not paid. */
  | 'held'

export type OutcomeSource = 'CALLBACK' | 'INQUIRY' | 'CONFIRM' | 'STATEMENT' | 'COUNTER' | 'PULL'

export type Outcome = {
  readonly rail: string
  /** Our rail account that the message was verified against. */
  readonly accountId: string
  /** Our reference: an attempt's merchant reference or an invoice's pay code; null when the message names none or several. */
  readonly merchantRef: string | null
  /** The rail's transaction id, the dedupe key of rails.md for that rail; our reference stands in when the rail gave none. */
  readonly railTransactionId: string
  readonly kind: OutcomeKind
  /** Whole VND. */
  readonly amount: bigint
  readonly currency: string
  /** The payer's bank time; has legal effect (domain.md §7.5). Null when the message has none. */
  readonly paidAt: Date | null
  readonly source: OutcomeSource
  /** What the rail said, field by field, for people and audits. No secrets. */
  readonly evidence: Readonly<Record<string, string>>
}
