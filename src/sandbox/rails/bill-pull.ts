/**
 * A bank counter that asks the gateway what a code owes, takes the money and reports it (rails.md §3.2), in VietinBank's
 * message set: `inq-bill`, `notify-bill`, and `reverse-bill`, which is an extension agreed with the bank.
 */
import { compactTime } from '../bank-time.ts'
import { wrongBy } from '../behaviour.ts'
import type { SandboxContext } from '../context.ts'
import type { Callback, CallbackAnswer, Judgement } from '../notifier.ts'
import { both, dong, facts, html, money } from '../page.ts'
import { formOf, registerConsole, sendPage } from '../partner.ts'
import {
  acknowledgementMs,
  makeRailParts,
  type RailPartner,
  type Sending,
  unpublishedRetriesMs,
  usualLateMs,
} from '../rail-partner.ts'
import { isWayOf, wayForm } from '../ways.ts'
import { isTextSigned, type RsaPair, type RsaScheme, signText, spoilBase64 } from './rsa-text.ts'
import { type Credit, type NoticeTerms, readNoticeAnswer, sendNotice } from './vietinbank-notice.ts'
import { inquiryAnswerText, inquiryText, reversalText } from './vietinbank-wire.ts'

const ways = {
  success: ['Thu tiền', 'Take the money'],
  duplicate: ['Thu tiền, báo trùng', 'Take it, report twice'],
  'wrong-amount': ['Thu thừa 1.000 ₫', 'Take 1,000 VND more'],
  late: ['Thu tiền, báo muộn', 'Take it, report late'],
  tampered: ['Báo bị sửa', 'Forged report'],
} as const
export type BillPullWay = keyof typeof ways

export type Bill = {
  readonly custCode: string
  readonly custName: string
  readonly billId: string | null
  readonly amount: bigint
}
export type BillFinding =
  | { readonly kind: 'payable'; readonly bill: Bill }
  /** `02`, `99` … signed by the partner. */
  | { readonly kind: 'refused'; readonly errorCode: string; readonly errorDesc: string }
  /** Nothing a teller may act on. */
  | { readonly kind: 'worthless'; readonly why: string }

export type BillPullAccountConfig = {
  readonly profile: 'vietinbank'
  readonly signature: RsaScheme
  readonly privateKeyPem?: string
  readonly bankKeyPem: string
  readonly noticeProviderId: string
  readonly merchantId: string
  readonly receivingAccounts: readonly string[]
  readonly vacPrefix: string
  readonly duplicateAck: '00'
}
export type BillPullOptions = {
  readonly port?: number
  readonly bankKeys: RsaPair
  readonly gatewayKeys: { readonly publicKeyPem: string; readonly privateKeyPem?: string }
  readonly accountNumber?: string
  readonly signature?: RsaScheme
  readonly retryDelaysMs?: readonly number[]
  readonly lateMs?: number
}

export type BillPull = RailPartner<BillPullAccountConfig> & {
  /** Money taken, reversed or not. */
  readonly credits: readonly Credit[]
  inquire(custCode: string): Promise<BillFinding>
  /** Takes money for a bill and reports it; null is the report that comes late. */
  pay(bill: Bill, way: BillPullWay): Promise<Callback | null>
  sendCallback(transId: string, sending?: Sending): Promise<Callback>
  /** Takes a payment back; resolves with the partner's errorCode, or what was wrong with its answer. */
  reverse(transId: string, reason: string): Promise<string>
  close(): Promise<void>
}

const party = { noticeProviderId: '9480', merchantId: '1GOV', vacPrefix: '1GOV' } as const

