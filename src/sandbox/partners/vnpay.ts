/** VNPAY seen from the other side (rails.md §1): pay page, IPN, query and refund service. Written from the protocol, not from our adapter. */
import { createHmac, randomBytes } from 'node:crypto'
import {
  type Ack,
  createPartner,
  escape,
  listen,
  localStamp,
  type Misbehaviour,
  type Partner,
  page,
  wait,
} from './web.ts'

export const vnpayActions = ['success', 'fail', 'late', 'duplicate', 'wrong-amount', 'tampered', 'held'] as const
export type VnpayAction = (typeof vnpayActions)[number]

type Order = {
  readonly fields: Map<string, string>
  transactionNo: string
  responseCode: string
  status: string
  payDate: string
  refunded: bigint
}

export type VnpaySandbox = Partner & {
  /** Where IPNs go: the base address of the rail account's callbacks. */
  callbackUrl: string
  accountConfig(): Record<string, string>
  /** What the buttons of the pay page do. */
  pay(
    payUrl: string,
    action: VnpayAction,
  ): Promise<{ txnRef: string; transactionNo: string; acks: Ack[]; returnUrl: string }>
  resend(txnRef: string, over?: { tampered?: boolean; amount?: bigint }): Promise<Ack>
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
const knownAnswers = /^\{"RspCode":"(00|01|02|04|97|99)","Message":"[A-Za-z ]+"\}$/
const lateMs = 8_000

export async function startVnpay({
  host,
  port,
  now,
}: {
  host: string
  port: number
  now: () => Date
}): Promise<VnpaySandbox> {
  const tmnCode = 'FGDEMO01'
  const hashSecret = randomBytes(24).toString('hex').toUpperCase()
  const orders = new Map<string, Order>()
  let misbehaviour: Misbehaviour = {}
  // Never the same again after a restart: a bank's transaction numbers are unique for ever.
  let sequence = now().getTime()
  const server = createPartner()

  const hmac = (text: string): string => createHmac('sha512', hashSecret).update(text, 'utf8').digest('hex')
  const sortedQuery = (fields: Iterable<readonly [string, string]>): string =>
    new URLSearchParams(
      [...fields]
        .filter(([name, value]) => name.startsWith('vnp_') && value !== '' && !name.startsWith('vnp_SecureHash'))
        .map(([name, value]): [string, string] => [name, value])
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    ).toString()

  function readOrder(query: string): Map<string, string> | string {
    const fields = new Map(new URLSearchParams(query))
    if (hmac(sortedQuery(fields)) !== fields.get('vnp_SecureHash')) return 'Sai chữ ký / Invalid signature (97)'
    if (fields.get('vnp_TmnCode') !== tmnCode) return 'Sai mã website / Unknown terminal'
    for (const name of [
      'vnp_Version',
      'vnp_Command',
      'vnp_Amount',
      'vnp_CreateDate',
      'vnp_IpAddr',
      'vnp_OrderInfo',
      'vnp_OrderType',
      'vnp_ReturnUrl',
      'vnp_ExpireDate',
      'vnp_TxnRef',
    ]) {
      if (!fields.has(name)) return `Thiếu / Missing ${name}`
    }
    if (!/^\d{1,12}$/.test(fields.get('vnp_Amount') ?? '')) return 'Sai số tiền / Bad amount'
    if ((fields.get('vnp_ExpireDate') ?? '') < localStamp(now())) return 'Hết hạn / Expired'
    return fields
  }

  function notice(order: Order, over: { amount?: bigint; tampered?: boolean } = {}): string {
    const { fields } = order
    const amount = over.amount === undefined ? (fields.get('vnp_Amount') ?? '') : (over.amount * 100n).toString()
    const told: [string, string][] = [
      ['vnp_TmnCode', tmnCode],
      ['vnp_Amount', amount],
      ['vnp_BankCode', 'NCB'],
      ['vnp_BankTranNo', `VNP${order.transactionNo}`],
      ['vnp_CardType', 'ATM'],
      ['vnp_PayDate', order.payDate],
      ['vnp_OrderInfo', fields.get('vnp_OrderInfo') ?? ''],
      ['vnp_TransactionNo', order.transactionNo],
      ['vnp_ResponseCode', order.responseCode],
      ['vnp_TransactionStatus', order.status],
      ['vnp_TxnRef', fields.get('vnp_TxnRef') ?? ''],
    ]
    const query = sortedQuery(told)
    const hash = hmac(query)
    return `${over.tampered === true ? query.replace(/vnp_Amount=\d+/, 'vnp_Amount=100') : query}&vnp_SecureHash=${hash}`
  }

  async function call(query: string): Promise<Ack> {
    const answer = await fetch(`${sandbox.callbackUrl}?${query}`, { signal: AbortSignal.timeout(15_000) })
    const body = await answer.text()
    const known = knownAnswers.exec(body)
    return { status: answer.status, body, expected: answer.status === 200 && known !== null, code: known?.[1] ?? '' }
  }

  async function act(fields: Map<string, string>, action: VnpayAction): Promise<{ order: Order; acks: Ack[] }> {
    // The bank takes its time: money and word both come late.
    if (action === 'late') await wait(lateMs)
    const failed = action === 'fail'
    const held = action === 'held'
    const order: Order = {
      fields,
      transactionNo: failed ? '0' : String(++sequence),
      responseCode: failed ? '24' : held ? '07' : '00',
      status: failed ? '02' : held ? '07' : '00',
      payDate: localStamp(now()),
      refunded: 0n,
    }
    orders.set(fields.get('vnp_TxnRef') ?? '', order)
    const amount = BigInt(fields.get('vnp_Amount') ?? '0') / 100n
    switch (action) {
      case 'duplicate':
        return { order, acks: [await call(notice(order)), await call(notice(order))] }
      case 'wrong-amount':
        return { order, acks: [await call(notice(order, { amount: amount + 1000n }))] }
      case 'tampered':
        return { order, acks: [await call(notice(order, { tampered: true }))] }
      default:
        return { order, acks: [await call(notice(order))] }
    }
  }

  server.get('/paymentv2/vpcpay.html', (request, reply) => {
    const query = (request.raw.url ?? '').split('?')[1] ?? ''
    const fields = readOrder(query)
    reply.type('text/html; charset=utf-8')
    if (typeof fields === 'string') return reply.code(400).send(page('VNPAY', `<p>${escape(fields)}</p>`))
    const amount = (BigInt(fields.get('vnp_Amount') ?? '0') / 100n).toLocaleString('vi-VN')
    const buttons = vnpayActions
      .map((action) => `<button name="action" value="${action}">${labels[action]}</button>`)
      .join('')
    return reply.send(
      page(
        'VNPAY',
        `<p><b>${amount} ₫</b><br>${escape(fields.get('vnp_OrderInfo') ?? '')}<br><code>${escape(fields.get('vnp_TxnRef') ?? '')}</code></p><form method="post" action="/act"><input type="hidden" name="query" value="${escape(query)}">${buttons}</form>`,
      ),
    )
  })
  server.post<{ Body: Record<string, string> }>('/act', async (request, reply) => {
    const fields = readOrder(request.body.query ?? '')
    const action = vnpayActions.find((candidate) => candidate === request.body.action)
    if (typeof fields === 'string' || action === undefined)
      return reply.code(400).type('text/html; charset=utf-8').send(page('VNPAY', '<p>?</p>'))
    const { order } = await act(fields, action)
    return reply.redirect(`${fields.get('vnp_ReturnUrl') ?? ''}?${notice(order)}`, 303)
  })

  server.post<{ Body: Record<string, string> }>('/merchant_webapi/api/transaction', async (request, reply) => {
    if (misbehaviour.slowMs !== undefined) await wait(misbehaviour.slowMs)
    if (misbehaviour.status500 === true) return reply.code(500).send()
    const body = request.body
    const command = body.vnp_Command ?? ''
    const value = (name: string): string => String(body[`vnp_${name}`] ?? '')
    const signed =
      command === 'refund'
        ? [
            'RequestId',
            'Version',
            'Command',
            'TmnCode',
            'TransactionType',
            'TxnRef',
            'Amount',
            'TransactionNo',
            'TransactionDate',
            'CreateBy',
            'CreateDate',
            'IpAddr',
            'OrderInfo',
          ]
        : [
            'RequestId',
            'Version',
            'Command',
            'TmnCode',
            'TxnRef',
            'TransactionDate',
            'CreateDate',
            'IpAddr',
            'OrderInfo',
          ]
    const order = orders.get(value('TxnRef'))
    let code = '00'
    if (hmac(signed.map(value).join('|')) !== body.vnp_SecureHash) code = '97'
    else if (value('TmnCode') !== tmnCode) code = '02'
    else if (order === undefined || order.fields.get('vnp_CreateDate') !== value('TransactionDate')) code = '91'
    const amount = command === 'refund' ? value('Amount') : (order?.fields.get('vnp_Amount') ?? '')
    if (command === 'refund' && code === '00' && order !== undefined) {
      const total = BigInt(order.fields.get('vnp_Amount') ?? '0')
      if (order.status !== '00') code = '95'
      else if (order.refunded + BigInt(amount) > total) code = '94'
      else order.refunded += BigInt(amount)
    }
    const found = code === '00' ? order : undefined
    const answer: Record<string, string> = {
      vnp_ResponseId: randomBytes(8).toString('hex'),
      vnp_Command: command,
      vnp_ResponseCode: code,
      vnp_Message: code === '00' ? 'Success' : 'Refused',
      vnp_TmnCode: tmnCode,
      vnp_TxnRef: value('TxnRef'),
      vnp_Amount: found === undefined ? '' : amount,
      vnp_BankCode: found === undefined ? '' : 'NCB',
      vnp_PayDate: found?.payDate ?? '',
      vnp_TransactionNo: found?.transactionNo ?? '',
      vnp_TransactionType: command === 'refund' ? value('TransactionType') : '01',
      vnp_TransactionStatus: command === 'refund' ? (found === undefined ? '09' : '00') : (found?.status ?? ''),
      vnp_OrderInfo: value('OrderInfo'),
    }
    const names = [
      'ResponseId',
      'Command',
      'ResponseCode',
      'Message',
      'TmnCode',
      'TxnRef',
      'Amount',
      'BankCode',
      'PayDate',
      'TransactionNo',
      'TransactionType',
      'TransactionStatus',
      'OrderInfo',
    ]
    const text = names.map((name) => answer[`vnp_${name}`] ?? '').join('|') + (command === 'refund' ? '' : '||')
    if (misbehaviour.dropAfterEffect === true) {
      request.raw.socket.destroy()
      return reply
    }
    return reply.send({
      ...Object.fromEntries(Object.entries(answer).filter(([, text]) => text !== '')),
      vnp_SecureHash: hmac(text),
    })
  })

  const baseUrl = await listen(server, host, port)
  const sandbox: VnpaySandbox = {
    baseUrl,
    callbackUrl: '',
    accountConfig: () => ({
      tmnCode,
      hashSecret,
      payUrl: `${baseUrl}/paymentv2/vpcpay.html`,
      apiUrl: `${baseUrl}/merchant_webapi/api/transaction`,
    }),
    async pay(payUrl, action) {
      const fields = readOrder(new URL(payUrl).search.slice(1))
      if (typeof fields === 'string') throw new Error(fields)
      const { order, acks } = await act(fields, action)
      return {
        txnRef: fields.get('vnp_TxnRef') ?? '',
        transactionNo: order.transactionNo,
        acks,
        returnUrl: `${fields.get('vnp_ReturnUrl') ?? ''}?${notice(order)}`,
      }
    },
    async resend(txnRef, over = {}) {
      const order = orders.get(txnRef)
      if (order === undefined) throw new Error(`no order ${txnRef}`)
      return await call(notice(order, over))
    },
    misbehave(how) {
      misbehaviour = how
    },
    close: () => server.close(),
  }
  return sandbox
}
