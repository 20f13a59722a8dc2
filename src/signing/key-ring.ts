/**
 * The gateway's own signing keys: a folder with one manifest and one private key file each, readable by their owner only.
 * The manifest is the truth; a key file it does not name is left over from a crash and means nothing. Replicas share the folder.
 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { type Algorithm, algorithmOf, algorithms, generateKey, thumbprint } from './algorithm.ts'
import {
  type HeldKey,
  holdKeys,
  type KeyFacts,
  KeyRingError,
  type KeyState,
  keyStates,
  type LocalKeyProvider,
} from './key-provider.ts'
import { exclusively, readPrivateFile, writePrivateFile } from './private-file.ts'

export { type Algorithm, algorithms } from './algorithm.ts'
export { KeyRingError, type KeyState, keyStates, type SigningKey, type VerifyingKey } from './key-provider.ts'

export const keyName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,39}$/, 'lower-case letters, digits, . _ - (at most 40)')

const manifestSchema = z
  .strictObject({
    keys: z.array(
      z.strictObject({
        kid: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
        name: keyName.optional(),
        alg: z.enum(algorithms),
        state: z.enum(keyStates),
        createdAt: z.iso.datetime(),
        endsAt: z.iso.datetime().nullable().default(null),
        isDemo: z.boolean().default(false),
      }),
    ),
  })
  .transform(({ keys }) => ({ keys: keys.map((key, index) => ({ ...key, name: key.name ?? `key-${index + 1}` })) }))
  .refine(({ keys }) => new Set(keys.map(({ kid }) => kid)).size === keys.length, 'a key stands twice')
  .refine(({ keys }) => new Set(keys.map(({ name }) => name)).size === keys.length, 'a name stands twice')
  .refine(({ keys }) => keys.filter(({ state }) => state === 'active').length <= 1, 'more than one key is active')
type KeyEntry = z.infer<typeof manifestSchema>['keys'][number]

/** What is known of a key beside the key itself. */
export type NewKey = { readonly name?: string; readonly endsAt?: Date | null; readonly isDemo?: boolean }

export type KeyRing = LocalKeyProvider & {
  /** Adds a key in state `next`, or `active` when there is none. Returns its id. */
  generate(alg: Algorithm, now: Date, more?: NewKey): Promise<string>
  /** `generate` when the folder has no key yet; of several processes that start at once one makes it. Null when there was one. */
  generateFirst(alg: Algorithm, now: Date): string | null
  /** Adds a private key made elsewhere (PKCS#12, HSM export) as `generate` does. Returns its id. */
  add(privateKey: KeyObject, now: Date, more?: NewKey): Promise<string>
  /** The oldest `next` key (made now when there is none) becomes active and the active one retired. Returns the new active id. */
  rotate(now: Date): Promise<string>
  /** Nothing that key signed verifies any more. The active key must be rotated away first. @param key id or name */
  revoke(key: string): void
}

/** Others keep our key set for five minutes (`/.well-known/jwks.json` says so), and a replica reads the folder twice a minute. */
export const publishedBeforeSigningMs = 10 * 60 * 1000

/** When the next key may sign without anybody meeting a key they do not know yet; null when there is no next key. */
export function mayRotateFrom(keys: readonly KeyFacts[]): Date | null {
  const next = keys.find(({ state }) => state === 'next')
  return next === undefined || next.createdAt === null
    ? null
    : new Date(new Date(next.createdAt).getTime() + publishedBeforeSigningMs)
}

/**
 * Opens the folder; it need not exist yet.
 * @throws KeyRingError when it cannot be understood: a bad manifest, a missing or exchanged key file; PrivateFileError for one
 *   that others may read
 */
