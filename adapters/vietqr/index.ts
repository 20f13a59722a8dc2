import type { Adapter, Order, RailAccount, StartResult, Step } from '../contract.ts'
import { parseJsonObject } from '../shared/json-body.ts'
import { accountSchema, secretFields, type VietQrConfig } from './account.ts'
import { buildVietQr, purposeMaxLength } from './build.ts'
import { acknowledgeSepay, readSepay } from './sources/sepay.ts'

/** VietQR / NAPAS 247: one QR per invoice, paid by transfer and told of by a signed credit notice (rails.md §2). */
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
    minAmount: 1n,
    // One NAPAS 247 transfer is below 500 million (rails.md §2.2).
    maxAmount: 499_999_999n,
    descriptionMaxLength: purposeMaxLength,
    source: 'rails.md §2',
    unverified: ['limit of one transfer (press releases only)'],
  },
  accountSchema,
  secretFields,

  // The purpose of the transfer is the pay code and nothing else: it stands alone as a word (rails.md §2.2, §2.3).
  merchantRef: ({ payCode }) => payCode,

  start,

  lookup(request) {
    const body = parseJsonObject(request.body)
    const content = body.ok && typeof body.value.content === 'string' ? body.value.content.slice(0, 100) : null
    const accountHint =
      body.ok && typeof body.value.accountNumber === 'string' ? body.value.accountNumber.slice(0, 40) : null
    return { merchantRef: content, accountHint }
  },
  readCallback: readSepay,
  acknowledge: acknowledgeSepay,
}

function start(order: Order, { config }: RailAccount<VietQrConfig>): Step<StartResult> {
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
