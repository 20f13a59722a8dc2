/** One gateway process: stores, keys, server, background; stopped cleanly by SIGINT and SIGTERM. */
import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import type { Logger } from 'pino'
import { createGateway, type Gateway } from './app.ts'
import type { Config } from './config.ts'
import { sealPlainEndpoints } from './delivery/endpoint-secrets.ts'
import type { Ending } from './endings/ending.ts'
import { endingsOfFiles, endingsOfKeys, endingsOfMasterKeys } from './endings/of-files.ts'
import { endingsOfStore } from './endings/of-store.ts'
import { type Environment, realEnvironment } from './environment.ts'
import { createClientCertificates } from './http/tls/client-certificates.ts'
import { startTlsListener, type TlsListener } from './http/tls/listener.ts'
import { createHttpCaller } from './network/http-caller.ts'
import { createWebhookCaller } from './network/webhook-caller.ts'
import { watchLoopDelay } from './overload/loop-delay.ts'
import { openFieldCipher } from './personal/field-cipher.ts'
import { sealPlainAccounts } from './rails/stored-config.ts'
import { sealPlainProviders } from './receipt/provider-secrets.ts'
import { sealPlainPayees } from './refund/payee.ts'
import { openVault } from './secrets/open-vault.ts'
import type { Vault } from './secrets/vault.ts'
import { openTrust } from './signing/certificate-trust.ts'
import type { KeyProvider } from './signing/key-provider.ts'
import { openKeys } from './signing/open-keys.ts'
import { type Database, openDatabase } from './store/database.ts'
import { startEmbeddedPostgres } from './store/embedded/postgres.ts'
import { startEmbeddedRedis } from './store/embedded/redis.ts'
import { migrate } from './store/migrate.ts'
import { connectRedis } from './store/redis.ts'

export type RunningGateway = {
  readonly gateway: Gateway
  readonly database: Database
  readonly keys: KeyProvider
  readonly vault: Vault
  readonly publicUrl: string
  /** Connection string of the owner, for tools of the same machine. */
  readonly databaseUrl: string
  readonly redis: 'configured' | 'embedded' | 'none'
  stop(): Promise<void>
}

/** Requests under way on TLS listeners get this long at the end. */
const listenerCloseMs = 10_000

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

/** Seals what an earlier version wrote plain; safe on all replicas at once. Returns how many rows. */
export async function sealPlain(database: Database, vault: Vault): Promise<number> {
  const rows = [
    await sealPlainAccounts(database, vault),
    await sealPlainEndpoints(database, vault),
    await sealPlainProviders(database, vault),
    await sealPlainPayees(database, vault),
  ]
  return rows.reduce((sum, count) => sum + count, 0)
}

export class DemoMaterialError extends Error {
  readonly code = 'DEMO_MATERIAL'
}

/** @throws DemoMaterialError in production, naming each demo key and certificate that is in use */
function refuseDemo({ mode }: Config, inUse: readonly Ending[]): void {
  const demo = inUse.filter(({ isDemo }) => isDemo).map(({ name }) => name)
  if (mode === 'production' && demo.length > 0)
    throw new DemoMaterialError(`demo keys and certificates are refused in production:\n  ${demo.join('\n  ')}`)
}

