/** What node:crypto does not tell of a certificate: key usage, path length, critical extensions, the exact bytes of names. */
import type { X509Certificate } from 'node:crypto'
import {
  type Asn1,
  contentOf,
  DerError,
  derType,
  isTagged,
  isUniversal,
  oidOf,
  partsOf,
  readDer,
  writeDer,
} from './der.ts'

export type KeyUsage = 'digitalSignature' | 'nonRepudiation' | 'keyCertSign' | 'cRLSign'
/** Bit numbers of RFC 5280 §4.2.1.3. */
const usageBits: Readonly<Record<KeyUsage, number>> = {
  digitalSignature: 0,
  nonRepudiation: 1,
  keyCertSign: 5,
  cRLSign: 6,
}

export type CertificateFields = {
  /** DER of the issuer's name, and the serial number's bytes: together they name one certificate. */
  readonly issuer: Buffer
  readonly serial: Buffer
  readonly subject: Buffer
  readonly subjectKeyId: Buffer | null
  /** Null when the certificate does not limit its use. */
  readonly keyUsage: ReadonlySet<KeyUsage> | null
  /** How many further authorities may stand below this one; null without a limit. */
  readonly pathLength: number | null
  /** Extensions that must be understood to use the certificate. */
  readonly critical: readonly string[]
  readonly hasNameConstraints: boolean
}

const oids = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
} as const

/** @throws DerError for a certificate that node:crypto reads and the standard does not allow */
export function readCertificateFields(certificate: X509Certificate): CertificateFields {
  const fields = [...partsOf(partsOf(readDer(certificate.raw))[0])]
  // Version 1 leaves its tag out.
  if (isTagged(fields[0], 0)) fields.shift()
  const [serial, , issuer, , subject] = fields
  const extensions = readExtensions(fields.find((field) => isTagged(field, 3)))
  const keyIdentifier = extensions.get(oids.subjectKeyIdentifier)
  const usage = extensions.get(oids.keyUsage)
  const constraints = extensions.get(oids.basicConstraints)
  return {
    issuer: nameBytes(issuer),
    serial: contentOf(serial, derType.INTEGER),
    subject: nameBytes(subject),
    subjectKeyId: keyIdentifier === undefined ? null : contentOf(keyIdentifier.value, derType.OCTETSTRING),
    keyUsage: usage === undefined ? null : readUsage(contentOf(usage.value, derType.BITSTRING)),
    pathLength: constraints === undefined ? null : readPathLength(constraints.value),
    critical: [...extensions].flatMap(([name, { critical }]) => (critical ? [name] : [])),
    hasNameConstraints: extensions.has(oids.nameConstraints),
  }
}

export type Extension = { readonly critical: boolean; readonly value: Asn1 }

/** Of a certificate, a CRL or a CRL entry: `tagged` is the context tag around the list, or nothing when there is none. */
export function readExtensions(tagged: Asn1 | undefined): Map<string, Extension> {
  return tagged === undefined ? new Map() : readExtensionList(partsOf(tagged)[0])
}

/** @throws DerError when an extension stands twice (RFC 5280 §4.2): readers would differ on which one counts */
export function readExtensionList(list: Asn1 | undefined): Map<string, Extension> {
  const extensions = new Map<string, Extension>()
  for (const extension of partsOf(list)) {
    const [oid, second, third] = partsOf(extension)
    const name = oidOf(oid)
    if (extensions.has(name)) throw new DerError('an extension stands twice')
    const marked = isUniversal(second, derType.BOOLEAN)
    const critical = marked && contentOf(second, derType.BOOLEAN)[0] !== 0
    extensions.set(name, { critical, value: readDer(contentOf(marked ? third : second, derType.OCTETSTRING)) })
  }
  return extensions
}

function nameBytes(name: Asn1 | undefined): Buffer {
  partsOf(name)
  return name === undefined ? Buffer.alloc(0) : writeDer(name)
}

function readUsage(bits: Buffer): Set<KeyUsage> {
  const first = bits[1] ?? 0
  const usages: KeyUsage[] = ['digitalSignature', 'nonRepudiation', 'keyCertSign', 'cRLSign']
  return new Set(usages.filter((usage) => (first & (0x80 >> usageBits[usage])) !== 0))
}

function readPathLength(constraints: Asn1): number | null {
  const length = partsOf(constraints).find((part) => isUniversal(part, derType.INTEGER))
  return length === undefined ? null : (contentOf(length, derType.INTEGER)[0] ?? 0)
}
