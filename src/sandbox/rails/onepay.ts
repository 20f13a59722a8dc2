/** OnePay's side (rails.md §4.2): pay page, notices, return, `queryDR`, `refund`. Of refunds only the names of the fields are public. */
import { wrongBy } from '../behaviour.ts'
import { keep, type SandboxContext } from '../context.ts'
import { spoilHex } from '../mac.ts'
import type { Callback, CallbackAnswer, Judgement } from '../notifier.ts'
import { dong } from '../page.ts'
import { formOf, registerConsole, sendPage, textOf, uniqueFields } from '../partner.ts'
import {
  acknowledgementMs,
  makeRailParts,
  type Paid,
  type RailPartner,
  type Sending,
  unpublishedRetriesMs,
  usualLateMs,
  usualRefundMs,
} from '../rail-partner.ts'
import { orRefusal } from '../refused.ts'
import { isWayOf } from '../ways.ts'
import {
  answerQuery,
  answerRefund,
  type OnepayBook,
  type OnepayMerchant,
  type OnepayRefund,
  OnepayRefused,
  type OnepayTransaction,
  readOrder,
} from './onepay-api.ts'
import { type OnepayWay, payPage, ways } from './onepay-page.ts'
import { confirmed, type Fields, hashOf, refused, signedText } from './onepay-wire.ts'

export { OnepayRefused, type OnepayTransaction } from './onepay-api.ts'
export type { OnepayWay } from './onepay-page.ts'

export type OnepayAccountConfig = {
  readonly profile: 'unified'
  readonly merchant: string
  readonly accessCode: string
  readonly hashKey: string
  readonly payUrl: string
  readonly queryUrl: string
  readonly queryUser: string
  readonly queryPassword: string
  readonly refundUrl: string
}
export type OnepayOptions = OnepayMerchant & {
  readonly port?: number
  readonly retryDelaysMs?: readonly number[]
  readonly lateMs?: number
  /** From accepting a refund to its end; 0 ends it at once. */
  readonly refundMs?: number
}

export type Onepay = RailPartner<OnepayAccountConfig> & {
  readonly transactions: ReadonlyMap<string, OnepayTransaction>
  readonly refunds: ReadonlyMap<string, OnepayRefund>
  /** What a payer with `payUrl` in the browser does. Throws `OnepayRefused` when the pay page would show an error. */
  pay(payUrl: string, way: OnepayWay): Promise<Paid<OnepayTransaction>>
  sendCallback(merchTxnRef: string, sending?: Sending): Promise<Callback>
}

const payPath = '/paygate/vpcpay.op'
const queryPath = '/onecomm-pay/Vpcdps.op'
const refundPath = '/onecomm-pay/refund.op'
const refusal = ['OnePay từ chối đơn này', 'OnePay refuses this order'] as const

