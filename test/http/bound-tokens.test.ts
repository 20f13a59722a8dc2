/** Certificate-bound access tokens (RFC 8705): a stolen token is worth nothing without the key of its certificate. */
import { createHash } from 'node:crypto'
import t, { type Test } from 'tap'
import { createClientCertificates } from '../../src/http/tls/client-certificates.ts'
import { callApi, type TestGateway, testGateway, testNoon } from '../harness/gateway.ts'
import { type Party, testPki, uses } from '../harness/pki.ts'
import { tlsCaller, tlsListener } from '../harness/tls.ts'

const pki = testPki(t, testNoon, new Date())
const root = pki.authority('root')
const server = pki.leaf('server', { issuer: root, extensions: uses.server })
// Nobody certified it: the binding needs a key that is shown, not a name that is believed.
const portal = pki.authority('portal', { extensions: uses.client })
const thief = pki.authority('thief', { extensions: uses.client })

async function fixture(t: Test, proxies: string[] = []) {
  const clientCertificates = createClientCertificates({ proxies, header: 'client-cert', bankTrust: null })
  const portalUrl = 'https://portals.example'
  const gateway = await testGateway(t, { clientCertificates, portalUrl })
  const listener = await tlsListener(t, gateway, clientCertificates, 'portal', {
    certificate: server.certificateFile,
    key: server.keyFile,
    authorities: [],
    crls: [],
  })
  return { gateway, listener, portalUrl }
}

async function form(gateway: TestGateway, claims: Record<string, unknown> = {}): Promise<string> {
  return new URLSearchParams({
    grant_type: 'client_credentials',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await gateway.client.assertion(claims),
  }).toString()
}
const formHeaders = { 'content-type': 'application/x-www-form-urlencoded' }
const tokenOf = (text: string): string => (JSON.parse(text) as { access_token: string }).access_token
const claimsOf = (token: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>
const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` })

t.test('a token got with a certificate names it and works with it alone', async (t) => {
  const { gateway, listener } = await fixture(t)
  const own = tlsCaller(t, root, portal)
  const answer = await own.call(`${listener.url}/oauth/token`, {
    method: 'POST',
    headers: formHeaders,
    body: await form(gateway),
  })
  t.equal(answer.status, 200, answer.text)
  const token = tokenOf(answer.text)
  const thumbprint = createHash('sha256').update(portal.certificate.raw).digest('base64url')
  t.same(claimsOf(token).cnf, { 'x5t#S256': thumbprint })
  const status = async (party: Party | null): Promise<number> =>
    (await tlsCaller(t, root, party).call(`${listener.url}/v1/invoices`, { headers: bearer(token) })).status
  t.equal(await status(portal), 200)
  t.equal(await status(thief), 401)
  t.equal(await status(null), 401)
  t.equal((await callApi(gateway.url, 'GET', '/v1/invoices', undefined, bearer(token))).status, 401, 'nor in the clear')
  const renewed = pki.authority('portal-renewed', { extensions: uses.client, sameKeyAs: portal })
  t.equal(await status(renewed), 401, 'a renewed certificate needs a new token')
})

t.test('a token got without a certificate is bound to none, here and there', async (t) => {
  const { gateway, listener } = await fixture(t)
  const token = await gateway.client.token()
  t.equal(claimsOf(token).cnf, undefined)
  const overTls = await tlsCaller(t, root, portal).call(`${listener.url}/v1/invoices`, { headers: bearer(token) })
  t.equal(overTls.status, 200)
  const answer = await tlsCaller(t, root, null).call(`${listener.url}/oauth/token`, {
    method: 'POST',
    headers: formHeaders,
    body: await form(gateway),
  })
  t.equal(claimsOf(tokenOf(answer.text)).cnf, undefined)
})

t.test('behind a listed proxy the certificate comes in a header, and from nobody else', async (t) => {
  const item = ({ certificate }: Party): Record<string, string> => ({
    'client-cert': `:${certificate.raw.toString('base64')}:`,
  })
  const behind = await fixture(t, ['127.0.0.1'])
  const asked = await callApi(behind.gateway.url, 'POST', '/oauth/token', await form(behind.gateway), {
    ...formHeaders,
    ...item(portal),
  })
  const token = tokenOf(asked.text)
  t.ok(claimsOf(token).cnf)
  const status = async (headers: Record<string, string>): Promise<number> =>
    (await callApi(behind.gateway.url, 'GET', '/v1/invoices', undefined, { ...bearer(token), ...headers })).status
  t.equal(await status(item(portal)), 200)
  t.equal(await status(item(thief)), 401)
  t.equal(await status({}), 401)

  const direct = await fixture(t)
  const unbound = await callApi(direct.gateway.url, 'POST', '/oauth/token', await form(direct.gateway), {
    ...formHeaders,
    ...item(portal),
  })
  t.equal(claimsOf(tokenOf(unbound.text)).cnf, undefined, 'a header of one’s own binds nothing')
})

t.test(
  'the door of portals is told in the metadata and is an audience; it serves the API and nothing else',
  async (t) => {
    const { gateway, listener, portalUrl } = await fixture(t)
    const metadata = await callApi(gateway.url, 'GET', '/.well-known/oauth-authorization-server')
    t.match(metadata.json, {
      tls_client_certificate_bound_access_tokens: true,
      mtls_endpoint_aliases: { token_endpoint: `${portalUrl}/oauth/token` },
    })
    const own = tlsCaller(t, root, portal)
    const body = await form(gateway, { aud: `${portalUrl}/oauth/token` })
    t.equal((await own.call(`${listener.url}/oauth/token`, { method: 'POST', headers: formHeaders, body })).status, 200)
    t.equal((await own.call(`${listener.url}/.well-known/jwks.json`)).status, 200)
    for (const path of ['/callbacks/vnpay/vnpay-h56-14', '/healthz', '/metrics', '/pay/x'])
      t.equal((await own.call(`${listener.url}${path}`)).status, 404, path)
  },
)
