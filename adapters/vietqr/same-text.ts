import { createHash, timingSafeEqual } from 'node:crypto'

/** Compares secrets in constant time, also those of different lengths. */
export function isSameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest()
  return timingSafeEqual(digest(a), digest(b))
}
