/** Settings from the environment, checked once at start. README.md lists the same table; a test holds the two together. */
import { z } from 'zod'
import { type Algorithm, algorithms } from './signing/algorithm.ts'

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
)

const configSchema = z.object({
  FEEGATE_MODE: z.enum(['production', 'sandbox']).default('sandbox'),
  HOST: z.string().default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65535).default(8080),
  PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(),
  DATA_DIR: z.string().min(1).default('./data'),
  DATABASE_URL: z.string().min(1).optional(),
  DATABASE_POOL: z.coerce.number().int().min(2).max(200).default(20),
  REDIS_URL: z.string().min(1).optional(),
  REDIS_PREFIX: z.string().max(40).default('feegate:'),
  KEYS_DIR: z.string().min(1).optional(),
  SIGNING_ALG: z.enum(algorithms).default('ES256'),
  SIGNING_KEYS: z.string().min(1).optional(),
  SIGNING_P12: list.default([]),
  SIGNING_P12_PASSWORD: z.string().default(''),
  MASTER_KEYS: z.string().min(1).optional(),
  MASTER_KEYS_FILE: z.string().min(1).optional(),
  TRUSTED_PROXIES: list.default([]),
  SERVER_IP: z.string().default('127.0.0.1'),
  OFFICER_ISSUER: z.url().optional(),
  OFFICER_AUDIENCE: z.string().default('feegate'),
  WEBHOOK_ALLOWED_RANGES: list.default([]),
  WEBHOOK_TIMEOUT_MS: z.coerce.number().int().min(500).max(60_000).default(10_000),
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
  readonly serverIp: string
  readonly officerIssuer: string | null
  readonly officerAudience: string
  readonly webhookAllowedRanges: readonly string[]
  readonly webhookTimeoutMs: number
  readonly logLevel: string
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
    serverIp: values.SERVER_IP,
    officerIssuer: values.OFFICER_ISSUER ?? null,
    officerAudience: values.OFFICER_AUDIENCE,
    webhookAllowedRanges: values.WEBHOOK_ALLOWED_RANGES,
    webhookTimeoutMs: values.WEBHOOK_TIMEOUT_MS,
    logLevel: values.LOG_LEVEL,
  }
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
  ]
  return rules.flatMap(([broken, message]) => (broken ? [message] : []))
}
