/**
 * The scheduler. Everything that waits for the outside (a statement, a Redis command, a message, a moment in time) waits here,
 * and one thing at a time is let through, chosen by the seed. Between two of them all JavaScript runs until nothing more
 * happens by itself, so the same seed gives the same history, byte for byte.
 */
import { createRandom, type Random } from './random.ts'
import { isRealWorkUnderWay } from './real-work.ts'

/** A process that can die: a gateway replica. Partners never die. */
export type Host = { readonly name: string; alive: boolean; skewMs: number }

export type Fault = 'lost-before' | 'lost-after' | 'crash-before' | 'crash-after'

/** What a thing that waits does, for the coverage table: `db.commit`, `redis`, `rail`, `webhook`, `callback` … */
export type Operation = string

type Waiting = {
  readonly number: number
  readonly host: Host
  readonly operation: Operation
  readonly label: string
  readonly perform: Perform
  /** Backend of the statement, while it is at work: it may have to wait for another's lock. */
  readonly backend: Backend | null
}

type Backend = () => number | null

/** Does the real thing; resolves with what lets the waiting code go on. */
export type Perform = (fault: Fault | null, turn: Turn) => Promise<() => void>

/** Where another statement waits for a lock, this one must leave nothing behind when it would have to wait as well. */
export type Turn = { readonly mayBeWithdrawn: boolean; withdrawn: boolean }

type Blocked = { readonly waiting: Waiting; readonly fault: Fault | null; readonly done: Promise<() => void> }

/** Would have waited for a lock while another did: it tries again when a transaction has ended. */
type Parked = { readonly waiting: Waiting; readonly blockers: readonly number[] }

type Timer = { readonly at: number; readonly number: number; readonly host: Host; readonly run: () => void }

export type LockWatch = {
  /** Backends that this one waits for; empty when it waits for none. */
  blockers(backend: number): Promise<readonly number[]>
  /** Ends the wait of a backend that would wait for ever. */
  cancel(backend: number): Promise<void>
}

/** Chooses the fate of a thing about to be done; null lets it be. */
export type FaultPolicy = (operation: Operation, host: Host, label: string) => Fault | null

const idleTurns = 4
const lockPollMs = 3

export class World {
  readonly random: Random
  readonly history: string[] = []
  /** Reached `fault × operation` pairs. */
  readonly reached = new Set<string>()
  /** Circles of waiting transactions: the order of locks rules them out. */
  readonly deadlocks: string[] = []
  now: number
  faults: FaultPolicy = () => null
  locks: LockWatch | null = null
  onCrash: (host: Host) => Promise<void> = () => Promise.resolve()
  private readonly order: Random
  private waiting: Waiting[] = []
  /** At most one: two that PostgreSQL wakes at once would run on in an order of its own. */
  private blocked: Blocked[] = []
  private parked: Parked[] = []
  private timers: Timer[] = []
  private counter = 0
  private activity = 0

  constructor(seed: string, start: Date) {
    this.random = createRandom(seed)
    this.order = this.random.fork('order')
    this.now = start.getTime()
  }

  record(actor: string, text: string): void {
    this.history.push(`${new Date(this.now).toISOString()}  ${actor.padEnd(10)} ${text}`)
  }

  /** Waits for its turn, does `perform`, and goes on with what it gave. Never goes on when its host dies. */
  io(host: Host, operation: Operation, label: string, perform: Perform, backend: Backend | null = null): void {
    this.activity++
    if (host.alive) this.waiting.push({ number: ++this.counter, host, operation, label, perform, backend })
  }

  /** Runs `run` at a moment; returns what cancels it. */
  at(host: Host, moment: number, run: () => void): () => void {
    this.activity++
    const timer: Timer = { at: Math.ceil(moment), number: ++this.counter, host, run }
    this.timers.push(timer)
    return () => {
      this.timers = this.timers.filter((other) => other !== timer)
    }
  }

  /** Lets JavaScript run until nothing happens by itself any more: files are read and written in real time, which is none of the world's. */
  async drain(): Promise<void> {
    for (let idle = 0; idle < idleTurns; ) {
      const before = this.activity
      await new Promise((resolve) => setImmediate(resolve))
      idle = before === this.activity && !isRealWorkUnderWay() ? idle + 1 : 0
    }
  }

  /** True while something can be done without time going on. */
  get isBusy(): boolean {
    return this.waiting.length > 0 || this.timers.some(({ at }) => at <= this.now)
  }

  get nextTimerAt(): number | null {
    return this.timers.reduce<number | null>((least, { at }) => (least === null || at < least ? at : least), null)
  }

  get underWay(): number {
    return this.waiting.length + this.blocked.length + this.parked.length
  }

  /** What is waiting for what, for a run that does not end. */
  describe(): string {
    const due = this.timers.filter(({ at }) => at <= this.now).map(({ host }) => host.name)
    return [
      `waiting: ${this.waiting.map(({ host, label }) => `${host.name} ${label}`).join('; ')}`,
      `blocked: ${[...this.blocked, ...this.parked].map(({ waiting }) => `${waiting.host.name} ${waiting.label}`).join('; ')}`,
      `timers due: ${due.join(' ')}`,
    ].join('\n')
  }

