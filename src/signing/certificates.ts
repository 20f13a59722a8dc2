/**
 * Whether an X.509 certificate may be believed for a purpose at a time: RFC 5280 §6 for the short chains that banks, agencies
 * and public certificate authorities have. What is not understood is refused.
 */
import { createHash, type KeyObject, X509Certificate } from 'node:crypto'
import { type CertificateFields, readCertificateFields } from './certificate-fields.ts'
import { type Crl, crlVerdict } from './crl.ts'
import { bitsOf, DerError, partsOf, readDer, writeDer } from './der.ts'
import { isStrongKey, verifyX509Signature, WeakAlgorithmError } from './x509-signature.ts'

export type CertificatePurpose = 'client' | 'server' | 'signing'

/** Extended key usages that fit; any of them is enough, and so is a certificate that names none. */
const fittingUses: Readonly<Record<CertificatePurpose, ReadonlySet<string>>> = {
  server: new Set(['1.3.6.1.5.5.7.3.1']),
  client: new Set(['1.3.6.1.5.5.7.3.2']),
  // E-mail protection, document signing (RFC 9336) and its older vendor form.
  signing: new Set(['1.3.6.1.5.5.7.3.4', '1.3.6.1.5.5.7.3.36', '1.3.6.1.4.1.311.10.3.12']),
}
const anyUse = '2.5.29.37.0'

/** Critical extensions that are understood: basic constraints, key usage, extended key usage, alternative names, policies. */
const understood = new Set(['2.5.29.19', '2.5.29.15', '2.5.29.37', '2.5.29.17', '2.5.29.32'])

/** Certificates from leaf to root. Public authorities in use have two to four. */
const longestChain = 6
/** More candidates than this in a message are somebody's attempt to keep us busy. */
const mostIntermediates = 20
/** Signatures checked for one certificate, whatever a crowd of authorities that certify each other would ask for. */
const mostSignatures = 60

export type CertificateFlaw =
  | 'unreadable'
  | 'unknown-issuer'
  | 'expired'
  | 'not-yet-valid'
  | 'wrong-purpose'
  | 'not-an-authority'
  | 'weak'
  | 'not-understood'
  | 'revoked'
  | 'crl-missing'
  | 'crl-stale'

export type ChainVerdict =
  | { readonly ok: true; readonly chain: readonly X509Certificate[] }
  | { readonly ok: false; readonly reason: CertificateFlaw }

export type Trust = {
  readonly roots: readonly X509Certificate[]
  readonly intermediates?: readonly X509Certificate[]
  /** When given, every certificate below the root needs a current list of its issuer. */
  readonly crls?: readonly Crl[]
  readonly purpose: CertificatePurpose
  readonly at: Date
}

/** Looks for a way from `leaf` to one of the roots on which nothing is wrong; else tells the flaw of the nearest one. */
export function checkCertificate(leaf: X509Certificate, trust: Trust): ChainVerdict {
  const intermediates = trust.intermediates ?? []
  if (intermediates.length > mostIntermediates) return { ok: false, reason: 'not-understood' }
  const purposeFlaw = flawOfPurpose(leaf, trust.purpose)
  if (purposeFlaw !== null) return { ok: false, reason: purposeFlaw }
  const search: Search = { signaturesLeft: mostSignatures, metWeak: false }
  let nearest: CertificateFlaw | null = null
  for (const chain of chainsOf([leaf], trust.roots, intermediates, search)) {
    const flaw = flawOfChain(chain, trust)
    if (flaw === null) return { ok: true, chain }
    nearest = flaw
  }
  return { ok: false, reason: nearest ?? (search.metWeak ? 'weak' : 'unknown-issuer') }
}

/** Base64 of the SHA-256 of the public key's DER (RFC 7469 §2.4): stays the same when a certificate is renewed for its key. */
export function spkiPin({ publicKey }: X509Certificate): string {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64')
}

const dayMs = 24 * 60 * 60 * 1000

/** Whole days until the certificate ends; negative once it has. */
export function daysUntilEnd({ validToDate }: X509Certificate, at: Date): number {
  return Math.floor((validToDate.getTime() - at.getTime()) / dayMs)
}

/** True for a certificate of the demo PKI: its authorities and everything they issue carry the name. */
export function isDemoCertificate({ subject, issuer }: X509Certificate): boolean {
  return `${subject}\n${issuer}`.includes('FeeGate DEMO')
}

/** The certificates of a PEM bundle, or the one of a DER file. */
export function readCertificates(bytes: Uint8Array): X509Certificate[] {
  const blocks = Buffer.from(bytes)
    .toString('latin1')
    .match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)
  return blocks === null ? [new X509Certificate(bytes)] : blocks.map((block) => new X509Certificate(block))
}

