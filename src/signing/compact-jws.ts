/**
 * Compact JWS (RFC 7515) over node:crypto: the few profiles of contracts/jws-profiles.md and nothing else. Verification is
 * strict where the standard is generous: canonical base64url only, one known header form, algorithm bound to the key.
 */
import { constants, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { z } from 'zod'
import { readJsonObject } from '../../adapters/shared/json-body.ts'
import { type Algorithm, algorithms, type SigningKey } from './key-ring.ts'

/** What a signature is for; a token can never pass for an invoice. */
export const jwsTypes = [
  'feegate-invoice+jws',
  'feegate-receipt+jws',
  'feegate-event+jws',
  'feegate-checkpoint+jws',
  'at+jwt',
] as const
export type JwsType = (typeof jwsTypes)[number]

const headerSchema = z.strictObject({
  alg: z.enum(algorithms),
  kid: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  typ: z.enum(jwsTypes),
})

export type VerifiedJws = { readonly kid: string; readonly typ: JwsType; readonly payload: Buffer }
export type KeyFinder = (kid: string) => { readonly alg: Algorithm; readonly publicKey: KeyObject } | null

/** Signs bytes as they are; the same bytes come back from `verifyCompact`. */
export function signCompact(key: SigningKey, typ: JwsType, payload: Uint8Array): string {
  const header = encode(Buffer.from(JSON.stringify({ alg: key.alg, kid: key.kid, typ })))
  const signed = `${header}.${encode(payload)}`
  return `${signed}.${encode(signBytes(key, Buffer.from(signed)))}`
}

/** Signature with the payload left out (RFC 7515 appendix F): `header..signature`, to travel beside the body it signs. */
export function signDetached(key: SigningKey, typ: JwsType, payload: Uint8Array): string {
  const [header = '', , signature = ''] = signCompact(key, typ, payload).split('.')
  return `${header}..${signature}`
}

/** The signed bytes, or null when anything at all is not as it must be. */
export function verifyCompact(jws: string, typ: JwsType, find: KeyFinder): VerifiedJws | null {
  const parts = jws.split('.')
  if (parts.length !== 3) return null
  const [headerText = '', payloadText = '', signatureText = ''] = parts
  const headerBytes = decode(headerText)
  const payload = decode(payloadText)
  const signature = decode(signatureText)
  if (headerBytes === null || payload === null || signature === null) return null
  const parsed = readJsonObject(headerBytes)
  const header = parsed.ok ? headerSchema.safeParse(parsed.value) : null
  if (header === null || !header.success || header.data.typ !== typ) return null
  const key = find(header.data.kid)
  if (key === null || key.alg !== header.data.alg) return null
  return verifyBytes(key, Buffer.from(`${headerText}.${payloadText}`), signature)
    ? { kid: header.data.kid, typ, payload }
    : null
}

/** The type a JWS claims, before verification; for choosing what to check only. */
export function claimedType(jws: string): JwsType | null {
  const bytes = decode(jws.split('.')[0] ?? '')
  const parsed = bytes === null ? null : readJsonObject(bytes)
  const header = parsed?.ok === true ? headerSchema.safeParse(parsed.value) : null
  return header?.success === true ? header.data.typ : null
}

/** The key id a JWS of our own names; '' when it names none. */
export function claimedKid(jws: string): string {
  const bytes = decode(jws.split('.')[0] ?? '')
  const parsed = bytes === null ? null : readJsonObject(bytes)
  const header = parsed?.ok === true ? headerSchema.safeParse(parsed.value) : null
  return header?.success === true ? header.data.kid : ''
}

const jwkSchema = z.object({ kid: z.string(), alg: z.enum(algorithms) }).loose()

/** A finder over a JWK set as published; keys of other kinds are passed over. */
export function keysOfJwks(jwks: { readonly keys: readonly unknown[] }): KeyFinder {
  const keys = new Map<string, { alg: Algorithm; publicKey: KeyObject }>()
  for (const candidate of jwks.keys) {
    const jwk = jwkSchema.safeParse(candidate)
    if (!jwk.success) continue
    const publicKey = createPublicKey({ key: jwk.data, format: 'jwk' })
    if (fits(jwk.data.alg, publicKey)) keys.set(jwk.data.kid, { alg: jwk.data.alg, publicKey })
  }
  return (kid) => keys.get(kid) ?? null
}

function fits(alg: Algorithm, key: KeyObject): boolean {
  switch (alg) {
    case 'ES256':
      return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1'
    case 'EdDSA':
      return key.asymmetricKeyType === 'ed25519'
    case 'PS256':
      return key.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048
  }
}

const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }

function signBytes({ alg, privateKey }: SigningKey, data: Buffer): Buffer {
  switch (alg) {
    case 'ES256':
      return sign('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' })
    case 'EdDSA':
      return sign(null, data, privateKey)
    case 'PS256':
      return sign('sha256', data, { key: privateKey, ...pss })
  }
}

function verifyBytes(
  { alg, publicKey }: { alg: Algorithm; publicKey: KeyObject },
  data: Buffer,
  signature: Buffer,
): boolean {
  switch (alg) {
    case 'ES256':
      return signature.length === 64 && verify('sha256', data, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)
    case 'EdDSA':
      return verify(null, data, publicKey, signature)
    case 'PS256':
      return verify('sha256', data, { key: publicKey, ...pss }, signature)
  }
}

function encode(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}

/** Only the one canonical spelling: other trailing bits would let a changed text verify. */
function decode(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64url')
  return text !== '' && bytes.toString('base64url') === text ? bytes : null
}
