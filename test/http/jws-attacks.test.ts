/** Forged tokens of every kind against every door that takes one: portals' assertions, our access tokens, officers' tokens. */
import { createHmac, createPublicKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { calculateJwkThumbprint } from 'jose'
import t, { type Test } from 'tap'
import { keysOfJwks, verifyCompact } from '../../src/signing/compact-jws.ts'
import { callApi, type TestGateway, testGateway } from '../harness/gateway.ts'
import { forgeries, type Genuine, honest, malleated } from '../harness/jws-forgeries.ts'

const p256 = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })
const secondsOf = (gateway: TestGateway): number => Math.floor(gateway.environment.now().getTime() / 1000)

/** A server that notes whoever follows an address out of a header. */
async function trap(t: Test): Promise<{ url: string; visits: string[] }> {
  const visits: string[] = []
  const server = createServer((request, response) => {
    visits.push(request.url ?? '')
    response.end('{"keys":[]}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, visits }
}

/** Tries each forgery; a token that cannot even be put into a request is refused by the request. */
async function tryAll(
  t: Test,
  genuine: Genuine,
  isTaken: (jws: string) => Promise<boolean>,
  except: readonly string[] = [],
): Promise<void> {
  t.ok(await isTaken(honest(genuine)), 'the honest form is taken')
  for (const [name, jws] of forgeries(genuine)) {
    if (except.includes(name)) continue
    t.notOk(await isTaken(jws), name)
  }
}

t.test('documents: no forgery verifies', async (t) => {
  const { privateKey, publicKey } = p256()
  const kid = await calculateJwkThumbprint(publicKey.export({ format: 'jwk' }))
  const typ = 'feegate-invoice+jws'
  const find = keysOfJwks({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256' }] })
  const { url, visits } = await trap(t)
  const header = { alg: 'ES256', kid, typ }
  const genuine = { header, claims: { invoiceId: 'inv_1', total: 58000 }, privateKey, publicKey, trapUrl: url }
  // A document's payload is bytes: what they say is for whoever reads them (readDocument refuses these).
  const payloadOnly = ['a claim twice', 'a claim of the language', 'a payload that is a list', 'a payload that is text']
  await tryAll(t, genuine, async (jws) => verifyCompact(jws, typ, find) !== null, payloadOnly)
  t.equal(verifyCompact(malleated(honest(genuine)), typ, find), null, 'the twin of a signature is none')
  for (const other of ['at+jwt', 'feegate-event+jws', 'feegate-receipt+jws', 'JWT', undefined])
    t.equal(verifyCompact(honest(genuine, { header: { typ: other } }), typ, find), null, `typ ${other}`)
  t.same(visits, [])
})

t.test('access tokens: no forgery opens a route', async (t) => {
  const gateway = await testGateway(t)
  const { url, keys, client } = gateway
  const { kid, privateKey } = keys.active()
  const publicKey = keys.find(kid)?.publicKey
  if (publicKey === undefined) throw new Error('no key')
  const now = secondsOf(gateway)
  const { url: trapUrl, visits } = await trap(t)
  const claims = {
    sub: client.clientId,
    iss: url,
    aud: url,
    scope: 'invoices:read',
    iat: now,
    exp: now + 600,
    jti: 'x',
  }
  const genuine = { header: { alg: 'ES256', kid, typ: 'at+jwt' }, claims, privateKey, publicKey, trapUrl }
  const isTaken = async (jws: string): Promise<boolean> =>
    await fetch(`${url}/v1/invoices`, { headers: { authorization: `Bearer ${jws}` } }).then(
      ({ status }) => status === 200,
      () => false,
    )
  await tryAll(t, genuine, isTaken)
  t.notOk(await isTaken(malleated(honest(genuine))), 'the twin of a signature')
  t.notOk(await isTaken(honest(genuine, { header: { typ: 'JWT' } })), 'a JWT of another kind')
  t.notOk(await isTaken(honest(genuine, { header: { typ: undefined } })), 'without a kind')
  t.notOk(await isTaken(honest(genuine, { claims: { exp: String(now + 600) } })), 'a time as text')
  t.same(visits, [])
})

t.test('client assertions: no forgery gets a token', async (t) => {
  const gateway = await testGateway(t)
  const { url, client, environment } = gateway
  const [row] = await gateway.database.query<{ kid: string }>('SELECT kid FROM client_keys WHERE client_id = $1', [
    client.clientId,
  ])
  const publicKey = createPublicKey(client.privateKey)
  if (row === undefined) throw new Error('no key')
  const now = secondsOf(gateway)
  const { url: trapUrl, visits } = await trap(t)
  const base = { sub: client.clientId, iss: client.clientId, aud: `${url}/oauth/token`, iat: now, exp: now + 60 }
  const fresh = (): Genuine => ({
    header: { alg: 'ES256', kid: row.kid },
    claims: { ...base, jti: randomUUID() },
    privateKey: client.privateKey,
    publicKey,
    trapUrl,
  })
  const isTaken = async (assertion: string): Promise<boolean> => {
    const answer = await fetch(`${url}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion,
      }),
    })
    return answer.status === 200
  }
  t.ok(await isTaken(honest(fresh())))
  for (const [name, jws] of forgeries(fresh())) {
    // One address may ask so often in a minute.
    environment.advance(500)
    t.notOk(await isTaken(jws), name)
  }
  const once = honest(fresh())
  const [twin, again] = [malleated(once), once]
  t.ok(await isTaken(twin), 'other libraries do not choose among the twins, so either is taken')
  t.notOk(await isTaken(again), 'and the other one is a repeat')
  t.notOk(await isTaken(await client.token()), 'an access token is no assertion')
  t.same(visits, [])
})

t.test('officers: no forgery opens a route', async (t) => {
  const { privateKey, publicKey } = p256()
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const kid = await calculateJwkThumbprint(publicKey.export({ format: 'jwk' }))
  const set = {
    keys: [
      { ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' },
      { ...rsa.publicKey.export({ format: 'jwk' }), kid: 'rsa', use: 'sig' },
    ],
  }
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    response.setHeader('content-type', 'application/json').end(JSON.stringify(set))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const gateway = await testGateway(t, { officerIssuer: issuer })
  const now = secondsOf(gateway)
  const { url: trapUrl, visits } = await trap(t)
  const claims = {
    sub: 'canbo01',
    iss: issuer,
    aud: 'feegate',
    tenant: 'ten_thanhhoa',
    roles: ['finance.read'],
    iat: now,
    exp: now + 300,
  }
  const genuine = { header: { alg: 'ES256', kid }, claims, privateKey, publicKey, trapUrl }
  const isTaken = async (jws: string): Promise<boolean> =>
    await fetch(`${gateway.url}/v1/finance/ledger`, { headers: { authorization: `Bearer ${jws}` } }).then(
      ({ status }) => status === 200,
      () => false,
    )
  await tryAll(t, genuine, isTaken)
  const b64 = (value: object | Buffer): string =>
    Buffer.from(value instanceof Buffer ? value : JSON.stringify(value)).toString('base64url')
  const rsaText = (alg: string): string => `${b64({ alg, kid: 'rsa' })}.${b64(claims)}`
  const signed = rsaText('RS256')
  t.ok(
    await isTaken(`${signed}.${b64(sign('sha256', Buffer.from(signed), rsa.privateKey))}`),
    'RS256 is theirs to choose',
  )
  const confused = rsaText('HS256')
  const secrets = {
    PEM: rsa.publicKey.export({ type: 'spki', format: 'pem' }),
    DER: rsa.publicKey.export({ type: 'spki', format: 'der' }),
  }
  for (const [form, secret] of Object.entries(secrets)) {
    const mac = createHmac('sha256', secret).update(confused).digest()
    t.notOk(await isTaken(`${confused}.${b64(mac)}`), `HMAC with the RSA key in ${form}`)
  }
  t.notOk(await isTaken(honest(genuine, { claims: { cnf: { jkt: 'x' } } })), 'bound to a key nobody has shown')
  t.notOk(await isTaken(honest(genuine, { claims: { cnf: { 'x5t#S256': 'x' } } })), 'bound to a certificate')
  t.same(visits, [])
  t.same([...new Set(asked)], ['/jwks.json'])
  t.equal((await callApi(gateway.url, 'GET', '/v1/finance/ledger')).status, 401)
})
