/** AES-256-GCM for secrets at rest: 12 bytes of nonce, the ciphertext, 16 bytes of tag. */
import { createCipheriv, createDecipheriv } from 'node:crypto'

export const keyBytes = 32
const nonceBytes = 12
const tagBytes = 16

/** A secret that cannot be opened: another key, another owner, or changed. Says nothing of its content. */
export class SecretError extends Error {
  readonly code = 'SECRET'
}

/** @param nonce 12 random bytes, never used twice with the same key */
export function sealBytes(key: Uint8Array, nonce: Uint8Array, binding: Binding, plain: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
  cipher.setAAD(bindingBytes(binding))
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

/** @throws SecretError when key, binding or bytes are not those it was sealed with */
export function openBytes(key: Uint8Array, binding: Binding, sealed: Uint8Array): Buffer {
  if (sealed.length < nonceBytes + tagBytes) throw new SecretError('a sealed secret is cut off')
  const bytes = Buffer.from(sealed)
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes })
  decipher.setAAD(bindingBytes(binding))
  decipher.setAuthTag(bytes.subarray(-tagBytes))
  try {
    return Buffer.concat([decipher.update(bytes.subarray(nonceBytes, -tagBytes)), decipher.final()])
  } catch {
    throw new SecretError(`a secret of ${binding[1]} ${binding[3]} does not open: another key, or moved or changed`)
  }
}

/**
 * What a sealed text belongs to, so that it opens nowhere else: purpose, kind of owner, tenant, owner, field. A row's secret copied
 * into another row, field or tenant stays shut.
 */
export type Binding = readonly [purpose: string, kind: string, tenantId: string, ownerId: string, field: string]

/** JSON: no two bindings share their bytes. */
function bindingBytes(binding: Binding): Buffer {
  return Buffer.from(JSON.stringify(binding), 'utf8')
}
