/** Asking MoMo what became of an order (rails.md §5.1). */
import { z } from 'zod'
import type {
  AdapterContext,
  HttpAnswer,
  HttpCall,
  InquiryResult,
  RailAccount,
  Step,
  StoredAttempt,
} from '../contract.ts'
import type { MomoConfig } from './account.ts'
import { readAnswer, signedCall, wholeNumber } from './call.ts'
import { evidenceOf, transactionKey } from './callback.ts'
import { kindOf, orderNotFound } from './codes.ts'

type Account = RailAccount<MomoConfig>

export function inquire(attempt: StoredAttempt, account: Account, context: AdapterContext): Step<InquiryResult> {
  return { kind: 'call', call: queryCall(attempt, account.config, context), state: null }
}

/** Each question has an id of its own. */
export function queryCall(attempt: StoredAttempt, config: MomoConfig, { requestId }: AdapterContext): HttpCall {
  const fields = { partnerCode: config.partnerCode, requestId, orderId: attempt.merchantRef, lang: 'vi' }
  return signedCall('query', fields, config)
}

const paymentSchema = z.object({
  amount: wholeNumber.transform(BigInt),
  transId: wholeNumber,
  responseTime: z
    .int()
    .min(Date.UTC(2020, 0, 1))
    .max(Date.UTC(2100, 0, 1))
    .nullish(),
})

export function readInquiry(
  answer: HttpAnswer,
  attempt: StoredAttempt,
  account: Account,
  { requestId }: AdapterContext,
): Step<InquiryResult> {
  const { merchantRef } = attempt
  const read = readAnswer(answer, { orderId: merchantRef, requestId }, account.config)
  if (!read.ok) return done({ kind: 'unverified', detail: read.detail })
  const { resultCode, fields } = read
  if (resultCode === orderNotFound) return done({ kind: 'notFound' })
  const kind = kindOf(resultCode, account.config)
  if (kind === null) return done({ kind: 'unverified', detail: `result code ${resultCode} is not final` })
  if (kind === 'pending') return done({ kind: 'stillPending' })
  const parsed = paymentSchema.safeParse(fields)
  if (kind === 'succeeded' && (!parsed.success || parsed.data.amount === 0n || parsed.data.transId === '0'))
    return done({ kind: 'unverified', detail: 'a success without amount or transaction' })
  const payment = parsed.success ? parsed.data : { amount: attempt.amount, transId: '0' }
  return done({
    kind: 'outcome',
    outcome: {
      rail: 'momo',
      accountId: account.id,
      merchantRef,
      railTransactionId: transactionKey(payment.transId, merchantRef),
      kind,
      amount: payment.amount === 0n ? attempt.amount : payment.amount,
      currency: 'VND',
      // The answer's time is the time of asking, not of paying.
      paidAt: null,
      source: 'INQUIRY',
      evidence: evidenceOf(fields),
    },
  })
}

function done(result: InquiryResult): Step<InquiryResult> {
  return { kind: 'done', result }
}
