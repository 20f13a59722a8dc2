import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { calculateJwkThumbprint, SignJWT, UnsecuredJWT } from 'jose'
import t, { type Test } from 'tap'
import { rotateClientKey } from '../../src/clients/manage.ts'
import { signCompact } from '../../src/signing/compact-jws.ts'
import { anInvoice, callApi, type TestGateway, testGateway } from '../harness/gateway.ts'

type Form = Record<string, string> | [string, string][]
type TokenAnswer = {
  status: number
  headers: Headers
  error?: string
  access_token?: string
  scope?: string
  text: string
}

async function askToken(url: string, form: Form): Promise<TokenAnswer> {
  const answer = await fetch(`${url}/oauth/token`, { method: 'POST', body: new URLSearchParams(form) })
  const text = await answer.text()
  const json = JSON.parse(text) as { error?: string; access_token?: string; scope?: string }
  return { ...json, status: answer.status, headers: answer.headers, text }
}

const asserted = (assertion: string): Record<string, string> => ({
  grant_type: 'client_credentials',
  client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  client_assertion: assertion,
})

const p256 = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })
const secondsOf = (gateway: TestGateway): number => Math.floor(gateway.environment.now().getTime() / 1000)

t.test('a client proves itself by a signed assertion and gets a token of ten minutes with its scopes', async (t) => {
  const { url, client } = await testGateway(t)
  const answer = await askToken(url, asserted(await client.assertion()))
  t.equal(answer.status, 200)
  t.equal(answer.headers.get('cache-control'), 'no-store')
  t.match(JSON.parse(answer.text), { token_type: 'Bearer', expires_in: 600, scope: /invoices:write/ })
  const issuer = await askToken(url, asserted(await client.assertion({ aud: url })))
  t.equal(issuer.status, 200, 'the issuer is an audience as well')
  const narrow = await askToken(url, { ...asserted(await client.assertion()), scope: 'invoices:read' })
  t.equal(narrow.scope, 'invoices:read')
  const wide = await askToken(url, { ...asserted(await client.assertion()), scope: 'invoices:read admin:all' })
  t.match(wide, { status: 400, error: 'invalid_scope' })
})

t.test('an assertion that is not exactly right proves nobody', async (t) => {
  const gateway = await testGateway(t)
  const { url, client } = gateway
  const now = secondsOf(gateway)
  const claims = { iss: client.clientId, sub: client.clientId, aud: `${url}/oauth/token`, iat: now, exp: now + 60 }
  const other = await gateway.addClient()
  const strangers = p256().privateKey
  const used = await client.assertion()
  t.equal((await askToken(url, asserted(used))).status, 200)
  const unknown = `cli_${'0'.repeat(26)}`
  const jti = (): string => randomUUID()
  const secret = Buffer.from(JSON.stringify(client.privateKey.export({ format: 'jwk' })))
  const wrong: [string, string][] = [
    ['used before', used],
    ['expired', await client.assertion({ iat: now - 400, exp: now - 60 })],
    ['for a longer life than five minutes', await client.assertion({ exp: now + 600 })],
    ['not valid yet', await client.assertion({ nbf: now + 120 })],
    ['for another audience', await client.assertion({ aud: 'https://bank.example/oauth/token' })],
    ['for an audience that only begins like ours', await client.assertion({ aud: `${url}/oauth/token/` })],
    ['without audience', await client.assertion({ aud: undefined })],
    ['of another issuer', await client.assertion({ iss: other.clientId })],
    ['about another client', await client.assertion({ sub: other.clientId, iss: other.clientId })],
    ['of an unknown client', await client.assertion({ sub: unknown, iss: unknown })],
    ['without jti', await client.assertion({ jti: undefined })],
    ['without exp', await client.assertion({ exp: undefined })],
    ['signed with alg none', new UnsecuredJWT({ ...claims, jti: jti() }).encode()],
    [
      'signed with HS256',
      await new SignJWT({ ...claims, jti: jti() }).setProtectedHeader({ alg: 'HS256' }).sign(secret),
    ],
    [
      'signed with another key',
      await new SignJWT({ ...claims, jti: jti() }).setProtectedHeader({ alg: 'ES256' }).sign(strangers),
    ],
    ['garbage', 'garbage.garbage.garbage'],
    ['garbage without dots', 'x'.repeat(40)],
  ]
  for (const [name, assertion] of wrong) {
    const answer = await askToken(url, asserted(assertion))
    t.match(answer, { status: 401, error: 'invalid_client' }, name)
    t.notMatch(answer.text, /jose|\.ts|stack|node_modules/)
  }
  const mismatch = await askToken(url, { ...asserted(await client.assertion()), client_id: other.clientId })
  t.match(mismatch, { status: 401, error: 'invalid_client' })
})

