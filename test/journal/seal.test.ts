import pg from 'pg'
import t from 'tap'
import { sealDue } from '../../src/journal/seal.ts'
import { createMetrics } from '../../src/metrics.ts'
import { createTokens } from '../../src/signing/tokens.ts'
import { journalBench } from '../harness/journal.ts'

t.test('entries are sealed in batches in order, and the whole verifies', async (t) => {
  const journal = await journalBench(t)
  await journal.append(25)
  await journal.seal(10)
  const batches = await journal.database.query<{ number: bigint; size: number }>(
    'SELECT number, size FROM journal_batches ORDER BY number',
    [],
  )
  t.same(batches, [
    { number: 1n, size: 10 },
    { number: 2n, size: 10 },
    { number: 3n, size: 5 },
  ])
  t.same(await journal.verify(), { batches: 3n, entries: 25n, waiting: 0n, findings: [] })
})

t.test('an entry that commits late gets its place in a later batch', async (t) => {
  const journal = await journalBench(t)
  const late = new pg.Client({ connectionString: journal.url })
  await late.connect()
  t.teardown(() => late.end())
  await late.query('BEGIN')
  const body = JSON.stringify({
    tenantId: journal.seeded.tenantId,
    at: journal.environment.now().toISOString(),
    kind: 'invoice.test',
    subject: 'inv_late',
    actor: 'feegate',
    facts: {},
  })
  await late.query(
    `INSERT INTO journal_entries (tenant_id, at, kind, subject, actor, body, leaf)
     VALUES ($1, $2, 'invoice.test', 'inv_late', 'feegate', $3, sha256('\\x00'::bytea || convert_to($3, 'UTF8')))`,
    [journal.seeded.tenantId, journal.environment.now(), body],
  )
  await journal.append(3)
  await journal.seal()
  t.match(
    await journal.verify(),
    { entries: 3n, waiting: 0n, findings: [] },
    'what is not committed does not exist yet',
  )
  await late.query('COMMIT')
  t.match(await journal.verify(), { entries: 3n, waiting: 1n, findings: [] })
  await journal.seal()
  t.match(await journal.verify(), { batches: 2n, entries: 4n, waiting: 0n, findings: [] })
  const [place] = await journal.database.query<{ batch: bigint }>(
    `SELECT p.batch FROM journal_places p JOIN journal_entries e USING (seq) WHERE e.subject = 'inv_late'`,
    [],
  )
  t.equal(place?.batch, 2n)
})

t.test('sealers of several replicas at once give every entry one place in one chain', async (t) => {
  const journal = await journalBench(t)
  await journal.append(200)
  const replica = async (): Promise<void> => {
    for (let round = 0; round < 15; round++)
      await sealDue(
        {
          database: journal.database,
          environment: journal.environment,
          sign: createTokens(journal.keys).sign,
          publicUrl: () => 'https://gateway.example',
          metrics: createMetrics(),
        },
        10,
      )
  }
  await Promise.all([replica(), replica(), replica(), journal.append(50, 201)])
  await journal.seal()
  t.match(await journal.verify(), { entries: 250n, waiting: 0n, findings: [] })
})

t.test('a clock that stands behind that of the replica before does not turn time back', async (t) => {
  const journal = await journalBench(t)
  await journal.append(1)
  await journal.seal()
  journal.environment.advance(-60_000)
  await journal.append(1, 2)
  await journal.seal()
  t.same((await journal.verify()).findings, [])
})

t.test(
  'the service can neither change nor remove what is in the journal, nor can any other role but the owner',
  async (t) => {
    const journal = await journalBench(t)
    await journal.append(3)
    await journal.seal()
    const tables = ['journal_entries', 'journal_batches', 'journal_checkpoints', 'journal_places']
    for (const table of tables) {
      const column = table === 'journal_entries' ? 'actor' : table === 'journal_batches' ? 'number' : 'batch'
      await t.rejects(
        journal.database.query(`UPDATE ${table} SET ${column} = ${column}`, []),
        { code: '42501' },
        `${table} update`,
      )
      await t.rejects(journal.database.query(`DELETE FROM ${table}`, []), { code: '42501' }, `${table} delete`)
    }
    await journal.tamper(`GRANT UPDATE, DELETE, TRUNCATE ON ${tables.join(', ')} TO feegate_service`)
    for (const table of tables) {
      await t.rejects(journal.database.query(`DELETE FROM ${table}`, []), { message: /takes no DELETE/ }, table)
      await t.rejects(journal.database.query(`TRUNCATE ${table} CASCADE`, []), { message: /takes no TRUNCATE/ }, table)
    }
    await t.rejects(journal.database.query(`UPDATE journal_entries SET actor = 'x'`, []), {
      message: /takes no UPDATE/,
    })
  },
)
