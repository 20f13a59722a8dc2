import type { Adapter, RawRequest } from '../contract.ts'
import { accountSchema, secretFields, type VietinbankConfig } from './account.ts'
import { acknowledge } from './acknowledge.ts'
import { confirm, inquire, readConfirm, readInquiry } from './confirm.ts'
import { lookupNotice } from './lookup.ts'
import { noticePaths, noticeReceivers, readNotice } from './notice.ts'
import { paymentReference } from './reference.ts'
import { maxAmount, minAmount, payerFields, readStart, remarkMaxLength, start } from './start.ts'
import { askStatement, takeStatement } from './statement.ts'

/** Account payment with a one-time code, and the bank's credit notices of the same account (rails.md §3). */
export const vietinbank: Adapter<VietinbankConfig> = {
  name: 'vietinbank',
  titleVi: 'Tài khoản VietinBank (OTP)',
  titleEn: 'VietinBank account (one-time code)',
  channels: ['ACCOUNT'],
  capabilities: {
    // Credit notices also tell of transfers whose amount the payer typed.
    transfer: true,
    start: true,
    callback: true,
    inquiry: true,
    refund: 'none',
    pull: false,
    statement: 'api',
    minAmount,
    maxAmount,
    descriptionMaxLength: remarkMaxLength - 13,
    source: 'rails.md §3',
    unverified: [
      'status codes other than 00 (codeSentCodes, paidCodes, wrongOtpCodes, declinedCodes, inquiryNotFoundCodes)',
      'values of verifyBy, queryType, channel and version',
      'signature of the notice: digest and padding need one real signed sample (signature)',
      'answer to a repeated notice (duplicateAck)',
      'amount limits per transaction',
      'signed text of the statement call (statement.ts)',
      'column order and footer of the reconciliation answer file (reconciliation-file.ts)',
    ],
  },
  accountSchema,
  secretFields,
  receivers: noticeReceivers,
  payerFields,

  merchantRef: ({ sequence }) => paymentReference(sequence),

  start,
  readStart: (answer, state, order, account) => readStart(answer, state, order, account),
  confirm,
  readConfirm: (answer, state, attempt, account) => readConfirm(answer, state, attempt, account),
  inquire,
  readInquiry: (answer, state, attempt, account) => readInquiry(answer, state, attempt, account),

  statement: askStatement,
  readStatement: takeStatement,

  lookup: lookupNotice,

  readCallback(request, account, context) {
    if (!isNotice(request))
      return { kind: 'refused', reason: 'unsupported', detail: `${request.method} ${request.path}` }
    return readNotice(
      request,
      { ...account.config, rail: 'vietinbank', accountId: account.id, source: 'CALLBACK' },
      context.now,
    )
  },
  acknowledge: (verdict, request, account) => acknowledge(verdict, request, account.config),
}

function isNotice(request: RawRequest): boolean {
  return request.method === 'POST' && noticePaths.some((path) => path === request.path)
}
