import fc from 'fast-check'
import t from 'tap'
import {
  businessDate,
  compactLocalTime,
  parseCompactLocalTime,
  parseReadableLocalTime,
  readableLocalTime,
  startOfLocalDay,
} from '../../src/domain/vietnam-time.ts'

const lastSecond = new Date('2026-12-31T16:59:59Z')
const newYear = new Date('2026-12-31T17:00:00Z')

t.test('the business date turns at local midnight, seven hours before UTC', async (t) => {
  t.equal(businessDate(lastSecond), '2026-12-31')
  t.equal(businessDate(newYear), '2027-01-01')
  t.equal(businessDate(new Date('2027-02-28T16:59:59.999Z')), '2027-02-28')
  t.equal(businessDate(new Date('2027-02-28T17:00:00Z')), '2027-03-01')
})

t.test('wire time is local and runs to 24 hours', async (t) => {
  t.equal(compactLocalTime(lastSecond), '20261231235959')
  t.equal(compactLocalTime(new Date('2026-01-02T07:05:00Z')), '20260102140500')
  t.equal(readableLocalTime(newYear), '2027-01-01 00:00:00')
})

t.test('texts that name no real moment are refused, not rolled over', async (t) => {
  for (const text of [
    '20260230120000',
    '20261301000000',
    '20260101240000',
    '20260101006000',
    '2026010100000',
    '',
    '2026010100000x',
  ]) {
    t.equal(parseCompactLocalTime(text), null, text)
  }
  for (const text of ['2026-02-29 00:00:00', '2026-01-01T00:00:00', '2026-01-01 00:00']) {
    t.equal(parseReadableLocalTime(text), null, text)
  }
  for (const text of ['2026-02-30', '2026-2-3', '20260203', '2026-00-10']) t.equal(startOfLocalDay(text), null, text)
})

t.test('a leap day exists in a leap year only', async (t) => {
  t.same(startOfLocalDay('2028-02-29'), new Date('2028-02-28T17:00:00Z'))
  t.equal(startOfLocalDay('2027-02-29'), null)
})

t.test('what is written is read back as the same second, and its day began at or before it', async () => {
  const seconds = fc.integer({ min: Date.UTC(1990, 0, 1) / 1000, max: Date.UTC(2100, 0, 1) / 1000 })
  fc.assert(
    fc.property(seconds, (second) => {
      const instant = new Date(second * 1000)
      const dayBegan = startOfLocalDay(businessDate(instant))?.getTime() ?? Number.NaN
      return (
        parseCompactLocalTime(compactLocalTime(instant))?.getTime() === instant.getTime() &&
        parseReadableLocalTime(readableLocalTime(instant))?.getTime() === instant.getTime() &&
        dayBegan <= instant.getTime() &&
        instant.getTime() - dayBegan < 86_400_000
      )
    }),
  )
})
