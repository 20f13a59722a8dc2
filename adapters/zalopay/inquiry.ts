/** Asking ZaloPay what became of an order (rails.md §5.2). Missed callbacks are normal, so this is the second way to every success. */
import { z } from 'zod'
import type { HttpAnswer, InquiryResult, RailAccount, Step, StoredAttempt } from '../contract.ts'
import type { ZalopayConfig } from './account.ts'
import { readAnswer, signedCall, wholeNumber } from './call.ts'
import { evidenceOf } from './callback.ts'
import { isAboutQuestion, returnCode } from './codes.ts'

type Account = RailAccount<ZalopayConfig>

export function inquire(attempt: StoredAttempt, { config }: Account): Step<InquiryResult> {
  const fields = { app_id: config.appId, app_trans_id: attempt.merchantRef }
  return { kind: 'call', call: signedCall('/v2/query', fields, config), state: null }
}

const paymentSchema = z.object({
  amount: z.int().min(1),
  zp_trans_id: wholeNumber.refine((id) => id !== '0', 'names no transaction'),
  server_time: z
    .int()
    .min(Date.UTC(2020, 0, 1))
    .max(Date.UTC(2100, 0, 1))
    .nullish(),
})

export function readInquiry(answer: HttpAnswer, attempt: StoredAttempt, account: Account): Step<InquiryResult> {
  const read = readAnswer(answer)
  if (!read.ok) return done({ kind: 'unverified', detail: read.detail })
  const { subReturnCode, fields } = read
  const common = {
    rail: 'zalopay',
    accountId: account.id,
    merchantRef: attempt.merchantRef,
    currency: 'VND',
    source: 'INQUIRY',
    evidence: evidenceOf(fields),
  } as const
  switch (read.returnCode) {
    case returnCode.processing:
      return done({ kind: 'stillPending' })
    case returnCode.failed: {
      if (isAboutQuestion(subReturnCode) || fields.is_processing === true)
        return done({ kind: 'unverified', detail: `the question was refused: ${subReturnCode}` })
      const failure = { railTransactionId: attempt.merchantRef, amount: attempt.amount, paidAt: null }
      return done({ kind: 'outcome', outcome: { ...common, ...failure, kind: 'failed' } })
    }
    case returnCode.done: {
      const payment = paymentSchema.safeParse(fields)
      if (!payment.success) return done({ kind: 'unverified', detail: z.prettifyError(payment.error) })
      const { zp_trans_id, amount, server_time } = payment.data
      const success = {
        railTransactionId: zp_trans_id,
        amount: BigInt(amount),
        paidAt: typeof server_time === 'number' ? new Date(server_time) : null,
      }
      return done({ kind: 'outcome', outcome: { ...common, ...success, kind: 'succeeded' } })
    }
    default:
      return done({ kind: 'unverified', detail: `return code ${read.returnCode}` })
  }
}

function done(result: InquiryResult): Step<InquiryResult> {
  return { kind: 'done', result }
}
