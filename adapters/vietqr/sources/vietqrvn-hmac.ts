/**
 * Credit notices by VietQR.vn, HMAC mode (rails.md §2.6). Signed are id, amount, time and order id, joined without
 * separators: the patterns here leave one way to cut that text. Account, direction, content and bank reference are not signed.
 */
import { createHmac } from 'node:crypto'
import { z } from 'zod'
import type { CallbackReading, HttpReply, RawRequest, RefusalReason, Verdict } from '../../contract.ts'
import { isHexMac } from '../../shared/mac.ts'
import { jsonReply } from '../../shared/reply.ts'
import { bankTime, type CollectionAccount, isSettled, onlyPayCode, readingOf, refused } from '../notice.ts'
import { evidenceOf, readSyncMessage, type SyncMessage, syncPath } from './vietqrvn-message.ts'

export const vietqrvnHmacSource = z.strictObject({
  name: z.literal('vietqrvn-hmac'),
  secret: z.string().min(16).max(256),
  /** HTTP status of a refused notice; the page does not tell it. */
  refusalStatus: z.int().min(200).max(499).default(400),
})

export type VietqrvnHmacSource = z.infer<typeof vietqrvnHmacSource>

const amountDigits = 10

/** Id, amount padded to ten digits, time, order id; missing ones leave nothing. */
export function syncText(message: SyncMessage): string {
  const { transactionid, amount, transactiontime, orderId } = message
  const padded = amount.toString().padStart(amountDigits, '0')
  return `${transactionid ?? ''}${padded}${transactiontime ?? ''}${orderId ?? ''}`
}

export function readVietqrvnHmac(
  request: RawRequest,
  source: VietqrvnHmacSource,
  account: CollectionAccount,
): CallbackReading {
  if (request.method !== 'POST' || request.path !== syncPath)
    return refused('unsupported', `${request.method} ${request.path.slice(0, 100)}`)
  if (request.headers.authorization !== undefined) return refused('auth', 'a token, but this account takes signatures')
  const read = readSyncMessage(request)
  if (!read.ok) return refused(read.reason, read.detail)
  const { message } = read
  const expected = createHmac('sha256', source.secret).update(syncText(message), 'utf8').digest()
  if (!isHexMac(message.signature ?? '', expected)) return refused('signature', 'wrong signature')

  const { transactionid = null, transactiontime = null } = message
  const orderId = message.orderId ?? ''
  const paidAt = bankTime(transactiontime ?? '')
  // An 11th digit could be the last one of the id; a time that is none could hold digits of the amount.
  if (message.amount.toString().length > amountDigits)
    return refused('malformed', 'the amount has more than ten digits')
  if (!/^[0-9A-Za-z-]{1,64}$/.test(transactionid ?? '')) return refused('malformed', 'transactionid')
  // Only dashes and colons hold the time in its place: thirteen digits could be cut from their neighbours as well.
  if (paidAt === null || /^\d*$/.test(transactiontime ?? '')) return refused('malformed', 'transactiontime')
  if (!/^[0-9A-Za-z]{0,19}$/.test(orderId)) return refused('malformed', 'orderId')
  return readingOf(
    {
      // Not referencenumber: whoever saw one notice could send it again under another number.
      transactionId: transactionid ?? '',
      isCredit: message.transType === 'C',
      amount: message.amount,
      receivers: [message.bankaccount],
      // The signed field names the invoice; the content only where it names none.
      texts: onlyPayCode([orderId]) === null ? [message.content] : [orderId],
      paidAt,
      evidence: { source: 'vietqrvn-hmac', ...evidenceOf(message) },
    },
    account,
  )
}

const unknownAgency = '001'
const otherError = '002'

const refusals: Readonly<Record<RefusalReason, string>> = {
  signature: otherError,
  auth: otherError,
  stale: otherError,
  malformed: otherError,
  'repeated-field': otherError,
  'wrong-account': unknownAgency,
  'wrong-currency': otherError,
  unsupported: otherError,
}

export function acknowledgeVietqrvnHmac(verdict: Verdict, source: VietqrvnHmacSource): HttpReply {
  if (verdict.kind === 'refused') return refusal(source.refusalStatus, refusals[verdict.reason], verdict.reason)
  if (!isSettled(verdict)) return refusal(503, otherError, 'try again')
  return jsonReply(200, { error: false, errorReason: '000', toastMessage: '', messageError: '' })
}

function refusal(status: number, errorReason: string, messageError: string): HttpReply {
  return jsonReply(status, { error: true, errorReason, toastMessage: '', messageError })
}
