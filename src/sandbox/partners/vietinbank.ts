/** VietinBank seen from the other side (rails.md §3.1, §3.3): debit with a one-time code, inquiry, signed credit notice. */
import { generateKeyPairSync, randomInt, sign, verify } from 'node:crypto'
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

type Payment = {
  readonly requestId: string
  readonly amount: string
  readonly billNo: string
  readonly remark: string
  readonly otp: string
  tries: number
  paid: boolean
  bankTransactionId: string
}

export type VietinbankSandbox = Partner & {
  callbackUrl: string
  /** Whether a signed credit notice follows a payment. */
  notifies: boolean
  accountConfig(): Record<string, unknown>
  /** The code the payer's phone got for this payment. */
  lastOtp(requestId: string): string | undefined
  notify(requestId: string, over?: { tampered?: boolean }): Promise<Ack>
  misbehave(how: Misbehaviour): void
}

const orders: Record<string, readonly string[]> = {
  paymentByOTP: [
    'token',
    'tokenIssueDate',
    'amount',
    'currencyCode',
    'transTime',
    'clientIP',
    'payMethod',
    'goodsType',
    'billNo',
    'remark',
    'providerId',
    'merchantId',
    'channel',
    'version',
    'language',
    'mac',
  ],
  verifyPin: [
    'otp',
    'verifyTransactionId',
    'verifyBy',
    'transTime',
    'clientIP',
    'requestId',
    'providerId',
    'merchantId',
    'channel',
    'version',
    'language',
    'mac',
  ],
  transactionInquiry: [
    'queryTransactionId',
    'queryType',
    'providerId',
    'merchantId',
    'channel',
    'version',
    'language',
    'mac',
  ],
}
const providerId = 'FEEGATE'
const merchantId = 'FEEGATE01'
const noticeProviderId = '9111'
const mostTries = 3

