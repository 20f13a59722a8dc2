/** Everything of one run, put together: stores, replicas, banks, portals, dossier systems, and the doors between them. */
import { generateKeyPairSync } from 'node:crypto'
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { loadCatalogue } from '../../src/catalogue/load.ts'
import { addClient } from '../../src/clients/manage.ts'
import { scopes } from '../../src/clients/scopes.ts'
import { loadDirectory } from '../../src/directory/load.ts'
import { realEnvironment } from '../../src/environment.ts'
import { openVault } from '../../src/secrets/open-vault.ts'
import { type Database, openDatabase } from '../../src/store/database.ts'
import { migrate } from '../../src/store/migrate.ts'
import { testDirectory } from '../harness/gateway.ts'
import { freePorts, loopback } from '../harness/ports.ts'
import { type RedisCluster, startRedisCluster } from '../harness/redis-cluster.ts'
import { type RedisServer, startRedisServer } from '../harness/redis-server.ts'
import { transitionLog } from '../simulation/invariants.ts'
import { BankProcess, type BankRail, bankRails } from './bank-process.ts'
import { Door } from './door.ts'
import { DossierSystem } from './dossiers.ts'
import { Load } from './load.ts'
import { Portal } from './portal.ts'
import { PostgresPair } from './postgres.ts'
import { Replica } from './replicas.ts'

export type Doors = {
  /** Portals and payers → gateways. */
  readonly front: Door
  /** Banks → gateways. */
  readonly callbacks: Door
  readonly database: Door
  readonly redis: Door
  readonly banks: Readonly<Record<BankRail, Door>>
  readonly dossiers: readonly Door[]
}

export type Stage = {
  readonly folder: string
  readonly doors: Doors
  readonly postgres: PostgresPair
  readonly redis: RedisServer
  readonly cluster: RedisCluster
  readonly banks: BankProcess
  readonly portals: readonly Portal[]
  readonly dossiers: readonly DossierSystem[]
  readonly load: Load
  /** Those that run now. */
  replicas: readonly Replica[]
  /** All that ran, for their logs. */
  readonly everyReplica: Replica[]
  /** `'server'`: one Redis behind a door; `'cluster'`: as replicas have it. */
  redisKind: 'server' | 'cluster'
  note(line: string): void
  run(count: number): Promise<void>
  openDatabase(): Database
  close(): Promise<void>
}

export const databaseName = 'feegate'
const portalCount = 2
const catalogue: unknown = JSON.parse(
  readFileSync(new URL('../../src/sandbox/data/illustrative-catalogue.json', import.meta.url), 'utf8'),
)

