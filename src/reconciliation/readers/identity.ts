/** What makes a file, a statement and a line the same as one we already know (statements.md §4). */
import { createHash, hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { canonicalDecimalText } from './decimal.ts'
import type { StatementEntry, StatementFooter, StatementHeader } from './statement.ts'

/** SHA-256 of the bytes, in hex: a file is taken once only. */
export async function fileHash(filePath: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(filePath)) hash.update(chunk)
  return hash.digest('hex')
}

/** Account, statement id and sequence, and period. A corrected file has the same identity and another file hash. */
export function statementIdentity(header: StatementHeader, footer: StatementFooter): string {
  return digest([
    header.account,
    header.statementId,
    header.sequence,
    header.periodFrom ?? footer.opening?.date ?? footer.firstDate,
    header.periodTo ?? footer.closing?.date ?? footer.lastDate,
  ])
}

/**
 * Account, bank reference, value date (booking date where there is none), amount in its one text, and direction.
 * Lines that agree in all of it share a key; count them apart with `lineIdentity`.
 */
export function lineKey(account: string | null, entry: StatementEntry): string {
  return digest([
    account,
    entry.bankReference,
    entry.valueDate ?? entry.bookingDate,
    canonicalDecimalText(entry.amount),
    entry.direction,
  ])
}

/**
 * `ordinalAmongEquals` counts, from 1 and in the order of the file, the lines with this key in the statement. Counting
 * needs memory for every key, so a large file leaves it to the store: `row_number() over (partition by key order by ordinal)`.
 */
export function lineIdentity(account: string | null, entry: StatementEntry, ordinalAmongEquals: number): string {
  return `${lineKey(account, entry)}-${ordinalAmongEquals}`
}

/** Parts are length-prefixed, so no two lists of parts give the same text; a missing part differs from an empty one. */
function digest(parts: readonly (string | null)[]): string {
  const text = parts.map((part) => (part === null ? '-' : `${part.length}:${part}`)).join('|')
  // In one call: a hash object per line would leave a million of them to the garbage collector.
  return hash('sha256', text, 'hex')
}
