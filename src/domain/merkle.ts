/**
 * Merkle tree of RFC 6962 §2.1 (the same in RFC 9162): proves that one entry of the journal stood in a sealed batch without
 * showing the others. Leaves and inner nodes are hashed under different prefixes, so neither can pass for the other.
 */
import { createHash } from 'node:crypto'

/** Bytes of every hash here: SHA-256. */
export const hashBytes = 32

const leafPrefix = Buffer.of(0)
const nodePrefix = Buffer.of(1)
/** Not used by the RFC: a link of our chain can be neither a leaf nor a node. */
const chainPrefix = Buffer.of(2)

export function leafHash(entry: Uint8Array): Buffer {
  return sha256(leafPrefix, entry)
}

/** Root over leaf hashes in order. The root of no leaves is the hash of nothing. */
export function merkleRoot(leaves: readonly Uint8Array[]): Buffer {
  const [only] = leaves
  if (only === undefined) return sha256()
  if (leaves.length === 1) return Buffer.from(only)
  const split = largestPowerBelow(leaves.length)
  return nodeHash(merkleRoot(leaves.slice(0, split)), merkleRoot(leaves.slice(split)))
}

/**
 * The hashes beside the way from leaf `index` up to the root, lowest first.
 * @throws RangeError when there is no such leaf
 */
export function inclusionProof(leaves: readonly Uint8Array[], index: number): Buffer[] {
  if (!Number.isSafeInteger(index) || index < 0 || index >= leaves.length)
    throw new RangeError(`no leaf ${index} among ${leaves.length}`)
  if (leaves.length === 1) return []
  const split = largestPowerBelow(leaves.length)
  const left = leaves.slice(0, split)
  const right = leaves.slice(split)
  return index < split
    ? [...inclusionProof(left, index), merkleRoot(right)]
    : [...inclusionProof(right, index - split), merkleRoot(left)]
}

/** What somebody who holds only a checkpoint needs to believe that an entry is part of it. */
export type Inclusion = {
  readonly leaf: Uint8Array
  readonly index: number
  /** Leaves in the tree: part of the proof's meaning, so it must come from the signed checkpoint. */
  readonly size: number
  readonly proof: readonly Uint8Array[]
  readonly root: Uint8Array
}

/** RFC 9162 §2.1.3.2. False for anything that does not fit, never an exception: the input comes from outside. */
export function verifyInclusion({ leaf, index, size, proof, root }: Inclusion): boolean {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) return false
  if (![leaf, root, ...proof].every((hash) => hash.length === hashBytes)) return false
  let hash: Buffer = Buffer.from(leaf)
  let position = index
  let last = size - 1
  for (const sibling of proof) {
    if (last === 0) return false
    if (position % 2 === 1 || position === last) {
      hash = nodeHash(sibling, hash)
      // A node without a sibling rises unchanged until it is a right child.
      while (position % 2 === 0 && position !== 0) {
        position /= 2
        last = Math.floor(last / 2)
      }
    } else {
      hash = nodeHash(hash, sibling)
    }
    position = Math.floor(position / 2)
    last = Math.floor(last / 2)
  }
  return last === 0 && hash.equals(root)
}

/** What a sealed batch says about itself beside its root. */
export type BatchMeta = {
  /** Place in the chain, from 1. */
  readonly number: bigint
  /** First and last entry, by their number in the journal. Numbers may have gaps, so they do not tell the size. */
  readonly firstSeq: bigint
  readonly lastSeq: bigint
  readonly size: number
  readonly sealedAt: Date
}

/**
 * Link of batch to batch: SHA-256 over 0x02, the previous link (32 zero bytes for the first batch), the batch's root, then
 * number, firstSeq, lastSeq, size and sealedAt in milliseconds, each as 8 bytes big-endian. Every part has one length, so no
 * two batches share an encoding.
 * @throws RangeError for a hash of another length or a number outside 0 … 2^64 - 1
 */
export function chainHash(previous: Uint8Array | null, batchRoot: Uint8Array, meta: BatchMeta): Buffer {
  const before = previous ?? Buffer.alloc(hashBytes)
  if (before.length !== hashBytes || batchRoot.length !== hashBytes)
    throw new RangeError(`a hash of the chain has ${hashBytes} bytes`)
  const { number, firstSeq, lastSeq, size, sealedAt } = meta
  const numbers = [number, firstSeq, lastSeq, BigInt(size), BigInt(sealedAt.getTime())]
  return sha256(chainPrefix, before, batchRoot, ...numbers.map(eightBytes))
}

function eightBytes(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(value)
  return bytes
}

function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  return sha256(nodePrefix, left, right)
}

/** The largest power of two smaller than `count`, for `count` above 1: where the RFC splits. */
function largestPowerBelow(count: number): number {
  return 2 ** Math.floor(Math.log2(count - 1))
}

function sha256(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}
