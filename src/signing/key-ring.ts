/**
 * The gateway's own signing keys: a folder with one manifest and one private key file each, readable by their owner only.
 * The manifest is the truth; a key file it does not name is left over from a crash and means nothing.
 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { type Algorithm, algorithmOf, algorithms, generateKey, thumbprint } from './algorithm.ts'
import {
  type HeldKey,
  holdKeys,
  KeyRingError,
  type KeyState,
  keyStates,
  type LocalKeyProvider,
} from './key-provider.ts'
import { writePrivateFile } from './private-file.ts'

export { type Algorithm, algorithms } from './algorithm.ts'
export { KeyRingError, type KeyState, keyStates, type SigningKey, type VerifyingKey } from './key-provider.ts'

const manifestSchema = z
  .strictObject({
    keys: z.array(
      z.strictObject({
        kid: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
        alg: z.enum(algorithms),
        state: z.enum(keyStates),
        createdAt: z.iso.datetime(),
      }),
    ),
  })
  .refine(({ keys }) => new Set(keys.map(({ kid }) => kid)).size === keys.length, 'a key stands twice')
  .refine(({ keys }) => keys.filter(({ state }) => state === 'active').length <= 1, 'more than one key is active')
export type KeyEntry = z.infer<typeof manifestSchema>['keys'][number]

export type KeyRing = LocalKeyProvider & {
  list(): readonly KeyEntry[]
  /** Adds a key in state `next`, or `active` when there is none. Returns its id. */
  generate(alg: Algorithm, now: Date): Promise<string>
  /** Adds a private key made elsewhere (PKCS#12, HSM export) as `generate` does. Returns its id. */
  add(privateKey: KeyObject, now: Date): Promise<string>
  /** The oldest `next` key (made now when there is none) becomes active and the active one retired. Returns the new active id. */
  rotate(now: Date): Promise<string>
  /** Nothing that key signed verifies any more. The active key must be rotated away first. */
  revoke(kid: string): void
}

/**
 * Opens the folder; it need not exist yet.
 * @throws KeyRingError when it cannot be understood: a bad manifest, a missing or exchanged key file, one that others may read
 */
export function openKeyRing(folder: string): KeyRing {
  const manifestFile = join(folder, 'keys.json')
  let entries: readonly KeyEntry[] = []
  let held = holdKeys([], folder)

  function reload(): void {
    const read = readManifest(manifestFile)
    if (read === null) return
    // Everything is read before anything is taken over: a folder caught half-way changes nothing here.
    const keys = read.filter(({ state }) => state !== 'revoked').map((entry) => readKey(folder, entry))
    held = holdKeys(keys, folder)
    entries = read
  }

  /** Every change starts from what is on disk now: another process may have rotated. */
  function change(edit: (current: readonly KeyEntry[]) => readonly KeyEntry[]): void {
    const current = readManifest(manifestFile)
    const text = `${JSON.stringify({ keys: edit(current ?? []) }, null, 2)}\n`
    // Of several processes that start on an empty folder one makes the manifest; the others add to it.
    if (!writePrivateFile(manifestFile, text, { exclusive: current === null })) change(edit)
    else reload()
  }

  function add(privateKey: KeyObject, now: Date, wanted?: KeyState): string {
    const publicKey = createPublicKey(privateKey)
    const alg = algorithmOf(publicKey)
    if (alg === null) throw new KeyRingError('the key must be P-256, Ed25519 or RSA of at least 2048 bits')
    const kid = thumbprint(publicKey)
    if (readManifest(manifestFile)?.some((entry) => entry.kid === kid) === true)
      throw new KeyRingError(`key ${kid} is there already`)
    writePrivateFile(keyFile(folder, kid), privateKey.export({ type: 'pkcs8', format: 'pem' }))
    change((current) => {
      const state = wanted ?? (current.some((entry) => entry.state === 'active') ? 'next' : 'active')
      return [...current, { kid, alg, state, createdAt: now.toISOString() }]
    })
    return kid
  }

  reload()
  return {
    active: () => held.active(),
    find: (kid) => held.find(kid),
    publicJwks: () => held.publicJwks(),
    reload,
    list: () => entries,
    generate: async (alg, now) => add(generateKey(alg), now),
    add: async (privateKey, now) => add(privateKey, now),
    async rotate(now) {
      reload()
      const next =
        entries.find(({ state }) => state === 'next')?.kid ??
        add(generateKey(entries.find(({ state }) => state === 'active')?.alg ?? 'ES256'), now, 'next')
      change((current) => current.map((entry) => ({ ...entry, state: stateAfterRotation(entry, next) })))
      return next
    },
    revoke(kid) {
      change((current) => {
        const entry = current.find((candidate) => candidate.kid === kid)
        if (entry === undefined) throw new KeyRingError(`no key ${kid}`)
        if (entry.state === 'active') throw new KeyRingError('the active key cannot be revoked: rotate first')
        return current.map((candidate) => (candidate.kid === kid ? { ...candidate, state: 'revoked' } : candidate))
      })
    },
  }
}

function stateAfterRotation({ kid, state }: KeyEntry, next: string): KeyState {
  if (kid === next) return 'active'
  return state === 'active' ? 'retired' : state
}

const keyFile = (folder: string, kid: string): string => join(folder, `${kid}.pem`)

/** Null when there is no manifest yet. */
function readManifest(path: string): KeyEntry[] | null {
  if (!existsSync(path)) return null
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

function readKey(folder: string, { kid, alg, state }: KeyEntry): HeldKey {
  const path = keyFile(folder, kid)
  let privateKey: KeyObject
  try {
    if (isOpenToOthers(path)) throw new KeyRingError(`${path} can be read by everybody on this machine: chmod 600 it`)
    privateKey = createPrivateKey(readFileSync(path))
  } catch (error) {
    if (error instanceof KeyRingError) throw error
    throw new KeyRingError(`${path} holds no readable private key`, { cause: error })
  }
  const publicKey = createPublicKey(privateKey)
  if (thumbprint(publicKey) !== kid || algorithmOf(publicKey) !== alg)
    throw new KeyRingError(`${path} holds another key than the manifest says`)
  return { kid, alg, state, publicKey, privateKey }
}

/** Group access is allowed: that is how orchestrators hand secrets to a process. Windows has no such bits. */
function isOpenToOthers(path: string): boolean {
  return process.platform !== 'win32' && (statSync(path).mode & 0o007) !== 0
}
