/** A whole gateway on loopback, over the run's PostgreSQL and Redis: the same wiring as `serve`, with a clock a test can set. */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { type Logger, pino } from 'pino'
import type { Test } from 'tap'
import type { Adapter } from '../../adapters/contract.ts'
import { createGateway, type Gateway } from '../../src/app.ts'
import { loadCatalogue } from '../../src/catalogue/load.ts'
import { addClient } from '../../src/clients/manage.ts'
import { scopes } from '../../src/clients/scopes.ts'
import { type Directory, loadDirectory } from '../../src/directory/load.ts'
import type { ClientCertificates } from '../../src/http/tls/client-certificates.ts'
import { createHttpCaller } from '../../src/network/http-caller.ts'
import { createWebhookCaller } from '../../src/network/webhook-caller.ts'
import type { OverloadLimits } from '../../src/overload/admission.ts'
import { createFieldCipher, type FieldCipher } from '../../src/personal/field-cipher.ts'
import type { Vault } from '../../src/secrets/vault.ts'
import type { KeyProvider } from '../../src/signing/key-provider.ts'
import { type KeyRing, openKeyRing } from '../../src/signing/key-ring.ts'
import type { Database } from '../../src/store/database.ts'
import type { RedisConnection } from '../../src/store/redis.ts'
import { testDatabase } from './database.ts'
import { type TestEnvironment, testEnvironment } from './environment.ts'
import { testRedis } from './redis.ts'
import { testVault } from './vault.ts'

export const testCipher = createFieldCipher(Buffer.alloc(32, 7))

export const catalogueData: unknown = JSON.parse(
  readFileSync(new URL('../../src/sandbox/data/illustrative-catalogue.json', import.meta.url), 'utf8'),
)

/** Noon of a day on which every rule of the illustrative catalogue is in force. */
export const testNoon = new Date('2026-11-20T05:00:00Z')

export type TestClient = {
  readonly clientId: string
  readonly tenantId: string
  readonly privateKey: KeyObject
  assertion(over?: Record<string, unknown>): Promise<string>
  token(): Promise<string>
}

