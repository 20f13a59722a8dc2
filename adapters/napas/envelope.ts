/** NAPAS's signed envelope `{data, checksum}` (rails.md §4.1): `data` is base64 JSON, the checksum a hash of its text and our secret. */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { RefusalReason } from '../contract.ts'
import { readJsonObject } from '../shared/json-body.ts'
import { isHexMac } from '../shared/mac.ts'

export type EnvelopeReading =
  | { readonly ok: true; readonly content: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly reason: RefusalReason; readonly detail: string }

const envelopeSchema = z.looseObject({ data: z.string().min(1), checksum: z.string() })

/** The content of an envelope. `data` is decoded only after the checksum of its text holds. */
export function openEnvelope(bytes: Uint8Array, clientSecret: string): EnvelopeReading {
  const body = readJsonObject(bytes)
  if (!body.ok) return body
  const envelope = envelopeSchema.safeParse(body.value)
  if (!envelope.success) return { ok: false, reason: 'signature', detail: 'no data and checksum' }
  const { data, checksum } = envelope.data
  if (!isHexMac(checksum, checksumOf(data, clientSecret))) {
    return { ok: false, reason: 'signature', detail: 'checksum does not hold' }
  }
  const decoded = Buffer.from(data, 'base64')
  // Node skips what is no base64; one text must not stand for two.
  if (decoded.toString('base64') !== data) return { ok: false, reason: 'malformed', detail: 'data is not base64' }
  const content = readJsonObject(decoded)
  return content.ok ? { ok: true, content: content.value } : content
}

/** SHA-256 over the text and the secret: a plain hash, not an HMAC. */
export function checksumOf(data: string, clientSecret: string): Buffer {
  return createHash('sha256').update(data, 'utf8').update(clientSecret, 'utf8').digest()
}
