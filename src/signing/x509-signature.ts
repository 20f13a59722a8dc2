/** Signatures as X.509 and CMS name them (RFC 4055, RFC 5758, RFC 8410), verified by node:crypto. SHA-1 and MD5 are not among them. */
import { constants, type KeyObject, verify } from 'node:crypto'
import { type Asn1, contentOf, DerError, derType, isTagged, oidOf, partsOf } from './der.ts'

export type Digest = 'sha256' | 'sha384' | 'sha512'

const digestByOid: Readonly<Record<string, Digest>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
}

type Scheme = { readonly keyType: 'rsa' | 'ec' | 'ed25519'; readonly digest: Digest | null }

const schemes: Readonly<Record<string, Scheme>> = {
  '1.2.840.113549.1.1.11': { keyType: 'rsa', digest: 'sha256' },
  '1.2.840.113549.1.1.12': { keyType: 'rsa', digest: 'sha384' },
  '1.2.840.113549.1.1.13': { keyType: 'rsa', digest: 'sha512' },
  '1.2.840.10045.4.3.2': { keyType: 'ec', digest: 'sha256' },
  '1.2.840.10045.4.3.3': { keyType: 'ec', digest: 'sha384' },
  '1.2.840.10045.4.3.4': { keyType: 'ec', digest: 'sha512' },
  '1.3.101.112': { keyType: 'ed25519', digest: null },
}
export const rsaEncryption = '1.2.840.113549.1.1.1'
export const ecdsaWithSha256 = '1.2.840.10045.4.3.2'
const rsaPss = '1.2.840.113549.1.1.10'
const mgf1 = '1.2.840.113549.1.1.8'
const smallestRsaBits = 2048
const curves = new Set(['prime256v1', 'secp384r1', 'secp521r1'])

/** RSA from 2048 bits, the three NIST curves, Ed25519. */
export function isStrongKey({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  switch (asymmetricKeyType) {
    case 'rsa':
    case 'rsa-pss':
      return (asymmetricKeyDetails?.modulusLength ?? 0) >= smallestRsaBits
    case 'ec':
      return curves.has(asymmetricKeyDetails?.namedCurve ?? '')
    default:
      return asymmetricKeyType === 'ed25519'
  }
}

/**
 * False for a signature that does not fit.
 * @throws WeakAlgorithmError for an algorithm that is not believed, DerError for one that is not written as it must be
 * @param algorithm AlgorithmIdentifier as it stands beside the signature
 * @param digest what a bare rsaEncryption in CMS was used with; null where that name means nothing (certificates, CRLs)
 */
export function verifyX509Signature(
  algorithm: Asn1 | undefined,
  digest: Digest | null,
  publicKey: KeyObject,
  data: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (!isStrongKey(publicKey)) throw new WeakAlgorithmError('the key is not believed')
  const [name, parameters] = partsOf(algorithm)
  const dotted = oidOf(name)
  const keyType = publicKey.asymmetricKeyType
  if (dotted === rsaPss) {
    if (keyType !== 'rsa' && keyType !== 'rsa-pss') return false
    const pss = pssParameters(parameters)
    const key = { key: publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: pss.saltLength }
    return (digest === null || digest === pss.digest) && verify(pss.digest, data, key, signature)
  }
  const scheme: Scheme | undefined =
    dotted === rsaEncryption && digest !== null ? { keyType: 'rsa', digest } : schemes[dotted]
  if (scheme === undefined) throw new WeakAlgorithmError(`the signature algorithm ${dotted} is not believed`)
  if (scheme.keyType !== keyType) return false
  if (digest !== null && scheme.digest !== null && scheme.digest !== digest) return false
  return verify(scheme.digest, data, publicKey, signature)
}

/** RFC 4055 §3.1. A parameter that is left out means SHA-1. */
function pssParameters(parameters: Asn1 | undefined): { digest: Digest; saltLength: number } {
  const fields = partsOf(parameters)
  const field = (tag: number): Asn1 | undefined => {
    const found = fields.find((part) => isTagged(part, tag))
    if (found === undefined) throw new WeakAlgorithmError('RSA-PSS with SHA-1')
    return partsOf(found)[0]
  }
  const digest = digestOf(field(0))
  const [maskName, maskHash] = partsOf(field(1))
  if (oidOf(maskName) !== mgf1 || digestOf(maskHash) !== digest) throw new DerError('unusual PSS parameters')
  const salt = contentOf(field(2), derType.INTEGER)
  if (salt.length === 0 || salt.length > 2) throw new DerError('unusual PSS parameters')
  return { digest, saltLength: salt.readUIntBE(0, salt.length) }
}

/** A digest or signature of an algorithm that is not believed (SHA-1, MD5) or not known. */
export class WeakAlgorithmError extends DerError {}

/** @throws WeakAlgorithmError for digests that are not believed */
export function digestOf(algorithm: Asn1 | undefined): Digest {
  const name = oidOf(partsOf(algorithm)[0])
  const digest = digestByOid[name]
  if (digest === undefined) throw new WeakAlgorithmError(`the digest ${name} is not believed`)
  return digest
}
