/** ZaloPay's side, API v2 (rails.md §5.2): create, pay page, callback, query, refund, query_refund. */
import { wrongBy } from '../behaviour.ts'
import { keep, type SandboxContext } from '../context.ts'
import { spoilHex } from '../mac.ts'
import type { Callback, CallbackAnswer, Judgement } from '../notifier.ts'
import { both, dong, facts, html, money } from '../page.ts'
import { formOf, jsonOf, registerConsole, sendPage } from '../partner.ts'
import {
  acknowledgementMs,
  makeRailParts,
  minuteMs,
  type Paid,
  type RailPartner,
  type Sending,
  usualLateMs,
  usualPendingMs,
  usualRefundMs,
} from '../rail-partner.ts'
import { orRefusal, Refused } from '../refused.ts'
import { isWayOf, wayForm } from '../ways.ts'
import { answerCall, callbackData, type ZalopayBook, type ZalopayOrder } from './zalopay-api.ts'
import { macOf, zalopayCalls } from './zalopay-wire.ts'

export type { ZalopayOrder } from './zalopay-api.ts'

const ways = {
  success: ['Thanh toán', 'Pay'],
  fail: ['Thanh toán thất bại', 'Payment fails'],
  late: ['Thành công, báo muộn', 'Paid, callback late'],
  duplicate: ['Thành công, báo trùng', 'Paid, callback twice'],
  'wrong-amount': ['Ghi nhận sai số tiền', 'Paid another amount'],
  tampered: ['Lời gọi lại bị sửa', 'Forged callback'],
  'pending-then-success': ['Đang xử lý rồi thành công', 'In process, then paid'],
} as const
export type ZalopayWay = keyof typeof ways

export type ZalopayAccountConfig = {
  readonly appId: number
  readonly key1: string
  readonly key2: string
  readonly baseUrl: string
}
export type ZalopayOptions = {
  readonly port?: number
  readonly appId: number
  readonly key1: string
  readonly key2: string
  readonly retryDelaysMs?: readonly number[]
  readonly lateMs?: number
  /** How long `pending-then-success` stays in process. */
  readonly pendingMs?: number
  /** From accepting a refund to its end. */
  readonly refundMs?: number
}

export type Zalopay = RailPartner<ZalopayAccountConfig> & {
  readonly transactions: ReadonlyMap<string, ZalopayOrder>
  /** What a payer with `order_url` in the browser or the app does. Throws `Refused` when the page would show an error. */
  pay(orderUrl: string, way: ZalopayWay): Promise<Paid<ZalopayOrder>>
  sendCallback(appTransId: string, sending?: Sending): Promise<Callback>
}

/** ZaloPay calls again three times at most; its waits are not published. */
const usualRetriesMs = [1, 5, 15].map((minutes) => minutes * minuteMs)
const title = ['ZaloPay (giả lập)', 'ZaloPay (simulated)'] as const
const refusalTitle = ['ZaloPay không mở được đơn này', 'ZaloPay cannot open this order'] as const

