import type { Transaction } from './database.ts'

/** A value of a column as a row object holds it; arrays and plain objects become jsonb or text[] as the column asks. */
type ColumnValue = string | number | bigint | boolean | Date | Uint8Array | null | readonly unknown[] | object

export type Row = Readonly<Record<string, ColumnValue>>

/**
 * Inserts all rows in one statement. All rows have the same keys, which are the column names; a column left out takes its
 * default. Set-based on purpose: one round trip whether it is one row or a thousand. Returns the ids of `RETURNING id`, if asked.
 */
export async function insertAll(
  tx: Pick<Transaction, 'query'>,
  table: string,
  rows: readonly Row[],
  tail = '',
): Promise<string[]> {
  const first = rows[0]
  if (first === undefined) return []
  const columns = Object.keys(first).join(', ')
  const returned = await tx.query<{ id: string }>(
    `INSERT INTO ${table} (${columns}) SELECT ${columns} FROM json_populate_recordset(NULL::${table}, $1::json) ${tail}`,
    [rowsToJson(rows)],
  )
  return returned.map(({ id }) => id)
}

/** JSON text for json_populate_recordset and json_to_recordset: exact bigints, UTC times, hex bytes. */
export function rowsToJson(rows: readonly object[]): string {
  return JSON.stringify(rows, function replace(this: unknown, key: string, value: unknown) {
    // Date and Buffer have a toJSON that runs before the replacer, so look at the value as it stood in its row.
    const original: unknown = this !== null && typeof this === 'object' ? Reflect.get(this, key) : value
    if (typeof original === 'bigint') return original.toString()
    if (original instanceof Uint8Array) return `\\x${Buffer.from(original).toString('hex')}`
    return value
  })
}
