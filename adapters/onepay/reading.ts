/** What a verified message of OnePay says about one payment: notices and inquiry answers carry the same fields. */
import { z } from 'zod'
import type { Outcome, OutcomeSource } from '../../src/domain/outcome.ts'
import type { RailAccount } from '../contract.ts'
import type { OnepayConfig } from './account.ts'
import { amountField } from './amount.ts'
import { kindOfCode } from './codes.ts'

export const codeField = z.string().regex(/^[0-9A-Z]{1,4}$/)
export const transactionNoField = z
  .string()
  .regex(/^[A-Za-z0-9_-]{0,40}$/)
  .default('')

const paymentSchema = z.looseObject({
  vpc_MerchTxnRef: z.string().regex(/^[\x21-\x7e]{1,40}$/),
  vpc_Amount: amountField,
  vpc_TxnResponseCode: codeField,
  vpc_TransactionNo: transactionNoField,
})

/** Fields that are kept as evidence. Card numbers and the payer's own fields are not. */
const evidenceNames = [
  'vpc_MerchTxnRef',
  'vpc_Amount',
  'vpc_TxnResponseCode',
  'vpc_Message',
  'vpc_TransactionNo',
  'vpc_OrderInfo',
  'vpc_CurrencyCode',
  'vpc_Command',
  'vpc_Card',
  'vpc_PayChannel',
  'vpc_AdditionData',
] as const

export type Fields = Readonly<Record<string, string>>

export type PaymentReading =
  | { readonly ok: true; readonly outcome: Outcome }
  | { readonly ok: false; readonly detail: string }

export function readPayment(fields: Fields, account: RailAccount<OnepayConfig>, source: OutcomeSource): PaymentReading {
  const parsed = paymentSchema.safeParse(fields)
  if (!parsed.success) return { ok: false, detail: z.prettifyError(parsed.error) }
  const payment = parsed.data
  return {
    ok: true,
    outcome: {
      rail: 'onepay',
      accountId: account.id,
      merchantRef: payment.vpc_MerchTxnRef,
      railTransactionId: transactionKey(account.config.merchant, payment.vpc_TransactionNo, payment.vpc_MerchTxnRef),
      kind: kindOfCode(payment.vpc_TxnResponseCode, account.config),
      amount: payment.vpc_Amount,
      currency: 'VND',
      // OnePay's messages carry no time.
      paidAt: null,
      source,
      evidence: evidenceOf(fields),
    },
  }
}

/** OnePay's number under its merchant; our reference stands in where nothing happened at OnePay. */
export function transactionKey(merchant: string, transactionNo: string, merchTxnRef: string): string {
  return transactionNo === '' || transactionNo === '0' ? merchTxnRef : `${merchant}:${transactionNo}`
}

/** Notices say `vpc_CurrencyCode`, some answers `vpc_Currency`; where neither stands it is đồng. */
export function foreignCurrencyOf(fields: Fields): string | null {
  const named = [fields.vpc_CurrencyCode, fields.vpc_Currency].find((text) => (text ?? '') !== '' && text !== 'VND')
  return named ?? null
}

function evidenceOf(fields: Fields): Record<string, string> {
  const kept = evidenceNames.map((name) => [name, (fields[name] ?? '').slice(0, 255)] as const)
  return Object.fromEntries(kept.filter(([, value]) => value !== ''))
}
