/** Our CMS against OpenSSL's, both ways, and against whoever would like to be believed without signing. */
import { createHash, type KeyObject, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { readCertificateFields } from '../../src/signing/certificate-fields.ts'
import type { Trust } from '../../src/signing/certificates.ts'
import { cmsOids, signCms } from '../../src/signing/cms-sign.ts'
import { type DetachedContent, digestOfCms, verifyCms } from '../../src/signing/cms-verify.ts'
import { readCrl } from '../../src/signing/crl.ts'
import {
  type Asn1,
  integer,
  nothing,
  octets,
  oid,
  pemOf,
  readDer,
  sequence,
  setOf,
  smallInteger,
  tagged,
  time,
  writeDer,
} from '../../src/signing/der.ts'
import { readPkcs12 } from '../../src/signing/pkcs12.ts'
import { keys, type Party, testPki, uses } from '../harness/pki.ts'

const at = new Date()
const dayMs = 24 * 60 * 60 * 1000
const content = Buffer.from('{"invoiceId":"inv_1","total":58000,"nameVi":"Lệ phí"}\r\nkhông đổi một byte nào\n', 'utf8')

const pki = testPki(t, at)
const root = pki.authority('root', { key: keys.rsa })
const middle = pki.authority('middle', { issuer: root })
const agency = pki.leaf('agency', { issuer: root, extensions: uses.signing, key: keys.rsa })
const bank = pki.leaf('bank', { issuer: middle, extensions: uses.signing, key: keys.p256 })
const contentFile = pki.file('content', content)
const rootFile = pki.file('root.pem', readFileSync(root.certificateFile))

function verdictOf(message: Uint8Array, covered: DetachedContent | null = content, over: Partial<Trust> = {}): string {
  const verdict = verifyCms(message, covered, { roots: [root.certificate], at, ...over })
  return verdict.ok ? 'believed' : verdict.reason
}
function opensslSigns(signer: Party, ...more: string[]): Buffer {
  return pki.openssl([
    ...['cms', '-sign', '-binary', '-in', contentFile, '-outform', 'DER'],
    ...['-signer', signer.certificateFile, '-inkey', signer.keyFile, '-certfile', middle.certificateFile, ...more],
  ])
}
function opensslBelieves(message: Uint8Array, covered: string, ...more: string[]): boolean {
  try {
    const file = pki.file('message.p7s', message)
    const against = ['-content', covered, '-CAfile', rootFile, '-purpose', 'any', '-out', '/dev/null', ...more]
    pki.openssl(['cms', '-verify', '-binary', '-inform', 'DER', '-in', file, ...against])
    return true
  } catch {
    return false
  }
}
const contentOf = (party: Party, others: readonly Party[] = [root]) => ({
  privateKey: party.key,
  certificate: party.certificate,
  others: others.map(({ certificate }) => certificate),
})

t.test('OpenSSL believes what we sign, with RSA and with EC keys, and not over another content', async (t) => {
  const other = pki.file('other', Buffer.concat([content, Buffer.from(' ')]))
  for (const [party, others] of [
    [agency, [root]],
    [bank, [middle, root]],
  ] as const) {
    const message = signCms(content, contentOf(party, others), at)
    t.ok(opensslBelieves(message, contentFile), party.name)
    t.notOk(opensslBelieves(message, other), party.name)
    t.equal(verdictOf(message), 'believed', 'and so do we')
  }
  const printed = pki.openssl([
    ...['cms', '-cmsout', '-print', '-inform', 'DER', '-in', pki.file('m', signCms(content, contentOf(agency), at))],
  ])
  t.match(String(printed), /signingTime/)
  t.match(String(printed), /id-smime-aa-signingCertificateV2/)
})

t.test('a PKCS#12 file made by OpenSSL signs', async (t) => {
  const chain = ['-certfile', middle.certificateFile, '-passout', 'pass:secret']
  const file = ['pkcs12', '-export', '-inkey', bank.keyFile, '-in', bank.certificateFile, ...chain]
  const store = readPkcs12(pki.openssl(file), 'secret')
  t.ok(opensslBelieves(signCms(content, store, at), contentFile))
})

t.test('what OpenSSL signs we believe: algorithms, forms of naming the signer, PEM', async (t) => {
  const p384 = pki.leaf('p384', { issuer: root, extensions: uses.signing, key: keys.p384 })
  const messages: [string, Buffer][] = [
    ['RSA', opensslSigns(agency)],
    ['RSA with SHA-512', opensslSigns(agency, '-md', 'sha512')],
    ['RSA-PSS', opensslSigns(agency, '-keyopt', 'rsa_padding_mode:pss', '-keyopt', 'rsa_pss_saltlen:digest')],
    ['RSA-PSS with a salt of its own', opensslSigns(agency, '-keyopt', 'rsa_padding_mode:pss', '-md', 'sha384')],
    ['EC', opensslSigns(bank)],
    ['EC on P-384', opensslSigns(p384, '-md', 'sha384')],
    ['signer named by key id', opensslSigns(agency, '-keyid')],
    ['bound certificate', opensslSigns(agency, '-cades')],
    ['PEM', opensslSigns(agency, '-outform', 'PEM')],
  ]
  for (const [name, message] of messages) {
    t.equal(verdictOf(message), 'believed', name)
    t.equal(verdictOf(message, Buffer.from('another content')), 'changed', name)
  }
})

t.test('the verdict tells signer, chain and the time the signer claims', async (t) => {
  const verdict = verifyCms(opensslSigns(bank), content, { roots: [root.certificate], at: new Date() })
  if (!verdict.ok) throw new Error(verdict.reason)
  t.match(verdict.signer.subject, 'CN=bank')
  t.same(
    verdict.chain.map(({ subject }) => /CN=(.*)/.exec(subject)?.[1]),
    ['bank', 'middle', 'root'],
  )
  t.ok(Math.abs(verdict.signedAt.getTime() - Date.now()) < dayMs)
  t.equal(verdict.content, null)
})

t.test('a content inside is handed out, and stands only where it is asked for', async (t) => {
  const inside = opensslSigns(agency, '-nodetach')
  const verdict = verifyCms(inside, null, { roots: [root.certificate], at })
  t.same(verdict.ok ? verdict.content : verdict.reason, content)
  t.equal(verdictOf(inside), 'content-inside')
  t.equal(verdictOf(opensslSigns(agency), null), 'content-missing')
})

t.test('a content too large to hold is hashed while it streams by', async (t) => {
  const message = opensslSigns(agency, '-md', 'sha384')
  t.equal(digestOfCms(message), 'sha384')
  t.equal(
    verdictOf(message, (digest) => createHash(digest).update(content).digest()),
    'believed',
  )
  t.equal(
    verdictOf(message, () => Buffer.alloc(48)),
    'changed',
  )
  t.equal(digestOfCms(Buffer.from('junk')), null)
})

t.test('a signer who may not sign, or no longer, is not believed', async (t) => {
  const signed = (party: Party): string => verdictOf(opensslSigns(party))
  const leaf = (name: string, making: object = {}): Party =>
    pki.leaf(name, { issuer: root, extensions: uses.signing, ...making })
  t.equal(signed(leaf('a-client', { extensions: uses.client })), 'wrong-purpose')
  t.equal(signed(leaf('a-server', { extensions: uses.server })), 'wrong-purpose')
  t.equal(signed(leaf('foreign', { issuer: pki.authority('foreign-root') })), 'unknown-issuer')
  t.equal(signed(leaf('past', { until: new Date(at.getTime() - dayMs / 2) })), 'expired')
  t.equal(signed(leaf('future', { from: new Date(at.getTime() + dayMs) })), 'not-yet-valid')
  t.equal(signed(leaf('sha1-certified', { digest: 'sha1' })), 'weak')
  const revoked = leaf('revoked')
  const crls = [readCrl(pki.crl(root, [revoked]))]
  t.equal(verdictOf(opensslSigns(revoked), content, { crls }), 'revoked')
  t.equal(verdictOf(opensslSigns(agency), content, { crls }), 'believed')
  t.equal(verdictOf(opensslSigns(agency), content, { crls: [] }), 'crl-missing')
})

t.test('a signer without a certificate in the message is believed when we have it', async (t) => {
  const message = opensslSigns(agency, '-nocerts')
  t.equal(verdictOf(message), 'certificate-missing')
  t.equal(verdictOf(message, content, { intermediates: [agency.certificate] }), 'believed')
  t.equal(verdictOf(message, content, { intermediates: [bank.certificate] }), 'certificate-missing')
})

t.test('signatures without attributes, by SHA-1, by two signers, or in BER are refused', async (t) => {
  t.equal(verdictOf(opensslSigns(agency, '-noattr')), 'malformed')
  t.equal(verdictOf(opensslSigns(agency, '-md', 'sha1')), 'weak')
  t.equal(verdictOf(opensslSigns(agency, '-signer', bank.certificateFile, '-inkey', bank.keyFile)), 'malformed')
  const streamed = opensslSigns(agency, '-nodetach', '-stream')
  t.equal(streamed[1], 0x80, 'OpenSSL leaves the length open')
  t.equal(verdictOf(streamed, null), 'malformed')
})

/** A message as an attacker or a clumsy signer would make it: everything in order but what the test says. */
function message(over: {
  attributes?: readonly Asn1[]
  signer?: Party
  /** Whose certificate the message names and holds. */
  shown?: Party
  digestName?: string
  signatureName?: string
  signWith?: (data: Buffer, key: KeyObject) => Buffer
}): Buffer {
  const { signer = agency, digestName = cmsOids.sha256, signatureName = '1.2.840.113549.1.1.1' } = over
  const shown = over.shown ?? signer
  const attributes = over.attributes ?? goodAttributes()
  const signWith = over.signWith ?? ((data, key) => sign('sha256', data, key))
  const fields = readCertificateFields(shown.certificate)
  const signerInfo = sequence(
    smallInteger(1),
    sequence(readDer(fields.issuer), integer(fields.serial)),
    sequence(oid(digestName)),
    tagged(0, attributes),
    sequence(oid(signatureName), nothing()),
    octets(signWith(writeDer(setOf(attributes)), signer.key)),
  )
  const signedData = sequence(
    smallInteger(1),
    setOf([sequence(oid(digestName))]),
    sequence(oid(cmsOids.data)),
    tagged(0, [readDer(shown.certificate.raw)]),
    setOf([signerInfo]),
  )
  return writeDer(sequence(oid(cmsOids.signedData), tagged(0, [signedData])))
}
const attribute = (name: string, ...values: Asn1[]): Asn1 => sequence(oid(name), setOf(values))
const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest()
const contentType = attribute(cmsOids.contentType, oid(cmsOids.data))
const messageDigest = attribute(cmsOids.messageDigest, octets(sha256(content)))
const signingTime = attribute(cmsOids.signingTime, time(at))
const goodAttributes = (...more: Asn1[]): Asn1[] => [contentType, messageDigest, signingTime, ...more]

t.test('each signed attribute must be there once and say what it must', async (t) => {
  t.equal(verdictOf(message({})), 'believed', 'the honest form')
  const wrongDigest = attribute(cmsOids.messageDigest, octets(sha256(Buffer.from('another content'))))
  const otherType = attribute(cmsOids.contentType, oid(cmsOids.signedData))
  const longAgo = attribute(cmsOids.signingTime, time(new Date(at.getTime() - 40 * dayMs)))
  const tomorrow = attribute(cmsOids.signingTime, time(new Date(at.getTime() + dayMs)))
  const cases: [string, readonly Asn1[], string][] = [
    ['no content type', [messageDigest, signingTime], 'malformed'],
    ['no message digest', [contentType, signingTime], 'malformed'],
    ['no signing time', [contentType, messageDigest], 'malformed'],
    ['nothing', [], 'malformed'],
    ['a digest of another content', [contentType, wrongDigest, signingTime], 'changed'],
    [
      'a digest that is cut',
      [contentType, attribute(cmsOids.messageDigest, octets(Buffer.alloc(4))), signingTime],
      'changed',
    ],
    ['another content type', [otherType, messageDigest, signingTime], 'changed'],
    ['two digests', [contentType, messageDigest, wrongDigest, signingTime], 'malformed'],
    [
      'a digest with two values',
      [contentType, attribute(cmsOids.messageDigest, octets(sha256(content)), octets(Buffer.alloc(32))), signingTime],
      'malformed',
    ],
    ['an empty attribute', [contentType, sequence(oid(cmsOids.messageDigest), setOf([])), signingTime], 'malformed'],
    ['signed before the certificate began', [contentType, messageDigest, longAgo], 'signing-time'],
    ['signed tomorrow', [contentType, messageDigest, tomorrow], 'signing-time'],
  ]
  for (const [name, attributes, expected] of cases) t.equal(verdictOf(message({ attributes })), expected, name)
})

t.test('nobody can show a signature as that of another certificate', async (t) => {
  const other = pki.leaf('other', { issuer: root, extensions: uses.signing, key: keys.rsa })
  t.equal(verdictOf(message({ shown: other })), 'changed')
  // The same key certified twice, say for another office: the signer's own word decides which one was meant.
  const again = pki.leaf('again', { issuer: root, extensions: uses.signing, sameKeyAs: agency })
  const bound = attribute(
    cmsOids.signingCertificateV2,
    sequence(sequence(sequence(octets(sha256(agency.certificate.raw))))),
  )
  t.equal(verdictOf(message({ attributes: goodAttributes(bound) })), 'believed')
  t.equal(verdictOf(message({ attributes: goodAttributes(bound), shown: again })), 'changed')
})

t.test('algorithms are those we believe, and fit each other and the key', async (t) => {
  // OpenSSL 3.0 cannot sign so itself (RFC 8419).
  const ed25519 = pki.leaf('ed25519', { issuer: root, extensions: uses.signing, key: keys.ed25519 })
  const signWith = (data: Buffer, key: KeyObject): Buffer => sign(null, data, key)
  t.equal(verdictOf(message({ signer: ed25519, signatureName: '1.3.101.112', signWith })), 'believed', 'Ed25519')
  t.equal(verdictOf(message({ digestName: '1.3.14.3.2.26' })), 'weak', 'SHA-1')
  t.equal(verdictOf(message({ digestName: '1.2.840.113549.2.5' })), 'weak', 'MD5')
  t.equal(verdictOf(message({ signatureName: '1.2.840.113549.1.1.5' })), 'weak', 'RSA with SHA-1')
  t.equal(verdictOf(message({ signatureName: '1.2.840.113549.1.1.13' })), 'changed', 'RSA with SHA-512 over SHA-256')
  t.equal(verdictOf(message({ signatureName: '1.2.840.10045.4.3.2' })), 'changed', 'an EC algorithm for an RSA key')
  t.equal(
    verdictOf(message({ signWith: (data, key) => sign('sha1', data, key) })),
    'changed',
    'SHA-1 in the signature under another name',
  )
})

t.test('a message in another form than DER is refused, whatever hides in it', async (t) => {
  const good = opensslSigns(agency)
  t.equal(verdictOf(good), 'believed')
  // The outer length written in one byte more than needed.
  const long = Buffer.concat([good.subarray(0, 1), Buffer.of(0x83, 0), good.subarray(2)])
  // The outer SEQUENCE with its length left open, closed by two zeros.
  const open = Buffer.concat([Buffer.of(0x30, 0x80), good.subarray(4), Buffer.of(0, 0)])
  const forms: [string, Uint8Array][] = [
    ['a length written long', long],
    ['a length left open', open],
    ['bytes after the end', Buffer.concat([good, Buffer.of(0)])],
    ['a second message after the end', Buffer.concat([good, good])],
    ['cut off', good.subarray(0, -1)],
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('not a signature')],
    ['PEM of another kind', Buffer.from(pemOf(good, 'CERTIFICATE'))],
    ['a certificate', agency.certificate.raw],
    ['nested without end', Buffer.concat(Array.from({ length: 100_000 }, () => Buffer.of(0x30, 0x80)))],
    ['larger than any signature', Buffer.alloc(300_000, 0x30)],
    ['a tag of several bytes', Buffer.of(0x1f, 0x02, 0x01, 0x00)],
  ]
  for (const [name, bytes] of forms) {
    t.equal(verdictOf(bytes), 'malformed', name)
    t.equal(verdictOf(bytes, null), 'malformed', name)
  }
})

t.test('law: no change of a byte makes anybody believe in another signer or another content', (t) => {
  const good = opensslSigns(bank)
  const honest = bank.certificate.fingerprint256
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (index, flip) => {
      const changed = Buffer.from(good)
      changed[index] = (changed[index] ?? 0) ^ flip
      const verdict = verifyCms(changed, content, { roots: [root.certificate], at: new Date() })
      if (verdict.ok && verdict.signer.fingerprint256 !== honest) return false
      return verdictOf(changed, Buffer.from('another content')) !== 'believed'
    }),
    { numRuns: 400 },
  )
  t.end()
})

t.test('law: bytes of any kind get a verdict and never an exception', (t) => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => verdictOf(bytes) === 'malformed'))
  t.end()
})