type Search = {
  signaturesLeft: number
  /** A way ended at a signature of an algorithm that is not believed. */
  metWeak: boolean
}

/** Every way from the last of `chain` up to a root by names and signatures, shortest first. */
function* chainsOf(
  chain: readonly X509Certificate[],
  roots: readonly X509Certificate[],
  intermediates: readonly X509Certificate[],
  search: Search,
): Generator<readonly X509Certificate[]> {
  const last = chain.at(-1)
  if (last === undefined) return
  if (roots.some((root) => isSame(root, last))) {
    yield chain
    return
  }
  if (chain.length >= longestChain) return
  const isIssuer = (candidate: X509Certificate): boolean =>
    !chain.some((used) => isSame(used, candidate)) &&
    last.checkIssued(candidate) &&
    search.signaturesLeft-- > 0 &&
    isSignedBy(last, candidate, search)
  for (const root of roots.filter(isIssuer)) yield [...chain, root]
  for (const authority of intermediates.filter(isIssuer))
    yield* chainsOf([...chain, authority], roots, intermediates, search)
}

/** By node:crypto with the algorithms we believe, and not `X509Certificate.verify`, which takes SHA-1 as well. */
function isSignedBy(certificate: X509Certificate, issuer: X509Certificate, search: Search): boolean {
  try {
    const [content, algorithm, signature] = partsOf(readDer(certificate.raw))
    const key = publicKeyOf(issuer)
    if (content === undefined || key === null) return false
    return verifyX509Signature(algorithm, null, key, writeDer(content), bitsOf(signature))
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    search.metWeak ||= error instanceof WeakAlgorithmError
    return false
  }
}

function flawOfPurpose(leaf: X509Certificate, purpose: CertificatePurpose): CertificateFlaw | null {
  const fields = fieldsOf(leaf)
  if (fields === null) return 'unreadable'
  if (!mayServe(leaf, purpose)) return 'wrong-purpose'
  const { keyUsage } = fields
  const signs = keyUsage === null || keyUsage.has('digitalSignature')
  const binds = purpose === 'signing' && keyUsage?.has('nonRepudiation') === true
  return signs || binds ? null : 'wrong-purpose'
}

/** An authority whose certificate names extended uses hands down no others (as every browser and OpenSSL read it). */
function mayServe({ keyUsage }: X509Certificate, purpose: CertificatePurpose): boolean {
  // node:crypto calls extended key usage `keyUsage`.
  const uses: readonly string[] = keyUsage ?? []
  return uses.length === 0 || uses.some((use) => use === anyUse || fittingUses[purpose].has(use))
}

function flawOfChain(chain: readonly X509Certificate[], trust: Trust): CertificateFlaw | null {
  for (const [index, certificate] of chain.entries()) {
    const flaw = flawOfLink(certificate, index, trust)
    if (flaw !== null) return flaw
    const issuer = chain[index + 1]
    if (issuer !== undefined && trust.crls !== undefined) {
      const revocation = crlVerdict(certificate, issuer, trust.crls, trust.at)
      if (revocation !== 'not-revoked') return revocation
    }
  }
  return null
}

/** @param below how many certificates stand under this one */
function flawOfLink(certificate: X509Certificate, below: number, trust: Trust): CertificateFlaw | null {
  const fields = fieldsOf(certificate)
  if (fields === null) return 'unreadable'
  if (trust.at < certificate.validFromDate) return 'not-yet-valid'
  if (trust.at > certificate.validToDate) return 'expired'
  const key = publicKeyOf(certificate)
  if (key === null) return 'unreadable'
  if (!isStrongKey(key)) return 'weak'
  if (fields.hasNameConstraints || fields.critical.some((name) => !understood.has(name))) return 'not-understood'
  if (below === 0) return null
  if (!mayServe(certificate, trust.purpose)) return 'wrong-purpose'
  const mayIssue = fields.keyUsage === null || fields.keyUsage.has('keyCertSign')
  const isShortEnough = fields.pathLength === null || below - 1 <= fields.pathLength
  return certificate.ca && mayIssue && isShortEnough ? null : 'not-an-authority'
}

function fieldsOf(certificate: X509Certificate): CertificateFields | null {
  try {
    return readCertificateFields(certificate)
  } catch (error) {
    if (error instanceof DerError) return null
    throw error
  }
}

/** Null for a key of a kind this machine does not know. node:crypto reads a certificate without looking at its key. */
export function publicKeyOf(certificate: X509Certificate): KeyObject | null {
  try {
    return certificate.publicKey
  } catch {
    return null
  }
}

function isSame(a: X509Certificate, b: X509Certificate): boolean {
  return a.raw.equals(b.raw)
}
