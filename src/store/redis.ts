import { Redis } from 'ioredis'
import type { Logger } from 'pino'

/** Longest wait for Redis: past it the request goes on without. */
const commandTimeoutMs = 250

/**
 * A connection that never makes a request wait long: commands fail at once while Redis is away, and it is looked for again in
 * the background. `url`: `redis://`, `rediss://`, `unix:///path`.
 */
export function connectRedis(url: string, log: Logger): Redis {
  const options = {
    commandTimeout: commandTimeoutMs,
    connectTimeout: 1_000,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    retryStrategy: (attempt: number) => Math.min(attempt * 100, 2_000),
  }
  const redis = url.startsWith('unix://')
    ? new Redis({ ...options, path: url.slice('unix://'.length) })
    : new Redis(url, options)
  let away = false
  redis.on('error', (error) => {
    if (!away) log.warn({ err: error }, 'Redis is away; PostgreSQL alone keeps the promises')
    away = true
  })
  redis.on('ready', () => {
    if (away) log.info('Redis is back')
    away = false
  })
  return redis
}
