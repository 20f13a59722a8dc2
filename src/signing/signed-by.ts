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

/** Who must have signed: under which authorities, in PEM, and which certificates count as the bank's. */
export const signedBy = z.strictObject({
  authorities: z
    .array(
      z
        .string()
        .max(16_000)
        .refine((pem) => oneCertificate(pem) !== null, 'must be one certificate in PEM'),
    )
    .min(1)
    .max(10),
  signers: certificateRules,
})
export type SignedBy = z.infer<typeof signedBy>

export function authoritiesOf({ authorities }: SignedBy): X509Certificate[] {
  return authorities.flatMap((pem) => oneCertificate(pem) ?? [])
}

function oneCertificate(pem: string): X509Certificate | null {
  try {
    const [certificate, ...more] = readCertificates(Buffer.from(pem))
    return certificate !== undefined && more.length === 0 ? certificate : null
  } catch {
    return null
  }
}

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
  by: SignedBy,
  { at, crls }: SignedTrust,
): SignedVerdict {
  const verdict = verifyCms(message, content, { roots: authoritiesOf(by), ...(crls === null ? {} : { crls }), at })
  if (!verdict.ok) return verdict
  const { chain, signer, signedAt } = verdict
  return fitsRules(chain, by.signers)
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
