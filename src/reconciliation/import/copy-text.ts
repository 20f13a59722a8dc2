/** Rows in the text format of COPY: tab between columns, `\N` for null. */
type CopyValue = string | number | bigint | boolean | Date | null | readonly string[]

export function copyRow(values: readonly CopyValue[]): string {
  let text = ''
  for (let index = 0; index < values.length; index++)
    text += (index === 0 ? '' : '\t') + copyValue(values[index] ?? null)
  return `${text}\n`
}

function copyValue(value: CopyValue): string {
  if (value === null) return '\\N'
  if (typeof value === 'string') return escaped(value)
  if (value instanceof Date) return value.toISOString()
  if (typeof value === 'object') return value.length === 0 ? '\\N' : escaped(arrayText(value))
  return String(value)
}

/** NUL is dropped: PostgreSQL has no place for it. */
function escaped(text: string): string {
  return /[\\\t\n\r\0]/.test(text) ? text.replace(/[\\\t\n\r\0]/g, (character) => escapes[character] ?? '') : text
}

const escapes: Record<string, string> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r', '\0': '' }

function arrayText(values: readonly string[]): string {
  return `{${values.map((value) => `"${value.replace(/["\\]/g, '\\$&')}"`).join(',')}}`
}

/** Joins rows into chunks, so that a million of them are not a million writes. */
export async function* chunked(rows: AsyncIterable<string>, size = 65_536): AsyncGenerator<string> {
  let chunk = ''
  for await (const row of rows) {
    chunk += row
    if (chunk.length < size) continue
    yield chunk
    chunk = ''
  }
  if (chunk !== '') yield chunk
}
