/**
 * Master keys wrap the data keys that encrypt secrets; nothing else. Several are known during a rotation: the first wraps, the
 * others still unwrap. A key service can stand in for them: it answers the same calls.
 */
import { existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { exclusively, readPrivateFile, writePrivateFile } from '../signing/private-file.ts'
import { type Binding, keyBytes, openBytes, SecretError, sealBytes } from './envelope.ts'

export type WrappedKey = { readonly masterKeyId: string; readonly dataKey: Buffer }

export type MasterKeys = {
  /** Id of the key that wraps. */
  activeId(): string
  /** Ids of all that unwrap, the active one first. */
  ids(): readonly string[]
  wrap(dataKey: Uint8Array, binding: Binding): Promise<WrappedKey>
  /** @throws SecretError for a master key that is not here, or a wrapped key that is not of this owner */
  unwrap(wrapped: WrappedKey, binding: Binding): Promise<Buffer>
  /** Takes over what changed where the keys are kept. What cannot be read leaves the keys as they were, and throws. */
  reload(): void
}

export type Random = (length: number) => Uint8Array

const nonceBytes = 12
const idPattern = /^[a-z0-9][a-z0-9._-]{0,39}$/

type Held = readonly { readonly id: string; readonly key: Buffer }[]

/** Keys of a text that cannot change while the process runs: an environment variable. */
export function masterKeysOf(text: string, place: string, random: Random): MasterKeys {
  const keys = readKeys(text, place)
  return masterKeys(() => keys, { random, reload: () => undefined, metUnknown: () => undefined })
}

/** Keys of a file, read anew when told to, and at once when a row names a key that is not known yet. */
export function masterKeysInFile(path: string, random: Random): MasterKeys {
  let version = ''
  let keys: Held = []
  function reload(): void {
    const now = versionOf(path)
    keys = readKeys(readPrivateFile(path).toString('utf8'), path)
    version = now
  }
  reload()
  return masterKeys(() => keys, {
    random,
    reload,
    metUnknown() {
      if (versionOf(path) !== version) reload()
    },
  })
}

/** Makes the file with one key when it is not there; of several processes that start at once one makes it. True when made. */
export function makeMasterKeyFile(path: string, id: string, random: Random): boolean {
  if (existsSync(path)) return false
  return exclusively(dirname(path), () => {
    if (existsSync(path)) return false
    writePrivateFile(path, lineOf(id, random(keyBytes)))
    return true
  })
}

/** Puts a new key first: it wraps from now on. @throws SecretError when the id is taken */
export function addMasterKey(path: string, id: string, random: Random): void {
  exclusively(dirname(path), () => {
    const text = readPrivateFile(path).toString('utf8')
    const changed = `${lineOf(id, random(keyBytes))}${text}`
    readKeys(changed, path)
    writePrivateFile(path, changed)
  })
}

/** Takes a key out for good. @throws SecretError for the first key and for one that is not there */
export function dropMasterKey(path: string, id: string): void {
  exclusively(dirname(path), () => {
    const keys = readKeys(readPrivateFile(path).toString('utf8'), path)
    if (keys[0]?.id === id) throw new SecretError(`${id} is the key that wraps: add another first`)
    if (!keys.some((key) => key.id === id)) throw new SecretError(`there is no master key ${id}`)
    writePrivateFile(path, keys.map((key) => (key.id === id ? '' : lineOf(key.id, key.key))).join(''))
  })
}

function masterKeys(
  held: () => Held,
  { random, reload, metUnknown }: { random: Random; reload: () => void; metUnknown: () => void },
): MasterKeys {
  const active = () => {
    const [first] = held()
    if (first === undefined) throw new SecretError('there is no master key')
    return first
  }
  const find = (id: string): Buffer | undefined => held().find((key) => key.id === id)?.key
  return {
    activeId: () => active().id,
    ids: () => held().map(({ id }) => id),
    wrap: async (dataKey, binding) => {
      const { id, key } = active()
      return { masterKeyId: id, dataKey: sealBytes(key, random(nonceBytes), binding, dataKey) }
    },
    unwrap: async ({ masterKeyId, dataKey }, binding) => {
      if (find(masterKeyId) === undefined) metUnknown()
      const key = find(masterKeyId)
      if (key === undefined) throw new SecretError(`master key ${masterKeyId} is not here`)
      return openBytes(key, binding, dataKey)
    },
    reload,
  }
}

/** `id:base64` of 32 bytes each, separated by commas or lines. Errors name the place and never a key. */
function readKeys(text: string, place: string): Held {
  const keys = text
    .split(/[\n,]/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line, index) => {
      const colon = line.indexOf(':')
      const [id, base64] = [line.slice(0, colon), line.slice(colon + 1)]
      const key = Buffer.from(base64, 'base64')
      if (colon === -1 || !idPattern.test(id) || key.length !== keyBytes || key.toString('base64') !== base64)
        throw new SecretError(`master key ${index + 1} of ${place} is not written as id:base64 of ${keyBytes} bytes`)
      return { id, key }
    })
  if (keys.length === 0) throw new SecretError(`${place} holds no master key`)
  if (new Set(keys.map(({ id }) => id)).size !== keys.length) throw new SecretError(`${place} names a master key twice`)
  return keys
}

function lineOf(id: string, key: Uint8Array): string {
  if (!idPattern.test(id)) throw new SecretError(`${id} is no id of a master key: lower-case letters, digits, . _ -`)
  return `${id}:${Buffer.from(key).toString('base64')}\n`
}

function versionOf(path: string): string {
  const status = statSync(path, { throwIfNoEntry: false, bigint: true })
  return status === undefined ? '' : `${status.ino} ${status.mtimeNs} ${status.size}`
}
