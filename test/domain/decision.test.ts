import t from 'tap'
import { decide, decisionTable, type Facts, type Row } from '../../src/domain/decision.ts'

const kinds = ['succeeded', 'failed', 'pending', 'reversed', 'held'] as const satisfies readonly Facts['kind'][]
const amounts = ['equal', 'lower', 'higher'] as const satisfies readonly Facts['amount'][]
const invoices = [
  null,
  'ISSUED',
  'PAYING',
  'PAID',
  'PARTIALLY_REFUNDED',
  'REFUNDED',
  'WAIVED',
  'SUPERSEDED',
  'CANCELLED',
  'EXPIRED',
] as const satisfies readonly Facts['invoice'][]
const payments = [
  null,
  'CREATED',
  'REDIRECTED',
  'SUCCEEDED',
  'FAILED',
  'UNKNOWN',
] as const satisfies readonly Facts['payment'][]
const both = [true, false] as const
const successes = [null, 'paid', 'short', 'rest'] as const satisfies readonly Facts['success'][]

// A new kind or state has to be added above before this file compiles.
type Missing =
  | Exclude<Facts['kind'], (typeof kinds)[number]>
  | Exclude<Facts['amount'], (typeof amounts)[number]>
  | Exclude<Facts['invoice'], (typeof invoices)[number]>
  | Exclude<Facts['payment'], (typeof payments)[number]>
const nothingMissing: [Missing] extends [never] ? true : never = true

function* everything(): Generator<Facts> {
  for (const kind of kinds)
    for (const amount of amounts)
      for (const invoice of invoices)
        for (const payment of payments)
          for (const repeated of both)
            for (const sameAsRecorded of both)
              for (const success of successes)
                for (const ours of both)
                  for (const transferRail of both)
                    for (const stillPayable of both)
                      yield {
                        kind,
                        amount,
                        invoice,
                        payment,
                        repeated,
                        sameAsRecorded,
                        success,
                        ours,
                        transferRail,
                        stillPayable,
                      }
}

const decided = [...everything()].map((facts) => ({ facts, row: decide(facts) }))

/** The combinations for which `wrong` holds, a few of them, for a failure that can be read. */
function broken(wrong: (facts: Facts, row: Row) => boolean): object[] {
  return decided
    .filter(({ facts, row }) => wrong(facts, row))
    .slice(0, 3)
    .map(({ facts, row }) => ({ rule: row.rule, ...facts }))
}

const finished = ['PAID', 'PARTIALLY_REFUNDED', 'REFUNDED'] as const
const closed = ['WAIVED', 'SUPERSEDED', 'CANCELLED'] as const
const isOneOf = (states: readonly (string | null)[], state: string | null): boolean => states.includes(state)
/** News that is neither a repeat nor somebody else's money. */
const fresh = (facts: Facts): boolean => !facts.repeated && facts.ours

const baseline: Facts = {
  kind: 'succeeded',
  amount: 'equal',
  invoice: 'PAYING',
  payment: 'REDIRECTED',
  repeated: false,
  sameAsRecorded: false,
  success: null,
  ours: true,
  transferRail: false,
  stillPayable: true,
}

t.test('every combination of facts is decided', (t) => {
  t.ok(nothingMissing)
  t.equal(decided.length, kinds.length * amounts.length * invoices.length * payments.length * 4 * 2 ** 5)
  t.ok(decided.every(({ row }) => decisionTable.includes(row)))
  t.end()
})

t.test('every row is reached, and rules have names of their own', (t) => {
  const reached = new Set(decided.map(({ row }) => row.rule))
  t.same(
    decisionTable.map(({ rule }) => rule).filter((rule) => !reached.has(rule)),
    [],
  )
  t.equal(new Set(decisionTable.map(({ rule }) => rule)).size, decisionTable.length)
  t.end()
})

t.test('only the last row fits always', (t) => {
  t.same(
    decisionTable.filter(({ when }) => Object.keys(when).length === 0),
    decisionTable.slice(-1),
  )
  t.end()
})

