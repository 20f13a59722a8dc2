/**
 * The matching rules as data (statements.md §5), read from the top. Every match keeps the code of its rule and the version of
 * the set, and each version is stored once and never changed, so a match of last year can be explained by the rules of last year.
 * Whoever changes a rule or a number here raises `version`; a test and the database hold the two together.
 */
export const ruleSet = {
  version: 2,
  /** Line minus payment, in business days, within which rule 5 may look. */
  windowDays: { from: -1, to: 3 },
  /** A statement for a day is expected to be in after this many business days: only then is silence about a payment news. */
  statementLagDays: 3,
  /** Business days within which a shift's cash is expected at the bank, unless the terms of its rail account say otherwise. */
  cashDepositDays: 3,
  rules: [
    {
      code: 'RAIL_TRANSACTION',
      means: 'the rail transaction id stands in a reference of the line; same account, direction and amount',
    },
    { code: 'REFERENCE', means: 'our reference or pay code stands in a structured reference; same account and amount' },
    {
      code: 'TEXT_REFERENCE',
      means:
        'one pay code with its check character, or our reference as a word, stands in the folded text; same amount',
    },
    { code: 'BASKET', means: 'the line names several payments, and their amounts add up to its own' },
    { code: 'SPLIT', means: 'several lines name one payment and nothing else, and their amounts add up to its own' },
    {
      code: 'CASH_DEPOSIT',
      means:
        'cash of shifts paid in: the lines name the codes of its handovers and add up to them, or one line and one handover of the window fit by amount',
    },
    { code: 'CASH_TAKEN_BACK', means: 'cash that was taken and given back in the same shift: no bank ever saw it' },
    {
      code: 'BATCH',
      means: 'the net amounts of a settlement batch add up to one credit of its value date; fees are netted',
    },
    { code: 'SETTLEMENT_ROW', means: 'the line stands for one row of a settlement file, net of its fee' },
    {
      code: 'AMOUNT_WINDOW',
      means: 'same account and amount within the window, and exactly one candidate on both sides',
    },
    { code: 'REVERSAL_PAIR', means: 'a credit and the debit that takes it back; nothing of ours hung from it' },
    { code: 'REFUND', means: 'a debit that pays out a refund we sent' },
    { code: 'EXPECTED', means: 'a movement that the account is known to have: sweep, charge, interest' },
    { code: 'OFFICER', means: 'two officers put it together' },
  ],
} as const

export type MatchRule = (typeof ruleSet)['rules'][number]['code']
