/**
 * Detached CMS signatures (RFC 5652) with the key of an agency: one signer, SHA-256, its certificates inside, and the
 * certificate bound into what is signed (RFC 5035), as the baseline profile of ETSI EN 319 122-1 wants it.
 */
import { createHash, sign } from 'node:crypto'
import { readCertificateFields } from './certificate-fields.ts'
import {
  type Asn1,
  integer,
  nothing,
  octets,
  oid,
  readDer,
  sequence,
  setOf,
  smallInteger,
  sortedByEncoding,
  tagged,
  time,
  writeDer,
} from './der.ts'
import type { Pkcs12Content } from './pkcs12.ts'
import { ecdsaWithSha256, rsaEncryption } from './x509-signature.ts'

export const cmsOids = {
  data: '1.2.840.113549.1.7.1',
  signedData: '1.2.840.113549.1.7.2',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
  sha256: '2.16.840.1.101.3.4.2.1',
} as const

export class CmsError extends Error {
  readonly code = 'CMS'
}

/**
 * The signature over `content` as DER; the content itself is not inside.
 * @param at the time of signing, as claimed by the signer: a clock, not a proof
 * @throws CmsError when the key is neither RSA nor EC; DerError when the certificate is not DER
 */
export function signCms(content: Uint8Array, { privateKey, certificate, others }: Pkcs12Content, at: Date): Buffer {
  const keyType = privateKey.asymmetricKeyType
  if (keyType !== 'rsa' && keyType !== 'ec') throw new CmsError('a CMS signature needs an RSA or EC key')
  const fields = readCertificateFields(certificate)
  const sha256 = sequence(oid(cmsOids.sha256))
  const attributes = sortedByEncoding([
    attribute(cmsOids.contentType, oid(cmsOids.data)),
    attribute(cmsOids.signingTime, time(at)),
    attribute(cmsOids.messageDigest, octets(digest(content))),
    attribute(cmsOids.signingCertificateV2, sequence(sequence(sequence(octets(digest(certificate.raw)))))),
  ])
  // What is signed is the SET itself, not its place in the message (RFC 5652 §5.4).
  const signature = sign('sha256', writeDer(setOf(attributes)), privateKey)
  const signatureAlgorithm =
    keyType === 'rsa' ? sequence(oid(rsaEncryption), nothing()) : sequence(oid(ecdsaWithSha256))
  const signer = sequence(
    smallInteger(1),
    sequence(readDer(fields.issuer), integer(fields.serial)),
    sha256,
    tagged(0, attributes),
    signatureAlgorithm,
    octets(signature),
  )
  const certificates = sortedByEncoding([certificate, ...others].map(({ raw }) => readDer(raw)))
  const signedData = sequence(
    smallInteger(1),
    setOf([sha256]),
    sequence(oid(cmsOids.data)),
    tagged(0, certificates),
    setOf([signer]),
  )
  return writeDer(sequence(oid(cmsOids.signedData), tagged(0, [signedData])))
}

function attribute(name: string, value: Asn1): Asn1 {
  return sequence(oid(name), setOf([value]))
}

function digest(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}
