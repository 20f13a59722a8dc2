/** Times as rails write them: always local, 24-hour. */
import { startOfLocalDay } from '../../domain/vietnam-time.ts'

const tokens: Record<string, string> = {
  yyyy: '(?<year>\\d{4})',
  yy: '(?<shortYear>\\d{2})',
  MM: '(?<month>\\d{2})',
  dd: '(?<day>\\d{2})',
  HH: '(?<hour>\\d{2})',
  mm: '(?<minute>\\d{2})',
  ss: '(?<second>\\d{2})',
}

/** A reader of `dd/MM/yyyy HH:mm:ss` and the like; hours left out are zero. Null where the text does not fit or is no real time. */
export function timeReader(format: string): (text: string) => Date | null {
  const source = format.replace(/yyyy|yy|MM|dd|HH|mm|ss|[^A-Za-z]|[A-Za-z]/g, (piece) => {
    return tokens[piece] ?? piece.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
  })
  const pattern = new RegExp(`^${source}$`)
  return (text) => {
    const parts = pattern.exec(text)?.groups
    if (parts === undefined) return null
    const { year = `20${parts.shortYear}`, month, day, hour = '00', minute = '00', second = '00' } = parts
    const midnight = startOfLocalDay(`${year}-${month}-${day}`)
    if (midnight === null || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return null
    return new Date(midnight.getTime() + (Number(hour) * 3600 + Number(minute) * 60 + Number(second)) * 1000)
  }
}
