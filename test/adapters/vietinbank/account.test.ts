import { generateKeyPairSync } from 'node:crypto'
import forge from 'node-forge'
import t from 'tap'
import { vietinbank } from '../../../adapters/vietinbank/index.ts'
import { signText, verifyText } from '../../../adapters/vietinbank/rsa.ts'
import { makeKeys } from './bank-keys.ts'
import { makeAccount, plainConfig } from './vectors.ts'

function certificateOf(privateKeyPem: string, publicKeyPem: string): string {
  const certificate = forge.pki.createCertificate()
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKeyPem)
  certificate.serialNumber = '01'
  certificate.validity.notBefore = new Date('2025-01-01')
  certificate.validity.notAfter = new Date('2026-01-01')
  const subject = [{ name: 'commonName', value: 'bank' }]
  certificate.setSubject(subject)
  certificate.setIssuer(subject)
  certificate.sign(forge.pki.privateKeyFromPem(privateKeyPem), forge.md.sha256.create())
  return forge.pki.certificateToPem(certificate)
}

t.test("the bank's key may be a public key or a certificate", async (t) => {
  const bank = makeKeys()
  const certificate = certificateOf(bank.privateKeyPem, bank.publicKeyPem)
  t.ok(verifyText('text', bank.sign('text'), certificate, 'RSA-SHA256'))
  t.notOk(verifyText('text', makeKeys().sign('text'), certificate, 'RSA-SHA256'))
  t.ok(makeAccount({ bankKeyPem: certificate }))
})

t.test('signatures agree with an independent library, with both digests', async (t) => {
  const ours = makeKeys()
  const key = forge.pki.publicKeyFromPem(ours.publicKeyPem)
  for (const [scheme, digest] of [
    ['RSA-SHA256', forge.md.sha256.create()],
    ['RSA-SHA1(legacy)', forge.md.sha1.create()],
  ] as const) {
    digest.update('Nộp phí 150000', 'utf8')
    const signature = forge.util.decode64(signText('Nộp phí 150000', ours.privateKeyPem, scheme))
    t.ok(key.verify(digest.digest().getBytes(), signature), scheme)
  }
})

t.test('keys that cannot serve are refused when the account is set up', async (t) => {
  const short = makeKeys(1024)
  const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const bad: [string, Record<string, unknown>][] = [
    ['short bank key', { bankKeyPem: short.publicKeyPem }],
    ['short private key', { privateKeyPem: short.privateKeyPem }],
    ['private key as bank key', { bankKeyPem: plainConfig.privateKeyPem }],
    ['public key as private key', { privateKeyPem: plainConfig.bankKeyPem }],
    ['elliptic curve', { bankKeyPem: curve.publicKey.export({ type: 'spki', format: 'pem' }).toString() }],
    ['no key', { bankKeyPem: 'x' }],
    ['both digests', { signature: 'RSA-SHA256 | RSA-SHA1' }],
    ['a key nobody knows', { surprise: 1 }],
    ['slash at the end', { baseUrl: 'https://bank.example/' }],
  ]
  for (const [name, overrides] of bad)
    t.notOk(vietinbank.accountSchema.safeParse({ ...plainConfig, ...overrides }).success, name)
  t.ok(vietinbank.accountSchema.safeParse(plainConfig).success)
})
