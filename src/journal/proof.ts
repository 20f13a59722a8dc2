/** Proof that an entry of the journal stands in a sealed batch: made for whoever asks, checked with the published keys alone. */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { readJsonObject } from '../../adapters/shared/json-body.ts'
import { hashBytes, inclusionProof, leafHash, verifyInclusion } from '../domain/merkle.ts'
import { type KeyFinder, verifyCompact } from '../signing/compact-jws.ts'
import type { Transaction } from '../store/database.ts'
import { readSealedEntries } from '../store/journal-batches.ts'
import { readCheckpoint } from './checkpoint.ts'

export const proofSchema = z
  .object({
    entry: z.string().meta({ description: 'The exact text of the journal entry; its leaf is SHA-256(0x00 ‖ text)' }),
    batch: z.number().int(),
    index: z.number().int().meta({ description: 'Place of the leaf in the batch, from 0' }),
    path: z.array(z.string()).meta({ description: 'Hashes from the leaf to the root, base64url (RFC 9162 §2.1.3)' }),
    checkpoint: z.string().meta({ description: 'Signed batch: root and size (contracts/jws-profiles.md)' }),
  })
  .meta({ id: 'InclusionProof' })
export type InclusionProof = z.infer<typeof proofSchema>

/** Proofs of the sealed entries of a kind, by their subjects. Who has none yet is not sealed yet. */
export async function readProofs(
  source: Pick<Transaction, 'query'>,
  tenantId: string,
  kind: string,
  subjects: readonly string[],
): Promise<ReadonlyMap<string, InclusionProof>> {
  if (subjects.length === 0) return new Map()
  const sealed = await readSealedEntries(source, tenantId, kind, subjects)
  return new Map(
    sealed.map(({ subject, body, position, number, leaves, jws }) => {
      const hashes = Array.from({ length: leaves.length / hashBytes }, (_, index) =>
        leaves.subarray(index * hashBytes, (index + 1) * hashBytes),
      )
      const path = inclusionProof(hashes, position).map((hash) => hash.toString('base64url'))
      return [subject, { entry: body, batch: Number(number), index: position, path, checkpoint: jws }]
    }),
  )
}

/** SHA-256 of a signed document's text, as its journal entry holds it: ties the document to the entry. */
export function documentHash(jws: string): string {
  return createHash('sha256').update(jws, 'ascii').digest('base64url')
}

/** A receipt with its proof, as the portal hands both on. */
export const provenReceipt = z.object({ jws: z.string(), proof: proofSchema })

const entrySchema = z.object({
  kind: z.literal('receipt.issued'),
  subject: z.string(),
  facts: z.object({ documentSha256: z.string() }).loose(),
})

export type ProofVerdict =
  | {
      readonly valid: true
      readonly batch: bigint
      readonly sealedAt: Date
      readonly receipt: Readonly<Record<string, unknown>>
    }
  | { readonly valid: false; readonly reason: string }

/** Checks receipt, entry, path and checkpoint together; a change in any of them fails. */
export function verifyProvenReceipt({ jws, proof }: z.infer<typeof provenReceipt>, find: KeyFinder): ProofVerdict {
  const signed = verifyCompact(jws, 'feegate-receipt+jws', find)
  const receipt = signed === null ? null : readJsonObject(signed.payload)
  if (receipt?.ok !== true) return refuse('the receipt is changed, or signed by another key')
  const checkpoint = readCheckpoint(proof.checkpoint, find)
  if (checkpoint === null) return refuse('the checkpoint is changed, or signed by another key')
  const { link } = checkpoint
  if (link.number !== BigInt(proof.batch)) return refuse('the checkpoint is of another batch')
  const path = proof.path.map((text) => Buffer.from(text, 'base64url'))
  const canonical = path.every((bytes, index) => bytes.toString('base64url') === proof.path[index])
  const entry = Buffer.from(proof.entry, 'utf8')
  const inclusion = { leaf: leafHash(entry), index: proof.index, size: link.size, proof: path, root: link.root }
  if (!canonical || !verifyInclusion(inclusion)) return refuse('the entry does not stand at this place of the batch')
  const read = readJsonObject(entry)
  const told = read.ok ? entrySchema.safeParse(read.value) : null
  const { value } = receipt
  if (
    told?.success !== true ||
    told.data.subject !== value.receiptId ||
    told.data.facts.documentSha256 !== documentHash(jws)
  )
    return refuse('the entry is not that of this receipt')
  return { valid: true, batch: link.number, sealedAt: link.sealedAt, receipt: value }
}

function refuse(reason: string): ProofVerdict {
  return { valid: false, reason }
}