export async function startBillPull(context: SandboxContext, options: BillPullOptions): Promise<BillPull> {
  const { bankKeys, gatewayKeys, accountNumber = '113366668888', signature: scheme = 'RSA-SHA256' } = options
  const parts = makeRailParts(context)
  const { behaviour, notifier, server, now } = parts
  const credits: Credit[] = []
  const terms: NoticeTerms = {
    providerId: party.noticeProviderId,
    accountNumber,
    bankPrivateKeyPem: bankKeys.privateKeyPem,
    gatewayPublicKeyPem: gatewayKeys.publicKeyPem,
    scheme,
    retryDelaysMs: options.retryDelaysMs ?? unpublishedRetriesMs,
    callbackUrl: () => bank.callbackUrl,
  }
  const sign = (text: string): string => {
    const signature = signText(text, bankKeys.privateKeyPem, scheme)
    return behaviour.current.badSignature ? spoilBase64(signature) : signature
  }

  /** One question to the gateway; its answer is kept like an acknowledgement. */
  async function ask(
    name: string,
    about: string,
    message: object,
    judge: (answer: CallbackAnswer) => Judgement,
  ): Promise<CallbackAnswer> {
    const url = bank.callbackUrl === null ? null : `${bank.callbackUrl}/vpg/collection/api/v1/${name}`
    const { acknowledgements } = await notifier.send({
      about,
      label: name,
      request: () =>
        url === null
          ? null
          : { method: 'POST', url, headers: { 'content-type': 'application/json' }, body: JSON.stringify(message) },
      judge,
      retryDelaysMs: [],
      timeoutMs: acknowledgementMs,
    })
    const [given] = acknowledgements
    return { status: given?.status ?? 0, contentType: given?.contentType ?? '', body: given?.body ?? '' }
  }

  async function inquire(custCode: string): Promise<BillFinding> {
    const transId = `i${parts.nextNumber()}`
    const data = { transId, transTime: compactTime(now()), custCode }
    const header = {
      ...{ msgId: transId, msgType: '1100', channelId: '211601', gatewayId: '', providerId: party.noticeProviderId },
      ...{
        merchantId: party.merchantId,
        productId: '900000',
        timestamp: data.transTime,
        recordNum: '1',
        version: '1.0',
      },
      ...{ language: 'vi', username: 'teller01', signature: sign(inquiryText(data)) },
    }
    const read = (answer: CallbackAnswer): BillFinding =>
      readInquiryAnswer(answer, data, gatewayKeys.publicKeyPem, scheme)
    const answer = await ask('inq-bill', custCode, { header, data }, (given) => {
      const finding = read(given)
      const meaning =
        finding.kind === 'worthless'
          ? finding.why
          : finding.kind === 'refused'
            ? `errorCode ${finding.errorCode}`
            : 'errorCode 00'
      return { asExpected: finding.kind !== 'worthless', ends: finding.kind !== 'worthless', meaning }
    })
    return read(answer)
  }

  async function reverse(transId: string, reason: string): Promise<string> {
    const credit = credits.find((taken) => taken.transId === transId)
    const number = parts.nextNumber()
    const reversal = {
      msgId: `r${number}`,
      providerId: party.noticeProviderId,
      transId: `r${number}`,
      orgTransId: transId,
      transTime: compactTime(now()),
      amount: (credit?.amount ?? 1n).toString(),
      reason,
    }
    const read = (answer: CallbackAnswer): ReturnType<typeof readNoticeAnswer> =>
      readNoticeAnswer(answer, reversal.transId, terms)
    const answer = await ask(
      'reverse-bill',
      transId,
      { ...reversal, signature: sign(reversalText(reversal)) },
      (given) => {
        const finding = read(given)
        const isRead = typeof finding !== 'string'
        return {
          asExpected: isRead && finding.isExact,
          ends: isRead,
          meaning: isRead ? `errorCode ${finding.errorCode}` : finding,
        }
      },
    )
    const given = read(answer)
    return typeof given === 'string' ? given : given.errorCode
  }

  function take(bill: Bill, amount: bigint): Credit {
    const number = parts.nextNumber()
    const credit = {
      ...{ transId: number, amount, custCode: bill.custCode, bankTransId: `165T${number}`, at: now() },
      remark: `THU HO ${bill.custCode}`,
    }
    credits.push(credit)
    if (credits.length > 5_000) credits.shift()
    return credit
  }

  function notify(credit: Credit, label: string, sending: Sending): Promise<Callback> {
    const { badSignature, wrongAmount } = behaviour.current
    return sendNotice(notifier, credit, terms, label, {
      ...sending,
      badSignature,
      ...(wrongAmount && sending.amount === undefined ? { amount: credit.amount + wrongBy } : {}),
    })
  }

  async function pay(bill: Bill, way: BillPullWay): Promise<Callback | null> {
    const credit = take(bill, bill.amount + (way === 'wrong-amount' ? wrongBy : 0n))
    if (way === 'tampered') {
      // No money was taken: somebody else wrote the report.
      credits.pop()
      return await notify(credit, way, { tampered: true })
    }
    if (way === 'late') {
      context.timers.after(options.lateMs ?? usualLateMs, () => void notify(credit, way, {}))
      return null
    }
    return await notify(credit, way, { duplicate: way === 'duplicate' })
  }

  const title = ['Quầy thu hộ (giả lập)', 'Bank counter (simulated)'] as const
  server.get('/counter', (_request, reply) =>
    sendPage(
      reply,
      ...title,
      html`<form method="post" action="/counter/bill"><label>${both('Mã nộp tiền', 'Pay code')}
<input name="code" maxlength="30" required></label><button class="main">${both('Tra cứu', 'Look up')}</button></form>`,
    ),
  )
  server.post('/counter/bill', async (request, reply) => {
    const finding = await inquire(`${party.vacPrefix}${(formOf(request).get('code') ?? '').trim().toUpperCase()}`)
    return await sendPage(reply, ...title, finding.kind === 'payable' ? billPage(finding.bill) : refusalPage(finding))
  })
  server.post('/counter/pay', async (request, reply) => {
    const form = formOf(request)
    const way = form.get('way') ?? ''
    const finding = await inquire(form.get('custCode') ?? '')
    if (!isWayOf(ways, way) || finding.kind !== 'payable')
      return await sendPage(
        reply,
        ...title,
        refusalPage(finding.kind === 'payable' ? { kind: 'worthless', why: 'no such choice' } : finding),
        400,
      )
    await pay(finding.bill, way)
    return await reply.redirect('/', 303)
  })
  registerConsole(server, {
    ...{ titleVi: title[0], titleEn: title[1], behaviour, notifier },
    config: () => bank.accountConfig(),
    transactions: () =>
      credits.map(({ transId, amount, custCode = '', at }) => ({
        transId,
        amount: dong(amount),
        custCode,
        at: at.toISOString(),
      })),
    extra: () => html`<p><a href="/counter">${both('Mở quầy', 'Open the counter')}</a></p>`,
  })
  const baseUrl = await parts.listen(options.port)

  const bank: BillPull = {
    ...{ baseUrl, callbackUrl: null, behaviour, notifier, callbacks: notifier.callbacks, credits },
    accountConfig: () => ({
      profile: 'vietinbank',
      signature: scheme,
      ...(gatewayKeys.privateKeyPem === undefined ? {} : { privateKeyPem: gatewayKeys.privateKeyPem }),
      bankKeyPem: bankKeys.publicKeyPem,
      receivingAccounts: [accountNumber],
      duplicateAck: '00',
      ...party,
    }),
    inquire,
    pay,
    reverse,
    async sendCallback(transId, sending = {}) {
      const credit = credits.find((taken) => taken.transId === transId)
      if (credit === undefined) throw new RangeError(`no payment ${transId}`)
      return await notify(credit, 'sent by hand', sending)
    },
    close: parts.close,
  }
  return bank
}

