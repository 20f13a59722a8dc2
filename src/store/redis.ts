/** The connection to Redis, one server or a cluster: it never makes a request wait long. */
import { Cluster, Redis, type RedisOptions } from 'ioredis'
import type { Logger } from 'pino'
import { readClusterUrl } from './redis-address.ts'

/**
 * All that is asked of Redis: scripts of one key each, so that a cluster finds the place of every call. With a second key in
 * one script both would need the same `{…}` part.
 */
export type RedisConnection = Pick<Redis, 'eval' | 'disconnect'>

/** Longest wait for Redis: past it the request goes on without. */
const commandTimeoutMs = 250
/** How soon a cluster's new master is known. */
const slotsRefreshMs = 1_000
const mostRedirections = 3

/** Commands fail at once while Redis is away, and it is looked for again in the background. */
const options = {
  commandTimeout: commandTimeoutMs,
  connectTimeout: 1_000,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
} as const satisfies RedisOptions

const retryDelayMs = (attempt: number): number => Math.min(attempt * 100, 2_000)

/** `url`: `redis://`, `rediss://`, `unix:///path`, or a cluster by some of its nodes: `redis-cluster://host:port,host:port`. */
export function connectRedis(url: string, log: Logger): Redis | Cluster {
  const redis = open(url)
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

function open(url: string): Redis | Cluster {
  const cluster = readClusterUrl(url)
  if (cluster !== null) {
    const { nodes, ...credentials } = cluster
    return new Cluster([...nodes], {
      redisOptions: { ...options, ...credentials },
      enableOfflineQueue: false,
      clusterRetryStrategy: retryDelayMs,
      slotsRefreshInterval: slotsRefreshMs,
      maxRedirections: mostRedirections,
      // While a master is replaced a call fails at once; tried again later it would set its lock for a request that is over.
      retryDelayOnFailover: 0,
      retryDelayOnClusterDown: 0,
    })
  }
  const single = { ...options, enableOfflineQueue: false, retryStrategy: retryDelayMs }
  return url.startsWith('unix://')
    ? new Redis({ ...single, path: url.slice('unix://'.length) })
    : new Redis(url, single)
}
