import fc from 'fast-check'
import t from 'tap'
import { refundRules } from '../../src/domain/fees/catalogue.ts'
import { refundPostings } from '../../src/domain/postings.ts'
import { refundChannels } from '../../src/domain/refund.ts'
import {
  allot,
  type ChannelFacts,
  channelFault,
  defaultChannel,
  fits,
  leftOf,
  type PaidMoney,
  type RefundReason,
  reasonRules,
  refundReasons,
} from '../../src/domain/refund-rules.ts'

const line = (lineNo: number, refundRule: string, net: bigint, kind = 'LE_PHI') => ({ lineNo, kind, net, refundRule })

function paid(over: Partial<PaidMoney> = {}): PaidMoney {
  return {
    disposition: 'APPLIED',
    amount: 100_000n,
    reversed: false,
    items: [line(1, 'IF_NOT_GRANTED', 60_000n), line(2, 'NEVER', 40_000n, 'PHI')],
    refunds: [],
    ...over,
  }
}

const held = (over: Partial<PaidMoney['refunds'][number]>): PaidMoney['refunds'][number] => ({
  status: 'REQUESTED',
  origin: 'REQUEST',
  amount: 10_000n,
  items: [{ lineNo: 1, amount: 10_000n }],
  ...over,
})

t.test('which reason gives back a line of which refund rule', (t) => {
  const given: Record<string, readonly string[]> = {
    NOT_GRANTED: ['IF_NOT_GRANTED'],
    WITHDRAWN: [],
    PAID_TWICE: ['IF_NOT_GRANTED', 'NEVER', 'ALWAYS_DUPLICATE'],
  }
  for (const reason of refundReasons)
    for (const rule of refundRules) {
      const money = paid({ amount: 50_000n, items: [line(1, rule, 50_000n, rule === 'TAX_LAW' ? 'TAX' : 'PHI')] })
      const isGiven = given[reason]?.includes(rule) ?? false
      const allotted = allot({ reason }, money)
      t.equal(allotted.ok, isGiven, `${reason} ${rule}`)
      if (allotted.ok) t.equal(allotted.amount, 50_000n)
      else if (reasonRules[reason].money === 'COLLECTED') t.equal(allotted.why, rule === 'TAX_LAW' ? 'tax' : 'rule')
    }
  t.end()
})

t.test(
  'of a whole invoice the lines that the rules give back go back; named one by one, a wrong one refuses all',
  (t) => {
    t.match(allot({ reason: 'NOT_GRANTED' }, paid()), {
      ok: true,
      amount: 60_000n,
      items: [{ lineNo: 1, amount: 60_000n }],
    })
    t.match(allot({ reason: 'NOT_GRANTED', items: [{ lineNo: 1 }, { lineNo: 2 }] }, paid()), {
      ok: false,
      why: 'rule',
      lines: [2],
    })
    t.match(allot({ reason: 'NOT_GRANTED', items: [{ lineNo: 1, amount: 20_000n }] }, paid()), {
      ok: true,
      amount: 20_000n,
    })
    t.match(allot({ reason: 'NOT_GRANTED', items: [{ lineNo: 3 }] }, paid()), { ok: false, why: 'noSuchLine' })
    t.match(allot({ reason: 'NOT_GRANTED', items: [{ lineNo: 1 }, { lineNo: 1 }] }, paid()), { why: 'noSuchLine' })
    t.end()
  },
)

t.test('a tax is refused for every reason, whatever its line says of itself', (t) => {
  for (const reason of ['NOT_GRANTED', 'WITHDRAWN', 'PAID_TWICE'] as const)
    for (const rule of refundRules)
      t.match(allot({ reason, items: [{ lineNo: 1 }] }, paid({ items: [line(1, rule, 100_000n, 'TAX')] })), {
        ok: false,
        why: 'tax',
        lines: [1],
      })
  t.end()
})