export async function startVietinbank({
  host,
  port,
  now,
}: {
  host: string
  port: number
  now: () => Date
}): Promise<VietinbankSandbox> {
  const bankKeys = generateKeyPairSync('rsa', { modulusLength: 2048 })
  // In life the partner makes its own key and sends a certificate; here both ends are handed out by the sandbox.
  const partnerKeys = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const payments = new Map<string, Payment>()
  let misbehaviour: Misbehaviour = {}
  let sequence = 501_690_000
  const server = createPartner()
  const signed = (text: string): string =>
    sign('sha256', Buffer.from(text, 'utf8'), bankKeys.privateKey).toString('base64')

  for (const [name, fields] of Object.entries(orders)) {
    server.post<{ Body: Record<string, unknown> }>(`/ewallet/${name}`, async (request, reply) => {
      if (misbehaviour.slowMs !== undefined) await wait(misbehaviour.slowMs)
      if (misbehaviour.status500 === true) return reply.code(500).send()
      const value = (field: string): string => String(request.body[field] ?? '')
      const genuine = verify(
        'sha256',
        Buffer.from(fields.map(value).join(''), 'utf8'),
        partnerKeys.publicKey,
        Buffer.from(value('signature'), 'base64'),
      )
      const known =
        value('providerId') === providerId &&
        value('merchantId') === merchantId &&
        request.headers['x-ibm-client-id'] === 'demo-client'
      const { code, message, bankTransactionId } =
        genuine && known ? handle(name, value) : { code: '01', message: 'Invalid signature', bankTransactionId: '' }
      const requestId = value('requestId')
      if (misbehaviour.dropAfterEffect === true) {
        request.raw.socket.destroy()
        return reply
      }
      return reply.send({
        requestId,
        providerId,
        merchantId,
        status: { code, message },
        bankTransactionId,
        signature: signed(requestId + providerId + merchantId + code),
      })
    })
  }

  function handle(
    name: string,
    value: (field: string) => string,
  ): { code: string; message: string; bankTransactionId: string } {
    const answer = (code: string, message: string, bankTransactionId = '') => ({ code, message, bankTransactionId })
    if (name === 'paymentByOTP') {
      if (payments.has(value('requestId'))) return answer('07', 'Duplicate requestId')
      if (!/^\d{4,20}$/.test(value('token'))) return answer('12', 'Card not found')
      const otp = String(randomInt(0, 1_000_000)).padStart(6, '0')
      payments.set(value('requestId'), {
        requestId: value('requestId'),
        amount: value('amount'),
        billNo: value('billNo'),
        remark: value('remark'),
        otp,
        tries: 0,
        paid: false,
        bankTransactionId: '',
      })
      return answer('00', 'OTP sent')
    }
    if (name === 'verifyPin') {
      const payment = payments.get(value('verifyTransactionId'))
      if (payment === undefined || payment.tries >= mostTries) return answer('99', 'Transaction not available')
      payment.tries += 1
      if (payment.otp !== value('otp')) return answer('13', 'Wrong OTP')
      if (!payment.paid) {
        payment.paid = true
        payment.bankTransactionId = `164T${localStamp(now()).slice(2, 8)}${++sequence}`
        if (vietinbank.notifies && vietinbank.callbackUrl !== '')
          setTimeout(() => void vietinbank.notify(payment.requestId).catch(() => {}), 50)
      }
      return answer('00', 'Success', payment.bankTransactionId)
    }
    const payment = payments.get(value('queryTransactionId'))
    if (payment === undefined) return answer('02', 'Not found')
    return payment.paid ? answer('00', 'Success', payment.bankTransactionId) : answer('09', 'Waiting for OTP')
  }

  server.get('/phone', (_request, reply) => {
    const rows = [...payments.values()]
      .reverse()
      .map(
        (payment) =>
          `<tr><td>${escape(payment.requestId)}</td><td>${escape(payment.amount)} ₫</td><td><b>${payment.paid ? '✓' : payment.otp}</b></td></tr>`,
      )
    return reply
      .type('text/html; charset=utf-8')
      .send(
        page(
          'Điện thoại người nộp / Payer’s phone',
          `<table><tr><th>Giao dịch</th><th>Số tiền</th><th>OTP</th></tr>${rows.join('')}</table>`,
        ),
      )
  })

  const baseUrl = await listen(server, host, port)
  const vietinbank: VietinbankSandbox = {
    baseUrl,
    callbackUrl: '',
    notifies: false,
    accountConfig: () => ({
      privateKeyPem: partnerKeys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      bankKeyPem: bankKeys.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      noticeProviderId,
      receivingAccounts: ['113366668888'],
      baseUrl: `${baseUrl}/ewallet`,
      clientId: 'demo-client',
      clientSecret: 'demo-client-secret',
      providerId,
      merchantId,
      verifyBy: 'OTPPAY',
      queryType: 'PAY',
    }),
    lastOtp: (requestId) => payments.get(requestId)?.otp,
    async notify(requestId, over = {}) {
      const payment = payments.get(requestId)
      if (payment === undefined) throw new Error(`no payment ${requestId}`)
      const notice = {
        msgId: `m${++sequence}`,
        providerId: noticeProviderId,
        transId: `T${requestId}`,
        transTime: localStamp(now()),
        transType: 'C',
        custCode: '',
        recvAcctId: '113366668888',
        amount: payment.amount,
        bankTransId: payment.bankTransactionId,
        remark: `${payment.remark} ${requestId}`,
        currencyCode: 'VND',
      }
      const text =
        notice.transId + notice.transTime + notice.custCode + notice.amount + notice.bankTransId + notice.remark
      const answer = await fetch(`${vietinbank.callbackUrl}/api/v1/notify-bill`, {
        method: 'POST',
        signal: AbortSignal.timeout(15_000),
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          ...notice,
          ...(over.tampered === true ? { amount: `${notice.amount}0` } : {}),
          signature: signed(text),
        }),
      })
      const body = await answer.text()
      const told = JSON.parse(body) as Record<string, string>
      const genuine = verify(
        'sha256',
        Buffer.from(`${told.transId ?? ''}${told.errorCode ?? ''}${told.errorDesc ?? ''}`),
        partnerKeys.publicKey,
        Buffer.from(told.signature ?? '', 'base64'),
      )
      return { status: answer.status, body, expected: answer.status === 200 && genuine, code: told.errorCode ?? '' }
    },
    misbehave(how) {
      misbehaviour = how
    },
    close: () => server.close(),
  }
  return vietinbank
}
