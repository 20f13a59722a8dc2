import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import {
  type CertificatePurpose,
  checkCertificate,
  daysUntilEnd,
  readCertificates,
  spkiPin,
  type Trust,
} from '../../src/signing/certificates.ts'
import { readCrl } from '../../src/signing/crl.ts'
import { keys, type Party, testPki, uses } from '../harness/pki.ts'

const at = new Date('2026-11-20T05:00:00Z')
const dayMs = 24 * 60 * 60 * 1000
const later = (days: number): Date => new Date(at.getTime() + days * dayMs)

const pki = testPki(t, at)
const root = pki.authority('root', { key: keys.rsa })
const middle = pki.authority('middle', { issuer: root })
const foreign = pki.authority('foreign')

function verdictOf(
  leaf: Party,
  over: Partial<Omit<Trust, 'intermediates'>> & { intermediates?: readonly Party[] } = {},
) {
  const { intermediates = [], ...trust } = over
  const verdict = checkCertificate(leaf.certificate, {
    roots: [root.certificate],
    intermediates: intermediates.map(({ certificate }) => certificate),
    purpose: 'client',
    at,
    ...trust,
  })
  return verdict.ok ? 'believed' : verdict.reason
}

t.test('a certificate is believed with a way to a root, directly or over an authority between', async (t) => {
  const direct = pki.leaf('direct', { issuer: root })
  const below = pki.leaf('below', { issuer: middle })
  t.equal(verdictOf(direct), 'believed')
  t.equal(verdictOf(below, { intermediates: [foreign, middle] }), 'believed')
  t.equal(verdictOf(below), 'unknown-issuer', 'the one between is missing')
  t.equal(verdictOf(pki.leaf('stranger', { issuer: foreign })), 'unknown-issuer')
  t.equal(
    verdictOf(
      pki.leaf('namesake', { issuer: pki.authority('root-twin', { subject: '/C=VN/O=FeeGate test/CN=root' }) }),
    ),
    'unknown-issuer',
  )
})

for (const [name, key] of Object.entries(keys)) {
  t.test(`keys of kind ${name} are ${name === 'shortRsa' ? 'too weak' : 'strong enough'}`, async (t) => {
    const authority = pki.authority(`root-${name}`, { key })
    const leaf = pki.leaf(`leaf-${name}`, { issuer: authority })
    const verdict = verdictOf(leaf, { roots: [authority.certificate] })
    t.equal(verdict, name === 'shortRsa' ? 'weak' : 'believed')
  })
}

t.test('a signature by RSA-PSS is believed with SHA-256 and not with SHA-1', async (t) => {
  const pss = ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:digest']
  t.equal(verdictOf(pki.leaf('pss', { issuer: root, more: pss })), 'believed')
  t.equal(verdictOf(pki.leaf('pss-sha1', { issuer: root, digest: 'sha1', more: pss })), 'weak')
  t.equal(verdictOf(pki.leaf('sha1', { issuer: root, digest: 'sha1' })), 'weak')
})

t.test(
  'before its first and after its last moment a certificate is not believed, nor is one of such an authority',
  async (t) => {
    const leaf = pki.leaf('short-lived', { issuer: root, from: later(-1), until: later(1) })
    t.equal(verdictOf(leaf, { at: later(1) }), 'believed', 'the last second is part of it')
    t.equal(verdictOf(leaf, { at: new Date(later(1).getTime() + 1000) }), 'expired')
    t.equal(verdictOf(leaf, { at: new Date(later(-1).getTime() - 1000) }), 'not-yet-valid')
    const ended = pki.authority('ended', { issuer: root, until: later(-0.5) })
    t.equal(verdictOf(pki.leaf('below-ended', { issuer: ended }), { intermediates: [ended] }), 'expired')
    t.equal(daysUntilEnd(leaf.certificate, at), 1)
    t.equal(daysUntilEnd(leaf.certificate, later(2)), -1)
  },
)