export function openKeyRing(folder: string): KeyRing {
  const manifestFile = join(folder, 'keys.json')
  let held = holdKeys([], folder)
  let revoked: readonly KeyFacts[] = []
  let seen = ''
  /** A manifest that could not be taken over: it is not read again before it changes. */
  let refused = ''

  function reload(): void {
    const version = versionOf(manifestFile)
    const read = readManifest(manifestFile)
    // Everything is read before anything is taken over: a folder caught half-way changes nothing here.
    const keys = read.filter(({ state }) => state !== 'revoked').map((entry) => readKey(folder, entry))
    held = holdKeys(keys, folder)
    revoked = read.filter(({ state }) => state === 'revoked')
    seen = version
  }

  /**
   * Whoever signs or verifies looks first whether another process has changed the folder: a key revoked there must not verify here
   * for another half minute, and must sign nothing at all. The look is one `stat`, a few microseconds.
   */
  function current(): typeof held {
    const version = versionOf(manifestFile)
    if (version === seen || version === refused) return held
    try {
      reload()
    } catch (error) {
      // The watcher meets the same fault and reports it; until then the keys stay as they were known.
      if (!(error instanceof Error && 'code' in error)) throw error
      refused = version
    }
    return held
  }

  /** Every change starts from what is on disk now: another process may have rotated. */
  function change<Result>(
    edit: (current: readonly KeyEntry[]) => { entries: readonly KeyEntry[]; result: Result },
  ): Result {
    return exclusively(folder, () => {
      const { entries, result } = edit(readManifest(manifestFile))
      const checked = manifestSchema.safeParse({ keys: entries })
      if (!checked.success) throw new KeyRingError(z.prettifyError(checked.error))
      writePrivateFile(manifestFile, `${JSON.stringify(checked.data, null, 2)}\n`)
      reload()
      return result
    })
  }

  function added(
    current: readonly KeyEntry[],
    privateKey: KeyObject,
    now: Date,
    { name = freeName(current), endsAt = null, isDemo = false }: NewKey,
    wanted?: KeyState,
  ): KeyEntry {
    const publicKey = createPublicKey(privateKey)
    const alg = algorithmOf(publicKey)
    if (alg === null) throw new KeyRingError('the key must be P-256, Ed25519 or RSA of at least 2048 bits')
    const kid = thumbprint(publicKey)
    if (current.some((entry) => entry.kid === kid)) throw new KeyRingError(`key ${kid} is there already`)
    writePrivateFile(keyFile(folder, kid), privateKey.export({ type: 'pkcs8', format: 'pem' }))
    const state = wanted ?? (current.some((entry) => entry.state === 'active') ? 'next' : 'active')
    return { kid, name, alg, state, createdAt: now.toISOString(), endsAt: endsAt?.toISOString() ?? null, isDemo }
  }

  const add = (privateKey: KeyObject, now: Date, more: NewKey = {}): string =>
    change((current) => {
      const entry = added(current, privateKey, now, more)
      return { entries: [...current, entry], result: entry.kid }
    })

  reload()
  return {
    active: () => current().active(),
    find: (kid) => current().find(kid),
    publicJwks: () => current().publicJwks(),
    list: () => [...current().list(), ...revoked],
    reload,
    generate: async (alg, now, more) => add(generateKey(alg), now, more),
    generateFirst: (alg, now) =>
      change<string | null>((current) => {
        if (current.length > 0) return { entries: current, result: null }
        const entry = added(current, generateKey(alg), now, {})
        return { entries: [entry], result: entry.kid }
      }),
    add: async (privateKey, now, more) => add(privateKey, now, more),
    rotate: async (now) =>
      change((current) => {
        const waiting = current.find(({ state }) => state === 'next')
        const alg = current.find(({ state }) => state === 'active')?.alg ?? 'ES256'
        const next = waiting ?? added(current, generateKey(alg), now, {}, 'next')
        const entries = waiting === undefined ? [...current, next] : current
        return {
          entries: entries.map((entry) => ({ ...entry, state: stateAfterRotation(entry, next.kid) })),
          result: next.kid,
        }
      }),
    revoke: (key) =>
      change((current) => {
        const entry = current.find(({ kid, name }) => kid === key || name === key)
        if (entry === undefined) throw new KeyRingError(`no key ${key}`)
        if (entry.state === 'active') throw new KeyRingError('the active key cannot be revoked: rotate first')
        return {
          entries: current.map((candidate) => (candidate === entry ? { ...entry, state: 'revoked' } : candidate)),
          result: undefined,
        }
      }),
  }
}

function stateAfterRotation({ kid, state }: KeyEntry, next: string): KeyState {
  if (kid === next) return 'active'
  return state === 'active' ? 'retired' : state
}

function freeName(current: readonly KeyEntry[]): string {
  const taken = new Set(current.map(({ name }) => name))
  let number = current.length + 1
  while (taken.has(`key-${number}`)) number++
  return `key-${number}`
}

const keyFile = (folder: string, kid: string): string => join(folder, `${kid}.pem`)

/** Changes whenever the manifest is replaced: every change makes a new file. */
function versionOf(manifestFile: string): string {
  const status = statSync(manifestFile, { throwIfNoEntry: false, bigint: true })
  return status === undefined ? '' : `${status.ino} ${status.mtimeNs} ${status.size}`
}

/** Empty when there is no manifest yet. */
function readManifest(path: string): KeyEntry[] {
  if (!existsSync(path)) return []
  let content: unknown
  try {
    content = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new KeyRingError(`${path} cannot be read as JSON`, { cause: error })
  }
  const parsed = manifestSchema.safeParse(content)
  if (!parsed.success) throw new KeyRingError(`${path} is not a key manifest: ${z.prettifyError(parsed.error)}`)
  return parsed.data.keys
}

function readKey(folder: string, entry: KeyEntry): HeldKey {
  const path = keyFile(folder, entry.kid)
  const pem = readPrivateFile(path)
  let privateKey: KeyObject
  try {
    privateKey = createPrivateKey(pem)
  } catch (error) {
    throw new KeyRingError(`${path} holds no readable private key`, { cause: error })
  }
  const publicKey = createPublicKey(privateKey)
  if (thumbprint(publicKey) !== entry.kid || algorithmOf(publicKey) !== entry.alg)
    throw new KeyRingError(`${path} holds another key than the manifest says`)
  return { ...entry, publicKey, privateKey }
}
