/** A durable PostgreSQL of the bench's own, and how results are printed. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { type Database, openDatabase } from '../src/store/database.ts'
import { startEmbeddedPostgres } from '../src/store/embedded/postgres.ts'
import { migrate } from '../src/store/migrate.ts'

/** A million rows laid out on a busy machine. */
const statementTimeoutMs = 1_800_000

export async function withDatabase(work: (database: Database, url: string) => Promise<void>): Promise<void> {
  const log = pino({ level: 'silent' })
  const folder = mkdtempSync(join(tmpdir(), 'feegate-bench-'))
  chmodSync(folder, 0o755)
  const postgres = await startEmbeddedPostgres({ dataDir: folder, log })
  await migrate({ url: postgres.url, log })
  const database = openDatabase({
    url: postgres.url,
    maxConnections: 20,
    log,
    serviceRole: 'feegate_service',
    statementTimeoutMs,
  })
  try {
    await work(database, postgres.url)
  } finally {
    await database.close()
    await postgres.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Calls per second of `count` calls, at most `atOnce` under way. */
export async function rate(count: number, atOnce: number, call: (index: number) => Promise<unknown>): Promise<number> {
  let next = 0
  const begin = performance.now()
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < count) await call(next++)
    }),
  )
  return count / ((performance.now() - begin) / 1000)
}

export function print(title: string, rows: readonly (readonly [string, number])[], limit: number): void {
  process.stdout.write(`\n${title}\n`)
  for (const [name, perSecond] of rows)
    process.stdout.write(
      `  ${name.padEnd(58)} ${Math.round(perSecond).toString().padStart(8)}/s   ${(perSecond / limit).toFixed(2)} × limit\n`,
    )
}
