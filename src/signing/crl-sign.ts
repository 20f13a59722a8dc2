/** Makes a certificate revocation list (RFC 5280 §5): for the demo PKI, whose library cannot. */
import { type KeyObject, sign, type X509Certificate } from 'node:crypto'
import { readCertificateFields } from './certificate-fields.ts'
import {
  bits,
  integer,
  nothing,
  octets,
  oid,
  pemOf,
  readDer,
  sequence,
  smallInteger,
  tagged,
  time,
  writeDer,
} from './der.ts'

const oids = {
  sha256WithRsa: '1.2.840.113549.1.1.11',
  authorityKeyIdentifier: '2.5.29.35',
  crlNumber: '2.5.29.20',
} as const

export type NewCrl = {
  readonly issuer: X509Certificate
  /** RSA. */
  readonly key: KeyObject
  readonly revoked: readonly X509Certificate[]
  readonly number: number
  readonly from: Date
  readonly until: Date
}

/** A full list in PEM. */
export function makeCrl({ issuer, key, revoked, number, from, until }: NewCrl): string {
  const { subject, subjectKeyId } = readCertificateFields(issuer)
  const algorithm = sequence(oid(oids.sha256WithRsa), nothing())
  const entries = revoked.map((certificate) => sequence(integer(readCertificateFields(certificate).serial), time(from)))
  const keyId = subjectKeyId === null ? [] : [extension(oids.authorityKeyIdentifier, writeKeyId(subjectKeyId))]
  const list = sequence(
    smallInteger(1),
    algorithm,
    readDer(subject),
    time(from),
    time(until),
    // An empty list is left out, never empty (RFC 5280 §5.1.2.6).
    ...(entries.length === 0 ? [] : [sequence(...entries)]),
    tagged(0, [sequence(...keyId, extension(oids.crlNumber, writeDer(smallInteger(number))))]),
  )
  const signature = sign('sha256', writeDer(list), key)
  return pemOf(writeDer(sequence(list, algorithm, bits(signature))), 'X509 CRL')
}

function extension(name: string, value: Buffer) {
  return sequence(oid(name), octets(value))
}

/** AuthorityKeyIdentifier with `[0] IMPLICIT OCTET STRING`. */
function writeKeyId(keyId: Buffer): Buffer {
  return Buffer.concat([Buffer.of(0x30, keyId.length + 2, 0x80, keyId.length), keyId])
}
