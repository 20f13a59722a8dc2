/** A small OIDC issuer for officers of agencies: discovery, keys, and tokens for whoever asks. Only ever for demos and tests. */
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose'
import { createBehaviour } from './behaviour.ts'
import type { SandboxContext } from './context.ts'
import { both, html } from './page.ts'
import { createPartnerServer, formOf, listen, registerConsole, sendPage } from './partner.ts'

export type OfficerTokenRequest = {
  readonly sub: string
  readonly roles: readonly string[]
  readonly name?: string
  /** The agency's organisation at the gateway. */
  readonly tenant?: string
  /** Code of the agency the officer sits in; clerks need one. */
  readonly unit?: string
  readonly audience?: string
  readonly lifetimeSeconds?: number
}

export type IssuerOptions = {
  readonly port?: number
  /** Private ES256 key that outlives a restart; a new one otherwise. */
  readonly key?: JWK
  readonly tenant?: string
  readonly audience?: string
}

export type Issuer = {
  readonly baseUrl: string
  /** `iss` of every token, the same as `baseUrl`. */
  readonly issuer: string
  readonly jwksUrl: string
  readonly officers: readonly OfficerTokenRequest[]
  token(request: OfficerTokenRequest): Promise<string>
  /** Signs with a new key from now on; the last few stay published. Returns the new key's id. */
  rotate(): Promise<string>
  behaviour: ReturnType<typeof createBehaviour>
  close(): Promise<void>
}

const mostKeys = 3
const hourSeconds = 60 * 60

/** Of the clerks; in the example directory. */
export const counterUnit = 'H56.301'

/** One officer for each job, so that two people can do what takes two. */
export const demoOfficers: readonly OfficerTokenRequest[] = [
  { sub: 'ketoan01', name: 'Nguyễn Thị Kế Toán', roles: ['finance.read', 'finance.resolve'] },
  { sub: 'ketoantruong', name: 'Trần Văn Duyệt', roles: ['finance.read', 'finance.approve'] },
  { sub: 'vanhanh01', name: 'Lê Vận Hành', roles: ['ops'] },
  { sub: 'kiemtoan01', name: 'Phạm Kiểm Toán', roles: ['audit', 'finance.read'] },
  { sub: 'baovedulieu01', name: 'Vũ Thị Bảo Vệ Dữ Liệu', roles: ['privacy'] },
  { sub: 'motcua01', name: 'Hoàng Thị Một Cửa', roles: ['counter'], unit: counterUnit },
  { sub: 'motcua02', name: 'Đỗ Văn Một Cửa', roles: ['counter'], unit: counterUnit },
]

export async function makeIssuerKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  return await exportJWK(privateKey)
}

export async function startIssuer(context: SandboxContext, options: IssuerOptions = {}): Promise<Issuer> {
  const { tenant = 'ten_demo', audience = 'feegate' } = options
  const behaviour = createBehaviour()
  const server = createPartnerServer(behaviour, context)
  let keys: readonly { readonly kid: string; readonly jwk: JWK }[] = [
    await named(options.key ?? (await makeIssuerKey())),
  ]

  async function token(asked: OfficerTokenRequest): Promise<string> {
    const [signing] = keys
    if (signing === undefined) throw new TypeError('the issuer has no key')
    const issuedAt = Math.floor((context.clock.now().getTime() + behaviour.current.clockSkewMs) / 1000)
    const jwt = await new SignJWT({
      name: asked.name ?? asked.sub,
      tenant: asked.tenant ?? tenant,
      roles: [...asked.roles],
      ...(asked.unit === undefined ? {} : { unit: asked.unit }),
    })
      .setProtectedHeader({ alg: 'ES256', kid: signing.kid, typ: 'JWT' })
      .setIssuer(baseUrl)
      .setSubject(asked.sub)
      .setAudience(asked.audience ?? audience)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + (asked.lifetimeSeconds ?? hourSeconds))
      .setJti(Buffer.from(context.random(16)).toString('hex'))
      .sign(await importJWK(signing.jwk, 'ES256'))
    return behaviour.current.badSignature ? `${jwt.slice(0, -8)}AAAAAAAA` : jwt
  }

  server.get('/.well-known/openid-configuration', (_request, reply) =>
    reply.send({
      issuer: baseUrl,
      jwks_uri: `${baseUrl}/jwks.json`,
      token_endpoint: `${baseUrl}/token`,
      response_types_supported: ['token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
    }),
  )
  server.get('/jwks.json', (_request, reply) => reply.send({ keys: keys.map(({ kid, jwk }) => publicOf(kid, jwk)) }))
  server.post('/token', async (request, reply) => {
    const form = formOf(request)
    const sub = form.get('sub') ?? ''
    const known = demoOfficers.find((officer) => officer.sub === sub)
    const roles = form.getAll('roles').flatMap((list) => list.split(/[ ,]+/).filter((role) => role !== ''))
    if (sub === '') return await reply.code(400).send({ error: 'invalid_request' })
    const asked = {
      sub,
      name: form.get('name') ?? known?.name ?? sub,
      roles: roles.length > 0 ? roles : (known?.roles ?? []),
    }
    const unit = form.get('unit') ?? known?.unit
    const given = await token({
      ...asked,
      ...(form.has('tenant') ? { tenant: form.get('tenant') ?? '' } : {}),
      ...(unit === undefined ? {} : { unit }),
      ...(form.has('audience') ? { audience: form.get('audience') ?? '' } : {}),
    })
    if (form.has('page'))
      return await sendPage(reply, 'Mã truy cập', 'Access token', html`<p>${asked.name}</p><pre>${given}</pre>`)
    return await reply.send({ access_token: given, token_type: 'Bearer', expires_in: hourSeconds })
  })
  server.post('/sandbox/rotate', async (_request, reply) => {
    await rotate()
    return await reply.redirect('/', 303)
  })
  registerConsole(server, {
    titleVi: 'Nhà cung cấp định danh cán bộ (giả lập)',
    titleEn: 'Issuer of officers (simulated)',
    behaviour,
    config: () => ({ issuer: baseUrl, audience, tenant }),
    transactions: () => keys.map(({ kid }, index) => ({ kid, use: index === 0 ? 'signs' : 'verifies' })),
    extra: () =>
      html`<form method="post" action="/token"><input type="hidden" name="page" value="1">${demoOfficers.map(
        ({ sub, name, roles }) => html`<button name="sub" value="${sub}">${name ?? sub}: ${roles.join(', ')}</button>`,
      )}</form><form method="post" action="/sandbox/rotate"><button>${both('Đổi khoá ký', 'Rotate the key')}</button></form>`,
  })

  async function rotate(): Promise<string> {
    const next = await named(await makeIssuerKey())
    keys = [next, ...keys].slice(0, mostKeys)
    return next.kid
  }

  const baseUrl = await listen(server, context, options.port ?? 0)
  return {
    baseUrl,
    issuer: baseUrl,
    jwksUrl: `${baseUrl}/jwks.json`,
    officers: demoOfficers,
    token,
    rotate,
    behaviour,
    close: () => server.close(),
  }
}

async function named(jwk: JWK): Promise<{ kid: string; jwk: JWK }> {
  return { kid: await calculateJwkThumbprint(jwk), jwk }
}

function publicOf(kid: string, { kty, crv, x, y }: JWK): Record<string, unknown> {
  return { kty, crv, x, y, kid, alg: 'ES256', use: 'sig' }
}
