/** Gateway replicas that are started, killed and started again over one database. */
import { pino } from 'pino'
import { createGateway, type Gateway } from '../../../src/app.ts'
import type { Environment } from '../../../src/environment.ts'
import { type OfficerVerifier, roles } from '../../../src/http/auth/officer.ts'
import { HttpCallError, type HttpCaller } from '../../../src/network/http-caller.ts'
import type { WebhookAnswer, WebhookCaller, WebhookPost } from '../../../src/network/webhook-caller.ts'
import { createFieldCipher } from '../../../src/personal/field-cipher.ts'
import { Problem } from '../../../src/problem/problem.ts'
import type { Vault } from '../../../src/secrets/vault.ts'
import type { KeyRing } from '../../../src/signing/key-ring.ts'
import { type Database, openDatabase } from '../../../src/store/database.ts'
import { simulatedEnvironment } from '../engine/environment.ts'
import { exchange } from '../engine/network.ts'
import type { Postgres } from '../engine/postgres.ts'
import type { SimulatedRedis } from '../engine/redis.ts'
import type { Host, World } from '../engine/world.ts'
import type { Banks } from './banks.ts'

export type HttpRequest = {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}
export type HttpResponse = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

type Replica = { readonly host: Host; readonly gateway: Gateway }

export type Process = {
  readonly host: Host
  readonly environment: Environment
  readonly database: Database
  readonly vault: Vault
  readonly call: HttpCaller
  readonly post: WebhookCaller
}

export const publicUrl = 'https://gateway.sim'
const connectionsPerReplica = 6
const log = pino({ level: process.env.SIMULATION_LOG ?? 'silent' })

export class Replicas {
  readonly living: Replica[] = []
  private readonly world: World
  private readonly parts: ReplicaParts
  private started = 0

  constructor(world: World, parts: ReplicaParts) {
    this.world = world
    this.parts = parts
  }

  /** What one process has of the outside. Nothing runs in it yet; when the world takes its host away, all of it is gone. */
  process(): Process {
    const { world } = this
    const { postgres, vault, banks, dossiers } = this.parts
    const host: Host = { name: `gateway-${++this.started}`, alive: true, skewMs: 0 }
    const environment = simulatedEnvironment(world, host)
    const database = openDatabase({
      url: '',
      maxConnections: connectionsPerReplica,
      log,
      driver: postgres.driverFor(host),
      random: () => (environment.random(1)[0] ?? 0) / 256,
      sleep: (ms) => environment.sleep(ms),
    })
    const call: HttpCaller = async ({ method, url, headers, body, timeoutMs }) => {
      const { pathname } = new URL(url)
      const result = await exchange(world, {
        from: host,
        operation: 'rail',
        label: `${method} ${banks.nameOf(url)}${pathname}`,
        timeoutMs,
        deliver: () => banks.receive({ method, url, headers, ...(body === undefined ? {} : { body }) }),
      })
      if (result.kind === 'answered') {
        const { status, headers: named, body: text } = result.answer
        return { status, headers: named, body: new Uint8Array(Buffer.from(text, 'utf8')) }
      }
      throw new HttpCallError(`no answer from ${banks.nameOf(url)}`, {
        neverSent: result.kind === 'neverSent',
        cause: null,
      })
    }
    const post: WebhookCaller = async (webhook) => {
      const result = await exchange(world, {
        from: host,
        operation: 'webhook',
        label: `webhook ${webhook.headers['webhook-id'] ?? ''}`,
        timeoutMs: 10_000,
        deliver: () => dossiers(webhook),
      })
      return result.kind === 'answered' ? result.answer : { kind: 'failed', error: result.kind }
    }
    return { host, environment, database, vault, call, post }
  }

  async start(): Promise<void> {
    const { world } = this
    const { redis, keys } = this.parts
    const { host, environment, database, vault, call, post } = this.process()
    const gateway = await createGateway({
      database,
      redis: redis?.clientFor(host) ?? null,
      redisPrefix: 'sim:',
      environment,
      keys,
      vault,
      cipher: createFieldCipher(Buffer.alloc(32, 7)),
      call,
      post,
      log,
      serverIp: '127.0.0.1',
      trustedProxies: [],
      webhookAllowedRanges: ['127.0.0.0/8'],
      webhookTimeoutMs: 10_000,
      officerIssuer: null,
      officerAudience: 'feegate',
      verifyOfficer: officerOf,
      production: false,
      publicUrl: () => publicUrl,
    })
    await gateway.start()
    this.living.push({ host, gateway })
    world.record(host.name, 'started')
    await world.drain()
  }

  /** The world has taken the host away. */
  async forget(host: Host): Promise<void> {
    const index = this.living.findIndex((replica) => replica.host === host)
    if (index !== -1) this.living.splice(index, 1)
    await this.parts.postgres.forget(host)
  }

  /** One of the living answers, or the connection is refused. */
  async receive(request: HttpRequest): Promise<HttpResponse> {
    const replica = this.living[this.world.random.below(Math.max(1, this.living.length))]
    if (replica === undefined) throw new Error('nobody listens')
    const { method, url, headers, body } = request
    const answer = await replica.gateway.server.inject({
      method: method as 'GET',
      url,
      headers: { host: 'gateway.sim', ...headers },
      remoteAddress: '203.0.113.5',
      ...(body === undefined ? {} : { payload: body }),
    })
    const flat: Record<string, string> = {}
    for (const [name, value] of Object.entries(answer.headers)) if (value !== undefined) flat[name] = String(value)
    return { status: answer.statusCode, headers: flat, body: answer.body }
  }
}

/** Officers are who they say they are: how they prove it is tried elsewhere. */
const officerOf: OfficerVerifier = (request) => {
  const subject = /^Officer (\w+)$/.exec(request.headers.authorization ?? '')?.[1]
  return subject === undefined
    ? Promise.reject(new Problem('UNAUTHENTICATED'))
    : Promise.resolve({ subject, name: subject, tenantId: 'ten_thanhhoa', roles: [...roles], unit: null })
}

type ReplicaParts = {
  readonly postgres: Postgres
  readonly redis: SimulatedRedis | null
  readonly keys: KeyRing
  readonly vault: Vault
  readonly banks: Banks
  readonly dossiers: (post: WebhookPost) => Promise<WebhookAnswer>
}
