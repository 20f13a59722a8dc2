/** Giving money back, whole or in part, and asking what became of it (rails.md §1.5). */
import { foldToLatin } from '../../src/domain/fold.ts'
import { compactLocalTime } from '../../src/domain/vietnam-time.ts'
import type { AdapterContext, HttpAnswer, RailAccount, RefundOrder, RefundResult, Step } from '../contract.ts'
import type { VnpayConfig } from './account.ts'
import { amountText } from './amount.ts'
import { type Fields, readAnswer, signedCall } from './call.ts'
import { isRefundRefusal, meaningOfRefundStatus } from './codes.ts'
import { inquiryCall, payTime } from './inquiry.ts'
import { transactionKey, transactionNoOf } from './reference.ts'
import { version } from './signature.ts'
import { orderInfoMaxLength } from './start.ts'

type Account = RailAccount<VnpayConfig>

const fullRefund = '02'
const partialRefund = '03'

export function refund(order: RefundOrder, account: Account, context: AdapterContext): Step<RefundResult> {
  const { config } = account
  const fields = {
    vnp_RequestId: requestIdOf(order),
    vnp_Version: version,
    vnp_Command: 'refund',
    vnp_TmnCode: config.tmnCode,
    vnp_TransactionType: typeOf(order),
    vnp_TxnRef: order.attempt.merchantRef,
    vnp_Amount: amountText(order.amount),
    vnp_OrderInfo: foldToLatin(order.reason, orderInfoMaxLength) || `Hoan tien ${order.attempt.merchantRef}`,
    vnp_TransactionNo: transactionNoOf(order.railTransactionId, config.tmnCode),
    vnp_TransactionDate: payTime(order.attempt),
    vnp_CreateBy: foldToLatin(order.operator, 245) || 'FeeGate',
    vnp_CreateDate: compactLocalTime(context.now),
    vnp_IpAddr: context.serverIp,
  }
  return { kind: 'call', call: signedCall('refund', fields, config, false), state: null }
}

/** The same for every call of one refund, so that VNPAY itself knows a second one. */
function requestIdOf(order: RefundOrder): string {
  return order.refundId.replace(/[^A-Za-z0-9]/g, '').slice(-32)
}

function typeOf(order: RefundOrder): string {
  return order.amount === order.paidAmount ? fullRefund : partialRefund
}

export function readRefund(answer: HttpAnswer, order: RefundOrder, account: Account): Step<RefundResult> {
  const read = readAnswer('refund', answer, order.attempt.merchantRef, account.config)
  if (!read.ok) return unknown(read.detail)
  const { fields } = read
  const code = fields.vnp_ResponseCode ?? ''
  if (isRefundRefusal(code)) return refused(code, fields)
  if (code !== '00') return unknown(`response code ${code}`)
  const other = differenceOf(fields, order)
  if (other !== null) return unknown(other)
  return resultOf(fields, order, account.config)
}

export function inquireRefund(order: RefundOrder, account: Account, context: AdapterContext): Step<RefundResult> {
  return { kind: 'call', call: inquiryCall(order.attempt, account.config, context), state: null }
}

/** VNPAY answers for the payment, not for a refund: only an answer that speaks of just this kind and amount of refund counts. */
export function readRefundInquiry(answer: HttpAnswer, order: RefundOrder, account: Account): Step<RefundResult> {
  const read = readAnswer('querydr', answer, order.attempt.merchantRef, account.config)
  if (!read.ok) return unknown(read.detail)
  const { fields } = read
  if (fields.vnp_ResponseCode !== '00') return unknown(`response code ${fields.vnp_ResponseCode ?? ''}`)
  const other = differenceOf(fields, order)
  if (other !== null) return unknown(other)
  return resultOf(fields, order, account.config)
}

function differenceOf(fields: Fields, order: RefundOrder): string | null {
  if (fields.vnp_TransactionType !== typeOf(order)) return `transaction type ${fields.vnp_TransactionType ?? ''}`
  if (fields.vnp_Amount !== amountText(order.amount)) return `amount ${fields.vnp_Amount ?? ''}`
  return null
}

function resultOf(fields: Fields, order: RefundOrder, config: VnpayConfig): Step<RefundResult> {
  const status = fields.vnp_TransactionStatus ?? ''
  const meaning = meaningOfRefundStatus(status)
  switch (meaning) {
    case 'done':
    case 'accepted': {
      const railRefundId = transactionKey(config.tmnCode, fields.vnp_TransactionNo ?? '', requestIdOf(order))
      return { kind: 'done', result: { kind: meaning, railRefundId } }
    }
    case 'refused':
      return refused(status, fields)
    case 'unknown':
      return unknown(`transaction status ${status}`)
  }
}

function refused(railCode: string, fields: Fields): Step<RefundResult> {
  return { kind: 'done', result: { kind: 'refused', railCode, message: (fields.vnp_Message ?? '').slice(0, 255) } }
}

function unknown(detail: string): Step<RefundResult> {
  return { kind: 'done', result: { kind: 'unknown', detail } }
}
