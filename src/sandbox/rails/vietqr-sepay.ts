/**
 * A bank app in which the payer scans a VietQR and transfers, and SePay, which tells the account's owner of the credit
 * (rails.md §2.8). The app lets the payer change amount and text: that is what payers do.
 */
import { createHmac } from 'node:crypto'
import { readableTime } from '../bank-time.ts'
import { type Behaviour, createBehaviour, wrongBy } from '../behaviour.ts'
import type { SandboxContext } from '../context.ts'
import { spoilHex } from '../mac.ts'
import {
  type Acknowledgement,
  type Callback,
  type CallbackRequest,
  createNotifier,
  type Judgement,
  type Notifier,
} from '../notifier.ts'
import { both, dong, facts, html } from '../page.ts'
import { createPartnerServer, formOf, listen, registerConsole, sendPage } from '../partner.ts'
import { readVietQr, type ScannedQr, UnreadableQr } from './vietqr-text.ts'

const ways = {
  success: ['Chuyển tiền', 'Transfer'],
  fail: ['Ngân hàng từ chối chuyển', 'Transfer declined'],
  late: ['Chuyển, báo có muộn', 'Transfer, notice late'],
  duplicate: ['Chuyển, báo có trùng', 'Transfer, notice twice'],
  'wrong-amount': ['Chuyển thừa 1.000 ₫', 'Transfer 1,000 VND more'],
  'edited-text': ['Xoá nội dung chuyển khoản', 'Transfer without the text'],
  tampered: ['Báo có giả chữ ký', 'Forged notice'],
} as const
export type VietqrWay = keyof typeof ways

/** SePay's notice of one movement on the account. */
export type SepayNotice = {
  readonly id: number
  readonly gateway: string
  readonly transactionDate: string
  readonly accountNumber: string
  readonly code: string | null
  readonly content: string
  readonly transferType: 'in' | 'out'
  readonly transferAmount: number
  readonly accumulated: number
  readonly subAccount: string | null
  readonly referenceCode: string
  readonly description: string
}

export type SepayAuth =
  | { readonly mode: 'hmac'; readonly secret: string }
  | { readonly mode: 'apikey'; readonly apiKey: string }

export type VietqrAccountConfig = {
  readonly bankBin: string
  readonly accountNumber: string
  readonly accountName: string
  readonly source: { readonly name: 'sepay' } & SepayAuth
}

export type VietqrOptions = {
  readonly port?: number
  readonly bankBin?: string
  readonly accountNumber: string
  readonly accountName?: string
  readonly auth: SepayAuth
  /** Waits before the seven repetitions. */
  readonly retryDelaysMs?: readonly number[]
  readonly lateMs?: number
}
export type VietqrTransfer = { readonly amount?: bigint; readonly content?: string }
export type SepaySending = { readonly tampered?: boolean; readonly duplicate?: boolean; readonly amount?: bigint }
export type VietqrPaid = {
  /** Null when no money moved. */
  readonly transaction: SepayNotice | null
  readonly callbackAcks: readonly Acknowledgement[]
}

export type Vietqr = {
  readonly baseUrl: string
  callbackUrl: string | null
  readonly behaviour: Behaviour
  readonly notifier: Notifier
  readonly callbacks: readonly Callback[]
  readonly transactions: readonly SepayNotice[]
  accountConfig(): VietqrAccountConfig
  /** What the bank app shows of a QR text; throws `UnreadableQr`. */
  scan(qrText: string): ScannedQr
  /** Scans and transfers; `transfer` is what the payer typed over. */
  pay(qrText: string, way: VietqrWay, transfer?: VietqrTransfer): Promise<VietqrPaid>
  /** A movement no QR asked for: money in by hand, or money out. */
  move(movement: { transferType: 'in' | 'out'; amount: bigint; content: string }): Promise<Callback>
  /** Sends the notice of a movement again. */
  sendCallback(id: number, sending?: SepaySending): Promise<Callback>
  close(): Promise<void>
}

const minuteMs = 60_000

/** Headers SePay authenticates a body with. */
export function sepayHeaders(body: string, auth: SepayAuth, at: Date): Record<string, string> {
  const headers = { 'content-type': 'application/json' }
  if (auth.mode === 'apikey') return { ...headers, authorization: `Apikey ${auth.apiKey}` }
  const timestamp = String(Math.floor(at.getTime() / 1000))
  const mac = createHmac('sha256', auth.secret).update(`${timestamp}.${body}`, 'utf8').digest('hex')
  return { ...headers, 'x-sepay-timestamp': timestamp, 'x-sepay-signature': `sha256=${mac}` }
}

