/**
 * The gateway's own signing keys: a folder with one manifest and one private key file each.
 *
 * States: `next` (published, not signing yet) → `active` (signs) → `retired` (still verifies) → `revoked` (verifies nothing).
 * All but revoked keys are published, so that what an old key signed stays verifiable.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { calculateJwkThumbprint, type JWK } from 'jose'
import { z } from 'zod'

export const algorithms = ['ES256', 'EdDSA', 'PS256'] as const
export type Algorithm = (typeof algorithms)[number]
export const keyStates = ['next', 'active', 'retired', 'revoked'] as const
export type KeyState = (typeof keyStates)[number]

const manifestSchema = z.strictObject({
  keys: z.array(
    z.strictObject({
      kid: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
      alg: z.enum(algorithms),
      state: z.enum(keyStates),
      createdAt: z.iso.datetime(),
    }),
  ),
})
export type KeyEntry = z.infer<typeof manifestSchema>['keys'][number]

export class KeyRingError extends Error {
  readonly code = 'KEY_RING'
}

export type SigningKey = { readonly kid: string; readonly alg: Algorithm; readonly privateKey: KeyObject }
export type VerifyingKey = {
  readonly kid: string
  readonly alg: Algorithm
  readonly state: KeyState
  readonly publicKey: KeyObject
}

export type KeyRing = {
  /** The key that signs now. */
  active(): SigningKey
  /** The key of that id unless it is revoked or unknown. */
  find(kid: string): VerifyingKey | null
  /** Public keys for `/.well-known/jwks.json`. */
  publicJwks(): { keys: JWK[] }
  list(): readonly KeyEntry[]
  /** Adds a key in state `next`, or `active` when there is none. Returns its id. */
  generate(alg: Algorithm, now: Date): Promise<string>
  /** Adds a private key made elsewhere (PKCS#12, HSM export) in state `next`. Returns its id. */
  add(privateKey: KeyObject, now: Date): Promise<string>
  /** The `next` key (made now when there is none) becomes active and the active one retired. Returns the new active id. */
  rotate(now: Date): Promise<string>
  revoke(kid: string): void
  /** Reads the folder again: another process may have rotated. */
  reload(): void
}

export function openKeyRing(folder: string): KeyRing {
  const manifestFile = join(folder, 'keys.json')
  let entries: KeyEntry[] = []
  let privateKeys = new Map<string, KeyObject>()

  function reload(): void {
    if (!existsSync(manifestFile)) return
    const parsed = manifestSchema.safeParse(JSON.parse(readFileSync(manifestFile, 'utf8')))
    if (!parsed.success) throw new KeyRingError(`${manifestFile} is not a key manifest: ${parsed.error.message}`)
    entries = parsed.data.keys
    privateKeys = new Map(
      entries
        .filter(({ state }) => state !== 'revoked')
        .map(({ kid }) => [kid, createPrivateKey(readFileSync(join(folder, `${kid}.pem`)))]),
    )
  }

  function save(next: KeyEntry[]): void {
    // Written whole and moved into place: a crash leaves the old manifest or the new one.
    writeFileSync(`${manifestFile}.new`, `${JSON.stringify({ keys: next }, null, 2)}\n`, { mode: 0o600 })
    renameSync(`${manifestFile}.new`, manifestFile)
    reload()
  }

  async function add(privateKey: KeyObject, state: KeyState, now: Date): Promise<string> {
    const publicKey = createPublicKey(privateKey)
    const alg = algorithmOf(publicKey)
    const kid = await calculateJwkThumbprint(publicKey.export({ format: 'jwk' }) as JWK)
    if (entries.some((entry) => entry.kid === kid)) throw new KeyRingError(`key ${kid} is there already`)
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    chmodSync(folder, 0o700)
    writeFileSync(join(folder, `${kid}.pem`), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
    save([...entries, { kid, alg, state, createdAt: now.toISOString() }])
    return kid
  }

  const freshState = (): KeyState => (entries.some(({ state }) => state === 'active') ? 'next' : 'active')

  function active(): SigningKey {
    const entry = entries.find(({ state }) => state === 'active')
    const privateKey = entry === undefined ? undefined : privateKeys.get(entry.kid)
    if (entry === undefined || privateKey === undefined)
      throw new KeyRingError(`no active signing key in ${folder}: run "feegate keys generate"`)
    return { kid: entry.kid, alg: entry.alg, privateKey }
  }

  reload()
  return {
    active,
    find(kid) {
      const entry = entries.find((candidate) => candidate.kid === kid)
      const privateKey = privateKeys.get(kid)
      return entry === undefined || privateKey === undefined
        ? null
        : { kid, alg: entry.alg, state: entry.state, publicKey: createPublicKey(privateKey) }
    },
    publicJwks() {
      return {
        keys: entries.flatMap(({ kid, alg }) => {
          const privateKey = privateKeys.get(kid)
          return privateKey === undefined
            ? []
            : [{ ...(createPublicKey(privateKey).export({ format: 'jwk' }) as JWK), kid, alg, use: 'sig' }]
        }),
      }
    },
    list: () => entries,
    generate: (alg, now) => add(generate(alg), freshState(), now),
    add: (privateKey, now) => add(privateKey, freshState(), now),
    async rotate(now) {
      const next =
        entries.find(({ state }) => state === 'next')?.kid ??
        (await add(generate(entries.find(({ state }) => state === 'active')?.alg ?? 'ES256'), 'next', now))
      save(
        entries.map((entry) => ({
          ...entry,
          state: entry.kid === next ? 'active' : entry.state === 'active' ? 'retired' : entry.state,
        })),
      )
      return next
    },
    revoke(kid) {
      const entry = entries.find((candidate) => candidate.kid === kid)
      if (entry === undefined) throw new KeyRingError(`no key ${kid}`)
      if (entry.state === 'active') throw new KeyRingError('the active key cannot be revoked: rotate first')
      save(entries.map((candidate) => (candidate.kid === kid ? { ...candidate, state: 'revoked' } : candidate)))
    },
    reload,
  }
}

function generate(alg: Algorithm): KeyObject {
  switch (alg) {
    case 'ES256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    case 'EdDSA':
      return generateKeyPairSync('ed25519').privateKey
    case 'PS256':
      return generateKeyPairSync('rsa', { modulusLength: 3072 }).privateKey
  }
}

function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): Algorithm {
  if (asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1') return 'ES256'
  if (asymmetricKeyType === 'ed25519') return 'EdDSA'
  if (asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) >= 2048) return 'PS256'
  throw new KeyRingError('the key must be P-256, Ed25519 or RSA of at least 2048 bits')
}
