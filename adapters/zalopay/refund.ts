/** Giving money back, whole or in part. ZaloPay works on it afterwards: only `query_refund` tells that it is done (rails.md §5.2). */
import { foldToLatin } from '../../src/domain/fold.ts'
import type { AdapterContext, HttpAnswer, RailAccount, RefundOrder, RefundResult, Step } from '../contract.ts'
import type { ZalopayConfig } from './account.ts'
import { readAnswer, signedCall, wholeNumber } from './call.ts'
import { isAboutQuestion, isRefundDoubtful, returnCode } from './codes.ts'
import { refundReference } from './reference.ts'
import { descriptionMaxLength } from './start.ts'

type Account = RailAccount<ZalopayConfig>

export function refund(order: RefundOrder, { config }: Account, { now }: AdapterContext): Step<RefundResult> {
  if (!/^[1-9]\d*$/.test(order.railTransactionId))
    return done({ kind: 'refused', railCode: 'TRANSACTION', message: 'ZaloPay made no transaction to refund' })
  const fields = {
    app_id: config.appId,
    m_refund_id: refundReference(order, config.appId),
    zp_trans_id: order.railTransactionId,
    amount: Number(order.amount),
    timestamp: now.getTime(),
    description: foldToLatin(order.reason, descriptionMaxLength) || `Hoan tien ${order.attempt.merchantRef}`,
  }
  return { kind: 'call', call: signedCall('/v2/refund', fields, config), state: null }
}

export function readRefund(answer: HttpAnswer, order: RefundOrder, { config }: Account): Step<RefundResult> {
  const read = readAnswer(answer)
  if (!read.ok) return done({ kind: 'unknown', detail: read.detail })
  const { subReturnCode, message, fields } = read
  switch (read.returnCode) {
    case returnCode.done:
    case returnCode.processing: {
      const refundId = wholeNumber.safeParse(fields.refund_id)
      const railRefundId =
        refundId.success && refundId.data !== '0' ? refundId.data : refundReference(order, config.appId)
      return done({ kind: 'accepted', railRefundId })
    }
    case returnCode.failed:
      return isRefundDoubtful(subReturnCode)
        ? done({ kind: 'unknown', detail: `sub return code ${subReturnCode}` })
        : done({ kind: 'refused', railCode: String(subReturnCode), message })
    default:
      return done({ kind: 'unknown', detail: `return code ${read.returnCode}` })
  }
}

export function inquireRefund(order: RefundOrder, { config }: Account, { now }: AdapterContext): Step<RefundResult> {
  const fields = {
    app_id: config.appId,
    m_refund_id: refundReference(order, config.appId),
    timestamp: now.getTime(),
  }
  return { kind: 'call', call: signedCall('/v2/query_refund', fields, config), state: null }
}

export function readRefundInquiry(answer: HttpAnswer, order: RefundOrder, { config }: Account): Step<RefundResult> {
  const read = readAnswer(answer)
  if (!read.ok) return done({ kind: 'unknown', detail: read.detail })
  const { subReturnCode, message } = read
  const railRefundId = refundReference(order, config.appId)
  switch (read.returnCode) {
    case returnCode.done:
      return done({ kind: 'done', railRefundId })
    case returnCode.processing:
      return done({ kind: 'accepted', railRefundId })
    case returnCode.failed:
      return isAboutQuestion(subReturnCode)
        ? done({ kind: 'unknown', detail: `the question was refused: ${subReturnCode}` })
        : done({ kind: 'refused', railCode: String(subReturnCode), message })
    default:
      return done({ kind: 'unknown', detail: `return code ${read.returnCode}` })
  }
}

function done(result: RefundResult): Step<RefundResult> {
  return { kind: 'done', result }
}
