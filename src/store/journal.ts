import { leafHash } from '../domain/merkle.ts'
import type { Transaction } from './database.ts'
import { insertAll } from './rows.ts'

/** Something that happened and must stay provable: who did what to which subject. No personal data, no secrets. */
export type JournalEntry = {
  readonly tenantId: string
  readonly at: Date
  readonly kind: string
  readonly subject: string
  /** A client id, an officer's subject, a rail account (`rail:<id>`) or `feegate`. */
  readonly actor: string
  readonly facts: Readonly<Record<string, string | number | null>>
}

/** Adds entries within the transaction that does what they tell of. The table takes no update and no delete. */
export async function appendJournal(tx: Transaction, entries: readonly JournalEntry[]): Promise<void> {
  await insertAll(
    tx,
    'journal_entries',
    entries.map(({ tenantId, at, kind, subject, actor, facts }) => {
      const body = JSON.stringify({ tenantId, at: at.toISOString(), kind, subject, actor, facts })
      return { tenant_id: tenantId, at, kind, subject, actor, body, leaf: journalLeaf(body) }
    }),
  )
}

/** RFC 6962 leaf hash of an entry's text. */
export function journalLeaf(body: string): Buffer {
  return leafHash(Buffer.from(body, 'utf8'))
}
