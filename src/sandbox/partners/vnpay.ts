/** VNPAY seen from the other side (rails.md §1): pay page, notices, query and refund service. Written from the protocol, not from our adapter. */
import { randomBytes } from 'node:crypto'
import { type Ack, callGateway } from './acknowledgement.ts'
import { readOrder, type VnpayOrder, VnpayRefusal } from './vnpay-order.ts'
import { answerRequest } from './vnpay-service.ts'
import { hashOf, queryText } from './vnpay-signature.ts'
import {
  createPartner,
  disturb,
  escapeHtml,
  fieldsOf,
  listen,
  localStamp,
  type Misbehaviour,
  type Partner,
  type PartnerOptions,
  page,
  wait,
} from './web.ts'

export const vnpayActions = ['success', 'fail', 'late', 'duplicate', 'wrong-amount', 'tampered', 'held'] as const
export type VnpayAction = (typeof vnpayActions)[number]

/** How a notice departs from the truth. */
type Lie = { readonly tampered?: boolean; readonly amount?: bigint }

export type VnpaySandbox = Partner & {
  /** Where notices go: the base address of the rail account's callbacks. */
  callbackUrl: string
  accountConfig(): { tmnCode: string; hashSecret: string; payUrl: string; apiUrl: string }
  /** What the buttons of the pay page do. Throws `VnpayRefusal` where the page would show an error. */
  pay(
    payUrl: string,
    action: VnpayAction,
  ): Promise<{ txnRef: string; transactionNo: string; acks: Ack[]; returnUrl: string }>
  /** Sends the notice of an order again; `amount` in VND. */
  resend(txnRef: string, lie?: Lie): Promise<Ack>
  misbehave(how: Misbehaviour): void
}

const labels: Record<VnpayAction, string> = {
  success: 'Thành công / Success',
  fail: 'Thất bại / Fail',
  late: 'Thành công muộn / Late success',
  duplicate: 'Thành công, báo hai lần / Success, told twice',
  'wrong-amount': 'Sai số tiền / Wrong amount',
  tampered: 'Chữ ký bị sửa / Tampered signature',
  held: 'Nghi ngờ gian lận / Suspected fraud',
}

/** Response code and transaction status of what is not a plain success. */
const outcomes: Partial<Record<VnpayAction, readonly [responseCode: string, status: string]>> = {
  fail: ['24', '02'],
  held: ['07', '07'],
}

/** The answers of rails.md §1.3, to the byte. */
const knownAnswers: ReadonlyMap<string, string> = new Map(
  (
    [
      ['00', 'Confirm Success'],
      ['01', 'Order not found'],
      ['02', 'Order already confirmed'],
      ['04', 'Invalid amount'],
      ['97', 'Invalid signature'],
      ['97', 'Fail checksum'],
      ['99', 'Unknown error'],
    ] as const
  ).map(([code, message]) => [`{"RspCode":"${code}","Message":"${message}"}`, code]),
)
const lateMs = 8_000
const wrongBy = 1_000n

