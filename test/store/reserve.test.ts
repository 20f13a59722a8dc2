/** Transactions that wait for something read outside them, while they hold every connection there is. */
import t from 'tap'
import { testDatabase } from '../harness/database.ts'

t.test('a statement by itself gets a connection while transactions hold all of them', async (t) => {
  const { database } = await testDatabase(t, { maxConnections: 2 })
  const read = Array.from({ length: 2 }, () =>
    database.transaction(async (tx) => {
      await tx.query('SELECT 1', [])
      // As rail accounts and routing rules are read when what is remembered of them is too old.
      return await database.query<{ n: number }>('SELECT 2 AS n', [])
    }),
  )
  t.same(await Promise.all(read), [[{ n: 2 }], [{ n: 2 }]])
})
