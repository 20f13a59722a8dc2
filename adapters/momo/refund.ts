/** Giving money back, whole or in part, and asking what became of it (rails.md §5.1). */
import { z } from 'zod'
import { foldToLatin } from '../../src/domain/fold.ts'
import type { AdapterContext, HttpAnswer, RailAccount, RefundOrder, RefundResult, Step } from '../contract.ts'
import type { MomoConfig } from './account.ts'
import { readAnswer, signedCall, wholeNumber } from './call.ts'
import { meaningOfRefund } from './codes.ts'
import { queryCall } from './inquiry.ts'
import { refundReference } from './reference.ts'
import { maxAmount, minAmount, orderInfoMaxLength } from './start.ts'

type Account = RailAccount<MomoConfig>

export function refund(order: RefundOrder, { config }: Account): Step<RefundResult> {
  if (order.amount < minAmount || order.amount > maxAmount)
    return refused('AMOUNT', `MoMo gives back ${minAmount} to ${maxAmount} VND at a time`)
  if (!/^[1-9]\d*$/.test(order.railTransactionId)) return refused('TRANSACTION', 'MoMo made no transaction to refund')
  const orderId = refundReference(order.refundId)
  const transId = Number(order.railTransactionId)
  const fields = {
    partnerCode: config.partnerCode,
    orderId,
    requestId: orderId,
    amount: Number(order.amount),
    // A JSON number as MoMo writes it, unless that would change its digits.
    transId: Number.isSafeInteger(transId) ? transId : order.railTransactionId,
    lang: 'vi',
    description: foldToLatin(order.reason, orderInfoMaxLength) || `Hoan tien ${order.attempt.merchantRef}`,
  }
  return { kind: 'call', call: signedCall('refund', fields, config), state: null }
}

const refundSchema = z.object({ amount: wholeNumber, transId: wholeNumber })

export function readRefund(answer: HttpAnswer, order: RefundOrder, { config }: Account): Step<RefundResult> {
  const orderId = refundReference(order.refundId)
  const read = readAnswer(answer, { orderId, requestId: orderId }, config)
  if (!read.ok) return unknown(read.detail)
  return resultOf(read.resultCode, read.message, read.fields, order, config)
}

export function inquireRefund(order: RefundOrder, { config }: Account, context: AdapterContext): Step<RefundResult> {
  return { kind: 'call', call: queryCall(order.attempt, config, context), state: null }
}

const entrySchema = z.looseObject({ orderId: z.string(), resultCode: z.int() })
const listSchema = z.object({ refundTrans: z.array(entrySchema).max(1000) })

/** The answer about a payment lists its refunds; ours is found by its order id. */
export function readRefundInquiry(
  answer: HttpAnswer,
  order: RefundOrder,
  { config }: Account,
  { requestId }: AdapterContext,
): Step<RefundResult> {
  const read = readAnswer(answer, { orderId: order.attempt.merchantRef, requestId }, config)
  if (!read.ok) return unknown(read.detail)
  const list = listSchema.safeParse(read.fields)
  if (!list.success) return unknown('the answer lists no refunds')
  const ours = list.data.refundTrans.filter(({ orderId }) => orderId === refundReference(order.refundId))
  const [entry] = ours
  if (entry === undefined || ours.length > 1) return unknown(`${ours.length} refunds under our order id`)
  return resultOf(entry.resultCode, read.message, entry, order, config)
}

function resultOf(
  resultCode: number,
  message: string,
  fields: Readonly<Record<string, unknown>>,
  order: RefundOrder,
  config: MomoConfig,
): Step<RefundResult> {
  const meaning = meaningOfRefund(resultCode, config)
  if (meaning === 'refused') return refused(String(resultCode), message)
  if (meaning === 'unknown') return unknown(`result code ${resultCode}`)
  const parsed = refundSchema.safeParse(fields)
  if (meaning === 'done' && (!parsed.success || parsed.data.amount !== order.amount.toString()))
    return unknown('a refund of another amount')
  const railRefundId =
    parsed.success && parsed.data.transId !== '0' ? parsed.data.transId : refundReference(order.refundId)
  return { kind: 'done', result: { kind: meaning, railRefundId } }
}

function refused(railCode: string, message: string): Step<RefundResult> {
  return { kind: 'done', result: { kind: 'refused', railCode, message } }
}

function unknown(detail: string): Step<RefundResult> {
  return { kind: 'done', result: { kind: 'unknown', detail } }
}
