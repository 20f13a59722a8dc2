/** Banks write Viet Nam's time (GMT+7, no daylight saving): rails.md, rule 8. */
const vietnamMs = 7 * 60 * 60 * 1000

/** `yyyyMMddHHmmss`. */
export function compactTime(at: Date): string {
  return new Date(at.getTime() + vietnamMs).toISOString().replace(/\D/g, '').slice(0, 14)
}

/** `yyyy-MM-dd HH:mm:ss`. */
export function readableTime(at: Date): string {
  return new Date(at.getTime() + vietnamMs).toISOString().slice(0, 19).replace('T', ' ')
}

/** The instant of `yyyyMMddHHmmss`; null when it is no real time. */
export function readCompactTime(text: string): Date | null {
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(text)
  if (parts === null) return null
  const [, year, month, day, hour, minute, second] = parts
  const at = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}+07:00`)
  return !Number.isNaN(at.getTime()) && compactTime(at) === text ? at : null
}
