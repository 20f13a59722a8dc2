/** What every message of a sender goes through before a field of it is believed: bytes → text → hash → patterns. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import type { RawRequest } from '../../contract.ts'
import { readJsonObject } from '../../shared/json-body.ts'
import { textsOf } from '../result.ts'
import { isAuthentic } from '../signature.ts'
import type { SenderCode, SenderConfig } from './account.ts'

export type SenderRefusal = { readonly kind: 'refused'; readonly code: SenderCode; readonly detail: string }

export type AuthenticMessage = {
  readonly kind: 'authentic'
  /** The signed values. */
  readonly fields: Readonly<Record<string, string>>
  /** The whole body: what is beside the signed values is a stranger's word. */
  readonly body: Readonly<Record<string, unknown>>
}

export const patterns = {
  LoaiBanTin: /^[A-Z][A-Z_]{0,29}$/,
  PhienBan: /^[0-9.]{1,15}$/,
  MaDoiTac: /^[0-9A-Za-z_-]{1,50}$/,
  MaThamChieu: /^[0-9A-Za-z]{1,50}$/,
  SoTien: /^[1-9]\d{0,14}$/,
  MaTienTe: /^[A-Z]{3}$/,
  ThoiGianGD: /^\d{14}$/,
} as const

/** The token first, then the hash, then partner and version; nothing of the database has been touched by then. */
export function readMessage(
  request: RawRequest,
  names: readonly string[],
  schema: z.ZodType,
  config: SenderConfig,
): AuthenticMessage | SenderRefusal {
  if (config.bearerToken !== undefined && !isToken(request.headers.authorization ?? '', config.bearerToken))
    return refusal('badSignature', 'no such bearer token')
  const body = readJsonObject(request.body)
  if (!body.ok) return refusal(body.reason === 'repeated-field' ? 'badSignature' : 'malformed', body.detail)
  const fields = textsOf(body.value, names)
  if (fields === null) return refusal('malformed', 'a signed value is no text or holds the separator')
  const given = body.value.MaXacThuc
  if (typeof given !== 'string' || !isAuthentic(given, names, fields, config.secret))
    return refusal('badSignature', 'MaXacThuc does not hold')
  const parsed = schema.safeParse(fields)
  if (!parsed.success) return refusal('malformed', z.prettifyError(parsed.error))
  if (fields.MaDoiTac !== config.partnerCode) return refusal('malformed', `partner ${fields.MaDoiTac}`)
  if (fields.PhienBan !== config.version) return refusal('malformed', `version ${fields.PhienBan}`)
  return { kind: 'authentic', fields, body: body.value }
}

/** The reference a message claims, in its strict form; trusted for nothing. */
export function referenceOf(request: RawRequest): string {
  const body = readJsonObject(request.body)
  const reference = body.ok ? body.value.MaThamChieu : null
  return typeof reference === 'string' && patterns.MaThamChieu.test(reference) ? reference : ''
}

export function refusal(code: SenderCode, detail: string): SenderRefusal {
  return { kind: 'refused', code, detail }
}

/** Both sides hashed first: equal lengths, constant time. */
function isToken(header: string, token: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest()
  return timingSafeEqual(digest(header), digest(`Bearer ${token}`))
}
