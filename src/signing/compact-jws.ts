/**
 * Compact JWS (RFC 7515) over node:crypto: the few profiles of contracts/jws-profiles.md and nothing else. Verification is
 * strict where the standard is generous: canonical base64url only, one known header form, algorithm bound to the key.
 */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { z } from 'zod'
import { readJsonObject } from '../../adapters/shared/json-body.ts'
import { type Algorithm, algorithmOf, algorithms, oneSpelling, signBytes, verifyBytes } from './algorithm.ts'
import {
  type KeyProvider,
  KeyRingError,
  type KeyState,
  keyStates,
  type LocalSigningKey,
  type SigningKey,
  stateMember,
} from './key-provider.ts'

/** What a signature is for; a token can never pass for an invoice. */
export const jwsTypes = [
  'feegate-invoice+jws',
  'feegate-receipt+jws',
  'feegate-event+jws',
  'feegate-checkpoint+jws',
  'at+jwt',
] as const
export type JwsType = (typeof jwsTypes)[number]

/** The whole header. Any other member is refused: `crit`, `b64`, `jwk`, `jku`, `x5u` and `x5c` change what a signature means. */
const headerSchema = z.strictObject({
  alg: z.enum(algorithms),
  kid: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  typ: z.enum(jwsTypes),
})

export type VerifiedJws = { readonly kid: string; readonly typ: JwsType; readonly payload: Buffer }
export type FoundKey = { readonly alg: Algorithm; readonly publicKey: KeyObject; readonly state?: KeyState }
export type KeyFinder = (kid: string) => FoundKey | null

/** Signs bytes as they are with a key of this process; the same bytes come back from `verifyCompact`. */
export function signCompact(
  key: Pick<LocalSigningKey, 'kid' | 'alg' | 'privateKey'>,
  typ: JwsType,
  payload: Uint8Array,
): string {
  const signed = signingInput(key, typ, payload)
  return `${signed}.${encode(signBytes(key.alg, key.privateKey, Buffer.from(signed)))}`
}

/** `signCompact` with the provider's active key, wherever that is kept. @throws KeyRingError when it is away */
export async function signCompactWith(provider: KeyProvider, typ: JwsType, payload: Uint8Array): Promise<string> {
  const key = provider.active()
  const signed = signingInput(key, typ, payload)
  let signature: Buffer
  try {
    signature = await key.sign(Buffer.from(signed))
  } catch (error) {
    throw new KeyRingError('whoever keeps the signing key did not sign', { cause: error })
  }
  return `${signed}.${encode(oneSpelling(key.alg, signature))}`
}

/** Signature with the payload left out (RFC 7515 appendix F): `header..signature`, to travel beside the body it signs. */
export async function signDetachedWith(provider: KeyProvider, typ: JwsType, payload: Uint8Array): Promise<string> {
  const [header = '', , signature = ''] = (await signCompactWith(provider, typ, payload)).split('.')
  return `${header}..${signature}`
}

/** The signed bytes, or null when anything at all is not as it must be. */
export function verifyCompact(jws: string, typ: JwsType, find: KeyFinder): VerifiedJws | null {
  const parts = jws.split('.')
  if (parts.length !== 3) return null
  const [headerText = '', payloadText = '', signatureText = ''] = parts
  const header = readHeader(headerText)
  const payload = decode(payloadText)
  const signature = decode(signatureText)
  if (header === null || payload === null || signature === null || header.typ !== typ) return null
  const key = find(header.kid)
  if (key === null || key.alg !== header.alg) return null
  return verifyBytes(key.alg, key.publicKey, Buffer.from(`${headerText}.${payloadText}`), signature)
    ? { kid: header.kid, typ, payload }
    : null
}

/** `verifyCompact` for a detached signature over `payload`. Null as well for a signature that carries a payload of its own. */
export function verifyDetached(
  jws: string,
  typ: JwsType,
  payload: Uint8Array,
  find: KeyFinder,
): Omit<VerifiedJws, 'payload'> | null {
  const [header = '', own, signature = '', ...more] = jws.split('.')
  if (own !== '' || more.length > 0) return null
  const verified = verifyCompact(`${header}.${encode(payload)}.${signature}`, typ, find)
  return verified === null ? null : { kid: verified.kid, typ }
}

export type ClaimedHeader = z.infer<typeof headerSchema>

/** What a JWS claims about itself, before verification; for choosing what to check only. */
export function claimedHeader(jws: string): ClaimedHeader | null {
  return readHeader(jws.split('.')[0] ?? '')
}

export function claimedType(jws: string): JwsType | null {
  return claimedHeader(jws)?.typ ?? null
}

const jwkSchema = z
  .object({ kid: z.string(), alg: z.enum(algorithms), [stateMember]: z.enum(keyStates).optional() })
  .loose()

/** A finder over a JWK set as published; keys of other kinds, unreadable and revoked ones are passed over. */
export function keysOfJwks(jwks: { readonly keys: readonly unknown[] }): KeyFinder {
  const keys = new Map<string, FoundKey>()
  for (const candidate of jwks.keys) {
    const jwk = jwkSchema.safeParse(candidate)
    if (!jwk.success) continue
    const { kid, alg, [stateMember]: state } = jwk.data
    const publicKey = publicKeyOf(jwk.data)
    if (publicKey === null || algorithmOf(publicKey) !== alg || state === 'revoked') continue
    keys.set(kid, { alg, publicKey, ...(state === undefined ? {} : { state }) })
  }
  return (kid) => keys.get(kid) ?? null
}

/** A set may hold keys of a kind this machine does not know; they are no reason to give up on the others. */
function publicKeyOf(jwk: Record<string, unknown>): KeyObject | null {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' })
  } catch {
    return null
  }
}

function signingInput({ alg, kid }: Pick<SigningKey, 'alg' | 'kid'>, typ: JwsType, payload: Uint8Array): string {
  return `${encode(Buffer.from(JSON.stringify({ alg, kid, typ })))}.${encode(payload)}`
}

function readHeader(text: string): ClaimedHeader | null {
  const bytes = decode(text)
  const parsed = bytes === null ? null : readJsonObject(bytes)
  const header = parsed?.ok === true ? headerSchema.safeParse(parsed.value) : null
  return header?.success === true ? header.data : null
}

function encode(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}

/** Only the one canonical spelling: other trailing bits would let a changed text verify. */
function decode(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64url')
  return text !== '' && bytes.toString('base64url') === text ? bytes : null
}
