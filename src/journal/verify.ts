/**
 * Recomputes the whole journal, batch after batch in flat memory: entries, trees, chain, signatures. Reads only; trusts nothing but the
 * published keys.
 */
import { hashBytes, leafHash, merkleRoot } from '../domain/merkle.ts'
import type { KeyFinder } from '../signing/compact-jws.ts'
import type { TenantDatabase } from '../store/database.ts'
import {
  type CheckedBatch,
  type PlacedEntry,
  readBatchAfter,
  readPlacedEntries,
  readStrays,
  readWaitingEntries,
  type StoredEntry,
} from '../store/journal-batches.ts'
import { isLinked, readCheckpoint, sameLink } from './checkpoint.ts'

export type Finding = {
  readonly what:
    | 'CHANGED'
    | 'MISSING'
    | 'EXTRA'
    | 'REORDERED'
    | 'BROKEN_BATCH'
    | 'BROKEN_CHAIN'
    | 'MISSING_BATCH'
    | 'BAD_SIGNATURE'
  /** Null: the finding is about an entry outside every batch. */
  readonly batch: bigint | null
  readonly seq: bigint | null
  readonly subject: string | null
  readonly detail: string
}

export type JournalVerdict = {
  readonly batches: bigint
  readonly entries: bigint
  /** Committed, checked and not sealed yet. */
  readonly waiting: bigint
  /** Empty: all holds. The first `mostFindings` only. */
  readonly findings: readonly Finding[]
}

const mostFindings = 100
const waitingPage = 4096

/** One snapshot, however long it takes and whatever is sealed meanwhile. */
export async function verifyJournal(
  store: Pick<TenantDatabase, 'transaction'>,
  find: KeyFinder,
  onBatch: (number: bigint) => void = () => undefined,
): Promise<JournalVerdict> {
  return await store.transaction(
    async (tx) => {
      await tx.query('SET TRANSACTION READ ONLY', [])
      await tx.query('SET LOCAL statement_timeout = 0', [])
      const findings: Finding[] = []
      let entries = 0n
      let before: CheckedBatch | null = null
      for (;;) {
        const batch: CheckedBatch | null = await readBatchAfter(tx, before?.number ?? 0n)
        if (batch === null) break
        const placed = await readPlacedEntries(tx, batch.number)
        findings.push(
          ...chainFindings(before, batch),
          ...signatureFindings(batch, find),
          ...batchFindings(batch),
          ...entryFindings(batch, placed),
        )
        entries += BigInt(placed.length)
        before = batch
        onBatch(batch.number)
        if (findings.length >= mostFindings) break
      }
      let waiting = 0n
      if (findings.length < mostFindings) {
        for (const stray of await readStrays(tx, before?.number ?? 0n, mostFindings)) findings.push(strayFinding(stray))
        for (let after = -1n; ; ) {
          const page = await readWaitingEntries(tx, after, waitingPage)
          for (const entry of page) {
            const detail = wrongInside(entry)
            if (detail !== null) findings.push(about('CHANGED', null, entry, detail))
          }
          waiting += BigInt(page.length)
          const last = page.at(-1)
          if (last === undefined || findings.length >= mostFindings) break
          after = last.seq
        }
      }
      return { batches: before?.number ?? 0n, entries, waiting, findings: findings.slice(0, mostFindings) }
    },
    { isolation: 'REPEATABLE READ' },
  )
}

function chainFindings(before: CheckedBatch | null, batch: CheckedBatch): Finding[] {
  const expected = (before?.number ?? 0n) + 1n
  const found: Finding[] = []
  if (batch.number !== expected)
    found.push(ofBatch('MISSING_BATCH', expected, `batch ${expected} is gone: ${batch.number} comes next`))
  // With the batch before it gone the link cannot fit, and that is said already.
  else if (!sameHash(batch.previous, before?.chain ?? null))
    found.push(ofBatch('BROKEN_CHAIN', batch.number, `batch ${batch.number} does not follow the batch before it`))
  if (batch.odd || !isLinked(batch))
    found.push(ofBatch('BROKEN_CHAIN', batch.number, `the link of batch ${batch.number} is not that of its fields`))
  if (before !== null && batch.sealedAt < before.sealedAt)
    found.push(ofBatch('BROKEN_CHAIN', batch.number, `batch ${batch.number} is older than the batch before it`))
  return found
}

function signatureFindings(batch: CheckedBatch, find: KeyFinder): Finding[] {
  if (batch.checkpoints.length === 0)
    return [ofBatch('BAD_SIGNATURE', batch.number, `batch ${batch.number} has no checkpoint`)]
  return batch.checkpoints.flatMap(({ kid, jws }) => {
    const checkpoint = readCheckpoint(jws, find)
    if (checkpoint === null || checkpoint.kid !== kid)
      return [
        ofBatch('BAD_SIGNATURE', batch.number, `a checkpoint of batch ${batch.number} does not verify (key ${kid})`),
      ]
    return sameLink(checkpoint.link, batch)
      ? []
      : [ofBatch('BAD_SIGNATURE', batch.number, `batch ${batch.number} is not the one that was signed`)]
  })
}

