/** The law's promise about numbers: 1 … N, each exactly once, whatever happens to those who give them. */
import { randomInt } from 'node:crypto'
import pg from 'pg'
import t from 'tap'
import { issueDue } from '../../src/receipt/issue.ts'
import { type Database, StoreUnavailableError, type Transaction } from '../../src/store/database.ts'
import { type ReceiptBench, receiptBench, seedAgency } from '../harness/receipts.ts'

async function payMany(bench: ReceiptBench, invoices: number): Promise<void> {
  const lots = Array.from({ length: Math.ceil(invoices / 40) }, (_, lot) => Math.min(40, invoices - lot * 40))
  for (const lot of lots) await Promise.all(Array.from({ length: lot }, () => bench.pay()))
}

/** Numbers of every symbol, ascending. */
async function numbersOf(bench: ReceiptBench): Promise<Map<string, number[]>> {
  const numbers = new Map<string, number[]>()
  for (const { symbol, number } of await bench.receipts())
    if (symbol !== null && number !== null) numbers.set(symbol, [...(numbers.get(symbol) ?? []), number])
  for (const list of numbers.values()) list.sort((one, other) => one - other)
  return numbers
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1)

t.test('64 issuers at once number 1 to N, each once', { timeout: 120_000 }, async (t) => {
  const bench = await receiptBench(t, { maxConnections: 70 })
  await payMany(bench, 200)
  let left = 400
  while (left > 0) {
    const issued = await Promise.all(Array.from({ length: 64 }, () => issueDue(bench.options)))
    left -= issued.reduce((sum, count) => sum + count, 0)
    t.ok(left >= 0)
  }
  t.same([...(await numbersOf(bench))], [['26TAA', upTo(400)]])
  const sequences = await bench.database.query<{ ok: boolean }>(
    `SELECT bool_and(event_seq = 4) AS ok FROM invoices`,
    [],
  )
  t.same(sequences, [{ ok: true }], 'every invoice told in order')
})

t.test('transactions that are rolled back leave no gap and no double', { timeout: 120_000 }, async (t) => {
  const bench = await receiptBench(t, { maxConnections: 40 })
  await payMany(bench, 100)
  let rolledBack = 0
  /** Every third transaction that has done its work fails before its commit. */
  const shaky: Database = {
    ...bench.database,
    transaction: (work, options) =>
      bench.database.transaction(async (tx: Transaction) => {
        const result = await work(tx)
        if (randomInt(3) === 0) {
          rolledBack++
          throw new Error('forced')
        }
        return result
      }, options),
  }
  const options = { ...bench.options, database: shaky }
  for (let round = 0; round < 60; round++) {
    await Promise.allSettled(Array.from({ length: 16 }, () => issueDue(options)))
    // Those that were put off come due again.
    bench.environment.advance(6 * 60_000)
    if ((await bench.receipts()).every(({ number }) => number !== null)) break
  }
  t.ok(rolledBack > 0, `${rolledBack} rolled back`)
  t.same([...(await numbersOf(bench))], [['26TAA', upTo(200)]])
})

t.test('connections that are killed in the middle leave no gap and no double', { timeout: 120_000 }, async (t) => {
  const bench = await receiptBench(t, { maxConnections: 20 })
  await payMany(bench, 150)
  const killer = new pg.Client({ connectionString: bench.url })
  await killer.connect()
  let killed = 0
  let stop = false
  const killing = (async () => {
    while (!stop) {
      const { rowCount } = await killer.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL AND random() < 0.3`,
      )
      killed += rowCount ?? 0
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  })()
  let unavailable = 0
  for (let round = 0; round < 25; round++) {
    const results = await Promise.allSettled(Array.from({ length: 12 }, () => issueDue(bench.options)))
    unavailable += results.filter(
      (result) => result.status === 'rejected' && result.reason instanceof StoreUnavailableError,
    ).length
    bench.environment.advance(6 * 60_000)
  }
  stop = true
  await killing
  await killer.end()
  t.ok(killed > 0, `${killed} killed`)
  t.ok(unavailable > 0, `${unavailable} rounds lost their connection`)
  for (let round = 0; round < 10; round++) {
    await issueDue(bench.options)
    bench.environment.advance(6 * 60_000)
  }
  t.same([...(await numbersOf(bench))], [['26TAA', upTo(300)]])
})

t.test('many agencies at once do not wait for one another in a ring', { timeout: 120_000 }, async (t) => {
  const bench = await receiptBench(t, { maxConnections: 40 })
  const agencies = [bench.seeded]
  for (let n = 1; n <= 4; n++) agencies.push(await seedAgency(bench.database, bench.seeded))
  for (let n = 0; n < 20; n++) await Promise.all(agencies.map((agency) => bench.pay({}, agency)))
  let issued = 0
  for (let round = 0; issued < 200 && round < 50; round++)
    issued += (await Promise.all(Array.from({ length: 24 }, () => issueDue(bench.options)))).reduce((a, b) => a + b, 0)
  const numbers = await numbersOf(bench)
  t.same([...numbers.keys()].sort(), ['26TAA', '26TAB', '26TAC', '26TAD', '26TAE'])
  for (const [symbol, list] of numbers) t.same(list, upTo(40), symbol)
})
