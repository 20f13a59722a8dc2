/** ZaloPay's calls (rails.md §5.2): create, query, refund, query_refund. Always HTTP 200; answers carry no MAC. */
import { compactTime } from '../bank-time.ts'
import { minuteMs } from '../rail-partner.ts'
import { isSignedCall, type ZalopayCall, type ZalopayFields } from './zalopay-wire.ts'

export type ZalopayRefund = {
  readonly mRefundId: string
  readonly refundId: number
  readonly amount: bigint
  state: 'processing' | 'done'
}

export type ZalopayOrder = {
  readonly appTransId: string
  readonly appUser: string
  readonly appTime: number
  readonly amount: bigint
  readonly description: string
  readonly embedData: string
  readonly item: string
  /** From `embed_data`; null when it names none. */
  readonly returnUrl: string | null
  /** Of this order; the registered one otherwise. */
  readonly callbackUrl: string | null
  readonly expiresAt: Date
  paidAmount: bigint
  state: 'open' | 'processing' | 'paid' | 'failed'
  zpTransId: number
  at: Date
  readonly refunds: ZalopayRefund[]
}

/** What the calls need of ZaloPay. */
export type ZalopayBook = {
  readonly appId: number
  readonly key1: string
  readonly orders: ReadonlyMap<string, ZalopayOrder>
  now(): Date
  /** What `wrongAmount` adds now. */
  excess(): bigint
  orderUrl(appTransId: string): string
  keep(order: ZalopayOrder): void
  startRefund(order: ZalopayOrder, mRefundId: string, amount: bigint): ZalopayRefund
}

export type ZalopayAnswer = Readonly<Record<string, unknown>>

const done = 1
const failed = 2
const processing = 3
/** Sub codes of rails.md §5.2; those of unknown orders and refused refunds are this simulator's own. */
const sub = { ok: 1, badData: -401, badApp: -402, duplicate: -68, notFound: -101, refundRefused: -13 } as const

const longestOrderMs = 15 * minuteMs

export function answerCall(book: ZalopayBook, call: ZalopayCall, body: ZalopayFields): ZalopayAnswer {
  if (body.app_id !== book.appId || !isSignedCall(call, body, book.key1)) return refused(sub.badApp, 'invalid mac')
  return calls[call](book, body)
}

