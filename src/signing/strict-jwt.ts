/**
 * A look at a JWT made by others before a library verifies it: one that two readers could understand differently is refused,
 * whatever its signature. Says nothing about whether it is genuine.
 */
import { parseJsonObject } from '../../adapters/shared/json-body.ts'

/** Three parts in canonical base64url, of which the first two are JSON objects without repeated names. */
export function isUnambiguousJwt(token: string): boolean {
  const parts = token.split('.')
  if (parts.length !== 3) return false
  const bytes = parts.map((part) => Buffer.from(part, 'base64url'))
  // Other trailing bits, padding or white space would be a second spelling of the same token.
  if (bytes.some((part, index) => part.length === 0 || part.toString('base64url') !== parts[index])) return false
  return bytes.slice(0, 2).every((part) => parseJsonObject(part).ok)
}
