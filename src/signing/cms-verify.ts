/**
 * CMS signatures of agencies and banks, verified by node:crypto. Strict where RFC 5652 is generous: DER only, one signer, signed
 * attributes always (a signature without them could be shown over other content), each attribute once, a time of signing.
 */
import { createHash, X509Certificate } from 'node:crypto'
import { readCertificateFields } from './certificate-fields.ts'
import { type CertificateFlaw, checkCertificate, publicKeyOf, type Trust } from './certificates.ts'
import { cmsOids } from './cms-sign.ts'
import {
  type Asn1,
  contentOf,
  DerError,
  derOf,
  derType,
  isTagged,
  isUniversal,
  oidOf,
  partsOf,
  readDer,
  setOf,
  timeOf,
  writeDer,
} from './der.ts'
import { type Digest, digestOf, verifyX509Signature, WeakAlgorithmError } from './x509-signature.ts'

/** A signature with a few certificates has some 2 to 8 KiB. */
const largestSignature = 256 * 1024
/** How far the signer's clock may be ahead of ours. */
const skewMs = 5 * 60 * 1000

/**
 * - `malformed`: not such a message, not DER, or in a form that is not accepted
 * - `content-inside`, `content-missing`: the message carries its content where it should stand beside it, or the other way
 * - `certificate-missing`: the signer's certificate is neither in the message nor among those we have
 * - `changed`: content, attributes or signature do not fit each other
 * - `signing-time`: signed in the future, or outside the life of the certificate
 */
export type CmsFlaw =
  | 'malformed'
  | 'content-inside'
  | 'content-missing'
  | 'certificate-missing'
  | 'changed'
  | 'signing-time'
  | CertificateFlaw

export type CmsVerdict =
  | {
      readonly ok: true
      readonly signer: X509Certificate
      readonly chain: readonly X509Certificate[]
      /** The signer's own word. */
      readonly signedAt: Date
      /** What was signed, when it came inside. */
      readonly content: Buffer | null
    }
  | { readonly ok: false; readonly reason: CmsFlaw }

/** What a signature that stands alone covers: the bytes, or their hash by the digest the signer chose (for files too large to hold). */
export type DetachedContent = Uint8Array | ((digest: Digest) => Uint8Array)

/**
 * @param message DER or PEM (`CMS` or `PKCS7`)
 * @param content null when it is inside the message
 * @param trust `at` is the time at which the certificate must hold: when the message came, never the time it claims.
 *   `intermediates` may hold the signer's certificate, for messages that leave it out
 */
export function verifyCms(
  message: Uint8Array,
  content: DetachedContent | null,
  trust: Omit<Trust, 'purpose'>,
): CmsVerdict {
  try {
    return verify(readSignedData(message, content === null), content, trust)
  } catch (error) {
    if (error instanceof CmsRefusal) return refused(error.reason)
    if (error instanceof WeakAlgorithmError) return refused('weak')
    if (error instanceof DerError) return refused('malformed')
    throw error
  }
}

/** The digest a signature that stands alone was made with; its content may be hashed while it streams by. Null for what is no such signature. */
export function digestOfCms(message: Uint8Array): Digest | null {
  try {
    return digestOf(readSignedData(message, false).digestAlgorithm)
  } catch (error) {
    if (error instanceof CmsRefusal || error instanceof DerError) return null
    throw error
  }
}

class CmsRefusal extends Error {
  readonly reason: CmsFlaw

  constructor(reason: CmsFlaw) {
    super(reason)
    this.reason = reason
  }
}

function verify(signed: SignedData, content: DetachedContent | null, trust: Omit<Trust, 'purpose'>): CmsVerdict {
  const { inner, certificates, attributeSet } = signed
  const known = [...certificates, ...(trust.intermediates ?? [])]
  const signer = known.find((candidate) => isNamed(candidate, signed.identifier))
  if (signer === undefined) return refused('certificate-missing')

  const key = publicKeyOf(signer)
  if (key === null) return refused('unreadable')

  const digest = digestOf(signed.digestAlgorithm)
  const attributes = readAttributes(attributeSet)
  const isOfContent =
    oidOf(attributes.get(cmsOids.contentType)) === cmsOids.data &&
    contentOf(attributes.get(cmsOids.messageDigest), derType.OCTETSTRING).equals(
      hashOf(inner ?? content ?? Buffer.alloc(0), digest),
    )
  // What is signed is the SET itself, not its place in the message (RFC 5652 §5.4).
  const isSigned = verifyX509Signature(
    signed.signatureAlgorithm,
    digest,
    key,
    writeDer(setOf(partsOf(attributeSet))),
    contentOf(signed.signature, derType.OCTETSTRING),
  )
  if (!isOfContent || !isSigned || !bindsCertificate(attributes, signer)) return refused('changed')

  const intermediates = known.filter((other) => other !== signer)
  const verdict = checkCertificate(signer, { ...trust, intermediates, purpose: 'signing' })
  if (!verdict.ok) return verdict
  const signedAt = timeOf(attributes.get(cmsOids.signingTime))
  const isPlausible =
    signedAt.getTime() <= trust.at.getTime() + skewMs &&
    signedAt >= signer.validFromDate &&
    signedAt <= signer.validToDate
  return isPlausible ? { ok: true, signer, chain: verdict.chain, signedAt, content: inner } : refused('signing-time')
}

