/**
 * VietinBank's side of paying by account with a one-time code (rails.md §3.3): `paymentByOTP`, `verifyPin`,
 * `transactionInquiry`, a phone that shows the codes, the credit notice of §3.1 and the statement call of §3.4. Test cards choose
 * what happens.
 */
import { wrongBy } from '../behaviour.ts'
import { keep, type SandboxContext } from '../context.ts'
import type { Callback } from '../notifier.ts'
import { both, dong, html, table } from '../page.ts'
import { formOf, jsonOf, registerConsole, sendPage } from '../partner.ts'
import {
  makeRailParts,
  type RailPartner,
  type Sending,
  unpublishedRetriesMs,
  usualLateMs,
  usualPendingMs,
} from '../rail-partner.ts'
import { isTextSigned, type RsaPair, type RsaScheme, signText, spoilBase64 } from './rsa-text.ts'
import { type Credit, type NoticeTerms, sendNotice } from './vietinbank-notice.ts'
import { type Answer, codes, createPaymentBook, testCards, type VietinbankPayment } from './vietinbank-payments.ts'
import { answerStatement, statementTerms } from './vietinbank-statement.ts'
import { answerText, callText, type Fields, isCall, readCall, type VietinbankCall } from './vietinbank-wire.ts'

export { testCards, type VietinbankPayment, type VietinbankWay } from './vietinbank-payments.ts'

export type VietinbankAccountConfig = {
  readonly signature: RsaScheme
  /** The partner's key, when the simulator made it; a gateway with a key of its own puts that here. */
  readonly privateKeyPem?: string
  readonly bankKeyPem: string
  readonly noticeProviderId: string
  readonly receivingAccounts: readonly string[]
  readonly vacPrefix: string
  readonly duplicateAck: '00'
  readonly baseUrl: string
  readonly clientId: string
  readonly clientSecret: string
  readonly providerId: string
  readonly merchantId: string
  readonly verifyBy: string
  readonly queryType: string
  readonly declinedCodes: readonly string[]
  readonly inquiryNotFoundCodes: readonly string[]
  readonly statement: { readonly url: string } & typeof statementTerms
}

export type VietinbankOptions = {
  readonly port?: number
  readonly bankKeys: RsaPair
  /** What verifies the gateway's signatures; with the private half, `accountConfig` hands it out. */
  readonly gatewayKeys: { readonly publicKeyPem: string; readonly privateKeyPem?: string }
  readonly clientId: string
  readonly clientSecret: string
  readonly accountNumber?: string
  readonly signature?: RsaScheme
  /** The bank's own waits are not published; these are ours. */
  readonly retryDelaysMs?: readonly number[]
  readonly lateMs?: number
  /** How long `pending-then-success` stays pending. */
  readonly pendingMs?: number
}

export type Vietinbank = RailPartner<VietinbankAccountConfig> & {
  readonly payments: ReadonlyMap<string, VietinbankPayment>
  readonly credits: readonly Credit[]
  readonly testCards: typeof testCards
  /** The code the bank texted for a payment; null when it knows no such payment. */
  otpOf(requestId: string): string | null
  /** Money by plain transfer, or to a virtual account (`custCode`), and its notice. */
  credit(money: { amount: bigint; remark: string; custCode?: string }, sending?: Sending): Promise<Callback>
  /** Sends the notice of a credit again. */
  sendCallback(transId: string, sending?: Sending): Promise<Callback>
  close(): Promise<void>
}

const party = {
  noticeProviderId: '9111',
  providerId: 'GOVGW',
  merchantId: 'GOVGW01',
  verifyBy: 'OTPPAY',
  queryType: 'PAY',
} as const

const unknownCaller = {
  httpCode: '401',
  httpMessage: 'Unauthorized',
  moreInformation: 'Client id or secret not registered',
}

