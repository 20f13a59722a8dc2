/**
 * Everything the gateway takes from outside itself, in one value that is passed in: a simulation replaces it whole.
 * Nothing else in src may read the clock, draw random bytes or wait.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { type IdPrefix, idRandomBytes, makeId } from './domain/ids.ts'

export type Environment = {
  now(): Date
  /** Cryptographically strong random bytes. */
  random(length: number): Uint8Array
  /** Resolves after `ms`, or at once (without throwing) when the signal fires. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const realEnvironment: Environment = {
  now: () => new Date(),
  random: (length) => randomBytes(length),
  sleep: async (ms, signal) => {
    try {
      await delay(ms, undefined, signal === undefined ? {} : { signal })
    } catch (error) {
      if (signal?.aborted !== true) throw error
    }
  },
}

export function newId(environment: Environment, prefix: IdPrefix): string {
  return makeId(prefix, environment.now(), environment.random(idRandomBytes))
}
