/**
 * When a success may be taken back on request (rails.md §3.2, docs/decisions/014). A rail that tells of a reversal as a fact is
 * the business of the decision table; here somebody asks first, and may be told no.
 *
 * Read from the top: the first row whose conditions all hold decides.
 */
export type ReversalFacts = {
  /** A success under this transaction and amount is on record. */
  readonly found: boolean
  readonly reversed: boolean
  /** A refund of this money is approved, sent or done: it is going back another way. */
  readonly refundUnderWay: boolean
  /** The day of the payment in Viet Nam is not over. */
  readonly sameDay: boolean
  /** The money paid the invoice, and its dossier system has been told: the dossier may have gone on. */
  readonly dossierTold: boolean
  /** The money paid a tax: neither bank nor gateway may take it back (domain.md R11). */
  readonly taxPaid: boolean
}

export type ReversalAnswer = 'reversed' | 'alreadyReversed' | 'originalUnknown' | 'tooLate'

export type ReversalRow = {
  readonly rule: string
  readonly means: string
  readonly when: Partial<ReversalFacts>
  readonly effect: {
    readonly answer: ReversalAnswer
    /** What is not yet on its way back goes into a refund case. */
    readonly refundCase?: true
  }
}

export const reversalTable: readonly ReversalRow[] = [
  {
    rule: 'original-unknown',
    means: 'no payment with this transaction id and this amount',
    when: { found: false },
    effect: { answer: 'originalUnknown' },
  },
  {
    rule: 'already-reversed',
    means: 'taken back before, under another reversal id',
    when: { reversed: true },
    effect: { answer: 'alreadyReversed' },
  },
  {
    rule: 'refund-under-way',
    means: 'the money is going back as a refund: twice would be once too often',
    when: { refundUnderWay: true },
    effect: { answer: 'tooLate' },
  },
  {
    rule: 'tax',
    means: 'a tax that was paid is set off or returned by the tax authority alone: refused, and no case of ours',
    when: { taxPaid: true },
    effect: { answer: 'tooLate' },
  },
  {
    rule: 'another-day',
    means: 'the day of the payment is over and the money may have been swept: a human decides',
    when: { sameDay: false },
    effect: { answer: 'tooLate', refundCase: true },
  },
  {
    rule: 'dossier-told',
    means: 'the dossier system knows that it is paid and may have let the dossier go on: a human decides',
    when: { dossierTold: true },
    effect: { answer: 'tooLate', refundCase: true },
  },
  {
    rule: 'taken-back',
    means: 'on record as reversed; a refund case that waited for a decision is withdrawn',
    when: {},
    effect: { answer: 'reversed' },
  },
]

/** The first row of the table that fits; the last row fits always. */
export function decideReversal(facts: ReversalFacts): ReversalRow {
  const row = reversalTable.find(
    ({ when }) =>
      (when.found ?? facts.found) === facts.found &&
      (when.reversed ?? facts.reversed) === facts.reversed &&
      (when.refundUnderWay ?? facts.refundUnderWay) === facts.refundUnderWay &&
      (when.sameDay ?? facts.sameDay) === facts.sameDay &&
      (when.dossierTold ?? facts.dossierTold) === facts.dossierTold &&
      (when.taxPaid ?? facts.taxPaid) === facts.taxPaid,
  )
  if (row === undefined) throw new Error('the reversal table must end with a row that always fits')
  return row
}
