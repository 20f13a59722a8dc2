/**
 * Rows of a query one after the other, for answers of any length in flat memory: a cursor in a read-only snapshot, a page at a
 * time, no faster than the reader takes them.
 */
import { PassThrough, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { TenantDatabase, Transaction } from './database.ts'

const rowsAtATime = 500
/** A reader slower than this between two pages is cut off, and so is a query that takes longer for one. */
const slowestReaderMs = 5 * 60_000
const slowestQueryMs = 2 * 60_000

/** Ends its transaction whether the rows are read to their end, the reader stops early or something fails. */
export async function* streamRows<Row extends object>(
  store: TenantDatabase,
  text: string,
  values: readonly unknown[],
): AsyncGenerator<Row> {
  const rows = new PassThrough({ objectMode: true, highWaterMark: rowsAtATime })
  const reading = store.transaction((tx) => pipeline(Readable.from(pages<Row>(tx, text, values)), rows), {
    isolation: 'REPEATABLE READ',
  })
  // Reaches the reader through the stream below; the pipeline destroys it with the same error.
  reading.catch((error: unknown) => rows.destroy(error instanceof Error ? error : new Error(String(error))))
  try {
    for await (const row of rows) yield row as Row
    await reading
  } finally {
    rows.destroy()
    await reading.catch(() => undefined)
  }
}

async function* pages<Row extends object>(
  tx: Transaction,
  text: string,
  values: readonly unknown[],
): AsyncGenerator<Row> {
  await tx.query('SET TRANSACTION READ ONLY', [])
  await tx.query(`SET LOCAL idle_in_transaction_session_timeout = ${slowestReaderMs}`, [])
  await tx.query(`SET LOCAL statement_timeout = ${slowestQueryMs}`, [])
  await tx.query(`DECLARE streamed NO SCROLL CURSOR FOR ${text}`, values)
  for (;;) {
    const page = await tx.query<Row>(`FETCH ${rowsAtATime} FROM streamed`, [])
    yield* page
    if (page.length < rowsAtATime) return
  }
}
