/** MoMo's side of `captureWallet`, API v2 (rails.md §5.1): create, pay page, notice, way back, query, refund. */
import { wrongBy } from '../behaviour.ts'
import { keep, type SandboxContext } from '../context.ts'
import { spoilHex } from '../mac.ts'
import type { Callback, CallbackAnswer, Judgement } from '../notifier.ts'
import { dong, facts, html, money } from '../page.ts'
import { formOf, jsonOf, registerConsole, sendPage } from '../partner.ts'
import {
  makeRailParts,
  type Paid,
  type RailPartner,
  type Sending,
  unpublishedRetriesMs,
  usualLateMs,
} from '../rail-partner.ts'
import { orRefusal, Refused } from '../refused.ts'
import { isWayOf, wayForm } from '../ways.ts'
import { answerCall, type MomoBook, type MomoOrder, noticeFields, waiting } from './momo-api.ts'
import { type MomoFields, type MomoSecrets, messages, signatureOf } from './momo-wire.ts'

export type { MomoOrder } from './momo-api.ts'

/** Way → its button, and MoMo's `resultCode`. */
const ways = {
  success: ['Thanh toán', 'Pay', '0'],
  fail: ['Không đủ số dư', 'Balance too low', '1001'],
  cancel: ['Khách từ chối', 'Payer refuses', '1006'],
  late: ['Thành công, báo muộn', 'Paid, notice late', '0'],
  duplicate: ['Thành công, báo trùng', 'Paid, notice twice', '0'],
  'wrong-amount': ['Ghi nhận sai số tiền', 'Paid another amount', '0'],
  tampered: ['Thông báo bị sửa', 'Forged notice', '0'],
  'pending-then-success': ['Chờ xử lý rồi thành công', 'Pending, then paid', '7002'],
} as const
export type MomoWay = keyof typeof ways

export type MomoAccountConfig = MomoSecrets & { readonly partnerCode: string; readonly baseUrl: string }
export type MomoOptions = MomoSecrets & {
  readonly port?: number
  readonly partnerCode: string
  readonly retryDelaysMs?: readonly number[]
  readonly lateMs?: number
}

export type Momo = RailPartner<MomoAccountConfig> & {
  readonly transactions: ReadonlyMap<string, MomoOrder>
  /** What a payer with `payUrl` in the browser or the app does. Throws `Refused` when the page would show an error. */
  pay(payUrl: string, way: MomoWay): Promise<Paid<MomoOrder>>
  sendCallback(orderId: string, sending?: Sending): Promise<Callback>
}

/** MoMo waits this long for an answer to its notice. */
const noticeMs = 15_000
const title = ['Ví MoMo (giả lập)', 'MoMo wallet (simulated)'] as const
const refusalTitle = ['MoMo không mở được đơn này', 'MoMo cannot open this order'] as const

