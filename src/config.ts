/** Settings from the environment, checked once at start. README.md lists the same table; a test holds the two together. */
import { z } from 'zod'

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
  TRUSTED_PROXIES: list.default([]),
  SERVER_IP: z.string().default('127.0.0.1'),
  OFFICER_ISSUER: z.url().optional(),
  OFFICER_AUDIENCE: z.string().default('feegate'),
  WEBHOOK_ALLOWED_RANGES: list.default([]),
  WEBHOOK_TIMEOUT_MS: z.coerce.number().int().min(500).max(60_000).default(10_000),
  EXPORT_DIR: z.string().min(1).optional(),
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
  readonly trustedProxies: readonly string[]
  readonly serverIp: string
  readonly officerIssuer: string | null
  readonly officerAudience: string
  readonly webhookAllowedRanges: readonly string[]
  readonly webhookTimeoutMs: number
  /** Where each day's transactions are written for the province; null: nowhere. */
  readonly exportFolder: string | null
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
  if (values.FEEGATE_MODE === 'production' && values.PUBLIC_URL?.startsWith('https:') !== true) {
    throw new ConfigError('wrong settings: PUBLIC_URL must be set and begin with https: in production')
  }
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
    trustedProxies: values.TRUSTED_PROXIES,
    serverIp: values.SERVER_IP,
    officerIssuer: values.OFFICER_ISSUER ?? null,
    officerAudience: values.OFFICER_AUDIENCE,
    webhookAllowedRanges: values.WEBHOOK_ALLOWED_RANGES,
    webhookTimeoutMs: values.WEBHOOK_TIMEOUT_MS,
    exportFolder: values.EXPORT_DIR ?? null,
    logLevel: values.LOG_LEVEL,
  }
}
