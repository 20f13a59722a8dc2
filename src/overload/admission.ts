/**
 * Who is let in, who waits, who is sent away (docs/decisions/044). Pure: it is told of arrivals, ends and the time, and answers by
 * calling `admit` or `refuse` of a ticket, once. Everything it keeps is bounded by its limits.
 *
 * Banks have places of their own and may take the others' too; others never take a bank's. Who waits is served bank before other,
 * and within each the callers in turn, so that nobody waits behind the crowd of another. When the waiting room is full, somebody of
 * the longest crowd goes: an other before any bank.
 */

export const kinds = ['bank', 'other'] as const
export type Kind = (typeof kinds)[number]

export type RefusalReason =
  /** The waiting room is full. */
  | 'full'
  /** Waited as long as one may. */
  | 'waited'
  /** The process itself is behind with its work. */
  | 'strained'

export type Ticket = {
  readonly kind: Kind
  /** Whose it is: callers with the same key share their turns. */
  readonly key: string
  readonly admit: () => void
  readonly refuse: (reason: RefusalReason) => void
}

export type OverloadLimits = {
  /** Requests of others than banks that are worked on at a time. */
  readonly inFlight: number
  /** Places beside these, for banks alone. */
  readonly bankReserve: number
  /** Requests that wait, of all kinds together. */
  readonly waiting: number
  readonly maxWaitMs: number
  /** Above it others than banks are sent away at once; 0: never. */
  readonly maxLoopDelayMs: number
}

export const usualOverloadLimits: OverloadLimits = {
  inFlight: 200,
  bankReserve: 100,
  waiting: 400,
  maxWaitMs: 2_000,
  maxLoopDelayMs: 500,
}

export type Admission = {
  arrive(ticket: Ticket, nowMs: number, loopDelayMs: number): void
  /** An admitted request is over, or a waiting one was given up by its caller. */
  leave(ticket: Ticket): void
  /** Sends away those who have waited too long. */
  expire(nowMs: number): void
  inFlight(kind: Kind): number
  waiting(kind: Kind): number
}

type Waiting = { readonly ticket: Ticket; readonly sinceMs: number }
/** Callers in the order of their turns, each with its own line. */
type Lines = Map<string, Waiting[]>

export function createAdmission(limits: OverloadLimits): Admission {
  const places = limits.inFlight + limits.bankReserve
  // One caller alone never holds every place: whoever else comes finds one at once.
  const mostOfOne = Math.max(1, Math.ceil(limits.inFlight / 2))
  const admitted = new Set<Ticket>()
  const held = new Map<string, number>()
  const counts = { bank: 0, other: 0 }
  const lines: Record<Kind, Lines> = { bank: new Map(), other: new Map() }

  const total = (): number => counts.bank + counts.other
  const waitingOf = (kind: Kind): number => lines[kind].values().reduce((sum, line) => sum + line.length, 0)

  function hasPlace({ kind, key }: Ticket): boolean {
    if (total() >= places) return false
    return kind === 'bank' || (counts.other < limits.inFlight && (held.get(key) ?? 0) < mostOfOne)
  }

  function admit(ticket: Ticket): void {
    admitted.add(ticket)
    counts[ticket.kind]++
    if (ticket.kind === 'other') held.set(ticket.key, (held.get(ticket.key) ?? 0) + 1)
    ticket.admit()
  }

  /** Takes the next one out of its line; its caller's next turn is after everybody else's. */
  function takeNext(kind: Kind): Ticket | null {
    for (const [key, line] of lines[kind]) {
      const [first] = line
      if (first === undefined || !hasPlace(first.ticket)) continue
      line.shift()
      lines[kind].delete(key)
      if (line.length > 0) lines[kind].set(key, line)
      return first.ticket
    }
    return null
  }

  function serve(): void {
    for (let next = takeNext('bank') ?? takeNext('other'); next !== null; next = takeNext('bank') ?? takeNext('other'))
      admit(next)
  }

  /** The newest of the longest line goes: whoever has most in the room loses least by it. */
  function displace(newcomer: Ticket): void {
    const kind = waitingOf('other') > 0 ? 'other' : 'bank'
    let longest = newcomer.kind === kind ? newcomer.key : ''
    for (const [key, line] of lines[kind]) if (line.length > (lines[kind].get(longest)?.length ?? 0)) longest = key
    const line = lines[kind].get(longest)
    const last = line?.pop()
    if (line?.length === 0) lines[kind].delete(longest)
    last?.ticket.refuse('full')
  }

  function forget(kind: Kind, isGone: (waiting: Waiting) => boolean): Ticket[] {
    const gone: Ticket[] = []
    for (const [key, line] of lines[kind]) {
      const left = line.filter((waiting) => {
        if (isGone(waiting)) gone.push(waiting.ticket)
        return !isGone(waiting)
      })
      if (left.length === 0) lines[kind].delete(key)
      else if (left.length < line.length) lines[kind].set(key, left)
    }
    return gone
  }

  return {
    arrive(ticket, nowMs, loopDelayMs) {
      const { kind, key } = ticket
      if (kind === 'other' && limits.maxLoopDelayMs > 0 && loopDelayMs > limits.maxLoopDelayMs) {
        ticket.refuse('strained')
        return
      }
      if (hasPlace(ticket) && (lines[kind].get(key)?.length ?? 0) === 0) {
        admit(ticket)
        return
      }
      const line = lines[kind].get(key) ?? []
      line.push({ ticket, sinceMs: nowMs })
      lines[kind].set(key, line)
      if (waitingOf('bank') + waitingOf('other') > limits.waiting) displace(ticket)
    },
    leave(ticket) {
      if (!admitted.delete(ticket)) {
        forget(ticket.kind, (waiting) => waiting.ticket === ticket)
        return
      }
      const { kind, key } = ticket
      counts[kind]--
      if (kind === 'other') {
        const left = (held.get(key) ?? 0) - 1
        if (left > 0) held.set(key, left)
        else held.delete(key)
      }
      serve()
    },
    expire(nowMs) {
      for (const kind of kinds)
        for (const ticket of forget(kind, ({ sinceMs }) => nowMs - sinceMs >= limits.maxWaitMs)) ticket.refuse('waited')
    },
    inFlight: (kind) => counts[kind],
    waiting: waitingOf,
  }
}
