/**
 * How much is kept of what strangers send: so many refused messages per address and minute; more are only counted, so that nobody
 * can fill the disk.
 */
export type EvidenceBudget = (id: string, at: Date) => boolean

export function createEvidenceBudget(perMinute: number): EvidenceBudget {
  const kept = new Map<string, { minute: number; count: number }>()
  return (id, at) => {
    const minute = Math.floor(at.getTime() / 60_000)
    const counter = kept.get(id)
    if (counter === undefined || counter.minute !== minute) {
      kept.set(id, { minute, count: 1 })
      return true
    }
    counter.count += 1
    return counter.count <= perMinute
  }
}