export async function startVietqr(context: SandboxContext, options: VietqrOptions): Promise<Vietqr> {
  const { clock, timers } = context
  const {
    bankBin = '970422',
    accountNumber,
    accountName = 'KHO BAC SO TU PHAP',
    auth,
    lateMs = 20 * minuteMs,
  } = options
  const retryDelaysMs = options.retryDelaysMs ?? [1, 1, 2, 3, 5, 8, 13].map((minutes) => minutes * minuteMs)
  const behaviour = createBehaviour()
  const notifier = createNotifier(context, behaviour)
  const transactions: SepayNotice[] = []
  // From the clock: ids of an earlier run never come again.
  let lastId = clock.now().getTime()
  let balance = 0n
  const now = (): Date => new Date(clock.now().getTime() + behaviour.current.clockSkewMs)

  function book(transferType: 'in' | 'out', amount: bigint, content: string): SepayNotice {
    if (amount < 1n || amount >= 500_000_000n) throw new UnreadableQr('one transfer is below 500,000,000 VND')
    balance += transferType === 'in' ? amount : -amount
    const id = ++lastId
    const notice: SepayNotice = {
      id,
      gateway: 'MBBank',
      transactionDate: readableTime(now()),
      accountNumber,
      code: /\b[A-Z][0-9A-Z]{11}\b/.exec(content)?.[0] ?? null,
      content,
      transferType,
      transferAmount: Number(amount),
      accumulated: Number(balance),
      subAccount: null,
      referenceCode: `FT${id}`,
      description: `BankAPINotify ${content}`,
    }
    transactions.push(notice)
    if (transactions.length > 5_000) transactions.shift()
    return notice
  }

  async function notify(notice: SepayNotice, label: string, sending: SepaySending): Promise<Callback> {
    const isForged = (): boolean => sending.tampered === true || behaviour.current.badSignature
    const told = sending.amount ?? BigInt(notice.transferAmount) + (behaviour.current.wrongAmount ? wrongBy : 0n)
    const body = JSON.stringify({ ...notice, transferAmount: Number(told) })
    const request = (): CallbackRequest | null => {
      if (vietqr.callbackUrl === null) return null
      const headers = sepayHeaders(body, auth, now())
      if (isForged()) {
        const name = auth.mode === 'hmac' ? 'x-sepay-signature' : 'authorization'
        headers[name] = spoilHex(headers[name] ?? '')
      }
      return { method: 'POST', url: vietqr.callbackUrl, headers, body }
    }
    return await notifier.send({
      about: notice.code ?? String(notice.id),
      label,
      request,
      judge: (answer) => judge(answer, isForged()),
      retryDelaysMs: sending.tampered === true ? [] : retryDelaysMs,
      timeoutMs: 30_000,
      copies: sending.duplicate === true ? 2 : 1,
    })
  }

  async function pay(qrText: string, way: VietqrWay, typed: VietqrTransfer): Promise<VietqrPaid> {
    const order = readVietQr(qrText)
    if (order.bankBin !== bankBin || order.accountNumber !== accountNumber)
      throw new UnreadableQr('no such account at this bank')
    const amount = (typed.amount ?? order.amount ?? 0n) + (way === 'wrong-amount' ? wrongBy : 0n)
    const content = way === 'edited-text' ? 'nop tien ho so' : (typed.content ?? order.purpose)
    if (way === 'fail') return { transaction: null, callbackAcks: [] }
    if (way === 'tampered') {
      // No money moved: somebody else wrote the notice.
      const invented: SepayNotice = { ...book('in', amount, content) }
      transactions.pop()
      balance -= amount
      const { acknowledgements } = await notify(invented, way, { tampered: true })
      return { transaction: null, callbackAcks: acknowledgements }
    }
    const transaction = book('in', amount, content)
    if (way === 'late') {
      timers.after(lateMs, () => {
        void notify(transaction, way, {})
      })
      return { transaction, callbackAcks: [] }
    }
    const { acknowledgements } = await notify(transaction, way, { duplicate: way === 'duplicate' })
    return { transaction, callbackAcks: acknowledgements }
  }

  const server = createPartnerServer(behaviour, context)
  const appTitle = ['Ứng dụng ngân hàng (giả lập)', 'Bank app (simulated)'] as const
  const scanForm = html`<form method="post" action="/app/scan"><label>${both('Nội dung mã QR', 'Text of the QR code')}
<textarea name="qr" rows="5" required></textarea></label><button class="main">${both('Quét mã', 'Scan')}</button></form>`
  server.get('/app', (_request, reply) => sendPage(reply, ...appTitle, scanForm))
  server.post('/app/scan', (request, reply) => {
    const qr = (formOf(request).get('qr') ?? '').trim()
    return orRefusal(reply, () => sendPage(reply, ...appTitle, transferPage(readVietQr(qr), qr, accountName)))
  })
  server.post('/app/transfer', async (request, reply) => {
    const form = formOf(request)
    const way = form.get('way') ?? ''
    const amount = form.get('amount') ?? ''
    return await orRefusal(reply, async () => {
      if (!isWay(way) || !/^[1-9]\d{0,8}$/.test(amount)) throw new UnreadableQr('no such choice or no amount')
      const paid = await pay(form.get('qr') ?? '', way, { amount: BigInt(amount), content: form.get('content') ?? '' })
      return sendPage(reply, ...appTitle, donePage(paid))
    })
  })
  registerConsole(server, {
    titleVi: 'Ngân hàng và SePay (giả lập)',
    titleEn: 'Bank and SePay (simulated)',
    behaviour,
    notifier,
    config: () => vietqr.accountConfig(),
    transactions: () =>
      transactions.map(({ id, transactionDate, transferType, transferAmount, content, referenceCode }) => ({
        id: String(id),
        transactionDate,
        transferType,
        amount: dong(BigInt(transferAmount)),
        content,
        referenceCode,
      })),
    extra: () => html`<p><a href="/app">${both('Mở ứng dụng ngân hàng', 'Open the bank app')}</a></p>`,
  })
  const baseUrl = await listen(server, context, options.port ?? 0)

  const vietqr: Vietqr = {
    baseUrl,
    callbackUrl: null,
    behaviour,
    notifier,
    callbacks: notifier.callbacks,
    transactions,
    accountConfig: () => ({ bankBin, accountNumber, accountName, source: { name: 'sepay', ...auth } }),
    scan: readVietQr,
    pay: (qrText, way, transfer = {}) => pay(qrText, way, transfer),
    move: ({ transferType, amount, content }) =>
      notify(book(transferType, amount, content), `money ${transferType}`, {}),
    async sendCallback(id, sending = {}) {
      const notice = transactions.find((booked) => booked.id === id)
      if (notice === undefined) throw new UnreadableQr(`no movement ${id}`)
      return await notify(notice, 'sent by hand', sending)
    },
    async close() {
      await notifier.close()
      await server.close()
    },
  }
  return vietqr
}

