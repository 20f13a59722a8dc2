import fc from 'fast-check'
import t from 'tap'
import { addDays, ageingCodes, ageOf, businessCalendar, daysOfBucket } from '../../src/domain/business-days.ts'

/** Counted one day at a time: slow and plain. */
function distance(holidays: ReadonlySet<string>, from: string, to: string): number {
  let count = 0
  for (let day = addDays(from, 1); day <= to; day = addDays(day, 1)) {
    const weekday = new Date(`${day}T00:00:00Z`).getUTCDay()
    if (weekday !== 0 && weekday !== 6 && !holidays.has(day)) count += 1
  }
  return count
}

t.test('Friday to Monday is one business day; a holiday between makes it none further', async (t) => {
  const calendar = businessCalendar(['2027-01-01'])
  const apart = (from: string, to: string): number => calendar.position(to) - calendar.position(from)
  t.equal(apart('2026-11-20', '2026-11-23'), 1)
  t.equal(apart('2026-11-21', '2026-11-23'), 1, 'paid on Saturday, booked on Monday')
  t.equal(apart('2026-12-31', '2027-01-01'), 0)
  t.equal(apart('2026-12-31', '2027-01-04'), 1)
})

t.test('distances are what counting day by day gives, whatever the holidays', async () => {
  const day = fc.integer({ min: 0, max: 1500 }).map((offset) => addDays('2025-01-01', offset))
  fc.assert(
    fc.property(fc.array(day, { maxLength: 30 }), day, fc.nat({ max: 60 }), (holidays, from, length) => {
      const to = addDays(from, length)
      const calendar = businessCalendar(holidays)
      return calendar.position(to) - calendar.position(from) === distance(new Set(holidays), from, to)
    }),
  )
})

t.test('every age has one bucket, and the days of a bucket are those whose age falls in it', async (t) => {
  const calendar = businessCalendar(['2026-11-23'])
  const today = '2026-11-25'
  t.same(ageOf(calendar, '2026-11-20', today), { days: 2, bucket: '2-3' })
  t.same(ageOf(calendar, '2026-12-01', today), { days: 0, bucket: '0-1' }, 'never below zero')
  for (let back = 0; back < 90; back++) {
    const since = addDays(today, -back)
    const { bucket } = ageOf(calendar, since, today)
    for (const code of ageingCodes) {
      const { from, to } = daysOfBucket(calendar, code, today)
      t.equal((from === null || since >= from) && since <= to, code === bucket, `${since} ${code}`)
    }
  }
})
