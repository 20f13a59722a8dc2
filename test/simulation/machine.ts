/** What a simulating process needs once: a PostgreSQL, a Redis, keys. */
import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import { makeSandboxKeys } from '../../src/sandbox/keys.ts'
import { openKeyRing } from '../../src/signing/key-ring.ts'
import { startEmbeddedPostgres } from '../../src/store/embedded/postgres.ts'
import { startEmbeddedRedis } from '../../src/store/embedded/redis.ts'
import { migrate } from '../../src/store/migrate.ts'
import { Server } from './engine/postgres.ts'
import { createRandom } from './engine/random.ts'
import { transitionLog } from './invariants.ts'
import { mutations } from './mutations.ts'
import type { Machine } from './stage/stage.ts'

/** Three replicas with six connections each and their reserve, and some that are still being given back. */
const connections = 30

/** In memory where the machine has room there: every run empties hundreds of small files. */
function roomForFiles(): string {
  const memory = '/dev/shm'
  if (!existsSync(memory)) return tmpdir()
  const { bavail, bsize } = statfsSync(memory)
  return bavail * bsize >= enoughBytes ? memory : tmpdir()
}

const enoughBytes = 1024 ** 3

export async function openMachine(): Promise<{ machine: Machine; close(): Promise<void> }> {
  const log = pino({ level: 'silent' })
  const folder = mkdtempSync(join(roomForFiles(), 'feegate-simulation-'))
  // PostgreSQL's account must pass through it when we are root.
  chmodSync(folder, 0o755)
  const postgres = await startEmbeddedPostgres({
    dataDir: folder,
    log,
    settings: {
      fsync: 'off',
      full_page_writes: 'off',
      synchronous_commit: 'off',
      autovacuum: 'off',
      max_connections: '60',
      // The world finds circles itself, always at the same place.
      deadlock_timeout: '600s',
      jit: 'off',
    },
  })
  await migrate({ url: postgres.url, log })
  const redisServer = await startEmbeddedRedis({ dataDir: folder, log })
  if (redisServer === null)
    throw new Error('the simulation needs redis-server on the PATH (Debian: apt-get install redis-server)')
  const redis = new Redis({ path: redisServer.url.slice('unix://'.length) })
  const server = await Server.open(postgres.url, connections)
  await server.query(transitionLog)
  const planted = mutations.find(({ name }) => name === process.env.FEEGATE_MUTATION)
  if (planted?.sql !== undefined) await server.query(planted.sql)
  const keys = openKeyRing(join(folder, 'keys'))
  await keys.generate('ES256', new Date('2026-11-01T00:00:00Z'))
  const fixed = createRandom('bank keys')
  const machine: Machine = {
    server,
    redis,
    keys,
    bankKeys: await makeSandboxKeys((length) => fixed.bytes(length)),
    clientJwk: generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }),
  }
  return {
    machine,
    async close() {
      redis.disconnect()
      await server.close()
      await redisServer.stop()
      await postgres.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
