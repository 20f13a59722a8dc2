import fc from 'fast-check'
import t from 'tap'
import { type Calendar, calendarAt, closureAt } from '../../../src/domain/routing/calendar.ts'

const workdays = ['MON', 'TUE', 'WED', 'THU', 'FRI'] as const
const office: Calendar = {
  id: 'office',
  version: 1,
  weekly: [
    { days: workdays, from: '08:00', to: '11:30' },
    { days: workdays, from: '13:30', to: '17:00' },
  ],
  dates: [
    { date: '2026-11-23', name: 'Nghỉ lễ', hours: [] },
    { date: '2026-11-21', name: 'Làm bù', hours: [{ from: '08:00', to: '12:00' }] },
  ],
}
/** Local time of Viet Nam. */
const at = (text: string): Date => new Date(`${text}+07:00`)
const told = ({ open, until, dayName }: ReturnType<typeof calendarAt>) => [open, until?.toISOString() ?? null, dayName]
const utc = (text: string): string => at(text).toISOString()

t.test('hours begin with their first minute and end before their last', async (t) => {
  t.same(told(calendarAt(office, at('2026-11-20T07:59:59'))), [false, utc('2026-11-20T08:00:00'), null])
  t.same(told(calendarAt(office, at('2026-11-20T08:00:00'))), [true, utc('2026-11-20T11:30:00'), null])
  t.same(told(calendarAt(office, at('2026-11-20T11:29:59.999'))), [true, utc('2026-11-20T11:30:00'), null])
  t.same(told(calendarAt(office, at('2026-11-20T11:30:00'))), [false, utc('2026-11-20T13:30:00'), null])
})

t.test(
  'a holiday has no hours, a Saturday worked for it has its own, and the next opening jumps over both ways',
  async (t) => {
    t.same(told(calendarAt(office, at('2026-11-20T18:00:00'))), [false, utc('2026-11-21T08:00:00'), null])
    t.same(told(calendarAt(office, at('2026-11-21T09:00:00'))), [true, utc('2026-11-21T12:00:00'), 'Làm bù'])
    t.same(told(calendarAt(office, at('2026-11-21T12:00:00'))), [false, utc('2026-11-24T08:00:00'), 'Làm bù'])
    t.same(told(calendarAt(office, at('2026-11-23T09:00:00'))), [false, utc('2026-11-24T08:00:00'), 'Nghỉ lễ'])
  },
)

t.test('the day is the day of Viet Nam, not of UTC', async (t) => {
  // 23:30 of Thursday in UTC is 06:30 of Friday there; 17:30 of Sunday in UTC is Monday.
  const night: Calendar = {
    id: 'night',
    version: 1,
    weekly: [{ days: ['MON'], from: '00:00', to: '01:00' }],
    dates: [],
  }
  t.equal(calendarAt(night, new Date('2026-11-22T17:30:00Z')).open, true)
  t.equal(calendarAt(night, new Date('2026-11-23T00:30:00Z')).open, false)
})

t.test('hours that meet at midnight are one opening; hours that never end say so', async (t) => {
  const late: Calendar = {
    id: 'late',
    version: 1,
    weekly: [
      { days: ['FRI'], from: '22:00', to: '24:00' },
      { days: ['SAT'], from: '00:00', to: '06:00' },
    ],
    dates: [],
  }
  t.same(told(calendarAt(late, at('2026-11-20T23:00:00'))), [true, utc('2026-11-21T06:00:00'), null])
  const days = ['MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT', 'SUN'] as const
  const always: Calendar = { id: 'always', version: 1, weekly: [{ days, from: '00:00', to: '24:00' }], dates: [] }
  t.same(told(calendarAt(always, at('2026-11-20T23:00:00'))), [true, null, null])
  const never: Calendar = { id: 'never', version: 1, weekly: [], dates: [] }
  t.same(told(calendarAt(never, at('2026-11-20T23:00:00'))), [false, null, null])
})

const calendars = fc.record({
  id: fc.constant('any'),
  version: fc.constant(1),
  weekly: fc.array(
    fc
      .record({ days: fc.subarray([...workdays, 'SAT', 'SUN'] as const, { minLength: 1 }), hours: hours() })
      .map(({ days, hours }) => ({ days, ...hours })),
    { maxLength: 4 },
  ),
  dates: fc.uniqueArray(
    fc.record({
      date: fc.integer({ min: 1, max: 30 }).map((day) => `2026-11-${String(day).padStart(2, '0')}`),
      name: fc.constant('x'),
      hours: fc.array(hours(), { maxLength: 2 }),
    }),
    { maxLength: 5, selector: ({ date }) => date },
  ),
})

function hours(): fc.Arbitrary<{ from: string; to: string }> {
  const clock = (minute: number): string =>
    `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`
  return fc
    .tuple(fc.integer({ min: 0, max: 1439 }), fc.integer({ min: 1, max: 1440 }))
    .filter(([from, to]) => from < to)
    .map(([from, to]) => ({ from: clock(from), to: clock(to) }))
}

t.test('what is said to last until an instant lasts until it and not longer', async (t) => {
  const instants = fc
    .integer({ min: 0, max: 30 * 24 * 60 - 1 })
    .map((minute) => new Date(at('2026-11-01T00:00:00').getTime() + minute * 60_000))
  fc.assert(
    fc.property(calendars, instants, (calendar, now) => {
      const { open, until } = calendarAt(calendar, now)
      if (until === null) return true
      const steps = [0.1, 0.5, 0.9].map((part) => new Date(now.getTime() + (until.getTime() - now.getTime()) * part))
      return (
        steps.every((instant) => calendarAt(calendar, instant).open === open) &&
        calendarAt(calendar, new Date(until.getTime() - 1)).open === open &&
        calendarAt(calendar, until).open !== open
      )
    }),
  )
  t.pass()
})

t.test('of two closures the one that lasts longer is named; a closure ends at its end', async (t) => {
  const closure = (id: string, to: string, over: object = {}) => ({
    id,
    version: 1,
    railAccountIds: [],
    rails: [],
    from: at('2026-11-20T22:00:00'),
    to: at(to),
    reasonVi: 'Bảo trì',
    reasonEn: 'Maintenance',
    ...over,
  })
  const account = { id: 'vnpay-a', rail: 'vnpay' }
  const all = [
    closure('short', '2026-11-20T23:00:00'),
    closure('long', '2026-11-21T02:00:00'),
    closure('other', '2026-11-25T00:00:00', { rails: ['vietqr'] }),
  ]
  t.equal(closureAt(account, all, at('2026-11-20T22:30:00'))?.id, 'long')
  t.equal(closureAt(account, all, at('2026-11-21T02:00:00')), null)
  t.equal(closureAt(account, all, at('2026-11-20T21:59:59')), null)
  t.equal(closureAt({ id: 'vietqr-a', rail: 'vietqr' }, all, at('2026-11-24T00:00:00'))?.id, 'other')
})
