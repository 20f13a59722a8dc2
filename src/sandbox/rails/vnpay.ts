/** VNPAY's side of PAY 2.1.0 (rails.md §1): pay page, notices with their ten calls, return, inquiry, refund. */
import { compactTime } from '../bank-time.ts'
import { wrongBy } from '../behaviour.ts'
import { keep, type SandboxContext } from '../context.ts'
import { spoilHex } from '../mac.ts'
import type { Callback, Judgement } from '../notifier.ts'
import { dong } from '../page.ts'
import { formOf, jsonOf, registerConsole, sendPage } from '../partner.ts'
import {
  acknowledgementMs,
  makeRailParts,
  minuteMs,
  type Paid,
  type RailPartner,
  type Sending,
  usualLateMs,
  usualRefundMs,
} from '../rail-partner.ts'
import { orRefusal } from '../refused.ts'
import { isWayOf } from '../ways.ts'
import { answerApi } from './vnpay-api.ts'
import { readOrder, type VnpayRefund, VnpayRefused, type VnpayTransaction } from './vnpay-order.ts'
import { payPage, type VnpayWay, ways } from './vnpay-page.ts'
import { type Fields, hashOf, noticeAnswers, queryText } from './vnpay-wire.ts'

export type VnpayAccountConfig = {
  readonly tmnCode: string
  readonly hashSecret: string
  readonly payUrl: string
  readonly apiUrl: string
}
export type VnpayOptions = {
  readonly port?: number
  readonly tmnCode: string
  readonly hashSecret: string
  /** Waits between the ten calls. */
  readonly retryDelaysMs?: readonly number[]
  /** How late `late` tells of a payment. */
  readonly lateMs?: number
  /** From accepting a refund to its end at the bank. */
  readonly refundMs?: number
}
export type VnpayNotice = Sending & { readonly status?: string; readonly responseCode?: string }
export type VnpayPaid = Paid<VnpayTransaction>

/** What the transaction API needs of the bank. */
export type VnpayBank = {
  readonly config: { readonly tmnCode: string; readonly hashSecret: string }
  readonly behaviour: RailPartner['behaviour']
  readonly transactions: ReadonlyMap<string, VnpayTransaction>
  isNewRequest(requestId: string): boolean
  newResponseId(): string
  startRefund(transaction: VnpayTransaction, type: '02' | '03', amount: bigint): VnpayRefund
}

export type Vnpay = VnpayBank &
  RailPartner<VnpayAccountConfig> & {
    /** What a payer with `payUrl` in the browser does. Throws `VnpayRefused` when the pay page would show an error. */
    pay(payUrl: string, way: VnpayWay): Promise<VnpayPaid>
    sendCallback(txnRef: string, notice?: VnpayNotice): Promise<Callback>
  }

export { VnpayRefused, type VnpayTransaction } from './vnpay-order.ts'
export type { VnpayWay } from './vnpay-page.ts'

const refusal = ['VNPAY từ chối đơn này', 'VNPAY refuses this order'] as const

