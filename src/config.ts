/** Settings from the environment, checked once at start. README.md lists the same table; a test holds the two together. */
import { z } from 'zod'
import { isRange } from './network/address-ranges.ts'
import { type OverloadLimits, usualOverloadLimits } from './overload/admission.ts'
import { type Algorithm, algorithms } from './signing/algorithm.ts'
import { readClusterUrl } from './store/redis-address.ts'

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
)

const ranges = list.refine((entries) => entries.every(isRange), 'must be addresses or ranges like 10.0.0.0/8')
/** Only what we read ourselves is checked; the rest is the driver's. */
const isRedisUrl = (url: string): boolean => {
  try {
    readClusterUrl(url)
    return true
  } catch {
    return false
  }
}
const count = (least: number, most: number) => z.coerce.number().int().min(least).max(most)
const port = count(0, 65_535)

const configSchema = z.object({
  FEEGATE_MODE: z.enum(['production', 'sandbox']).default('sandbox'),
  HOST: z.string().default('127.0.0.1'),
  PORT: port.default(8080),
  PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(),
  DATA_DIR: z.string().min(1).default('./data'),
  DATABASE_URL: z.string().min(1).optional(),
  DATABASE_POOL: z.coerce.number().int().min(2).max(200).default(20),
  REDIS_URL: z
    .string()
    .min(1)
    .refine(isRedisUrl, 'names a node that is none: redis-cluster://host:port,host:port')
    .optional(),
  REDIS_PREFIX: z.string().max(40).default('feegate:'),
  KEYS_DIR: z.string().min(1).optional(),
  SIGNING_ALG: z.enum(algorithms).default('ES256'),
  SIGNING_KEYS: z.string().min(1).optional(),
  SIGNING_P12: list.default([]),
  SIGNING_P12_PASSWORD: z.string().default(''),
  MASTER_KEYS: z.string().min(1).optional(),
  MASTER_KEYS_FILE: z.string().min(1).optional(),
  TRUSTED_PROXIES: list.default([]),
  BANK_TLS_PORT: port.optional(),
  BANK_TLS_HOST: z.string().optional(),
  BANK_TLS_URL: z.url({ protocol: /^https$/ }).optional(),
  BANK_TLS_CERT: z.string().min(1).optional(),
  BANK_TLS_KEY: z.string().min(1).optional(),
  BANK_TLS_CA: list.default([]),
  BANK_TLS_CRL: list.default([]),
  SIGNER_CRL: list.default([]),
  PORTAL_TLS_PORT: port.optional(),
  PORTAL_TLS_HOST: z.string().optional(),
  PORTAL_TLS_URL: z.url({ protocol: /^https$/ }).optional(),
  PORTAL_TLS_CERT: z.string().min(1).optional(),
  PORTAL_TLS_KEY: z.string().min(1).optional(),
  CLIENT_CERT_PROXIES: ranges.default([]),
  CLIENT_CERT_HEADER: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,60}$/)
    .transform((name) => name.toLowerCase())
    .default('client-cert'),
  SERVER_IP: z.string().default('127.0.0.1'),
  OFFICER_ISSUER: z.url().optional(),
  OFFICER_AUDIENCE: z.string().default('feegate'),
  WEBHOOK_ALLOWED_RANGES: list.default([]),
  WEBHOOK_TIMEOUT_MS: z.coerce.number().int().min(500).max(60_000).default(10_000),
  EXPORT_DIR: z.string().min(1).optional(),
  STATEMENTS_DIR: z.string().min(1).optional(),
  MAX_IN_FLIGHT: count(1, 10_000).default(usualOverloadLimits.inFlight),
  BANK_RESERVE: count(1, 10_000).default(usualOverloadLimits.bankReserve),
  MAX_WAITING: count(0, 100_000).default(usualOverloadLimits.waiting),
  MAX_WAIT_MS: count(100, 60_000).default(usualOverloadLimits.maxWaitMs),
  MAX_LOOP_DELAY_MS: count(0, 60_000).default(usualOverloadLimits.maxLoopDelayMs),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'silent']).default('info'),
})

