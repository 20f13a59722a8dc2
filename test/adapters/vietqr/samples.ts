/** Vectors (origin: test/fixtures/vectors/rails/README.md), an account for each source, and requests as banks' notifiers send them. */
import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { AdapterContext, CallbackReading, RailAccount, RawRequest } from '../../../adapters/contract.ts'
import { accountSchema, type VietQrConfig } from '../../../adapters/vietqr/account.ts'
import { vietqr } from '../../../adapters/vietqr/index.ts'

/** The vectors of one rail, checked against the shape a test relies on. */
export function readVectors<T>(rail: string, vector: z.ZodType<T>): T[] {
  const path = new URL(`../../fixtures/vectors/rails/${rail}.json`, import.meta.url)
  return z.object({ vectors: z.array(vector) }).parse(JSON.parse(readFileSync(path, 'utf8'))).vectors
}

export const accountNumber = '113366668888'
export const sepaySecret = 'open-sepay-hmac-secret-not-real'

export function makeAccount(source: object, overrides: object = {}): RailAccount<VietQrConfig> {
  return {
    id: 'ra_vietqr',
    config: accountSchema.parse({
      bankBin: '970415',
      accountNumber,
      accountName: 'SO TU PHAP',
      source,
      ...overrides,
    }),
  }
}

export const sources = {
  sepay: { name: 'sepay', mode: 'hmac', secret: sepaySecret },
  apikey: { name: 'sepay', mode: 'apikey', apiKey: 'OPENSEPAYAPIKEY01' },
  payos: { name: 'payos', checksumKey: 'open0checksum0key0not0real0000000000000000000000000000000000abcd' },
  vietqrvn: {
    name: 'vietqrvn',
    username: 'vietqr-caller',
    password: 'open-Pass-01',
    tokenSecret: 'open-token-secret-not-real-0000000000001',
  },
  hmac: { name: 'vietqrvn-hmac', secret: 'open-vietqr-hmac-secret-not-real' },
} as const

/** 10 March 2025, 09:15:02 in Viet Nam: the moment of the vectors. */
export const nowSeconds = 1741572902

export function at(seconds = nowSeconds): AdapterContext {
  return { now: new Date(seconds * 1000), requestId: 'req0000000000000001', serverIp: '198.51.100.7' }
}

export function post(body: string | Uint8Array, headers: Record<string, string> = {}, path = ''): RawRequest {
  return { method: 'POST', path, query: '', headers, body: Buffer.from(body) }
}

export function read(request: RawRequest, source: object, seconds = nowSeconds): CallbackReading {
  return vietqr.readCallback(request, makeAccount(source), at(seconds))
}

/** `outcome`, `ignored`, `handshake`, or why it was refused. */
export function verdictOf(reading: CallbackReading): string {
  return reading.kind === 'refused' ? reading.reason : reading.kind
}

export function acknowledge(
  reading: CallbackReading,
  request: RawRequest,
  source: object,
): { status: number; body: unknown } {
  const verdict =
    reading.kind === 'refused'
      ? ({ kind: 'refused', reason: reading.reason } as const)
      : ({ kind: 'recorded', settlementId: 'stl_1' } as const)
  const reply = vietqr.acknowledge(verdict, request, makeAccount(source), at())
  return { status: reply.status, body: JSON.parse(reply.body) }
}

export function hmac(secret: string, text: string): string {
  return createHmac('sha256', secret).update(text, 'utf8').digest('hex')
}