  /** Does one thing that can be done now. False when there is none. */
  async step(): Promise<boolean> {
    await this.drain()
    const due = this.timers.filter(({ at }) => at <= this.now)
    const choices = this.waiting.length + due.length
    if (choices === 0) return false
    const choice = this.order.below(choices)
    const waiting = this.waiting[choice]
    if (waiting === undefined) {
      const timer = due.sort((a, b) => a.at - b.at || a.number - b.number)[0]
      this.timers = this.timers.filter((other) => other !== timer)
      if (timer?.host.alive === true) timer.run()
    } else {
      this.waiting = this.waiting.filter((other) => other !== waiting)
      await this.execute(waiting)
    }
    await this.drain()
    return true
  }

  /** Lets time pass. What became due is done by later steps, in the order of its time. */
  advance(ms: number): void {
    this.now += Math.ceil(ms)
  }

  /** The host is gone at once: nothing of it goes on, its open transactions are rolled back. */
  async crash(host: Host): Promise<void> {
    host.alive = false
    this.record(host.name, 'killed')
    this.waiting = this.waiting.filter((waiting) => waiting.host !== host)
    this.timers = this.timers.filter((timer) => timer.host !== host)
    this.parked = this.parked.filter(({ waiting }) => waiting.host !== host)
    const cut = this.blocked.filter(({ waiting }) => waiting.host === host)
    this.blocked = this.blocked.filter(({ waiting }) => waiting.host !== host)
    for (const { waiting, done } of cut) {
      await this.cancel(waiting)
      await done
    }
    await this.onCrash(host)
    await this.locksMayBeFree()
  }

  /** Gives up every statement that waits for a lock, for a restart of the database. */
  async cancelBlocked(): Promise<void> {
    for (const { waiting } of this.blocked) await this.cancel(waiting)
    const cut = this.blocked
    this.blocked = []
    for (const { done } of cut) (await done)()
    this.unpark()
    await this.drain()
  }

  private async execute(waiting: Waiting): Promise<void> {
    const fault = this.faults(waiting.operation, waiting.host, waiting.label)
    if (fault !== null) this.reach(fault, waiting)
    if (fault === 'crash-before') {
      await this.crash(waiting.host)
      return
    }
    const turn: Turn = { mayBeWithdrawn: this.blocked.length > 0, withdrawn: false }
    const done = waiting.perform(fault === 'crash-after' ? null : fault, turn)
    const blockers = await this.blockersOf(done, waiting)
    if (blockers === null) await this.resume(waiting, fault, done)
    else if (!turn.mayBeWithdrawn) this.blocked.push({ waiting, fault, done })
    else {
      turn.withdrawn = true
      await this.cancel(waiting)
      await done
      this.parked.push({ waiting, blockers })
    }
  }

  private async resume(waiting: Waiting, fault: Fault | null, done: Promise<() => void>): Promise<void> {
    const goOn = await done
    if (fault === 'crash-after') await this.crash(waiting.host)
    else if (waiting.host.alive) goOn()
    if (waiting.operation.startsWith('db.')) await this.locksMayBeFree()
  }

  private async cancel({ backend }: Waiting): Promise<void> {
    const at = backend?.() ?? null
    if (at !== null) await this.locks?.cancel(at)
  }

  private reach(fault: Fault, { operation, host, label }: Waiting): void {
    this.reached.add(`${fault} × ${operation}`)
    this.record(host.name, `${fault}: ${label}`)
  }

  /** Waits for a statement: null when it is done, else whose locks it waits for. A circle is broken at the one that closed it. */
  private async blockersOf(done: Promise<unknown>, waiting: Waiting): Promise<readonly number[] | null> {
    const { label, host } = waiting
    if (waiting.backend === null || this.locks === null) {
      await done
      return null
    }
    let finished = false
    const mark = done.finally(() => {
      finished = true
    })
    for (let wait = lockPollMs; ; wait = lockPollMs) {
      await Promise.race([mark, new Promise((resolve) => setTimeout(resolve, wait))])
      if (finished) return null
      const backend = waiting.backend()
      if (backend === null) continue
      const blockers = await this.locks.blockers(backend)
      if (finished) return null
      if (blockers.length === 0) continue
      if (await this.closesCircle(backend, blockers)) {
        this.record(host.name, `deadlock: ${label}`)
        this.deadlocks.push(`${host.name} ${label}`)
        await this.locks.cancel(backend)
        await mark
        return null
      }
      return blockers
    }
  }

  private async closesCircle(backend: number, blockers: readonly number[]): Promise<boolean> {
    const seen = new Set<number>()
    let front = [...blockers]
    while (front.length > 0) {
      const next: number[] = []
      for (const blocker of front) {
        if (blocker === backend) return true
        if (seen.has(blocker)) continue
        seen.add(blocker)
        const parked = this.parked.find(({ waiting }) => waiting.backend?.() === blocker)
        next.push(...(parked?.blockers ?? (await this.locks?.blockers(blocker)) ?? []))
      }
      front = next
    }
    return false
  }

  /** After any statement: who was waiting for its locks may have got them. */
  private async locksMayBeFree(): Promise<void> {
    this.unpark()
    const [blocked] = this.blocked
    if (blocked === undefined) return
    // What was let go on before has its say first.
    await this.drain()
    if ((await this.blockersOf(blocked.done, blocked.waiting)) !== null) return
    this.blocked = this.blocked.filter((other) => other !== blocked)
    await this.resume(blocked.waiting, blocked.fault, blocked.done)
  }

  private unpark(): void {
    this.waiting.push(...this.parked.map(({ waiting }) => waiting))
    this.parked = []
  }
}
