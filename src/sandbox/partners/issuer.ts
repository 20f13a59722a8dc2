/** A small OIDC issuer: the organisation's identity provider, for officers of the demo. */
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { createPartner, escape, listen, type Partner, page } from './web.ts'

export type OfficerClaims = {
  readonly sub: string
  readonly name: string
  readonly tenant: string
  readonly roles: readonly string[]
  readonly audience?: string
}

export type IssuerSandbox = Partner & {
  token(claims: OfficerClaims): Promise<string>
  /** The next token is signed by a new key; the old one stays published. */
  rotate(): Promise<void>
}

const demoRoles = ['finance.read', 'finance.resolve', 'finance.approve', 'ops', 'audit']

export async function startIssuer({
  host,
  port,
  now,
}: {
  host: string
  port: number
  now: () => Date
}): Promise<IssuerSandbox> {
  const published: JWK[] = []
  const server = createPartner()
  let current = await makeKey()

  async function makeKey(): Promise<{ kid: string; privateKey: CryptoKey }> {
    const { privateKey, publicKey } = await generateKeyPair('ES256')
    const jwk = await exportJWK(publicKey)
    const kid = await calculateJwkThumbprint(jwk)
    published.push({ ...jwk, kid, alg: 'ES256', use: 'sig' })
    return { kid, privateKey }
  }

  server.get('/jwks.json', (_request, reply) => reply.send({ keys: published }))
  server.get('/.well-known/openid-configuration', (_request, reply) =>
    reply.send({
      issuer: issuer.baseUrl,
      jwks_uri: `${issuer.baseUrl}/jwks.json`,
      id_token_signing_alg_values_supported: ['ES256'],
    }),
  )
  server.get<{ Querystring: { tenant?: string } }>('/token', async (request, reply) => {
    const tenant = request.query.tenant ?? 'ten_thanhhoa'
    const token = await issuer.token({ sub: 'officer-1', name: 'Cán bộ Một', tenant, roles: demoRoles })
    return reply
      .type('text/html; charset=utf-8')
      .send(
        page(
          'Cán bộ / Officer',
          `<p>${escape(tenant)}: ${demoRoles.join(', ')}</p><textarea rows="8" readonly>${escape(token)}</textarea>`,
        ),
      )
  })
  server.get('/', (_request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .send(
        page(
          'Nhà cung cấp định danh / Identity provider',
          '<p><a href="/token">Lấy token cán bộ / Get an officer token</a></p>',
        ),
      ),
  )

  const baseUrl = await listen(server, host, port)
  const issuer: IssuerSandbox = {
    baseUrl,
    async token({ sub, name, tenant, roles, audience = 'feegate' }) {
      const seconds = Math.floor(now().getTime() / 1000)
      return await new SignJWT({ name, tenant, roles: [...roles] })
        .setProtectedHeader({ alg: 'ES256', kid: current.kid })
        .setIssuer(baseUrl)
        .setSubject(sub)
        .setAudience(audience)
        .setIssuedAt(seconds)
        .setExpirationTime(seconds + 3600)
        .sign(current.privateKey)
    },
    async rotate() {
      current = await makeKey()
    },
    close: () => server.close(),
  }
  return issuer
}
