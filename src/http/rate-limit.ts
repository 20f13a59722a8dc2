/**
 * Requests per client and minute, and token requests per address: counted in Redis for all replicas together, in bounded
 * memory of this process while Redis is away.
 */
import type { Environment } from '../environment.ts'
import { Problem } from '../problem/problem.ts'
import type { RedisConnection } from '../store/redis.ts'

export type RateLimiter = (key: string, perMinute: number) => Promise<void>

const mostRemembered = 20_000
const countScript = `
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], 61000) end
return count`

/** Throws 429 when the limit of this minute is passed. */
export function createRateLimiter({
  redis,
  prefix,
  environment,
}: {
  redis: RedisConnection | null
  prefix: string
  environment: Environment
}): RateLimiter {
  const local = new Map<string, number>()
  let localMinute = 0

  function countHere(key: string, minute: number): number {
    if (minute !== localMinute || local.size >= mostRemembered) {
      local.clear()
      localMinute = minute
    }
    const count = (local.get(key) ?? 0) + 1
    local.set(key, count)
    return count
  }

  async function count(key: string, minute: number): Promise<number> {
    if (redis === null) return countHere(key, minute)
    try {
      return Number(await redis.eval(countScript, 1, `${prefix}rate:{${key}}:${minute}`))
    } catch {
      // Away or slow: this process counts alone until it is back (the connection itself logs the change).
      return countHere(key, minute)
    }
  }

  return async (key, perMinute) => {
    const now = environment.now().getTime()
    const minute = Math.floor(now / 60_000)
    if ((await count(key, minute)) > perMinute) {
      throw new Problem('RATE_LIMITED', {
        retryAfterSeconds: Math.max(1, Math.ceil(((minute + 1) * 60_000 - now) / 1000)),
      })
    }
  }
}
