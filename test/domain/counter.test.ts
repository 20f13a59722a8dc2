import fc from 'fast-check'
import t from 'tap'
import { cashFault, expectedCash, mayDecide } from '../../src/domain/counter.ts'

t.test('the drawer holds what was there, plus what came, minus what went back', async (t) => {
  t.equal(expectedCash({ openingCash: 200_000n, collected: 65_000n, takenBack: 7_000n }), 258_000n)
})

t.test('cash may be taken for the whole amount up to the maximum, never for a part', (t) => {
  const maximum = 1_000_000n
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: 2_000_000n }), fc.bigInt({ min: 0n, max: 3_000_000n }), (total, given) => {
      const fault = cashFault({ total, given, maximum })
      return fault === (total > maximum ? 'aboveMaximum' : given < total ? 'notEnough' : null)
    }),
  )
  t.end()
})

t.test('whoever asked may withdraw and not approve; another officer may do both', async (t) => {
  t.equal(mayDecide('approve', 'a', 'a'), false)
  t.equal(mayDecide('approve', 'a', 'b'), true)
  t.equal(mayDecide('reject', 'a', 'a'), true)
  t.equal(mayDecide('reject', 'a', 'b'), true)
})
