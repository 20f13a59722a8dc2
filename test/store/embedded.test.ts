/** The PostgreSQL that FeeGate starts by itself: real, unprivileged, and whole again after any death. */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { startEmbeddedPostgres } from '../../src/store/embedded/postgres.ts'
import { startEmbeddedRedis } from '../../src/store/embedded/redis.ts'
import { migrate, pendingMigrations } from '../../src/store/migrate.ts'

const log = pino({ level: 'silent' })

function folderOf(t: Test, mode = 0o755): string {
  const folder = mkdtempSync(join(tmpdir(), 'feegate-embedded-'))
  chmodSync(folder, mode)
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function ask(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query(text)
  await client.end()
  return rows
}

t.test('it starts, keeps its data over a clean restart, and is reached by nobody over the network', async (t) => {
  const dataDir = folderOf(t)
  const first = await startEmbeddedPostgres({ dataDir, log })
  await ask(first.url, 'CREATE TABLE kept (n int)')
  t.same(await ask(first.url, 'SHOW listen_addresses'), [{ listen_addresses: '' }])
  t.not(readFileSync(`/proc/${first.pid}/status`, 'utf8').match(/^Uid:\s+(\d+)/m)?.[1], '0', 'never as root')
  await first.stop()
  const second = await startEmbeddedPostgres({ dataDir, log })
  t.teardown(() => second.stop())
  t.same(await ask(second.url, 'SELECT count(*)::int AS n FROM kept'), [{ n: 0 }])
})

t.test('what was committed is there after the server was killed', async (t) => {
  const dataDir = folderOf(t)
  const killed = await startEmbeddedPostgres({ dataDir, log })
  await ask(killed.url, 'CREATE TABLE money AS SELECT 58000 AS vnd')
  process.kill(killed.pid, 'SIGKILL')
  // Its children end by themselves once they notice; the next start waits for nobody else.
  await new Promise((resolve) => setTimeout(resolve, 500))
  const again = await startEmbeddedPostgres({ dataDir, log })
  t.teardown(() => again.stop())
  t.same(await ask(again.url, 'SELECT vnd FROM money'), [{ vnd: 58000 }])
})

t.test('a second start on the same data finds the running server', async (t) => {
  const dataDir = folderOf(t)
  const first = await startEmbeddedPostgres({ dataDir, log })
  t.teardown(() => first.stop())
  const second = await startEmbeddedPostgres({ dataDir, log })
  t.equal(second.pid, first.pid)
})

t.test(
  'a data folder that the unprivileged account cannot enter is replaced by one it can, and said so',
  { skip: process.getuid?.() === 0 ? false : 'only root has to give way to another account' },
  async (t) => {
    const dataDir = folderOf(t, 0o700)
    const server = await startEmbeddedPostgres({ dataDir, log })
    t.teardown(async () => {
      await server.stop()
      rmSync(server.dataDir.replace(/\/postgres$/, ''), { recursive: true, force: true })
    })
    t.notOk(server.dataDir.startsWith(dataDir))
    t.same(await ask(server.url, 'SELECT 1 AS one'), [{ one: 1 }])
  },
)

t.test('migrations run once, also when three replicas start together, and none is pending afterwards', async (t) => {
  const dataDir = folderOf(t)
  const server = await startEmbeddedPostgres({ dataDir, log })
  t.teardown(() => server.stop())
  const applied = await Promise.all([0, 1, 2].map(() => migrate({ url: server.url, log })))
  t.equal(applied.filter((names) => names.length > 0).length, 1)
  t.same(await pendingMigrations(async (text) => (await ask(server.url, text)) as { name: string }[]), [])
})

t.test('Redis is started on a private socket, found again by a second start, and gone after its stop', async (t) => {
  const dataDir = folderOf(t)
  const first = await startEmbeddedRedis({ dataDir, log })
  const second = await startEmbeddedRedis({ dataDir, log })
  t.equal(second?.pid, first?.pid)
  t.match(first?.url, /^unix:\/\//)
  await first?.stop()
  t.equal(spawnSync('kill', ['-0', String(first?.pid)]).status, 1)
})