t.test('one of many uses of an assertion at once gets a token', async (t) => {
  const { url, client } = await testGateway(t)
  const assertion = await client.assertion()
  const answers = await Promise.all(Array.from({ length: 20 }, () => askToken(url, asserted(assertion))))
  t.equal(answers.filter(({ status }) => status === 200).length, 1)
  t.equal(answers.filter(({ error }) => error === 'invalid_client').length, 19)
})

t.test('clocks may differ by half a minute', async (t) => {
  const gateway = await testGateway(t)
  const { url, client } = gateway
  const now = secondsOf(gateway)
  const statusOf = async (claims: object): Promise<number> =>
    (await askToken(url, asserted(await client.assertion({ ...claims })))).status
  t.equal(await statusOf({ iat: now - 85, exp: now - 25 }), 200)
  t.equal(await statusOf({ iat: now - 95, exp: now - 35 }), 401)
  t.equal(await statusOf({ iat: now + 25, nbf: now + 25, exp: now + 300 }), 200)
  t.equal(await statusOf({ iat: now + 40, nbf: now + 40, exp: now + 300 }), 401)
  t.equal(await statusOf({ exp: now + 325 }), 200)
  t.equal(await statusOf({ exp: now + 335 }), 401)
})

t.test(
  'a token request of another form is invalid_request, and repeated parameters are never chosen among',
  async (t) => {
    const { url, client } = await testGateway(t)
    const form = asserted(await client.assertion())
    const twice = (name: string, value: string): [string, string][] => [...Object.entries(form), [name, value]]
    const wrong: [string, Form, string][] = [
      ['repeated assertion', twice('client_assertion', await client.assertion()), 'invalid_request'],
      ['repeated scope', [...twice('scope', 'invoices:read'), ['scope', 'invoices:write']], 'invalid_request'],
      [
        'repeated client_id',
        [...twice('client_id', client.clientId), ['client_id', client.clientId]],
        'invalid_request',
      ],
      ['repeated grant type', twice('grant_type', 'client_credentials'), 'invalid_request'],
      ['another grant', { ...form, grant_type: 'password' }, 'unsupported_grant_type'],
      ['no grant', { client_assertion: form.client_assertion ?? '' }, 'invalid_request'],
      ['another assertion type', { ...form, client_assertion_type: 'saml' }, 'invalid_request'],
      ['no assertion', { grant_type: 'client_credentials' }, 'invalid_request'],
      [
        'a secret in place of an assertion',
        { grant_type: 'client_credentials', client_id: client.clientId, client_secret: 'x' },
        'invalid_request',
      ],
    ]
    for (const [name, body, error] of wrong) t.match(await askToken(url, body), { status: 400, error }, name)
    const json = await callApi(url, 'POST', '/oauth/token', form)
    t.match([json.status, json.json.error], [400, 'invalid_request'])
    const big = await askToken(url, { ...form, pad: 'x'.repeat(20_000) })
    t.match(big, { status: 400, error: 'invalid_request' })
    t.equal((await askToken(url, form)).status, 200, 'none of these used the assertion up')
  },
)

