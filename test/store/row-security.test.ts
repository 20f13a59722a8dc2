/**
 * Row security, table by table. What is tried comes from the database's own catalogue, so that a new table or view without a policy
 * fails here. Each table gets one row of tenant A and one of B, in which every text is the tenant's name: whatever refers to
 * another row refers to one of the same tenant.
 */
import pg from 'pg'
import t, { type Test } from 'tap'
import { errorCode } from '../../src/store/database.ts'
import { testDatabase } from '../harness/database.ts'

/** Tables that are nobody's, and why. */
const ofNobody = [
  'feegate_migrations',
  // Public days and rules, the same for all.
  'bank_holidays',
  'reconciliation_rule_sets',
  // The one chain over the journal of all tenants: places and hashes, no word of any entry.
  'journal_unsealed',
  'journal_batches',
  'journal_checkpoints',
  'journal_places',
]
/** Tables that only the system's own work touches. */
const ofTheSystem = ['client_assertions', 'parity_passes', 'retention_places']

type Column = { name: string; type: string }
type Table = { name: string; columns: Column[]; secured: boolean; policies: string[] }

async function readTables(owner: pg.Client): Promise<Table[]> {
  const { rows } = await owner.query<Table>(
    `SELECT c.relname AS name, c.relrowsecurity AS secured,
            (SELECT coalesce(json_agg(p.polname), '[]') FROM pg_policy p
              WHERE p.polrelid = c.oid AND p.polcmd = '*' AND p.polpermissive AND p.polroles = ARRAY['feegate_service'::regrole::oid]) AS policies,
            (SELECT json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, NULL)) ORDER BY a.attnum) FROM pg_attribute a
              WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS columns
       FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY c.relname`,
  )
  return rows.filter(({ name }) => !ofNobody.includes(name))
}

/** Values of a row whose texts are all `text` and whose numbers are all `number`. */
function sampleOf(type: string, text: string, number: number): unknown {
  switch (type) {
    case 'text':
      return text
    case 'text[]':
      return [text]
    case 'uuid':
      return `00000000-0000-4000-8000-00000000000${number}`
    case 'bytea':
      return Buffer.from(text)
    case 'bytea[]':
      return [Buffer.from(text)]
    case 'jsonb':
      return '{}'
    case 'bigint':
    case 'integer':
    case 'numeric':
    case 'smallint':
      return number
    case 'boolean':
      return true
    case 'date':
      return `2026-11-0${number}`
    case 'timestamp with time zone':
      return `2026-11-0${number}T00:00:00Z`
    default:
      throw new Error(`no value known for a column of type ${type}`)
  }
}

function insertOf({ name, columns }: Table, text: string, number: number): { text: string; values: unknown[] } {
  const names = columns.map((column) => pg.escapeIdentifier(column.name)).join(', ')
  const places = columns.map((_, index) => `$${index + 1}`).join(', ')
  return {
    text: `INSERT INTO ${pg.escapeIdentifier(name)} (${names}) OVERRIDING SYSTEM VALUE VALUES (${places})`,
    values: columns.map(({ type }) => sampleOf(type, text, number)),
  }
}

async function ownerOf(t: Test, url: string): Promise<pg.Client> {
  const owner = new pg.Client({ connectionString: url })
  await owner.connect()
  t.teardown(() => owner.end())
  return owner
}

/** Rows of two tenants in every table; constraints and privileges out of the way, so that policies stand alone. */
async function twoTenants(t: Test) {
  const { url, database } = await testDatabase(t)
  const owner = await ownerOf(t, url)
  const tables = await readTables(owner)
  const checks = await owner.query<{ statement: string }>(
    `SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS statement FROM pg_constraint
      WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'f') AND conrelid <> 0`,
  )
  for (const { statement } of checks.rows) await owner.query(statement)
  await owner.query('GRANT ALL ON ALL TABLES IN SCHEMA public TO feegate_service')
  for (const table of tables) {
    // Triggers have no say here.
    await owner.query(`ALTER TABLE ${pg.escapeIdentifier(table.name)} DISABLE TRIGGER USER`)
    for (const [index, tenant] of ['ten_a', 'ten_b'].entries()) {
      const { text, values } = insertOf(table, tenant, index + 1)
      await owner.query(text, values)
    }
  }
  return { url, database, tables }
}

