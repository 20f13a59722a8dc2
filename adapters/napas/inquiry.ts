/** Asking NAPAS what became of a payment: token, then retrieve (rails.md §4.1). */
import type { HttpAnswer, InquiryResult, RailAccount, Step, StoredAttempt } from '../contract.ts'
import { merchantOf, type NapasConfig } from './account.ts'
import { pathOf, readAnswer } from './answer.ts'
import { evidenceOf, isReturn, kindOfResult, transactionIdOf, transactionKey } from './payment-result.ts'
import { awaitsAnswer, awaitsToken, bearerCall, readToken, stepSchema, tokenCall } from './token.ts'

type Account = RailAccount<NapasConfig>

export function inquire(account: Account): Step<InquiryResult> {
  return { kind: 'call', call: tokenCall(account.config), state: awaitsToken }
}

export function readInquiry(
  answer: HttpAnswer,
  state: unknown,
  attempt: StoredAttempt,
  account: Account,
): Step<InquiryResult> {
  const { awaits } = stepSchema.parse(state)
  return awaits === 'token' ? retrieve(answer, attempt, account.config) : readRetrieved(answer, attempt, account)
}

function retrieve(answer: HttpAnswer, attempt: StoredAttempt, config: NapasConfig): Step<InquiryResult> {
  const read = readToken(answer)
  if (read.kind !== 'token') {
    return done({ kind: 'unverified', detail: read.kind === 'refused' ? `no token: ${read.railCode}` : read.detail })
  }
  const known = attempt.railTransactionId
  const transaction =
    (known === null ? null : transactionIdOf(known, attempt.merchantRef)) ?? config.paymentTransactionId
  const path = pathOf(config.retrievePath, { merchant: merchantOf(config), order: attempt.merchantRef, transaction })
  const target = { method: 'GET', url: `${config.apiUrl}${path}`, repeatable: true } as const
  return { kind: 'call', call: bearerCall(read.token, target, undefined, config), state: awaitsAnswer }
}

function readRetrieved(answer: HttpAnswer, attempt: StoredAttempt, account: Account): Step<InquiryResult> {
  const read = readAnswer(answer, attempt.merchantRef, account.config)
  if (read.kind === 'notFound') return done({ kind: 'notFound' })
  if (read.kind === 'worthless') return done({ kind: 'unverified', detail: read.detail })
  const { result } = read
  // After a refund the order may answer with the refund: its success is not the payment's.
  if (isReturn(result)) return done({ kind: 'unverified', detail: 'the answer is about money given back' })
  const kind = kindOfResult(result, account.config)
  if (kind === 'pending') return done({ kind: 'stillPending' })
  return done({
    kind: 'outcome',
    outcome: {
      rail: 'napas',
      accountId: account.id,
      merchantRef: attempt.merchantRef,
      railTransactionId: transactionKey(result),
      kind,
      amount: result.order.amount,
      currency: 'VND',
      paidAt: null,
      source: 'INQUIRY',
      evidence: evidenceOf(result),
    },
  })
}

function done(result: InquiryResult): Step<InquiryResult> {
  return { kind: 'done', result }
}
