import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import t, { type Test } from 'tap'
import { makeContext } from '../../src/sandbox/context.ts'
import { type Issuer, startIssuer } from '../../src/sandbox/issuer.ts'

async function anIssuer(t: Test): Promise<{ issuer: Issuer; verify: (token: string) => ReturnType<typeof jwtVerify> }> {
  const issuer = await startIssuer(makeContext(), { tenant: 'ten_thanhhoa' })
  t.teardown(() => issuer.close())
  const found = Object(await (await fetch(`${issuer.issuer}/.well-known/openid-configuration`)).json())
  const keys = createRemoteJWKSet(new URL(String(found.jwks_uri)), { cooldownDuration: 0 })
  return {
    issuer,
    verify: (token) => jwtVerify(token, keys, { issuer: issuer.issuer, audience: 'feegate', algorithms: ['ES256'] }),
  }
}

t.test('a token verifies by the published keys and says who, for whom and with which roles', async (t) => {
  const { issuer, verify } = await anIssuer(t)
  const token = await issuer.token({ sub: 'ketoan01', name: 'Kế Toán', roles: ['finance.read'] })
  const { payload } = await verify(token)
  t.match(payload, { sub: 'ketoan01', name: 'Kế Toán', roles: ['finance.read'], tenant: 'ten_thanhhoa' })
  t.equal(Number(payload.exp) - Number(payload.iat), 3600)
  await t.rejects(verify(await issuer.token({ sub: 'a', roles: [], audience: 'other' })), {
    code: 'ERR_JWT_CLAIM_VALIDATION_FAILED',
  })
  issuer.behaviour.misbehave({ badSignature: true })
  await t.rejects(verify(await issuer.token({ sub: 'a', roles: [] })), {
    code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
  })
})

t.test('after a rotation the new key signs and tokens of the old one still verify', async (t) => {
  const { issuer, verify } = await anIssuer(t)
  const before = await issuer.token({ sub: 'a', roles: [] })
  await verify(before)
  const kid = await issuer.rotate()
  const after = await issuer.token({ sub: 'a', roles: [] })
  t.equal(decodeProtectedHeader(after).kid, kid)
  t.not(decodeProtectedHeader(before).kid, kid)
  await verify(after)
  await verify(before)
  const { keys } = Object(await (await fetch(issuer.jwksUrl)).json())
  t.equal(keys.length, 2)
  t.notOk(JSON.stringify(keys).includes('"d"'), 'private halves stay inside')
})

t.test('the token endpoint and its page give demo officers their roles', async (t) => {
  const { issuer, verify } = await anIssuer(t)
  t.match(await (await fetch(issuer.baseUrl)).text(), 'value="ketoantruong"')
  const ask = (form: Record<string, string>): Promise<Response> =>
    fetch(`${issuer.baseUrl}/token`, { method: 'POST', body: new URLSearchParams(form) })
  const given = Object(await (await ask({ sub: 'ketoantruong' })).json())
  t.match((await verify(String(given.access_token))).payload, { roles: ['finance.read', 'finance.approve'] })
  t.match(await (await ask({ sub: 'ketoan01', page: '1' })).text(), '<pre>ey')
  t.equal((await ask({})).status, 400)
})
