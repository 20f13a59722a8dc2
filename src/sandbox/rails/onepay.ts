/** OnePay's side (rails.md §4.2): pay page, notices, return, `queryDR`. Refunds are not public and are left out. */
import { type Behaviour, createBehaviour, wrongBy } from '../behaviour.ts'
import { keep, type SandboxContext } from '../context.ts'
import { spoilHex } from '../mac.ts'
import { type Acknowledgement, type Callback, createNotifier, type Judgement, type Notifier } from '../notifier.ts'
import { both, dong, facts, html } from '../page.ts'
import { createPartnerServer, formOf, listen, registerConsole, sendPage, uniqueFields } from '../partner.ts'
import { confirmed, type Fields, hashOf, isSigned, refused, signedText, wrongPayField } from './onepay-wire.ts'

/** Way → its button, and what OnePay answers in `vpc_TxnResponseCode`. */
const ways = {
  success: ['Thanh toán thành công', 'Pay', '0'],
  fail: ['Không đủ số dư', 'Balance too low', '21'],
  cancel: ['Khách huỷ', 'Payer cancels', '99'],
  late: ['Thành công, báo muộn', 'Paid, notice late', '0'],
  duplicate: ['Thành công, báo trùng', 'Paid, notice twice', '0'],
  'wrong-amount': ['Ghi nhận sai số tiền', 'Paid another amount', '0'],
  tampered: ['Thông báo giả chữ ký', 'Forged notice', ''],
  'pending-then-success': ['Chờ xử lý rồi thành công', 'Pending, then paid', '300'],
} as const
export type OnepayWay = keyof typeof ways

export type OnepayTransaction = {
  readonly merchTxnRef: string
  readonly amount: bigint
  readonly orderInfo: string
  readonly returnUrl: string
  readonly locale: string
  paidAmount: bigint
  /** `vpc_TxnResponseCode`; empty while nothing happened. */
  code: string
  transactionNo: string
}

export type OnepayAccountConfig = {
  readonly merchant: string
  readonly accessCode: string
  readonly hashKeyHex: string
  readonly user: string
  readonly password: string
  readonly payUrl: string
  readonly queryUrl: string
}
export type OnepayOptions = {
  readonly port?: number
  readonly merchant: string
  readonly accessCode: string
  readonly hashKeyHex: string
  readonly user: string
  readonly password: string
  /** OnePay's own waits are not published; these are ours. */
  readonly retryDelaysMs?: readonly number[]
  readonly lateMs?: number
}
export type OnepayNotice = { readonly tampered?: boolean; readonly duplicate?: boolean; readonly amount?: bigint }
export type OnepayPaid = {
  readonly transaction: OnepayTransaction
  readonly callbackAcks: readonly Acknowledgement[]
  readonly returnUrl: string
}

export type Onepay = {
  readonly baseUrl: string
  callbackUrl: string | null
  readonly behaviour: Behaviour
  readonly notifier: Notifier
  readonly callbacks: readonly Callback[]
  readonly transactions: ReadonlyMap<string, OnepayTransaction>
  accountConfig(): OnepayAccountConfig
  /** What a payer with `payUrl` in the browser does. Throws `OnepayRefused` when the pay page would show an error. */
  pay(payUrl: string, way: OnepayWay): Promise<OnepayPaid>
  sendCallback(merchTxnRef: string, notice?: OnepayNotice): Promise<Callback>
  close(): Promise<void>
}

export class OnepayRefused extends Error {
  readonly code = 'ONEPAY_REFUSED'
}

const minuteMs = 60_000
const payPath = '/paygate/vpcpay.op'
const queryPath = '/onecomm-pay/Vpcdps.op'