export async function startMomo(context: SandboxContext, options: MomoOptions): Promise<Momo> {
  const { partnerCode, accessKey, secretKey, lateMs = usualLateMs, retryDelaysMs = unpublishedRetriesMs } = options
  const parts = makeRailParts(context)
  const { behaviour, notifier, server } = parts
  const orders = new Map<string, MomoOrder>()
  const secrets = { accessKey, secretKey }
  const book: MomoBook = {
    ...{ partnerCode, secrets, orders, answered: new Map() },
    now: parts.now,
    excess: () => (behaviour.current.wrongAmount ? wrongBy : 0n),
    payUrl: (orderId) => `${baseUrl}/v2/gateway/pay?t=${encodeURIComponent(orderId)}`,
    keep: (order) => keep(orders, order.orderId, order),
    nextTransId: () => Number(parts.nextNumber()),
  }

  function told(order: MomoOrder, { tampered, amount }: Sending): MomoFields {
    const fields = noticeFields(book, order)
    // A forger claims a success of a transaction nobody made.
    const claimed = tampered === true ? { resultCode: 0, message: messages[0] ?? '', transId: book.nextTransId() } : {}
    const signed = { ...fields, ...claimed, ...(amount === undefined ? {} : { amount: Number(amount) }) }
    const signature = signatureOf('notice', signed, secrets)
    return {
      ...signed,
      ...(tampered === true ? { amount: signed.amount + 1 } : {}),
      signature: behaviour.current.badSignature ? spoilHex(signature) : signature,
    }
  }

  async function notify(order: MomoOrder, label: string, sending: Sending): Promise<Callback> {
    const fields = told(order, sending)
    const isForged = sending.tampered === true || behaviour.current.badSignature
    const isOther = fields.amount !== Number(order.amount)
    return await notifier.send({
      about: order.orderId,
      label,
      // The order itself names where its notice goes; nothing is registered.
      request: () => ({
        method: 'POST',
        url: order.ipnUrl,
        headers: { 'content-type': 'application/json; charset=UTF-8' },
        body: JSON.stringify(fields),
      }),
      judge: (answer) => judge(answer, isForged ? 'refused' : isOther ? 'either' : 'taken'),
      retryDelaysMs: sending.tampered === true ? [] : retryDelaysMs,
      timeoutMs: noticeMs,
      copies: sending.duplicate === true ? 2 : 1,
    })
  }

  function finish(order: MomoOrder, resultCode: number): void {
    order.resultCode = resultCode
    order.at = parts.now()
    if (order.transId === 0) order.transId = book.nextTransId()
  }

  async function act(order: MomoOrder, way: MomoWay): Promise<Callback[]> {
    if (order.resultCode !== waiting) throw new Refused(String(order.resultCode), 'the order is already final')
    // Nothing happens at MoMo: somebody else writes the notice.
    if (way === 'tampered') return [await notify(order, way, { tampered: true })]
    if (way === 'wrong-amount') order.paidAmount += wrongBy
    finish(order, Number(ways[way][2]))
    if (way === 'late') {
      context.timers.after(lateMs, () => void notify(order, way, {}))
      return []
    }
    const first = await notify(order, way, { duplicate: way === 'duplicate' })
    if (way !== 'pending-then-success') return [first]
    finish(order, 0)
    return [first, await notify(order, 'success after pending', {})]
  }

  function opened(orderId: string): MomoOrder {
    const order = orders.get(orderId)
    if (order === undefined) throw new Refused('42', messages[42] ?? '')
    return order
  }

  async function payAs(orderId: string, way: MomoWay): Promise<Paid<MomoOrder>> {
    const order = opened(orderId)
    const sent = await act(order, way)
    const query = new URLSearchParams(
      Object.entries(told(order, { tampered: way === 'tampered' })).map(([name, value]) => [name, String(value)]),
    )
    return {
      transaction: order,
      callbackAcks: sent.flatMap(({ acknowledgements }) => acknowledgements),
      returnUrl: `${order.redirectUrl}${order.redirectUrl.includes('?') ? '&' : '?'}${query}`,
    }
  }

  for (const message of ['create', 'query', 'refund'] as const)
    server.post(`/v2/gateway/api/${message}`, (request, reply) => {
      const { status, body } = answerCall(book, message, jsonOf(request) ?? {})
      return reply.code(status).send(body)
    })
  server.get<{ Querystring: { t?: string } }>('/v2/gateway/pay', (request, reply) =>
    orRefusal(reply, refusalTitle, () => {
      const { orderId, amount, orderInfo } = opened(request.query.t ?? '')
      return sendPage(
        reply,
        ...title,
        html`${facts([
          ['Mã đơn', 'Order', orderId],
          ['Số tiền', 'Amount', money(amount)],
          ['Nội dung', 'For', orderInfo],
        ])}${wayForm('/v2/gateway/pay', { orderId }, ways)}`,
      )
    }),
  )
  server.post('/v2/gateway/pay', (request, reply) =>
    orRefusal(reply, refusalTitle, async () => {
      const form = formOf(request)
      const way = form.get('way') ?? ''
      if (!isWayOf(ways, way)) throw new Refused('20', 'no such choice')
      return reply.redirect((await payAs(form.get('orderId') ?? '', way)).returnUrl, 303)
    }),
  )
  registerConsole(server, {
    ...{ titleVi: 'MoMo (giả lập)', titleEn: 'MoMo (simulated)', behaviour, notifier },
    config: () => momo.accountConfig(),
    transactions: () =>
      [...orders.values()].map(({ orderId, amount, resultCode, transId, refunds }) => ({
        ...{ orderId, amount: dong(amount), resultCode: String(resultCode), transId: String(transId) },
        refunds: refunds.map((made) => dong(made.amount)).join(', '),
      })),
  })
  const baseUrl = await parts.listen(options.port)

  const momo: Momo = {
    ...{ baseUrl, callbackUrl: null, behaviour, notifier, callbacks: notifier.callbacks, transactions: orders },
    accountConfig: () => ({ partnerCode, accessKey, secretKey, baseUrl }),
    pay: (payUrl, way) => payAs(new URL(payUrl).searchParams.get('t') ?? '', way),
    sendCallback: (orderId, sending = {}) => notify(opened(orderId), 'sent by hand', sending),
    close: parts.close,
  }
  return momo
}

/** 204 with nothing in it is "got it"; what MoMo reads in anything else is not published, so it is "not taken". */
function judge({ status, body }: CallbackAnswer, expected: 'taken' | 'refused' | 'either'): Judgement {
  const isTaken = status === 204 && body === ''
  const isRefused = status >= 400 && status < 500
  return {
    asExpected: expected === 'either' ? isTaken || isRefused : expected === 'taken' ? isTaken : isRefused,
    ends: isTaken,
    meaning: `HTTP ${status}`,
  }
}