/** A start that fails half-way leaves nothing running: what was opened is closed again, the last first. */
export async function startServing(
  config: Config,
  log: Logger,
  environment: Environment = realEnvironment,
): Promise<RunningGateway> {
  const opened: (() => Promise<unknown>)[] = []
  const stop = async (): Promise<void> => {
    for (const close of opened.reverse()) await close()
  }
  try {
    const running = await start(config, log, environment, (close) => void opened.push(close))
    return {
      ...running,
      async stop() {
        await stop()
        log.info('FeeGate has stopped')
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function start(
  config: Config,
  log: Logger,
  environment: Environment,
  onClose: (close: () => Promise<unknown>) => void,
): Promise<Omit<RunningGateway, 'stop'>> {
  // Before any store: what is missing or wrong here ends the start with a sentence.
  const keys = openKeys(config, {
    now: environment.now(),
    made: (kid) => log.info({ kid, folder: config.keysDir }, 'first signing key made'),
  })
  const vault = openVault(config, environment.random, (file) => log.info({ file }, 'sandbox master key made'))
  const bankTrust =
    config.bankAuthorities.length === 0
      ? null
      : openTrust({ authorities: config.bankAuthorities, crls: config.bankCrls })
  const signerTrust = config.signerCrls.length === 0 ? null : openTrust({ authorities: [], crls: config.signerCrls })
  const clientCertificates = createClientCertificates({
    proxies: config.clientCertProxies,
    header: config.clientCertHeader,
    bankTrust,
  })
  refuseDemo(config, [
    ...endingsOfFiles(config),
    ...endingsOfKeys(keys),
    ...endingsOfMasterKeys(vault.masterKeys.ids()),
  ])
  const store = await openStore(config, log, environment)
  onClose(store.close)
  refuseDemo(config, await endingsOfStore(store.database))
  const sealed = await sealPlain(store.database, vault)
  if (sealed > 0) log.info({ rows: sealed }, 'secrets of an earlier version are sealed now')
  const embeddedRedis = config.redisUrl === null ? await startEmbeddedRedis({ dataDir: config.dataDir, log }) : null
  if (embeddedRedis !== null) onClose(() => embeddedRedis.stop())
  const redisUrl = config.redisUrl ?? embeddedRedis?.url ?? null
  const redis = redisUrl === null ? null : connectRedis(redisUrl, log)
  if (redis !== null) onClose(async () => redis.disconnect())
  if (redis === null) log.info('no Redis here: PostgreSQL alone keeps the promises, repeats cost a little more')
  const calls = createHttpCaller()
  const webhooks = createWebhookCaller({
    allowedRanges: config.webhookAllowedRanges,
    timeoutMs: config.webhookTimeoutMs,
  })
  onClose(() => Promise.all([calls.close(), webhooks.close()]))
  const loop = watchLoopDelay()
  onClose(async () => loop.stop())
  let publicUrl = config.publicUrl ?? ''
  const listeners: TlsListener[] = []
  const gateway = await createGateway({
    database: store.database,
    redis,
    redisPrefix: config.redisPrefix,
    environment,
    keys,
    vault,
    cipher: openFieldCipher(resolve(config.keysDir), environment.random),
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
    statementsDir: config.statementsDir,
    exportFolder: config.exportFolder,
    clientCertificates,
    signerCrls: () => signerTrust?.crls() ?? null,
    endings: () => endingsOfFiles(config),
    bankUrl: config.bankTlsUrl,
    portalUrl: config.portalTlsUrl,
    reloads: {
      "banks' authorities": () => bankTrust?.reload(),
      "signers' revocation lists": () => signerTrust?.reload(),
      'TLS certificates': () => {
        for (const listener of listeners) listener.reload()
      },
    },
    overload: config.overload,
    loopDelayMs: loop.delayMs,
    publicUrl: () => publicUrl,
  })
  onClose(() => gateway.close())
  await gateway.server.listen({ host: config.host, port: config.port })
  const address = gateway.server.server.address() as AddressInfo
  if (publicUrl === '') publicUrl = `http://${config.host === '0.0.0.0' ? '127.0.0.1' : config.host}:${address.port}`
  for (const [door, own] of [
    ['bank', config.bankTls],
    ['portal', config.portalTls],
  ] as const) {
    if (own === null) continue
    const authorities = door === 'bank' ? config.bankAuthorities : []
    const crls = door === 'bank' ? config.bankCrls : []
    const listener = await startTlsListener({
      server: gateway.server,
      clientCertificates,
      door,
      host: own.host,
      port: own.port,
      files: { certificate: own.certificate, key: own.key, authorities, crls },
    })
    listeners.push(listener)
    onClose(() => closeListener(listener))
    log.info({ door, host: own.host, port: listener.port }, 'listening for client certificates')
  }
  await gateway.start()
  log.info({ publicUrl, mode: config.mode }, 'FeeGate is serving')
  return {
    gateway,
    database: store.database,
    keys,
    vault,
    publicUrl,
    databaseUrl: store.url,
    redis: config.redisUrl !== null ? 'configured' : embeddedRedis !== null ? 'embedded' : 'none',
  }
}

async function closeListener(listener: TlsListener): Promise<void> {
  const deadline = setTimeout(() => listener.cut(), listenerCloseMs)
  await listener.close()
  clearTimeout(deadline)
}