export async function startOnepay(context: SandboxContext, options: OnepayOptions): Promise<Onepay> {
  const { merchant, accessCode, hashKeyHex, user, password } = options
  const { lateMs = usualLateMs, refundMs = usualRefundMs, retryDelaysMs = unpublishedRetriesMs } = options
  const parts = makeRailParts(context)
  const { behaviour, notifier, server } = parts
  const transactions = new Map<string, OnepayTransaction>()
  const refunds = new Map<string, OnepayRefund>()
  const excess = (): bigint => (behaviour.current.wrongAmount ? wrongBy : 0n)

  /** Takes an order in; the same order opens the same page again. */
  function accept(query: string): OnepayTransaction {
    const order = readOrder(uniqueFields(query), options)
    const known = transactions.get(order.merchTxnRef)
    if (known !== undefined) {
      if (known.amount !== order.amount) throw new OnepayRefused('vpc_MerchTxnRef was used before')
      return known
    }
    keep(transactions, order.merchTxnRef, order)
    return order
  }

  /** Fields of a notice, return or answer as they stand now. */
  function told(transaction: OnepayTransaction, sending: Sending = {}): Fields {
    const amount = sending.amount ?? transaction.paidAmount + excess()
    const code = sending.tampered === true ? '0' : transaction.code
    return {
      ...{ vpc_Version: '2', vpc_Command: 'pay', vpc_CurrencyCode: 'VND', vpc_Merchant: merchant },
      vpc_Amount: (amount * 100n).toString(),
      vpc_Locale: transaction.locale,
      vpc_MerchTxnRef: transaction.merchTxnRef,
      vpc_OrderInfo: transaction.orderInfo,
      vpc_TransactionNo: transaction.transactionNo,
      vpc_TxnResponseCode: code,
      vpc_Message: code === '0' ? 'Approved' : code === '300' ? 'Pending' : 'Declined',
    }
  }

  /** Values are encoded after they were signed raw. */
  function signed(fields: Fields, { tampered = false }: Sending = {}): string {
    const hash = hashOf(signedText(fields), hashKeyHex)
    const sent = tampered ? { ...fields, vpc_Amount: `${fields.vpc_Amount ?? ''}00` } : fields
    return new URLSearchParams({
      ...sent,
      vpc_SecureHash: behaviour.current.badSignature ? spoilHex(hash) : hash,
    }).toString()
  }

  async function notify(transaction: OnepayTransaction, label: string, sending: Sending): Promise<Callback> {
    const query = signed(told(transaction, sending), sending)
    const { badSignature, wrongAmount } = behaviour.current
    const isOther = wrongAmount || (sending.amount ?? transaction.paidAmount) !== transaction.amount
    const expected = sending.tampered === true || badSignature || isOther ? refused : confirmed
    return await notifier.send({
      about: transaction.merchTxnRef,
      label,
      request: () =>
        onepay.callbackUrl === null ? null : { method: 'GET', url: `${onepay.callbackUrl}?${query}`, headers: {} },
      judge: (answer) => judge(answer, expected),
      retryDelaysMs: sending.tampered === true ? [] : retryDelaysMs,
      timeoutMs: acknowledgementMs,
      copies: sending.duplicate === true ? 2 : 1,
    })
  }

  async function act(transaction: OnepayTransaction, way: OnepayWay): Promise<Callback[]> {
    if (transaction.code !== '') throw new OnepayRefused('the order is already final')
    // Nothing happens at OnePay: somebody else writes the notice.
    if (way === 'tampered') return [await notify(transaction, way, { tampered: true })]
    const [, , code] = ways[way]
    transaction.code = code
    if (way !== 'cancel') transaction.transactionNo = parts.nextNumber()
    if (way === 'wrong-amount') transaction.paidAmount += wrongBy
    if (way === 'late') {
      context.timers.after(lateMs, () => void notify(transaction, way, {}))
      return []
    }
    const first = await notify(transaction, way, { duplicate: way === 'duplicate' })
    if (way !== 'pending-then-success') return [first]
    transaction.code = '0'
    return [first, await notify(transaction, 'success after pending', {})]
  }

  async function payAs(query: string, way: OnepayWay): Promise<Paid<OnepayTransaction>> {
    const transaction = accept(query)
    const sent = await act(transaction, way)
    const joint = transaction.returnUrl.includes('?') ? '&' : '?'
    const sending = { tampered: way === 'tampered' }
    return {
      transaction,
      callbackAcks: sent.flatMap(({ acknowledgements }) => acknowledgements),
      returnUrl: `${transaction.returnUrl}${joint}${signed(told(transaction, sending), sending)}`,
    }
  }

  const book: OnepayBook = {
    merchant: { merchant, accessCode, hashKeyHex, user, password },
    transactions,
    refunds,
    told,
    excess,
    startRefund(order) {
      const made: OnepayRefund = { ...order, transactionNo: parts.nextNumber(), code: refundMs === 0 ? '0' : '300' }
      keep(refunds, order.merchTxnRef, made)
      if (refundMs > 0)
        context.timers.after(refundMs, () => {
          made.code = '0'
        })
      return made
    },
  }

  for (const path of [payPath, '/onecomm-pay/vpc.op', '/vpcpay/vpcpay.op'])
    server.get(path, (request, reply) => {
      const query = request.url.split('?')[1] ?? ''
      return orRefusal(reply, refusal, () =>
        sendPage(
          reply,
          'Trang thanh toán OnePay (giả lập)',
          'OnePay pay page (simulated)',
          payPage(accept(query), query),
        ),
      )
    })
  server.post('/paygate/pay', (request, reply) =>
    orRefusal(reply, refusal, async () => {
      const form = formOf(request)
      const way = form.get('way') ?? ''
      if (!isWayOf(ways, way)) throw new OnepayRefused('no such choice')
      return reply.redirect((await payAs(form.get('order') ?? '', way)).returnUrl, 303)
    }),
  )
  // Form-encoded, signed answers, to a query or a form alike.
  for (const [paths, answer] of [
    [[queryPath, '/vpcpay/Vpcdps.op'], answerQuery],
    [[refundPath], answerRefund],
  ] as const)
    for (const url of paths)
      server.route({
        method: ['GET', 'POST'],
        url,
        handler: (request, reply) => {
          const text = request.method === 'POST' ? textOf(request) : (request.url.split('?')[1] ?? '')
          return reply.type('text/plain').send(signed(answer(book, uniqueFields(text) ?? {})))
        },
      })
  registerConsole(server, {
    ...{ titleVi: 'OnePay (giả lập)', titleEn: 'OnePay (simulated)', behaviour, notifier },
    config: () => onepay.accountConfig(),
    transactions: () => [
      ...[...transactions.values()].map(({ merchTxnRef, amount, code, transactionNo }) => ({
        ...{ vpc_MerchTxnRef: merchTxnRef, amount: dong(amount), code, vpc_TransactionNo: transactionNo, refundOf: '' },
      })),
      ...[...refunds.values()].map(({ merchTxnRef, amount, code, transactionNo, orgMerchTxnRef }) => ({
        ...{ vpc_MerchTxnRef: merchTxnRef, amount: dong(amount), code, vpc_TransactionNo: transactionNo },
        refundOf: orgMerchTxnRef,
      })),
    ],
  })
  const baseUrl = await parts.listen(options.port)

  const onepay: Onepay = {
    ...{ baseUrl, callbackUrl: null, behaviour, notifier, callbacks: notifier.callbacks, transactions, refunds },
    accountConfig: () => ({
      ...{ profile: 'unified', merchant, accessCode, hashKey: hashKeyHex, queryUser: user, queryPassword: password },
      payUrl: `${baseUrl}${payPath}`,
      queryUrl: `${baseUrl}${queryPath}`,
      refundUrl: `${baseUrl}${refundPath}`,
    }),
    pay: (payUrl, way) => payAs(new URL(payUrl).search.slice(1), way),
    async sendCallback(merchTxnRef, sending = {}) {
      const transaction = transactions.get(merchTxnRef)
      if (transaction === undefined) throw new OnepayRefused(`no transaction ${merchTxnRef}`)
      return await notify(transaction, 'sent by hand', sending)
    },
    close: parts.close,
  }
  return onepay
}

function judge(answer: CallbackAnswer, expected: string): Judgement {
  const isKnown = answer.status === 200 && (answer.body === confirmed || answer.body === refused)
  return {
    asExpected: isKnown && answer.body === expected && /^text\/plain\b/.test(answer.contentType),
    ends: isKnown && answer.body === confirmed,
    meaning: isKnown ? answer.body : `HTTP ${answer.status}: no answer OnePay knows`,
  }
}
