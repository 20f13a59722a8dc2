/**
 * Asia/Ho_Chi_Minh is UTC+7 all year (domain.md §5.6). Inside, time is a UTC instant; these functions give the local view.
 */
const offsetMs = 7 * 60 * 60 * 1000

function local(instant: Date): Date {
  return new Date(instant.getTime() + offsetMs)
}

/** `yyyy-MM-dd` of the local calendar: the business date. */
export function businessDate(instant: Date): string {
  return local(instant).toISOString().slice(0, 10)
}

/** `yyyyMMddHHmmss`, 24-hour, local: the wire form of most rails (domain.md §5.7). */
export function compactLocalTime(instant: Date): string {
  return local(instant).toISOString().replace(/[-:T]/g, '').slice(0, 14)
}

/** `yyyy-MM-dd HH:mm:ss` local. */
export function readableLocalTime(instant: Date): string {
  return local(instant).toISOString().slice(0, 19).replace('T', ' ')
}

/** Reads `yyyyMMddHHmmss` local; null when it is not a real date and time. */
export function parseCompactLocalTime(text: string): Date | null {
  if (!/^\d{14}$/.test(text)) return null
  const iso = `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6, 8)}T${text.slice(8, 10)}:${text.slice(10, 12)}:${text.slice(12, 14)}`
  return parseLocalIso(iso)
}

/** Reads `yyyy-MM-dd HH:mm:ss` local; null when it is not a real date and time. */
export function parseReadableLocalTime(text: string): Date | null {
  if (!/^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$/.test(text)) return null
  return parseLocalIso(text.replace(' ', 'T'))
}

/** The instant a local calendar day (`yyyy-MM-dd`) begins; null when there is no such day. */
export function startOfLocalDay(date: string): Date | null {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(date)) return null
  return parseLocalIso(`${date}T00:00:00`)
}

function parseLocalIso(iso: string): Date | null {
  const asUtc = new Date(`${iso}.000Z`)
  // Date rolls 30 February over to March: only a text that survives the round trip names a real day.
  if (Number.isNaN(asUtc.getTime()) || asUtc.toISOString().slice(0, 19) !== iso) return null
  return new Date(asUtc.getTime() - offsetMs)
}
