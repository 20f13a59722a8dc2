import fc from 'fast-check'
import t from 'tap'
import { attemptReference } from '../../../adapters/shared/attempt-reference.ts'

t.test('law: references are unique, letters and digits, 10 to 20 of them', async () => {
  const sequence = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n })
  await fc.assert(
    fc.asyncProperty(sequence, sequence, async (a, b) => {
      if (!/^FG[0-9A-Z]{8,18}$/.test(attemptReference(a))) throw new Error(attemptReference(a))
      if ((a === b) !== (attemptReference(a) === attemptReference(b))) throw new Error('two sequences, one reference')
    }),
  )
})

t.test('a sequence that does not fit is an error, not a short reference', async (t) => {
  t.equal(attemptReference(0n), 'FG00000000')
  for (const sequence of [-1n, 36n ** 18n]) t.throws(() => attemptReference(sequence), RangeError)
})
