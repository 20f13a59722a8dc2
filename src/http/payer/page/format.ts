import { businessDate, readableLocalTime } from '../../../domain/vietnam-time.ts'

/** `58.000 ₫`. */
export function dong(amount: bigint): string {
  return `${amount.toString().replace(/\B(?=(\d{3})+(?!\d))/g, '.')} ₫`
}

/** The same for the middle of a sentence: never broken over two lines. */
export function dongInText(amount: bigint): string {
  return dong(amount).replace(' ', '\u00a0')
}

/** `12:00 20/11/2026`, in Vietnam. */
export function localMinute(at: Date): string {
  return `${readableLocalTime(at).slice(11, 16)} ${businessDate(at).split('-').reverse().join('/')}`
}
