/** Giving money back, whole or in part, and asking what became of it: token, then the transaction of the refund (rails.md §4.1). */
import type { HttpAnswer, HttpCall, RailAccount, RefundOrder, RefundResult, Step } from '../contract.ts'
import { merchantOf, type NapasConfig, refundOperationOf } from './account.ts'
import { pathOf, readAnswer } from './answer.ts'
import { isReturn } from './payment-result.ts'
import { awaitsAnswer, awaitsToken, bearerCall, readToken, stepSchema, tokenCall } from './token.ts'

type Account = RailAccount<NapasConfig>

export function refund(account: Account): Step<RefundResult> {
  return { kind: 'call', call: tokenCall(account.config), state: awaitsToken }
}

export function readRefund(
  answer: HttpAnswer,
  state: unknown,
  order: RefundOrder,
  account: Account,
): Step<RefundResult> {
  const { config } = account
  if (stepSchema.parse(state).awaits === 'answer') return readResultOf(answer, order, config)
  const token = readToken(answer)
  // The refund was never sent. When asking about one that was, the same refusal tells nothing.
  if (token.kind === 'refused') {
    return done({ kind: 'refused', railCode: token.railCode.slice(0, 60), message: 'NAPAS gave no token' })
  }
  const body = {
    apiOperation: refundOperationOf(config),
    channel: config.channel,
    transaction: { amount: Number(order.amount), currency: 'VND' },
  }
  return withToken(answer, (token) =>
    bearerCall(token, { method: 'PUT', url: refundUrl(order, config), repeatable: false }, body, config),
  )
}

export function readRefundInquiry(
  answer: HttpAnswer,
  state: unknown,
  order: RefundOrder,
  account: Account,
): Step<RefundResult> {
  const { config } = account
  if (stepSchema.parse(state).awaits === 'answer') return readResultOf(answer, order, config)
  return withToken(answer, (token) =>
    bearerCall(token, { method: 'GET', url: refundUrl(order, config), repeatable: true }, undefined, config),
  )
}

function withToken(answer: HttpAnswer, call: (token: string) => HttpCall): Step<RefundResult> {
  const read = readToken(answer)
  switch (read.kind) {
    case 'token':
      return { kind: 'call', call: call(read.token), state: awaitsAnswer }
    case 'refused':
      return unknown(`no token: ${read.railCode}`)
    case 'unknown':
      return unknown(read.detail)
  }
}

/** The refund's own transaction under the paid order: the same at every call, so that NAPAS knows a second one. */
function refundUrl(order: RefundOrder, config: NapasConfig): string {
  const places = { merchant: merchantOf(config), order: order.attempt.merchantRef, transaction: transactionOf(order) }
  return `${config.apiUrl}${pathOf(config.transactionPath, places)}`
}

function transactionOf(order: RefundOrder): string {
  return order.refundId.replace(/[^A-Za-z0-9]/g, '').slice(-32)
}

function readResultOf(answer: HttpAnswer, order: RefundOrder, config: NapasConfig): Step<RefundResult> {
  const read = readAnswer(answer, order.attempt.merchantRef, config)
  if (read.kind === 'notFound') return unknown('NAPAS does not know this refund')
  if (read.kind === 'worthless') return unknown(read.detail)
  const { result } = read
  const { transaction } = result
  // Without its own transaction named, the answer may be about the payment or another refund.
  if (!isReturn(result) || transaction?.id !== transactionOf(order)) return unknown('answer about another transaction')
  if (transaction.amount != null && transaction.amount !== order.amount) return unknown('answer about another amount')
  const code = result.response?.gatewayCode ?? ''
  if (result.result === 'SUCCESS' && config.approvedCodes.includes(code)) {
    return done({ kind: 'done', railRefundId: `${order.attempt.merchantRef}:${transaction.id}` })
  }
  if (result.result === 'FAILURE' && code !== '' && !config.pendingCodes.includes(code)) {
    return done({ kind: 'refused', railCode: code, message: (result.response?.message ?? '').slice(0, 255) })
  }
  return unknown(`result ${result.result} ${code}`)
}

function unknown(detail: string): Step<RefundResult> {
  return done({ kind: 'unknown', detail })
}

function done(result: RefundResult): Step<RefundResult> {
  return { kind: 'done', result }
}
