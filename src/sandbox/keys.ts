/** Keys and credentials the partners hand out. Kept in a file, a restarted sandbox is still the partner its gateway knows. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import { makeIssuerKey } from './issuer.ts'
import { makeRsaPair } from './rails/rsa-text.ts'

const rsaPair = z.strictObject({ publicKeyPem: z.string(), privateKeyPem: z.string() })
const account = { accountNumber: z.string() }

const keysSchema = z.strictObject({
  vnpay: z.strictObject({ tmnCode: z.string(), hashSecret: z.string() }),
  vietqr: z.strictObject({ ...account, secret: z.string() }),
  payos: z.strictObject({ ...account, checksumKey: z.string() }),
  vietqrvn: z.strictObject({
    ...account,
    username: z.string(),
    password: z.string(),
    tokenSecret: z.string(),
  }),
  vietqrvnHmac: z.strictObject({ ...account, secret: z.string() }),
  vietinbank: z.strictObject({ clientId: z.string(), clientSecret: z.string(), bank: rsaPair, gateway: rsaPair }),
  onepay: z.strictObject({
    merchant: z.string(),
    accessCode: z.string(),
    hashKeyHex: z.string(),
    user: z.string(),
    password: z.string(),
  }),
  napas: z.strictObject({
    clientId: z.string(),
    clientSecret: z.string(),
    username: z.string(),
    password: z.string(),
  }),
  momo: z.strictObject({ partnerCode: z.string(), accessKey: z.string(), secretKey: z.string() }),
  zalopay: z.strictObject({ appId: z.int(), key1: z.string(), key2: z.string() }),
  nationalPortal: z.strictObject({ partnerCode: z.string(), secret: z.string(), bearerToken: z.string() }),
  issuer: z.strictObject({ kty: z.string(), crv: z.string(), x: z.string(), y: z.string(), d: z.string() }),
})

export type SandboxKeys = z.infer<typeof keysSchema>

export async function makeSandboxKeys(random: (length: number) => Uint8Array): Promise<SandboxKeys> {
  const hex = (length: number): string => Buffer.from(random(length)).toString('hex')
  /** Twelve digits; the second tells the accounts of one sandbox apart whatever the random bytes are. */
  const accountNumber = (place: number): string =>
    `9${place}${BigInt(`0x${hex(6)}`)
      .toString()
      .padStart(15, '0')
      .slice(-10)}`
  const [bank, gateway, issuer] = await Promise.all([makeRsaPair(), makeRsaPair(), makeIssuerKey()])
  return keysSchema.parse({
    vnpay: { tmnCode: `FG${hex(3).toUpperCase()}`, hashSecret: hex(16).toUpperCase() },
    vietqr: { accountNumber: accountNumber(1), secret: hex(32) },
    payos: { accountNumber: accountNumber(2), checksumKey: hex(32) },
    vietqrvn: {
      accountNumber: accountNumber(3),
      username: 'vietqrvn-sandbox',
      password: hex(16),
      tokenSecret: hex(32),
    },
    vietqrvnHmac: { accountNumber: accountNumber(4), secret: hex(32) },
    vietinbank: { clientId: hex(16), clientSecret: hex(16), bank, gateway },
    onepay: {
      merchant: 'FGSANDBOX',
      accessCode: hex(4).toUpperCase(),
      hashKeyHex: hex(16).toUpperCase(),
      user: 'op01',
      password: hex(8),
    },
    napas: { clientId: 'FGSANDBOX', clientSecret: hex(16), username: 'fgsandbox', password: hex(8) },
    momo: { partnerCode: 'FGSANDBOX', accessKey: hex(8), secretKey: hex(16) },
    zalopay: { appId: 2554, key1: hex(16), key2: hex(16) },
    nationalPortal: { partnerCode: 'FGSANDBOX', secret: hex(32), bearerToken: hex(32) },
    issuer,
  })
}

/** Reads the file, or makes keys and writes it for its owner only. Partners that are new since it was written get theirs now. */
export async function openSandboxKeys(file: string, random: (length: number) => Uint8Array): Promise<SandboxKeys> {
  const known = existsSync(file) ? keysSchema.partial().parse(JSON.parse(readFileSync(file, 'utf8'))) : {}
  const whole = keysSchema.safeParse(known)
  if (whole.success) return whole.data
  const keys = keysSchema.parse({ ...(await makeSandboxKeys(random)), ...known })
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  writeFileSync(`${file}.new`, `${JSON.stringify(keys, null, 2)}\n`, { mode: 0o600 })
  renameSync(`${file}.new`, file)
  return keys
}
