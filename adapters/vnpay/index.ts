import type { Adapter } from '../contract.ts'
import { attemptReference } from '../shared/attempt-reference.ts'
import { accountSchema, secretFields, type VnpayConfig } from './account.ts'
import { acknowledge } from './acknowledge.ts'
import { maxAmount } from './amount.ts'
import { lookup, readCallback } from './callback.ts'
import { inquire, readInquiry } from './inquiry.ts'
import { inquireRefund, readRefund, readRefundInquiry, refund } from './refund.ts'
import { orderInfoMaxLength, readStart, start } from './start.ts'

/** VNPAY PAY 2.1.0: hosted page for domestic cards and accounts, international cards and VNPAY-QR (rails.md §1). */
export const vnpay: Adapter<VnpayConfig> = {
  name: 'vnpay',
  titleVi: 'Cổng thanh toán VNPAY',
  titleEn: 'VNPAY payment gateway',
  channels: ['CARD', 'ACCOUNT', 'QR'],
  capabilities: {
    transfer: false,
    start: true,
    callback: true,
    inquiry: true,
    refund: 'partial',
    refundFoundBy: 'payment',
    pull: false,
    statement: 'none',
    minAmount: 1n,
    maxAmount,
    descriptionMaxLength: orderInfoMaxLength,
    source: 'rails.md §1',
    unverified: [
      'production addresses (payUrl, apiUrl, bankListUrl)',
      'whether a terminal may ask for QR codes, and which codes refuse one (startBy)',
      'smallest amount per payment and per bank',
      'whether refusals of querydr and refund are signed',
      'how querydr tells of refunds of a payment',
      'whether vnp_CreateBy may hold a space',
    ],
  },
  accountSchema,
  secretFields,
  receivers: ({ tmnCode }) => [`tmnCode ${tmnCode}`],

  merchantRef: ({ sequence }) => attemptReference(sequence),

  start,
  readStart: (answer, state) => readStart(answer, state),

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