export async function startOnepay(context: SandboxContext, options: OnepayOptions): Promise<Onepay> {
  const { merchant, accessCode, hashKeyHex, user, password, lateMs = 20 * minuteMs } = options
  const retryDelaysMs = options.retryDelaysMs ?? [1, 5, 15, 60].map((minutes) => minutes * minuteMs)
  const behaviour = createBehaviour()
  const notifier = createNotifier(context, behaviour)
  const transactions = new Map<string, OnepayTransaction>()
  // From the clock: numbers of an earlier run never come again.
  let lastNumber = context.clock.now().getTime()

  function accept(query: string): OnepayTransaction {
    const fields = uniqueFields(query)
    if (fields === null) throw new OnepayRefused('a field stands twice')
    if (!isSigned(fields, hashKeyHex)) throw new OnepayRefused('wrong signature')
    if (fields.vpc_Merchant !== merchant || fields.vpc_AccessCode !== accessCode)
      throw new OnepayRefused('unknown merchant or access code')
    const wrong = wrongPayField(fields)
    if (wrong !== null) throw new OnepayRefused(`${wrong} is not as it must be`)
    const merchTxnRef = fields.vpc_MerchTxnRef ?? ''
    const amount = BigInt(fields.vpc_Amount ?? '') / 100n
    const known = transactions.get(merchTxnRef)
    if (known !== undefined) {
      if (known.amount !== amount) throw new OnepayRefused('vpc_MerchTxnRef was used before')
      return known
    }
    const transaction: OnepayTransaction = {
      ...{ merchTxnRef, amount, paidAmount: amount, code: '', transactionNo: '0' },
      orderInfo: fields.vpc_OrderInfo ?? '',
      returnUrl: fields.vpc_ReturnURL ?? '',
      locale: fields.vpc_Locale ?? 'vn',
    }
    keep(transactions, merchTxnRef, transaction)
    return transaction
  }

  /** Query of a notice or return: values are encoded after they were signed raw. */
  function told(transaction: OnepayTransaction, notice: OnepayNotice): string {
    const amount = notice.amount ?? transaction.paidAmount + (behaviour.current.wrongAmount ? wrongBy : 0n)
    const code = notice.tampered === true ? '0' : transaction.code
    const fields: Fields = {
      ...{ vpc_Version: '2', vpc_Command: 'pay', vpc_CurrencyCode: 'VND', vpc_Merchant: merchant },
      vpc_Amount: (amount * 100n).toString(),
      vpc_Locale: transaction.locale,
      vpc_MerchTxnRef: transaction.merchTxnRef,
      vpc_OrderInfo: transaction.orderInfo,
      vpc_TransactionNo: transaction.transactionNo,
      vpc_TxnResponseCode: code,
      vpc_Message: code === '0' ? 'Approved' : code === '300' ? 'Pending' : 'Declined',
    }
    const hash = hashOf(signedText(fields), hashKeyHex)
    const isForged = notice.tampered === true || behaviour.current.badSignature
    return new URLSearchParams({ ...fields, vpc_SecureHash: isForged ? spoilHex(hash) : hash }).toString()
  }

  async function notify(transaction: OnepayTransaction, label: string, notice: OnepayNotice): Promise<Callback> {
    const query = told(transaction, notice)
    const { badSignature, wrongAmount } = behaviour.current
    const isOther = wrongAmount || (notice.amount ?? transaction.paidAmount) !== transaction.amount
    const expected = notice.tampered === true || badSignature || isOther ? refused : confirmed
    return await notifier.send({
      about: transaction.merchTxnRef,
      label,
      request: () =>
        onepay.callbackUrl === null ? null : { method: 'GET', url: `${onepay.callbackUrl}?${query}`, headers: {} },
      judge: (answer) => judge(answer, expected),
      retryDelaysMs: notice.tampered === true ? [] : retryDelaysMs,
      timeoutMs: 30_000,
      copies: notice.duplicate === true ? 2 : 1,
    })
  }

  async function act(transaction: OnepayTransaction, way: OnepayWay): Promise<Callback[]> {
    if (transaction.code !== '') throw new OnepayRefused('the order is already final')
    // Nothing happens at OnePay: somebody else writes the notice.
    if (way === 'tampered') return [await notify(transaction, way, { tampered: true })]
    const [, , code] = ways[way]
    transaction.code = code
    if (way !== 'cancel') transaction.transactionNo = String(++lastNumber)
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

  async function payAs(query: string, way: OnepayWay): Promise<OnepayPaid> {
    const transaction = accept(query)
    const sent = await act(transaction, way)
    const joint = transaction.returnUrl.includes('?') ? '&' : '?'
    return {
      transaction,
      callbackAcks: sent.flatMap(({ acknowledgements }) => acknowledgements),
      returnUrl: `${transaction.returnUrl}${joint}${told(transaction, { tampered: way === 'tampered' })}`,
    }
  }

  /** Form-encoded and signed; `vpc_DRExists=N` for what OnePay never saw. */
  function answerQuery(fields: Fields): Fields {
    const known = transactions.get(fields.vpc_MerchTxnRef ?? '')
    const isAllowed =
      fields.vpc_Merchant === merchant &&
      fields.vpc_AccessCode === accessCode &&
      fields.vpc_User === user &&
      fields.vpc_Password === password &&
      fields.vpc_Command === 'queryDR' &&
      isSigned(fields, hashKeyHex)
    if (!isAllowed) return { vpc_DRExists: 'N', vpc_TxnResponseCode: '7', vpc_Message: 'Refused' }
    if (known === undefined || known.code === '') return { vpc_DRExists: 'N' }
    return { ...Object.fromEntries(new URLSearchParams(told(known, {}))), vpc_DRExists: 'Y' }
  }

  const server = createPartnerServer(behaviour, context)
  const orError = async (
    reply: Parameters<typeof sendPage>[0],
    answer: () => ReturnType<typeof sendPage> | Promise<ReturnType<typeof sendPage>>,
  ): Promise<ReturnType<typeof sendPage>> => {
    try {
      return await answer()
    } catch (error) {
      if (!(error instanceof OnepayRefused)) throw error
      return sendPage(
        reply,
        'OnePay từ chối đơn này',
        'OnePay refuses this order',
        facts([['Lý do', 'Reason', error.message]]),
        400,
      )
    }
  }
  for (const path of [payPath, '/onecomm-pay/vpc.op', '/vpcpay/vpcpay.op'])
    server.get(path, (request, reply) => {
      const query = request.url.split('?')[1] ?? ''
      return orError(reply, () =>
        sendPage(
          reply,
          'Trang thanh toán OnePay (giả lập)',
          'OnePay pay page (simulated)',
          payPage(accept(query), query),
        ),
      )
    })
  server.post('/paygate/pay', (request, reply) =>
    orError(reply, async () => {
      const form = formOf(request)
      const way = form.get('way') ?? ''
      if (!isWay(way)) throw new OnepayRefused('no such choice')
      return reply.redirect((await payAs(form.get('order') ?? '', way)).returnUrl, 303)
    }),
  )
  for (const path of [queryPath, '/vpcpay/Vpcdps.op'])
    server.get(path, (request, reply) => {
      const answer = answerQuery(uniqueFields(request.url.split('?')[1] ?? '') ?? {})
      const hash = hashOf(signedText(answer), hashKeyHex)
      const signed = { ...answer, vpc_SecureHash: behaviour.current.badSignature ? spoilHex(hash) : hash }
      return reply.type('text/plain').send(new URLSearchParams(signed).toString())
    })
  registerConsole(server, {
    ...{ titleVi: 'OnePay (giả lập)', titleEn: 'OnePay (simulated)', behaviour, notifier },
    config: () => onepay.accountConfig(),
    transactions: () =>
      [...transactions.values()].map(({ merchTxnRef, amount, code, transactionNo }) => ({
        ...{ vpc_MerchTxnRef: merchTxnRef, amount: dong(amount), code, vpc_TransactionNo: transactionNo },
      })),
  })
  const baseUrl = await listen(server, context, options.port ?? 0)

  const onepay: Onepay = {
    ...{ baseUrl, callbackUrl: null, behaviour, notifier, callbacks: notifier.callbacks, transactions },
    accountConfig: () => ({
      ...{ merchant, accessCode, hashKeyHex, user, password },
      payUrl: `${baseUrl}${payPath}`,
      queryUrl: `${baseUrl}${queryPath}`,
    }),
    pay: (payUrl, way) => payAs(new URL(payUrl).search.slice(1), way),
    async sendCallback(merchTxnRef, notice = {}) {
      const transaction = transactions.get(merchTxnRef)
      if (transaction === undefined) throw new OnepayRefused(`no transaction ${merchTxnRef}`)
      return await notify(transaction, 'sent by hand', notice)
    },
    async close() {
      await notifier.close()
      await server.close()
    },
  }
  return onepay
}

function isWay(text: string): text is OnepayWay {
  return Object.hasOwn(ways, text)
}

function judge(answer: { status: number; contentType: string; body: string }, expected: string): Judgement {
  const isKnown = answer.status === 200 && (answer.body === confirmed || answer.body === refused)
  return {
    asExpected: isKnown && answer.body === expected && /^text\/plain\b/.test(answer.contentType),
    ends: isKnown && answer.body === confirmed,
    meaning: isKnown ? answer.body : `HTTP ${answer.status}: no answer OnePay knows`,
  }
}

function payPage(transaction: OnepayTransaction, query: string): ReturnType<typeof html> {
  return html`${facts([
    ['Mã đơn', 'Order', transaction.merchTxnRef],
    ['Số tiền', 'Amount', dong(transaction.amount)],
    ['Nội dung', 'For', transaction.orderInfo],
  ])}<form method="post" action="/paygate/pay"><input type="hidden" name="order" value="${query}">
${Object.entries(ways).map(
  ([way, [vi, en]]) =>
    html`<button name="way" value="${way}"${way === 'success' ? html` class="main"` : html``}>${both(vi, en)}</button>`,
)}</form>`
}
