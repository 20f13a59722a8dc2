import { randomBytes } from 'node:crypto'
import type { Environment } from '../../src/environment.ts'
import { seedTime } from './seed.ts'

/** An environment whose clock stands still until told otherwise. */
export type TestEnvironment = Environment & { set(at: Date): void; advance(ms: number): void }

export function testEnvironment(start: Date = new Date(seedTime.getTime() + 120_000)): TestEnvironment {
  let at = start.getTime()
  return {
    now: () => new Date(at),
    random: (length) => randomBytes(length),
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, Math.min(ms, 50))
        signal?.addEventListener('abort', () => {
          clearTimeout(timer)
          resolve()
        })
      }),
    set(next) {
      at = next.getTime()
    },
    advance(ms) {
      at += ms
    },
  }
}
