/** NAPAS's REST calls (rails.md §4.1): token, data key, and a transaction of an order, retrieved or refunded. */
import { sameText } from '../mac.ts'
import type { ResultFacts } from './napas-wire.ts'

export type NapasRefund = {
  readonly transactionId: string
  readonly operation: string
  readonly amount: bigint
  readonly at: Date
}

export type NapasOrder = {
  readonly id: string
  readonly amount: bigint
  readonly cardScheme: string
  readonly createdAt: Date
  /** Keys of the card form; asking again for the same order gives others, and the old ones end. */
  dataKey: string
  napasKey: string
  /** From the card form. */
  reference: string
  returnUrl: string
  state: 'open' | 'pending' | 'paid' | 'failed'
  gatewayCode: string
  paidAmount: bigint
  at: Date
  readonly refunds: NapasRefund[]
}

export type NapasMerchant = {
  readonly clientId: string
  readonly clientSecret: string
  readonly username: string
  readonly password: string
}

/** What the calls need of NAPAS. */
export type NapasBook = {
  readonly merchant: NapasMerchant
  readonly orders: Map<string, NapasOrder>
  now(): Date
  /** What `wrongAmount` adds now. */
  excess(): bigint
  newKey(): string
  keep(order: NapasOrder): void
}

/** The id of an order's payment among its transactions. */
export const paymentTransactionId = '1'

export function isKnownMerchant(merchant: NapasMerchant, form: URLSearchParams): boolean {
  const wanted = [
    ['grant_type', 'password'],
    ['client_id', merchant.clientId],
    ['client_secret', merchant.clientSecret],
    ['username', merchant.username],
    ['password', merchant.password],
  ] as const
  return wanted.every(([name, value]) => sameText(form.get(name) ?? '', value))
}

export type Failure = {
  readonly result: 'ERROR'
  readonly error: { readonly cause: string; readonly explanation: string }
}

export function failure(cause: string, explanation: string): Failure {
  return { result: 'ERROR', error: { cause, explanation } }
}

type DataKey = { readonly result: 'SUCCESS'; readonly dataKey: string; readonly napasKey: string }

const schemes = ['AtmCard', 'CreditCard']

/** Opens an order, or gives new keys to the same one while nobody has paid it. */
export function answerDataKey(book: NapasBook, body: Readonly<Record<string, unknown>>): DataKey | Failure {
  const order = record(body.order)
  const input = record(body.inputParameters)
  const { id, amount, currency } = order
  const isFormed =
    body.apiOperation === 'DATA_KEY' &&
    typeof id === 'string' &&
    /^[A-Za-z0-9._-]{1,40}$/.test(id) &&
    typeof amount === 'number' &&
    Number.isSafeInteger(amount) &&
    amount > 0 &&
    currency === 'VND' &&
    typeof input.clientIP === 'string' &&
    typeof input.deviceId === 'string' &&
    (input.environment === 'WebApp' || input.environment === 'MobileApp') &&
    typeof input.cardScheme === 'string' &&
    schemes.includes(input.cardScheme) &&
    typeof input.enable3DSecure === 'string'
  if (!isFormed) return failure('INVALID_REQUEST', 'a field is missing or malformed')
  const keys = { dataKey: book.newKey(), napasKey: book.newKey() }
  const known = book.orders.get(id)
  if (known === undefined) {
    book.keep({
      ...keys,
      ...{ id, amount: BigInt(amount), cardScheme: input.cardScheme as string, createdAt: book.now() },
      ...{ reference: '', returnUrl: '', state: 'open', gatewayCode: 'SUBMITTED', paidAmount: BigInt(amount) },
      ...{ at: book.now(), refunds: [] },
    })
  } else {
    if (known.amount !== BigInt(amount) || known.state !== 'open')
      return failure('INVALID_REQUEST', 'the order was used before')
    Object.assign(known, keys)
  }
  return { result: 'SUCCESS', ...keys }
}

/** What NAPAS says of an order's payment as it stands now. */
export function paymentFacts(book: NapasBook, order: NapasOrder): ResultFacts {
  const isPaid = order.state === 'paid'
  return {
    ...orderFacts(book, order),
    operation: 'PAY',
    result: isPaid ? 'SUCCESS' : 'FAILURE',
    gatewayCode: order.gatewayCode,
    ...{ transactionId: paymentTransactionId, type: 'PAYMENT', amount: order.paidAmount + book.excess(), at: order.at },
  }
}

/** Null for a transaction nobody made. */
export function transactionFacts(book: NapasBook, order: NapasOrder, transactionId: string): ResultFacts | null {
  if (transactionId === paymentTransactionId) return paymentFacts(book, order)
  const refund = order.refunds.find((made) => made.transactionId === transactionId)
  return refund === undefined ? null : refundFacts(book, order, refund, 'SUCCESS', 'APPROVED')
}

/** The same transaction again is the same refund; a refusal is a transaction that failed. */
export function answerRefund(
  book: NapasBook,
  order: NapasOrder,
  transactionId: string,
  body: Readonly<Record<string, unknown>>,
): ResultFacts | Failure {
  const { amount, currency } = record(body.transaction)
  const operation = order.cardScheme === 'AtmCard' ? 'REFUND_DOMESTIC' : 'REFUND'
  const isFormed =
    body.apiOperation === operation &&
    typeof body.channel === 'string' &&
    typeof amount === 'number' &&
    Number.isSafeInteger(amount) &&
    amount > 0 &&
    currency === 'VND' &&
    /^[A-Za-z0-9]{1,40}$/.test(transactionId) &&
    transactionId !== paymentTransactionId
  if (!isFormed) return failure('INVALID_REQUEST', 'a field is missing or malformed')
  const asked: NapasRefund = { transactionId, operation, amount: BigInt(amount), at: book.now() }
  const known = order.refunds.find((made) => made.transactionId === transactionId)
  if (known !== undefined)
    return known.amount === asked.amount
      ? refundFacts(book, order, known, 'SUCCESS', 'APPROVED')
      : failure('INVALID_REQUEST', 'the transaction was used before')
  if (order.state !== 'paid') return refundFacts(book, order, asked, 'FAILURE', 'DECLINED')
  if (returned(order) + asked.amount > order.paidAmount)
    return refundFacts(book, order, asked, 'FAILURE', 'TRANSACTION_OUT_OF_LIMIT_BANK')
  order.refunds.push(asked)
  return refundFacts(book, order, asked, 'SUCCESS', 'APPROVED')
}

function refundFacts(
  book: NapasBook,
  order: NapasOrder,
  { transactionId, operation, amount, at }: NapasRefund,
  result: ResultFacts['result'],
  gatewayCode: string,
): ResultFacts {
  return {
    ...orderFacts(book, order),
    ...{ operation, result, gatewayCode, transactionId, type: 'REFUND', amount: amount + book.excess(), at },
  }
}

function orderFacts(book: NapasBook, order: NapasOrder) {
  return {
    merchantId: book.merchant.clientId,
    orderId: order.id,
    reference: order.reference,
    createdAt: order.createdAt,
    orderAmount: (order.state === 'paid' ? order.paidAmount : order.amount) + book.excess(),
    capturedAmount: order.state === 'paid' ? order.paidAmount + book.excess() : 0n,
    refundedAmount: returned(order),
  }
}

function returned({ refunds }: NapasOrder): bigint {
  return refunds.reduce((sum, { amount }) => sum + amount, 0n)
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {}
}
