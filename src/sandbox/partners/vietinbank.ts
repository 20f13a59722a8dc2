/** VietinBank seen from the other side (rails.md §3.1, §3.3): debit with a one-time code, inquiry, signed credit notice. */
import { createPublicKey, generateKeyPairSync, randomBytes, randomInt } from 'node:crypto'
import { type Ack, callGateway } from './acknowledgement.ts'
import {
  callText,
  isTextSigned,
  noticeText,
  signText,
  type VietinbankCall,
  vietinbankCalls,
} from './vietinbank-wire.ts'
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
} from './web.ts'

type Payment = {
  readonly requestId: string
  readonly amount: string
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
  /** What the adapter is configured with; the partner's private key only while the sandbox itself made the pair. */
  accountConfig(): Record<string, unknown>
  /** From now on only this key verifies the gateway's signatures. */
  trust(publicKeyPem: string): void
  /** The code the payer's phone got for this payment. */
  lastOtp(requestId: string): string | undefined
  notify(requestId: string, over?: { tampered?: boolean }): Promise<Ack>
  misbehave(how: Misbehaviour): void
}

type Answer = { readonly code: string; readonly message: string; readonly bankTransactionId: string }

const providerId = 'FEEGATE'
const merchantId = 'FEEGATE01'
const noticeProviderId = '9111'
const accountNumber = '113366668888'
const mostTries = 3
const notifyAfterMs = 50

