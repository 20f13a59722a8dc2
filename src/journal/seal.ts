/**
 * Seals committed journal entries: a Merkle tree per batch, batches in a chain, each link signed. All in one commit, so that a killed
 * sealer leaves nothing half done; one sealer at a time, on whichever replica is first (docs/decisions/034).
 */
import { chainHash, merkleRoot } from '../domain/merkle.ts'
import type { Environment } from '../environment.ts'
import type { Metrics } from '../metrics.ts'
import { claimedHeader } from '../signing/compact-jws.ts'
import type { TokenSigner } from '../signing/tokens.ts'
import type { Database, Transaction } from '../store/database.ts'
import { lockJournal, readLastBatch, readUnsealed, writeBatch } from '../store/journal-batches.ts'
import { linkFields } from './checkpoint.ts'

export type SealOptions = {
  readonly database: Database
  readonly environment: Environment
  readonly sign: TokenSigner
  /** Our public address: the `iss` of checkpoints. */
  readonly publicUrl: () => string
  readonly metrics: Metrics
}

/** Entries of one batch at most: a proof then has 12 hashes, and a batch is checked in a few megabytes. */
export const mostInBatch = 4096

/** One round. Returns the batch's size when it was full, else 0: a small rest waits for the next round, so that batches are few. */
export async function sealDue(options: SealOptions, limit = mostInBatch): Promise<number> {
  const sealed = await options.database.transaction((tx) => sealBatch(tx, options, limit))
  options.metrics.journalSealed.inc(sealed)
  return sealed === limit ? sealed : 0
}

async function sealBatch(
  tx: Transaction,
  { environment, sign, publicUrl }: SealOptions,
  limit: number,
): Promise<number> {
  if (!(await lockJournal(tx))) return 0
  const entries = await readUnsealed(tx, limit)
  const [first] = entries
  const last = entries.at(-1)
  if (first === undefined || last === undefined) return 0
  const before = await readLastBatch(tx)
  const now = environment.now()
  // The leaf as it was written with the entry: a body changed since is found by verification, and must not hold up its neighbours.
  const leaves = entries.map(({ leaf }) => leaf)
  const root = merkleRoot(leaves)
  const meta = {
    number: (before?.number ?? 0n) + 1n,
    firstSeq: first.seq,
    lastSeq: last.seq,
    size: entries.length,
    // Clocks of replicas differ; time in the chain does not go back.
    sealedAt: before !== null && before.sealedAt > now ? before.sealedAt : now,
  }
  const previous = before?.chain ?? null
  const link = { ...meta, root, previous, chain: chainHash(previous, root, meta) }
  const jws = await sign({ iss: publicUrl(), ...linkFields(link) }, 'feegate-checkpoint+jws')
  await writeBatch(
    tx,
    { ...link, leaves: Buffer.concat(leaves) },
    { kid: claimedHeader(jws)?.kid ?? '', jws },
    entries.map(({ seq }) => seq),
  )
  return entries.length
}
