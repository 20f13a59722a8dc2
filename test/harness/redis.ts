import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import type { Test } from 'tap'
import { startEmbeddedRedis } from '../../src/store/embedded/redis.ts'
import { connectRedis } from '../../src/store/redis.ts'
import { servers } from './servers.ts'

/** A connection to the run's Redis, under a prefix of the test's own. */
export function testRedis(t: Test): { redis: Redis; prefix: string; url: string } {
  const url = servers().redisUrl
  const redis = connectOne(url)
  t.teardown(() => redis.disconnect())
  return { redis, url, prefix: `t${randomBytes(6).toString('hex')}:` }
}

/** A Redis of the test's own, to flush, stall and stop. */
export async function ownRedis(t: Test): Promise<{ redis: Redis; url: string; pid: number; stop(): Promise<void> }> {
  const log = pino({ level: 'silent' })
  const folder = mkdtempSync(join(tmpdir(), 'feegate-redis-'))
  const server = await startEmbeddedRedis({ dataDir: folder, log })
  if (server === null) throw new Error('redis-server is needed for this test')
  const redis = connectOne(server.url)
  t.teardown(async () => {
    redis.disconnect()
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  return { redis, ...server }
}

function connectOne(url: string): Redis {
  const redis = connectRedis(url, pino({ level: 'silent' }))
  if (!(redis instanceof Redis)) throw new TypeError(`${url} is a cluster`)
  return redis
}
