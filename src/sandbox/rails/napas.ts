/** NAPAS's side (rails.md §4.1): token, data key, the card form, the notice, and transactions retrieved and refunded. */
import { wrongBy } from '../behaviour.ts'
import { keep, type SandboxContext } from '../context.ts'
import { sameText, spoilHex } from '../mac.ts'
import type { Acknowledgement, Callback, CallbackAnswer, Judgement } from '../notifier.ts'
import { dong } from '../page.ts'
import { formOf, jsonOf, registerConsole, sendPage } from '../partner.ts'
import {
  acknowledgementMs,
  makeRailParts,
  minuteMs,
  type RailPartner,
  type Sending,
  unpublishedRetriesMs,
  usualLateMs,
} from '../rail-partner.ts'
import { orRefusal, Refused } from '../refused.ts'
import { isWayOf } from '../ways.ts'
import {
  answerDataKey,
  answerRefund,
  failure,
  isKnownMerchant,
  type NapasBook,
  type NapasMerchant,
  type NapasOrder,
  paymentFacts,
  transactionFacts,
} from './napas-api.ts'
import { backPage, cardPage, type NapasWay, ways } from './napas-page.ts'
import { type Envelope, envelopeOf, type ResultFacts, resultOf } from './napas-wire.ts'

export type { NapasOrder } from './napas-api.ts'
export type { NapasWay } from './napas-page.ts'

export type NapasAccountConfig = NapasMerchant & {
  readonly channel: string
  readonly cardScheme: 'AtmCard'
  readonly apiUrl: string
  readonly formUrl: string
  readonly answers: 'signed' | 'plain'
}
export type NapasOptions = NapasMerchant & {
  readonly port?: number
  /** Whether answers to retrieve and refund come in an envelope. */
  readonly answers?: 'signed' | 'plain'
  readonly retryDelaysMs?: readonly number[]
  readonly lateMs?: number
}
export type NapasPaid = {
  readonly transaction: NapasOrder
  readonly callbackAcks: readonly Acknowledgement[]
  readonly returnUrl: string
  /** `napasResult`, which the browser posts to `returnUrl`. */
  readonly result: Envelope
}

export type Napas = RailPartner<NapasAccountConfig> & {
  readonly transactions: ReadonlyMap<string, NapasOrder>
  /** What a payer with the card form in the browser does; `fields` are the form's. Throws `Refused` where it would show an error. */
  pay(fields: Readonly<Record<string, string>>, way: NapasWay): Promise<NapasPaid>
  sendCallback(orderId: string, sending?: Sending): Promise<Callback>
}

const tokenMs = 5 * minuteMs
const title = ['Nhập thẻ tại NAPAS (giả lập)', 'NAPAS card form (simulated)'] as const
const refusalTitle = ['NAPAS từ chối đơn này', 'NAPAS refuses this order'] as const