export type Config = {
  readonly mode: 'production' | 'sandbox'
  readonly host: string
  readonly port: number
  /** How the outside reaches us, without a slash at the end; null until the port is known. */
  readonly publicUrl: string | null
  readonly dataDir: string
  readonly databaseUrl: string | null
  readonly databasePool: number
  readonly redisUrl: string | null
  readonly redisPrefix: string
  readonly keysDir: string
  /** Of keys that are made here; a key that is there keeps its own. */
  readonly signingAlg: Algorithm
  /** JWK set with private keys, in place of the key folder. */
  readonly signingKeys: string | null
  /** PKCS#12 files in place of the key folder: the first signs. */
  readonly signingP12: readonly string[]
  readonly signingP12Password: string
  /** Master keys of the secrets at rest: the keys themselves, or the file that holds them; in the sandbox one is made. */
  readonly masterKeys: string | null
  readonly masterKeysFile: string | null
  readonly trustedProxies: readonly string[]
  /** Listener that asks banks for client certificates; null: none of our own. */
  readonly bankTls: TlsListenerConfig | null
  /** How banks reach it, or the proxy in front, without a slash at the end; null: as everybody else. */
  readonly bankTlsUrl: string | null
  /** Authorities and revocation lists of banks' client certificates; for the listener and for those a proxy passes on. */
  readonly bankAuthorities: readonly string[]
  readonly bankCrls: readonly string[]
  /** Revocation lists of banks that sign as CMS; when there is one, every signer needs a current list. */
  readonly signerCrls: readonly string[]
  /** Listener for portals that want certificate-bound tokens. */
  readonly portalTls: TlsListenerConfig | null
  readonly portalTlsUrl: string | null
  /** Addresses of proxies that end TLS and pass the client's certificate on in `clientCertHeader`. */
  readonly clientCertProxies: readonly string[]
  readonly clientCertHeader: string
  readonly serverIp: string
  readonly officerIssuer: string | null
  readonly officerAudience: string
  readonly webhookAllowedRanges: readonly string[]
  readonly webhookTimeoutMs: number
  /** Where each day's transactions are written for the province; null: nowhere. */
  readonly exportFolder: string | null
  /** Folder with one folder per tenant, watched for statement files; null: none. */
  readonly statementsDir: string | null
  /** How much is worked on and waits at a time (docs/decisions/044). */
  readonly overload: OverloadLimits
  readonly logLevel: string
}

export type TlsListenerConfig = {
  readonly host: string
  readonly port: number
  /** PEM files. */
  readonly certificate: string
  readonly key: string
}

export class ConfigError extends Error {
  readonly code = 'CONFIG_INVALID'
}

