/** A bank app that pays VietQR codes, and the notifier that tells of the credit (rails.md §2.1–2.5, §2.8). */
import { createHmac, randomBytes } from 'node:crypto'
import { type Ack, createPartner, escape, listen, localStamp, type Misbehaviour, type Partner, page } from './web.ts'

export type Transfer = { readonly id: number; readonly referenceCode: string; readonly ack: Ack }

export type BankSandbox = Partner & {
  callbackUrl: string
  accountConfig(): Record<string, unknown>
  /** "Scans" the code and transfers; amount and content as printed in it unless the payer changes them. */
  transfer(qrText: string, over?: { amount?: bigint; content?: string }): Promise<Transfer>
  resend(id: number, over?: { tampered?: boolean }): Promise<Ack>
  misbehave(how: Misbehaviour): void
}

type Notice = Record<string, string | number | null>

export async function startBank({
  host,
  port,
  now,
}: {
  host: string
  port: number
  now: () => Date
}): Promise<BankSandbox> {
  const accountNumber = '113366668888'
  const secret = randomBytes(24).toString('hex')
  const notices = new Map<number, Notice>()
  // Never the same again after a restart: notice ids are unique for ever.
  let sequence = now().getTime()
  const server = createPartner()

  async function notify(notice: Notice, tampered: boolean): Promise<Ack> {
    const body = JSON.stringify(notice)
    const timestamp = Math.floor(now().getTime() / 1000)
    const signature = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')
    const answer = await fetch(bank.callbackUrl, {
      method: 'POST',
      signal: AbortSignal.timeout(30_000),
      headers: {
        'content-type': 'application/json',
        'x-sepay-timestamp': String(timestamp),
        'x-sepay-signature': `sha256=${signature}`,
      },
      body: tampered ? body.replace(/"transferAmount":\d+/, '"transferAmount":1') : body,
    })
    const text = await answer.text()
    return {
      status: answer.status,
      body: text,
      expected: text === '{"success":true}' || text === '{"success":false}',
      code: String(answer.status),
    }
  }

  async function transfer(qrText: string, over: { amount?: bigint; content?: string } = {}): Promise<Transfer> {
    const { account, amount, purpose } = readQr(qrText)
    const id = ++sequence
    const stamp = localStamp(now())
    const referenceCode = `FT${stamp.slice(2, 8)}${id}`
    const notice: Notice = {
      id,
      gateway: 'VietinBank',
      transactionDate: `${stamp.slice(0, 4)}-${stamp.slice(4, 6)}-${stamp.slice(6, 8)} ${stamp.slice(8, 10)}:${stamp.slice(10, 12)}:${stamp.slice(12, 14)}`,
      accountNumber: account,
      code: null,
      // Banks put words of their own around what the payer sent.
      content: over.content ?? `MBVCB.${id}.${purpose} chuyen khoan. CT tu 0123 NGUYEN VAN A`,
      transferType: 'in',
      transferAmount: Number(over.amount ?? amount),
      accumulated: 19_077_000,
      subAccount: null,
      referenceCode,
      description: '',
    }
    notices.set(id, notice)
    return { id, referenceCode, ack: await notify(notice, false) }
  }

  server.get('/', (_request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .send(
        page(
          'Ngân hàng / Bank app',
          `<form method="post" action="/transfer"><label>Nội dung mã QR / QR text<textarea name="qr" rows="4" required></textarea></label><label>Số tiền khác / other amount<input name="amount" inputmode="numeric"></label><button>Chuyển khoản / Transfer</button></form>`,
        ),
      ),
  )
  server.post<{ Body: Record<string, string> }>('/transfer', async (request, reply) => {
    reply.type('text/html; charset=utf-8')
    try {
      const { qr = '', amount = '' } = request.body
      const { id, ack } = await transfer(qr.trim(), /^\d+$/.test(amount) ? { amount: BigInt(amount) } : {})
      return await reply.send(
        page(
          'Ngân hàng / Bank app',
          `<p>Giao dịch / transfer ${id}: cổng trả lời / gateway answered <code>${ack.status} ${escape(ack.body)}</code></p><p><a href="/">↩</a></p>`,
        ),
      )
    } catch (error) {
      return reply
        .code(400)
        .send(page('Ngân hàng / Bank app', `<p>${escape(error instanceof Error ? error.message : String(error))}</p>`))
    }
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
    transfer,
    async resend(id, over = {}) {
      const notice = notices.get(id)
      if (notice === undefined) throw new Error(`no transfer ${id}`)
      return await notify(notice, over.tampered === true)
    },
    misbehave() {},
    close: () => server.close(),
  }
  return bank
}

/** EMVCo TLV as a wallet reads it. */
function readQr(text: string): { account: string; amount: bigint; purpose: string } {
  if (crc(text.slice(0, -4)) !== text.slice(-4)) throw new Error('mã QR hỏng / broken QR (CRC)')
  const root = tlv(text)
  const [target, extra] = [tlv(tlv(root.get('38') ?? '').get('01') ?? ''), tlv(root.get('62') ?? '')]
  const account = target.get('01')
  if (account === undefined || root.get('53') !== '704') throw new Error('không phải VietQR / not a VietQR')
  return { account, amount: BigInt(root.get('54') ?? '0'), purpose: extra.get('08') ?? '' }
}

function tlv(text: string): Map<string, string> {
  const fields = new Map<string, string>()
  let at = 0
  while (at < text.length) {
    const length = Number.parseInt(text.slice(at + 2, at + 4), 10)
    fields.set(text.slice(at, at + 2), text.slice(at + 4, at + 4 + length))
    at += 4 + length
  }
  return fields
}

function crc(text: string): string {
  let value = 0xffff
  for (const byte of Buffer.from(text)) {
    value ^= byte << 8
    for (let bit = 0; bit < 8; bit++) value = value & 0x8000 ? ((value << 1) ^ 0x1021) & 0xffff : (value << 1) & 0xffff
  }
  return value.toString(16).toUpperCase().padStart(4, '0')
}