t.test('a certificate serves the purpose it was issued for and no other', async (t) => {
  const purposes: CertificatePurpose[] = ['client', 'server', 'signing']
  const fits = (leaf: Party): string[] => purposes.filter((purpose) => verdictOf(leaf, { purpose }) === 'believed')
  const signs = 'keyUsage=critical,digitalSignature'
  const cases: [string, readonly string[], string[]][] = [
    ['client', uses.client, ['client']],
    ['server', uses.server, ['server']],
    ['e-mail', [signs, 'extendedKeyUsage=emailProtection'], ['signing']],
    ['document signing', [signs, 'extendedKeyUsage=1.3.6.1.5.5.7.3.36'], ['signing']],
    ['any use', [signs, 'extendedKeyUsage=anyExtendedKeyUsage'], purposes],
    ['no limits', ['basicConstraints=CA:FALSE'], purposes],
    ['time stamping', [signs, 'extendedKeyUsage=timeStamping'], []],
    ['non-repudiation alone', ['keyUsage=critical,nonRepudiation'], ['signing']],
    ['key encipherment alone', ['keyUsage=critical,keyEncipherment'], []],
  ]
  for (const [index, [name, extensions, expected]] of cases.entries())
    t.same(fits(pki.leaf(`use-${index}`, { issuer: root, extensions })), expected, name)
})

t.test(
  'an authority that is none, or may not stand there, or is limited to another purpose, hands down nothing',
  async (t) => {
    const below = (issuer: Party, ...intermediates: Party[]): string =>
      verdictOf(pki.leaf(`below-${issuer.name}`, { issuer }), { intermediates: [issuer, ...intermediates] })
    const plain = pki.leaf('plain', { issuer: root, extensions: uses.client })
    t.match(below(plain), /not-an-authority|unknown-issuer/)
    const noSigning = pki.leaf('no-signing', {
      issuer: root,
      extensions: ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,digitalSignature'],
    })
    t.match(below(noSigning), /not-an-authority|unknown-issuer/)
    const last = pki.authority('last', {
      issuer: root,
      extensions: ['basicConstraints=critical,CA:TRUE,pathlen:0', 'keyUsage=critical,keyCertSign'],
    })
    t.equal(below(last), 'believed')
    t.equal(below(pki.authority('too-deep', { issuer: last }), last), 'not-an-authority')
    const serversOnly = pki.authority('servers-only', {
      issuer: root,
      extensions: [...uses.authority, 'extendedKeyUsage=serverAuth'],
    })
    t.equal(below(serversOnly), 'wrong-purpose')
    const constrained = pki.authority('constrained', {
      issuer: root,
      extensions: [...uses.authority, 'nameConstraints=permitted;DNS:bank.example'],
    })
    t.equal(below(constrained), 'not-understood')
  },
)

t.test('an unknown critical extension is refused, an unknown ordinary one is not', async (t) => {
  const unknown = '1.2.3.4.5=ASN1:UTF8String:x'
  const critical = '1.2.3.4.5=critical,ASN1:UTF8String:x'
  t.equal(verdictOf(pki.leaf('ordinary', { issuer: root, extensions: [...uses.client, unknown] })), 'believed')
  t.equal(verdictOf(pki.leaf('critical', { issuer: root, extensions: [...uses.client, critical] })), 'not-understood')
})

t.test('authorities in a circle and a crowd of them end the search', async (t) => {
  const one = pki.authority('circle', { subject: '/CN=circle one' })
  const two = pki.authority('circle-two', { issuer: one, subject: '/CN=circle two' })
  const leaf = pki.leaf('in-circle', { issuer: two })
  t.equal(verdictOf(leaf, { intermediates: [one, two, one, two] }), 'unknown-issuer')
  t.equal(verdictOf(leaf, { intermediates: Array.from({ length: 21 }, () => two) }), 'not-understood')
})

t.test('a certificate on the list of its issuer is revoked; without a current list nobody is believed', async (t) => {
  const good = pki.leaf('good', { issuer: root })
  const bad = pki.leaf('bad', { issuer: root })
  const list = readCrl(pki.crl(root, [bad]))
  t.equal(verdictOf(good, { crls: [list] }), 'believed')
  t.equal(verdictOf(bad, { crls: [list] }), 'revoked')
  t.equal(verdictOf(bad), 'believed', 'without lists nothing is asked')
  t.equal(verdictOf(good, { crls: [] }), 'crl-missing')
  t.equal(verdictOf(good, { crls: [readCrl(pki.crl(foreign))] }), 'crl-missing')
  const old = readCrl(pki.crl(root, [bad], { from: later(-3), until: later(-1) }))
  t.equal(verdictOf(good, { crls: [old] }), 'crl-stale')
  t.equal(verdictOf(bad, { crls: [old] }), 'revoked', 'revocation is for good')
  t.equal(verdictOf(good, { crls: [readCrl(pki.crl(root, [], { from: later(1), until: later(9) }))] }), 'crl-stale')
  t.equal(verdictOf(good, { crls: [old, list] }), 'believed')
})

