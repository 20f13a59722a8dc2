import type { Adapter } from '../contract.ts'
import { attemptReference } from '../shared/attempt-reference.ts'
import { accountSchema, merchantOf, type NapasConfig, secretFields } from './account.ts'
import { acknowledge } from './acknowledge.ts'
import { lookup, readCallback } from './callback.ts'
import { inquire, readInquiry } from './inquiry.ts'
import { readRefund, readRefundInquiry, refund } from './refund.ts'
import { maxAmount, orderReferenceMaxLength, readStart, start } from './start.ts'

/** NAPAS card gateway: domestic and international cards in NAPAS's own form on the payer's page (rails.md §4.1). */
export const napas: Adapter<NapasConfig> = {
  name: 'napas',
  titleVi: 'Cổng thanh toán thẻ NAPAS',
  titleEn: 'NAPAS card gateway',
  channels: ['CARD'],
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
    descriptionMaxLength: orderReferenceMaxLength,
    source: 'rails.md §4.1',
    unverified: [
      'gateway codes that mean paid or not final (approvedCodes, pendingCodes)',
      'retrieve: its path and the id of a payment transaction (retrievePath, paymentTransactionId)',
      'refund: operation and path; asking about a refund (refundOperation, transactionPath)',
      'whether answers of the server are signed (answers)',
      'operation of the form and channel (payOperation, channel)',
      'answer to a notice other than 200, and its repeats',
      'lengths and limits of order id, reference and amount',
    ],
  },
  accountSchema,
  secretFields,
  receivers: (config) => [`merchantId ${merchantOf(config)}`],

  merchantRef: ({ sequence }) => attemptReference(sequence),

  start: (order, account) => start(order, account),
  readStart: (answer, state, order, account) => readStart(answer, state, order, account),

  lookup,
  readCallback: (request, account) => readCallback(request, account),
  acknowledge: (verdict, request) => acknowledge(verdict, request),

  inquire: (_attempt, account) => inquire(account),
  readInquiry: (answer, state, attempt, account) => readInquiry(answer, state, attempt, account),

  refund: (_order, account) => refund(account),
  readRefund: (answer, state, order, account) => readRefund(answer, state, order, account),
  inquireRefund: (_order, account) => refund(account),
  readRefundInquiry: (answer, state, order, account) => readRefundInquiry(answer, state, order, account),
}
