/** A clock and timers that a test moves by hand. */
import type { Timers } from '../../src/sandbox/context.ts'

export type HandTimers = Timers & {
  readonly clock: { now(): Date }
  /** Moves the clock and runs what has come due, in order. */
  advance(ms: number): void
  /** Waits of what has not run yet, from now. */
  due(): number[]
}

export function handTimers(start = new Date('2026-11-20T05:00:00Z')): HandTimers {
  let at = start.getTime()
  const tasks = new Set<{ at: number; task: () => void }>()
  return {
    clock: { now: () => new Date(at) },
    after(ms, task) {
      const entry = { at: at + ms, task }
      tasks.add(entry)
      return () => tasks.delete(entry)
    },
    advance(ms) {
      at += ms
      for (const entry of [...tasks].sort((a, b) => a.at - b.at)) {
        if (entry.at > at) continue
        tasks.delete(entry)
        entry.task()
      }
    },
    due: () => [...tasks].map((entry) => entry.at - at).sort((a, b) => a - b),
  }
}

/** Resolves once `isTrue`; rejects after five seconds. */
export async function eventually(isTrue: () => boolean): Promise<void> {
  for (let waited = 0; !isTrue(); waited += 5) {
    if (waited > 5_000) throw new Error('it did not come true within 5 s')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