/** HTTP 200 always; 1110 for this very question, signed over its details. */
function readInquiryAnswer(
  { status, body }: CallbackAnswer,
  asked: { readonly transId: string; readonly transTime: string; readonly custCode: string },
  gatewayPublicKeyPem: string,
  scheme: RsaScheme,
): BillFinding {
  const worthless = (why: string): BillFinding => ({ kind: 'worthless', why })
  if (status !== 200) return worthless(`HTTP ${status}`)
  let answer: Record<string, unknown>
  try {
    answer = record(JSON.parse(body))
  } catch {
    return worthless('the answer is no JSON')
  }
  const header = record(answer.header)
  const data = record(answer.data)
  const { errorCode = '', errorDesc = '' } = texts(record(data.errors))
  const details = texts(record(data.details))
  if (header.msgType !== '1110') return worthless('not an answer to inq-bill')
  if (!isTextSigned(inquiryAnswerText(details, errorCode), header.signature, gatewayPublicKeyPem, scheme))
    return worthless('the answer is not signed by the partner')
  if (details.transId !== asked.transId) return worthless('an answer to another question')
  if (errorCode !== '00') return { kind: 'refused', errorCode, errorDesc }
  const { custCode = '', custName = '', billId, amount = '', transTime } = details
  if (custCode !== asked.custCode || transTime !== asked.transTime || !/^[1-9]\d{0,14}$/.test(amount))
    return worthless('the details are not those of the question')
  return { kind: 'payable', bill: { custCode, custName, billId: billId ?? null, amount: BigInt(amount) } }
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {}
}

function texts(fields: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  )
}

function billPage(bill: Bill): ReturnType<typeof html> {
  return html`${facts([
    ['Người nộp', 'Payer', bill.custName],
    ['Số tiền', 'Amount', money(bill.amount)],
    ['Mã hoá đơn', 'Bill', bill.billId ?? ''],
  ])}${wayForm('/counter/pay', { custCode: bill.custCode }, ways)}`
}

function refusalPage(finding: Exclude<BillFinding, { kind: 'payable' }>): ReturnType<typeof html> {
  const why = finding.kind === 'refused' ? `${finding.errorCode} ${finding.errorDesc}` : finding.why
  return html`<p>${both('Không thu được khoản này', 'Cannot be paid here')}: ${why}</p>`
}
