/** NAPAS's `paymentResult` (rails.md §4.1): what a notice or an answer says about one transaction of one order. */
import { z } from 'zod'
import type { OutcomeKind } from '../../src/domain/outcome.ts'
import { merchantOf, type NapasConfig } from './account.ts'

/** Whole đồng, as a JSON integer or as text; NAPAS does not multiply. A fraction of zeros is tolerated, any other is not. */
const amountField = z
  .union([z.int().positive().transform(String), z.string()])
  .pipe(z.string().regex(/^[1-9]\d{0,14}(?:\.0{1,2})?$/))
  .transform((text) => BigInt(text.replace(/\..*$/, '')))

const idField = z
  .union([z.int().nonnegative().transform(String), z.string()])
  .pipe(z.string().regex(/^[\x21-\x7e]{1,60}$/))
const wordField = z.string().max(60)
const wordOrNumber = z.union([z.string().max(60), z.int().transform(String)])

const resultSchema = z.looseObject({
  apiOperation: wordField.nullish(),
  merchantId: wordField,
  result: wordField,
  order: z.looseObject({ id: idField, amount: amountField, currency: wordField }),
  response: z
    .looseObject({
      gatewayCode: wordField.nullish(),
      message: z.string().nullish(),
      acquirerCode: wordOrNumber.nullish(),
    })
    .nullish(),
  transaction: z
    .looseObject({
      id: idField.nullish(),
      type: wordField.nullish(),
      amount: amountField.nullish(),
      currency: wordField.nullish(),
      receipt: wordOrNumber.nullish(),
      authorizationCode: wordOrNumber.nullish(),
      acquirer: z.looseObject({ id: wordOrNumber.nullish(), date: wordOrNumber.nullish() }).nullish(),
    })
    .nullish(),
  sourceOfFunds: z
    .looseObject({
      provided: z
        .looseObject({
          card: z.looseObject({ brand: wordField.nullish(), number: wordField.nullish() }).nullish(),
        })
        .nullish(),
    })
    .nullish(),
})

export type PaymentResult = z.infer<typeof resultSchema>

export type ResultReading =
  | { readonly ok: true; readonly result: PaymentResult }
  | { readonly ok: false; readonly reason: 'malformed' | 'wrong-account' | 'wrong-currency'; readonly detail: string }

/** The result in an opened content, which holds it under its name or is it itself. Our merchant → currency → fields. */
export function readResult(content: Readonly<Record<string, unknown>>, config: NapasConfig): ResultReading {
  const value = content.paymentResult ?? content
  const owner = z.looseObject({ merchantId: z.unknown().optional() }).safeParse(value)
  if (!owner.success) return { ok: false, reason: 'malformed', detail: 'no paymentResult' }
  if (owner.data.merchantId !== merchantOf(config)) {
    return { ok: false, reason: 'wrong-account', detail: 'another merchant' }
  }
  const parsed = resultSchema.safeParse(value)
  if (!parsed.success) return { ok: false, reason: 'malformed', detail: z.prettifyError(parsed.error) }
  const { order, transaction } = parsed.data
  const foreign = [order.currency, transaction?.currency ?? 'VND'].find((currency) => currency !== 'VND')
  if (foreign !== undefined) return { ok: false, reason: 'wrong-currency', detail: foreign.slice(0, 10) }
  return { ok: true, result: parsed.data }
}

/** NAPAS's key of a transaction (rails.md §4.1); the order's id stands in where it names none. */
export function transactionKey({ order, transaction }: PaymentResult): string {
  return transaction?.id === undefined || transaction.id === null ? order.id : `${order.id}:${transaction.id}`
}

/** The transaction's id in a key made by `transactionKey`; null when it has none. */
export function transactionIdOf(key: string, orderId: string): string | null {
  return key.startsWith(`${orderId}:`) ? key.slice(orderId.length + 1) : null
}

/** True for a transaction that gives money back, or takes an authorisation back. */
export function isReturn({ apiOperation, transaction }: PaymentResult): boolean {
  return [apiOperation, transaction?.type].some((word) => /REFUND|VOID|REVERS|CANCEL/i.test(word ?? ''))
}

const paying = new Set(['PAY', 'PURCHASE', 'PURCHASE_OTP', 'PAY_WITH_3DS'])
const takingTypes = new Set(['PAYMENT', 'PURCHASE', 'CAPTURE'])

/**
 * Paid only when the result, the gateway's code and the kind of transaction all say so. A success that does not (an
 * authorisation, a verification, a code nobody listed) and an `ERROR` are pending: inquiry decides.
 */
export function kindOfResult(result: PaymentResult, config: NapasConfig): OutcomeKind {
  const code = result.response?.gatewayCode ?? ''
  if (result.result === 'FAILURE') return config.pendingCodes.includes(code) ? 'pending' : 'failed'
  if (result.result !== 'SUCCESS') return 'pending'
  const { apiOperation, transaction } = result
  const takesMoney =
    (apiOperation == null || apiOperation === config.payOperation || paying.has(apiOperation)) &&
    (transaction?.type == null || takingTypes.has(transaction.type) || transaction.type === config.payOperation)
  // A part of the order is not the order.
  const wholeOrder = transaction?.amount == null || transaction.amount === result.order.amount
  return config.approvedCodes.includes(code) && takesMoney && wholeOrder ? 'succeeded' : 'pending'
}

/** Flat, short, and with the card's number masked whatever NAPAS sent. Tokens are left out. */
export function evidenceOf(result: PaymentResult): Record<string, string> {
  const { order, transaction, response } = result
  const card = result.sourceOfFunds?.provided?.card
  const said: [string, string | null | undefined][] = [
    ['result', result.result],
    ['apiOperation', result.apiOperation],
    ['order.id', order.id],
    ['order.amount', order.amount.toString()],
    ['order.currency', order.currency],
    ['response.gatewayCode', response?.gatewayCode],
    ['response.acquirerCode', response?.acquirerCode],
    ['response.message', response?.message],
    ['transaction.id', transaction?.id],
    ['transaction.type', transaction?.type],
    ['transaction.amount', transaction?.amount?.toString()],
    ['transaction.receipt', transaction?.receipt],
    ['transaction.authorizationCode', transaction?.authorizationCode],
    ['transaction.acquirer.id', transaction?.acquirer?.id],
    ['transaction.acquirer.date', transaction?.acquirer?.date],
    ['card.brand', card?.brand],
    ['card.number', maskedCard(card?.number)],
  ]
  const kept: [string, string][] = []
  for (const [name, value] of said) if (value != null && value !== '') kept.push([name, value.slice(0, 255)])
  return Object.fromEntries(kept)
}

/** First six and last four digits. */
function maskedCard(number: string | null | undefined): string | null {
  if (number == null) return null
  const text = number.replace(/[^0-9A-Za-z*]/g, '')
  return text.length < 12
    ? '*'.repeat(text.length)
    : `${text.slice(0, 6)}${'*'.repeat(text.length - 10)}${text.slice(-4)}`
}