t.test('without a valid token nothing is answered', async (t) => {
  const gateway = await testGateway(t)
  const { url, client, keys } = gateway
  const now = secondsOf(gateway)
  const claims = {
    iss: url,
    aud: url,
    sub: client.clientId,
    scope: 'invoices:read',
    iat: now,
    exp: now + 600,
    jti: 'x',
  }
  const ours = (over: object, typ: 'at+jwt' | 'feegate-event+jws' = 'at+jwt'): string =>
    `Bearer ${signCompact(keys.active(), typ, Buffer.from(JSON.stringify({ ...claims, ...over })))}`
  const strange = p256()
  const kid = await calculateJwkThumbprint(strange.publicKey.export({ format: 'jwk' }))
  const foreign = (headerKid: string): Promise<string> =>
    new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: headerKid }).sign(strange.privateKey)
  const good = await client.token()
  t.equal((await callApi(url, 'GET', '/v1/invoices', undefined, { authorization: ours({}) })).status, 200)
  t.equal(
    (await callApi(url, 'GET', '/v1/invoices', undefined, { authorization: `bearer ${good}` })).status,
    200,
    'the scheme has no case',
  )
  const wrong: [string, string | undefined][] = [
    ['none', undefined],
    ['empty', ''],
    ['garbage', 'Bearer garbage'],
    ['another scheme', `Basic ${good}`],
    ['two tokens', `Bearer ${good} ${good}`],
    ['a changed signature', `Bearer ${good.slice(0, -2)}AA`],
    ['expired', ours({ iat: now - 700, exp: now - 31 })],
    ['from the future', ours({ iat: now + 31, exp: now + 600 })],
    ['another issuer', ours({ iss: 'https://other.example' })],
    ['another audience', ours({ aud: 'https://other.example' })],
    ['no expiry', ours({ exp: undefined })],
    ['unknown client', ours({ sub: `cli_${'0'.repeat(26)}` })],
    ['an event of ours', ours({}, 'feegate-event+jws')],
    ['another key', `Bearer ${await foreign(kid)}`],
    ['another key under our key id', `Bearer ${await foreign(keys.active().kid)}`],
    ['alg none', `Bearer ${new UnsecuredJWT(claims).encode()}x`],
    ['the assertion itself', `Bearer ${await client.assertion()}`],
  ]
  for (const [name, authorization] of wrong) {
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization }
    const answer = await callApi(url, 'GET', '/v1/invoices', undefined, headers)
    t.match(answer.json, { status: 401, code: 'UNAUTHENTICATED' }, name)
    t.equal(answer.headers.get('www-authenticate'), 'Bearer')
  }
  t.equal(
    (await callApi(url, 'GET', '/v1/invoices', undefined, { authorization: ours({ exp: now - 29 }) })).status,
    200,
  )
})

t.test('a token does what its scopes say and no more', async (t) => {
  const gateway = await testGateway(t)
  const { url } = gateway
  const client = await gateway.addClient({ scopes: ['invoices:read'] })
  const headers = { authorization: `Bearer ${await client.token()}` }
  t.equal((await callApi(url, 'GET', '/v1/invoices', undefined, headers)).status, 200)
  const id = `inv_${'0'.repeat(26)}`
  const beyond: [string, string, unknown?][] = [
    ['POST', '/v1/invoices', anInvoice()],
    ['POST', '/v1/invoices/batch', { invoices: [anInvoice()] }],
    ['POST', `/v1/invoices/${id}/cancel`, { reason: 'x' }],
    ['POST', `/v1/invoices/${id}/supersede`, anInvoice()],
    ['POST', `/v1/invoices/${id}/payments`, {}],
    ['GET', `/v1/payments/pay_${'0'.repeat(26)}`],
    ['POST', `/v1/invoices/${id}/refund-requests`, { reason: 'NOT_GRANTED', legalBasis: 'x' }],
    ['GET', `/v1/invoices/${id}/refund-requests`],
    ['GET', '/v1/webhook-endpoints'],
    ['GET', '/v1/events'],
    ['GET', '/v1/procedures/1.004194'],
    ['POST', '/v1/catalogue', {}],
  ]
  for (const [method, path, body] of beyond)
    t.match(
      (await callApi(url, method, path, body, headers)).json,
      { status: 403, code: 'FORBIDDEN' },
      `${method} ${path}`,
    )
})

t.test('a disabled client gets no token, and its tokens end within seconds', async (t) => {
  const gateway = await testGateway(t)
  const client = await gateway.addClient()
  const headers = { authorization: `Bearer ${await client.token()}` }
  const status = async (): Promise<number> =>
    (await callApi(gateway.url, 'GET', '/v1/invoices', undefined, headers)).status
  t.equal(await status(), 200)
  await gateway.database.query(`UPDATE clients SET status = 'DISABLED' WHERE id = $1`, [client.clientId])
  t.match(await askToken(gateway.url, asserted(await client.assertion())), { status: 401, error: 'invalid_client' })
  gateway.environment.advance(5_000)
  t.equal(await status(), 401)
})

