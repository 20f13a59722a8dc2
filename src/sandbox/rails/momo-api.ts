/** MoMo's calls (rails.md §5.1): create, query, refund. Answers carry no signature; refusals come as HTTP 4xx of the same shape. */
import { keep } from '../context.ts'
import { isSigned, type MomoFields, type MomoMessage, type MomoSecrets, messages } from './momo-wire.ts'

export type MomoRefund = {
  readonly orderId: string
  readonly amount: bigint
  readonly transId: number
  readonly at: Date
}

export type MomoOrder = {
  readonly orderId: string
  readonly requestId: string
  readonly amount: bigint
  readonly orderInfo: string
  readonly extraData: string
  readonly redirectUrl: string
  readonly ipnUrl: string
  paidAmount: bigint
  /** `resultCode`: 1000 while the payer has done nothing. */
  resultCode: number
  transId: number
  at: Date
  readonly refunds: MomoRefund[]
}

/** What the calls need of MoMo. */
export type MomoBook = {
  readonly partnerCode: string
  readonly secrets: MomoSecrets
  readonly orders: ReadonlyMap<string, MomoOrder>
  now(): Date
  /** What `wrongAmount` adds now. */
  excess(): bigint
  payUrl(orderId: string): string
  keep(order: MomoOrder): void
  nextTransId(): number
  /** Answers by request id: a final one is given again, byte for byte. */
  readonly answered: Map<string, { readonly body: string; readonly answer: MomoAnswer }>
}

export type MomoAnswer = { readonly status: number; readonly body: Readonly<Record<string, unknown>> }

export const waiting = 1000

const idPattern = /^[0-9a-zA-Z](?:[-_.]*[0-9a-zA-Z])*$/
const mostAmount = 50_000_000

export function answerCall(
  book: MomoBook,
  message: Exclude<MomoMessage, 'notice'>,
  body: Readonly<Record<string, unknown>>,
): MomoAnswer {
  const { partnerCode, requestId, orderId } = body
  const echo = { partnerCode, requestId, orderId, responseTime: book.now().getTime() }
  const refused = (resultCode: number): MomoAnswer => ({
    status: 400,
    body: { ...echo, resultCode, message: messages[resultCode] },
  })
  if (partnerCode !== book.partnerCode || !isSigned(message, body, book.secrets)) return refused(13)
  if (typeof requestId !== 'string' || !/^\S{1,50}$/.test(requestId)) return refused(20)
  if (typeof orderId !== 'string' || orderId.length > 200 || !idPattern.test(orderId)) return refused(20)
  const text = JSON.stringify(body)
  const earlier = book.answered.get(requestId)
  if (earlier !== undefined) return earlier.body === text ? earlier.answer : refused(40)
  const given = calls[message](book, body, orderId)
  const answer: MomoAnswer =
    typeof given === 'number'
      ? refused(given)
      : { status: 200, body: { ...echo, resultCode: 0, message: messages[0], ...given } }
  if (message !== 'query') keep(book.answered, requestId, { body: text, answer })
  return answer
}

/** The answer's own fields, or the code of a refusal. */
const calls: Readonly<
  Record<
    Exclude<MomoMessage, 'notice'>,
    (book: MomoBook, body: Readonly<Record<string, unknown>>, orderId: string) => Record<string, unknown> | number
  >
> = {
  create(book, body, orderId) {
    const { amount, orderInfo, extraData, redirectUrl, ipnUrl, requestId, requestType, lang } = body
    const isFormed =
      requestType === 'captureWallet' &&
      typeof orderInfo === 'string' &&
      orderInfo.length <= 255 &&
      typeof extraData === 'string' &&
      isAddress(redirectUrl) &&
      isAddress(ipnUrl) &&
      (lang === 'vi' || lang === 'en')
    if (!isFormed) return 20
    if (!isAmount(amount)) return 21
    if (book.orders.has(orderId)) return 41
    book.keep({
      ...{ orderId, requestId: String(requestId), orderInfo, extraData, redirectUrl, ipnUrl },
      ...{ amount: BigInt(amount), paidAmount: BigInt(amount), resultCode: waiting, transId: 0, at: book.now() },
      refunds: [],
    })
    const payUrl = book.payUrl(orderId)
    return { amount, payUrl, deeplink: `momo://app?${new URL(payUrl).search}`, qrCodeUrl: payUrl }
  },
  query(book, _body, orderId) {
    const order = book.orders.get(orderId)
    if (order === undefined) return 42
    const { resultCode, refunds } = order
    return {
      ...{ extraData: order.extraData, transId: order.transId, payType: 'qr', resultCode },
      amount: Number(order.paidAmount + book.excess()),
      message: messages[resultCode],
      refundTrans: refunds.map((made) => ({
        ...{ orderId: made.orderId, amount: Number(made.amount + book.excess()), resultCode: 0 },
        ...{ transId: made.transId, createdTime: made.at.getTime() },
      })),
    }
  },
  refund(book, body, orderId) {
    const { amount, transId, description } = body
    if (typeof description !== 'string') return 20
    if (!isAmount(amount)) return 21
    const orders = [...book.orders.values()]
    if (book.orders.has(orderId) || orders.some(({ refunds }) => refunds.some((made) => made.orderId === orderId)))
      return 41
    const order = orders.find((paid) => paid.transId !== 0 && String(paid.transId) === String(transId))
    if (order === undefined) return 42
    const returned = order.refunds.reduce((sum, made) => sum + made.amount, 0n)
    if (order.resultCode !== 0 || returned + BigInt(amount) > order.paidAmount) return 1088
    const made: MomoRefund = { orderId, amount: BigInt(amount), transId: book.nextTransId(), at: book.now() }
    order.refunds.push(made)
    return { amount: Number(made.amount + book.excess()), transId: made.transId }
  },
}

/** What a notice and the browser's way back tell of an order now, unsigned. */
export function noticeFields(book: MomoBook, order: MomoOrder): MomoFields & { amount: number } {
  return {
    ...{ partnerCode: book.partnerCode, orderId: order.orderId, requestId: order.requestId },
    amount: Number(order.paidAmount + book.excess()),
    ...{ orderInfo: order.orderInfo, orderType: 'momo_wallet', transId: order.transId, resultCode: order.resultCode },
    ...{ message: messages[order.resultCode] ?? '', payType: 'qr', responseTime: order.at.getTime() },
    extraData: order.extraData,
  }
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1_000 && value <= mostAmount
}

function isAddress(value: unknown): value is string {
  return typeof value === 'string' && /^https?:\/\/\S{3,2000}$/.test(value)
}
