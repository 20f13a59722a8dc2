/**
 * When a silent attempt is asked about (domain.md §7.2): 1, 3, 10, 30 minutes after its start, then hourly to 24 hours, then
 * daily to 3 days, then a human.
 */
const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

const early: readonly number[] = [1 * minute, 3 * minute, 10 * minute, 30 * minute]

export function firstInquiryAt(createdAt: Date): Date {
  return new Date(createdAt.getTime() + minute)
}

/**
 * The first slot after `now`; null when the schedule is over and a human must look. Slots are counted from the attempt's
 * start, so an outage of ours skips slots instead of bunching them.
 */
export function nextInquiryAt(createdAt: Date, now: Date, lastDay = 3): Date | null {
  const age = now.getTime() - createdAt.getTime()
  const slot = early.find((offset) => offset > age) ?? laterSlot(age, lastDay)
  return slot === null ? null : new Date(createdAt.getTime() + slot)
}

function laterSlot(age: number, lastDay: number): number | null {
  const hourly = Math.floor(age / hour) * hour + hour
  if (hourly <= day) return hourly
  const daily = Math.floor(age / day) * day + day
  return daily <= lastDay * day ? daily : null
}
