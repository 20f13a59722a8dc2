/**
 * Detached CMS signatures of agencies and banks, verified by node:crypto. Strict where RFC 5652 is generous: one signer, signed
 * attributes always (a signature without them could be shown over other content), each attribute once, no content inside.
 */
import { createHash, X509Certificate } from 'node:crypto'
import { readCertificateFields } from './certificate-fields.ts'
import { type CertificateFlaw, checkCertificate, type Trust } from './certificates.ts'
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
import { digestOf, verifyX509Signature } from './x509-signature.ts'

/** A signature with a few certificates has some 2 to 8 KiB. */
const largestMessage = 256 * 1024

/**
 * - `malformed`: not such a message, or in a form that is not accepted
 * - `content-inside`: the message carries a content of its own
 * - `certificate-missing`: the signer's certificate is not in the message
 * - `changed`: content, attributes or signature do not fit each other
 */
export type CmsFlaw = 'malformed' | 'content-inside' | 'certificate-missing' | 'changed' | CertificateFlaw

export type CmsVerdict =
  | {
      readonly ok: true
      readonly signer: X509Certificate
      readonly chain: readonly X509Certificate[]
      /** The signer's own word; null when it says nothing. */
      readonly claimedAt: Date | null
    }
  | { readonly ok: false; readonly reason: CmsFlaw }

/**
 * @param message DER or PEM (`CMS` or `PKCS7`)
 * @param trust `at` is the time at which the certificate must hold: when the message came, never the time it claims
 */
export function verifyCms(message: Uint8Array, content: Uint8Array, trust: Omit<Trust, 'purpose'>): CmsVerdict {
  try {
    return verify(message, content, trust)
  } catch (error) {
    if (error instanceof DerError) return refused('malformed')
    throw error
  }
}

function verify(message: Uint8Array, content: Uint8Array, trust: Omit<Trust, 'purpose'>): CmsVerdict {
  if (message.length > largestMessage) return refused('malformed')
  const { inner, certificates, signers } = readSignedData(readDer(derOf(message, '(?:CMS|PKCS7)')))
  if (inner !== undefined) return refused('content-inside')
  const [signerInfo, ...more] = signers
  if (signerInfo === undefined || more.length > 0) return refused('malformed')
  const [, identifier, digestAlgorithm, attributeSet, signatureAlgorithm, signature] = partsOf(signerInfo)
  if (!isTagged(attributeSet, 0)) return refused('malformed')
  const signer = certificates.find((candidate) => isNamed(candidate, identifier))
  if (signer === undefined) return refused('certificate-missing')

  const digest = digestOf(digestAlgorithm)
  const attributes = readAttributes(attributeSet)
  const isOfContent =
    oidOf(attributes.get(cmsOids.contentType)) === cmsOids.data &&
    contentOf(attributes.get(cmsOids.messageDigest), derType.OCTETSTRING).equals(
      createHash(digest).update(content).digest(),
    )
  const isSigned = verifyX509Signature(
    signatureAlgorithm,
    digest,
    signer.publicKey,
    writeDer(setOf(partsOf(attributeSet))),
    contentOf(signature, derType.OCTETSTRING),
  )
  if (!isOfContent || !isSigned || !bindsCertificate(attributes, signer)) return refused('changed')

  const intermediates = [...(trust.intermediates ?? []), ...certificates.filter((other) => other !== signer)]
  const verdict = checkCertificate(signer, { ...trust, intermediates, purpose: 'signing' })
  if (!verdict.ok) return verdict
  const claimed = attributes.get(cmsOids.signingTime)
  return { ok: true, signer, chain: verdict.chain, claimedAt: claimed === undefined ? null : timeOf(claimed) }
}

type SignedData = {
  readonly inner: Asn1 | undefined
  readonly certificates: readonly X509Certificate[]
  readonly signers: readonly Asn1[]
}

function readSignedData(message: Asn1): SignedData {
  const [type, wrapped] = partsOf(message)
  if (oidOf(type) !== cmsOids.signedData || !isTagged(wrapped, 0)) throw new DerError('not signed data')
  const fields = partsOf(partsOf(wrapped)[0])
  const [innerType, inner] = partsOf(fields[2])
  if (oidOf(innerType) !== cmsOids.data) throw new DerError('signed data of another kind')
  const certificates = fields.slice(3).find((field) => isTagged(field, 0))
  const signers = fields.at(-1)
  if (!isUniversal(signers, derType.SET)) throw new DerError('no signers')
  return {
    inner,
    certificates: certificates === undefined ? [] : partsOf(certificates).map(readCertificate),
    signers: partsOf(signers),
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
