/** What PostgreSQL does around a failover: standbys that lag, standbys that answer in the place of their primary. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { type Database, openDatabase } from '../../src/store/database.ts'
import { startEmbeddedPostgres } from '../../src/store/embedded/postgres.ts'
import { untilSo } from '../harness/redis-server.ts'

const log = pino({ level: 'silent' })

function open(t: Test, url: string, statementTimeoutMs?: number): Database {
  const database = openDatabase({
    url,
    maxConnections: 4,
    log,
    ...(statementTimeoutMs === undefined ? {} : { statementTimeoutMs }),
  })
  t.teardown(() => database.close())
  return database
}

t.test('around a failover', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'feegate-failover-'))
  chmodSync(dataDir, 0o755)
  t.teardown(() => rmSync(dataDir, { recursive: true, force: true }))
  let server = await startEmbeddedPostgres({ dataDir, log })
  t.teardown(() => server.stop())
  const owner = async (text: string): Promise<object[]> => {
    const client = new pg.Client({ connectionString: server.url })
    await client.connect()
    // What is set up here waits for no standby.
    await client.query('SET synchronous_commit = local')
    const { rows } = await client.query(text)
    await client.end()
    return rows
  }
  await owner('CREATE TABLE kept (n int)')

  await t.test(
    'a commit that waits for its standby is not reported before, however short statements may be',
    async (t) => {
      const statementTimeoutMs = 200
      await owner(`ALTER SYSTEM SET synchronous_standby_names = 'nobody'`)
      await owner('SELECT pg_reload_conf()')
      const database = open(t, server.url, statementTimeoutMs)
      let isReported = false
      const committed = database
        .transaction((tx) => tx.query('INSERT INTO kept VALUES (1)', []))
        .then(() => {
          isReported = true
        })
      await untilSo('the commit waits', async () => {
        const rows = await owner(
          `SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND now() - query_start > '1 second'`,
        )
        return rows.length === 1 || isReported
      })
      t.notOk(isReported, 'five times as long as a statement may take')
      await owner('ALTER SYSTEM RESET synchronous_standby_names')
      await owner('SELECT pg_reload_conf()')
      await committed
      t.same(await owner('SELECT n FROM kept'), [{ n: 1 }])
    },
  )

  await t.test('a standby in the place of its primary takes no work; promoted, it does', async (t) => {
    await server.stop()
    writeFileSync(join(server.dataDir, 'standby.signal'), '')
    server = await startEmbeddedPostgres({ dataDir, log })
    const database = open(t, server.url)
    await t.rejects(database.query('SELECT 1', []), { code: 'STORE_UNAVAILABLE' })
    await t.rejects(
      database.transaction((tx) => tx.query('SELECT 1', [])),
      { code: 'STORE_UNAVAILABLE' },
    )
    await owner('SELECT pg_promote()')
    await database.transaction((tx) => tx.query('INSERT INTO kept VALUES (2)', []))
    t.same(await database.query('SELECT n FROM kept ORDER BY n', []), [{ n: 1 }, { n: 2 }])
  })
})
