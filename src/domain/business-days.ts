/**
 * Bank business days in Viet Nam: Monday to Friday without public holidays. Holidays move with the lunar year and with each
 * year's decree, so they come in as data; a calendar day is `YYYY-MM-DD`.
 */
export type BusinessCalendar = {
  /**
   * Position of a day in the count of business days: differences are distances. A day off has the position of the business
   * day before it, so money paid on a Saturday and booked on Monday is one day apart.
   */
  position(day: string): number
}

const dayMs = 86_400_000
/** A Monday. */
const epoch = Date.UTC(2020, 0, 6)

export function businessCalendar(holidays: Iterable<string>): BusinessCalendar {
  const workdaysOff = [...new Set(holidays)].filter((day) => weekday(day) < 5).sort()
  return {
    position(day) {
      const days = Math.floor((instant(day) - epoch) / dayMs)
      const weekdays = Math.floor(days / 7) * 5 + Math.min(weekday(day), 4) + 1
      return weekdays - countUpTo(workdaysOff, day)
    },
  }
}

/** Ages of breaks, in business days (statements.md §6). */
export const ageingBuckets = [
  { code: '0-1', from: 0, to: 1 },
  { code: '2-3', from: 2, to: 3 },
  { code: '4-7', from: 4, to: 7 },
  { code: '8-30', from: 8, to: 30 },
  { code: '31+', from: 31, to: Number.POSITIVE_INFINITY },
] as const
export type AgeingBucket = (typeof ageingBuckets)[number]['code']
export const ageingCodes = ageingBuckets.map(({ code }) => code)

/** Business days from `since` to `today`, not below zero, and the bucket they fall in. */
export function ageOf(
  calendar: BusinessCalendar,
  since: string,
  today: string,
): { days: number; bucket: AgeingBucket } {
  const days = Math.max(0, calendar.position(today) - calendar.position(since))
  return { days, bucket: ageingBuckets.find(({ to }) => days <= to)?.code ?? '31+' }
}

/** Days of `ageOf` that fall in a bucket: from the oldest to the newest that still does; null where there is no end. */
export function daysOfBucket(
  calendar: BusinessCalendar,
  bucket: AgeingBucket,
  today: string,
): { readonly from: string | null; readonly to: string } {
  const { from = 0, to = 0 } = ageingBuckets.find(({ code }) => code === bucket) ?? {}
  return {
    from: to === Number.POSITIVE_INFINITY ? null : lastDayOlderThan(calendar, to, today, 1),
    to: from === 0 ? '9999-12-31' : lastDayOlderThan(calendar, from - 1, today, 0),
  }
}

/** The newest day whose age is above `age`, moved by `shift` days. */
function lastDayOlderThan(calendar: BusinessCalendar, age: number, today: string, shift: number): string {
  let day = today
  while (calendar.position(today) - calendar.position(day) <= age) day = addDays(day, -1)
  return addDays(day, shift)
}

export function addDays(day: string, days: number): string {
  return new Date(instant(day) + days * dayMs).toISOString().slice(0, 10)
}

/** Monday 0 … Sunday 6. */
function weekday(day: string): number {
  return ((((instant(day) - epoch) / dayMs) % 7) + 7) % 7
}

function instant(day: string): number {
  return Date.parse(`${day}T00:00:00Z`)
}

/** Entries of a sorted list that are not after `day`. */
function countUpTo(sorted: readonly string[], day: string): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] ?? '') <= day) low = middle + 1
    else high = middle
  }
  return low
}
