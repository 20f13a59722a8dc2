/** What simulating needs outside the world: one PostgreSQL and one Redis for all processes, and in each a database of its own, keys. */
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
import { bugs } from './bugs.ts'
import { Server } from './engine/postgres.ts'
import { createRandom } from './engine/random.ts'
import { transitionLog } from './invariants.ts'
import type { Machine } from './stage/stage.ts'

/** Three replicas with six connections each and their reserve, and some that are still being given back. */
const connections = 30

/** Where the servers are, as text for the environment of other processes. */
export type Servers = { readonly postgresUrl: string; readonly redisPath: string; readonly folder: string }

/** In memory where the machine has room there: every run empties hundreds of small files. */
function roomForFiles(): string {
  const memory = '/dev/shm'
  if (!existsSync(memory)) return tmpdir()
  const { bavail, bsize } = statfsSync(memory)
  return bavail * bsize >= enoughBytes ? memory : tmpdir()
}

const enoughBytes = 1024 ** 3

export async function openServers(): Promise<{ servers: Servers; close(): Promise<void> }> {
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
      max_connections: '300',
      // The world finds circles itself, always at the same place.
      deadlock_timeout: '600s',
      jit: 'off',
      // Nothing here is looked at from outside, nor copied to another server.
      wal_level: 'minimal',
      max_wal_senders: '0',
      track_counts: 'off',
      track_activities: 'off',
      update_process_title: 'off',
    },
  })
  await migrate({ url: postgres.url, log })
  const owner = await Server.open(postgres.url, 0)
  await owner.query(transitionLog)
  await owner.close()
  const redis = await startEmbeddedRedis({ dataDir: folder, log })
  if (redis === null)
    throw new Error('the simulation needs redis-server on the PATH (Debian: apt-get install redis-server)')
  return {
    servers: { postgresUrl: postgres.url, redisPath: redis.url.slice('unix://'.length), folder },
    async close() {
      await redis.stop()
      await postgres.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A database of its own, from the migrated one, and a part of Redis. `place` tells machines on the same servers apart. */
export async function openMachine(
  { postgresUrl, redisPath, folder }: Servers,
  place: number,
): Promise<{ machine: Machine; close(): Promise<void> }> {
  // Files that are uploaded go where the servers' files are.
  process.env.TMPDIR = folder
  const name = `simulation_${place}`
  const first = await Server.open(postgresUrl.replace('/feegate?', '/postgres?'), 0)
  await first.query(`CREATE DATABASE ${name} TEMPLATE feegate STRATEGY FILE_COPY`)
  const redis = new Redis({ path: redisPath, db: place % 16 })
  const server = await Server.open(postgresUrl.replace('/feegate?', `/${name}?`), connections)
  const bug = bugs.find(({ name }) => name === process.env.FEEGATE_MUTATION)
  if (bug?.sql !== undefined) await server.query(bug.sql)
  const keys = openKeyRing(mkdtempSync(join(folder, 'keys-')))
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
      await first.query(`DROP DATABASE ${name}`)
      await first.close()
    },
  }
}
