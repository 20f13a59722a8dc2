/** Dates of statements: always `YYYY-MM-DD` texts, no time zone, no `Date` objects. */

export type ReadDate = { readonly date: string; readonly clamped: boolean }

/** A day past the month's end (30 February as a month-end convention) is clamped; null when no month or day could be meant. */
export function calendarDate(year: number, month: number, day: number): ReadDate | null {
  if (month < 1 || month > 12 || day < 1 || day > 31) return null
  const last = new Date(Date.UTC(year, month, 0)).getUTCDate()
  return { date: `${pad(year, 4)}-${pad(month, 2)}-${pad(Math.min(day, last), 2)}`, clamped: day > last }
}

/** `yymmdd`; years 80–99 are of the last century. */
export function shortDate(text: string): ReadDate | null {
  if (!/^\d{6}$/.test(text)) return null
  const year = Number(text.slice(0, 2))
  return calendarDate(year >= 80 ? 1900 + year : 2000 + year, Number(text.slice(2, 4)), Number(text.slice(4, 6)))
}

/** `mmdd`, in the year that puts it nearest to `near` (statements.md §1). */
export function nearestDate(monthDay: string, near: string): ReadDate | null {
  const month = Number(monthDay.slice(0, 2))
  const day = Number(monthDay.slice(2, 4))
  const year = Number(near.slice(0, 4))
  let best: ReadDate | null = null
  for (const candidate of [year, year - 1, year + 1]) {
    const read = calendarDate(candidate, month, day)
    if (read !== null && (best === null || distance(read.date, near) < distance(best.date, near))) best = read
  }
  return best
}

/** The date part of an ISO 8601 date or date-time, as written by the bank: its own local day. */
export function isoDate(text: string): ReadDate | null {
  const match = /^(\d{4})-(\d{2})-(\d{2})(?:$|[TZ+-])/.exec(text)
  return match === null ? null : calendarDate(Number(match[1]), Number(match[2]), Number(match[3]))
}

const tokens: Record<string, { pattern: string; part: DatePart }> = {
  yyyy: { pattern: '(\\d{4})', part: 'year' },
  yy: { pattern: '(\\d{2})', part: 'shortYear' },
  MM: { pattern: '(\\d{1,2})', part: 'month' },
  dd: { pattern: '(\\d{1,2})', part: 'day' },
  HH: { pattern: '(\\d{1,2})', part: 'time' },
  mm: { pattern: '(\\d{1,2})', part: 'time' },
  ss: { pattern: '(\\d{1,2})', part: 'time' },
}
type DatePart = 'year' | 'shortYear' | 'month' | 'day' | 'time'

/** A reader of dates written like `dd/MM/yyyy HH:mm:ss`; null where the text does not fit or no such day exists. */
export function dateReader(format: string): (text: string) => string | null {
  const parts: DatePart[] = []
  const source = format.replace(/yyyy|yy|MM|dd|HH|mm|ss|[^A-Za-z]|[A-Za-z]/g, (piece) => {
    const token = tokens[piece]
    if (token === undefined) return piece.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
    parts.push(token.part)
    return token.pattern
  })
  const pattern = new RegExp(`^${source}$`)
  return (text) => {
    const match = pattern.exec(text)
    if (match === null) return null
    const value = (wanted: DatePart) => Number(match[parts.indexOf(wanted) + 1] ?? Number.NaN)
    const year = parts.includes('year') ? value('year') : 2000 + value('shortYear')
    const read = calendarDate(year, value('month'), value('day'))
    return read === null || read.clamped ? null : read.date
  }
}

function distance(left: string, right: string): number {
  return Math.abs(Date.parse(left) - Date.parse(right))
}

function pad(value: number, length: number): string {
  return String(value).padStart(length, '0')
}
