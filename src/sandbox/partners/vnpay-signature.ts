/** VNPAY's two signed texts as VNPAY makes them (rails.md §1.2, §1.4, §1.5). */
import { createHmac, timingSafeEqual } from 'node:crypto'

/** The `vnp_` fields that are not empty, by name, form-encoded; without the hash itself. */
export function queryText(fields: Iterable<readonly [name: string, value: string]>): string {
  const signed = [...fields].filter(
    ([name, value]) => name.startsWith('vnp_') && !name.startsWith('vnp_SecureHash') && value !== '',
  )
  return new URLSearchParams(
    signed.map(([name, value]) => [name, value]).sort(([a = ''], [b = '']) => (a < b ? -1 : 1)),
  ).toString()
}

/** Fields of each message of the transaction service in the order they are signed, without `vnp_`. */
const orders = {
  querydr: 'RequestId Version Command TmnCode TxnRef TransactionDate CreateDate IpAddr OrderInfo',
  refund:
    'RequestId Version Command TmnCode TransactionType TxnRef Amount TransactionNo TransactionDate CreateBy CreateDate IpAddr OrderInfo',
  querydrAnswer:
    'ResponseId Command ResponseCode Message TmnCode TxnRef Amount BankCode PayDate TransactionNo TransactionType TransactionStatus OrderInfo PromotionCode PromotionAmount',
  refundAnswer:
    'ResponseId Command ResponseCode Message TmnCode TxnRef Amount BankCode PayDate TransactionNo TransactionType TransactionStatus OrderInfo',
} as const

/** Raw values between bars; a missing one leaves its place empty. */
export function barText(message: keyof typeof orders, value: (name: string) => string): string {
  return orders[message]
    .split(' ')
    .map((name) => value(`vnp_${name}`))
    .join('|')
}

/** HMAC-SHA512 in lower-case hex. */
export function hashOf(text: string, hashSecret: string): string {
  return createHmac('sha512', hashSecret).update(text, 'utf8').digest('hex')
}

export function isSigned(text: string, hash: string | undefined, hashSecret: string): boolean {
  const [given, expected] = [Buffer.from(hash?.toLowerCase() ?? ''), Buffer.from(hashOf(text, hashSecret))]
  return given.length === expected.length && timingSafeEqual(given, expected)
}
