import { createRemoteJWKSet, type JWTVerifyResult, jwtVerify } from 'jose'
import t from 'tap'
import { z } from 'zod'
import { startIssuer } from '../../../src/sandbox/partners/issuer.ts'
import { options } from './gateway.ts'

const discovery = z.object({ issuer: z.string(), jwks_uri: z.string() })
const officer = { sub: 'o1', name: 'Nguyễn Thị Kế Toán', tenant: 'ten_one', roles: ['finance.read'] }

t.test('tokens verify by discovery, before and after the key is rotated', async (t) => {
  const issuer = await startIssuer(options)
  t.teardown(() => issuer.close())
  const verify = async (token: string, audience = 'feegate'): Promise<JWTVerifyResult> => {
    const found = discovery.parse(await (await fetch(`${issuer.baseUrl}/.well-known/openid-configuration`)).json())
    const keys = createRemoteJWKSet(new URL(found.jwks_uri))
    return await jwtVerify(token, keys, { issuer: found.issuer, audience, algorithms: ['ES256'] })
  }
  const before = await issuer.token(officer)
  t.match((await verify(before)).payload, officer)
  await issuer.rotate()
  const after = await issuer.token({ ...officer, audience: 'other' })
  const { protectedHeader } = await verify(after, 'other')
  t.not(protectedHeader.kid, (await verify(before)).protectedHeader.kid)
  await t.rejects(verify(after), { code: 'ERR_JWT_CLAIM_VALIDATION_FAILED' })
})
