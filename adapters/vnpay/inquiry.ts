/** Asking VNPAY what became of a payment: `querydr` (rails.md §1.4). */
import { z } from 'zod'
import { compactLocalTime } from '../../src/domain/vietnam-time.ts'
import type {
  AdapterContext,
  HttpAnswer,
  HttpCall,
  InquiryResult,
  RailAccount,
  Step,
  StoredAttempt,
} from '../contract.ts'
import type { VnpayConfig } from './account.ts'
import { amountField } from './amount.ts'
import { readAnswer, signedCall } from './call.ts'
import { evidenceOf } from './callback.ts'
import { inquiryDone, inquiryNotFound, kindOfTransaction } from './codes.ts'
import { transactionKey } from './reference.ts'
import { version } from './signature.ts'
import { timeField } from './time.ts'

type Account = RailAccount<VnpayConfig>

export function inquire(attempt: StoredAttempt, account: Account, context: AdapterContext): Step<InquiryResult> {
  return { kind: 'call', call: inquiryCall(attempt, account.config, context), state: null }
}

/** Changes nothing at VNPAY: a call sent twice is at worst refused as a repeated request. */
export function inquiryCall(attempt: StoredAttempt, config: VnpayConfig, context: AdapterContext): HttpCall {
  const fields = {
    vnp_RequestId: context.requestId,
    vnp_Version: version,
    vnp_Command: 'querydr',
    vnp_TmnCode: config.tmnCode,
    vnp_TxnRef: attempt.merchantRef,
    vnp_OrderInfo: `Truy van ${attempt.merchantRef}`,
    vnp_TransactionDate: payTime(attempt),
    vnp_CreateDate: compactLocalTime(context.now),
    vnp_IpAddr: context.serverIp,
  }
  return signedCall('querydr', fields, config, true)
}

/** The `vnp_CreateDate` of the pay request, by which VNPAY finds the payment. */
export function payTime(attempt: StoredAttempt): string {
  return attempt.sent.vnp_CreateDate ?? compactLocalTime(attempt.createdAt)
}

const paymentSchema = z.object({
  vnp_Amount: amountField,
  vnp_TransactionNo: z.string().regex(/^(0|[1-9]\d{0,14})?$/),
  vnp_PayDate: timeField,
})

export function readInquiry(answer: HttpAnswer, attempt: StoredAttempt, account: Account): Step<InquiryResult> {
  const { config } = account
  const read = readAnswer('querydr', answer, attempt.merchantRef, config)
  if (!read.ok) return done({ kind: 'unverified', detail: read.detail })
  const { fields } = read
  const code = fields.vnp_ResponseCode ?? ''
  if (code === inquiryNotFound) return done({ kind: 'notFound' })
  if (code !== inquiryDone) return done({ kind: 'unverified', detail: `the question was refused: ${code}` })

  // After a refund the answer may speak of the refund: its number is not the payment's.
  const type = fields.vnp_TransactionType ?? ''
  if (type !== '' && type !== '01')
    return done({ kind: 'unverified', detail: `transaction type ${type} is no payment` })
  const status = fields.vnp_TransactionStatus ?? ''
  const kind = kindOfTransaction(status)
  if (kind === null) return done({ kind: 'unverified', detail: `unlisted transaction status ${status}` })
  if (kind === 'pending') return done({ kind: 'stillPending' })
  const parsed = paymentSchema.safeParse(fields)
  if (!parsed.success) return done({ kind: 'unverified', detail: z.prettifyError(parsed.error) })
  const payment = parsed.data
  return done({
    kind: 'outcome',
    outcome: {
      rail: 'vnpay',
      accountId: account.id,
      merchantRef: attempt.merchantRef,
      railTransactionId: transactionKey(config.tmnCode, payment.vnp_TransactionNo, attempt.merchantRef),
      kind,
      amount: payment.vnp_Amount,
      currency: 'VND',
      paidAt: payment.vnp_PayDate,
      source: 'INQUIRY',
      evidence: evidenceOf(fields),
    },
  })
}

function done(result: InquiryResult): Step<InquiryResult> {
  return { kind: 'done', result }
}
