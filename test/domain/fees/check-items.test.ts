import t from 'tap'
import { checkItems } from '../../../src/domain/fees/check-items.ts'
import { aLine, anAdjustment, aRate, aSlice, priced } from './build.ts'

const slice = aSlice(
  [aRate(), aRate({ id: 'copy', feeCode: 'copy', unit: 'PAGE', price: { by: 'AMOUNT', amount: 8_000n } })],
  [anAdjustment()],
)
const { items } = priced(slice, {
  lines: [aLine({ rateId: 'card' }), aLine({ rateId: 'copy' }, { quantity: 2, copies: 3 })],
})
const right = [
  { rateId: 'card', quantity: 1, amount: 25_000n },
  { rateId: 'copy', quantity: 2, copies: 3, amount: 48_000n },
] as const

t.test('items that agree with the price pass, and what a portal leaves out is not held against it', async (t) => {
  t.same(checkItems(right, items), { ok: true })
  t.same(checkItems([{ rateId: 'card' }, {}], items), { ok: true })
})

t.test('the first difference is named with what was expected', async (t) => {
  t.match(checkItems([right[0], { ...right[1], amount: 47_999n }], items), {
    ok: false,
    lineNo: 2,
    field: 'amount',
    expected: '48000',
    received: '47999',
    messageEn: 'Line 2, amount: expected 48000, received 47999',
  })
  t.match(
    checkItems([{ ...right[0], amount: 50_000n }, right[1]], items),
    { lineNo: 1, field: 'amount', expected: '25000' },
    'the gross is not the net',
  )
  t.match(checkItems([{ ...right[0], rateId: 'copy', amount: 1n }, right[1]], items), {
    lineNo: 1,
    field: 'rateId',
    expected: 'card',
  })
  t.match(checkItems([right[0], { ...right[1], quantity: 3 }], items), { lineNo: 2, field: 'quantity' })
  t.match(checkItems([right[0], { ...right[1], copies: 2 }], items), { lineNo: 2, field: 'copies' })
  t.match(checkItems([{ ...right[0], baseAmount: 1n }, right[1]], items), {
    lineNo: 1,
    field: 'baseAmount',
    expected: '–',
  })
})

t.test('a missing or additional line is a difference', async (t) => {
  t.match(checkItems([right[0]], items), { ok: false, lineNo: null, field: 'lines', expected: '2', received: '1' })
  t.match(checkItems([...right, right[0]], items), { ok: false, field: 'lines', received: '3' })
})