export async function startVietinbank(context: SandboxContext, options: VietinbankOptions): Promise<Vietinbank> {
  const {
    bankKeys,
    gatewayKeys,
    clientId,
    clientSecret,
    accountNumber = '113366668888',
    signature: scheme = 'RSA-SHA256',
  } = options
  const { lateMs = usualLateMs, pendingMs = usualPendingMs } = options
  const parts = makeRailParts(context)
  const { behaviour, notifier, server, now } = parts
  const usedRequestIds = new Map<string, true>()
  const credits: Credit[] = []
  const terms: NoticeTerms = {
    providerId: party.noticeProviderId,
    accountNumber,
    bankPrivateKeyPem: bankKeys.privateKeyPem,
    gatewayPublicKeyPem: gatewayKeys.publicKeyPem,
    scheme,
    retryDelaysMs: options.retryDelaysMs ?? unpublishedRetriesMs,
    callbackUrl: () => vietinbank.callbackUrl,
  }

  function notify(credit: Credit, label: string, sending: Sending): Promise<Callback> {
    const { badSignature, wrongAmount } = behaviour.current
    return sendNotice(notifier, credit, terms, label, {
      ...sending,
      badSignature,
      ...(wrongAmount && sending.amount === undefined ? { amount: credit.amount + wrongBy } : {}),
    })
  }

  function book(money: { amount: bigint; remark: string; custCode?: string }): Credit {
    const number = parts.nextNumber()
    const bankTransId = `164T${number}`
    const credit = {
      ...money,
      transId: number,
      bankTransId,
      remark: `CT DEN:${bankTransId} ${money.remark}`.slice(0, 200),
      at: now(),
    }
    credits.push(credit)
    if (credits.length > 5_000) credits.shift()
    return credit
  }

  const { payments, answer } = createPaymentBook(context, {
    now,
    pendingMs,
    debit({ amount, remark, way }) {
      const credit = book({ amount: way === 'wrong-amount' ? amount + wrongBy : amount, remark })
      const sending = { duplicate: way === 'duplicate' }
      if (way === 'late') context.timers.after(lateMs, () => void notify(credit, way, sending))
      else void notify(credit, way, sending)
      return credit.bankTransId
    },
    forge({ amount, remark }) {
      const invented = book({ amount, remark })
      credits.pop()
      void notify(invented, 'tampered', { tampered: true })
    },
  })

  function answerOf(call: VietinbankCall, fields: Fields | null): Answer {
    if (fields === null) return { code: 'malformed' }
    if (!isTextSigned(callText(call, fields), fields.signature, gatewayKeys.publicKeyPem, scheme))
      return { code: 'badSignature' }
    if (fields.providerId !== party.providerId || fields.merchantId !== party.merchantId) return { code: 'malformed' }
    const requestId = fields.requestId ?? ''
    if (usedRequestIds.has(requestId)) return { code: 'repeatedRequest' }
    keep(usedRequestIds, requestId, true)
    return answer(call, fields)
  }

  server.post<{ Params: { call: string } }>('/v1/ewallet/:call', async (request, reply) => {
    const { call } = request.params
    if (request.headers['x-ibm-client-id'] !== clientId || request.headers['x-ibm-client-secret'] !== clientSecret)
      return await reply.code(401).send(unknownCaller)
    const body = jsonOf(request)
    if (!isCall(call) || body === null) return await reply.code(404).send({ httpCode: '404', httpMessage: 'Not Found' })
    const { code, bankTransactionId = '', silent = false } = answerOf(call, readCall(call, body))
    if (silent) return reply.hijack()
    const requestId = typeof body.requestId === 'string' ? body.requestId : ''
    const [status, message] = codes[code]
    const signature = signText(
      answerText(requestId, party.providerId, party.merchantId, status),
      bankKeys.privateKeyPem,
      scheme,
    )
    return await reply.send({
      providerId: party.providerId,
      merchantId: party.merchantId,
      requestId,
      bankTransactionId,
      status: { code: status, message },
      signature: behaviour.current.badSignature ? spoilBase64(signature) : signature,
    })
  })
  server.post('/v1/statement/inquiry', async (request, reply) => {
    if (request.headers['x-ibm-client-id'] !== clientId || request.headers['x-ibm-client-secret'] !== clientSecret)
      return await reply.code(401).send(unknownCaller)
    return await reply.send(
      answerStatement(jsonOf(request) ?? {}, {
        ...{ credits, accountNumber, bankKeys, scheme, providerId: party.providerId, merchantId: party.merchantId },
        gatewayPublicKeyPem: gatewayKeys.publicKeyPem,
        badSignature: behaviour.current.badSignature,
      }),
    )
  })
  server.get('/phone', (_request, reply) =>
    sendPage(
      reply,
      'Điện thoại của người nộp',
      "The payer's phone",
      html`<p>${both('Tin nhắn từ ngân hàng, mới nhất trước.', 'Messages of the bank, newest first.')}</p>
${table(
  [...payments.values()]
    .slice(-20)
    .reverse()
    .map(({ otp, amount, billNo, codeSentAt }) => ({
      OTP: otp,
      amount: dong(amount),
      billNo,
      at: codeSentAt.toISOString(),
    })),
)}`,
    ),
  )
  server.post('/sandbox/credit', async (request, reply) => {
    const form = formOf(request)
    const [amount, remark, custCode] = [form.get('amount') ?? '', form.get('remark') ?? '', form.get('custCode') ?? '']
    if (!/^[1-9]\d{0,11}$/.test(amount)) return await sendPage(reply, 'Sai số tiền', 'Not an amount', html``, 400)
    await vietinbank.credit({ amount: BigInt(amount), remark, ...(custCode === '' ? {} : { custCode }) })
    return await reply.redirect('/', 303)
  })
  registerConsole(server, {
    titleVi: 'VietinBank (giả lập)',
    titleEn: 'VietinBank (simulated)',
    behaviour,
    notifier,
    config: () => vietinbank.accountConfig(),
    transactions: () =>
      [...payments.values()].map(({ requestId, amount, billNo, way, state, bankTransactionId }) => ({
        ...{ requestId, amount: dong(amount), billNo, card: way, state, bankTransactionId },
      })),
    extra: () => html`<p><a href="/phone">${both('Điện thoại nhận mã OTP', 'Phone that receives the codes')}</a></p>
<h2>${both('Thẻ thử', 'Test cards')}</h2>${table(Object.entries(testCards).map(([way, card]) => ({ card, way })))}
<h2>${both('Báo có', 'Send a credit')}</h2><form method="post" action="/sandbox/credit">
<label>${both('Số tiền', 'Amount')} <input name="amount" inputmode="numeric" required></label>
<label>${both('Nội dung', 'Text')} <input name="remark" maxlength="150"></label>
<label>${both('Tài khoản ảo', 'Virtual account')} <input name="custCode" maxlength="25"></label>
<button>${both('Chuyển tiền', 'Transfer')}</button></form>`,
  })
  const baseUrl = await parts.listen(options.port)

  const vietinbank: Vietinbank = {
    baseUrl,
    callbackUrl: null,
    behaviour,
    notifier,
    callbacks: notifier.callbacks,
    payments,
    credits,
    testCards,
    accountConfig: () => ({
      signature: scheme,
      ...(gatewayKeys.privateKeyPem === undefined ? {} : { privateKeyPem: gatewayKeys.privateKeyPem }),
      bankKeyPem: bankKeys.publicKeyPem,
      receivingAccounts: [accountNumber],
      vacPrefix: '1GOV',
      duplicateAck: '00',
      baseUrl: `${baseUrl}/v1/ewallet`,
      clientId,
      clientSecret,
      ...party,
      declinedCodes: [codes.locked[0], codes.codeExpired[0], codes.noFunds[0]],
      inquiryNotFoundCodes: [codes.notFound[0]],
      statement: { url: `${baseUrl}/v1/statement/inquiry`, ...statementTerms },
    }),
    otpOf: (requestId) => payments.get(requestId)?.otp ?? null,
    credit: (money, sending = {}) => notify(book(money), 'credit', sending),
    async sendCallback(transId, sending = {}) {
      const credit = credits.find((booked) => booked.transId === transId)
      if (credit === undefined) throw new RangeError(`no credit ${transId}`)
      return await notify(credit, 'sent by hand', sending)
    },
    close: parts.close,
  }
  return vietinbank
}