function batchFindings(batch: CheckedBatch): Finding[] {
  return merkleRoot(leavesOf(batch)).equals(batch.root)
    ? []
    : [ofBatch('BROKEN_BATCH', batch.number, `the leaves of batch ${batch.number} do not make its root`)]
}

function leavesOf({ leaves }: CheckedBatch): Buffer[] {
  return Array.from({ length: leaves.length / hashBytes }, (_, index) =>
    leaves.subarray(index * hashBytes, (index + 1) * hashBytes),
  )
}

function entryFindings(batch: CheckedBatch, placed: readonly PlacedEntry[]): Finding[] {
  const leaves = leavesOf(batch)
  const found: Finding[] = []
  const at = new Map<number, PlacedEntry>()
  for (const entry of placed) at.set(entry.position, entry)
  let lastSeq = -1n
  for (const [position, leaf] of leaves.entries()) {
    const entry = at.get(position)
    if (entry === undefined) {
      const detail = `place ${position} of batch ${batch.number} is empty, after entry ${lastSeq}`
      found.push(ofBatch('MISSING', batch.number, detail))
      continue
    }
    lastSeq = entry.seq
    if (entry.body === null) {
      found.push(about('MISSING', batch.number, { seq: entry.seq, subject: null }, 'the entry is gone'))
      continue
    }
    const now = leafHash(Buffer.from(entry.body, 'utf8'))
    const inside = wrongInside(entry)
    if (now.equals(leaf)) {
      if (inside !== null) found.push(about('CHANGED', batch.number, entry, inside))
    } else if (leaves.some((other) => other.equals(now))) {
      found.push(about('REORDERED', batch.number, entry, `it stands at place ${position}, which is another's`))
    } else {
      found.push(about('CHANGED', batch.number, entry, inside ?? 'text and leaf are not those that were sealed'))
    }
  }
  for (const entry of placed) {
    if (entry.position < leaves.length) continue
    const subject = entry.body === null ? null : entry.subject
    found.push(about('EXTRA', batch.number, { seq: entry.seq, subject }, 'the batch ends before it'))
  }
  const first = placed[0]
  const last = placed.at(-1)
  if (first !== undefined && last !== undefined && (first.seq !== batch.firstSeq || last.seq !== batch.lastSeq)) {
    const detail = `batch ${batch.number} does not span entries ${batch.firstSeq} to ${batch.lastSeq}`
    found.push(ofBatch('BROKEN_BATCH', batch.number, detail))
  }
  for (const [index, entry] of placed.entries()) {
    const before = placed[index - 1]
    if (before !== undefined && before.seq >= entry.seq)
      found.push(about('REORDERED', batch.number, { seq: entry.seq, subject: null }, `it stands after ${before.seq}`))
  }
  return found
}

/** What of an entry contradicts its own text; null: nothing. The columns are what reports read, so they must say the same. */
function wrongInside(entry: StoredEntry): string | null {
  if (!leafHash(Buffer.from(entry.body, 'utf8')).equals(entry.leaf)) return 'its text does not make its leaf'
  let body: unknown
  try {
    body = JSON.parse(entry.body)
  } catch {
    return 'its text is not JSON'
  }
  if (typeof body !== 'object' || body === null) return 'its text is not an object'
  const said = body as Readonly<Record<string, unknown>>
  const columns = { tenantId: entry.tenantId, kind: entry.kind, subject: entry.subject, actor: entry.actor }
  for (const [name, value] of Object.entries(columns))
    if (said[name] !== value) return `its column ${name} says "${value}", its text another`
  const at = typeof said.at === 'string' ? Date.parse(said.at) : Number.NaN
  return Number.isFinite(at) && BigInt(at) * 1000n === entry.atMicros
    ? null
    : 'its column at says another time than its text'
}

function strayFinding({ what, seq, subject }: Awaited<ReturnType<typeof readStrays>>[number]): Finding {
  switch (what) {
    case 'entry':
      return about('EXTRA', null, { seq, subject }, 'it was never sealed and does not wait to be')
    case 'place':
      return about('MISSING_BATCH', null, { seq, subject }, 'its batch is gone')
    case 'waiting':
      return about('EXTRA', null, { seq, subject }, 'it waits for a seal though it is sealed or gone')
  }
}

function about(
  what: Finding['what'],
  batch: bigint | null,
  { seq, subject }: { seq: bigint; subject: string | null },
  detail: string,
): Finding {
  return { what, batch, seq, subject, detail }
}

function ofBatch(what: Finding['what'], batch: bigint, detail: string): Finding {
  return { what, batch, seq: null, subject: null, detail }
}

function sameHash(one: Buffer | null, other: Buffer | null): boolean {
  return one === null || other === null ? one === other : one.equals(other)
}