export type TestGateway = {
  readonly gateway: Gateway
  readonly database: Database
  readonly databaseUrl: string
  readonly keys: KeyRing
  readonly vault: Vault
  readonly url: string
  readonly environment: TestEnvironment
  readonly client: TestClient
  readonly vnpaySecret: string
  /** A call as the client, with a fresh token and, for POST, a fresh Idempotency-Key unless one is given. */
  api(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<ApiAnswer>
  addClient(over?: {
    tenantId?: string
    scopes?: readonly string[]
    agencyCodes?: readonly string[]
    returnOrigins?: readonly string[]
  }): Promise<TestClient>
  load(directory: Directory): Promise<void>
}

export type ApiAnswer = {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: Record<string, never> & Record<string, unknown>
}

export type GatewayOver = {
  readonly redis?: RedisConnection | null
  readonly redisPrefix?: string
  readonly background?: boolean
  readonly maxConnections?: number
  readonly database?: { url: string; database: Database }
  readonly officerIssuer?: string
  readonly keys?: KeyRing
  /** Keeps the signing keys instead of a folder. */
  readonly signer?: KeyProvider
  readonly vault?: Vault
  readonly cipher?: FieldCipher
  readonly clientCertificates?: ClientCertificates
  readonly portalUrl?: string
  /** Shared by replicas behind one address; each test gateway is its own otherwise. */
  readonly publicUrl?: string
  /** Of a replica that comes to a database another gateway has loaded. */
  readonly vnpaySecret?: string
  readonly adapters?: readonly Adapter[]
  readonly log?: Logger
  readonly overload?: OverloadLimits
  readonly loopDelayMs?: () => number
}

/** The terminal of a VNPAY account: no two accounts share one. */
export function terminalOf(railAccountId: string): string {
  if (railAccountId === 'vnpay-h56-14') return 'TESTGW01'
  return createHash('sha256').update(railAccountId).digest('hex').slice(0, 8).toUpperCase()
}

export function testDirectory(
  over: { vnpaySecret?: string; railAccounts?: Directory['railAccounts']; tenantId?: string; agencyCode?: string } = {},
): Directory {
  const agencyCode = over.agencyCode ?? 'H56.14'
  const suffix = agencyCode.toLowerCase().replaceAll('.', '-')
  const beneficiary = (creditor: 'COLLECTING_AGENCY' | 'STATE_BUDGET' | 'PUBLIC_POST', accountNumber: string) => ({
    id: `bac_${suffix}-${creditor.toLowerCase().slice(0, 5).replace('_', '')}`,
    agencyCode,
    creditor,
    creditorName: 'Sở Tư pháp tỉnh',
    creditorTaxCode: '0100111948',
    bankBin: '970415',
    accountNumber,
    accountName: 'SO TU PHAP',
  })
  return {
    format: 'feegate-directory/1',
    tenant: { id: over.tenantId ?? 'ten_thanhhoa', name: 'Tỉnh Thanh Hóa' },
    agencies: [
      {
        code: agencyCode,
        nameVi: 'Sở Tư pháp',
        nameEn: 'Department of Justice',
        taxCode: '0100111948',
        validFrom: '2020-01-01',
      },
    ],
    beneficiaryAccounts: [
      beneficiary('COLLECTING_AGENCY', '113366668888'),
      beneficiary('STATE_BUDGET', '7111001'),
      beneficiary('PUBLIC_POST', '990011'),
    ],
    railAccounts: over.railAccounts ?? [
      {
        id: `vnpay-${suffix}`,
        rail: 'vnpay',
        beneficiaryAccountId: `bac_${suffix}-colle`,
        titleVi: 'Thẻ, tài khoản qua VNPAY',
        titleEn: 'Card or account by VNPAY',
        config: {
          tmnCode: terminalOf(`vnpay-${suffix}`),
          hashSecret: over.vnpaySecret ?? 'A'.repeat(32),
          payUrl: 'http://127.0.0.1:9/pay',
          apiUrl: 'http://127.0.0.1:9/api',
        },
      },
    ],
  }
}

export async function testGateway(t: Test, over: GatewayOver = {}): Promise<TestGateway> {
  const { url: databaseUrl, database } =
    over.database ?? (await testDatabase(t, { maxConnections: over.maxConnections ?? 10 }))
  const environment = testEnvironment(testNoon)
  const shared = over.redis === undefined ? testRedis(t) : null
  const folder = mkdtempSync(join(tmpdir(), 'feegate-keys-'))
  const keys = over.keys ?? openKeyRing(folder)
  if (keys.list().length === 0) await keys.generate('ES256', testNoon)
  const vault = over.vault ?? testVault()
  const calls = createHttpCaller()
  const webhooks = createWebhookCaller({ allowedRanges: ['127.0.0.0/8'], timeoutMs: 2_000 })
  let url = ''
  const gateway = await createGateway({
    database,
    redis: over.redis === undefined ? (shared?.redis ?? null) : over.redis,
    redisPrefix: over.redisPrefix ?? shared?.prefix ?? `g${randomBytes(4).toString('hex')}:`,
    environment,
    keys: over.signer ?? keys,
    vault,
    cipher: over.cipher ?? testCipher,
    call: calls.call,
    post: webhooks.post,
    log: over.log ?? pino({ level: process.env.TEST_LOG ?? 'silent' }),
    serverIp: '127.0.0.1',
    trustedProxies: [],
    webhookAllowedRanges: ['127.0.0.0/8'],
    webhookTimeoutMs: 2_000,
    officerIssuer: over.officerIssuer ?? null,
    officerAudience: 'feegate',
    production: false,
    ...(over.clientCertificates === undefined ? {} : { clientCertificates: over.clientCertificates }),
    ...(over.portalUrl === undefined ? {} : { portalUrl: over.portalUrl }),
    publicUrl: () => over.publicUrl ?? url,
    ...(over.overload === undefined ? {} : { overload: over.overload }),
    ...(over.loopDelayMs === undefined ? {} : { loopDelayMs: over.loopDelayMs }),
    ...(over.adapters === undefined ? {} : { adapters: over.adapters }),
  })
  await gateway.server.listen({ host: '127.0.0.1', port: 0 })
  url = `http://127.0.0.1:${(gateway.server.server.address() as AddressInfo).port}`
  if (over.background === true) await gateway.start()
  t.teardown(async () => {
    await gateway.close()
    await Promise.all([calls.close(), webhooks.close()])
    rmSync(folder, { recursive: true, force: true })
  })

  const vnpaySecret = over.vnpaySecret ?? randomBytes(16).toString('hex').toUpperCase()
  const load = async (directory: Directory): Promise<void> => {
    await database.transaction(async (tx) => {
      const { tenantId } = await loadDirectory(tx, environment, directory, 'test', vault, over.adapters)
      await loadCatalogue(tx, environment, { tenantId, actor: 'test', data: catalogueData, refuseIllustrative: false })
    })
  }
  await load(testDirectory({ vnpaySecret }))

  const newClient: TestGateway['addClient'] = async (given = {}) => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const tenantId = given.tenantId ?? 'ten_thanhhoa'
    const { clientId, kid } = await database.transaction((tx) =>
      addClient(
        tx,
        environment,
        {
          tenantId,
          name: 'Cổng thử nghiệm',
          scopes: given.scopes ?? scopes,
          agencyCodes: given.agencyCodes ?? [],
          returnOrigins: given.returnOrigins ?? ['https://portal.example'],
          requestsPerMinute: 100_000,
          jwk: publicKey.export({ format: 'jwk' }),
        },
        'test',
      ),
    )
    const assertion = (claims: Record<string, unknown> = {}): Promise<string> => {
      const now = Math.floor(environment.now().getTime() / 1000)
      return new SignJWT({
        iss: clientId,
        sub: clientId,
        aud: `${over.publicUrl ?? url}/oauth/token`,
        iat: now,
        exp: now + 60,
        jti: randomUUID(),
        ...claims,
      })
        .setProtectedHeader({ alg: 'ES256', kid })
        .sign(privateKey)
    }
    const token = async (): Promise<string> => {
      const answer = await fetch(`${url}/oauth/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: await assertion(),
        }),
      })
      const json: unknown = await answer.json()
      if (!answer.ok || typeof json !== 'object' || json === null || !('access_token' in json))
        throw new Error(`no token: ${answer.status} ${JSON.stringify(json)}`)
      return String(json.access_token)
    }
    return { clientId, tenantId, privateKey, assertion, token }
  }
  const client = await newClient()
  let token: Promise<string> | null = null
  let tokenAt = 0
  return {
    gateway,
    database,
    databaseUrl,
    keys,
    vault,
    url,
    environment,
    client,
    vnpaySecret,
    addClient: newClient,
    load,
    async api(method, path, body, headers = {}) {
      // Tests move the clock: a token is renewed well before its ten minutes are over.
      const now = environment.now().getTime()
      if (token === null || now - tokenAt > 300_000) {
        token = client.token()
        tokenAt = now
      }
      return await callApi(url, method, path, body, { authorization: `Bearer ${await token}`, ...headers })
    },
  }
}

/** One HTTP call; a body that is a string goes as it is. */
export async function callApi(
  url: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<ApiAnswer> {
  const answer = await fetch(`${url}${path}`, {
    method,
    redirect: 'manual',
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(method === 'POST' ? { 'idempotency-key': randomUUID() } : {}),
      ...headers,
    },
    ...(body === undefined
      ? {}
      : { body: typeof body === 'string' || body instanceof Uint8Array ? (body as string) : JSON.stringify(body) }),
  })
  const text = await answer.text()
  let json: unknown = {}
  try {
    json = JSON.parse(text)
  } catch {
    json = {}
  }
  return { status: answer.status, headers: answer.headers, text, json: json as ApiAnswer['json'] }
}

let dossiers = 0

/** A valid request: temporary residence online (7,000 VND) for a dossier of its own. */
export function anInvoice(over: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    dossierCode: `H56.14-261120-${String(++dossiers).padStart(4, '0')}`,
    procedureCode: '1.004194',
    collectingAgencyCode: 'H56.14',
    collectionMode: 'UPFRONT',
    submitter: { name: 'Nguyễn Văn An', personalId: '001199000001' },
    items: [{ feeCode: feeCodeOf('1.004194') }],
    ...over,
  }
}

/** The fee code of a procedure of the illustrative catalogue. */
export function feeCodeOf(procedureCode: string): string {
  const { procedures } = catalogueData as { procedures: { code: string; rates: { feeCode: string }[] }[] }
  const code = procedures.find(({ code }) => code === procedureCode)?.rates[0]?.feeCode
  if (code === undefined) throw new Error(`no procedure ${procedureCode}`)
  return code
}
