/** Opening hours and closures of rail accounts, in Asia/Ho_Chi_Minh. */
import { businessDate, startOfLocalDay } from '../vietnam-time.ts'

export const dayNames = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'] as const
export type DayName = (typeof dayNames)[number]

/** `HH:MM` of one day, from included, to excluded; `24:00` is the end of the day. */
export type OpenHours = { readonly from: string; readonly to: string }

export type Calendar = {
  readonly id: string
  readonly version: number
  readonly weekly: readonly (OpenHours & { readonly days: readonly DayName[] })[]
  /** Days with hours of their own: none on a holiday, some on a Saturday that is worked for another day. */
  readonly dates: readonly { readonly date: string; readonly name: string; readonly hours: readonly OpenHours[] }[]
}

export type CalendarState = {
  readonly open: boolean
  /** When it closes or opens next; null: not within the year that is looked through. */
  readonly until: Date | null
  /** Name of the special day, when `at` is in one. */
  readonly dayName: string | null
}

/** A time off for maintenance, announced with its reason. */
export type Closure = {
  readonly id: string
  readonly version: number
  /** Both empty: every rail account. */
  readonly railAccountIds: readonly string[]
  readonly rails: readonly string[]
  readonly from: Date
  readonly to: Date
  readonly reasonVi: string
  readonly reasonEn: string
}

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs
const daysLookedThrough = 366

export function calendarAt(calendar: Calendar, at: Date): CalendarState {
  const dayName = calendar.dates.find(({ date }) => date === businessDate(at))?.name ?? null
  let openUntil: number | null = null
  for (let ahead = 0; ahead < daysLookedThrough; ahead++) {
    for (const [from, to] of windowsOf(calendar, businessDate(new Date(at.getTime() + ahead * dayMs)))) {
      if (openUntil !== null) {
        // Hours that follow one another without a gap, over midnight too, are one opening.
        if (from > openUntil) return { open: true, until: new Date(openUntil), dayName }
        openUntil = Math.max(openUntil, to)
      } else if (from > at.getTime()) {
        return { open: false, until: new Date(from), dayName }
      } else if (at.getTime() < to) {
        openUntil = to
      }
    }
    const nextDay = startOfNextDay(at, ahead)
    if (openUntil !== null && openUntil < nextDay) return { open: true, until: new Date(openUntil), dayName }
  }
  return { open: openUntil !== null, until: null, dayName }
}

/** The closure that holds an account at an instant, the one that lasts longest. */
export function closureAt(
  account: { readonly id: string; readonly rail: string },
  closures: readonly Closure[],
  at: Date,
): Closure | null {
  const now = closures
    .filter(
      ({ railAccountIds, rails, from, to }) =>
        (railAccountIds.length === 0 || railAccountIds.includes(account.id)) &&
        (rails.length === 0 || rails.includes(account.rail)) &&
        from <= at &&
        at < to,
    )
    .sort((a, b) => b.to.getTime() - a.to.getTime() || (a.id < b.id ? -1 : 1))
  return now[0] ?? null
}

/** Minutes since midnight of `HH:MM`. */
export function minuteOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5))
}

/** Openings of a local day as instants, early first. */
function windowsOf(calendar: Calendar, date: string): [from: number, to: number][] {
  const midnight = startOfLocalDay(date)?.getTime() ?? 0
  const special = calendar.dates.find((day) => day.date === date)
  const weekday = dayNames[new Date(`${date}T00:00:00Z`).getUTCDay()]
  const hours = special?.hours ?? calendar.weekly.filter(({ days }) => weekday !== undefined && days.includes(weekday))
  return hours
    .map(({ from, to }): [number, number] => [midnight + minuteOf(from) * minuteMs, midnight + minuteOf(to) * minuteMs])
    .sort(([a], [b]) => a - b)
}

function startOfNextDay(at: Date, ahead: number): number {
  return startOfLocalDay(businessDate(new Date(at.getTime() + (ahead + 1) * dayMs)))?.getTime() ?? 0
}
