/** Keys and credentials the partners hand out. Kept in a file, a restarted sandbox is still the partner its gateway knows. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import { makeIssuerKey } from './issuer.ts'
import { makeRsaPair } from './rails/rsa-text.ts'

const rsaPair = z.strictObject({ publicKeyPem: z.string(), privateKeyPem: z.string() })

const keysSchema = z.strictObject({
  vnpay: z.strictObject({ tmnCode: z.string(), hashSecret: z.string() }),
  vietqr: z.strictObject({ accountNumber: z.string(), secret: z.string() }),
  vietinbank: z.strictObject({ clientId: z.string(), clientSecret: z.string(), bank: rsaPair, gateway: rsaPair }),
  onepay: z.strictObject({
    merchant: z.string(),
    accessCode: z.string(),
    hashKeyHex: z.string(),
    user: z.string(),
    password: z.string(),
  }),
  nationalPortal: z.strictObject({ partnerCode: z.string(), secret: z.string(), bearerToken: z.string() }),
  issuer: z.strictObject({ kty: z.string(), crv: z.string(), x: z.string(), y: z.string(), d: z.string() }),
})

export type SandboxKeys = z.infer<typeof keysSchema>

export async function makeSandboxKeys(random: (length: number) => Uint8Array): Promise<SandboxKeys> {
  const hex = (length: number): string => Buffer.from(random(length)).toString('hex')
  const [bank, gateway, issuer] = await Promise.all([makeRsaPair(), makeRsaPair(), makeIssuerKey()])
  return keysSchema.parse({
    vnpay: { tmnCode: `FG${hex(3).toUpperCase()}`, hashSecret: hex(16).toUpperCase() },
    vietqr: {
      accountNumber: `9${BigInt(`0x${hex(6)}`)
        .toString()
        .padStart(15, '0')
        .slice(-11)}`,
      secret: hex(32),
    },
    vietinbank: { clientId: hex(16), clientSecret: hex(16), bank, gateway },
    onepay: {
      merchant: 'FGSANDBOX',
      accessCode: hex(4).toUpperCase(),
      hashKeyHex: hex(16).toUpperCase(),
      user: 'op01',
      password: hex(8),
    },
    nationalPortal: { partnerCode: 'FGSANDBOX', secret: hex(32), bearerToken: hex(32) },
    issuer,
  })
}

/** Reads the file, or makes keys and writes it for its owner only. */
export async function openSandboxKeys(file: string, random: (length: number) => Uint8Array): Promise<SandboxKeys> {
  if (existsSync(file)) return keysSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  const keys = await makeSandboxKeys(random)
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  writeFileSync(file, `${JSON.stringify(keys, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
  return keys
}
