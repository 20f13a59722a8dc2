/** A small OIDC issuer: the organisation's identity provider, for officers of the demo. */
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { createPartner, escapeHtml, fieldsOf, listen, type Partner, type PartnerOptions, page } from './web.ts'

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

/** One officer who may do everything, and two who need each other. */
const officers = [
  {
    sub: 'officer-1',
    name: 'Cán bộ Một',
    roles: ['finance.read', 'finance.resolve', 'finance.approve', 'ops', 'audit'],
  },
  { sub: 'ketoan', name: 'Nguyễn Thị Kế Toán', roles: ['finance.read', 'finance.resolve'] },
  { sub: 'duyet', name: 'Trần Văn Duyệt', roles: ['finance.read', 'finance.approve'] },
] as const
const demoTenant = 'ten_thanhhoa'

export async function startIssuer({ host, port, now }: PartnerOptions): Promise<IssuerSandbox> {
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
  server.get('/token', async (request, reply) => {
    const query = fieldsOf(request.query)
    const officer = officers.find(({ sub }) => sub === query.get('sub')) ?? officers[0]
    const tenant = String(query.get('tenant') ?? demoTenant)
    const token = await issuer.token({ ...officer, tenant })
    const body = `<p>${escapeHtml(officer.name)}, ${escapeHtml(tenant)}: ${officer.roles.join(', ')}</p><textarea rows="8" readonly>${escapeHtml(token)}</textarea>`
    return await reply.type('text/html; charset=utf-8').send(page('Cán bộ / Officer', body))
  })
  server.get('/', (_request, reply) => {
    const buttons = officers.map(
      ({ sub, name, roles }) => `<button name="sub" value="${sub}">${escapeHtml(name)}: ${roles.join(', ')}</button>`,
    )
    const form = `<p>Lấy token cán bộ / Get an officer’s token</p><form action="/token"><label>Tổ chức / Tenant<input name="tenant" value="${demoTenant}"></label>${buttons.join('')}</form>`
    return reply.type('text/html; charset=utf-8').send(page('Nhà cung cấp định danh / Identity provider', form))
  })

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