t.test('every table has row security with the one policy for the service; views read as their caller', async (t) => {
  const { url } = await testDatabase(t)
  const owner = await ownerOf(t, url)
  const tables = await readTables(owner)
  t.ok(tables.length > 30)
  t.same(
    tables.filter(({ secured, policies }) => !secured || policies.length !== 1).map(({ name }) => name),
    [],
  )
  const views = await owner.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm')
        AND NOT coalesce(reloptions, '{}') @> '{security_invoker=true}'`,
  )
  t.same(views.rows, [])
  const { rows } = await owner.query<{ bypasses: boolean }>(
    `SELECT rolbypassrls OR rolsuper AS bypasses FROM pg_roles WHERE rolname = 'feegate_service'`,
  )
  t.same(rows, [{ bypasses: false }])
})

t.test('functions that run as their owner, past the policies, are known', async (t) => {
  const { url } = await testDatabase(t)
  const owner = await ownerOf(t, url)
  const { rows } = await owner.query<{ name: string }>(
    `SELECT proname AS name FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef ORDER BY proname`,
  )
  // None gives a row away: one empties old evidence (for the system's sessions alone), one locks, one compares sums of a settlement with its own refunds.
  t.same(
    rows.map(({ name }) => name),
    ['erase_callbacks', 'lock_settlement', 'refunds_within_paid'],
  )
})

t.test(
  'in every table a tenant sees, changes and deletes its own rows only, and makes none of another’s',
  async (t) => {
    const { database, tables } = await twoTenants(t)
    const tenant = database.forTenant('ten_a')
    for (const table of tables) {
      const name = pg.escapeIdentifier(table.name)
      const [first] = table.columns
      const column = pg.escapeIdentifier(first?.name ?? '')
      const isOwn = ofTheSystem.includes(table.name) ? 0 : 1
      await t.test(table.name, async (t) => {
        t.equal((await database.query(`SELECT 1 FROM ${name}`, [])).length, 2, 'the system sees both')
        t.equal((await tenant.query(`SELECT 1 FROM ${name}`, [])).length, isOwn, 'sees')
        const updatable = first?.type === 'text'
        if (updatable) {
          t.equal(
            (await tenant.query(`UPDATE ${name} SET ${column} = ${column} RETURNING 1`, [])).length,
            isOwn,
            'changes',
          )
          t.equal(
            (await tenant.query(`UPDATE ${name} SET ${column} = ${column} WHERE ${column} = 'ten_b' RETURNING 1`, []))
              .length,
            0,
            'changes none of the other',
          )
        }
        const foreign = insertOf(table, 'ten_b', 3)
        await t.rejects(tenant.query(foreign.text, foreign.values), { code: '42501' }, 'makes none')
        for (const { name: moved } of table.columns.filter(({ name }) => name === 'tenant_id')) {
          await t.rejects(
            tenant.query(`UPDATE ${name} SET ${pg.escapeIdentifier(moved)} = 'ten_b'`, []),
            { code: '42501' },
            'gives none away',
          )
        }
        await tenant
          .transaction(async (tx) => {
            t.equal((await tx.query(`DELETE FROM ${name} RETURNING 1`, [])).length, isOwn, 'deletes')
            throw new Error('undone')
          })
          .catch((error: unknown) => t.match(error, { message: table.name.startsWith('journal') ? /./ : 'undone' }))
      })
    }
  },
)

t.test('through every view a tenant sees no row of another', async (t) => {
  const { url, database } = await twoTenants(t)
  const owner = await ownerOf(t, url)
  const { rows } = await owner.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'v' ORDER BY relname`,
  )
  t.ok(rows.length > 5)
  for (const { name } of rows) {
    const tenants = await database
      .forTenant('ten_a')
      .query<{ tenant_id: string }>(`SELECT DISTINCT tenant_id FROM ${pg.escapeIdentifier(name)}`, [])
    t.notOk(
      tenants.some(({ tenant_id }) => tenant_id === 'ten_b'),
      name,
    )
  }
  // The test would see it: as the system, the ledger has both.
  t.equal((await database.query('SELECT DISTINCT tenant_id FROM ledger_balances', [])).length, 2)
})

t.test('a session of the service that names no tenant sees nothing and makes nothing', async (t) => {
  const { url, tables } = await twoTenants(t)
  const nobody = new pg.Client({ connectionString: url, options: '-c role=feegate_service' })
  await nobody.connect()
  t.teardown(() => nobody.end())
  for (const table of tables) {
    const { rows } = await nobody.query(`SELECT 1 FROM ${pg.escapeIdentifier(table.name)}`)
    t.equal(rows.length, 0, table.name)
    const { text, values } = insertOf(table, 'ten_a', 3)
    t.equal(await nobody.query(text, values).then(() => '', errorCode), '42501', `${table.name} takes none`)
  }
})
