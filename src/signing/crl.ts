/** Certificate revocation lists (RFC 5280 §5) as files: full lists that an authority signs itself. */
import type { X509Certificate } from 'node:crypto'
import { readCertificateFields, readExtensionList, readExtensions } from './certificate-fields.ts'
import {
  type Asn1,
  bitsOf,
  contentOf,
  DerError,
  derOf,
  derType,
  isTagged,
  isUniversal,
  partsOf,
  readDer,
  timeOf,
  writeDer,
} from './der.ts'
import { verifyX509Signature } from './x509-signature.ts'

export type Crl = {
  /** DER of the name of the authority. */
  readonly issuer: Buffer
  readonly thisUpdate: Date
  /** A list without an end is stale at once: nobody could tell whether a newer one is held back. */
  readonly nextUpdate: Date | null
  /** Serial numbers in hex, as bytes of the INTEGER. */
  readonly revoked: ReadonlySet<string>
  /** True when the list says something about itself that is not understood: parts of lists, lists for others. */
  readonly isPartial: boolean
  readonly signed: Buffer
  readonly algorithm: Asn1 | undefined
  readonly signature: Buffer
}

/**
 * Reads a CRL in DER or PEM; it proves nothing until `crlVerdict` has checked its signature.
 * @throws DerError when the file is not a CRL
 */
export function readCrl(bytes: Uint8Array): Crl {
  const [list, algorithm, signature] = partsOf(readDer(derOf(bytes, 'X509 CRL')))
  const fields = [...partsOf(list)]
  if (isUniversal(fields[0], derType.INTEGER)) fields.shift()
  const [, issuer, thisUpdate, ...rest] = fields
  if (list === undefined || issuer === undefined) throw new DerError('not a CRL')
  const nextUpdate = isTime(rest[0]) ? timeOf(rest.shift()) : null
  const entries = isUniversal(rest[0], derType.SEQUENCE) ? partsOf(rest.shift()) : []
  const extensions = readExtensions(rest.find((field) => isTagged(field, 0)))
  return {
    issuer: writeDer(issuer),
    thisUpdate: timeOf(thisUpdate),
    nextUpdate,
    revoked: new Set(entries.map((entry) => contentOf(partsOf(entry)[0], derType.INTEGER).toString('hex'))),
    isPartial: [...extensions.values(), ...entries.flatMap(entryExtensions)].some(({ critical }) => critical),
    signed: writeDer(list),
    algorithm,
    signature: bitsOf(signature),
  }
}

/** Whether `certificate` stands on a current list that `issuer`, already believed, has signed. */
export function crlVerdict(
  certificate: X509Certificate,
  issuer: X509Certificate,
  crls: readonly Crl[],
  at: Date,
): 'not-revoked' | 'revoked' | 'crl-missing' | 'crl-stale' {
  const { serial, issuer: issuerName } = readCertificateFields(certificate)
  const { keyUsage } = readCertificateFields(issuer)
  if (keyUsage !== null && !keyUsage.has('cRLSign')) return 'crl-missing'
  const lists = crls.filter((crl) => crl.issuer.equals(issuerName) && !crl.isPartial && isSignedBy(crl, issuer))
  // Revocation is for good, so an old list may still say no; only a current one may say yes.
  if (lists.some(({ revoked }) => revoked.has(serial.toString('hex')))) return 'revoked'
  if (lists.length === 0) return 'crl-missing'
  const isCurrent = lists.some(
    ({ thisUpdate, nextUpdate }) => thisUpdate <= at && nextUpdate !== null && at < nextUpdate,
  )
  return isCurrent ? 'not-revoked' : 'crl-stale'
}

function isSignedBy({ algorithm, signed, signature }: Crl, issuer: X509Certificate): boolean {
  try {
    return verifyX509Signature(algorithm, null, issuer.publicKey, signed, signature)
  } catch (error) {
    if (error instanceof DerError) return false
    throw error
  }
}

function entryExtensions(entry: Asn1) {
  const [, , list] = partsOf(entry)
  return list === undefined ? [] : [...readExtensionList(list).values()]
}

function isTime(value: Asn1 | undefined): boolean {
  return isUniversal(value, derType.UTCTIME) || isUniversal(value, derType.GENERALIZEDTIME)
}