t.test('after a rotation the old key works through the overlap and not after', async (t) => {
  const gateway = await testGateway(t)
  const { url, client, environment, database } = gateway
  const next = p256()
  const jwk = next.publicKey.export({ format: 'jwk' })
  const { kid } = await database.transaction((tx) =>
    rotateClientKey(tx, environment, client.clientId, jwk, 'test', 3_600_000),
  )
  const byNewKey = (): Promise<string> => {
    const now = secondsOf(gateway)
    return new SignJWT({ iss: client.clientId, sub: client.clientId, aud: url, exp: now + 60, jti: randomUUID() })
      .setProtectedHeader({ alg: 'ES256', kid })
      .sign(next.privateKey)
  }
  const statusOf = async (assertion: Promise<string>): Promise<number> =>
    (await askToken(url, asserted(await assertion))).status
  t.same([await statusOf(client.assertion()), await statusOf(byNewKey())], [200, 200])
  environment.advance(3_599_000)
  t.same([await statusOf(client.assertion()), await statusOf(byNewKey())], [200, 200])
  environment.advance(1_000)
  t.same([await statusOf(client.assertion()), await statusOf(byNewKey())], [401, 200])
})

t.test('the requests of a client and the token requests of an address are limited by the minute', async (t) => {
  const gateway = await testGateway(t)
  const { url, client, environment, database } = gateway
  const modest = await gateway.addClient()
  await database.query('UPDATE clients SET requests_per_minute = 5 WHERE id = $1', [modest.clientId])
  const headers = { authorization: `Bearer ${await modest.token()}` }
  const call = () => callApi(url, 'GET', '/v1/invoices', undefined, headers)
  for (let n = 0; n < 5; n++) t.equal((await call()).status, 200)
  const limited = await call()
  t.match(limited.json, { status: 429, code: 'RATE_LIMITED' })
  const wait = Number(limited.headers.get('retry-after'))
  t.ok(wait >= 1 && wait <= 60)
  t.equal((await gateway.api('GET', '/v1/invoices')).status, 200, 'others are not held up')
  environment.advance(wait * 1000)
  t.equal((await call()).status, 200, 'and it works again when it was told to')

  const answers: TokenAnswer[] = []
  for (let n = 0; n < 121; n++) answers.push(await askToken(url, asserted('x'.repeat(40))))
  t.match(answers.at(-1), { status: 429, error: 'slow_down' })
  t.ok(Number(answers.at(-1)?.headers.get('retry-after')) >= 1)
  t.equal(answers[0]?.status, 401)
  environment.advance(60_000)
  t.equal((await askToken(url, asserted(await client.assertion()))).status, 200)
})

type Provider = {
  issuer: string
  key: KeyObject
  kid: string
  server: Server
  mode: 'good' | 'error'
  asked: number
  /** Another key signs from now on; the one before is no longer published. */
  rotate(): Promise<void>
}