t.test('money that paid nothing always goes back, whatever the rules of the fees are', (t) => {
  for (const disposition of ['DUPLICATE', 'UNDERPAID', 'UNAPPLIED', 'ORPHAN'] as const)
    for (const rule of refundRules) {
      const money = paid({ disposition, items: disposition === 'ORPHAN' ? [] : [line(1, rule, 100_000n)] })
      t.match(allot({ reason: 'NOT_OWED' }, money), { ok: true, amount: 100_000n, items: [] }, `${disposition} ${rule}`)
      t.match(allot({ reason: 'NOT_OWED', amount: 1n }, money), { ok: true, amount: 1n })
      t.match(allot({ reason: 'NOT_OWED', amount: 100_001n }, money), { ok: false, why: 'tooMuch', left: 100_000n })
      t.match(allot({ reason: 'NOT_GRANTED' }, money), { ok: false, why: 'wrongMoney' })
    }
  t.end()
})

t.test('of an overpayment the excess goes back as such, the rest by the rules of its fees', (t) => {
  const money = paid({ disposition: 'OVERPAID', amount: 130_000n })
  t.match(allot({ reason: 'NOT_OWED' }, money), { ok: true, amount: 30_000n })
  t.match(allot({ reason: 'NOT_GRANTED' }, money), { ok: true, amount: 60_000n })
  t.match(allot({ reason: 'NOT_OWED' }, paid()), { ok: false, why: 'nothingLeft' }, 'nothing was paid too much')
  t.end()
})

t.test('what another refund holds is not there, until that one fails or is rejected', (t) => {
  for (const status of ['REQUESTED', 'APPROVED', 'SENT', 'UNKNOWN', 'DONE'] as const)
    t.equal(leftOf(paid({ refunds: [held({ status })] })).items.get(1), 50_000n, status)
  for (const status of ['FAILED', 'REJECTED'] as const)
    t.equal(leftOf(paid({ refunds: [held({ status })] })).items.get(1), 60_000n, status)
  const taken = paid({ refunds: [held({ amount: 60_000n, items: [{ lineNo: 1, amount: 60_000n }] })] })
  t.match(allot({ reason: 'NOT_GRANTED' }, taken), { ok: false, why: 'nothingLeft' })
  t.match(allot({ reason: 'NOT_GRANTED', items: [{ lineNo: 1, amount: 1n }] }, taken), { ok: false, why: 'tooMuch' })
  t.end()
})

t.test('of a payment that the rail took back nothing is left', (t) => {
  t.match(allot({ reason: 'NOT_GRANTED' }, paid({ reversed: true })), { ok: false, why: 'nothingLeft' })
  t.match(allot({ reason: 'NOT_OWED' }, paid({ disposition: 'DUPLICATE', reversed: true })), { why: 'nothingLeft' })
  t.notOk(fits(held({}), paid({ reversed: true })))
  t.ok(fits(held({}), paid()))
  t.notOk(fits(held({ origin: 'DUPLICATE', items: [], amount: 100_001n }), paid({ disposition: 'DUPLICATE' })))
  t.end()
})