/** Reads and checks the settings. Throws `ConfigError` that names each wrong one. */
export function readConfig(variables: Readonly<Record<string, string | undefined>>): Config {
  const known = Object.fromEntries(
    Object.keys(configSchema.shape).map((name) => [name, variables[name] === '' ? undefined : variables[name]]),
  )
  const parsed = configSchema.safeParse(known)
  if (!parsed.success) {
    throw new ConfigError(
      `wrong settings: ${parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')}`,
    )
  }
  const values = parsed.data
  const wrong = contradictions(values)
  if (wrong.length > 0) throw new ConfigError(`wrong settings: ${wrong.join('; ')}`)
  return {
    mode: values.FEEGATE_MODE,
    host: values.HOST,
    port: values.PORT,
    publicUrl: values.PUBLIC_URL?.replace(/\/+$/, '') ?? null,
    dataDir: values.DATA_DIR,
    databaseUrl: values.DATABASE_URL ?? null,
    databasePool: values.DATABASE_POOL,
    redisUrl: values.REDIS_URL ?? null,
    redisPrefix: values.REDIS_PREFIX,
    keysDir: values.KEYS_DIR ?? `${values.DATA_DIR}/keys`,
    signingAlg: values.SIGNING_ALG,
    signingKeys: values.SIGNING_KEYS ?? null,
    signingP12: values.SIGNING_P12,
    signingP12Password: values.SIGNING_P12_PASSWORD,
    masterKeys: values.MASTER_KEYS ?? null,
    masterKeysFile: values.MASTER_KEYS_FILE ?? null,
    trustedProxies: values.TRUSTED_PROXIES,
    bankTls: listener(
      values.BANK_TLS_HOST ?? values.HOST,
      values.BANK_TLS_PORT,
      values.BANK_TLS_CERT,
      values.BANK_TLS_KEY,
    ),
    bankTlsUrl: values.BANK_TLS_URL?.replace(/\/+$/, '') ?? null,
    bankAuthorities: values.BANK_TLS_CA,
    bankCrls: values.BANK_TLS_CRL,
    signerCrls: values.SIGNER_CRL,
    portalTls: listener(
      values.PORTAL_TLS_HOST ?? values.HOST,
      values.PORTAL_TLS_PORT,
      values.PORTAL_TLS_CERT,
      values.PORTAL_TLS_KEY,
    ),
    portalTlsUrl: values.PORTAL_TLS_URL?.replace(/\/+$/, '') ?? null,
    clientCertProxies: values.CLIENT_CERT_PROXIES,
    clientCertHeader: values.CLIENT_CERT_HEADER,
    serverIp: values.SERVER_IP,
    officerIssuer: values.OFFICER_ISSUER ?? null,
    officerAudience: values.OFFICER_AUDIENCE,
    webhookAllowedRanges: values.WEBHOOK_ALLOWED_RANGES,
    webhookTimeoutMs: values.WEBHOOK_TIMEOUT_MS,
    exportFolder: values.EXPORT_DIR ?? null,
    statementsDir: values.STATEMENTS_DIR ?? null,
    overload: {
      inFlight: values.MAX_IN_FLIGHT,
      bankReserve: values.BANK_RESERVE,
      waiting: values.MAX_WAITING,
      maxWaitMs: values.MAX_WAIT_MS,
      maxLoopDelayMs: values.MAX_LOOP_DELAY_MS,
    },
    logLevel: values.LOG_LEVEL,
  }
}

function listener(
  host: string,
  portNumber: number | undefined,
  certificate: string | undefined,
  key: string | undefined,
): TlsListenerConfig | null {
  return portNumber === undefined || certificate === undefined || key === undefined
    ? null
    : { host, port: portNumber, certificate, key }
}

type Values = z.infer<typeof configSchema>

/** What each setting cannot tell alone. */
function contradictions(values: Values): string[] {
  const isProduction = values.FEEGATE_MODE === 'production'
  const rules: readonly (readonly [boolean, string])[] = [
    [
      isProduction && values.PUBLIC_URL?.startsWith('https:') !== true,
      'PUBLIC_URL must be set and begin with https: in production',
    ],
    [
      values.SIGNING_KEYS !== undefined && values.SIGNING_P12.length > 0,
      'SIGNING_KEYS and SIGNING_P12 are two places for the same keys: set one',
    ],
    [
      values.MASTER_KEYS !== undefined && values.MASTER_KEYS_FILE !== undefined,
      'MASTER_KEYS and MASTER_KEYS_FILE are two places for the same keys: set one',
    ],
    [
      isProduction && values.MASTER_KEYS === undefined && values.MASTER_KEYS_FILE === undefined,
      'MASTER_KEYS_FILE or MASTER_KEYS must be set in production: secrets are encrypted at rest',
    ],
    [
      values.BANK_TLS_PORT !== undefined &&
        (values.BANK_TLS_CERT === undefined || values.BANK_TLS_KEY === undefined || values.BANK_TLS_CA.length === 0),
      'BANK_TLS_PORT needs BANK_TLS_CERT, BANK_TLS_KEY and BANK_TLS_CA',
    ],
    [
      values.PORTAL_TLS_PORT !== undefined &&
        (values.PORTAL_TLS_CERT === undefined || values.PORTAL_TLS_KEY === undefined),
      'PORTAL_TLS_PORT needs PORTAL_TLS_CERT and PORTAL_TLS_KEY',
    ],
  ]
  return rules.flatMap(([broken, message]) => (broken ? [message] : []))
}
