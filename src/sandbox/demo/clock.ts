import { type Environment, realEnvironment } from '../../environment.ts'

/** Real time with a hand on it: the demo turns the clock forward instead of waiting for an invoice to expire. */
export function demoEnvironment(): Environment & { turnForward(ms: number): void } {
  let offset = 0
  return {
    ...realEnvironment,
    now: () => new Date(realEnvironment.now().getTime() + offset),
    turnForward(ms) {
      offset += ms
    },
  }
}