export async function startNapas(context: SandboxContext, options: NapasOptions): Promise<Napas> {
  const { clientId, clientSecret, username, password, answers = 'signed' } = options
  const { lateMs = usualLateMs, retryDelaysMs = unpublishedRetriesMs } = options
  const parts = makeRailParts(context)
  const { behaviour, notifier, server } = parts
  const orders = new Map<string, NapasOrder>()
  const tokens = new Map<string, number>()
  const newKey = (): string => Buffer.from(context.random(32)).toString('base64url')
  const book: NapasBook = {
    merchant: { clientId, clientSecret, username, password },
    orders,
    now: parts.now,
    excess: () => (behaviour.current.wrongAmount ? wrongBy : 0n),
    newKey,
    keep: (order) => keep(orders, order.id, order),
  }

  function signed(facts: ResultFacts, tampered = false): Envelope {
    const { data, checksum } = envelopeOf(resultOf(facts), clientSecret)
    const altered = { ...facts, orderAmount: facts.orderAmount + 1n, amount: facts.amount + 1n }
    return {
      data: tampered ? envelopeOf(resultOf(altered), clientSecret).data : data,
      checksum: behaviour.current.badSignature ? spoilHex(checksum) : checksum,
    }
  }

  /** What a notice tells; a forger claims a success. */
  function toldFacts(order: NapasOrder, { tampered, amount }: Sending): ResultFacts {
    const facts = paymentFacts(book, order)
    return {
      ...facts,
      ...(tampered === true ? { result: 'SUCCESS', gatewayCode: 'APPROVED' } : {}),
      ...(amount === undefined ? {} : { amount, orderAmount: amount }),
    }
  }

  async function notify(order: NapasOrder, label: string, sending: Sending): Promise<Callback> {
    const facts = toldFacts(order, sending)
    const body = JSON.stringify(signed(facts, sending.tampered))
    const isForged = sending.tampered === true || behaviour.current.badSignature
    const isOther = facts.result === 'SUCCESS' && facts.orderAmount !== order.amount
    return await notifier.send({
      about: order.id,
      label,
      request: () =>
        napas.callbackUrl === null
          ? null
          : { method: 'POST', url: napas.callbackUrl, headers: { 'content-type': 'application/json' }, body },
      judge: (answer) => judge(answer, isForged ? 'refused' : isOther ? 'either' : 'taken'),
      retryDelaysMs: sending.tampered === true ? [] : retryDelaysMs,
      timeoutMs: acknowledgementMs,
      copies: sending.duplicate === true ? 2 : 1,
    })
  }

  function finish(order: NapasOrder, gatewayCode: string): void {
    order.gatewayCode = gatewayCode
    order.state = gatewayCode === 'APPROVED' ? 'paid' : gatewayCode === 'PENDING' ? 'pending' : 'failed'
    order.at = parts.now()
  }

  async function act(order: NapasOrder, way: NapasWay): Promise<Callback[]> {
    if (order.state !== 'open') throw new Refused('INVALID_REQUEST', 'the order is already final')
    // Nothing happens at NAPAS: somebody else writes the notice.
    if (way === 'tampered') return [await notify(order, way, { tampered: true })]
    if (way === 'wrong-amount') order.paidAmount += wrongBy
    finish(order, ways[way][2])
    if (way === 'late') {
      context.timers.after(lateMs, () => void notify(order, way, {}))
      return []
    }
    const first = await notify(order, way, { duplicate: way === 'duplicate' })
    if (way !== 'pending-then-success') return [first]
    finish(order, 'APPROVED')
    return [first, await notify(order, 'success after pending', {})]
  }

  /** The order whose card form this is: keys, merchant, amount and reference must be those of the data key call. */
  function opened(fields: Readonly<Record<string, string>>): NapasOrder {
    const order = orders.get(fields.orderId ?? '')
    const isOurs =
      order !== undefined &&
      fields.merchantId === clientId &&
      sameText(fields.dataKey ?? '', order.dataKey) &&
      sameText(fields.napasKey ?? '', order.napasKey) &&
      fields.orderAmount === order.amount.toString() &&
      fields.orderCurrency === 'VND' &&
      fields.cardScheme === order.cardScheme &&
      fields.sourceOfFundsType === 'CARD' &&
      fields.apiOperation === 'PAY' &&
      (fields.channel ?? '') !== '' &&
      /^https?:\/\/.{3,500}$/.test(fields.returnUrl ?? '')
    if (!isOurs) throw new Refused('INVALID_REQUEST', 'the form is not that of an order')
    order.reference = fields.orderReference ?? ''
    order.returnUrl = fields.returnUrl ?? ''
    return order
  }

  async function payAs(order: NapasOrder, way: NapasWay): Promise<NapasPaid> {
    const sent = await act(order, way)
    const tampered = way === 'tampered'
    return {
      transaction: order,
      callbackAcks: sent.flatMap(({ acknowledgements }) => acknowledgements),
      returnUrl: order.returnUrl,
      result: signed(toldFacts(order, { tampered }), tampered),
    }
  }

  server.post('/api/oauth/token', (request, reply) => {
    if (!isKnownMerchant(book.merchant, formOf(request))) return reply.code(401).send({ error: 'invalid_client' })
    const token = newKey()
    keep(tokens, token, parts.now().getTime() + tokenMs)
    return reply.send({ access_token: token, token_type: 'bearer', expires_in: tokenMs / 1000 })
  })
  server.register(
    (api, _options, done) => {
      api.addHook('preHandler', async (request, reply) => {
        const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
        if ((tokens.get(token) ?? 0) < parts.now().getTime()) await reply.code(401).send({ error: 'invalid_token' })
      })
      api.post<{ Params: { merchant: string } }>('/merchant/:merchant/datakey', (request, reply) => {
        const isOurs = request.params.merchant === clientId
        const answer = isOurs ? answerDataKey(book, jsonOf(request) ?? {}) : failure('INVALID_REQUEST', 'merchant')
        return reply.code(answer.result === 'SUCCESS' ? 200 : 400).send(answer)
      })
      api.route<{ Params: { merchant: string; order: string; transaction: string } }>({
        method: ['GET', 'PUT'],
        url: '/merchant/:merchant/order/:order/transaction/:transaction',
        handler: (request, reply) => {
          const { merchant, order: orderId, transaction } = request.params
          const order = merchant === clientId ? orders.get(orderId) : undefined
          if (order === undefined) return reply.code(404).send(failure('INVALID_REQUEST', 'no such order'))
          const facts =
            request.method === 'GET'
              ? (transactionFacts(book, order, transaction) ?? failure('INVALID_REQUEST', 'no such transaction'))
              : answerRefund(book, order, transaction, jsonOf(request) ?? {})
          if ('error' in facts) return reply.code(request.method === 'GET' ? 404 : 400).send(facts)
          return reply.send(answers === 'signed' ? signed(facts) : resultOf(facts))
        },
      })
      done()
    },
    { prefix: '/api/rest/version/1' },
  )
  server.post('/hostedform', (request, reply) =>
    orRefusal(reply, refusalTitle, () =>
      sendPage(reply, ...title, cardPage(opened(Object.fromEntries(formOf(request))))),
    ),
  )
  server.post('/hostedform/pay', (request, reply) =>
    orRefusal(reply, refusalTitle, async () => {
      const form = formOf(request)
      const way = form.get('way') ?? ''
      const order = orders.get(form.get('orderId') ?? '')
      if (order === undefined || !sameText(form.get('dataKey') ?? '', order.dataKey) || !isWayOf(ways, way))
        throw new Refused('INVALID_REQUEST', 'no such order or choice')
      const paid = await payAs(order, way)
      return sendPage(reply, ...title, backPage(paid.returnUrl, paid.result))
    }),
  )
  registerConsole(server, {
    ...{ titleVi: 'NAPAS (giả lập)', titleEn: 'NAPAS (simulated)', behaviour, notifier },
    config: () => napas.accountConfig(),
    transactions: () =>
      [...orders.values()].map(({ id, amount, state, gatewayCode, refunds }) => ({
        ...{ order: id, amount: dong(amount), state, gatewayCode },
        refunds: refunds.map((made) => dong(made.amount)).join(', '),
      })),
  })
  const baseUrl = await parts.listen(options.port)

  const napas: Napas = {
    ...{ baseUrl, callbackUrl: null, behaviour, notifier, callbacks: notifier.callbacks, transactions: orders },
    accountConfig: () => ({
      ...{ clientId, clientSecret, username, password, channel: '7399', cardScheme: 'AtmCard', answers },
      apiUrl: `${baseUrl}/api`,
      formUrl: `${baseUrl}/hostedform`,
    }),
    pay: async (fields, way) => await payAs(opened(fields), way),
    async sendCallback(orderId, sending = {}) {
      const order = orders.get(orderId)
      if (order === undefined) throw new Refused('INVALID_REQUEST', `no order ${orderId}`)
      return await notify(order, 'sent by hand', sending)
    },
    close: parts.close,
  }
  return napas
}

/** Only "200" is known for "got it": anything else is read as "not taken". */
function judge({ status }: CallbackAnswer, expected: 'taken' | 'refused' | 'either'): Judgement {
  const isTaken = status === 200
  const asExpected = expected === 'either' || isTaken === (expected === 'taken')
  return { asExpected: asExpected && status < 500, ends: isTaken, meaning: `HTTP ${status}` }
}
