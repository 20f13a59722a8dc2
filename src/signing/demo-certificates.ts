/**
 * A demo PKI: a CA with its revocation list, a gateway server certificate, two banks' client certificates, an agency's signing
 * certificate as PKCS#12, and broken ones for tests. The CA's name says DEMO, so that production can tell and refuse.
 */
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import forge from 'node-forge'
import { makeCrl } from './crl-sign.ts'

export const demoAuthority = 'FeeGate DEMO CA - not for production'
/** Of the demo PKCS#12 file; it protects nothing. */
export const demoPassword = 'feegate-demo'

type Purpose = 'server' | 'client' | 'signing'
type Made = { readonly certificate: forge.pki.Certificate; readonly keyPem: string; readonly certificatePem: string }

const dayMs = 24 * 60 * 60 * 1000

/** Writes the set into `folder` and returns the names of the files. Keys are made anew each time. */
export function makeDemoCertificates(folder: string, now: Date): string[] {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const authority = make({ name: demoAuthority, from: now, days: 3650 })
  const foreign = make({ name: 'FeeGate DEMO foreign CA', from: now, days: 3650 })
  const expired = new Date(now.getTime() - 400 * dayMs)
  const set: Record<string, Made> = {
    ca: authority,
    'gateway-server': make({ name: 'localhost', from: now, days: 365, issuer: authority, purpose: 'server' }),
    'bank-a-client': make({ name: 'Demo Bank A', from: now, days: 365, issuer: authority, purpose: 'client' }),
    'bank-b-client': make({ name: 'Demo Bank B', from: now, days: 365, issuer: authority, purpose: 'client' }),
    'agency-signing': make({ name: 'Demo Agency', from: now, days: 365, issuer: authority, purpose: 'signing' }),
    'expired-client': make({ name: 'Demo Bank A', from: expired, days: 365, issuer: authority, purpose: 'client' }),
    'wrong-purpose-client': make({ name: 'Demo Bank A', from: now, days: 365, issuer: authority, purpose: 'server' }),
    'revoked-client': make({ name: 'Demo Bank A', from: now, days: 365, issuer: authority, purpose: 'client' }),
    'foreign-ca-client': make({ name: 'Demo Bank A', from: now, days: 365, issuer: foreign, purpose: 'client' }),
  }
  const written: string[] = []
  const write = (name: string, content: string | Buffer): void => {
    writeFileSync(join(folder, name), content, { mode: 0o600 })
    written.push(name)
  }
  for (const [name, { keyPem, certificatePem }] of Object.entries(set)) {
    write(`${name}.crt.pem`, certificatePem)
    write(`${name}.key.pem`, keyPem)
  }
  const revoked = set['revoked-client']
  write('ca.crl.pem', revocationList(authority, revoked === undefined ? [] : [revoked], now))
  const agency = set['agency-signing']
  if (agency !== undefined) {
    const store = forge.pkcs12.toPkcs12Asn1(
      forge.pki.privateKeyFromPem(agency.keyPem),
      [agency.certificate, authority.certificate],
      demoPassword,
      { algorithm: 'aes256' },
    )
    write('agency-signing.p12', Buffer.from(forge.asn1.toDer(store).getBytes(), 'binary'))
  }
  return written
}

/** For a year: nobody renews the list of a demo. */
function revocationList(authority: Made, revoked: readonly Made[], now: Date): string {
  return makeCrl({
    issuer: new X509Certificate(authority.certificatePem),
    key: createPrivateKey(authority.keyPem),
    revoked: revoked.map(({ certificatePem }) => new X509Certificate(certificatePem)),
    number: 1,
    from: now,
    until: new Date(now.getTime() + 365 * dayMs),
  })
}

function make({
  name,
  from,
  days,
  issuer,
  purpose,
}: {
  name: string
  from: Date
  days: number
  issuer?: Made
  purpose?: Purpose
}): Made {
  // Key by node:crypto, which is a hundred times faster at it; certificate by node-forge, which can issue them.
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const keyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const certificate = forge.pki.createCertificate()
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey.export({ type: 'spki', format: 'pem' }).toString())
  certificate.serialNumber = `01${forge.util.bytesToHex(forge.random.getBytesSync(15))}`
  certificate.validity.notBefore = from
  certificate.validity.notAfter = new Date(from.getTime() + days * dayMs)
  const subject = [
    { shortName: 'CN', value: name },
    { shortName: 'O', value: 'FeeGate DEMO' },
    { shortName: 'C', value: 'VN' },
  ]
  certificate.setSubject(subject)
  certificate.setIssuer(issuer?.certificate.subject.attributes ?? subject)
  const authorityKey = issuer?.certificate.generateSubjectKeyIdentifier().getBytes()
  certificate.setExtensions([
    ...extensions(purpose),
    ...(authorityKey === undefined ? [] : [{ name: 'authorityKeyIdentifier', keyIdentifier: authorityKey }]),
  ])
  certificate.sign(forge.pki.privateKeyFromPem(issuer?.keyPem ?? keyPem), forge.md.sha256.create())
  return { certificate, keyPem, certificatePem: forge.pki.certificateToPem(certificate) }
}

function extensions(purpose: Purpose | undefined): object[] {
  const authority = [
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    { name: 'subjectKeyIdentifier' },
  ]
  const leaf = [{ name: 'basicConstraints', cA: false, critical: true }, { name: 'subjectKeyIdentifier' }]
  switch (purpose) {
    case undefined:
      return authority
    case 'server':
      return [
        ...leaf,
        { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
        { name: 'extKeyUsage', serverAuth: true },
        {
          name: 'subjectAltName',
          altNames: [
            { type: 2, value: 'localhost' },
            { type: 7, ip: '127.0.0.1' },
          ],
        },
      ]
    case 'client':
      return [
        ...leaf,
        { name: 'keyUsage', digitalSignature: true, critical: true },
        { name: 'extKeyUsage', clientAuth: true },
      ]
    case 'signing':
      return [...leaf, { name: 'keyUsage', digitalSignature: true, nonRepudiation: true, critical: true }]
  }
}
