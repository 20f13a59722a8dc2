/**
 * One circuit per rail account: after several calls in a row without an answer, no call is made for a while, so that a
 * bank that is down neither ties up connections nor makes payers wait. One trial call then closes or reopens it.
 */
export type CircuitBreaker = {
  /** False while the circuit is open. */
  allows(key: string): boolean
  /** The same without taking the trial call: until when the circuit is open, null when it is not. This process's own view. */
  openUntil(key: string): Date | null
  answered(key: string): void
  failed(key: string): void
}

export function createCircuitBreaker({
  now,
  failuresToOpen = 5,
  openMs = 30_000,
}: {
  now: () => Date
  failuresToOpen?: number
  openMs?: number
}): CircuitBreaker {
  const circuits = new Map<string, { failures: number; openUntil: number }>()
  return {
    allows(key) {
      const circuit = circuits.get(key)
      if (circuit === undefined || circuit.failures < failuresToOpen) return true
      if (now().getTime() < circuit.openUntil) return false
      // The trial call: others wait for what becomes of it.
      circuit.openUntil = now().getTime() + openMs
      return true
    },
    openUntil(key) {
      const circuit = circuits.get(key)
      const open = circuit !== undefined && circuit.failures >= failuresToOpen && now().getTime() < circuit.openUntil
      return open ? new Date(circuit.openUntil) : null
    },
    answered(key) {
      circuits.delete(key)
    },
    failed(key) {
      const failures = (circuits.get(key)?.failures ?? 0) + 1
      circuits.set(key, { failures, openUntil: now().getTime() + openMs })
    },
  }
}
