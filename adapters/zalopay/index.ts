import type { Adapter } from '../contract.ts'
import { accountSchema, secretFields, type ZalopayConfig } from './account.ts'
import { acknowledge } from './acknowledge.ts'
import { lookup, readCallback } from './callback.ts'
import { inquire, readInquiry } from './inquiry.ts'
import { orderReference } from './reference.ts'
import { inquireRefund, readRefund, readRefundInquiry, refund } from './refund.ts'
import { descriptionMaxLength, maxAmount, minAmount, readStart, start } from './start.ts'

/** ZaloPay wallet and gateway, API v2 (rails.md §5.2). */
export const zalopay: Adapter<ZalopayConfig> = {
  name: 'zalopay',
  titleVi: 'Ví ZaloPay',
  titleEn: 'ZaloPay wallet',
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
    descriptionMaxLength,
    source: 'rails.md §5.2',
    unverified: [
      'smallest and largest amounts',
      'return code for a callback that is on record already (duplicateReturnCode)',
      'answers carry no MAC',
      'return address in embed_data',
      'whether a refund id may begin with a day before the day of the call',
      'refund fee (refund_fee_amount is not sent)',
    ],
  },
  accountSchema,
  secretFields,
  receivers: ({ appId }) => [`appId ${appId}`],

  merchantRef: ({ sequence, now }) => orderReference(sequence, now),

  start,
  readStart: (answer, _state, _order, account) => readStart(answer, account),

  lookup,
  readCallback,
  acknowledge: (verdict, _request, account) => acknowledge(verdict, account.config),

  inquire,
  readInquiry: (answer, _state, attempt, account) => readInquiry(answer, attempt, account),

  refund,
  readRefund: (answer, _state, order, account) => readRefund(answer, order, account),
  inquireRefund,
  readRefundInquiry: (answer, _state, order, account) => readRefundInquiry(answer, order, account),
}
