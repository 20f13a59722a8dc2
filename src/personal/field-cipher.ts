/** Seals personal fields and makes the keyed hashes they are found by. One key in the key folder; two keys are derived from it. */
import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What a sealed text belongs to: it opens nowhere else. */
export type PersonalBinding = readonly [tenantId: string, invoiceId: string, role: string, kind: string]

export type FieldCipher = {
  readonly keyId: string
  /** @param nonce 12 random bytes, never used twice */
  seal(nonce: Uint8Array, binding: PersonalBinding, plain: string): Promise<Buffer>
  /** @throws PersonalDataError when key, binding or bytes are not those it was sealed with */
  open(keyId: string, binding: PersonalBinding, sealed: Uint8Array): Promise<string>
  /** HMAC-SHA-256 within a tenant: the same person is not the same across tenants. */
  searchHash(tenantId: string, value: string): Buffer
}

export class PersonalDataError extends Error {
  readonly code = 'PERSONAL_DATA'
}

export const nonceBytes = 12
const keyBytes = 32
const tagBytes = 16

export function createFieldCipher(key: Uint8Array): FieldCipher {
  if (key.length !== keyBytes) throw new PersonalDataError(`a key for personal data has ${keyBytes} bytes`)
  const sealing = Buffer.from(hkdfSync('sha256', key, '', 'feegate personal seal', keyBytes))
  const hashing = Buffer.from(hkdfSync('sha256', key, '', 'feegate personal search', keyBytes))
  const ownId = createHash('sha256').update(sealing).digest('hex').slice(0, 16)
  return {
    keyId: ownId,
    async seal(nonce, binding, plain) {
      const cipher = createCipheriv('aes-256-gcm', sealing, nonce, { authTagLength: tagBytes })
      cipher.setAAD(Buffer.from(JSON.stringify(binding)))
      return Buffer.concat([nonce, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()])
    },
    async open(keyId, binding, sealed) {
      if (keyId !== ownId) throw new PersonalDataError(`sealed with key ${keyId}; this gateway holds ${ownId}`)
      const bytes = Buffer.from(sealed)
      if (bytes.length < nonceBytes + tagBytes) throw new PersonalDataError('a sealed field is cut off')
      const decipher = createDecipheriv('aes-256-gcm', sealing, bytes.subarray(0, nonceBytes), {
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
    searchHash: (tenantId, value) =>
      createHmac('sha256', hashing)
        .update(JSON.stringify([tenantId, value]))
        .digest(),
  }
}

/** The cipher of the key folder; its key is made when there is none. Of several processes that start at once one makes it. */
export function openFieldCipher(folder: string, random: (length: number) => Uint8Array): FieldCipher {
  const path = join(folder, 'personal.key')
  if (!existsSync(path)) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    try {
      writeFileSync(path, `${Buffer.from(random(keyBytes)).toString('base64')}\n`, { mode: 0o600, flag: 'wx' })
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    }
  }
  return createFieldCipher(Buffer.from(readFileSync(path, 'utf8').trim(), 'base64'))
}
