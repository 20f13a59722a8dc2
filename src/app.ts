/** The gateway, put together. Everything it needs comes in as arguments; nothing starts by being imported. */
import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import type { Logger } from 'pino'
import type { Adapter } from '../adapters/contract.ts'
import { allAdapters } from '../adapters/registry.ts'
import { createBillDesk } from './bill/desk.ts'
import { createCallbackReceiver } from './callback/receive.ts'
import { createCallerRefuser } from './callback/refuse-caller.ts'
import { startDispatcher } from './delivery/dispatcher.ts'
import { type Ending, endingOfCertificate } from './endings/ending.ts'
import { endingsOfKeys } from './endings/of-files.ts'
import { endingsOfStore } from './endings/of-store.ts'
import type { Environment } from './environment.ts'
import { createAddressLimiter } from './http/address-limits.ts'
import { createAuthenticate } from './http/auth/access-token.ts'
import { ofKnownTenants } from './http/auth/known-tenants.ts'
import { createKnownTokens } from './http/auth/known-tokens.ts'
import { createOfficerVerifier, type OfficerVerifier } from './http/auth/officer.ts'
import { createOfficerGuard } from './http/auth/officer-guard.ts'
import { registerTokenRoute } from './http/auth/token-route.ts'
import { registerCallbackRoutes } from './http/bank/callbacks.ts'
import { registerCounterRoutes } from './http/counter/routes.ts'
import { registerPayoutOrderRoutes } from './http/finance/payout-orders.ts'
import { registerReceiptSummaryRoutes } from './http/finance/receipt-summaries.ts'
import { registerFinanceReceiptRoutes } from './http/finance/receipts.ts'
import { registerReconciliationRoutes } from './http/finance/reconciliation/routes.ts'
import { registerRefundRoutes } from './http/finance/refunds.ts'
import { registerReportRoutes } from './http/finance/reports/routes.ts'
import { registerTransactionFeedRoutes } from './http/finance/transaction-feed.ts'
import { registerParityRoutes } from './http/operator/parity.ts'
import { registerProbeRoutes } from './http/operator/probes.ts'
import { registerOperatorRoutes } from './http/operator/routes.ts'
import { registerRoutingRoutes } from './http/operator/routing.ts'
import { guardAgainstOverload } from './http/overload.ts'
import { registerPartnerRoutes } from './http/partner/routes.ts'
import { registerPayerRoutes } from './http/payer/routes.ts'
import { registerBasketRoutes } from './http/portal/baskets.ts'
import { registerCatalogueRoutes } from './http/portal/catalogue.ts'
import { registerInvoiceRoutes } from './http/portal/invoices.ts'
import { registerPaymentRoutes } from './http/portal/payments.ts'
import { registerRailRoutes } from './http/portal/rails.ts'
import { registerReceiptRoutes } from './http/portal/receipts.ts'
import { registerInvoiceRefundRoutes } from './http/portal/refunds.ts'
import { registerSignatureRoutes } from './http/portal/signatures.ts'
import { registerWebhookRoutes } from './http/portal/webhooks.ts'
import { registerPrivacyRoutes } from './http/privacy/routes.ts'
import { createRateLimiter } from './http/rate-limit.ts'
import { createServer } from './http/server.ts'
import { type ClientCertificates, createClientCertificates } from './http/tls/client-certificates.ts'
import { guardDoors } from './http/tls/doors.ts'
import { registerWellKnownRoutes } from './http/well-known.ts'
import { createIdempotency } from './idempotency/idempotency.ts'
import { createRedisShortcut, noShortcut } from './idempotency/redis-shortcut.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { createCircuitBreaker } from './network/circuit-breaker.ts'
import type { HttpCaller } from './network/http-caller.ts'
import type { WebhookCaller } from './network/webhook-caller.ts'
import { openApiDocument } from './openapi.ts'
import { type OverloadLimits, usualOverloadLimits } from './overload/admission.ts'
import { createPartners } from './partner/partners.ts'
import { createPartnerReceiver } from './partner/receive.ts'
import { createPaymentConfirmer } from './payment/confirm.ts'
import { createReceiptFileReader } from './payment/receipt-file.ts'
import { createPaymentStarter } from './payment/start.ts'
import type { FieldCipher } from './personal/field-cipher.ts'
import { createRailAccounts, railAccountsChannel } from './rails/accounts.ts'
import { createRouter } from './rails/router.ts'
import { createRulebooks } from './rails/rulebooks.ts'
import { startDailyRuns } from './reconciliation/daily.ts'
import { createDesk } from './reconciliation/desk.ts'
import { startFetchingStatements } from './reconciliation/fetch-statements.ts'
import { startWatchingFolder } from './reconciliation/watched-folder.ts'
import type { Vault } from './secrets/vault.ts'
import { createSettler, type Settler } from './settlement/group.ts'
import type { Crl } from './signing/crl.ts'
import { createEventSigner } from './signing/event-signer.ts'
import type { KeyProvider } from './signing/key-provider.ts'
import { createTokens } from './signing/tokens.ts'
import type { Database } from './store/database.ts'
import { pendingMigrations } from './store/migrate.ts'
import type { RedisConnection } from './store/redis.ts'
import { startWatchers } from './watch/watchers.ts'

