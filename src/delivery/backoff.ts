/**
 * When to try a delivery again: 5 s, 10 s, 20 s … up to an hour, each with jitter so that a receiver that comes back is not
 * hit by everybody at once.
 */
const firstMs = 5_000
const longestMs = 60 * 60 * 1000

/**
 * @param attempts failed attempts so far, from 1
 * @param fraction random, 0 ≤ fraction < 1
 */
export function retryDelayMs(attempts: number, fraction: number): number {
  const ceiling = Math.min(longestMs, firstMs * 2 ** Math.min(attempts - 1, 30))
  return Math.round(ceiling * (0.5 + fraction / 2))
}
