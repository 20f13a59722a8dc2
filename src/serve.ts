/** One gateway process: stores, keys, server, background; stopped cleanly by SIGINT and SIGTERM. */
import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import type { Logger } from 'pino'
import { createGateway, type Gateway } from './app.ts'
import type { Config } from './config.ts'
import { type Environment, realEnvironment } from './environment.ts'
import { createHttpCaller } from './network/http-caller.ts'
import { createWebhookCaller } from './network/webhook-caller.ts'
import { type KeyRing, openKeyRing } from './signing/key-ring.ts'
import { type Database, openDatabase } from './store/database.ts'
import { startEmbeddedPostgres } from './store/embedded/postgres.ts'
import { startEmbeddedRedis } from './store/embedded/redis.ts'
import { migrate } from './store/migrate.ts'
import { connectRedis } from './store/redis.ts'

export type RunningGateway = {
  readonly gateway: Gateway
  readonly database: Database
  readonly keys: KeyRing
  readonly publicUrl: string
  /** Connection string of the owner, for tools of the same machine. */
  readonly databaseUrl: string
  readonly redis: 'configured' | 'embedded' | 'none'
  stop(): Promise<void>
}

/** The database of the configuration, or the embedded one; migrated. */
export async function openStore(
  config: Config,
  log: Logger,
  environment: Environment = realEnvironment,
): Promise<{ database: Database; url: string; close(): Promise<void> }> {
  const embedded = config.databaseUrl === null ? await startEmbeddedPostgres({ dataDir: config.dataDir, log }) : null
  const url = embedded?.url ?? config.databaseUrl ?? ''
  if (embedded !== null) log.info({ data: embedded.dataDir }, 'embedded PostgreSQL is running')
  await migrate({ url, log })
  const database = openDatabase({
    url,
    maxConnections: config.databasePool,
    log,
    serviceRole: 'feegate_service',
    random: () => (environment.random(1)[0] ?? 0) / 256,
    sleep: (ms) => environment.sleep(ms),
  })
  return {
    database,
    url,
    async close() {
      await database.close()
      await embedded?.stop()
    },
  }
}

/** The key folder, with a first key made when it is empty. */
export async function openKeys(config: Config, log: Logger, now: Date): Promise<KeyRing> {
  const keys = openKeyRing(resolve(config.keysDir))
  if (keys.list().length === 0)
    log.info({ kid: await keys.generate('ES256', now), folder: config.keysDir }, 'first signing key made')
  return keys
}

export async function startServing(
  config: Config,
  log: Logger,
  environment: Environment = realEnvironment,
): Promise<RunningGateway> {
  const store = await openStore(config, log, environment)
  const embeddedRedis = config.redisUrl === null ? await startEmbeddedRedis({ dataDir: config.dataDir, log }) : null
  const redisUrl = config.redisUrl ?? embeddedRedis?.url ?? null
  const redis = redisUrl === null ? null : connectRedis(redisUrl, log)
  if (redis === null) log.info('no Redis here: PostgreSQL alone keeps the promises, repeats cost a little more')
  const keys = await openKeys(config, log, environment.now())
  const calls = createHttpCaller()
  const webhooks = createWebhookCaller({
    allowedRanges: config.webhookAllowedRanges,
    timeoutMs: config.webhookTimeoutMs,
  })
  let publicUrl = config.publicUrl ?? ''
  const gateway = await createGateway({
    database: store.database,
    redis,
    redisPrefix: config.redisPrefix,
    environment,
    keys,
    call: calls.call,
    post: webhooks.post,
    log,
    serverIp: config.serverIp,
    trustedProxies: config.trustedProxies,
    webhookAllowedRanges: config.webhookAllowedRanges,
    webhookTimeoutMs: config.webhookTimeoutMs,
    officerIssuer: config.officerIssuer,
    officerAudience: config.officerAudience,
    production: config.mode === 'production',
    exportFolder: config.exportFolder,
    publicUrl: () => publicUrl,
  })
  await gateway.server.listen({ host: config.host, port: config.port })
  const address = gateway.server.server.address() as AddressInfo
  if (publicUrl === '') publicUrl = `http://${config.host === '0.0.0.0' ? '127.0.0.1' : config.host}:${address.port}`
  await gateway.start()
  log.info({ publicUrl, mode: config.mode }, 'FeeGate is serving')
  return {
    gateway,
    database: store.database,
    keys,
    publicUrl,
    databaseUrl: store.url,
    redis: config.redisUrl !== null ? 'configured' : embeddedRedis !== null ? 'embedded' : 'none',
    async stop() {
      await gateway.close()
      await Promise.all([calls.close(), webhooks.close()])
      redis?.disconnect()
      await embeddedRedis?.stop()
      await store.close()
      log.info('FeeGate has stopped')
    },
  }
}