const calls: Readonly<Record<ZalopayCall, (book: ZalopayBook, body: ZalopayFields) => ZalopayAnswer>> = {
  create(book, body) {
    const { app_trans_id: appTransId, app_user: appUser, app_time: appTime, amount, description, item } = body
    const { embed_data: embedData, expire_duration_seconds: seconds = 900, callback_url: callbackUrl = null } = body
    const embedded = objectIn(embedData)
    const now = book.now()
    const isFormed =
      typeof appTransId === 'string' &&
      new RegExp(`^${compactTime(now).slice(2, 8)}_[0-9A-Za-z_.-]{1,33}$`).test(appTransId) &&
      typeof appUser === 'string' &&
      /^.{1,50}$/.test(appUser) &&
      typeof appTime === 'number' &&
      Math.abs(now.getTime() - appTime) <= longestOrderMs &&
      isAmount(amount) &&
      typeof description === 'string' &&
      description.length <= 256 &&
      typeof item === 'string' &&
      item.length <= 2048 &&
      typeof embedData === 'string' &&
      embedData.length <= 1024 &&
      embedded !== null &&
      typeof seconds === 'number' &&
      seconds >= 300 &&
      seconds <= 2_592_000 &&
      (callbackUrl === null || isAddress(callbackUrl))
    if (!isFormed) return refused(sub.badData, 'a field is missing or malformed')
    if (book.orders.has(appTransId)) return refused(sub.duplicate, 'app_trans_id was used before')
    const { redirecturl } = embedded
    book.keep({
      ...{ appTransId, appUser, appTime, description, embedData, item, callbackUrl },
      ...{ amount: BigInt(amount), paidAmount: BigInt(amount), state: 'open', zpTransId: 0, at: now, refunds: [] },
      returnUrl: isAddress(redirecturl) ? redirecturl : null,
      expiresAt: new Date(now.getTime() + seconds * 1000),
    })
    return {
      ...answer(done, sub.ok, 'success'),
      zp_trans_token: appTransId,
      order_token: appTransId,
      order_url: book.orderUrl(appTransId),
    }
  },
  query(book, body) {
    const order = book.orders.get(String(body.app_trans_id))
    if (order === undefined) return refused(sub.notFound, 'order not found')
    const { state, zpTransId, at } = order
    const common = { is_processing: state === 'processing', zp_trans_id: zpTransId, server_time: at.getTime() }
    const money = { amount: Number(order.paidAmount + book.excess()), discount_amount: 0 }
    switch (state) {
      case 'paid':
        return { ...answer(done, sub.ok, 'success'), ...common, ...money }
      case 'failed':
        return { ...answer(failed, failed, 'failed'), ...common, amount: 0 }
      default:
        return { ...answer(processing, processing, 'processing'), ...common, amount: 0 }
    }
  },
  refund(book, body) {
    const { m_refund_id: mRefundId, zp_trans_id: zpTransId, amount, description, timestamp } = body
    const isFormed =
      typeof mRefundId === 'string' &&
      new RegExp(`^\\d{6}_${book.appId}_[0-9A-Za-z]{1,30}$`).test(mRefundId) &&
      isAmount(amount) &&
      typeof description === 'string' &&
      description.length <= 256 &&
      typeof timestamp === 'number' &&
      Math.abs(book.now().getTime() - timestamp) <= longestOrderMs
    if (!isFormed) return refused(sub.badData, 'a field is missing or malformed')
    if (refundOf(book, mRefundId) !== null) return refused(sub.duplicate, 'm_refund_id was used before')
    const order = [...book.orders.values()].find(
      (paid) => paid.zpTransId !== 0 && String(paid.zpTransId) === String(zpTransId),
    )
    const returned = (order?.refunds ?? []).reduce((sum, made) => sum + made.amount, 0n)
    if (order?.state !== 'paid' || returned + BigInt(amount) > order.paidAmount)
      return refused(sub.refundRefused, 'refund amount is invalid')
    const made = book.startRefund(order, mRefundId, BigInt(amount))
    return { ...answer(processing, processing, 'processing'), refund_id: made.refundId }
  },
  query_refund(book, body) {
    const made = refundOf(book, String(body.m_refund_id))
    if (made === null) return refused(sub.refundRefused, 'refund not found')
    return made.state === 'done' ? answer(done, sub.ok, 'success') : answer(processing, processing, 'processing')
  },
}

/** `data` of a callback: JSON text, which is signed as it stands. */
export function callbackData(book: ZalopayBook, order: ZalopayOrder): Record<string, string | number> {
  return {
    ...{ app_id: book.appId, app_trans_id: order.appTransId, app_time: order.appTime, app_user: order.appUser },
    amount: Number(order.paidAmount + book.excess()),
    ...{ embed_data: order.embedData, item: order.item, zp_trans_id: order.zpTransId },
    ...{ server_time: order.at.getTime(), channel: 38, merchant_user_id: '', user_fee_amount: 0, discount_amount: 0 },
  }
}

function refundOf(book: ZalopayBook, mRefundId: string): ZalopayRefund | null {
  for (const { refunds } of book.orders.values()) {
    const made = refunds.find((refund) => refund.mRefundId === mRefundId)
    if (made !== undefined) return made
  }
  return null
}

function answer(returnCode: number, subCode: number, message: string): ZalopayAnswer {
  return {
    return_code: returnCode,
    return_message: message,
    sub_return_code: subCode,
    sub_return_message: message,
  }
}

function refused(subCode: number, message: string): ZalopayAnswer {
  return answer(failed, subCode, message)
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0
}

function isAddress(value: unknown): value is string {
  return typeof value === 'string' && /^https?:\/\/\S{3,2000}$/.test(value)
}

function objectIn(text: unknown): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(String(text))
    return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : null
  } catch {
    // Not JSON: the caller refuses the order.
    return null
  }
}
