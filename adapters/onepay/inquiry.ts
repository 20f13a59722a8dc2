/** Asking OnePay what became of a payment: `queryDR` (rails.md §4.2). */
import type { HttpAnswer, HttpCall, InquiryResult, RailAccount, Step, StoredAttempt } from '../contract.ts'
import { type OnepayConfig, profileOf } from './account.ts'
import { readAnswer, signedCall } from './call.ts'
import { foreignCurrencyOf, readPayment } from './reading.ts'
import { version } from './start.ts'

type Account = RailAccount<OnepayConfig>

export function inquire(attempt: StoredAttempt, account: Account): Step<InquiryResult> {
  const call = queryCall(attempt.merchantRef, account.config)
  if (call === null) return done({ kind: 'unverified', detail: 'the account has no queryUser and queryPassword' })
  return { kind: 'call', call, state: null }
}

/** Null when the account has no user for queries. */
export function queryCall(merchTxnRef: string, config: OnepayConfig): HttpCall | null {
  const { queryUser, queryPassword, queryMethod } = config
  if (queryUser === undefined || queryPassword === undefined) return null
  const fields = {
    vpc_Version: version,
    vpc_Command: 'queryDR',
    vpc_Merchant: config.merchant,
    vpc_AccessCode: config.accessCode,
    vpc_MerchTxnRef: merchTxnRef,
    vpc_User: queryUser,
    vpc_Password: queryPassword,
  }
  return signedCall({ url: profileOf(config).queryUrl, method: queryMethod, repeatable: true }, fields, config)
}

export function readInquiry(answer: HttpAnswer, attempt: StoredAttempt, account: Account): Step<InquiryResult> {
  const read = readAnswer(answer, attempt.merchantRef, account.config)
  if (!read.ok) return done({ kind: 'unverified', detail: read.detail })
  const { fields } = read
  if (fields.vpc_DRExists === 'N') return done({ kind: 'notFound' })
  if (fields.vpc_DRExists !== 'Y') return done({ kind: 'unverified', detail: 'vpc_DRExists is neither Y nor N' })
  const currency = foreignCurrencyOf(fields)
  if (currency !== null) return done({ kind: 'unverified', detail: `currency ${currency.slice(0, 10)}` })
  const command = fields.vpc_Command ?? 'queryDR'
  // The answer repeats the question's command, or names the payment's.
  if (command !== 'queryDR' && command !== 'pay') {
    return done({ kind: 'unverified', detail: `command ${command.slice(0, 20)}` })
  }
  const payment = readPayment(fields, account, 'INQUIRY')
  if (!payment.ok) return done({ kind: 'unverified', detail: payment.detail })
  return done(
    payment.outcome.kind === 'pending' ? { kind: 'stillPending' } : { kind: 'outcome', outcome: payment.outcome },
  )
}

function done(result: InquiryResult): Step<InquiryResult> {
  return { kind: 'done', result }
}
