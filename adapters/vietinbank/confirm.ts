/** Confirming with the one-time code, and asking what became of a payment (rails.md §3.3). */
import { z } from 'zod'
import type { Outcome, OutcomeSource } from '../../src/domain/outcome.ts'
import { compactLocalTime } from '../../src/domain/vietnam-time.ts'
import type {
  AdapterContext,
  ConfirmResult,
  HttpAnswer,
  InquiryResult,
  RailAccount,
  Step,
  StoredAttempt,
} from '../contract.ts'
import type { VietinbankConfig } from './account.ts'
import { type BankAnswer, readAnswer } from './answer.ts'
import { signedCall } from './message.ts'
import { auxiliaryRequestId } from './reference.ts'

type Account = RailAccount<VietinbankConfig>

const stateSchema = z.object({ requestId: z.string() })

/** `verifyPin` under a request id of its own that names the payment's. The code goes into the call and nowhere else. */
export function confirm(
  attempt: StoredAttempt,
  code: string,
  account: Account,
  context: AdapterContext,
): Step<ConfirmResult> {
  if (!/^[0-9A-Za-z]{4,20}$/.test(code)) return done({ kind: 'wrongCode', railCode: 'FORMAT' })
  const requestId = auxiliaryRequestId(context.requestId)
  const call = signedCall(
    'verifyPin',
    {
      otp: code,
      verifyTransactionId: attempt.sent.requestId ?? attempt.merchantRef,
      verifyBy: account.config.verifyBy,
      transTime: compactLocalTime(context.now),
      clientIP: attempt.sent.clientIP ?? '',
      requestId,
      language: attempt.sent.language ?? 'vi',
    },
    account.config,
  )
  return { kind: 'call', call, state: { requestId } }
}

export function readConfirm(
  answer: HttpAnswer,
  state: unknown,
  attempt: StoredAttempt,
  account: Account,
): Step<ConfirmResult> {
  const { config } = account
  const read = readAnswer(answer, stateSchema.parse(state).requestId, config)
  if (read.kind === 'worthless') return done({ kind: 'unknown', detail: read.detail })
  if (config.paidCodes.includes(read.code)) {
    return done({ kind: 'outcome', outcome: outcomeOf('succeeded', read, attempt, account, 'CONFIRM') })
  }
  if (config.wrongOtpCodes.includes(read.code)) return done({ kind: 'wrongCode', railCode: read.code })
  if (config.declinedCodes.includes(read.code))
    return done({ kind: 'refused', railCode: read.code, message: read.message })
  // The bank's table of codes is by contract: a code nobody listed may stand for a time-out inside the bank.
  return done({ kind: 'unknown', detail: `unlisted status code ${read.code}` })
}

export function inquire(attempt: StoredAttempt, account: Account, context: AdapterContext): Step<InquiryResult> {
  const requestId = auxiliaryRequestId(context.requestId)
  const call = signedCall(
    'transactionInquiry',
    {
      requestId,
      queryTransactionId: attempt.sent.requestId ?? attempt.merchantRef,
      queryType: account.config.queryType,
      language: attempt.sent.language ?? 'vi',
    },
    account.config,
  )
  return { kind: 'call', call, state: { requestId } }
}

export function readInquiry(
  answer: HttpAnswer,
  state: unknown,
  attempt: StoredAttempt,
  account: Account,
): Step<InquiryResult> {
  const { config } = account
  const read = readAnswer(answer, stateSchema.parse(state).requestId, config)
  if (read.kind === 'worthless') return done({ kind: 'unverified', detail: read.detail })
  if (config.paidCodes.includes(read.code)) {
    // `00` with no booking at the bank may only mean that the question was understood.
    if (read.bankTransactionId === '') return done({ kind: 'stillPending' })
    return done({ kind: 'outcome', outcome: outcomeOf('succeeded', read, attempt, account, 'INQUIRY') })
  }
  if (config.declinedCodes.includes(read.code)) {
    return done({ kind: 'outcome', outcome: outcomeOf('failed', read, attempt, account, 'INQUIRY') })
  }
  if (config.inquiryNotFoundCodes.includes(read.code)) return done({ kind: 'notFound' })
  return done({ kind: 'stillPending' })
}

/**
 * The transaction's key is our own request id: the bank debits one request id at most once, it is signed in every answer,
 * and the credit notice of the debit carries it. `bankTransactionId` is unsigned and may be missing: evidence only.
 */
function outcomeOf(
  kind: 'succeeded' | 'failed',
  read: Extract<BankAnswer, { kind: 'signed' }>,
  attempt: StoredAttempt,
  account: Account,
  source: OutcomeSource,
): Outcome {
  return {
    rail: 'vietinbank',
    accountId: account.id,
    merchantRef: attempt.merchantRef,
    railTransactionId: attempt.merchantRef,
    kind,
    amount: attempt.amount,
    currency: 'VND',
    paidAt: null,
    source,
    evidence: { statusCode: read.code, statusMessage: read.message, bankTransactionId: read.bankTransactionId },
  }
}

function done<T>(result: T): Step<T> {
  return { kind: 'done', result }
}
