import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { pino } from 'pino'
import type { Test } from 'tap'
import { type Database, openDatabase } from '../../src/store/database.ts'
import { servers } from './servers.ts'

export type TestDatabase = { readonly url: string; readonly database: Database }

/** A migrated database of the test's own, gone at its end. */
export async function testDatabase(t: Test, { maxConnections = 5 } = {}): Promise<TestDatabase> {
  const { postgresUrl, templateDatabase } = servers()
  const name = `test_${randomBytes(6).toString('hex')}`
  await asAdmin(postgresUrl, `CREATE DATABASE ${name} TEMPLATE ${templateDatabase} STRATEGY FILE_COPY`)
  const url = postgresUrl.replace('/feegate?', `/${name}?`)
  const database = openDatabase({ url, maxConnections, log: pino({ level: 'silent' }), serviceRole: 'feegate_service' })
  t.teardown(async () => {
    await database.close()
    await asAdmin(postgresUrl, `DROP DATABASE ${name} WITH (FORCE)`)
  })
  return { url, database }
}

async function asAdmin(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
