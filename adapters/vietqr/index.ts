import type { Adapter, Order, RailAccount, StartResult, Step } from '../contract.ts'
import { requireCarried } from '../shared/amount-limit.ts'
import { accountSchema, secretFields, type VietQrConfig } from './account.ts'
import { buildVietQr, purposeMaxLength } from './build.ts'
import { acknowledge, lookup, readCallback } from './credit.ts'

const minAmount = 1n
/** One NAPAS 247 transfer is below 500 million (rails.md §2.2). */
const maxAmount = 499_999_999n

/** VietQR / NAPAS 247: one QR per invoice, paid by transfer and told of by a credit notice (rails.md §2). */
export const vietqr: Adapter<VietQrConfig> = {
  name: 'vietqr',
  titleVi: 'Chuyển khoản VietQR',
  titleEn: 'VietQR transfer',
  channels: ['QR'],
  capabilities: {
    transfer: true,
    start: true,
    callback: true,
    inquiry: false,
    refund: 'none',
    pull: false,
    statement: 'none',
    minAmount,
    maxAmount,
    descriptionMaxLength: purposeMaxLength,
    source: 'rails.md §2',
    unverified: [
      'limit of one transfer (press releases only)',
      'payOS: what its probe of our address holds',
      'VietQR.vn: HTTP status of refusals, retries',
      'VietQR.vn HMAC mode: path, positive answer, spellings of transactionTime',
    ],
  },
  accountSchema,
  secretFields,
  // Whoever tells of the credits: it is one credit.
  receivers: ({ bankBin, accountNumber }) => [`account ${accountNumber} at ${bankBin}`],

  // The purpose of the transfer is the pay code and nothing else: it stands alone as a word (rails.md §2.2, §2.3).
  merchantRef: ({ payCode }) => payCode,

  start,

  lookup,
  readCallback,
  acknowledge,
}

function start(order: Order, { config }: RailAccount<VietQrConfig>): Step<StartResult> {
  requireCarried(order.amount, 'VietQR', minAmount, maxAmount)
  const payload = buildVietQr({
    bankBin: config.bankBin,
    account: config.accountNumber,
    amount: order.amount,
    purpose: order.payCode,
    ...(config.merchantName === undefined ? {} : { merchantName: config.merchantName }),
    ...(config.merchantCity === undefined ? {} : { merchantCity: config.merchantCity }),
  })
  const transfer = {
    bankBin: config.bankBin,
    accountNumber: config.accountNumber,
    accountName: config.accountName,
    amount: order.amount,
    content: order.payCode,
  }
  return { kind: 'done', result: { kind: 'qr', payload, transfer, sent: {} } }
}
