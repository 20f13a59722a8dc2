/** MoMo's signed texts as MoMo itself makes and checks them (rails.md §5.1): `name=value` by name, raw, the access key among them. */
import { createHmac } from 'node:crypto'
import { isHexOf } from '../mac.ts'

export type MomoFields = Readonly<Record<string, string | number>>
export type MomoSecrets = { readonly accessKey: string; readonly secretKey: string }

/** Fields signed in each message beside the access key. */
const signedFields = {
  create: 'amount extraData ipnUrl orderId orderInfo partnerCode redirectUrl requestId requestType',
  notice:
    'amount extraData message orderId orderInfo orderType partnerCode payType requestId responseTime resultCode transId',
  query: 'orderId partnerCode requestId',
  refund: 'amount description orderId partnerCode requestId transId',
} as const
export type MomoMessage = keyof typeof signedFields

/** Null when a signed field is missing or is neither text nor a whole number. */
export function signedText(
  message: MomoMessage,
  fields: Readonly<Record<string, unknown>>,
  accessKey: string,
): string | null {
  const values: Readonly<Record<string, unknown>> = { ...fields, accessKey }
  const pairs = `accessKey ${signedFields[message]}`.split(' ').map((name) => {
    const value = values[name]
    return typeof value === 'string' || Number.isSafeInteger(value) ? `${name}=${String(value)}` : null
  })
  return pairs.includes(null) ? null : pairs.join('&')
}

export function signatureOf(message: MomoMessage, fields: MomoFields, { accessKey, secretKey }: MomoSecrets): string {
  return macOf(signedText(message, fields, accessKey) ?? '', secretKey).toString('hex')
}

export function isSigned(
  message: MomoMessage,
  fields: Readonly<Record<string, unknown>>,
  { accessKey, secretKey }: MomoSecrets,
): boolean {
  const text = signedText(message, fields, accessKey)
  const { signature } = fields
  return text !== null && typeof signature === 'string' && isHexOf(signature, macOf(text, secretKey))
}

function macOf(text: string, secretKey: string): Buffer {
  return createHmac('sha256', secretKey).update(text, 'utf8').digest()
}

/** Texts of the codes this simulator answers with. Those beside 0, 11–13, 42, 1000, 1006 and 7002 are from memory. */
export const messages: Readonly<Record<number, string>> = {
  0: 'Successful.',
  13: 'Merchant authentication failed.',
  20: 'Bad format request.',
  21: 'Invalid amount.',
  40: 'RequestId is duplicated.',
  41: 'OrderId is duplicated.',
  42: 'OrderId is invalid or not found.',
  1000: 'Transaction is initiated, waiting for user confirmation.',
  1001: 'Insufficient funds.',
  1006: 'Transaction denied by user.',
  1088: 'Refund rejected. The original transaction is not eligible to be refunded.',
  7002: 'Transaction is being processed by the provider.',
}
