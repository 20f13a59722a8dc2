/** Transactions that wait for something read outside them, while they hold every connection there is. */
import t from 'tap'
import { testDatabase } from '../harness/database.ts'

t.test('transactions that all read beside themselves do not starve each other', async (t) => {
  const { database } = await testDatabase(t, { maxConnections: 4 })
  const numbers = await Promise.all(
    Array.from({ length: 24 }, (_, n) =>
      database.transaction(async (tx) => {
        await tx.query('SELECT 1', [])
        // As rail accounts and routing rules are read when what is remembered of them is too old.
        const [row] = await database.query<{ n: number }>('SELECT $1::int AS n', [n])
        return row?.n
      }),
    ),
  )
  t.same(numbers, [...Array(24).keys()])
})
