import fc from 'fast-check'
import t from 'tap'
import { formatVnd, maxVnd, parsePercent, parseVnd, percentOf, restOf, sumVnd } from '../../src/domain/money.ts'

const amount = fc.bigInt({ min: 1n, max: maxVnd })

t.test('an amount is read from a JSON integer or a plain decimal string', async (t) => {
  t.equal(parseVnd(1), 1n)
  t.equal(parseVnd('1'), 1n)
  t.equal(parseVnd(3_333_333_333), 3_333_333_333n, 'above 2^31')
  t.equal(parseVnd('999999999999999'), maxVnd)
  t.equal(parseVnd(0, 0n), 0n)
  t.equal(parseVnd('0', 0n), 0n)
})

t.test('anything that is not exactly whole VND within bounds is refused', async (t) => {
  const wrong = [
    0,
    -1,
    -0,
    1.5,
    1e15,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '0',
    '-1',
    '+1',
    '01',
    '1.0',
    '1.000',
    '1,000',
    '1e3',
    ' 1',
    '1 ',
    '',
    '１',
    '0x1',
    '1000000000000000',
    null,
    undefined,
    true,
    1n,
    [1],
    {},
  ]
  for (const value of wrong) t.equal(parseVnd(value), null, String(value))
  t.equal(parseVnd(-0, 0n), null)
})

t.test('both spellings of every amount are read alike', async () => {
  fc.assert(fc.property(amount, (value) => parseVnd(Number(value)) === value && parseVnd(value.toString()) === value))
})

t.test('percentages are exact fractions above 0 up to 100', async (t) => {
  t.same(parsePercent('0.15'), { numerator: 15n, denominator: 10_000n })
  t.same(parsePercent('50'), { numerator: 50n, denominator: 100n })
  for (const text of ['0', '0.000', '100.1', '101', '-1', '1,5', '.5', '5.', '05', '1e1', '', ' 5', '0.1234567']) {
    t.equal(parsePercent(text), null, text)
  }
})

function percent(text: string) {
  const parsed = parsePercent(text)
  if (parsed === null) throw new Error(`${text} is no percentage`)
  return parsed
}

t.test('a share is rounded half up to 1 đồng', async (t) => {
  t.equal(percentOf(1n, percent('50')), 1n)
  t.equal(percentOf(99n, percent('50')), 50n)
  t.equal(percentOf(333n, percent('0.15')), 0n)
  t.equal(percentOf(334n, percent('0.15')), 1n)
  t.equal(percentOf(3_333_333_333n, percent('0.15')), 5_000_000n)
  t.equal(percentOf(3_333_333_667n, percent('0.15')), 5_000_001n)
  t.throws(() => percentOf(-1n, percent('50')), RangeError)
})

t.test('a share differs from the exact value by at most half a đồng, and never passes the whole', async () => {
  const share = fc
    .integer({ min: 1, max: 100_000_000 })
    .map((n) => percent(`${Math.trunc(n / 1e6)}.${String(n % 1e6).padStart(6, '0')}`))
  fc.assert(
    fc.property(amount, share, (value, part) => {
      const rounded = percentOf(value, part)
      const twiceOff = 2n * (rounded * part.denominator - value * part.numerator)
      return twiceOff <= part.denominator && twiceOff > -part.denominator && rounded >= 0n && rounded <= value
    }),
  )
})

t.test('a share and its rest make the whole, give or take one đồng of rounding', async () => {
  fc.assert(
    fc.property(amount, fc.integer({ min: 1, max: 100 }), (value, n) => {
      const part = percent(String(n))
      const excess = percentOf(value, part) + percentOf(value, restOf(part)) - value
      return excess === 0n || excess === 1n
    }),
  )
})

t.test('amounts are written in the way of each language', async (t) => {
  t.equal(formatVnd(1_234_567n, 'vi'), '1.234.567 ₫')
  t.equal(formatVnd(1_234_567n, 'en'), '1,234,567 VND')
  t.equal(formatVnd(0n, 'vi'), '0 ₫')
  t.equal(formatVnd(999n, 'en'), '999 VND')
  t.equal(formatVnd(-1_000n, 'vi'), '-1.000 ₫')
  t.equal(formatVnd(-100n, 'en'), '-100 VND')
  t.equal(formatVnd(maxVnd, 'vi'), '999.999.999.999.999 ₫')
})

t.test('grouping is that of Intl', async () => {
  const reference = new Intl.NumberFormat('en-US')
  fc.assert(fc.property(amount, (value) => formatVnd(value, 'en') === `${reference.format(value)} VND`))
})

t.test('a sum is exact far above 2^53', async (t) => {
  t.equal(sumVnd(Array.from({ length: 100 }, () => maxVnd)), 99_999_999_999_999_900n)
  t.equal(sumVnd([]), 0n)
})
