/** Sealed batches of the journal: append-only, in one chain. */
import type { BatchMeta } from '../domain/merkle.ts'
import type { Transaction } from './database.ts'
import { insertAll } from './rows.ts'

export type JournalBatch = BatchMeta & {
  /** Leaf hashes in order, 32 bytes each. */
  readonly leaves: Buffer
  readonly root: Buffer
  readonly previous: Buffer | null
  readonly chain: Buffer
}

export type Checkpoint = { readonly kid: string; readonly jws: string }

type Source = Pick<Transaction, 'query'>

/** One sealer at a time, on any replica. Held until the end of the transaction. */
export async function lockJournal(tx: Source): Promise<boolean> {
  const [row] = await tx.query<{ locked: boolean }>(
    `SELECT pg_try_advisory_xact_lock(hashtextextended('journal', 2)) AS locked`,
    [],
  )
  return row?.locked === true
}

/** Committed entries without a place, in order of their numbers. */
export async function readUnsealed(tx: Source, limit: number): Promise<{ seq: bigint; leaf: Buffer }[]> {
  return await tx.query(
    'SELECT e.seq, e.leaf FROM journal_unsealed u JOIN journal_entries e ON e.seq = u.seq ORDER BY u.seq LIMIT $1',
    [limit],
  )
}

const batchColumns = `b.number, b.first_seq AS "firstSeq", b.last_seq AS "lastSeq", b.size, b.leaves, b.root, b.previous, b.chain, b.sealed_at AS "sealedAt"`

export async function readLastBatch(source: Source): Promise<JournalBatch | null> {
  const [batch] = await source.query<JournalBatch>(
    `SELECT ${batchColumns} FROM journal_batches b ORDER BY b.number DESC LIMIT 1`,
    [],
  )
  return batch ?? null
}

export type CheckedBatch = JournalBatch & {
  /** Microseconds beyond the millisecond: none in a batch that nobody touched. */
  readonly odd: boolean
  readonly checkpoints: readonly Checkpoint[]
}

/** The batch that follows a number, with what was signed of it. */
export async function readBatchAfter(source: Source, number: bigint): Promise<CheckedBatch | null> {
  const [batch] = await source.query<CheckedBatch>(
    `SELECT ${batchColumns}, b.sealed_at <> date_trunc('milliseconds', b.sealed_at) AS odd,
            (SELECT coalesce(json_agg(json_build_object('kid', c.kid, 'jws', c.jws) ORDER BY c.kid), '[]') FROM journal_checkpoints c WHERE c.batch = b.number) AS checkpoints
       FROM journal_batches b WHERE b.number > $1 ORDER BY b.number LIMIT 1`,
    [number],
  )
  return batch ?? null
}

/** Writes a batch, its checkpoint and the places of its entries, which no longer wait. */
export async function writeBatch(
  tx: Source,
  batch: JournalBatch,
  checkpoint: Checkpoint,
  seqs: readonly bigint[],
): Promise<void> {
  await insertAll(tx, 'journal_batches', [
    {
      number: batch.number,
      first_seq: batch.firstSeq,
      last_seq: batch.lastSeq,
      size: batch.size,
      leaves: batch.leaves,
      root: batch.root,
      previous: batch.previous,
      chain: batch.chain,
      sealed_at: batch.sealedAt,
    },
  ])
  await insertAll(tx, 'journal_checkpoints', [{ batch: batch.number, ...checkpoint }])
  await tx.query(
    `INSERT INTO journal_places (seq, batch, position) SELECT seq, $1, place - 1 FROM unnest($2::bigint[]) WITH ORDINALITY AS placed(seq, place)`,
    [batch.number, seqs],
  )
  await tx.query('DELETE FROM journal_unsealed WHERE seq = ANY($1::bigint[])', [seqs])
}

export type StoredEntry = {
  readonly seq: bigint
  readonly tenantId: string
  /** Microseconds since 1970. */
  readonly atMicros: bigint
  readonly kind: string
  readonly subject: string
  readonly actor: string
  readonly body: string
  readonly leaf: Buffer
}

const entryColumns = `e.tenant_id AS "tenantId", (extract(epoch FROM e.at) * 1000000)::bigint AS "atMicros", e.kind, e.subject, e.actor, e.body, e.leaf`

export type PlacedEntry = { readonly seq: bigint; readonly position: number } & (
  | (StoredEntry & { readonly body: string })
  | { readonly body: null }
)

/** What stands in a batch by its places; a body of null: the entry itself is gone. */
export async function readPlacedEntries(source: Source, batch: bigint): Promise<PlacedEntry[]> {
  return await source.query(
    `SELECT p.position, p.seq, ${entryColumns} FROM journal_places p LEFT JOIN journal_entries e ON e.seq = p.seq WHERE p.batch = $1 ORDER BY p.position`,
    [batch],
  )
}

/** Entries that wait for their seal, a page at a time. */
export async function readWaitingEntries(source: Source, after: bigint, limit: number): Promise<StoredEntry[]> {
  return await source.query(
    `SELECT e.seq, ${entryColumns} FROM journal_unsealed u JOIN journal_entries e ON e.seq = u.seq WHERE u.seq > $1 ORDER BY u.seq LIMIT $2`,
    [after, limit],
  )
}

/** What belongs to no batch and does not wait either: entries, places and waiting numbers that somebody made or left behind. */
export async function readStrays(
  source: Source,
  lastBatch: bigint,
  limit: number,
): Promise<{ what: 'entry' | 'place' | 'waiting'; seq: bigint; subject: string | null }[]> {
  return await source.query(
    `(SELECT 'entry' AS what, e.seq, e.subject FROM journal_entries e
       WHERE NOT EXISTS (SELECT FROM journal_places p WHERE p.seq = e.seq) AND NOT EXISTS (SELECT FROM journal_unsealed u WHERE u.seq = e.seq) LIMIT $2)
     UNION ALL
     (SELECT 'place', p.seq, NULL FROM journal_places p WHERE p.batch > $1 OR NOT EXISTS (SELECT FROM journal_batches b WHERE b.number = p.batch) LIMIT $2)
     UNION ALL
     (SELECT 'waiting', u.seq, NULL FROM journal_unsealed u
       WHERE EXISTS (SELECT FROM journal_places p WHERE p.seq = u.seq) OR NOT EXISTS (SELECT FROM journal_entries e WHERE e.seq = u.seq) LIMIT $2)`,
    [lastBatch, limit],
  )
}

export type SealedEntry = {
  readonly subject: string
  readonly body: string
  readonly position: number
  readonly number: bigint
  readonly leaves: Buffer
  /** Newest key first does not matter: each is good by itself. */
  readonly jws: string
}

/** The sealed entries of one kind about subjects of a tenant. What is not sealed yet is left out. */
export async function readSealedEntries(
  source: Source,
  tenantId: string,
  kind: string,
  subjects: readonly string[],
): Promise<SealedEntry[]> {
  return await source.query(
    `SELECT DISTINCT ON (e.subject) e.subject, e.body, p.position, b.number, b.leaves, c.jws
       FROM journal_entries e
       JOIN journal_places p ON p.seq = e.seq
       JOIN journal_batches b ON b.number = p.batch
       JOIN journal_checkpoints c ON c.batch = b.number
      WHERE e.tenant_id = $1 AND e.kind = $2 AND e.subject = ANY($3::text[])
      ORDER BY e.subject, e.seq, c.kid`,
    [tenantId, kind, subjects],
  )
}
