/** A portal as it would be written outside: an own key, tokens by private_key_jwt, plain HTTP. */
import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'

export type PortalInvoice = {
  readonly id: string
  readonly status: string
  readonly dossierCode: string
  readonly total: number
  readonly payCode: string
  readonly payUrl: string
  readonly paidAt: string | null
  readonly lateBySeconds: number | null
  readonly jws: string
  readonly vietQr: { readonly payload: string } | null
}

export type Portal = {
  readonly publicJwk: unknown
  connect(gatewayUrl: string, clientId: string, kid: string): void
  issue(body: object): Promise<PortalInvoice>
  invoice(id: string): Promise<PortalInvoice>
  startPayment(
    invoiceId: string,
    body: object,
  ): Promise<{ merchantRef: string; instruction: { kind: string; url?: string } }>
  registerWebhook(url: string): Promise<{ secret: string }>
}

export function createPortal(now: () => Date): Portal {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  let connection: { url: string; clientId: string; kid: string } | null = null
  let token: { text: string; until: number } | null = null

  async function accessToken(): Promise<string> {
    if (connection === null) throw new Error('connect the portal first')
    const seconds = Math.floor(now().getTime() / 1000)
    if (token !== null && token.until > seconds) return token.text
    const answer = await fetch(`${connection.url}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: await assertion(privateKey, connection, seconds),
      }),
    })
    const json = (await answer.json()) as { access_token?: string; error_description?: string }
    if (json.access_token === undefined) throw new Error(`no token: ${json.error_description ?? answer.status}`)
    token = { text: json.access_token, until: seconds + 300 }
    return token.text
  }

  async function call<Answer>(method: 'GET' | 'POST', path: string, body?: object): Promise<Answer> {
    const answer = await fetch(`${connection?.url ?? ''}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${await accessToken()}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json', 'idempotency-key': randomUUID() }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return JSON.parse(text)
  }

  return {
    publicJwk: publicKey.export({ format: 'jwk' }),
    connect(url, clientId, kid) {
      connection = { url, clientId, kid }
    },
    issue: (body) => call('POST', '/v1/invoices', body),
    invoice: (id) => call('GET', `/v1/invoices/${id}`),
    startPayment: (id, body) => call('POST', `/v1/invoices/${id}/payments`, body),
    registerWebhook: (url) => call('POST', '/v1/webhook-endpoints', { url }),
  }
}

async function assertion(
  key: KeyObject,
  { url, clientId, kid }: { url: string; clientId: string; kid: string },
  seconds: number,
): Promise<string> {
  return await new SignJWT({ jti: randomUUID() })
    .setProtectedHeader({ alg: 'ES256', kid })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(`${url}/oauth/token`)
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + 60)
    .sign(key)
}