export async function openStage(folder: string, mostReplicas: number, minutes: number): Promise<Stage> {
  const log = pino({ level: 'silent' })
  const closing: (() => Promise<unknown>)[] = []
  const opened = <Part>(part: Part, close: () => Promise<unknown>): Part => {
    closing.unshift(close)
    return part
  }
  const close = async (): Promise<void> => {
    for (const end of closing) await end()
  }
  const note = (line: string): void => {
    const text = `${new Date().toISOString().slice(11, 23)} ${line}\n`
    appendFileSync(join(folder, 'timeline.log'), text)
  }
  try {
    const [first = 0, second = 0, redisPort = 0, ...gatewayPorts] = await freePorts(3 + mostReplicas)
    const postgres = new PostgresPair(folder, [first, second], minutes)
    opened(postgres, () => postgres.close())
    const [banks, redis, cluster] = await Promise.all([
      BankProcess.start(join(folder, 'banks.log')).then((part) => opened(part, () => part.close())),
      startRedisServer(join(folder, 'redis'), redisPort).then((part) => opened(part, () => part.kill())),
      startRedisCluster(join(folder, 'cluster')).then((part) => opened(part, () => part.close())),
      postgres.start(databaseName),
    ])
    const door = async (targets: () => readonly number[]): Promise<Door> => {
      const one = await Door.open(targets)
      return opened(one, () => one.close())
    }
    let replicas: readonly Replica[] = []
    const gateways = (): number[] => replicas.map(({ port }) => port)
    const accounts = await banks.accounts()
    const dossiers = await Promise.all(
      Array.from({ length: portalCount }, async () => {
        const one = await DossierSystem.open()
        return opened(one, () => one.close())
      }),
    )
    const doors: Doors = {
      front: await door(gateways),
      callbacks: await door(gateways),
      database: await door(() => [postgres.primary.port]),
      redis: await door(() => [redisPort]),
      banks: Object.fromEntries(
        await Promise.all(
          bankRails.map(async (rail) => [rail, await door(() => [Number(new URL(accounts[rail].baseUrl).port)])]),
        ),
      ),
      dossiers: await Promise.all(dossiers.map(({ port }) => door(() => [port]))),
    }
    const publicUrl = `http://${loopback}:${doors.front.port}`
    await banks.callBackTo(`http://${loopback}:${doors.callbacks.port}`)

    await migrate({ url: postgres.primary.url(databaseName), log })
    await postgres.primary.asOwner(databaseName, (client) => client.query(transitionLog))
    const keysDir = join(folder, 'keys')
    mkdirSync(keysDir, { mode: 0o700 })
    const vault = openVault({ keysDir, masterKeys: null, masterKeysFile: null }, realEnvironment.random)
    const openOwnDatabase = (): Database =>
      openDatabase({ url: postgres.primary.url(databaseName), maxConnections: 4, log, serviceRole: 'feegate_service' })
    const database = openOwnDatabase()
    const clients = await database.transaction(async (tx) => {
      const [model] = testDirectory().railAccounts
      if (model === undefined) throw new Error('the directory has no rail account to copy')
      const directory = testDirectory({
        railAccounts: bankRails.map((rail, position) => ({
          ...{ ...model, id: `${rail}-chaos`, rail, position },
          // The gateway reaches each bank through its door; payers go to the bank itself.
          config: JSON.parse(
            JSON.stringify(accounts[rail].config).replaceAll(
              accounts[rail].baseUrl,
              `http://${loopback}:${doors.banks[rail].port}`,
            ),
          ),
        })),
      })
      const { tenantId } = await loadDirectory(tx, realEnvironment, directory, 'chaos', vault)
      await loadCatalogue(tx, realEnvironment, { tenantId, actor: 'chaos', data: catalogue, refuseIllustrative: false })
      const added = []
      for (const [index, dossier] of dossiers.entries()) {
        const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
        const client = {
          tenantId,
          name: `Cổng ${index + 1}`,
          scopes,
          agencyCodes: [],
          returnOrigins: ['https://portal.example'],
          requestsPerMinute: 1_000_000,
          jwk: publicKey.export({ format: 'jwk' }),
        }
        added.push({ ...(await addClient(tx, realEnvironment, client, 'chaos')), privateKey, dossiers: dossier })
      }
      return added
    })
    await database.close()

    const portals = clients.map((client) => {
      const portal = new Portal({ url: publicUrl, ...client })
      return opened(portal, () => portal.close())
    })
    const stage: Stage = {
      ...{ folder, doors, postgres, redis, cluster, banks, portals, dossiers, note, close },
      load: new Load(portals, banks),
      replicas,
      everyReplica: [],
      redisKind: 'server',
      openDatabase: openOwnDatabase,
      async run(count) {
        await Promise.all(stage.replicas.map((replica) => replica.stop()))
        stage.redisKind = count === 1 ? 'server' : 'cluster'
        replicas = gatewayPorts
          .slice(0, count)
          .map((port, index) => new Replica(folder, `gateway-${count}-${index + 1}`, port, note))
        stage.replicas = replicas
        stage.everyReplica.push(...replicas)
        const variables = {
          PATH: process.env.PATH,
          ...{ HOST: loopback, DATA_DIR: folder, KEYS_DIR: keysDir, PUBLIC_URL: publicUrl, LOG_LEVEL: 'info' },
          ...{ WEBHOOK_ALLOWED_RANGES: '127.0.0.0/8', WEBHOOK_TIMEOUT_MS: '2000', DATABASE_POOL: '10' },
          DATABASE_URL: postgres.primary.url(databaseName, doors.database.port),
          REDIS_URL: stage.redisKind === 'server' ? `redis://${loopback}:${doors.redis.port}` : cluster.url,
        }
        for (const replica of replicas) replica.start(variables)
        await Promise.all(replicas.map((replica) => replica.ready()))
      },
    }
    closing.unshift(() => Promise.all(stage.replicas.map((replica) => replica.stop())))
    return stage
  } catch (error) {
    await close()
    throw error
  }
}

/** Each portal's dossier system is told by a webhook of its own. */
export async function registerWebhooks({ portals, doors }: Stage): Promise<void> {
  for (const [index, portal] of portals.entries()) {
    const url = `http://${loopback}:${doors.dossiers[index]?.port}/webhooks`
    const { status, json, text } = await portal.call({
      method: 'POST',
      path: '/v1/webhook-endpoints',
      key: `webhook-${index}`,
      body: { url },
    })
    if (status !== 201) throw new Error(`the webhook was answered ${status} ${text}`)
    portal.dossiers.secret = String(json.secret)
  }
}
