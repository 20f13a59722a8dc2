/** Refused requests kept as evidence per rail account and minute, unless told otherwise; more are only counted. */
const refusedPerMinute = 120

/** Says whether one more refused request may be kept, so that nobody can fill the disk. */
export function createEvidenceLimit(perMinute = refusedPerMinute): (accountId: string, at: Date) => boolean {
  const kept = new Map<string, { minute: number; count: number }>()
  return (accountId, at) => {
    const minute = Math.floor(at.getTime() / 60_000)
    const counter = kept.get(accountId)
    if (counter === undefined || counter.minute !== minute) {
      kept.set(accountId, { minute, count: 1 })
      return true
    }
    counter.count += 1
    return counter.count <= perMinute
  }
}
