/** Signing keys out of an environment variable, for installations whose secret store fills variables and has no disk. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { z } from 'zod'
import { algorithmOf, thumbprint } from './algorithm.ts'
import { type HeldKey, holdKeys, type KeyProvider, KeyRingError, keyStates, stateMember } from './key-provider.ts'

const jwkSchema = z
  .object({
    kty: z.enum(['EC', 'OKP', 'RSA']),
    kid: z.string().optional(),
    name: z.string().max(40).optional(),
    alg: z.string().optional(),
    d: z.string().optional(),
    [stateMember]: z.enum(keyStates).optional(),
  })
  .loose()
const jwksSchema = z.object({ keys: z.array(jwkSchema).min(1) })

/**
 * Reads a JWK set with private keys: `{"keys":[{"kty":"EC","crv":"P-256","x":…,"y":…,"d":…,"feegate_state":"active"}]}`.
 * A key that stands alone is active; of several each must say its state, and exactly one is active. Retired keys may leave
 * out their private part. The variable of a running process cannot change, so `reload` does nothing.
 * @throws KeyRingError that names the key's place, and never its content
 */
export function keysFromEnvironment(variable: string, text: string): KeyProvider {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    // The parser's own message would quote the secret.
    throw new KeyRingError(`${variable} is not JSON`)
  }
  const parsed = jwksSchema.safeParse(content)
  if (!parsed.success) throw new KeyRingError(`${variable} is no JWK set: ${z.prettifyError(parsed.error)}`)
  const alone = parsed.data.keys.length === 1
  const keys = parsed.data.keys.map((jwk, index) => readJwk(jwk, `key ${index + 1} of ${variable}`, alone))
  if (new Set(keys.map(({ kid }) => kid)).size !== keys.length) throw new KeyRingError(`${variable} holds a key twice`)
  if (keys.filter(({ state }) => state === 'active').length !== 1)
    throw new KeyRingError(`${variable} must hold exactly one active key`)
  return { ...holdKeys(keys, variable), reload: () => undefined }
}

function readJwk(jwk: z.infer<typeof jwkSchema>, place: string, alone: boolean): HeldKey {
  const { kid, alg, name = place, [stateMember]: stated, ...members } = jwk
  const state = stated ?? (alone ? 'active' : null)
  if (state === null) throw new KeyRingError(`${place} must say its ${stateMember}`)
  if (members.d === undefined && (state === 'active' || state === 'next'))
    throw new KeyRingError(`${place} is ${state} and has no private part`)
  const { privateKey, publicKey } = keyObjects(members, place)
  const fitting = algorithmOf(publicKey)
  if (fitting === null) throw new KeyRingError(`${place} must be P-256, Ed25519 or RSA of at least 2048 bits`)
  if (alg !== undefined && alg !== fitting) throw new KeyRingError(`${place} cannot be used for the algorithm it names`)
  if (kid !== undefined && kid !== thumbprint(publicKey))
    throw new KeyRingError(`${place} has a kid that is not its RFC 7638 thumbprint`)
  const unknown = { createdAt: null, endsAt: null, isDemo: false }
  return { kid: thumbprint(publicKey), alg: fitting, state, name, ...unknown, publicKey, privateKey }
}

function keyObjects(
  jwk: Record<string, unknown>,
  place: string,
): { privateKey: KeyObject | null; publicKey: KeyObject } {
  try {
    const privateKey = jwk.d === undefined ? null : createPrivateKey({ key: jwk, format: 'jwk' })
    return { privateKey, publicKey: createPublicKey(privateKey ?? { key: jwk, format: 'jwk' }) }
  } catch {
    throw new KeyRingError(`${place} is not a usable JWK`)
  }
}
