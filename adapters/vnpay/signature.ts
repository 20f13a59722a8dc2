/** VNPAY's two signed texts: form text for the payer's and the bank's queries, bar text for calls and their answers. */
import { createHmac } from 'node:crypto'
import { isHexMac } from '../shared/mac.ts'
import { encodePairs } from '../shared/query.ts'

export const version = '2.1.0'

const unsigned = new Set(['vnp_SecureHash', 'vnp_SecureHashType'])

/**
 * The signed text of a pay request, a notice or a return (rails.md §1.2): every `vnp_` field that is not empty, by name in
 * code-unit order, form-encoded. Fields of other names are no part of it: proxies add some.
 */
export function formText(fields: Iterable<readonly [string, string]>): string {
  const signed = [...fields].filter(([name, value]) => name.startsWith('vnp_') && !unsigned.has(name) && value !== '')
  return encodePairs(signed.sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** The signed text of a call or its answer (rails.md §1.4): raw values in a fixed order, a missing one leaves its place empty. */
export function barText(names: readonly string[], fields: Readonly<Record<string, string>>): string {
  return names.map((name) => fields[name] ?? '').join('|')
}

/** HMAC-SHA512 under the secret as UTF-8 text. */
export function macOf(text: string, hashSecret: string): Buffer {
  return createHmac('sha512', hashSecret).update(text, 'utf8').digest()
}

export function hashOf(text: string, hashSecret: string): string {
  return macOf(text, hashSecret).toString('hex')
}

export function isSigned(text: string, hash: string, hashSecret: string): boolean {
  return isHexMac(hash, macOf(text, hashSecret))
}