export type GatewayOptions = {
  readonly database: Database
  /** Null: PostgreSQL alone keeps the promises. */
  readonly redis: RedisConnection | null
  readonly redisPrefix: string
  readonly environment: Environment
  readonly keys: KeyProvider
  readonly vault: Vault
  /** Seals personal data at rest. */
  readonly cipher: FieldCipher
  readonly call: HttpCaller
  readonly post: WebhookCaller
  readonly log: Logger
  readonly serverIp: string
  readonly trustedProxies: readonly string[]
  readonly webhookAllowedRanges: readonly string[]
  /** Longest time one webhook attempt takes. */
  readonly webhookTimeoutMs: number
  readonly officerIssuer: string | null
  readonly officerAudience: string
  /** How officers prove themselves, where it is not by tokens of an issuer on the network. */
  readonly verifyOfficer?: OfficerVerifier
  readonly production: boolean
  /** Where banks' files are laid, one folder per tenant; none is watched when left out. */
  readonly statementsDir?: string | null
  /** Rails this gateway speaks; all of adapters/registry.ts unless told otherwise. */
  readonly adapters?: readonly Adapter[]
  /** Where each day's transactions are written for the province; null or left out: nowhere. */
  readonly exportFolder?: string | null
  /** Left out: no listener or proxy shows client certificates. */
  readonly clientCertificates?: ClientCertificates
  /** Revocation lists for banks that sign as CMS; left out: none are kept. */
  readonly signerCrls?: () => readonly Crl[] | null
  /** How banks reach callbacks that ask for a client certificate; left out: as the others. */
  readonly bankUrl?: string | null
  /** How portals that want certificate-bound tokens reach us; left out: at the public address. */
  readonly portalUrl?: string | null
  /** Certificates and lists in files, for warnings before they end; left out: there are none. */
  readonly endings?: () => readonly Ending[]
  /** What is kept in files beside keys and is read again like them, by its name. */
  readonly reloads?: Readonly<Record<string, () => void>>
  /** How much is worked on and waits at a time; the usual limits when left out. */
  readonly overload?: OverloadLimits
  /** How far this process is behind with its own work, in milliseconds; left out: never. */
  readonly loopDelayMs?: () => number
  /** Known once the port is: the address the outside uses. */
  readonly publicUrl: () => string
}

export type Gateway = {
  readonly server: FastifyInstance
  readonly metrics: Metrics
  readonly settler: Settler
  /** Starts delivery and watchers; the HTTP server is listened to by the caller. */
  start(): Promise<void>
  /** Stops in the order that loses nothing: no new requests, then what is under way, then the background. */
  close(): Promise<void>
}

const shutdownMs = 10_000
/** For recording what came of an attempt. */
const leaseSlackMs = 5_000

