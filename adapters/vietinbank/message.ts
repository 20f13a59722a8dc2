/** Outgoing messages of the payment-with-code set: field order of each signature, and the call that carries one (rails.md §3.3). */
import type { HttpCall } from '../contract.ts'
import type { VietinbankConfig } from './account.ts'
import { signText } from './rsa.ts'

const common = ['providerId', 'merchantId', 'channel', 'version', 'language', 'mac'] as const

const payment = [
  'token',
  'tokenIssueDate',
  'amount',
  'currencyCode',
  'transTime',
  'clientIP',
  'payMethod',
  'goodsType',
  'billNo',
  'remark',
  ...common,
] as const
const token = ['token', 'tokenIssueDate', 'transTime', 'clientIP', ...common] as const

/**
 * The whole table of rails.md §3.3, of which we send three. Values are joined without separators in this order; an empty field signs
 * as empty. A payment does not sign its requestId.
 */
export const signedFields = {
  paymentByOTP: payment,
  paymentByToken: payment,
  verifyPin: ['otp', 'verifyTransactionId', 'verifyBy', 'transTime', 'clientIP', 'requestId', ...common],
  transactionInquiry: ['queryTransactionId', 'queryType', ...common],
  providerInquiry: common,
  tokenRevoke: token,
  tokenReIssue: token,
} as const

export type Operation = keyof typeof signedFields
type OwnField<O extends Operation> = Exclude<(typeof signedFields)[O][number], (typeof common)[number]>
/** The fields of one operation beside those every message shares. */
export type MessageFields<O extends Operation> = Readonly<Record<OwnField<O> | 'requestId', string>> & {
  readonly language: string
}

/** The text that is signed. */
export function messageText(operation: Operation, fields: Readonly<Record<string, string>>): string {
  return signedFields[operation].map((name) => fields[name] ?? '').join('')
}

/** The signed call. None may be sent twice: the bank counts every request id. */
export function signedCall<O extends Operation>(
  operation: O,
  own: MessageFields<O>,
  config: VietinbankConfig,
): HttpCall {
  const fields: Record<string, string> = {
    ...own,
    providerId: config.providerId,
    merchantId: config.merchantId,
    channel: config.channel,
    version: config.version,
    mac: '',
  }
  const signature = signText(messageText(operation, fields), config.privateKeyPem, config.signature)
  return {
    method: 'POST',
    url: `${config.baseUrl}/${operation}`,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      accept: 'application/json',
      'x-ibm-client-id': config.clientId,
      'x-ibm-client-secret': config.clientSecret,
    },
    body: JSON.stringify({ ...fields, signature }),
    timeoutMs: config.timeoutMs,
    repeatable: false,
  }
}
