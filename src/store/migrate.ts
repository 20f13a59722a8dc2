import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { runner } from 'node-pg-migrate'
import pg from 'pg'
import type { Logger } from 'pino'

const folder = fileURLToPath(new URL('migrations', import.meta.url))
const table = 'feegate_migrations'
/** Ours alone: replicas that start together wait for one another here. */
const lockId = 7_310_552_901

/**
 * Brings the database to the newest schema: plain SQL files, forward only, each in its own transaction. Run as the owner.
 * Returns the names of the migrations that were applied.
 */
export async function migrate({ url, log }: { url: string; log: Logger }): Promise<string[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('SELECT pg_advisory_lock($1)', [lockId])
    const applied = await runner({
      dbClient: client,
      dir: folder,
      direction: 'up',
      migrationsTable: table,
      checkOrder: true,
      // The lock above waits for its turn; the runner's own would fail at once instead.
      noLock: true,
      logger: {
        debug: () => {},
        info: (message) => log.debug(message),
        warn: (message) => log.warn(message),
        error: (message) => log.error(message),
      },
    })
    for (const { name } of applied) log.info({ migration: name }, 'migration applied')
    return applied.map(({ name }) => name)
  } finally {
    await client.end()
  }
}

/** Names of migrations that this code has and the database has not: a service that finds any is not ready. */
export async function pendingMigrations(
  query: (text: string, values: readonly unknown[]) => Promise<readonly { name: string }[]>,
): Promise<string[]> {
  const known = readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .map((file) => file.slice(0, -'.sql'.length))
    .sort()
  const applied = new Set((await query(`SELECT name FROM ${table}`, [])).map(({ name }) => name))
  return known.filter((name) => !applied.has(name))
}
