/** VietinBank's signed texts as the bank reads and writes them (rails.md §3.1, §3.3), and the RSA under them. */
import { type KeyObject, sign, verify } from 'node:crypto'

const common = 'providerId merchantId channel version language mac'

/** What the partner signs in each call, in this order, without separators. */
const orders = {
  paymentByOTP: `token tokenIssueDate amount currencyCode transTime clientIP payMethod goodsType billNo remark ${common}`,
  verifyPin: `otp verifyTransactionId verifyBy transTime clientIP requestId ${common}`,
  transactionInquiry: `queryTransactionId queryType ${common}`,
} as const
export type VietinbankCall = keyof typeof orders

export const vietinbankCalls: readonly VietinbankCall[] = ['paymentByOTP', 'verifyPin', 'transactionInquiry']

export function callText(call: VietinbankCall, value: (name: string) => string): string {
  return orders[call].split(' ').map(value).join('')
}

export type Notice = {
  readonly transId: string
  readonly transTime: string
  readonly custCode: string
  readonly amount: string
  readonly bankTransId: string
  readonly remark: string
}

export function noticeText({ transId, transTime, custCode, amount, bankTransId, remark }: Notice): string {
  return transId + transTime + custCode + amount + bankTransId + remark
}

/** RSASSA-PKCS1-v1_5 with SHA-256 over UTF-8, base64. */
export function signText(text: string, key: KeyObject): string {
  return sign('sha256', Buffer.from(text, 'utf8'), key).toString('base64')
}

export function isTextSigned(text: string, signature: string, key: KeyObject): boolean {
  return verify('sha256', Buffer.from(text, 'utf8'), key, Buffer.from(signature, 'base64'))
}
