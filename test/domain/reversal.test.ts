import t from 'tap'
import { decideReversal, type ReversalFacts, reversalTable } from '../../src/domain/reversal.ts'

const both = [true, false] as const
const everything: ReversalFacts[] = both.flatMap((found) =>
  both.flatMap((reversed) =>
    both.flatMap((refundUnderWay) =>
      both.flatMap((sameDay) =>
        both.flatMap((dossierTold) =>
          both.map((taxPaid) => ({ found, reversed, refundUnderWay, sameDay, dossierTold, taxPaid })),
        ),
      ),
    ),
  ),
)
const possible: ReversalFacts = {
  found: true,
  reversed: false,
  refundUnderWay: false,
  sameDay: true,
  dossierTold: false,
  taxPaid: false,
}

t.test('every combination of facts is decided, and every row is reached', async (t) => {
  const reached = new Set(everything.map((facts) => decideReversal(facts).rule))
  t.same([...reached].sort(), reversalTable.map(({ rule }) => rule).sort())
})

t.test('money goes back only on its day, once, before the dossier system was told', async (t) => {
  for (const facts of everything) {
    const goes = decideReversal(facts).effect.answer === 'reversed'
    t.equal(goes, JSON.stringify(facts) === JSON.stringify(possible), JSON.stringify(facts))
  }
})

t.test('a refund case is opened only for money that is on record and on no other way back', async (t) => {
  for (const facts of everything)
    if (decideReversal(facts).effect.refundCase === true)
      t.ok(facts.found && !facts.reversed && !facts.refundUnderWay && !facts.taxPaid, JSON.stringify(facts))
})
