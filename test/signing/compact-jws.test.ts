import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compactVerify, createLocalJWKSet, type JSONWebKeySet } from 'jose'
import t from 'tap'
import { oneSpelling } from '../../src/signing/algorithm.ts'
import { keysOfJwks, signCompact, verifyCompact } from '../../src/signing/compact-jws.ts'
import { algorithms, type KeyRing, openKeyRing } from '../../src/signing/key-ring.ts'

const now = new Date('2026-11-20T00:00:00Z')
const document = { invoiceId: 'inv_1', total: 58000, dossierCode: 'H56.14-261120-0001', nameVi: 'Lệ phí' }
const typ = 'feegate-invoice+jws'

async function ring(alg: (typeof algorithms)[number] = 'ES256'): Promise<KeyRing> {
  const keys = openKeyRing(mkdtempSync(join(tmpdir(), 'feegate-ring-')))
  await keys.generate(alg, now)
  return keys
}

const verifies = (jws: string, keys: KeyRing): boolean =>
  verifyCompact(jws, typ, keysOfJwks(keys.publicJwks())) !== null
const b64 = (value: string | Buffer): string => Buffer.from(value).toString('base64url')

for (const alg of algorithms) {
  t.test(`${alg}: what we sign, jose verifies with the published keys, and so do we`, async (t) => {
    const keys = await ring(alg)
    const jws = signCompact(keys.active(), typ, Buffer.from(JSON.stringify(document)))
    const { payload, protectedHeader } = await compactVerify(jws, createLocalJWKSet(keys.publicJwks() as JSONWebKeySet))
    t.same(JSON.parse(Buffer.from(payload).toString()), document)
    t.same(protectedHeader, { alg, kid: keys.active().kid, typ })
    t.ok(verifies(jws, keys))
  })
}

t.test('a change of any one character makes an invoice invalid', async (t) => {
  const keys = await ring()
  const jws = signCompact(keys.active(), typ, Buffer.from(JSON.stringify(document)))
  for (let index = 0; index < jws.length; index++) {
    for (const character of 'AQgw_-.=') {
      if (jws[index] === character) continue
      if (verifies(jws.slice(0, index) + character + jws.slice(index + 1), keys))
        t.fail(`position ${index} may be ${character}`)
    }
  }
  t.notOk(verifies(`${jws}=`, keys))
  t.notOk(verifies(`${jws} `, keys))
  t.ok(verifies(jws, keys))
})

t.test('tricks with the header are refused', async (t) => {
  const keys = await ring()
  const { kid } = keys.active()
  const payload = b64(JSON.stringify(document))
  const forged = (header: string, make: (text: string) => Buffer): string => {
    const text = `${b64(header)}.${payload}`
    return `${text}.${b64(make(text))}`
  }
  const properly = (text: string): Buffer =>
    oneSpelling(
      'ES256',
      sign('sha256', Buffer.from(text), { key: keys.active().privateKey, dsaEncoding: 'ieee-p1363' }),
    )
  const publicPem = keys.find(kid)?.publicKey.export({ type: 'spki', format: 'pem' }).toString() ?? ''
  t.ok(verifies(forged(JSON.stringify({ alg: 'ES256', kid, typ }), properly), keys), 'the honest form verifies')
  const refused: Record<string, string> = {
    'alg none': `${b64(JSON.stringify({ alg: 'none', kid, typ }))}.${payload}.`,
    'alg none with signature': forged(JSON.stringify({ alg: 'none', kid, typ }), properly),
    'HS256 with the public key': forged(JSON.stringify({ alg: 'HS256', kid, typ }), (text) =>
      createHmac('sha256', publicPem).update(text).digest(),
    ),
    'another type': forged(JSON.stringify({ alg: 'ES256', kid, typ: 'feegate-event+jws' }), properly),
    'no type': forged(JSON.stringify({ alg: 'ES256', kid }), properly),
    crit: forged(JSON.stringify({ alg: 'ES256', kid, typ, crit: ['exp'], exp: 1 }), properly),
    'unencoded payload': forged(JSON.stringify({ alg: 'ES256', kid, typ, b64: false, crit: ['b64'] }), properly),
    'own key in the header': forged(JSON.stringify({ alg: 'ES256', kid, typ, jwk: {} }), properly),
    jku: forged(JSON.stringify({ alg: 'ES256', kid, typ, jku: 'https://evil.example' }), properly),
    'kid path': forged(JSON.stringify({ alg: 'ES256', kid: '../../etc/passwd', typ }), properly),
    'duplicated alg': forged(`{"alg":"none","alg":"ES256","kid":"${kid}","typ":"${typ}"}`, properly),
    'DER signature': forged(JSON.stringify({ alg: 'ES256', kid, typ }), (text) =>
      sign('sha256', Buffer.from(text), keys.active().privateKey),
    ),
    'other algorithm of the key': forged(JSON.stringify({ alg: 'EdDSA', kid, typ }), properly),
    'zero signature': forged(JSON.stringify({ alg: 'ES256', kid, typ }), () => Buffer.alloc(64)),
  }
  for (const [trick, jws] of Object.entries(refused)) t.notOk(verifies(jws, keys), trick)
})

t.test('a key of another curve or too short an RSA key verifies nothing', async (t) => {
  const wrong = generateKeyPairSync('ec', { namedCurve: 'P-384' })
  const kid = 'A'.repeat(43)
  const text = `${b64(JSON.stringify({ alg: 'ES256', kid, typ }))}.${b64('{}')}`
  const jws = `${text}.${b64(sign('sha256', Buffer.from(text), { key: wrong.privateKey, dsaEncoding: 'ieee-p1363' }))}`
  t.equal(
    verifyCompact(
      jws,
      typ,
      keysOfJwks({ keys: [{ ...wrong.publicKey.export({ format: 'jwk' }), kid, alg: 'ES256' }] }),
    ),
    null,
  )
})

t.test('old invoices verify after a rotation and no longer after their key is revoked', async (t) => {
  const keys = await ring()
  const old = keys.active().kid
  const jws = signCompact(keys.active(), typ, Buffer.from('{}'))
  const next = await keys.rotate(now)
  t.not(next, old)
  t.equal(keys.active().kid, next)
  t.ok(verifies(jws, keys))
  t.same(
    keys.list().map(({ state }) => state),
    ['retired', 'active'],
  )
  keys.revoke(old)
  t.notOk(verifies(jws, keys))
  t.throws(() => keys.revoke(next), /rotate first/)
  const published = JSON.stringify(keys.publicJwks())
  t.notMatch(published, /"d":/, 'no private part is published')
  t.notMatch(published, old)
})
