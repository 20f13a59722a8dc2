/** MoMo's signed texts (rails.md §5.1): `name=value` in alphabetical order, raw values, the access key among them. */
import { createHmac } from 'node:crypto'
import { isHexMac } from '../shared/mac.ts'
import type { MomoConfig } from './account.ts'

export type Message = 'create' | 'notice' | 'query' | 'refund'

/** Signed names of each message beside `accessKey`, in the order they are signed. */
const signedNames: Readonly<Record<Message, readonly string[]>> = {
  create: [
    'amount',
    'extraData',
    'ipnUrl',
    'orderId',
    'orderInfo',
    'partnerCode',
    'redirectUrl',
    'requestId',
    'requestType',
  ],
  notice: [
    'amount',
    'extraData',
    'message',
    'orderId',
    'orderInfo',
    'orderType',
    'partnerCode',
    'payType',
    'requestId',
    'responseTime',
    'resultCode',
    'transId',
  ],
  query: ['orderId', 'partnerCode', 'requestId'],
  refund: ['amount', 'description', 'orderId', 'partnerCode', 'requestId', 'transId'],
}

/** Null when a signed field is missing or is neither text nor a whole number: then there is nothing to sign. */
export function signedText(
  message: Message,
  fields: Readonly<Record<string, unknown>>,
  accessKey: string,
): string | null {
  const pairs = [`accessKey=${accessKey}`]
  for (const name of signedNames[message]) {
    const value = fields[name]
    if (typeof value !== 'string' && !Number.isSafeInteger(value)) return null
    pairs.push(`${name}=${String(value)}`)
  }
  return pairs.join('&')
}

/** @throws TypeError for a message of ours that lacks a field. */
export function signatureOf(message: Message, fields: Readonly<Record<string, unknown>>, config: MomoConfig): string {
  const text = signedText(message, fields, config.accessKey)
  if (text === null) throw new TypeError(`a signed field of ${message} is missing`)
  return macOf(text, config.secretKey).toString('hex')
}

export function isSignedNotice(fields: Readonly<Record<string, unknown>>, config: MomoConfig): boolean {
  const text = signedText('notice', fields, config.accessKey)
  const { signature } = fields
  return text !== null && typeof signature === 'string' && isHexMac(signature, macOf(text, config.secretKey))
}

/** Values are not encoded before signing: a signed name inside one could be cut off as the field itself (rails.md §5.1). */
export function hidesSignedField(fields: Readonly<Record<string, unknown>>): boolean {
  return signedNames.notice.some((name) => {
    const value = fields[name]
    return typeof value === 'string' && signedNames.notice.some((other) => value.includes(`&${other}=`))
  })
}

function macOf(text: string, secretKey: string): Buffer {
  return createHmac('sha256', secretKey).update(text, 'utf8').digest()
}