/** An identity provider of a test: a JWKS over HTTP. */
async function identityProvider(t: Test): Promise<Provider> {
  const newKey = async () => {
    const { privateKey, publicKey } = p256()
    const jwk = publicKey.export({ format: 'jwk' })
    return { privateKey, jwk, kid: await calculateJwkThumbprint(jwk) }
  }
  let { privateKey, jwk, kid } = await newKey()
  const server = createServer((_request, response) => {
    provider.asked++
    if (provider.mode === 'error') response.writeHead(502).end('bad gateway')
    else
      response
        .setHeader('content-type', 'application/json')
        .end(JSON.stringify({ keys: [{ ...jwk, kid, alg: 'ES256', use: 'sig' }] }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const provider: Provider = {
    ...{ issuer, key: privateKey, kid, server, mode: 'good', asked: 0 },
    async rotate() {
      ;({ privateKey, jwk, kid } = await newKey())
      provider.key = privateKey
      provider.kid = kid
    },
  }
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return provider
}

function officerToken(
  { issuer, key, kid }: Provider,
  gateway: TestGateway,
  over: Record<string, unknown> = {},
  signKey = key,
): Promise<string> {
  const now = secondsOf(gateway)
  const claims = {
    iss: issuer,
    aud: 'feegate',
    sub: 'canbo01',
    name: 'Trần Thị B',
    tenant: 'ten_thanhhoa',
    roles: ['finance.read'],
    iat: now,
    exp: now + 300,
  }
  return new SignJWT({ ...claims, ...over }).setProtectedHeader({ alg: 'ES256', kid }).sign(signKey)
}

const ledger = (gateway: TestGateway, token: string) =>
  callApi(gateway.url, 'GET', '/v1/finance/ledger', undefined, { authorization: `Bearer ${token}` })

t.test("officers come in by their own identity provider's tokens, each role to its own routes", async (t) => {
  const provider = await identityProvider(t)
  const gateway = await testGateway(t, { officerIssuer: provider.issuer })
  const now = secondsOf(gateway)
  t.match((await ledger(gateway, await officerToken(provider, gateway))).json, { sum: 0 })
  const wrongRole = await ledger(gateway, await officerToken(provider, gateway, { roles: ['ops', 'FINANCE.READ'] }))
  t.match(wrongRole.json, { status: 403, code: 'FORBIDDEN', en: { detail: /finance\.read/ } })
  const wrong: [string, string][] = [
    ['another audience', await officerToken(provider, gateway, { aud: 'other' })],
    ['another issuer', await officerToken(provider, gateway, { iss: 'https://other.example' })],
    ['expired', await officerToken(provider, gateway, { exp: now - 31 })],
    ['no expiry', await officerToken(provider, gateway, { exp: undefined })],
    ['not valid yet', await officerToken(provider, gateway, { nbf: now + 31 })],
    ['another key', await officerToken(provider, gateway, {}, p256().privateKey)],
    ['no tenant', await officerToken(provider, gateway, { tenant: undefined })],
    ['no roles', await officerToken(provider, gateway, { roles: undefined })],
    ['roles as text', await officerToken(provider, gateway, { roles: 'finance.read' })],
    ["a portal's token", await gateway.client.token()],
    ['alg none', `${new UnsecuredJWT({ iss: provider.issuer, aud: 'feegate', sub: 'x' }).encode()}x`],
  ]
  for (const [name, token] of wrong)
    t.match((await ledger(gateway, token)).json, { status: 401, code: 'UNAUTHENTICATED' }, name)
  const portal = { authorization: `Bearer ${await officerToken(provider, gateway)}` }
  t.equal((await callApi(gateway.url, 'GET', '/v1/invoices', undefined, portal)).status, 401, 'an officer is no portal')
  const ops = { authorization: `Bearer ${await officerToken(provider, gateway, { roles: ['ops'] })}` }
  t.equal((await callApi(gateway.url, 'GET', '/v1/ops/payments', undefined, ops)).status, 200)
  t.equal((await callApi(gateway.url, 'GET', '/v1/finance/refunds', undefined, ops)).status, 403)
  t.ok(provider.asked <= 2, 'the keys are remembered')
})

t.test(
  'an identity provider that is down holds up nobody whose key is known, and its outage is no wrong token',
  async (t) => {
    const provider = await identityProvider(t)
    provider.mode = 'error'
    const gateway = await testGateway(t, { officerIssuer: provider.issuer })
    const failing = await ledger(gateway, await officerToken(provider, gateway))
    t.match(failing.json, { status: 503, code: 'UNAVAILABLE' })
    t.ok(Number(failing.headers.get('retry-after')) > 0)
    provider.mode = 'good'
    t.equal((await ledger(gateway, await officerToken(provider, gateway))).status, 200)
    await new Promise<void>((resolve) => {
      provider.server.close(() => resolve())
      provider.server.closeAllConnections()
    })
    t.equal((await ledger(gateway, await officerToken(provider, gateway))).status, 200, 'the keys are remembered')
    const away = await testGateway(t, { officerIssuer: provider.issuer })
    t.match((await ledger(away, await officerToken(provider, away))).json, { status: 503, code: 'UNAVAILABLE' })
  },
)

t.test('a new key of the identity provider is read when a token names it, and the old one is over', async (t) => {
  const provider = await identityProvider(t)
  const gateway = await testGateway(t, { officerIssuer: provider.issuer })
  const before = await officerToken(provider, gateway)
  t.equal((await ledger(gateway, before)).status, 200)
  await provider.rotate()
  const after = await officerToken(provider, gateway)
  // Unknown keys are looked for once in five seconds: whoever makes keys up does not make us ask without end.
  for (let n = 0; n < 20; n++) await ledger(gateway, after)
  t.equal(provider.asked, 1)
  await new Promise((resolve) => setTimeout(resolve, 5_100))
  t.equal((await ledger(gateway, after)).status, 200)
  t.match((await ledger(gateway, before)).json, { status: 401, code: 'UNAUTHENTICATED' })
  t.equal(provider.asked, 2)
})

t.test('without an identity provider every officer is refused', async (t) => {
  const gateway = await testGateway(t)
  const provider = await identityProvider(t)
  t.match((await ledger(gateway, await officerToken(provider, gateway))).json, { status: 401, code: 'UNAUTHENTICATED' })
  t.equal(provider.asked, 0)
})
