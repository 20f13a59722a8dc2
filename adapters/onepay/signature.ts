/** OnePay's signed text (rails.md §4.2): raw `name=value` pairs by name, joined by `&`. */
import { createHmac } from 'node:crypto'
import { isHexMac } from '../shared/mac.ts'
import { encodePairs } from '../shared/query.ts'

type Pairs = Iterable<readonly [string, string]>

const unsigned = new Set(['vpc_SecureHash', 'vpc_SecureHashType'])

/** True for a name of OnePay's; others (`AgainLink`, `Title`, what a proxy adds) are neither signed nor read. */
export function isSignedName(name: string): boolean {
  return (name.startsWith('vpc_') || name.startsWith('user_')) && !unsigned.has(name)
}

export function signedText(fields: Pairs): string {
  return signedPairs(fields)
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

/** HMAC-SHA256 under the decoded hash key, in upper-case hexadecimal. */
export function hashOf(text: string, hashKey: string): string {
  return macOf(text, hashKey).toString('hex').toUpperCase()
}

/** `fields` as a signed, form-encoded query. RangeError when a value would make the signed text ambiguous. */
export function signedQuery(fields: Pairs, hashKey: string): string {
  const pairs = [...fields].filter(([, value]) => value !== '').sort(byName)
  if (!hasOneReading(pairs)) throw new RangeError('a value would move its neighbours in the signed text')
  return `${encodePairs(pairs)}&vpc_SecureHash=${hashOf(signedText(pairs), hashKey)}`
}

/**
 * True when OnePay signed `fields`. Values stand raw in the signed text, so a hash can hold for fields nobody sent: two joined
 * into one value, or one value cut in two. Fields whose text can be cut otherwise are not taken as signed.
 */
export function isSigned(fields: ReadonlyMap<string, string>, hashKey: string): boolean {
  const received = fields.get('vpc_SecureHash') ?? ''
  return isHexMac(received, macOf(signedText(fields), hashKey)) && hasOneReading(fields)
}

function hasOneReading(fields: Pairs): boolean {
  return signedPairs(fields).every(([name, value]) => /^\w+$/.test(name) && !/&(?:vpc_|user_)\w*=/.test(value))
}

function signedPairs(fields: Pairs): (readonly [string, string])[] {
  return [...fields].filter(([name, value]) => isSignedName(name) && value !== '').sort(byName)
}

/** Code-unit order. */
function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1
}

function macOf(text: string, hashKey: string): Buffer {
  return createHmac('sha256', Buffer.from(hashKey, 'hex')).update(text, 'utf8').digest()
}