export async function startVnpay(context: SandboxContext, options: VnpayOptions): Promise<Vnpay> {
  const { tmnCode, hashSecret, lateMs = usualLateMs, refundMs = usualRefundMs } = options
  const retryDelaysMs = options.retryDelaysMs ?? Array.from({ length: 9 }, () => 5 * minuteMs)
  const parts = makeRailParts(context)
  const { behaviour, notifier, server, now } = parts
  const transactions = new Map<string, VnpayTransaction>()
  const requestIds = new Map<string, true>()

  /** Takes an order in; the same order opens the same page again. */
  function accept(query: string): VnpayTransaction {
    const order = readOrder(query, { tmnCode, hashSecret }, now(), (txnRef) => transactions.get(txnRef))
    if (!transactions.has(order.txnRef)) keep(transactions, order.txnRef, order)
    return order
  }

  /** Fields of a notice or return as they stand now. */
  function told(transaction: VnpayTransaction, notice: VnpayNotice): string {
    const amount = notice.amount ?? transaction.paidAmount + (behaviour.current.wrongAmount ? wrongBy : 0n)
    const moved = transaction.transactionNo !== '0'
    const fields: Fields = {
      vnp_Amount: (amount * 100n).toString(),
      vnp_BankCode: transaction.bankCode,
      vnp_BankTranNo: moved ? `VNP${transaction.transactionNo}` : '',
      vnp_CardType: transaction.bankCode === 'VNPAYQR' ? 'QRCODE' : 'ATM',
      vnp_OrderInfo: transaction.orderInfo,
      vnp_PayDate: compactTime(transaction.paidAt ?? now()),
      vnp_ResponseCode: notice.responseCode ?? (transaction.responseCode || '24'),
      vnp_TmnCode: tmnCode,
      vnp_TransactionNo: transaction.transactionNo,
      vnp_TransactionStatus: notice.status ?? transaction.status,
      vnp_TxnRef: transaction.txnRef,
    }
    const text = queryText(fields)
    const hash = hashOf(text, hashSecret)
    const sent = notice.tampered === true ? text.replace(/vnp_Amount=\d+/, `vnp_Amount=${(amount + 1n) * 100n}`) : text
    return `${sent}&vnp_SecureHash=${behaviour.current.badSignature ? spoilHex(hash) : hash}`
  }

  async function notify(
    transaction: VnpayTransaction,
    label: string,
    notice: VnpayNotice,
    expected: readonly string[],
  ): Promise<Callback> {
    const query = told(transaction, notice)
    const { badSignature, wrongAmount } = behaviour.current
    const wanted = badSignature ? ['97'] : wrongAmount && notice.tampered !== true ? ['04'] : expected
    return await notifier.send({
      about: transaction.txnRef,
      label,
      request: () =>
        vnpay.callbackUrl === null ? null : { method: 'GET', url: `${vnpay.callbackUrl}?${query}`, headers: {} },
      judge: (answer) => judge(answer, wanted),
      // A forger does not call ten times.
      retryDelaysMs: notice.tampered === true ? [] : retryDelaysMs,
      timeoutMs: acknowledgementMs,
      copies: notice.duplicate === true ? 2 : 1,
    })
  }

  function finish(transaction: VnpayTransaction, responseCode: string, status: string): void {
    transaction.responseCode = responseCode
    transaction.status = status
    transaction.paidAt ??= now()
    if (responseCode !== '24' && transaction.transactionNo === '0') transaction.transactionNo = parts.nextNumber()
  }

  async function act(transaction: VnpayTransaction, way: VnpayWay): Promise<Callback[]> {
    if (transaction.status !== '01') throw new VnpayRefused('01', 'the order is already final')
    if (transaction.expiresAt !== null && transaction.expiresAt <= now())
      throw new VnpayRefused('15', 'the order has expired')
    const recorded = ['00', '02']
    switch (way) {
      case 'success':
        finish(transaction, '00', '00')
        return [await notify(transaction, way, {}, recorded)]
      case 'fail':
        finish(transaction, '51', '02')
        return [await notify(transaction, way, {}, recorded)]
      case 'cancel':
        finish(transaction, '24', '02')
        return [await notify(transaction, way, {}, recorded)]
      case 'held':
        finish(transaction, '07', '07')
        return [await notify(transaction, way, {}, recorded)]
      case 'duplicate':
        finish(transaction, '00', '00')
        return [await notify(transaction, way, { duplicate: true }, recorded)]
      case 'wrong-amount':
        transaction.paidAmount = transaction.amount + wrongBy
        finish(transaction, '00', '00')
        return [await notify(transaction, way, {}, ['04'])]
      case 'tampered':
        // Nothing happened at VNPAY: somebody else wrote the notice.
        return [await notify(transaction, way, { tampered: true, responseCode: '00', status: '00' }, ['97'])]
      case 'late':
        finish(transaction, '00', '00')
        context.timers.after(lateMs, () => void notify(transaction, way, {}, recorded))
        return []
      case 'pending-then-success': {
        finish(transaction, '00', '01')
        const pending = await notify(transaction, 'pending', {}, recorded)
        finish(transaction, '00', '00')
        return [pending, await notify(transaction, 'success after pending', {}, recorded)]
      }
    }
  }

  async function payAs(query: string, way: VnpayWay): Promise<VnpayPaid> {
    const transaction = accept(query)
    const sent = await act(transaction, way)
    const forged = way === 'tampered' ? { tampered: true, responseCode: '00', status: '00' } : {}
    const joint = transaction.returnUrl.includes('?') ? '&' : '?'
    return {
      transaction,
      callbackAcks: sent.flatMap(({ acknowledgements }) => acknowledgements),
      returnUrl: `${transaction.returnUrl}${joint}${told(transaction, forged)}`,
    }
  }

  server.get('/paymentv2/vpcpay.html', (request, reply) => {
    const query = request.url.split('?')[1] ?? ''
    return orRefusal(reply, refusal, () =>
      sendPage(reply, 'Trang thanh toán VNPAY (giả lập)', 'VNPAY pay page (simulated)', payPage(accept(query), query)),
    )
  })
  server.post('/paymentv2/pay', (request, reply) => {
    const form = formOf(request)
    const way = form.get('way') ?? ''
    return orRefusal(reply, refusal, async () => {
      if (!isWayOf(ways, way)) throw new VnpayRefused('03', 'no such choice')
      return reply.redirect((await payAs(form.get('order') ?? '', way)).returnUrl, 303)
    })
  })
  server.post('/merchant_webapi/api/transaction', async (request, reply) => {
    const body = jsonOf(request)
    const answer = body === null ? null : answerApi(vnpay, body)
    return answer === null
      ? reply.code(400).send({ vnp_ResponseCode: '03', vnp_Message: 'Invalid format' })
      : reply.send(answer)
  })
  registerConsole(server, {
    titleVi: 'VNPAY (giả lập)',
    titleEn: 'VNPAY (simulated)',
    behaviour,
    notifier,
    config: () => vnpay.accountConfig(),
    transactions: () =>
      [...transactions.values()].map(
        ({ txnRef, amount, paidAmount, status, responseCode, transactionNo, refunds }) => ({
          vnp_TxnRef: txnRef,
          amount: dong(amount),
          paid: status === '01' || status === '02' ? '' : dong(paidAmount),
          status,
          response: responseCode,
          vnp_TransactionNo: transactionNo,
          refunds: refunds.map((made) => `${dong(made.amount)} (${made.status})`).join(', '),
        }),
      ),
  })
  const baseUrl = await parts.listen(options.port)

  const vnpay: Vnpay = {
    baseUrl,
    callbackUrl: null,
    config: { tmnCode, hashSecret },
    behaviour,
    transactions,
    callbacks: notifier.callbacks,
    notifier,
    accountConfig: () => ({
      tmnCode,
      hashSecret,
      payUrl: `${baseUrl}/paymentv2/vpcpay.html`,
      apiUrl: `${baseUrl}/merchant_webapi/api/transaction`,
    }),
    pay: (payUrl, way) => payAs(new URL(payUrl).search.slice(1), way),
    async sendCallback(txnRef, notice = {}) {
      const transaction = transactions.get(txnRef)
      if (transaction === undefined) throw new VnpayRefused('91', `no transaction ${txnRef}`)
      const amountIsWrong = notice.amount !== undefined && notice.amount !== transaction.amount
      return await notify(
        transaction,
        'sent by hand',
        notice,
        notice.tampered === true ? ['97'] : amountIsWrong ? ['04'] : ['00', '02'],
      )
    },
    isNewRequest(requestId) {
      const key = `${compactTime(now()).slice(0, 8)} ${requestId}`
      if (requestIds.has(key)) return false
      keep(requestIds, key, true)
      return true
    },
    newResponseId: () => Buffer.from(context.random(16)).toString('hex'),
    startRefund(transaction, type, amount) {
      const refund: VnpayRefund = { type, amount, transactionNo: parts.nextNumber(), status: '05' }
      transaction.refunds.push(refund)
      context.timers.after(refundMs, () => {
        refund.status = '00'
      })
      return refund
    },
    close: parts.close,
  }
  return vnpay
}

function judge(answer: { status: number; contentType: string; body: string }, expected: readonly string[]): Judgement {
  const known = noticeAnswers.get(answer.body)
  if (answer.status !== 200 || !/^application\/json\b/.test(answer.contentType) || known === undefined)
    return { asExpected: false, ends: false, meaning: `HTTP ${answer.status}: no answer VNPAY knows` }
  return { asExpected: expected.includes(known.code), ends: known.ends, meaning: `RspCode ${known.code}` }
}
