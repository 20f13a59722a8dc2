/**
 * What signing needs from whoever keeps the keys. Folder, environment variable and PKCS#12 file are kept here; a hardware
 * module or a key service answers the same few calls, and its private keys never come into this process.
 */
import type { KeyObject } from 'node:crypto'
import type { JWK } from 'jose'
import { type Algorithm, signBytes } from './algorithm.ts'

/**
 * `next` (published, not signing yet) → `active` (signs) → `retired` (still verifies) → `revoked` (verifies nothing).
 * A key is published before it signs, so that nobody meets a signature whose key their cached set does not have.
 */
export const keyStates = ['next', 'active', 'retired', 'revoked'] as const
export type KeyState = (typeof keyStates)[number]

export class KeyRingError extends Error {
  readonly code = 'KEY_RING'
}

/** What may be told about a key. */
export type KeyFacts = {
  readonly kid: string
  readonly alg: Algorithm
  readonly state: KeyState
  /** What people call it; unique among the keys of one provider. */
  readonly name: string
  /** RFC 3339; null when whoever keeps the key does not know. */
  readonly createdAt: string | null
  /** End of the certificate it came with; null when it has none. It goes on signing: people are warned, nothing stops. */
  readonly endsAt: string | null
  /** True for a key of the demo PKI: production refuses to start with it. */
  readonly isDemo: boolean
}

export type VerifyingKey = {
  readonly kid: string
  readonly alg: Algorithm
  readonly state: KeyState
  readonly publicKey: KeyObject
}
/** A key that signs, wherever its private part is. */
export type SigningKey = {
  readonly kid: string
  readonly alg: Algorithm
  /** Signature in JWS form. */
  sign(data: Uint8Array): Promise<Buffer>
}
/** A key whose private part is in this process. */
export type LocalSigningKey = SigningKey & { readonly privateKey: KeyObject }

export type KeyProvider = {
  /**
   * The key that signs now. Id and signature come from one object, so a rotation between the two changes nothing.
   * @throws KeyRingError when there is none
   */
  active(): SigningKey
  /** The key of that id unless it is revoked or unknown. */
  find(kid: string): VerifyingKey | null
  /** Public keys for `/.well-known/jwks.json`, each with its state: everything that verifies. */
  publicJwks(): { keys: JWK[] }
  /** All keys, revoked ones too where they are still known. */
  list(): readonly KeyFacts[]
  /** Takes over what changed where the keys are kept. What cannot be read leaves the keys as they were, and throws. */
  reload(): void
}

/** The provider of keys whose private parts are in this process. */
export type LocalKeyProvider = Omit<KeyProvider, 'active'> & { active(): LocalSigningKey }

/** What a local provider is made from. Retired keys may come without their private part. */
export type HeldKey = KeyFacts & { readonly publicKey: KeyObject; readonly privateKey: KeyObject | null }

/** Name of the JWK member that tells the state; RFC 7517 §4 lets readers pass over members they do not know. */
export const stateMember = 'feegate_state'

/** A provider over keys in memory. `source` names where they came from in errors. */
export function holdKeys(keys: readonly HeldKey[], source: string): Omit<LocalKeyProvider, 'reload'> {
  const held = new Map(keys.filter(({ state }) => state !== 'revoked').map((key) => [key.kid, key]))
  const signing = [...held.values()].find(({ state }) => state === 'active')
  const jwks = [...held.values()].map(({ kid, alg, state, publicKey }) => {
    return { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig', [stateMember]: state }
  })
  return {
    active(): LocalSigningKey {
      if (signing === undefined || signing.privateKey === null)
        throw new KeyRingError(`no active signing key in ${source}: make one with "feegate keys generate"`)
      const { kid, alg, privateKey } = signing
      return { kid, alg, privateKey, sign: async (data) => signBytes(alg, privateKey, data) }
    },
    find: (kid) => held.get(kid) ?? null,
    publicJwks: () => ({ keys: jwks.map((jwk) => ({ ...jwk })) }),
    list: () => keys.map(({ publicKey: _public, privateKey: _private, ...facts }) => facts),
  }
}
