/**
 * Seals personal fields and makes the keyed hashes they are found by. Keys stand in the key folder, one a line: the first seals, the
 * others still open and still find. Two keys are derived from each.
 */
import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { exclusively, readPrivateFile, writePrivateFile } from '../signing/private-file.ts'

/** What a sealed text belongs to: it opens nowhere else. */
export type PersonalBinding = readonly [tenantId: string, invoiceId: string, role: string, kind: string]

export type SealedField = { readonly keyId: string; readonly sealed: Buffer }

export type FieldCipher = {
  /** Ids of all keys, the one that seals first. */
  keyIds(): readonly string[]
  /** @param nonce 12 random bytes, never used twice */
  seal(nonce: Uint8Array, binding: PersonalBinding, plain: string): Promise<SealedField>
  /** @throws PersonalDataError when key, binding or bytes are not those it was sealed with */
  open(keyId: string, binding: PersonalBinding, sealed: Uint8Array): Promise<string>
  /** HMAC-SHA-256 within a tenant under the key that seals: the same person is not the same across tenants. */
  searchHash(tenantId: string, value: string): Buffer
  /** The same under every key: what a person is looked for by, also while a key is being changed. */
  searchHashes(tenantId: string, value: string): Buffer[]
}

export class PersonalDataError extends Error {
  readonly code = 'PERSONAL_DATA'
}

export const nonceBytes = 12
const keyBytes = 32
const tagBytes = 16

type Key = { readonly id: string; readonly sealing: Buffer; readonly hashing: Buffer }

/** A cipher of keys that do not change while it lives. */
export function createFieldCipher(...keys: readonly Uint8Array[]): FieldCipher {
  const held = derived(keys)
  return cipherOf(() => held)
}

function cipherOf(keys: () => readonly Key[]): FieldCipher {
  const active = (): Key => {
    const [first] = keys()
    if (first === undefined) throw new PersonalDataError('there is no key for personal data')
    return first
  }
  return {
    keyIds: () => keys().map(({ id }) => id),
    async seal(nonce, binding, plain) {
      const { id, sealing } = active()
      const cipher = createCipheriv('aes-256-gcm', sealing, nonce, { authTagLength: tagBytes })
      cipher.setAAD(Buffer.from(JSON.stringify(binding)))
      const sealed = Buffer.concat([nonce, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()])
      return { keyId: id, sealed }
    },
    async open(keyId, binding, sealed) {
      const key = keys().find(({ id }) => id === keyId)
      if (key === undefined) throw new PersonalDataError(`sealed with key ${keyId}, which is not here`)
      const bytes = Buffer.from(sealed)
      if (bytes.length < nonceBytes + tagBytes) throw new PersonalDataError('a sealed field is cut off')
      const decipher = createDecipheriv('aes-256-gcm', key.sealing, bytes.subarray(0, nonceBytes), {
        authTagLength: tagBytes,
      })
      decipher.setAAD(Buffer.from(JSON.stringify(binding)))
      decipher.setAuthTag(bytes.subarray(-tagBytes))
      try {
        return Buffer.concat([decipher.update(bytes.subarray(nonceBytes, -tagBytes)), decipher.final()]).toString()
      } catch (error) {
        throw new PersonalDataError(`personal data of ${binding[1]} does not open: moved or changed`, { cause: error })
      }
    },
    searchHash: (tenantId, value) => hashOf(active(), tenantId, value),
    searchHashes: (tenantId, value) => keys().map((key) => hashOf(key, tenantId, value)),
  }
}

function hashOf({ hashing }: Key, tenantId: string, value: string): Buffer {
  return createHmac('sha256', hashing)
    .update(JSON.stringify([tenantId, value]))
    .digest()
}

function derived(keys: readonly Uint8Array[]): readonly Key[] {
  return keys.map((key) => {
    if (key.length !== keyBytes) throw new PersonalDataError(`a key for personal data has ${keyBytes} bytes`)
    const sealing = Buffer.from(hkdfSync('sha256', key, '', 'feegate personal seal', keyBytes))
    const hashing = Buffer.from(hkdfSync('sha256', key, '', 'feegate personal search', keyBytes))
    return { id: createHash('sha256').update(sealing).digest('hex').slice(0, 16), sealing, hashing }
  })
}

type Random = (length: number) => Uint8Array

export const personalKeyFile = (folder: string): string => join(folder, 'personal.key')

/**
 * The cipher of the key folder; its key is made when there is none. Of several processes that start at once one makes it. The file is
 * looked at before each use, so that all replicas seal with a new key at once.
 */
export function openFieldCipher(folder: string, random: Random): FieldCipher {
  const path = personalKeyFile(folder)
  if (!existsSync(path))
    exclusively(folder, () => {
      if (!existsSync(path)) writePrivateFile(path, lineOf(random(keyBytes)))
    })
  let seen = ''
  let keys: readonly Key[] = []
  return cipherOf(() => {
    const { ino, mtimeNs, size } = statSync(path, { bigint: true })
    const version = `${ino} ${mtimeNs} ${size}`
    if (version !== seen) {
      keys = derived(readKeys(path))
      seen = version
    }
    return keys
  })
}

/** Puts a new key first: it seals from now on, on every replica. Returns its id. */
export function addPersonalKey(folder: string, random: Random): string {
  const path = personalKeyFile(folder)
  return exclusively(dirname(path), () => {
    const key = random(keyBytes)
    writePrivateFile(path, [key, ...readKeys(path)].map(lineOf).join(''))
    return derived([key])[0]?.id ?? ''
  })
}

/** Takes a key out for good. @throws PersonalDataError for the key that seals and for one that is not there */
export function dropPersonalKey(folder: string, id: string): void {
  const path = personalKeyFile(folder)
  exclusively(dirname(path), () => {
    const keys = readKeys(path)
    const place = derived(keys).findIndex((key) => key.id === id)
    if (place === -1) throw new PersonalDataError(`there is no key ${id}`)
    if (place === 0) throw new PersonalDataError(`${id} is the key that seals: add another first`)
    writePrivateFile(
      path,
      keys
        .filter((_key, index) => index !== place)
        .map(lineOf)
        .join(''),
    )
  })
}

function readKeys(path: string): Buffer[] {
  const lines = readPrivateFile(path).toString('utf8').split('\n')
  const keys = lines.map((line) => line.trim()).filter((line) => line !== '')
  if (keys.length === 0) throw new PersonalDataError(`${path} holds no key`)
  return keys.map((line) => Buffer.from(line, 'base64'))
}

function lineOf(key: Uint8Array): string {
  return `${Buffer.from(key).toString('base64')}\n`
}
