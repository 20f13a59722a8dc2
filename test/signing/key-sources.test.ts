/** Keys that come from an environment variable or from PKCS#12 files. */
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { calculateJwkThumbprint, type JWK } from 'jose'
import t from 'tap'
import { readConfig } from '../../src/config.ts'
import { signCompactWith, verifyCompact } from '../../src/signing/compact-jws.ts'
import { demoPassword, makeDemoCertificates } from '../../src/signing/demo-certificates.ts'
import { keysFromEnvironment } from '../../src/signing/environment-keys.ts'
import { openKeys } from '../../src/signing/open-keys.ts'
import { keysFromPkcs12 } from '../../src/signing/pkcs12-keys.ts'

const folder = mkdtempSync(join(tmpdir(), 'feegate-sources-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))
const typ = 'feegate-invoice+jws'
const jwkOf = (key: KeyObject): JWK => key.export({ format: 'jwk' })
const p256 = (): JWK => jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)

t.test('keys of a variable sign and verify by their states', async (t) => {
  const [active, next, retired, revoked] = [p256(), jwkOf(generateKeyPairSync('ed25519').privateKey), p256(), p256()]
  const { d: _private, ...retiredPublic } = retired
  const keys = keysFromEnvironment(
    'SIGNING_KEYS',
    JSON.stringify({
      keys: [
        { ...retiredPublic, feegate_state: 'retired' },
        { ...active, feegate_state: 'active', name: 'this-year' },
        { ...next, feegate_state: 'next' },
        { ...revoked, feegate_state: 'revoked' },
      ],
    }),
  )
  t.equal(keys.active().kid, await calculateJwkThumbprint(active))
  const jws = await signCompactWith(keys, typ, Buffer.from('{}'))
  t.ok(verifyCompact(jws, typ, (kid) => keys.find(kid)))
  t.equal(keys.find(await calculateJwkThumbprint(revoked)), null)
  t.equal(keys.publicJwks().keys.length, 3)
  t.notMatch(JSON.stringify(keys.publicJwks()), /"d":/)
  t.match(
    keys.list().map(({ name, state }) => `${name}: ${state}`),
    ['key 1 of SIGNING_KEYS: retired', 'this-year: active', 'key 3 of SIGNING_KEYS: next', /revoked/],
  )
  const alone = keysFromEnvironment('SIGNING_KEYS', JSON.stringify({ keys: [active] }))
  t.equal(alone.active().kid, await calculateJwkThumbprint(active), 'a key that stands alone is active')
})

t.test('a variable that is not right is refused, and nothing of it is quoted', async (t) => {
  const good = p256()
  const other = p256()
  const { d: _private, ...open } = good
  const active = { feegate_state: 'active' }
  const wrong: Record<string, unknown> = {
    'no JSON': 'secret-secret',
    'no set': {},
    'an empty set': { keys: [] },
    'several keys without states': { keys: [good, other] },
    'no active key': { keys: [{ ...good, feegate_state: 'next' }] },
    'two active keys': {
      keys: [
        { ...good, ...active },
        { ...other, ...active },
      ],
    },
    'a key twice': {
      keys: [
        { ...good, ...active },
        { ...good, feegate_state: 'retired' },
      ],
    },
    'no private part': { keys: [open] },
    'a symmetric key': { keys: [{ kty: 'oct', k: 'c2VjcmV0LXNlY3JldA' }] },
    'another curve': { keys: [jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey)] },
    'a short RSA key': { keys: [jwkOf(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey)] },
    'an algorithm that does not fit': { keys: [{ ...good, alg: 'EdDSA' }] },
    'an id that is not its thumbprint': { keys: [{ ...good, kid: 'A'.repeat(43) }] },
    'the public part of another key': { keys: [{ ...good, x: other.x, y: other.y }] },
    'a broken key': { keys: [{ ...good, x: 'AAAA' }] },
  }
  for (const [name, value] of Object.entries(wrong)) {
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    try {
      keysFromEnvironment('SIGNING_KEYS', text)
      t.fail(`${name} was taken`)
    } catch (error) {
      t.match(error, { code: 'KEY_RING', message: /SIGNING_KEYS/ }, name)
      t.notMatch(String(error), /secret-secret|c2VjcmV0/, name)
      t.notOk(String(error).includes(good.d ?? '-'), name)
    }
  }
})

