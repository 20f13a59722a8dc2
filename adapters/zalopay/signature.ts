/** ZaloPay's MACs (rails.md §5.2): HMAC-SHA256 in hex, `key1` for what we send, `key2` for what it sends. */
import { createHmac } from 'node:crypto'
import { isHexMac } from '../shared/mac.ts'

/** The parts between bars. @throws RangeError when a part holds a bar: it would move its neighbours in the signed text. */
export function barText(parts: readonly (string | number)[]): string {
  const barred = parts.find((part) => String(part).includes('|'))
  if (barred !== undefined) throw new RangeError('a signed value holds a bar')
  return parts.join('|')
}

export function macOf(text: string, key: string): string {
  return digest(text, key).toString('hex')
}

/** `data` exactly as received, before anything in it is read. */
export function isSignedCallback(data: string, mac: string, key2: string): boolean {
  return isHexMac(mac, digest(data, key2))
}

function digest(text: string, key: string): Buffer {
  return createHmac('sha256', key).update(text, 'utf8').digest()
}
