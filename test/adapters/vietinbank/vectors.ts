/** The bank's vectors (origin: test/fixtures/vectors/rails/README.md) and an account made from their keys. */
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { AdapterContext, RailAccount, RawRequest } from '../../../adapters/contract.ts'
import { accountSchema, type VietinbankConfig } from '../../../adapters/vietinbank/account.ts'

const fileSchema = z.object({
  keys: z.object({ bankPublicKeyPem: z.string(), ourPrivateKeyPem: z.string(), ourPublicKeyPem: z.string() }),
  vectors: z.array(
    z.object({
      id: z.string(),
      op: z.string(),
      note: z.string(),
      input: z.record(z.string(), z.unknown()),
      expected: z.record(z.string(), z.unknown()),
    }),
  ),
})

const path = new URL('../../fixtures/vectors/rails/vietinbank.json', import.meta.url)
export const { keys, vectors } = fileSchema.parse(JSON.parse(readFileSync(path, 'utf8')))

export function vectorsOf(op: string): typeof vectors {
  return vectors.filter((vector) => vector.op === op)
}

/** The day of the vectors. */
export const now = new Date('2025-03-10T03:00:00Z')
export const context: AdapterContext = { now, requestId: 'req0000000000000001', serverIp: '203.0.113.9' }

export const plainConfig = {
  privateKeyPem: keys.ourPrivateKeyPem,
  bankKeyPem: keys.bankPublicKeyPem,
  noticeProviderId: '9111',
  receivingAccounts: ['113366668888'],
  vacPrefix: '1GOV',
  baseUrl: 'https://bank.example/v1/ewallet',
  clientId: 'client',
  clientSecret: 'client-secret',
  providerId: 'GOVGW',
  merchantId: 'GOVGW01',
  verifyBy: 'OTPPAY',
  queryType: 'PAY',
}

export function makeAccount(overrides: Record<string, unknown> = {}): RailAccount<VietinbankConfig> {
  return { id: 'ra_vietinbank', config: accountSchema.parse({ ...plainConfig, ...overrides }) }
}

export function post(path: string, body: unknown): RawRequest {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return {
    method: 'POST',
    path,
    query: '',
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(text, 'utf8'),
  }
}

export function jsonOf(text: string | Uint8Array | undefined): Record<string, unknown> {
  const value: unknown = JSON.parse(Buffer.from(text ?? '').toString('utf8'))
  return z.record(z.string(), z.unknown()).parse(value)
}