export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  const { database, redis, redisPrefix, environment, keys, vault, call, post, log, serverIp, publicUrl } = options
  const { portalUrl = null, loopDelayMs = () => 0 } = options
  const metrics = createMetrics()
  const tokens = createTokens(keys)
  const signEvent = createEventSigner(keys)
  const shortcut = redis === null ? noShortcut : createRedisShortcut({ redis, prefix: redisPrefix, environment, log })
  const idempotency = createIdempotency({ database, redis: shortcut, environment, vault, log })
  const railAccounts = createRailAccounts(
    database,
    environment,
    vault,
    (railAccountId, error) =>
      log.error({ err: error, railAccountId }, 'rail account left out: its config does not fit its adapter'),
    options.adapters,
  )
  const settler = createSettler({ database, environment, onFlush: (size) => metrics.settlementBatch.observe(size) })
  const breaker = createCircuitBreaker({ now: environment.now })
  const rulebooks = createRulebooks(database, environment, (entry, error) =>
    log.error({ err: error, entry }, 'routing entry left out: it does not fit its schema'),
  )
  const routes = createRouter({ railAccounts, rulebooks, breaker, environment })
  const startPayment = createPaymentStarter({
    database,
    environment,
    routes,
    call,
    breaker,
    publicUrl,
    bankUrl: options.bankUrl ?? null,
    serverIp,
    log,
  })
  const receiptFile = createReceiptFileReader({ database, environment, railAccounts, call, breaker, serverIp })
  const confirmPayment = createPaymentConfirmer({ database, environment, railAccounts, settler, call, serverIp })
  const partners = createPartners(database, environment, vault, (partnerId, error) =>
    log.error({ err: error, partnerId }, 'partner left out: its config is not valid'),
  )
  const receivePartner = createPartnerReceiver({ database, environment, log, publicUrl })
  const bills = createBillDesk({ database, environment, routes })
  const receive = createCallbackReceiver({
    database,
    settler,
    bills,
    environment,
    metrics,
    log,
    serverIp,
    signerCrls: options.signerCrls ?? (() => null),
  })
  const refuseCaller = createCallerRefuser({ database, environment, metrics, log })
  const clientCertificates =
    options.clientCertificates ?? createClientCertificates({ proxies: [], header: 'client-cert', bankTrust: null })
  const limit = createRateLimiter({ redis, prefix: redisPrefix, environment })
  const limitAddress = createAddressLimiter(limit)
  const knownTokens = createKnownTokens(environment)
  const clientOf = createAuthenticate({
    database,
    environment,
    verify: tokens.verify,
    issuer: publicUrl,
    clientCertificates,
    knownTokens,
  })
  const verifyOfficer = ofKnownTenants(
    options.verifyOfficer ??
      createOfficerVerifier({
        issuer: options.officerIssuer,
        audience: options.officerAudience,
        environment,
        clientCertificates,
      }),
    database,
  )

  const desk = createDesk({ database, environment, vault, settler, log, signerCrls: options.signerCrls })

  const server = createServer({ log, metrics, trustedProxies: options.trustedProxies, limitAddress })
  guardAgainstOverload(server, {
    limits: options.overload ?? usualOverloadLimits,
    loopDelayMs,
    environment,
    metrics,
    knownTokens,
  })
  guardDoors(server, clientCertificates)
  await server.register(swagger, {
    openapi: openApiDocument,
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  })
  server.after(() => {
    const portal = {
      database,
      environment,
      idempotency,
      routes,
      sign: tokens.sign,
      cipher: options.cipher,
      publicUrl,
      authenticate: async (request: Parameters<typeof clientOf>[0]) => {
        await clientOf(request)
        if (request.caller !== null) await limit(`client ${request.caller.clientId}`, request.caller.requestsPerMinute)
      },
    }
    registerProbeRoutes(server, { metrics, notReady })
    registerWellKnownRoutes(server, { keys, publicUrl, portalUrl })
    registerTokenRoute(server, {
      database,
      environment,
      sign: tokens.sign,
      issuer: publicUrl,
      portalUrl,
      clientCertificates,
      limit: (address) => limitAddress({ ip: address }, 'token'),
    })
    registerInvoiceRoutes(server, portal)
    registerSignatureRoutes(server, { ...portal, vault })
    registerBasketRoutes(server, portal)
    registerPaymentRoutes(server, { ...portal, startPayment, receiptFile })
    registerInvoiceRefundRoutes(server, { ...portal, vault })
    registerWebhookRoutes(server, { ...portal, vault, post, signEvent, allowedRanges: options.webhookAllowedRanges })
    registerCatalogueRoutes(server, { ...portal, production: options.production })
    registerRailRoutes(server, portal)
    registerOperatorRoutes(server, { database, environment, verifyOfficer })
    registerParityRoutes(server, { database, verifyOfficer })
    registerRoutingRoutes(server, { database, environment, routes, verifyOfficer })
    registerReceiptRoutes(server, portal)
    const finance = { database, environment, idempotency, officers: createOfficerGuard(verifyOfficer), publicUrl }
    registerFinanceReceiptRoutes(server, finance)
    registerReceiptSummaryRoutes(server, finance)
    registerReportRoutes(server, finance)
    registerTransactionFeedRoutes(server, finance)
    registerReconciliationRoutes(server, { ...finance, settler, desk, log, vault })
    registerRefundRoutes(server, { database, environment, idempotency, verifyOfficer, vault })
    registerPayoutOrderRoutes(server, { database, environment, idempotency, verifyOfficer, vault })
    registerPrivacyRoutes(server, { ...finance, cipher: options.cipher, vault })
    registerCounterRoutes(server, { ...finance, routes })
    registerCallbackRoutes(server, {
      railAccounts,
      receive,
      refuseCaller,
      clientCertificates,
      environment,
      limitAddress,
    })
    registerPartnerRoutes(server, { partners, receive: receivePartner, limitAddress })
    registerPayerRoutes(server, {
      database,
      environment,
      railAccounts,
      routes,
      startPayment,
      confirmPayment,
      publicUrl,
      limitAddress,
    })
  })
  await server.ready()

  async function notReady(): Promise<string[]> {
    try {
      const pending = await pendingMigrations(database.query)
      return pending.length === 0 ? [] : ['migrations']
    } catch {
      // The reason is in the log of whoever uses the database; a probe only tells that it is away.
      return ['database']
    }
  }

  const background: { close(): Promise<void> }[] = []
  return {
    server,
    metrics,
    settler,
    async start() {
      background.push(startDailyRuns({ database, environment, settler, log }))
      background.push(
        startFetchingStatements({
          database,
          environment,
          railAccounts,
          adapters: options.adapters ?? allAdapters(),
          desk,
          call,
          breaker,
          serverIp,
          log,
        }),
      )
      const { statementsDir } = options
      if (statementsDir !== undefined && statementsDir !== null)
        background.push(
          startWatchingFolder({
            folder: statementsDir,
            database,
            environment,
            desk,
            log,
          }),
        )
      background.push(
        await database.listen(railAccountsChannel, () => {
          railAccounts.forget()
          rulebooks.forget()
          partners.forget()
        }),
      )
      background.push(
        startDispatcher({
          database,
          environment,
          vault,
          post,
          sign: signEvent,
          leaseMs: options.webhookTimeoutMs + leaseSlackMs,
          metrics,
          log,
        }),
      )
      background.push(
        startWatchers({
          database,
          environment,
          partners,
          cipher: options.cipher,
          railAccounts,
          settler,
          call,
          breaker,
          serverIp,
          metrics,
          log,
          vault,
          sign: tokens.sign,
          publicUrl,
          exportFolder: options.exportFolder ?? null,
          reloads: {
            'signing keys': () => keys.reload(),
            'master keys': () => vault.masterKeys.reload(),
            ...options.reloads,
          },
          endings: [
            options.endings ?? (() => []),
            () => endingsOfKeys(keys),
            () => endingsOfStore(database),
            () => clientCertificates.seen().map((certificate) => endingOfCertificate('bank calls with', certificate)),
          ],
        }),
      )
    },
    async close() {
      // Requests under way get this long; then even those that will never end are cut.
      const deadline = setTimeout(() => server.server.closeAllConnections(), shutdownMs)
      await server.close()
      clearTimeout(deadline)
      // A file under way is all or nothing; it is not worth a hanging stop.
      const waiting = new AbortController()
      await Promise.race([desk.close(), environment.sleep(shutdownMs, waiting.signal)])
      // A timer that nobody waits for any more would keep the process alive.
      waiting.abort()
      await settler.close()
      await Promise.all(background.map((part) => part.close()))
    },
  }
}
