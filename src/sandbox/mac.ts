import { createHash, timingSafeEqual } from 'node:crypto'

/** Whether `hex` spells exactly these bytes; letter case is ignored, the comparison takes constant time. */
export function isHexOf(hex: string, bytes: Buffer): boolean {
  return (
    /^[0-9a-fA-F]*$/.test(hex) && hex.length === bytes.length * 2 && timingSafeEqual(Buffer.from(hex, 'hex'), bytes)
  )
}

/** Whether two secrets are the same text, in constant time. */
export function sameText(given: string, wanted: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest()
  return timingSafeEqual(digest(given), digest(wanted))
}

/** Changes the last hex digit: a signature that is well formed and wrong. */
export function spoilHex(hex: string): string {
  return hex.slice(0, -1) + (hex.endsWith('0') ? '1' : '0')
}
