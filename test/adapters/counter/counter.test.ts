import t from 'tap'
import { counter } from '../../../adapters/counter/index.ts'
import { findAdapter } from '../../../adapters/registry.ts'

t.test('a counter is a rail like others: registered, with limits, and nothing to start or call back', async (t) => {
  t.equal(findAdapter('counter'), counter)
  t.match(counter.capabilities, { start: false, callback: false, inquiry: false, pull: false, transfer: false })
  t.equal(counter.start, undefined)
  t.equal(
    counter.merchantRef({ sequence: 1n, payCode: 'ABC', now: new Date(0) }, { id: 'a', config: { cashMaximum: 1 } }),
    'ABC',
  )
})

t.test('its config is the most cash for one invoice, whole and positive, and nothing else', async (t) => {
  t.ok(counter.accountSchema.safeParse({ cashMaximum: 5_000_000 }).success)
  for (const config of [
    {},
    { cashMaximum: 0 },
    { cashMaximum: 1.5 },
    { cashMaximum: '5' },
    { cashMaximum: 1, more: 1 },
  ])
    t.notOk(counter.accountSchema.safeParse(config).success, JSON.stringify(config))
})