export async function startVnpay({ host, port, now, log }: PartnerOptions): Promise<VnpaySandbox> {
  const terminal = { tmnCode: 'FGDEMO01', hashSecret: randomBytes(24).toString('hex').toUpperCase() }
  const orders = new Map<string, VnpayOrder>()
  const requestIds = new Set<string>()
  let misbehaviour: Misbehaviour = {}
  // Never the same again after a restart: a bank's transaction numbers are unique for ever.
  let sequence = now().getTime()
  const server = createPartner()
  disturb(server, '/merchant_webapi/', () => misbehaviour)

  /** Opening the page makes the order known; opening it again finds it as it stands. */
  function open(query: string): VnpayOrder {
    const read = readOrder(query, terminal, now())
    const order = orders.get(read.txnRef) ?? read
    if (queryText(order.fields) !== queryText(read.fields))
      throw new VnpayRefusal('Trùng mã đơn hàng / vnp_TxnRef was used before')
    if (order.status !== '01') throw new VnpayRefusal('Đơn hàng đã xử lý / The order is already final')
    orders.set(order.txnRef, order)
    return order
  }

  /** The signed parameters of notice and return. */
  function notice(order: VnpayOrder, { tampered = false, amount }: Lie = {}): string {
    const query = queryText([
      ['vnp_TmnCode', terminal.tmnCode],
      ['vnp_Amount', (amount === undefined ? order.amount : amount * 100n).toString()],
      ['vnp_BankCode', 'NCB'],
      ['vnp_BankTranNo', order.transactionNo === '0' ? '' : `VNP${order.transactionNo}`],
      ['vnp_CardType', 'ATM'],
      ['vnp_PayDate', order.payDate],
      ['vnp_OrderInfo', order.fields.get('vnp_OrderInfo') ?? ''],
      ['vnp_TransactionNo', order.transactionNo],
      ['vnp_ResponseCode', order.responseCode],
      ['vnp_TransactionStatus', order.status],
      ['vnp_TxnRef', order.txnRef],
    ])
    const sent = tampered ? query.replace(/vnp_Amount=\d+/, 'vnp_Amount=100') : query
    return `${sent}&vnp_SecureHash=${hashOf(query, terminal.hashSecret)}`
  }

  async function notify(order: VnpayOrder, lie: Lie = {}): Promise<Ack> {
    const ack = await callGateway(`${sandbox.callbackUrl}?${notice(order, lie)}`, {}, (status, body) => {
      const code = knownAnswers.get(body)
      return { expected: status === 200 && code !== undefined, code: code ?? '' }
    })
    log.info({ txnRef: order.txnRef, status: ack.status, code: ack.code }, 'vnpay notice sent')
    return ack
  }

  async function act(order: VnpayOrder, action: VnpayAction): Promise<Ack[]> {
    // The bank takes its time: money and word both come late.
    if (action === 'late') await wait(lateMs)
    const [responseCode, status] = outcomes[action] ?? ['00', '00']
    Object.assign(order, {
      responseCode,
      status,
      transactionNo: action === 'fail' ? '0' : String(++sequence),
      payDate: localStamp(now()),
    })
    switch (action) {
      case 'duplicate':
        return [await notify(order), await notify(order)]
      case 'wrong-amount':
        return [await notify(order, { amount: order.amount / 100n + wrongBy })]
      case 'tampered':
        return [await notify(order, { tampered: true })]
      default:
        return [await notify(order)]
    }
  }

  function returnUrlOf(order: VnpayOrder): string {
    return `${order.returnUrl}${order.returnUrl.includes('?') ? '&' : '?'}${notice(order)}`
  }

  server.setErrorHandler((error, _request, reply) => {
    if (!(error instanceof VnpayRefusal)) return reply.send(error)
    return reply
      .code(400)
      .type('text/html; charset=utf-8')
      .send(page('VNPAY', `<p>${escapeHtml(error.message)}</p>`))
  })
  server.get('/paymentv2/vpcpay.html', (request, reply) => {
    const query = request.url.split('?')[1] ?? ''
    return reply.type('text/html; charset=utf-8').send(payPage(open(query), query))
  })
  server.post('/act', async (request, reply) => {
    const form = fieldsOf(request.body)
    const action = vnpayActions.find((candidate) => candidate === form.get('action'))
    if (action === undefined) throw new VnpayRefusal('Không có lựa chọn này / No such choice')
    const order = open(String(form.get('query') ?? ''))
    await act(order, action)
    return await reply.redirect(returnUrlOf(order), 303)
  })
  server.post('/merchant_webapi/api/transaction', (request, reply) =>
    reply.send(answerRequest({ ...terminal, orders, requestIds }, fieldsOf(request.body))),
  )
  server.get('/', (_request, reply) =>
    reply.type('text/html; charset=utf-8').send(page('VNPAY', ordersTable([...orders.values()].reverse()))),
  )

  const baseUrl = await listen(server, host, port)
  const sandbox: VnpaySandbox = {
    baseUrl,
    callbackUrl: '',
    accountConfig: () => ({
      ...terminal,
      payUrl: `${baseUrl}/paymentv2/vpcpay.html`,
      apiUrl: `${baseUrl}/merchant_webapi/api/transaction`,
    }),
    async pay(payUrl, action) {
      const order = open(new URL(payUrl).search.slice(1))
      const acks = await act(order, action)
      return { txnRef: order.txnRef, transactionNo: order.transactionNo, acks, returnUrl: returnUrlOf(order) }
    },
    async resend(txnRef, lie = {}) {
      const order = orders.get(txnRef)
      if (order === undefined) throw new RangeError(`no order ${txnRef}`)
      return await notify(order, lie)
    },
    misbehave(how) {
      misbehaviour = how
    },
    close: () => server.close(),
  }
  return sandbox
}

function payPage(order: VnpayOrder, query: string): string {
  const buttons = vnpayActions.map((action) => `<button name="action" value="${action}">${labels[action]}</button>`)
  return page(
    'VNPAY',
    `<p><b>${vnd(order)}</b><br>${escapeHtml(order.fields.get('vnp_OrderInfo') ?? '')}<br><code>${escapeHtml(order.txnRef)}</code></p><form method="post" action="/act"><input type="hidden" name="query" value="${escapeHtml(query)}">${buttons.join('')}</form>`,
  )
}

function ordersTable(orders: readonly VnpayOrder[]): string {
  const rows = orders.map(
    (order) =>
      `<tr><td>${escapeHtml(order.txnRef)}</td><td>${vnd(order)}</td><td>${order.status}</td><td>${order.transactionNo}</td></tr>`,
  )
  return `<table><tr><th>Đơn / Order</th><th>Số tiền / Amount</th><th>Trạng thái / Status</th><th>Giao dịch / Transaction</th></tr>${rows.join('')}</table>`
}

function vnd({ amount }: VnpayOrder): string {
  return `${(amount / 100n).toLocaleString('vi-VN')} ₫`
}