t.test('what comes', (t) => {
  const rows: [string, Partial<Facts>, string][] = [
    ['the payer pays what is owed', {}, 'first-success'],
    [
      'the payer pays what is owed before the attempt is told',
      { invoice: 'ISSUED', payment: 'CREATED' },
      'first-success',
    ],
    ['an attempt given up as failed succeeds after all', { payment: 'FAILED' }, 'first-success'],
    ['a transfer without an attempt', { payment: null, transferRail: true }, 'first-success'],
    ['the bank tells it again', { repeated: true, sameAsRecorded: true }, 'repeat'],
    ['the bank tells it again with another amount', { repeated: true, amount: 'higher' }, 'conflict'],
    ['somebody pays a second time', { invoice: 'PAID' }, 'second-success'],
    [
      'a paid invoice gets a small second transfer',
      { invoice: 'PAID', amount: 'lower', transferRail: true },
      'second-success',
    ],
    ['money after a refund', { invoice: 'REFUNDED' }, 'second-success'],
    ['money into the account of another agency', { ours: false }, 'foreign'],
    ['money without a known reference', { invoice: null, payment: null }, 'orphan'],
    ['too much by transfer', { amount: 'higher', transferRail: true }, 'overpaid'],
    ['too much where the amount was ours to set', { amount: 'higher' }, 'overpaid-refused'],
    ['too little by transfer', { amount: 'lower', transferRail: true }, 'underpaid'],
    ['too little by card', { amount: 'lower' }, 'underpaid'],
    ['after expiry, price still valid', { invoice: 'EXPIRED' }, 'late-success'],
    ['after expiry, price changed', { invoice: 'EXPIRED', stillPayable: false }, 'late-unapplied'],
    ['after expiry, another amount', { invoice: 'EXPIRED', amount: 'lower' }, 'late-unapplied'],
    ['after cancelling', { invoice: 'CANCELLED' }, 'closed-success'],
    ['for a demand that was replaced', { invoice: 'SUPERSEDED' }, 'closed-success'],
    ['for a demand of nothing', { invoice: 'WAIVED' }, 'closed-success'],
    ['the attempt fails', { kind: 'failed' }, 'failure'],
    ['the attempt of a paid invoice fails', { kind: 'failed', invoice: 'PAID' }, 'failure-of-rest'],
    ['a failure after the success', { kind: 'failed', payment: 'SUCCEEDED', invoice: 'PAID' }, 'failure-after-success'],
    [
      '"pending" after the success',
      { kind: 'pending', payment: 'SUCCEEDED', invoice: 'PAID' },
      'failure-after-success',
    ],
    ['the failure again', { kind: 'failed', payment: 'FAILED', invoice: 'ISSUED' }, 'failure-again'],
    ['a failure nobody knows the payment of', { kind: 'failed', invoice: null, payment: null }, 'unknown-news'],
    ['the bank looks into a payment', { kind: 'held' }, 'held'],
    ['the bank does not know yet', { kind: 'pending' }, 'pending'],
    [
      'the bank takes a success back',
      { kind: 'reversed', success: 'paid', invoice: 'PAID', payment: 'SUCCEEDED' },
      'reversal',
    ],
    ['the bank takes back what was too little', { kind: 'reversed', success: 'short' }, 'reversal-of-short'],
    [
      'the bank takes a second payment of a paid invoice back',
      { kind: 'reversed', success: 'rest', invoice: 'PAID', payment: 'SUCCEEDED' },
      'reversal-of-rest',
    ],
    ['the bank takes back what never came', { kind: 'reversed' }, 'news-only'],
    ['the bank holds what it has paid', { kind: 'held', payment: 'SUCCEEDED', invoice: 'PAID' }, 'news-only'],
  ]
  for (const [name, over, rule] of rows) t.equal(decide({ ...baseline, ...over }).rule, rule, name)
  // Each row of the table stands here once at least.
  t.same(new Set(rows.map(([, , rule]) => rule)), new Set(decisionTable.map(({ rule }) => rule)))
  t.end()
})

t.test('success', (t) => {
  t.test('never ends an attempt as failed or unknown', (t) => {
    t.same(
      broken(
        ({ kind }, { effect }) =>
          kind === 'succeeded' && effect.payment !== undefined && effect.payment !== 'SUCCEEDED',
      ),
      [],
    )
    t.end()
  })
  t.test('does not look at what we believed of the attempt', (t) => {
    t.same(
      broken((facts, row) => facts.kind === 'succeeded' && decide({ ...facts, payment: null }) !== row),
      [],
    )
    t.end()
  })
  t.test('goes on record, unless it is a repeat, not ours, or more than a rail was told to take', (t) => {
    t.same(
      broken(
        (facts, { rule, effect }) =>
          facts.kind === 'succeeded' && fresh(facts) && effect.record === undefined && rule !== 'overpaid-refused',
      ),
      [],
    )
    t.end()
  })
  t.test('that does not settle a debt opens a refund case for all of it', (t) => {
    t.same(
      broken(
        ({ kind }, { effect }) =>
          kind === 'succeeded' &&
          effect.record !== undefined &&
          effect.invoice !== 'PAID' &&
          effect.refundCase !== 'whole',
      ),
      [],
    )
    t.end()
  })
  t.end()
})