function isWay(text: string): text is VietqrWay {
  return Object.hasOwn(ways, text)
}

/** SePay is content with any 2xx; the exact answer it documents is `{"success":true}`. A forged notice must meet 401. */
function judge({ status, body }: { status: number; body: string }, isForged: boolean): Judgement {
  const exact = isForged
    ? status === 401 && body === '{"success":false}'
    : status === 200 && body === '{"success":true}'
  return { asExpected: exact, ends: status >= 200 && status < 300, meaning: `HTTP ${status}` }
}

async function orRefusal(
  reply: Parameters<typeof sendPage>[0],
  answer: () => ReturnType<typeof sendPage> | Promise<ReturnType<typeof sendPage>>,
): Promise<ReturnType<typeof sendPage>> {
  try {
    return await answer()
  } catch (error) {
    if (!(error instanceof UnreadableQr)) throw error
    return sendPage(
      reply,
      'Không đọc được mã QR',
      'The QR code cannot be used',
      facts([['Lý do', 'Reason', error.message]]),
      400,
    )
  }
}

function transferPage(order: ScannedQr, qr: string, accountName: string): ReturnType<typeof html> {
  return html`${facts([
    ['Ngân hàng nhận', 'Bank', order.bankBin],
    ['Tài khoản', 'Account', order.accountNumber],
    ['Chủ tài khoản', 'Holder', accountName],
  ])}<form method="post" action="/app/transfer"><input type="hidden" name="qr" value="${qr}">
<label>${both('Số tiền (đồng)', 'Amount (VND)')} <input name="amount" inputmode="numeric" required value="${order.amount ?? ''}"></label>
<label>${both('Nội dung', 'Text')} <input name="content" maxlength="210" value="${order.purpose}"></label>
${Object.entries(ways).map(
  ([way, [vi, en]]) =>
    html`<button name="way" value="${way}"${way === 'success' ? html` class="main"` : html``}>${both(vi, en)}</button>`,
)}</form>`
}

function donePage({ transaction, callbackAcks }: VietqrPaid): ReturnType<typeof html> {
  if (transaction === null) return html`<p>${both('Không có tiền nào được chuyển.', 'No money was moved.')}</p>`
  return facts([
    ['Mã giao dịch', 'Reference', transaction.referenceCode],
    ['Số tiền', 'Amount', dong(BigInt(transaction.transferAmount))],
    ['Nội dung', 'Text', transaction.content],
    ['Phản hồi của cổng', 'Gateway answered', callbackAcks.map(({ meaning }) => meaning).join(', ') || '—'],
  ])
}