t.test('the first PKCS#12 file signs, the others verify, and exchanged files are taken over', async (t) => {
  makeDemoCertificates(join(folder, 'one'), new Date())
  makeDemoCertificates(join(folder, 'two'), new Date())
  const [current, previous] = [join(folder, 'current.p12'), join(folder, 'previous.p12')]
  copyFileSync(join(folder, 'one', 'agency-signing.p12'), current)
  copyFileSync(join(folder, 'two', 'agency-signing.p12'), previous)
  const keys = keysFromPkcs12([current, previous], demoPassword)
  t.match(keys.list(), [
    { name: 'current.p12', state: 'active', alg: 'PS256', isDemo: true },
    { name: 'previous.p12', state: 'retired', isDemo: true },
  ])
  t.ok(keys.list().every(({ endsAt }) => endsAt !== null))
  const first = keys.active().kid
  const jws = await signCompactWith(keys, typ, Buffer.from('{}'))
  copyFileSync(join(folder, 'one', 'agency-signing.p12'), previous)
  t.throws(() => keys.reload(), /the same key/)
  t.equal(keys.active().kid, first, 'files caught half-way change nothing')
  copyFileSync(join(folder, 'two', 'agency-signing.p12'), current)
  keys.reload()
  t.not(keys.active().kid, first)
  t.ok(verifyCompact(jws, typ, (kid) => keys.find(kid)))
  t.throws(() => keysFromPkcs12([current], 'wrong'), { code: 'PKCS12' })
  chmodSync(current, 0o644)
  t.throws(() => keysFromPkcs12([current], demoPassword), /chmod 600/)
})

t.test('PKCS#12 files made by OpenSSL open: RSA and EC, by today’s ciphers', async (t) => {
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  for (const [name, ...algorithm] of [
    ['rsa', '-newkey', 'rsa:2048'],
    ['ec', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  ] as const) {
    openssl(
      'req',
      '-x509',
      '-nodes',
      ...algorithm,
      '-subj',
      '/CN=Agency',
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.crt`,
    )
    openssl(
      'pkcs12',
      '-export',
      '-inkey',
      `${name}.key`,
      '-in',
      `${name}.crt`,
      '-passout',
      'pass:secret-1',
      '-out',
      `${name}.p12`,
    )
    const keys = keysFromPkcs12([join(folder, `${name}.p12`)], 'secret-1')
    t.equal(keys.active().alg, name === 'rsa' ? 'PS256' : 'ES256')
    t.throws(() => keysFromPkcs12([join(folder, `${name}.p12`)], 'mật khẩu'), /ASCII/)
  }
})

t.test(
  'where keys come from is one setting, and an empty folder gets a first key of the configured algorithm',
  async (t) => {
    const settings = { DATA_DIR: join(folder, 'data'), SIGNING_ALG: 'EdDSA' }
    const made: string[] = []
    const first = { now: new Date(), made: (kid: string) => void made.push(kid) }
    t.equal(openKeys(readConfig(settings)).list().length, 0, 'who only reads makes nothing')
    const keys = openKeys(readConfig(settings), first)
    t.match(keys.list(), [{ alg: 'EdDSA', state: 'active', kid: made[0] }])
    t.equal(openKeys(readConfig(settings), first).active().kid, keys.active().kid)
    t.equal(made.length, 1)
    const inVariable = readConfig({ ...settings, SIGNING_KEYS: JSON.stringify({ keys: [p256()] }) })
    t.match(openKeys(inVariable, first).list(), [{ alg: 'ES256', state: 'active' }])
    writeFileSync(join(folder, 'x.p12'), '')
    t.throws(
      () => readConfig({ ...settings, SIGNING_KEYS: '{}', SIGNING_P12: join(folder, 'x.p12') }),
      /SIGNING_KEYS and SIGNING_P12/,
    )
  },
)
