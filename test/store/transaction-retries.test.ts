/** Deadlocks and serialisation failures are tried again, and not for ever. */
import t from 'tap'
import { errorCode, type Transaction } from '../../src/store/database.ts'
import { testDatabase } from '../harness/database.ts'

/** Resolves for all who wait once `count` do. */
function meeting(count: number): () => Promise<void> {
  let arrived = 0
  let open: () => void = () => undefined
  const all = new Promise<void>((resolve) => {
    open = resolve
  })
  return async () => {
    arrived += 1
    if (arrived === count) open()
    await all
  }
}

t.test('two transactions in a circle: PostgreSQL ends one, it is tried again, and both are done', async (t) => {
  const { database } = await testDatabase(t)
  await database.query(
    `INSERT INTO tenants (id, name, created_at) VALUES ('ten_one', '', now()), ('ten_two', '', now())`,
    [],
  )
  const bothHoldOne = meeting(2)
  let tries = 0
  const rename = (first: string, second: string): Promise<void> =>
    database.transaction(async (tx) => {
      tries += 1
      await tx.query(`UPDATE tenants SET name = name || 'x' WHERE id = $1`, [first])
      // Only the first tries meet: the one that is tried again finds nobody to wait for.
      if (tries <= 2) await bothHoldOne()
      await tx.query(`UPDATE tenants SET name = name || 'x' WHERE id = $1`, [second])
    })
  await Promise.all([rename('ten_one', 'ten_two'), rename('ten_two', 'ten_one')])
  t.equal(tries, 3)
  const names = await database.query<{ name: string }>('SELECT name FROM tenants ORDER BY id', [])
  t.same(names, [{ name: 'xx' }, { name: 'xx' }])
})

t.test('of two that read what the other writes one is tried again, and sees it', async (t) => {
  const { database } = await testDatabase(t)
  const bothHaveRead = meeting(2)
  let tries = 0
  const add = (): Promise<void> =>
    database.transaction(
      async (tx) => {
        tries += 1
        const [row] = await tx.query<{ n: bigint }>('SELECT count(*) AS n FROM tenants', [])
        if (tries <= 2) await bothHaveRead()
        await tx.query(`INSERT INTO tenants (id, name, created_at) VALUES ($1, '', now())`, [`ten_after${row?.n}`])
      },
      { isolation: 'SERIALIZABLE' },
    )
  await Promise.all([add(), add()])
  t.equal(tries, 3)
  const ids = await database.query<{ id: string }>('SELECT id FROM tenants ORDER BY id', [])
  t.same(ids, [{ id: 'ten_after0' }, { id: 'ten_after1' }])
})

for (const code of ['40P01', '40001'])
  t.test(`${code} at every try: five, and then whoever asked is told`, async (t) => {
    const { database } = await testDatabase(t)
    let tries = 0
    const work = async (tx: Transaction): Promise<void> => {
      tries += 1
      await tx.query(`DO $$ BEGIN RAISE EXCEPTION 'forced' USING ERRCODE = '${code}'; END $$`, [])
    }
    const seen = await database.transaction(work).then(
      () => '',
      (error: unknown) => errorCode(error),
    )
    t.equal(seen, code)
    t.equal(tries, 5)
  })