t.test('law: whatever is asked, what is allotted never exceeds what is left, line by line', (t) => {
  const dispositions = ['APPLIED', 'OVERPAID', 'DUPLICATE', 'UNDERPAID', 'UNAPPLIED'] as const
  const amount = fc.bigInt({ min: 1n, max: 200n })
  const money = fc.record({
    disposition: fc.constantFrom(...dispositions),
    excess: fc.bigInt({ min: 0n, max: 50n }),
    nets: fc.array(fc.record({ net: fc.bigInt({ min: 0n, max: 100n }), rule: fc.constantFrom(...refundRules) }), {
      minLength: 1,
      maxLength: 4,
    }),
    asks: fc.array(
      fc.record(
        {
          reason: fc.constantFrom<RefundReason>('NOT_GRANTED', 'PAID_TWICE', 'NOT_OWED'),
          amount,
          items: fc.array(fc.record({ lineNo: fc.integer({ min: 1, max: 5 }), amount }), {
            minLength: 1,
            maxLength: 3,
          }),
        },
        { requiredKeys: ['reason'] },
      ),
      { maxLength: 12 },
    ),
  })
  fc.assert(
    fc.property(money, ({ disposition, excess, nets, asks }) => {
      const items = nets.map(({ net, rule }, at) => line(at + 1, rule, net))
      const owed = items.reduce((sum, { net }) => sum + net, 0n)
      const amount = disposition === 'OVERPAID' ? owed + excess : owed + 1n
      const refunds: PaidMoney['refunds'][number][] = []
      for (const ask of asks) {
        const allotted = allot(ask, paid({ disposition, amount, items, refunds }))
        if (!allotted.ok) continue
        const origin = ask.reason === 'NOT_OWED' ? 'UNAPPLIED' : 'REQUEST'
        refunds.push({ status: 'DONE', origin, amount: allotted.amount, items: allotted.items })
      }
      const total = refunds.reduce((sum, refund) => sum + refund.amount, 0n)
      const left = leftOf(paid({ disposition, amount, items, refunds }))
      return total <= amount && left.unapplied >= 0n && [...left.items.values()].every((rest) => rest >= 0n)
    }),
  )
  t.end()
})

const facts: ChannelFacts = {
  creditor: 'COLLECTING_AGENCY',
  hasTax: false,
  railRefund: 'partial',
  hasAttempt: true,
  isWhole: false,
  paidToday: true,
}

t.test('which channel takes what, and which is taken when none is named', (t) => {
  const rows: [string, Partial<ChannelFacts>, (string | null)[], string][] = [
    // name, facts, fault of RAIL_REVERSAL, AGENCY_PAYOUT, TREASURY_ORDER; default
    ['today, a rail that refunds', {}, [null, null, null], 'RAIL_REVERSAL'],
    ['later: the money is swept', { paidToday: false }, [null, null, null], 'AGENCY_PAYOUT'],
    ['a rail without refunds', { railRefund: 'none' }, ['railHasNone', null, null], 'AGENCY_PAYOUT'],
    ['a part, at a rail of whole refunds', { railRefund: 'full' }, ['railWholeOnly', null, null], 'AGENCY_PAYOUT'],
    ['the whole, at such a rail', { railRefund: 'full', isWhole: true }, [null, null, null], 'RAIL_REVERSAL'],
    ['money without an attempt', { hasAttempt: false }, ['noAttempt', null, null], 'AGENCY_PAYOUT'],
    ['the budget, today', { creditor: 'STATE_BUDGET' }, [null, 'creditor', null], 'RAIL_REVERSAL'],
    ['the budget, later', { creditor: 'STATE_BUDGET', paidToday: false }, [null, 'creditor', null], 'TREASURY_ORDER'],
    ['a tax', { creditor: 'STATE_BUDGET', hasTax: true }, ['tax', 'creditor', null], 'TREASURY_ORDER'],
    ['the post', { creditor: 'PUBLIC_POST', paidToday: false }, [null, null, 'creditor'], 'AGENCY_PAYOUT'],
  ]
  for (const [name, over, faults, channel] of rows) {
    t.same(
      refundChannels.map((candidate) => channelFault(candidate, { ...facts, ...over })),
      faults,
      name,
    )
    t.equal(defaultChannel({ ...facts, ...over }), channel, name)
  }
  t.end()
})

t.test('postings of a refund sum to zero and undo what the payment booked', (t) => {
  const input = { amount: 60_000n, railAccountId: 'r', beneficiaryAccountId: 'b' }
  const items = [
    { economicCode: '2768', amount: 50_000n },
    { economicCode: null, amount: 10_000n },
  ]
  t.same(refundPostings({ ...input, payout: false, items }), [
    { account: 'collected:b:2768', amount: 50_000n },
    { account: 'collected:b:-', amount: 10_000n },
    { account: 'rail:r', amount: -60_000n },
  ])
  t.same(refundPostings({ ...input, payout: true, items: [] }), [
    { account: 'unapplied:r', amount: 60_000n },
    { account: 'paid-out:b', amount: -60_000n },
  ])
  t.end()
})
