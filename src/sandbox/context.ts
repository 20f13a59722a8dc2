/** What every simulator takes from outside itself; tests replace the clock and the timers. */
import { randomBytes } from 'node:crypto'

export type Timers = {
  /** Runs `task` once after `ms`; returns what cancels it. */
  after(ms: number, task: () => void): () => void
}

export type SandboxLog = {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

export type SandboxContext = {
  /** Address to listen on: loopback, because nothing here is protected. */
  readonly host: string
  readonly clock: { now(): Date }
  readonly timers: Timers
  readonly random: (length: number) => Uint8Array
  readonly log: SandboxLog
}

/** Real time; a waiting retry does not keep the process alive. */
export const realTimers: Timers = {
  after(ms, task) {
    const timer = setTimeout(task, ms)
    timer.unref()
    return () => clearTimeout(timer)
  },
}

const silent: SandboxLog = { info: () => undefined, warn: () => undefined }

export function makeContext(given: Partial<SandboxContext> = {}): SandboxContext {
  return {
    host: given.host ?? '127.0.0.1',
    clock: given.clock ?? { now: () => new Date() },
    timers: given.timers ?? realTimers,
    random: given.random ?? ((length) => randomBytes(length)),
    log: given.log ?? silent,
  }
}

const mostKept = 10_000

/** Keeps the newest ten thousand: a simulator that runs for weeks stays small. */
export function keep<V>(kept: Map<string, V>, key: string, value: V): void {
  kept.set(key, value)
  const [oldest] = kept.keys()
  if (kept.size > mostKept && oldest !== undefined) kept.delete(oldest)
}
