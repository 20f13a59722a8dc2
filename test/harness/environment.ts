import { randomBytes } from 'node:crypto'
import { idRandomBytes } from '../../src/domain/ids.ts'
import type { Environment } from '../../src/environment.ts'
import { seedTime } from './seed.ts'

/** An environment whose clock stands still until told otherwise. */
export type TestEnvironment = Environment & { set(at: Date): void; advance(ms: number): void }

export function testEnvironment(start: Date = new Date(seedTime.getTime() + 120_000)): TestEnvironment {
  let at = start.getTime()
  let ids = 0
  return {
    now: () => new Date(at),
    random(length) {
      const bytes = randomBytes(length)
      // While the clock stands still, ids sort in the order they were made in, as they do when time passes.
      if (length === idRandomBytes) bytes.writeUInt32BE(ids++)
      return bytes
    },
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
