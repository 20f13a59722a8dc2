/** What an auditor asks of a file: is it one of ours, which key signed it, has anything been changed since. No network. */
import { parseJsonObject } from '../../adapters/shared/json-body.ts'
import {
  claimedHeader,
  type JwsType,
  type KeyFinder,
  keysOfJwks,
  verifyCompact,
  verifyDetached,
} from './compact-jws.ts'
import type { KeyState } from './key-provider.ts'

const documentTypes = {
  'feegate-invoice+jws': 'invoice',
  'feegate-receipt+jws': 'receipt',
  'feegate-event+jws': 'event',
  'feegate-checkpoint+jws': 'checkpoint',
} as const satisfies Partial<Record<JwsType, string>>
export type DocumentKind = (typeof documentTypes)[keyof typeof documentTypes]

export type DocumentVerdict =
  | {
      readonly valid: true
      readonly kind: DocumentKind
      readonly kid: string
      /** `retired` is as good as `active`. Null when the set of keys does not tell. */
      readonly keyState: KeyState | null
      /** The signed text as it was signed. */
      readonly payload: Buffer
      readonly document: object
    }
  | { readonly valid: false; readonly reason: DocumentFlaw; readonly kid: string | null }

/**
 * - `not-a-document`: not a JWS in our form, or of a kind that is no document (an access token)
 * - `unknown-key`: signed, if at all, by a key that is not in the set: another gateway's, or revoked
 * - `body-missing`: a detached signature (of an event) and nothing it could cover
 * - `changed`: the signature does not fit what is there
 * - `not-a-json-object`: signed by us, and yet nothing two readers would understand alike
 */
export type DocumentFlaw = 'not-a-document' | 'unknown-key' | 'body-missing' | 'changed' | 'not-a-json-object'

/**
 * @param text a compact JWS, or the value of `feegate-event-jws`; one line end after it is forgiven, as editors add it
 * @param jwks the set as saved from `/.well-known/jwks.json`
 * @param body the exact bytes beside a detached signature
 */
export function verifyDocument(
  text: string,
  jwks: { readonly keys: readonly unknown[] },
  body: Uint8Array | null = null,
): DocumentVerdict {
  const jws = text.replace(/\r?\n$/, '')
  const header = claimedHeader(jws)
  if (header === null || header.typ === 'at+jwt') return { valid: false, reason: 'not-a-document', kid: null }
  const { kid, typ } = header
  const find = keysOfJwks(jwks)
  const key = find(kid)
  if (key === null) return { valid: false, reason: 'unknown-key', kid }
  const isDetached = jws.split('.')[1] === ''
  if (isDetached && body === null) return { valid: false, reason: 'body-missing', kid }
  const payload = isDetached && body !== null ? detachedPayload(jws, typ, body, find) : ownPayload(jws, typ, body, find)
  if (payload === null) return { valid: false, reason: 'changed', kid }
  const document = parseJsonObject(payload)
  if (!document.ok) return { valid: false, reason: 'not-a-json-object', kid }
  return { valid: true, kind: documentTypes[typ], kid, keyState: key.state ?? null, payload, document: document.value }
}

function detachedPayload(jws: string, typ: JwsType, body: Uint8Array, find: KeyFinder): Buffer | null {
  return verifyDetached(jws, typ, body, find) === null ? null : Buffer.from(body)
}

/** A body given beside a JWS that carries its own must be the same: the asker believes in that one. */
function ownPayload(jws: string, typ: JwsType, body: Uint8Array | null, find: KeyFinder): Buffer | null {
  const payload = verifyCompact(jws, typ, find)?.payload ?? null
  return payload === null || (body !== null && !payload.equals(body)) ? null : payload
}