t.test('every certificate below the root needs its list', async (t) => {
  const leaf = pki.leaf('listed-leaf', { issuer: middle })
  const [ofRoot, ofMiddle] = [readCrl(pki.crl(root)), readCrl(pki.crl(middle))]
  t.equal(verdictOf(leaf, { intermediates: [middle], crls: [ofRoot, ofMiddle] }), 'believed')
  t.equal(verdictOf(leaf, { intermediates: [middle], crls: [ofMiddle] }), 'crl-missing')
  const revokedMiddle = pki.authority('revoked-middle', { issuer: root })
  const below = pki.leaf('below-revoked', { issuer: revokedMiddle })
  const crls = [readCrl(pki.crl(root, [revokedMiddle])), readCrl(pki.crl(revokedMiddle))]
  t.equal(verdictOf(below, { intermediates: [revokedMiddle], crls }), 'revoked')
})

t.test('a list that is changed, signed by somebody else, or in parts proves nothing', async (t) => {
  const good = pki.leaf('proven', { issuer: root })
  const pem = pki.crl(root)
  const der = pki.openssl(['crl', '-in', pki.file('to.crl', pem), '-outform', 'DER'])
  t.equal(verdictOf(good, { crls: [readCrl(der)] }), 'believed', 'DER is read as well as PEM')
  const changed = Buffer.from(der)
  changed[der.length - 1] = (der.at(-1) ?? 0) ^ 1
  t.equal(verdictOf(good, { crls: [readCrl(changed)] }), 'crl-missing')
  const twin = pki.authority('crl-twin', { subject: '/C=VN/O=FeeGate test/CN=root' })
  t.equal(verdictOf(good, { crls: [readCrl(pki.crl(twin))] }), 'crl-missing')
  t.equal(verdictOf(good, { crls: [{ ...readCrl(pem), isPartial: true }] }), 'crl-missing')
  for (const junk of [
    Buffer.from('junk'),
    der.subarray(0, 40),
    Buffer.concat([der, Buffer.of(0)]),
    root.certificate.raw,
  ])
    t.throws(() => readCrl(junk), { code: 'DER' })
})

t.test('the pin is that of the public key, as OpenSSL computes it, and stays through a renewal', async (t) => {
  const leaf = pki.leaf('pinned', { issuer: root })
  const der = pki.openssl(['pkey', '-in', leaf.keyFile, '-pubout', '-outform', 'DER'])
  const digest = pki.openssl(['dgst', '-sha256', '-binary'], der)
  t.equal(spkiPin(leaf.certificate), digest.toString('base64'))
  t.not(spkiPin(leaf.certificate), spkiPin(root.certificate))
})

t.test('a bundle is read in its order, a DER file as one', async (t) => {
  const bundle = Buffer.concat([root, middle].map(({ certificateFile }) => readFileSync(certificateFile)))
  t.same(
    readCertificates(bundle).map(({ subject }) => /CN=(.*)/.exec(subject)?.[1]),
    ['root', 'middle'],
  )
  t.same(readCertificates(root.certificate.raw)[0]?.raw, root.certificate.raw)
  t.throws(() => readCertificates(Buffer.from('junk')))
})

t.test('OpenSSL and we agree on every leaf of this file', async (t) => {
  const rootFile = pki.file('roots.pem', readFileSync(root.certificateFile))
  for (const name of ['direct', 'stranger', 'use-0', 'use-1', 'sha1', 'short-lived', 'critical']) {
    const file = join(pki.folder, `${name}.crt`)
    const seconds = String(at.getTime() / 1000)
    let theirs = true
    try {
      pki.openssl([
        'verify',
        '-auth_level',
        '2',
        '-purpose',
        'sslclient',
        '-attime',
        seconds,
        '-CAfile',
        rootFile,
        file,
      ])
    } catch {
      theirs = false
    }
    const leaf = new X509Certificate(readFileSync(file))
    const ours = checkCertificate(leaf, { roots: [root.certificate], purpose: 'client', at }).ok
    t.equal(ours, theirs, name)
  }
})
