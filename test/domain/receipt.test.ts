import t from 'tap'
import { receiptLetters } from '../../src/domain/codes/receipt-code.ts'
import {
  freeLetters,
  nextNumber,
  notifiedInTime,
  type ReceiptDelegation,
  type ReceiptSeries,
  receiptStatuses,
  receiptSymbol,
  receiptTransitions,
  receiptYear,
} from '../../src/domain/receipt.ts'

const own: ReceiptSeries = {
  id: 'rsr_1',
  template: 'EBL01',
  symbol: '26TAA',
  year: 2026,
  firstNumber: 1,
  lastNumber: 99_999_999,
  usedNumber: 0,
  usedAt: null,
  delegation: null,
}
const delegation: ReceiptDelegation = {
  id: 'post-2026',
  agent: { name: 'Bưu điện tỉnh', taxCode: '0102595740', address: 'Số 1 phố A' },
  validFrom: '2026-11-01',
  validTo: '2026-11-30',
  notifiedOn: '2026-10-29',
}
const share: ReceiptSeries = { ...own, symbol: '26TBA', firstNumber: 101, lastNumber: 103, usedNumber: 100, delegation }

t.test('the year of a receipt is the local one', async (t) => {
  t.equal(receiptYear(new Date('2026-12-31T16:59:59Z')), 2026)
  t.equal(receiptYear(new Date('2026-12-31T17:00:00Z')), 2027)
})

t.test('letters are given in order, out of twenty, and end after 400', async (t) => {
  t.equal(freeLetters(2026, new Set()), 'AA')
  t.equal(freeLetters(2026, new Set(['26TAA', '26TAB'])), 'AC')
  t.equal(freeLetters(2027, new Set(['26TAA'])), 'AA', 'each year anew')
  const all = new Set([...receiptLetters].flatMap((a) => [...receiptLetters].map((b) => receiptSymbol(2026, a + b))))
  t.equal(all.size, 400)
  t.equal(freeLetters(2026, all), null)
  t.throws(() => receiptSymbol(2026, 'AF'), RangeError)
})

t.test('an agency numbers for itself, one after the other', async (t) => {
  t.match(nextNumber([own], '2026-11-20', false), { ok: true, number: 1 })
  t.match(nextNumber([{ ...own, usedNumber: 41 }], '2026-11-20', false), { ok: true, number: 42 })
  t.same(nextNumber([own], '2027-01-01', false), { ok: false, refusal: 'NO_SERIES' }, 'last year is over')
  t.same(nextNumber([{ ...own, usedNumber: own.lastNumber }], '2026-11-20', false), {
    ok: false,
    refusal: 'RANGE_EXHAUSTED',
  })
})

t.test('an agent numbers inside its range and time only', async (t) => {
  const on = (day: string, over: Partial<ReceiptSeries> = {}) => nextNumber([{ ...share, ...over }], day, true)
  t.match(on('2026-11-01'), { ok: true, number: 101 })
  t.match(on('2026-11-30', { usedNumber: 102 }), { ok: true, number: 103 })
  t.same(on('2026-10-31'), { ok: false, refusal: 'NOT_DELEGATED' })
  t.same(on('2026-12-01'), { ok: false, refusal: 'NOT_DELEGATED' })
  t.same(on('2026-11-20', { usedNumber: 103 }), { ok: false, refusal: 'RANGE_EXHAUSTED' })
  const late = { ...delegation, notifiedOn: '2026-10-30' }
  t.same(on('2026-11-20', { delegation: late }), { ok: false, refusal: 'DELEGATION_NOT_NOTIFIED' })
  t.same(
    nextNumber([own], '2026-11-20', true),
    { ok: false, refusal: 'NOT_DELEGATED' },
    "the collector's own numbers are not the agent's",
  )
  t.same(
    nextNumber([share], '2026-11-20', false),
    { ok: false, refusal: 'NO_SERIES' },
    "nor the agent's the collector's",
  )
})

t.test('a second range follows when the first is used up', async (t) => {
  const next = { ...share, id: 'rsr_2', firstNumber: 501, lastNumber: 600, usedNumber: 500 }
  t.match(nextNumber([next, share], '2026-11-20', true), { number: 101 })
  t.match(nextNumber([next, { ...share, usedNumber: 103 }], '2026-11-20', true), { number: 501 })
})

t.test('three days of notice are three days', async (t) => {
  t.ok(notifiedInTime({ notifiedOn: '2026-10-29', validFrom: '2026-11-01' }))
  t.notOk(notifiedInTime({ notifiedOn: '2026-10-30', validFrom: '2026-11-01' }))
})

t.test('nothing leads back to REQUESTED, and what is replaced is over', async (t) => {
  for (const status of receiptStatuses) t.notOk(receiptTransitions[status].includes('REQUESTED'), status)
  t.same(receiptTransitions.REPLACED, [])
})