export async function startZalopay(context: SandboxContext, options: ZalopayOptions): Promise<Zalopay> {
  const { appId, key1, key2 } = options
  const { lateMs = usualLateMs, pendingMs = usualPendingMs } = options
  const { refundMs = usualRefundMs, retryDelaysMs = usualRetriesMs } = options
  const parts = makeRailParts(context)
  const { behaviour, notifier, server } = parts
  const orders = new Map<string, ZalopayOrder>()
  const book: ZalopayBook = {
    ...{ appId, key1, orders },
    now: parts.now,
    excess: () => (behaviour.current.wrongAmount ? wrongBy : 0n),
    orderUrl: (appTransId) => `${baseUrl}/openinapp?order=${encodeURIComponent(appTransId)}`,
    keep: (order) => keep(orders, order.appTransId, order),
    startRefund(order, mRefundId, amount) {
      const made = { mRefundId, refundId: Number(parts.nextNumber()), amount, state: 'processing' as const }
      const refund: ZalopayOrder['refunds'][number] = made
      order.refunds.push(refund)
      context.timers.after(refundMs, () => {
        refund.state = 'done'
      })
      return refund
    },
  }

  /** Only a success is told of. */
  async function notify(order: ZalopayOrder, label: string, sending: Sending): Promise<Callback> {
    const { tampered = false, amount } = sending
    const claimed = tampered ? { zp_trans_id: Number(parts.nextNumber()) } : {}
    const fields = {
      ...callbackData(book, order),
      ...claimed,
      ...(amount === undefined ? {} : { amount: Number(amount) }),
    }
    const signed = JSON.stringify(fields)
    const mac = macOf(signed, key2)
    const data = tampered ? JSON.stringify({ ...fields, amount: Number(fields.amount) + 1 }) : signed
    const { badSignature } = behaviour.current
    const body = JSON.stringify({ data, mac: badSignature ? spoilHex(mac) : mac, type: 1 })
    const isOther = fields.amount !== Number(order.amount)
    return await notifier.send({
      about: order.appTransId,
      label,
      request: () => {
        const url = order.callbackUrl ?? zalopay.callbackUrl
        return url === null ? null : { method: 'POST', url, headers: { 'content-type': 'application/json' }, body }
      },
      judge: (answer) => judge(answer, tampered || badSignature ? [-1] : isOther ? [1, 2, -1] : [1, 2]),
      retryDelaysMs: tampered ? [] : retryDelaysMs,
      timeoutMs: acknowledgementMs,
      copies: sending.duplicate === true ? 2 : 1,
    })
  }

  function finish(order: ZalopayOrder, state: 'paid' | 'failed' | 'processing'): void {
    order.state = state
    order.at = parts.now()
    if (state !== 'failed' && order.zpTransId === 0) order.zpTransId = Number(parts.nextNumber())
  }

  async function act(order: ZalopayOrder, way: ZalopayWay): Promise<Callback[]> {
    if (order.state !== 'open') throw new Refused('2', 'the order is already final')
    if (order.expiresAt <= parts.now()) throw new Refused('2', 'the order has expired')
    switch (way) {
      case 'tampered':
        // Nothing happens at ZaloPay: somebody else writes the callback.
        return [await notify(order, way, { tampered: true })]
      case 'fail':
        finish(order, 'failed')
        return []
      case 'late':
        finish(order, 'paid')
        context.timers.after(lateMs, () => void notify(order, way, {}))
        return []
      case 'pending-then-success':
        // Of a payment in process ZaloPay says nothing by itself.
        finish(order, 'processing')
        context.timers.after(pendingMs, () => {
          finish(order, 'paid')
          void notify(order, way, {})
        })
        return []
      case 'wrong-amount':
        order.paidAmount += wrongBy
        break
      case 'success':
      case 'duplicate':
    }
    finish(order, 'paid')
    return [await notify(order, way, { duplicate: way === 'duplicate' })]
  }

  function opened(appTransId: string): ZalopayOrder {
    const order = orders.get(appTransId)
    if (order === undefined) throw new Refused('2', 'order not found')
    return order
  }

  /** The way back carries a checksum under `key2`; its fields are from memory and mark nothing as paid. */
  async function payAs(appTransId: string, way: ZalopayWay): Promise<Paid<ZalopayOrder>> {
    const order = opened(appTransId)
    const sent = await act(order, way)
    const told = [appId, appTransId, 38, '', order.amount, 0, order.state === 'paid' ? 1 : -1].map(String)
    const names = ['appid', 'apptransid', 'pmcid', 'bankcode', 'amount', 'discountamount', 'status']
    const query = new URLSearchParams(names.map((name, index) => [name, told[index] ?? '']))
    query.set('checksum', macOf(told.join('|'), key2))
    const back = order.returnUrl ?? `${baseUrl}/done`
    return {
      transaction: order,
      callbackAcks: sent.flatMap(({ acknowledgements }) => acknowledgements),
      returnUrl: `${back}${back.includes('?') ? '&' : '?'}${query}`,
    }
  }

  for (const call of zalopayCalls)
    server.post(`/v2/${call}`, (request, reply) => reply.send(answerCall(book, call, jsonOf(request) ?? {})))
  server.get<{ Querystring: { order?: string } }>('/openinapp', (request, reply) =>
    orRefusal(reply, refusalTitle, () => {
      const { appTransId, amount, description } = opened(request.query.order ?? '')
      return sendPage(
        reply,
        ...title,
        html`${facts([
          ['Mã đơn', 'Order', appTransId],
          ['Số tiền', 'Amount', money(amount)],
          ['Nội dung', 'For', description],
        ])}${wayForm('/openinapp', { order: appTransId }, ways)}`,
      )
    }),
  )
  server.post('/openinapp', (request, reply) =>
    orRefusal(reply, refusalTitle, async () => {
      const form = formOf(request)
      const way = form.get('way') ?? ''
      if (!isWayOf(ways, way)) throw new Refused('2', 'no such choice')
      return reply.redirect((await payAs(form.get('order') ?? '', way)).returnUrl, 303)
    }),
  )
  server.get('/done', (_request, reply) =>
    sendPage(reply, ...title, html`<p>${both('Quay lại trang nộp phí.', 'Go back to the fee page.')}</p>`),
  )
  registerConsole(server, {
    ...{ titleVi: title[0], titleEn: title[1], behaviour, notifier },
    config: () => zalopay.accountConfig(),
    transactions: () =>
      [...orders.values()].map(({ appTransId, amount, state, zpTransId, refunds }) => ({
        ...{ app_trans_id: appTransId, amount: dong(amount), state, zp_trans_id: String(zpTransId) },
        refunds: refunds.map((made) => `${dong(made.amount)} (${made.state})`).join(', '),
      })),
  })
  const baseUrl = await parts.listen(options.port)

  const zalopay: Zalopay = {
    ...{ baseUrl, callbackUrl: null, behaviour, notifier, callbacks: notifier.callbacks, transactions: orders },
    accountConfig: () => ({ appId, key1, key2, baseUrl }),
    pay: (orderUrl, way) => payAs(new URL(orderUrl).searchParams.get('order') ?? '', way),
    sendCallback: (appTransId, sending = {}) => notify(opened(appTransId), 'sent by hand', sending),
    close: parts.close,
  }
  return zalopay
}

/** `0` makes ZaloPay call again; what it does not know makes it call again too. */
function judge(answer: CallbackAnswer, expected: readonly number[]): Judgement {
  let code: unknown
  try {
    code = Object(JSON.parse(answer.body)).return_code
  } catch {
    return { asExpected: false, ends: false, meaning: `HTTP ${answer.status}: no JSON` }
  }
  const isKnown = answer.status === 200 && typeof code === 'number' && [1, 2, -1, 0].includes(code)
  return {
    asExpected: isKnown && expected.includes(code as number),
    ends: isKnown && code !== 0,
    meaning: isKnown ? `return_code ${code}` : `HTTP ${answer.status}: no answer ZaloPay knows`,
  }
}
