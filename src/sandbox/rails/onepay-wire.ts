/** OnePay's signed text and fields as OnePay itself makes and checks them (rails.md §4.2). */
import { createHmac } from 'node:crypto'
import { isHexOf } from '../mac.ts'

export type Fields = Readonly<Record<string, string>>

/** `vpc_` and `user_` fields that are not empty, sorted, raw values: nothing is encoded before signing. */
export function signedText(fields: Fields): string {
  return Object.keys(fields)
    .filter((name) => /^(vpc|user)_/.test(name) && name !== 'vpc_SecureHash' && name !== 'vpc_SecureHashType')
    .filter((name) => fields[name] !== '')
    .sort()
    .map((name) => `${name}=${fields[name]}`)
    .join('&')
}

/** HMAC-SHA256 under the hex-decoded key, upper-case hex. */
export function hashOf(text: string, hashKeyHex: string): string {
  return createHmac('sha256', Buffer.from(hashKeyHex, 'hex')).update(text, 'utf8').digest('hex').toUpperCase()
}

export function isSigned(fields: Fields, hashKeyHex: string): boolean {
  return isHexOf(fields.vpc_SecureHash ?? '', Buffer.from(hashOf(signedText(fields), hashKeyHex), 'hex'))
}

/** What a pay request must look like: field, pattern, required. */
const payFields: readonly (readonly [name: string, pattern: RegExp, required: boolean])[] = [
  ['vpc_Version', /^2$/, true],
  ['vpc_Command', /^pay$/, true],
  ['vpc_Amount', /^[1-9]\d{0,11}00$/, true],
  // International requests of some libraries leave it out.
  ['vpc_Currency', /^VND$/, false],
  ['vpc_Locale', /^(vn|en)$/, true],
  ['vpc_MerchTxnRef', /^[A-Za-z0-9._-]{1,34}$/, true],
  // `&` and `=` would make the raw signed text ambiguous.
  ['vpc_OrderInfo', /^[^&=]{1,32}$/, true],
  ['vpc_ReturnURL', /^https?:\/\/.{3,247}$/, true],
  ['vpc_TicketNo', /^[0-9A-Fa-f.:]{2,15}$/, true],
]

/** The first field that is not as it must be; null when all are. */
export function wrongPayField(fields: Fields): string | null {
  for (const [name, pattern, required] of payFields) {
    const value = fields[name] ?? ''
    if (value === '' ? required : !pattern.test(value)) return name
  }
  return null
}

/** The two answers OnePay knows to its notice, byte for byte; the first ends its calls. */
export const confirmed = 'responsecode=1&desc=confirm-success'
export const refused = 'responsecode=0&desc=confirm-fail'
