/** Keeps the servers of one test run: starts them, waits for the end of the runner however it ends, stops them. */
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import pg from 'pg'
import { pino } from 'pino'
import { startEmbeddedPostgres } from '../../src/store/embedded/postgres.ts'
import { startEmbeddedRedis } from '../../src/store/embedded/redis.ts'
import { migrate } from '../../src/store/migrate.ts'
import { scratchFolder } from './scratch.ts'
import { type Servers, serversFile } from './servers.ts'

const runner = Number(process.argv[2])
const log = pino({ level: 'silent' })
const folder = scratchFolder('feegate-test-')
// Durability is tested with servers of the tests' own; here a power cut may cost the test run.
const postgres = await startEmbeddedPostgres({
  dataDir: folder,
  log,
  settings: {
    fsync: 'off',
    full_page_writes: 'off',
    synchronous_commit: 'off',
    max_connections: '400',
    max_wal_size: '256MB',
  },
})
const redis = await startEmbeddedRedis({ dataDir: folder, log })
const templateDatabase = 'template_feegate'
const admin = new pg.Client({ connectionString: postgres.url })
await admin.connect()
await admin.query(`CREATE DATABASE ${templateDatabase}`)
await admin.end()
await migrate({ url: postgres.url.replace('/feegate?', `/${templateDatabase}?`), log })

const facts: Servers = { postgresUrl: postgres.url, templateDatabase, redisUrl: redis?.url ?? '' }
const file = serversFile(runner)
writeFileSync(`${file}.new`, JSON.stringify(facts), { mode: 0o600 })
renameSync(`${file}.new`, file)

while (isAlive(runner)) await new Promise((resolve) => setTimeout(resolve, 300))
rmSync(file, { force: true })
await redis?.stop()
await postgres.stop()
rmSync(folder, { recursive: true, force: true })

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
