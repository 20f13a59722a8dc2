/** What is signed of each batch of the journal (contracts/jws-profiles.md): who holds one can tell whether the past was changed. */
import { z } from 'zod'
import { readJsonObject } from '../../adapters/shared/json-body.ts'
import { chainHash, hashBytes } from '../domain/merkle.ts'
import { type KeyFinder, verifyCompact } from '../signing/compact-jws.ts'
import type { JournalBatch } from '../store/journal-batches.ts'

/** A batch as far as its link of the chain goes: all but the leaves. */
export type BatchLink = Omit<JournalBatch, 'leaves'>

const count = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER)
/** A hash in base64url, in its one spelling. */
const hash = z
  .string()
  .refine((text) => {
    const bytes = Buffer.from(text, 'base64url')
    return bytes.length === hashBytes && bytes.toString('base64url') === text
  })
  .transform((text) => Buffer.from(text, 'base64url'))

const linkShape = {
  batch: count.min(1),
  firstSeq: count,
  lastSeq: count,
  size: count.min(1),
  root: hash,
  previous: hash.nullable(),
  chain: hash,
  sealedAt: z.iso.datetime({ precision: 3 }),
}
const payloadSchema = z.strictObject({ iss: z.string(), ...linkShape })

/** A line of `feegate journal export`. */
export const exportedLink = z
  .strictObject({ ...linkShape, checkpoints: z.array(z.string()) })
  .transform((line) => ({ link: linkOf(line), checkpoints: line.checkpoints }))

function linkOf(fields: Omit<z.output<typeof payloadSchema>, 'iss'>): BatchLink {
  const { batch, firstSeq, lastSeq, size, root, previous, chain, sealedAt } = fields
  return {
    number: BigInt(batch),
    firstSeq: BigInt(firstSeq),
    lastSeq: BigInt(lastSeq),
    size,
    root,
    previous,
    chain,
    sealedAt: new Date(sealedAt),
  }
}

/** The members of a link as they are signed and exported. */
export function linkFields(link: BatchLink): Record<string, string | number | null> {
  return {
    batch: Number(link.number),
    firstSeq: Number(link.firstSeq),
    lastSeq: Number(link.lastSeq),
    size: link.size,
    root: link.root.toString('base64url'),
    previous: link.previous?.toString('base64url') ?? null,
    chain: link.chain.toString('base64url'),
    sealedAt: link.sealedAt.toISOString(),
  }
}

/** Does the link follow from what it says of itself? */
export function isLinked(link: BatchLink): boolean {
  return chainHash(link.previous, link.root, link).equals(link.chain)
}

/** The link a checkpoint speaks of; null when it is not ours, was changed or contradicts itself. */
export function readCheckpoint(
  jws: string,
  find: KeyFinder,
): { readonly kid: string; readonly link: BatchLink } | null {
  const verified = verifyCompact(jws, 'feegate-checkpoint+jws', find)
  const parsed = verified === null ? null : readJsonObject(verified.payload)
  const payload = parsed?.ok === true ? payloadSchema.safeParse(parsed.value) : null
  if (verified === null || payload?.success !== true) return null
  const link = linkOf(payload.data)
  return isLinked(link) ? { kid: verified.kid, link } : null
}

export function sameLink(one: BatchLink, other: BatchLink): boolean {
  return JSON.stringify(linkFields(one)) === JSON.stringify(linkFields(other))
}
