/** Giving money back, whole or in part, and asking what became of it (rails.md §4.2). */
import { z } from 'zod'
import { foldToLatin } from '../../src/domain/fold.ts'
import type { HttpAnswer, RailAccount, RefundOrder, RefundResult, Step } from '../contract.ts'
import type { OnepayConfig } from './account.ts'
import { amountText } from './amount.ts'
import { readAnswer, signedCall } from './call.ts'
import { meaningOfRefund } from './codes.ts'
import { queryCall } from './inquiry.ts'
import { codeField, type Fields, transactionKey, transactionNoField } from './reading.ts'
import { version } from './start.ts'

type Account = RailAccount<OnepayConfig>

export function refund(order: RefundOrder, account: Account): Step<RefundResult> {
  const { config } = account
  if (config.refundUrl === undefined) {
    return done({ kind: 'refused', railCode: 'NO_REFUND_URL', message: 'this OnePay account makes no refunds' })
  }
  const fields = {
    vpc_Version: version,
    vpc_Command: 'refund',
    vpc_Merchant: config.merchant,
    vpc_AccessCode: config.accessCode,
    vpc_MerchTxnRef: refundReference(order),
    vpc_OrgMerchTxnRef: order.attempt.merchantRef,
    vpc_Amount: amountText(order.amount),
    vpc_Operator: foldToLatin(order.operator, 64) || 'FeeGate',
  }
  const target = { url: config.refundUrl, method: config.refundMethod, repeatable: false }
  return { kind: 'call', call: signedCall(target, fields, config), state: null }
}

/** The refund's own `vpc_MerchTxnRef`, at most 34: the same for every call of one refund, so that OnePay knows a second one. */
function refundReference(order: RefundOrder): string {
  return order.refundId.replace(/[^A-Za-z0-9]/g, '').slice(-34)
}

const refundSchema = z.looseObject({ vpc_TxnResponseCode: codeField, vpc_TransactionNo: transactionNoField })

export function readRefund(answer: HttpAnswer, order: RefundOrder, account: Account): Step<RefundResult> {
  const read = readAnswer(answer, refundReference(order), account.config)
  if (!read.ok) return unknown(read.detail)
  const { fields } = read
  if (fields.vpc_Command !== undefined && fields.vpc_Command !== 'refund') return unknown('answer to another command')
  return resultOf(fields, order, account.config)
}

export function inquireRefund(order: RefundOrder, account: Account): Step<RefundResult> {
  const call = queryCall(refundReference(order), account.config)
  if (call === null) return unknown('the account has no queryUser and queryPassword')
  return { kind: 'call', call, state: null }
}

/** A refund that OnePay does not know may still be on its way: only an answer about it decides. */
export function readRefundInquiry(answer: HttpAnswer, order: RefundOrder, account: Account): Step<RefundResult> {
  const read = readAnswer(answer, refundReference(order), account.config)
  if (!read.ok) return unknown(read.detail)
  if (read.fields.vpc_DRExists !== 'Y') return unknown('OnePay does not know this refund')
  return resultOf(read.fields, order, account.config)
}

function resultOf(fields: Fields, order: RefundOrder, config: OnepayConfig): Step<RefundResult> {
  const amount = fields.vpc_Amount ?? ''
  if (amount !== '' && amount !== amountText(order.amount)) return unknown(`amount ${amount.slice(0, 20)}`)
  const original = fields.vpc_OrgMerchTxnRef ?? ''
  if (original !== '' && original !== order.attempt.merchantRef) return unknown('refund of another payment')
  const parsed = refundSchema.safeParse(fields)
  if (!parsed.success) return unknown(z.prettifyError(parsed.error))
  const code = parsed.data.vpc_TxnResponseCode
  const meaning = meaningOfRefund(code, config)
  switch (meaning) {
    case 'done':
    case 'accepted': {
      const railRefundId = transactionKey(config.merchant, parsed.data.vpc_TransactionNo, refundReference(order))
      return done({ kind: meaning, railRefundId })
    }
    case 'refused':
      return done({ kind: 'refused', railCode: code, message: (fields.vpc_Message ?? '').slice(0, 255) })
    case 'unknown':
      return unknown(`response code ${code}`)
  }
}

function unknown(detail: string): Step<RefundResult> {
  return done({ kind: 'unknown', detail })
}

function done(result: RefundResult): Step<RefundResult> {
  return { kind: 'done', result }
}
