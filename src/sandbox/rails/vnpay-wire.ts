/** VNPAY's signed texts as VNPAY itself makes and checks them (rails.md §1.2, §1.4, §1.5). */
import { createHmac } from 'node:crypto'
import { isHexOf } from '../mac.ts'

export type Fields = Readonly<Record<string, string>>

/** Sorted by name, form-encoded, empty ones dropped; only `vnp_` names, without the hash itself. */
export function queryText(fields: Fields): string {
  const names = Object.keys(fields).filter(
    (name) =>
      name.startsWith('vnp_') && name !== 'vnp_SecureHash' && name !== 'vnp_SecureHashType' && fields[name] !== '',
  )
  return new URLSearchParams(names.sort().map((name) => [name, fields[name] ?? ''])).toString()
}

/** Values of each message of the transaction API in the order they are signed; a missing one leaves its place empty. */
const orders = {
  querydr: 'RequestId Version Command TmnCode TxnRef TransactionDate CreateDate IpAddr OrderInfo',
  refund:
    'RequestId Version Command TmnCode TransactionType TxnRef Amount TransactionNo TransactionDate CreateBy CreateDate IpAddr OrderInfo',
  querydrAnswer:
    'ResponseId Command ResponseCode Message TmnCode TxnRef Amount BankCode PayDate TransactionNo TransactionType TransactionStatus OrderInfo PromotionCode PromotionAmount',
  refundAnswer:
    'ResponseId Command ResponseCode Message TmnCode TxnRef Amount BankCode PayDate TransactionNo TransactionType TransactionStatus OrderInfo',
} as const

export function barText(message: keyof typeof orders, fields: Fields): string {
  return orders[message]
    .split(' ')
    .map((name) => fields[`vnp_${name}`] ?? '')
    .join('|')
}

export function hashOf(text: string, secret: string): string {
  return createHmac('sha512', secret).update(text, 'utf8').digest('hex')
}

export function isSigned(text: string, hash: string | undefined, secret: string): boolean {
  return isHexOf(hash ?? '', Buffer.from(hashOf(text, secret), 'hex'))
}

export const responseTexts: Readonly<Record<string, string>> = {
  '00': 'Success',
  '02': 'Invalid terminal',
  '03': 'Invalid format',
  '91': 'Transaction not found',
  '94': 'Duplicate request',
  '95': 'Original transaction not successful',
  '97': 'Invalid checksum',
  '99': 'Other error',
}

/** The answers VNPAY knows to its notice, byte for byte, and whether it stops calling (rails.md §1.3). */
export const noticeAnswers: ReadonlyMap<string, { readonly code: string; readonly ends: boolean }> = new Map(
  (
    [
      ['00', ['Confirm Success']],
      ['02', ['Order already confirmed']],
      ['01', ['Order not found']],
      ['04', ['Invalid amount']],
      ['97', ['Invalid signature', 'Fail checksum']],
      ['99', ['Unknown error']],
    ] as const
  ).flatMap(([code, messages]) =>
    messages.map(
      (message) =>
        [JSON.stringify({ RspCode: code, Message: message }), { code, ends: code === '00' || code === '02' }] as const,
    ),
  ),
)

/** What a pay request must look like (rails.md §1.1): field, pattern, required. */
const payFields: readonly (readonly [name: string, pattern: RegExp, required: boolean])[] = [
  ['vnp_Version', /^2\.1\.0$/, true],
  ['vnp_Command', /^pay$/, true],
  ['vnp_TmnCode', /^[A-Za-z0-9]{8}$/, true],
  ['vnp_Amount', /^[1-9]\d{0,9}00$/, true],
  ['vnp_BankCode', /^[A-Za-z0-9]{3,20}$/, false],
  ['vnp_CreateDate', /^\d{14}$/, true],
  ['vnp_CurrCode', /^VND$/, true],
  ['vnp_IpAddr', /^[0-9A-Fa-f.:]{7,45}$/, true],
  ['vnp_Locale', /^(vn|en)$/, true],
  // Vietnamese without diacritics and without special characters.
  ['vnp_OrderInfo', /^[A-Za-z0-9 .,:/_-]{1,255}$/, true],
  ['vnp_OrderType', /^[A-Za-z0-9]{1,100}$/, true],
  ['vnp_ReturnUrl', /^https?:\/\/.{3,247}$/, true],
  ['vnp_ExpireDate', /^\d{14}$/, false],
  ['vnp_TxnRef', /^[\x21-\x7e]{1,100}$/, true],
]

/** The first field that is not as it must be; null when all are. */
export function wrongPayField(fields: Fields): string | null {
  for (const [name, pattern, required] of payFields) {
    const value = fields[name] ?? ''
    if (value === '' ? required : !pattern.test(value)) return name
  }
  return null
}
