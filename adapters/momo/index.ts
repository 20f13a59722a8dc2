import type { Adapter } from '../contract.ts'
import { attemptReference } from '../shared/attempt-reference.ts'
import { accountSchema, type MomoConfig, secretFields } from './account.ts'
import { acknowledge } from './acknowledge.ts'
import { lookup, readCallback } from './callback.ts'
import { inquire, readInquiry } from './inquiry.ts'
import { inquireRefund, readRefund, readRefundInquiry, refund } from './refund.ts'
import { maxAmount, minAmount, orderInfoMaxLength, readStart, start } from './start.ts'

/** MoMo wallet, API v2, `captureWallet` (rails.md §5.1). */
export const momo: Adapter<MomoConfig> = {
  name: 'momo',
  titleVi: 'Ví MoMo',
  titleEn: 'MoMo wallet',
  channels: ['WALLET'],
  capabilities: {
    transfer: false,
    start: true,
    callback: true,
    inquiry: true,
    refund: 'partial',
    pull: false,
    statement: 'none',
    minAmount,
    maxAmount,
    descriptionMaxLength: orderInfoMaxLength,
    source: 'rails.md §5.1',
    unverified: [
      'answers to create, query and refund carry no signature',
      'fields of refundTrans in the answer to query',
      'result codes beside 0, 1006, 11–13 and the pending ones (failedCodes, refusedCodes, refundRefusedCodes)',
      'what MoMo does on an answer other than 204, and how often it calls again',
    ],
  },
  accountSchema,
  secretFields,
  receivers: ({ partnerCode }) => [`partnerCode ${partnerCode}`],

  merchantRef: ({ sequence }) => attemptReference(sequence),

  start,
  readStart: (answer, _state, order, account) => readStart(answer, order, account),

  lookup,
  readCallback,
  acknowledge,

  inquire,
  readInquiry: (answer, _state, attempt, account, context) => readInquiry(answer, attempt, account, context),

  refund,
  readRefund: (answer, _state, order, account) => readRefund(answer, order, account),
  inquireRefund,
  readRefundInquiry: (answer, _state, order, account, context) => readRefundInquiry(answer, order, account, context),
}
