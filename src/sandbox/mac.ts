import { timingSafeEqual } from 'node:crypto'

/** Whether `hex` spells exactly these bytes; letter case is ignored, the comparison takes constant time. */
export function isHexOf(hex: string, bytes: Buffer): boolean {
  return (
    /^[0-9a-fA-F]*$/.test(hex) && hex.length === bytes.length * 2 && timingSafeEqual(Buffer.from(hex, 'hex'), bytes)
  )
}

/** Changes the last hex digit: a signature that is well formed and wrong. */
export function spoilHex(hex: string): string {
  return hex.slice(0, -1) + (hex.endsWith('0') ? '1' : '0')
}
