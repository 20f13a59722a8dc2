/** The portal's side of `private_key_jwt` (RFC 7523 §2.2), for whoever tries the API by hand. */
import { calculateJwkThumbprint, importJWK, SignJWT } from 'jose'
import { z } from 'zod'
import type { Environment } from '../environment.ts'

/** What the gateway accepts at most is five minutes; one is enough to ask for a token. */
const lifeSeconds = 60

const privateJwk = z.union([
  z.object({ kty: z.literal('EC'), crv: z.literal('P-256'), x: z.string(), y: z.string(), d: z.string() }),
  z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string(), d: z.string() }),
  z.looseObject({ kty: z.literal('RSA'), n: z.string(), e: z.string(), d: z.string() }),
])

const algorithms = { EC: 'ES256', OKP: 'EdDSA', RSA: 'PS256' } as const

export class PortalKeyError extends Error {
  readonly code = 'PORTAL_KEY'
}

/**
 * An assertion that works once, for a minute. Throws `PortalKeyError` when `jwk` is no private P-256, Ed25519 or RSA key.
 * @param audience the token address, or the gateway's own
 */
export async function signAssertion(
  environment: Environment,
  { jwk, clientId, audience }: { jwk: unknown; clientId: string; audience: string },
): Promise<string> {
  const parsed = privateJwk.safeParse(jwk)
  if (!parsed.success) throw new PortalKeyError('this is no private JWK of a P-256, Ed25519 or RSA key')
  const alg = algorithms[parsed.data.kty]
  const seconds = Math.floor(environment.now().getTime() / 1000)
  return await new SignJWT()
    .setProtectedHeader({ alg, kid: await calculateJwkThumbprint(parsed.data) })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(audience)
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + lifeSeconds)
    .setJti(Buffer.from(environment.random(16)).toString('base64url'))
    .sign(await importJWK(parsed.data, alg))
}
