/** A journal with entries of one tenant, sealed at will, and its owner, who can change what the service cannot. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { Test } from 'tap'
import { mostInBatch, sealDue } from '../../src/journal/seal.ts'
import { type JournalVerdict, verifyJournal } from '../../src/journal/verify.ts'
import { createMetrics } from '../../src/metrics.ts'
import { type KeyFinder, keysOfJwks } from '../../src/signing/compact-jws.ts'
import { type KeyRing, openKeyRing } from '../../src/signing/key-ring.ts'
import { createTokens } from '../../src/signing/tokens.ts'
import type { Database } from '../../src/store/database.ts'
import { appendJournal } from '../../src/store/journal.ts'
import { testDatabase } from './database.ts'
import { type TestEnvironment, testEnvironment } from './environment.ts'
import { type Seeded, seedTenant, seedTime } from './seed.ts'

export type JournalBench = {
  readonly url: string
  readonly database: Database
  readonly seeded: Seeded
  readonly environment: TestEnvironment
  readonly keys: KeyRing
  readonly keysDir: string
  readonly find: KeyFinder
  /** Appends entries `from` … `from + count - 1`, their subjects `inv_<number>`. */
  append(count: number, from?: number): Promise<void>
  /** Seals all that waits, in batches of `size`. */
  seal(size?: number): Promise<void>
  verify(): Promise<JournalVerdict>
  /** As the owner, past triggers and foreign keys: what somebody with the whole database in hand can do. */
  tamper(text: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>
}

export async function journalBench(t: Test): Promise<JournalBench> {
  const { url, database } = await testDatabase(t)
  const seeded = await seedTenant(database)
  const environment = testEnvironment()
  const keysDir = mkdtempSync(join(tmpdir(), 'feegate-keys-'))
  const keys = openKeyRing(keysDir)
  await keys.generate('ES256', seedTime)
  const owner = new pg.Client({ connectionString: url })
  await owner.connect()
  t.teardown(async () => {
    await owner.end()
    rmSync(keysDir, { recursive: true, force: true })
  })
  const find = keysOfJwks(keys.publicJwks())
  const options = {
    database,
    environment,
    sign: createTokens(keys).sign,
    publicUrl: () => 'https://gateway.example',
    metrics: createMetrics(),
  }
  const waiting = async (): Promise<boolean> =>
    (await database.query('SELECT FROM journal_unsealed LIMIT 1', [])).length > 0
  return {
    url,
    database,
    seeded,
    environment,
    keys,
    keysDir,
    find,
    append: (count, from = 1) =>
      database.transaction((tx) =>
        appendJournal(
          tx,
          Array.from({ length: count }, (_, index) => ({
            tenantId: seeded.tenantId,
            at: environment.now(),
            kind: 'invoice.test',
            subject: `inv_${from + index}`,
            actor: 'feegate',
            facts: { number: from + index },
          })),
        ),
      ),
    async seal(size = mostInBatch) {
      while (await waiting()) await sealDue(options, size)
    },
    verify: () => verifyJournal(database, find),
    async tamper(text, values = []) {
      await owner.query(`SET session_replication_role = replica`)
      try {
        return (await owner.query(text, [...values])).rows as Record<string, unknown>[]
      } finally {
        await owner.query(`SET session_replication_role = origin`)
      }
    },
  }
}
