import fc from 'fast-check'
import t from 'tap'
import { conflictsIn, defaultSettings, type RoutingRule, settingsOf } from '../../../src/domain/routing/rules.ts'
import { aRule } from './build.ts'

const subject = {
  railAccountId: 'vnpay-a',
  rail: 'vnpay',
  agencyCode: 'H56.14',
  procedureCode: '1.004194',
  date: '2026-11-20',
}

t.test('the narrowest rule in force decides each setting by itself', async (t) => {
  const scopes: Partial<RoutingRule>[] = [
    {},
    { validTo: '2026-12-31' },
    { rails: ['vnpay'] },
    { railAccountIds: ['vnpay-a'] },
    { agencyCodes: ['H56.14'] },
    { agencyCodes: ['H56.14'], railAccountIds: ['vnpay-a'] },
    { procedureCodes: ['1.004194'] },
    { procedureCodes: ['1.004194'], agencyCodes: ['H56.14'] },
    { procedureCodes: ['1.004194'], agencyCodes: ['H56.14'], railAccountIds: ['vnpay-a'], validTo: '2026-12-31' },
  ]
  const rules = scopes.map((scope, index) => aRule({ order: index }, { id: `rule-${index}`, ...scope }))
  for (const [index] of scopes.entries())
    t.equal(settingsOf(subject, rules.slice(0, index + 1)).order.value, index, `rule ${index} beats all wider ones`)
  const { maxAmount, order } = settingsOf(subject, [...rules, aRule({ maxAmount: 5n }, { id: 'widest' })])
  t.equal(maxAmount.rule?.id, 'widest', 'a wide rule decides what no narrow one says')
  t.equal(order.rule?.id, 'rule-8')
})

t.test('a rule of another account, rail, agency, procedure or day says nothing', async (t) => {
  const others: Partial<RoutingRule>[] = [
    { railAccountIds: ['vnpay-b'] },
    { rails: ['vietqr'] },
    { agencyCodes: ['H56.15'] },
    { procedureCodes: ['1.004222'] },
    { validFrom: '2026-11-21' },
    { validTo: '2026-11-19' },
  ]
  for (const other of others)
    t.same(settingsOf(subject, [aRule({ offered: false }, other)]).offered, { value: true, rule: null })
  for (const sameDay of [{ validFrom: '2026-11-20' }, { validTo: '2026-11-20' }])
    t.equal(settingsOf(subject, [aRule({ offered: false }, sameDay)]).offered.value, false, 'both ends are included')
})

t.test('null takes a wider limit away again', async (t) => {
  const rules = [aRule({ maxAmount: 5n }), aRule({ maxAmount: null }, { id: 'lifted', procedureCodes: ['1.004194'] })]
  t.match(settingsOf(subject, rules).maxAmount, { value: null, rule: { id: 'lifted' } })
})

t.test('without a rule every setting has its default', async (t) => {
  const settings = settingsOf(subject, [])
  t.same(Object.fromEntries(Object.entries(settings).map(([name, { value }]) => [name, value])), defaultSettings)
})

t.test(
  'two rules that could decide the same thing are a conflict; different days, accounts or settings are none',
  async (t) => {
    const pair = (a: Partial<RoutingRule>, b: Partial<RoutingRule>, set: RoutingRule['set'] = { offered: true }) =>
      conflictsIn([aRule({ offered: false }, a), aRule(set, { id: 'rule-b', ...b })])
    t.same(pair({}, {}), [{ first: 'rule-a', second: 'rule-b', setting: 'offered' }])
    t.equal(pair({ rails: ['vnpay', 'vietqr'] }, { rails: ['vietqr'] }).length, 1)
    t.equal(
      pair({ validTo: '2026-12-31' }, { validFrom: '2026-12-31', validTo: '2027-01-31' }).length,
      1,
      'they share a day',
    )
    t.same(pair({ validTo: '2026-12-30' }, { validFrom: '2026-12-31', validTo: '2027-01-31' }), [])
    t.same(pair({ rails: ['vnpay'] }, { rails: ['vietqr'] }), [])
    t.same(pair({ agencyCodes: ['H56.14'] }, { agencyCodes: ['H56.15'] }), [])
    t.same(pair({ agencyCodes: ['H56.14'] }, {}), [], 'the narrower one decides')
    t.same(pair({}, {}, { order: 1 }), [])
    t.same(pair({}, {}, { offered: undefined, order: 1 }), [], 'a setting that is left out sets nothing')
  },
)

const ruleArbitrary = fc
  .record({
    railAccountIds: fc.subarray(['vnpay-a', 'vietqr-a']),
    rails: fc.subarray(['vnpay', 'vietqr']),
    agencyCodes: fc.subarray(['H56.14', 'H56.15']),
    procedureCodes: fc.subarray(['1.004194', '1.004222']),
    validFrom: fc.constantFrom(null, '2026-11-19', '2026-11-20', '2026-11-21'),
    validTo: fc.constantFrom(null, '2026-11-20', '2026-11-22'),
    set: fc.record({ order: fc.integer({ min: 0, max: 9 }), offered: fc.boolean() }, { requiredKeys: [] }),
  })
  .map((rule) => (rule.railAccountIds.length > 0 ? { ...rule, rails: [] } : rule))

t.test('rules without a conflict decide the same in whatever order they stand', async (t) => {
  fc.assert(
    fc.property(
      fc.array(ruleArbitrary, { maxLength: 6 }),
      fc.constantFrom('2026-11-19', '2026-11-20', '2026-11-22'),
      (drafts, date) => {
        const rules = drafts.map((draft, index): RoutingRule => ({ ...draft, id: `rule-${index}`, version: 1 }))
        fc.pre(conflictsIn(rules).length === 0)
        // Names decide nothing either: they are given anew in the other order.
        const turned = [...rules].reverse().map((rule, index) => ({ ...rule, id: `rule-${index}` }))
        const values = (given: readonly RoutingRule[]) => {
          const { order, offered } = settingsOf({ ...subject, date }, given)
          return [order.value, offered.value]
        }
        t.strictSame(values(turned), values(rules))
      },
    ),
  )
})
