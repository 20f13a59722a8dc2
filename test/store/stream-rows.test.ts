import t from 'tap'
import { streamRows } from '../../src/store/stream-rows.ts'
import { testDatabase } from '../harness/database.ts'
import { heapInUse } from '../harness/heap.ts'

async function openTransactions(database: {
  query: (text: string, values: unknown[]) => Promise<object[]>
}): Promise<number> {
  const rows = await database.query(
    `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'`,
    [],
  )
  return rows.length
}

t.test('300,000 rows go by in flat memory', { timeout: 120_000 }, async (t) => {
  const { database } = await testDatabase(t)
  const before = heapInUse()
  let peak = before
  let sum = 0
  let rows = 0
  for await (const row of streamRows<{ n: number; t: string }>(
    database.forTenant('ten_x'),
    `SELECT n, repeat('x', 200) AS t FROM generate_series(1, $1::int) AS n`,
    [300_000],
  )) {
    rows += 1
    sum += row.n
    if (rows % 30_000 !== 0) continue
    peak = Math.max(peak, heapInUse())
  }
  t.equal(rows, 300_000)
  t.equal(sum, 45_000_150_000)
  t.ok(peak - before < 16 * 1024 * 1024, `heap grew by ${Math.round((peak - before) / 1024)} KiB`)
})

t.test('a reader that stops early leaves no transaction behind', async (t) => {
  const { database } = await testDatabase(t)
  for await (const _ of streamRows(database.forTenant('ten_x'), 'SELECT n FROM generate_series(1, 100000) AS n', []))
    break
  t.equal(await openTransactions(database), 0)
})

t.test('what the query fails with reaches the reader, at the first row or later', async (t) => {
  const { database } = await testDatabase(t)
  const read = async (text: string): Promise<number> => {
    let rows = 0
    for await (const _ of streamRows(database.forTenant('ten_x'), text, [])) rows += 1
    return rows
  }
  await t.rejects(read('SELECT 1 / 0 AS n'), { code: '22012' })
  await t.rejects(read('SELECT 1 / (2000 - n) AS n FROM generate_series(1, 3000) AS n'), { code: '22012' })
  await t.rejects(read('SELECT nothing FROM nowhere'), { code: '42P01' })
  t.equal(await openTransactions(database), 0)
  t.equal(await read('SELECT 1 AS n WHERE false'), 0)
})

t.test('it cannot write', async (t) => {
  const { database } = await testDatabase(t)
  const rows = streamRows(database.forTenant('ten_x'), `SELECT nextval('merchant_ref_sequence') AS n`, [])
  await t.rejects(rows.next(), { code: '25006' })
})
