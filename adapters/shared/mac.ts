/** Comparing message authentication codes in constant time, on decoded bytes (rails.md, rule 4). */
import { timingSafeEqual } from 'node:crypto'

/**
 * True when `received` is exactly `expected` written in hexadecimal, in either letter case.
 * False for another length, any other character, or an empty code.
 */
export function isHexMac(received: string, expected: Uint8Array): boolean {
  if (received.length !== expected.byteLength * 2 || !/^[0-9a-fA-F]+$/.test(received)) return false
  return timingSafeEqual(Buffer.from(received, 'hex'), expected)
}

/** True when `received` is exactly `expected` in padded base64. Each code has one spelling: stray characters and bits are refused. */
export function isBase64Mac(received: string, expected: Uint8Array): boolean {
  const bytes = Buffer.from(received, 'base64')
  // Node skips characters outside base64 and drops left-over bits.
  if (bytes.byteLength === 0 || bytes.byteLength !== expected.byteLength || bytes.toString('base64') !== received) {
    return false
  }
  return timingSafeEqual(bytes, expected)
}
