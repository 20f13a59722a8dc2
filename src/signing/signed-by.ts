/**
 * Messages and files of a bank that it signs as CMS, whatever its rail's own protocol is: configuration beside the rail account or
 * the place where its statements arrive.
 */
import { createHash, type X509Certificate } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { z } from 'zod'
import { certificateRules, fitsRules } from './certificate-rule.ts'
import { readCertificates } from './certificates.ts'
import { type CmsFlaw, type DetachedContent, digestOfCms, verifyCms } from './cms-verify.ts'
import type { Crl } from './crl.ts'

const authority = z.string().transform((pem, context): X509Certificate => {
  try {
    const [certificate, ...more] = readCertificates(Buffer.from(pem))
    if (certificate !== undefined && more.length === 0) return certificate
  } catch {
    // Told in our own words below: a parser's message would quote the text.
  }
  context.addIssue({ code: 'custom', message: 'must be one certificate in PEM' })
  return z.NEVER
})

/** Who must have signed: under which authorities, and which certificates count as the bank's. */
export const signedBy = z.strictObject({
  authorities: z.array(authority).min(1).max(10),
  signers: certificateRules,
})
export type SignedBy = z.infer<typeof signedBy>

export type SignedVerdict =
  | { readonly ok: true; readonly signer: X509Certificate; readonly signedAt: Date; readonly content: Buffer | null }
  | { readonly ok: false; readonly reason: CmsFlaw | 'another-signer' }

export type SignedTrust = {
  readonly at: Date
  /** Null: no revocation lists are kept for signers. */
  readonly crls: readonly Crl[] | null
}

/** @param content null when it is inside the message */
export function verifySigned(
  message: Uint8Array,
  content: DetachedContent | null,
  { authorities, signers }: SignedBy,
  { at, crls }: SignedTrust,
): SignedVerdict {
  const verdict = verifyCms(message, content, { roots: authorities, ...(crls === null ? {} : { crls }), at })
  if (!verdict.ok) return verdict
  const { chain, signer, signedAt } = verdict
  return fitsRules(chain, signers)
    ? { ok: true, signer, signedAt, content: verdict.content }
    : { ok: false, reason: 'another-signer' }
}

/** A file whose signature stands in another one, however large: it is read once and never held. */
export async function verifySignedFile(
  path: string,
  signature: Uint8Array,
  by: SignedBy,
  trust: SignedTrust,
): Promise<SignedVerdict> {
  const digest = digestOfCms(signature)
  if (digest === null) return verifySigned(signature, Buffer.alloc(0), by, trust)
  const hash = createHash(digest)
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
  const hashed = hash.digest()
  return verifySigned(signature, () => hashed, by, trust)
}