export async function startVietinbank({ host, port, now, log }: PartnerOptions): Promise<VietinbankSandbox> {
  const bankKeys = generateKeyPairSync('rsa', { modulusLength: 2048 })
  // In life the partner makes its own key and sends a certificate: `trust`. Until then the sandbox hands out both ends.
  const madeKeys = generateKeyPairSync('rsa', { modulusLength: 2048 })
  let partnerKey = madeKeys.publicKey
  const client = { clientId: 'demo-client', clientSecret: randomBytes(16).toString('hex') }
  const payments = new Map<string, Payment>()
  let misbehaviour: Misbehaviour = {}
  // Never the same again after a restart: a bank's transaction numbers are unique for ever.
  let sequence = now().getTime()
  const server = createPartner()
  disturb(server, '/ewallet/', () => misbehaviour)

  for (const call of vietinbankCalls) {
    server.post(`/ewallet/${call}`, async (request, reply) => {
      const body = fieldsOf(request.body)
      const value = (name: string): string => String(body.get(name) ?? '')
      const isKnown =
        value('providerId') === providerId &&
        value('merchantId') === merchantId &&
        request.headers['x-ibm-client-id'] === client.clientId &&
        request.headers['x-ibm-client-secret'] === client.clientSecret
      const { code, message, bankTransactionId } =
        isKnown && isTextSigned(callText(call, value), value('signature'), partnerKey)
          ? handle(call, value)
          : answer('01', 'Invalid signature')
      const requestId = value('requestId')
      return await reply.send({
        requestId,
        providerId,
        merchantId,
        status: { code, message },
        bankTransactionId,
        signature: signText(requestId + providerId + merchantId + code, bankKeys.privateKey),
      })
    })
  }

  function handle(call: VietinbankCall, value: (name: string) => string): Answer {
    switch (call) {
      case 'paymentByOTP': {
        const requestId = value('requestId')
        if (
          !/^\d{1,12}$/.test(requestId) ||
          !/^[1-9]\d{0,14}$/.test(value('amount')) ||
          value('currencyCode') !== 'VND'
        )
          return answer('99', 'Malformed request')
        if (payments.has(requestId)) return answer('07', 'Duplicate requestId')
        if (!/^\d{4,20}$/.test(value('token'))) return answer('12', 'Card not found')
        payments.set(requestId, {
          requestId,
          amount: value('amount'),
          remark: value('remark'),
          otp: String(randomInt(0, 1_000_000)).padStart(6, '0'),
          tries: 0,
          paid: false,
          bankTransactionId: '',
        })
        return answer('00', 'OTP sent')
      }
      case 'verifyPin': {
        const payment = payments.get(value('verifyTransactionId'))
        if (payment === undefined) return answer('99', 'Transaction not available')
        // The same right code again gets the same answer and debits nothing.
        if (payment.paid && payment.otp === value('otp')) return answer('00', 'Success', payment.bankTransactionId)
        if (payment.paid || payment.tries >= mostTries) return answer('99', 'Transaction not available')
        payment.tries += 1
        if (payment.otp !== value('otp')) return answer('13', 'Wrong OTP')
        debit(payment)
        return answer('00', 'Success', payment.bankTransactionId)
      }
      case 'transactionInquiry': {
        const payment = payments.get(value('queryTransactionId'))
        if (payment === undefined) return answer('02', 'Not found')
        return payment.paid ? answer('00', 'Success', payment.bankTransactionId) : answer('09', 'Waiting for OTP')
      }
    }
  }

  function debit(payment: Payment): void {
    payment.paid = true
    payment.bankTransactionId = `164T${localStamp(now()).slice(2, 8)}${++sequence}`
    if (!vietinbank.notifies || vietinbank.callbackUrl === '') return
    // After the answer to the call; `notify` itself never rejects for a payment that exists.
    setTimeout(() => void vietinbank.notify(payment.requestId), notifyAfterMs)
  }

  server.get('/phone', (_request, reply) => {
    const rows = [...payments.values()]
      .reverse()
      .map(
        ({ requestId, amount, paid, otp }) =>
          `<tr><td>${escapeHtml(requestId)}</td><td>${escapeHtml(amount)} ₫</td><td><b>${paid ? '✓' : otp}</b></td></tr>`,
      )
    const table = `<table><tr><th>Giao dịch / Payment</th><th>Số tiền / Amount</th><th>OTP</th></tr>${rows.join('')}</table>`
    return reply.type('text/html; charset=utf-8').send(page('Điện thoại người nộp / Payer’s phone', table))
  })
  server.get('/', (_request, reply) => reply.redirect('/phone', 302))

  const baseUrl = await listen(server, host, port)
  const vietinbank: VietinbankSandbox = {
    baseUrl,
    callbackUrl: '',
    notifies: false,
    accountConfig: () => ({
      ...(partnerKey === madeKeys.publicKey
        ? { privateKeyPem: madeKeys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
        : {}),
      bankKeyPem: bankKeys.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      noticeProviderId,
      receivingAccounts: [accountNumber],
      baseUrl: `${baseUrl}/ewallet`,
      ...client,
      providerId,
      merchantId,
      verifyBy: 'OTPPAY',
      queryType: 'PAY',
    }),
    trust(publicKeyPem) {
      partnerKey = createPublicKey(publicKeyPem)
    },
    lastOtp: (requestId) => payments.get(requestId)?.otp,
    async notify(requestId, over = {}) {
      const payment = payments.get(requestId)
      if (payment === undefined) throw new RangeError(`no payment ${requestId}`)
      const notice = {
        msgId: `m${++sequence}`,
        providerId: noticeProviderId,
        transId: `T${requestId}`,
        transTime: localStamp(now()),
        transType: 'C',
        custCode: '',
        recvAcctId: accountNumber,
        amount: payment.amount,
        bankTransId: payment.bankTransactionId,
        remark: `${payment.remark} ${requestId}`,
        currencyCode: 'VND',
      }
      const signature = signText(noticeText(notice), bankKeys.privateKey)
      const amount = over.tampered === true ? `${notice.amount}0` : notice.amount
      const message = {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...notice, amount, signature }),
      }
      const ack = await callGateway(`${vietinbank.callbackUrl}/api/v1/notify-bill`, message, judge)
      log.info({ requestId, status: ack.status, code: ack.code }, 'credit notice sent')
      return ack
    },
    misbehave(how) {
      misbehaviour = how
    },
    close: () => server.close(),
  }

  /** An answer the bank knows: HTTP 200 and signed by the partner (rails.md §3.1). Throws on what is no JSON. */
  function judge(status: number, body: string): Pick<Ack, 'expected' | 'code'> {
    const told = fieldsOf(JSON.parse(body))
    const value = (name: string): string => String(told.get(name) ?? '')
    const text = value('transId') + value('errorCode') + value('errorDesc')
    return { expected: status === 200 && isTextSigned(text, value('signature'), partnerKey), code: value('errorCode') }
  }
  return vietinbank
}

function answer(code: string, message: string, bankTransactionId = ''): Answer {
  return { code, message, bankTransactionId }
}
