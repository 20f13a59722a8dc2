/** Opening an order at MoMo: `captureWallet` (rails.md §5.1). */
import { z } from 'zod'
import { foldToLatin } from '../../src/domain/fold.ts'
import type { HttpAnswer, Order, RailAccount, StartResult, Step } from '../contract.ts'
import { requireCarried } from '../shared/amount-limit.ts'
import type { MomoConfig } from './account.ts'
import { readAnswer, signedCall, wholeNumber } from './call.ts'
import { isTurnedAway } from './codes.ts'

export const minAmount = 1_000n
export const maxAmount = 50_000_000n
export const orderInfoMaxLength = 255

export function start(order: Order, { config }: RailAccount<MomoConfig>): Step<StartResult> {
  requireCarried(order.amount, 'MoMo', minAmount, maxAmount)
  const fields = {
    partnerCode: config.partnerCode,
    requestId: order.merchantRef,
    amount: Number(order.amount),
    orderId: order.merchantRef,
    // Letters, digits and spaces only: `&` and `=` make trouble in the signed text.
    orderInfo: foldToLatin(order.description, orderInfoMaxLength) || order.payCode,
    redirectUrl: order.returnUrl,
    ipnUrl: order.callbackUrl,
    requestType: 'captureWallet',
    extraData: '',
    lang: order.locale,
  }
  return { kind: 'call', call: signedCall('create', fields, config), state: null }
}

const createdSchema = z.object({ amount: wholeNumber, payUrl: z.url({ protocol: /^https?$/ }) })

export function readStart(answer: HttpAnswer, order: Order, { config }: RailAccount<MomoConfig>): Step<StartResult> {
  const asked = { orderId: order.merchantRef, requestId: order.merchantRef }
  const read = readAnswer(answer, asked, config)
  if (!read.ok) return unknown(read.detail)
  const { resultCode, message } = read
  if (isTurnedAway(resultCode, config))
    return { kind: 'done', result: { kind: 'refused', railCode: String(resultCode), message, sent: {} } }
  if (resultCode !== 0) return unknown(`result code ${resultCode}`)
  const created = createdSchema.safeParse(read.fields)
  if (!created.success) return unknown(z.prettifyError(created.error))
  if (created.data.amount !== order.amount.toString()) return unknown(`order opened over ${created.data.amount} VND`)
  const { payUrl } = created.data
  // The payer is never sent from a protected page to an unprotected one.
  if (new URL(payUrl).protocol !== new URL(config.baseUrl).protocol) return unknown('pay page on another protocol')
  return { kind: 'done', result: { kind: 'redirect', url: payUrl, sent: {} } }
}

function unknown(detail: string): Step<StartResult> {
  return { kind: 'done', result: { kind: 'unknown', detail, sent: {} } }
}