t.test('an invoice', (t) => {
  t.test('is paid by enough money of our own only, while it is open or expired and still payable', (t) => {
    t.same(
      broken(
        (facts, { effect }) =>
          effect.invoice === 'PAID' &&
          !(
            facts.kind === 'succeeded' &&
            fresh(facts) &&
            (facts.amount === 'equal' || (facts.amount === 'higher' && facts.transferRail)) &&
            (isOneOf(['ISSUED', 'PAYING'], facts.invoice) || (facts.invoice === 'EXPIRED' && facts.stillPayable))
          ),
      ),
      [],
    )
    t.end()
  })
  t.test('that is paid, refunded or closed is never changed by success, whatever its attempts were', (t) => {
    t.same(
      broken(
        ({ kind, invoice }, { effect }) =>
          kind === 'succeeded' && isOneOf([...finished, ...closed], invoice) && effect.invoice !== undefined,
      ),
      [],
    )
    t.end()
  })
  t.test('that is paid, refunded or closed is never changed by anything', (t) => {
    t.same(
      broken(({ invoice }, { effect }) => isOneOf([...finished, ...closed], invoice) && effect.invoice !== undefined),
      [],
    )
    t.end()
  })
  t.test('is paid exactly when invoice.paid is told and the money applied', (t) => {
    t.same(
      broken(
        (_, { effect }) =>
          (effect.invoice === 'PAID') !== (effect.event === 'invoice.paid') ||
          (effect.invoice === 'PAID') !== (effect.record === 'APPLIED' || effect.record === 'OVERPAID'),
      ),
      [],
    )
    t.end()
  })
  t.test('opens again only when an attempt fails, and no money moved', (t) => {
    t.same(
      broken(
        ({ kind }, { effect }) =>
          effect.invoice === 'ISSUED' &&
          !(kind === 'failed' && effect.payment === 'FAILED' && effect.record === undefined),
      ),
      [],
    )
    t.end()
  })
  t.end()
})

t.test('money goes on record', (t) => {
  t.test('never for a repeat, whatever it says', (t) => {
    t.same(
      broken(
        ({ repeated }, { effect: { verdict: _, alarm: __, ...rest } }) => repeated && Object.keys(rest).length > 0,
      ),
      [],
    )
    t.end()
  })
  t.test('never for what is not ours', (t) => {
    t.same(
      broken(({ ours }, { effect: { verdict: _, alarm: __, ...rest } }) => !ours && Object.keys(rest).length > 0),
      [],
    )
    t.end()
  })
  t.test('only when money moved: a success, or a success taken back', (t) => {
    t.same(
      broken(
        ({ kind, success }, { effect }) =>
          effect.record !== undefined &&
          (effect.record === 'REVERSED' ? !(kind === 'reversed' && success !== null) : kind !== 'succeeded'),
      ),
      [],
    )
    t.end()
  })
  t.test('without an invoice as an orphan, or as the reversal of one', (t) => {
    t.same(
      broken(
        ({ invoice }, { effect }) =>
          invoice === null && effect.record !== undefined && !isOneOf(['ORPHAN', 'REVERSED'], effect.record),
      ),
      [],
    )
    t.end()
  })
  t.end()
})

t.test(
  'money that is taken back closes its refund case, the dossier system hears only of what it was told, and only a debt gets a case',
  (t) => {
    t.same(
      broken(
        ({ success }, { effect }) =>
          effect.record === 'REVERSED' &&
          (effect.withdrawCases !== true ||
            (effect.event === 'payment.reversed') !== (success !== 'rest') ||
            (effect.refundCase === 'whole') !== (success === 'paid')),
      ),
      [],
    )
    t.end()
  },
)

t.test('an attempt that succeeded never becomes anything else', (t) => {
  t.same(
    broken(
      ({ payment }, { effect }) =>
        payment === 'SUCCEEDED' && effect.payment !== undefined && effect.payment !== 'SUCCEEDED',
    ),
    [],
  )
  t.end()
})

t.test('an attempt fails only when the rail says so', (t) => {
  t.same(
    broken(({ kind }, { effect }) => effect.payment === 'FAILED' && kind !== 'failed'),
    [],
  )
  t.end()
})

t.test('money that needs a human raises an alarm', (t) => {
  t.same(
    broken((_, { effect }) => effect.record !== undefined && effect.invoice !== 'PAID' && effect.alarm !== true),
    [],
  )
  t.end()
})

t.test('the answer "recorded" never hides money that was left out', (t) => {
  t.same(
    broken(
      ({ kind }, { effect }) => kind === 'succeeded' && effect.verdict === 'recorded' && effect.record === undefined,
    ),
    [],
  )
  t.end()
})
