/** A bank app that pays VietQR codes, and the notifier that tells of the credit (rails.md §2.1–2.5, §2.8). */
import { createHmac, randomBytes } from 'node:crypto'
import { type Ack, callGateway } from './acknowledgement.ts'
import { BrokenQr, scanVietQr } from './scan-vietqr.ts'
import {
  createPartner,
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

export type Transfer = { readonly id: number; readonly referenceCode: string; readonly ack: Ack }

export type BankSandbox = Partner & {
  callbackUrl: string
  accountConfig(): {
    bankBin: string
    accountNumber: string
    accountName: string
    source: { name: 'sepay'; mode: 'hmac'; secret: string }
  }
  /** "Scans" the code and transfers; amount and content as printed in it unless the payer changes them. Throws `BrokenQr`. */
  transfer(qrText: string, over?: { amount?: bigint; content?: string }): Promise<Transfer>
  /** Sends the notice of a transfer again. */
  resend(id: number, over?: { tampered?: boolean }): Promise<Ack>
  /** `slowMs` delays the notice, `status500` refuses the transfer, `dropAfterEffect` moves the money and tells nobody. */
  misbehave(how: Misbehaviour): void
}

type Notice = Readonly<Record<string, string | number | null>>

const actions = {
  success: 'Chuyển khoản / Transfer',
  'wrong-amount': 'Chuyển thừa 1.000 ₫ / Transfer 1,000 VND more',
  duplicate: 'Chuyển, báo hai lần / Transfer, told twice',
  tampered: 'Báo có bị sửa / Tampered notice',
} as const
const wrongBy = 1_000n
const title = 'Ngân hàng / Bank app'
const unsent: Ack = { status: 0, body: 'the notice was not sent', expected: false, code: '' }

export async function startBank({ host, port, now, log }: PartnerOptions): Promise<BankSandbox> {
  const accountNumber = '113366668888'
  const secret = randomBytes(24).toString('hex')
  const notices = new Map<number, Notice>()
  let misbehaviour: Misbehaviour = {}
  // Never the same again after a restart: notice ids are unique for ever.
  let sequence = now().getTime()
  const server = createPartner()

  async function notify(notice: Notice, tampered: boolean): Promise<Ack> {
    const body = JSON.stringify(notice)
    const timestamp = Math.floor(now().getTime() / 1000)
    const signature = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')
    const message = {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-sepay-timestamp': String(timestamp),
        'x-sepay-signature': `sha256=${signature}`,
      },
      body: tampered ? body.replace(/"transferAmount":\d+/, '"transferAmount":1') : body,
    }
    const ack = await callGateway(bank.callbackUrl, message, (status, answer) => ({
      expected: (status === 200 && answer === '{"success":true}') || (status === 401 && answer === '{"success":false}'),
      code: String(status),
    }))
    log.info({ id: notice.id, status: ack.status }, 'credit notice sent')
    return ack
  }

  /** Moves the money; the notice is another matter. */
  function book(qrText: string, over: { amount?: bigint; content?: string }): { id: number; notice: Notice } {
    const { account, amount: printed, purpose } = scanVietQr(qrText)
    const amount = over.amount ?? printed
    // One NAPAS 247 transfer is below 500 million (rails.md §2.2).
    if (amount === null || amount < 1n || amount >= 500_000_000n) throw new BrokenQr('Sai số tiền / Bad amount')
    if (misbehaviour.status500 === true) throw new BrokenQr('Ngân hàng bảo trì / The bank is under maintenance')
    const id = ++sequence
    const stamp = localStamp(now())
    const notice: Notice = {
      id,
      gateway: 'VietinBank',
      transactionDate: stamp.replace(/^(....)(..)(..)(..)(..)(..)$/, '$1-$2-$3 $4:$5:$6'),
      accountNumber: account,
      code: null,
      // Banks put words of their own around what the payer sent.
      content: over.content ?? `MBVCB.${id}.${purpose} chuyen khoan. CT tu 0123 NGUYEN VAN A`,
      transferType: 'in',
      transferAmount: Number(amount),
      accumulated: 19_077_000,
      subAccount: null,
      referenceCode: `FT${stamp.slice(2, 8)}${id}`,
      description: '',
    }
    notices.set(id, notice)
    return { id, notice }
  }

  async function tell(notice: Notice, tampered: boolean): Promise<Ack> {
    if (misbehaviour.slowMs !== undefined) await wait(misbehaviour.slowMs)
    return misbehaviour.dropAfterEffect === true ? unsent : await notify(notice, tampered)
  }

  server.setErrorHandler((error, _request, reply) => {
    if (!(error instanceof BrokenQr)) return reply.send(error)
    return reply
      .code(400)
      .type('text/html; charset=utf-8')
      .send(page(title, `<p>${escapeHtml(error.message)}</p><p><a href="/">↩</a></p>`))
  })
  server.get('/', (_request, reply) => {
    const buttons = Object.entries(actions).map(
      ([action, label]) => `<button name="action" value="${action}">${label}</button>`,
    )
    const form = `<form method="post" action="/transfer"><label>Nội dung mã QR / QR text<textarea name="qr" rows="4" required></textarea></label><label>Số tiền khác / other amount<input name="amount" inputmode="numeric"></label>${buttons.join('')}</form>`
    return reply.type('text/html; charset=utf-8').send(page(title, form))
  })
  server.post('/transfer', async (request, reply) => {
    const form = fieldsOf(request.body)
    const value = (name: string): string => String(form.get(name) ?? '').trim()
    const [qr, typed, action] = [value('qr'), value('amount'), value('action')]
    const amount = /^\d{1,12}$/.test(typed) ? BigInt(typed) : scanVietQr(qr).amount
    const { id, notice } = book(
      qr,
      amount === null ? {} : { amount: action === 'wrong-amount' ? amount + wrongBy : amount },
    )
    const acks = [await tell(notice, action === 'tampered')]
    if (action === 'duplicate') acks.push(await tell(notice, false))
    const answers = acks.map(({ status, body }) => `<code>${status} ${escapeHtml(body)}</code>`)
    const told = `<p>Giao dịch / transfer ${id}: cổng trả lời / gateway answered ${answers.join(', ')}</p><p><a href="/">↩</a></p>`
    return await reply.type('text/html; charset=utf-8').send(page(title, told))
  })

  const baseUrl = await listen(server, host, port)
  const bank: BankSandbox = {
    baseUrl,
    callbackUrl: '',
    accountConfig: () => ({
      bankBin: '970415',
      accountNumber,
      accountName: 'SO TU PHAP',
      source: { name: 'sepay', mode: 'hmac', secret },
    }),
    async transfer(qrText, over = {}) {
      const { id, notice } = book(qrText, over)
      return { id, referenceCode: String(notice.referenceCode), ack: await tell(notice, false) }
    },
    async resend(id, over = {}) {
      const notice = notices.get(id)
      if (notice === undefined) throw new RangeError(`no transfer ${id}`)
      return await notify(notice, over.tampered === true)
    },
    misbehave(how) {
      misbehaviour = how
    },
    close: () => server.close(),
  }
  return bank
}