function hashOf(content: DetachedContent, digest: Digest): Uint8Array {
  return typeof content === 'function' ? content(digest) : createHash(digest).update(content).digest()
}

type SignedData = {
  readonly inner: Buffer | null
  readonly certificates: readonly X509Certificate[]
  readonly identifier: Asn1 | undefined
  readonly digestAlgorithm: Asn1 | undefined
  readonly attributeSet: Asn1
  readonly signatureAlgorithm: Asn1 | undefined
  readonly signature: Asn1 | undefined
}

function readSignedData(bytes: Uint8Array, contentIsInside: boolean): SignedData {
  if (!contentIsInside && bytes.length > largestSignature) throw new CmsRefusal('malformed')
  const [type, wrapped] = partsOf(readDer(derOf(bytes, '(?:CMS|PKCS7)')))
  if (oidOf(type) !== cmsOids.signedData || !isTagged(wrapped, 0)) throw new DerError('not signed data')
  const fields = partsOf(partsOf(wrapped)[0])
  const [innerType, innerTag] = partsOf(fields[2])
  if (oidOf(innerType) !== cmsOids.data) throw new DerError('signed data of another kind')
  if ((innerTag !== undefined) !== contentIsInside)
    throw new CmsRefusal(contentIsInside ? 'content-missing' : 'content-inside')
  const certificates = fields.slice(3).find((field) => isTagged(field, 0))
  const signers = fields.at(-1)
  if (!isUniversal(signers, derType.SET)) throw new DerError('no signers')
  const [signer, ...more] = partsOf(signers)
  if (signer === undefined || more.length > 0) throw new DerError('not exactly one signer')
  const [, identifier, digestAlgorithm, attributeSet, signatureAlgorithm, signature] = partsOf(signer)
  if (!isTagged(attributeSet, 0)) throw new DerError('no signed attributes')
  return {
    inner: innerTag === undefined ? null : contentOf(partsOf(innerTag)[0], derType.OCTETSTRING),
    certificates: certificates === undefined ? [] : partsOf(certificates).map(readCertificate),
    identifier,
    digestAlgorithm,
    attributeSet,
    signatureAlgorithm,
    signature,
  }
}

function readCertificate(value: Asn1): X509Certificate {
  try {
    return new X509Certificate(writeDer(value))
  } catch (error) {
    throw new DerError('a certificate cannot be read', { cause: error })
  }
}

/** SignerIdentifier: issuer and serial number, or `[0]` with the subject key identifier. */
function isNamed(certificate: X509Certificate, identifier: Asn1 | undefined): boolean {
  const fields = readCertificateFields(certificate)
  if (isTagged(identifier, 0)) {
    return (
      typeof identifier.value === 'string' &&
      fields.subjectKeyId?.equals(Buffer.from(identifier.value, 'binary')) === true
    )
  }
  const [issuer, serial] = partsOf(identifier)
  return (
    issuer !== undefined &&
    fields.issuer.equals(writeDer(issuer)) &&
    fields.serial.equals(contentOf(serial, derType.INTEGER))
  )
}

function readAttributes(set: Asn1): Map<string, Asn1> {
  const attributes = new Map<string, Asn1>()
  for (const attribute of partsOf(set)) {
    const [name, values] = partsOf(attribute)
    const [value, ...others] = partsOf(values)
    if (value === undefined || others.length > 0 || attributes.has(oidOf(name)))
      throw new DerError('an attribute stands twice or is empty')
    attributes.set(oidOf(name), value)
  }
  return attributes
}

/** When the signer names its certificate in what it signed, another certificate for the same key is not the one meant. */
function bindsCertificate(attributes: ReadonlyMap<string, Asn1>, signer: X509Certificate): boolean {
  const bound = attributes.get(cmsOids.signingCertificateV2)
  if (bound === undefined) return true
  const [first, second] = partsOf(partsOf(partsOf(bound)[0])[0])
  const hasAlgorithm = isUniversal(first, derType.SEQUENCE)
  const expected = createHash(hasAlgorithm ? digestOf(first) : 'sha256')
    .update(signer.raw)
    .digest()
  return contentOf(hasAlgorithm ? second : first, derType.OCTETSTRING).equals(expected)
}

function refused(reason: CmsFlaw): CmsVerdict {
  return { ok: false, reason }
}
