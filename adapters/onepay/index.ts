import type { Adapter } from '../contract.ts'
import { attemptReference } from '../shared/attempt-reference.ts'
import { accountSchema, type OnepayConfig, secretFields } from './account.ts'
import { acknowledge } from './acknowledge.ts'
import { maxAmount } from './amount.ts'
import { lookup, readCallback } from './callback.ts'
import { inquire, readInquiry } from './inquiry.ts'
import { inquireRefund, readRefund, readRefundInquiry, refund } from './refund.ts'
import { orderInfoMaxLength, start } from './start.ts'

/** OnePay's hosted pages: domestic cards and accounts, international cards, or the unified page (rails.md §4.2). */
export const onepay: Adapter<OnepayConfig> = {
  name: 'onepay',
  titleVi: 'Cổng thanh toán OnePay',
  titleEn: 'OnePay payment gateway',
  channels: ['CARD', 'ACCOUNT'],
  capabilities: {
    transfer: false,
    start: true,
    callback: true,
    inquiry: true,
    refund: 'partial',
    pull: false,
    statement: 'none',
    minAmount: 1n,
    maxAmount,
    descriptionMaxLength: orderInfoMaxLength,
    source: 'rails.md §4.2',
    unverified: [
      'production addresses; query address of the unified page (payUrl, queryUrl)',
      'method of queries and whether their answers are signed (queryMethod)',
      'address, method and answer of refunds; asking about a refund (refundUrl, refundMethod)',
      'pending codes (pendingCodes)',
      'smallest and largest amount',
      'whether the unified page wants vpc_Currency (sendCurrency)',
    ],
  },
  accountSchema,
  secretFields,
  receivers: ({ merchant }) => [`merchant ${merchant}`],

  merchantRef: ({ sequence }) => attemptReference(sequence),

  start,

  lookup,
  readCallback: (request, account) => readCallback(request, account),
  acknowledge: (verdict) => acknowledge(verdict),

  inquire,
  readInquiry: (answer, _state, attempt, account) => readInquiry(answer, attempt, account),

  refund,
  readRefund: (answer, _state, order, account) => readRefund(answer, order, account),
  inquireRefund,
  readRefundInquiry: (answer, _state, order, account) => readRefundInquiry(answer, order, account),
}
