/**
 * A collection account that payers transfer to by VietQR (rails.md §2), a bank app to do it with, and one source that tells
 * the account's owner of the credits: SePay, payOS or VietQR.vn.
 */
import { wrongBy } from '../behaviour.ts'
import type { SandboxContext } from '../context.ts'
import type { Acknowledgement, Callback, CallbackAnswer, Judgement } from '../notifier.ts'
import { both, dong, html } from '../page.ts'
import { formOf, registerConsole, sendPage } from '../partner.ts'
import { acknowledgementMs, makeRailParts, type RailPartner, type Sending, usualLateMs } from '../rail-partner.ts'
import { orRefusal } from '../refused.ts'
import { isWayOf } from '../ways.ts'
import type { CreditSource, Movement } from './credit-source.ts'
import { appTitle, donePage, refusalTitle, scanPage, transferPage, type VietqrWay, ways } from './vietqr-app.ts'
import { readVietQr, type ScannedQr, UnreadableQr } from './vietqr-text.ts'

export type { Movement } from './credit-source.ts'
export type { VietqrWay } from './vietqr-app.ts'

export type VietqrAccountConfig = {
  readonly bankBin: string
  readonly accountNumber: string
  readonly accountName: string
  readonly source: { readonly name: string }
}

export type VietqrOptions = {
  readonly port?: number
  readonly bankBin?: string
  readonly accountNumber: string
  readonly accountName?: string
  readonly source: CreditSource
  /** Waits before the repetitions, instead of the source's own. */
  readonly retryDelaysMs?: readonly number[]
  readonly lateMs?: number
}
export type VietqrTransfer = { readonly amount?: bigint; readonly content?: string }
export type VietqrPaid = {
  /** Null when no money moved. */
  readonly transaction: Movement | null
  readonly callbackAcks: readonly Acknowledgement[]
}

export type Vietqr = RailPartner<VietqrAccountConfig> & {
  readonly accountNumber: string
  readonly transactions: readonly Movement[]
  /** Other accounts the app knows, by their number: it hands their orders on. */
  neighbours: ReadonlyMap<string, string>
  /** What the bank app shows of a QR text; throws `UnreadableQr`. */
  scan(qrText: string): ScannedQr
  /** Scans and transfers; `transfer` is what the payer typed over. */
  pay(qrText: string, way: VietqrWay, transfer?: VietqrTransfer): Promise<VietqrPaid>
  /** A movement no QR asked for: money in by hand, or money out. */
  move(movement: { transferType: 'in' | 'out'; amount: bigint; content: string }): Promise<Callback>
  /** Sends the notice of a movement again. */
  sendCallback(id: number, sending?: Sending): Promise<Callback>
  /** What the source sends when the callback address is registered with it; null when it sends nothing. */
  probe(): Promise<Callback | null>
}

const usualBankBin = '970422'

export async function startVietqr(context: SandboxContext, options: VietqrOptions): Promise<Vietqr> {
  const { bankBin = usualBankBin, accountNumber, accountName = 'KHO BAC SO TU PHAP', source } = options
  const { lateMs = usualLateMs, retryDelaysMs = source.retryDelaysMs } = options
  const parts = makeRailParts(context)
  const { behaviour, notifier, server, now } = parts
  const transactions: Movement[] = []
  let balance = 0n

  function book(direction: 'in' | 'out', amount: bigint, content: string): Movement {
    if (amount < 1n || amount >= 500_000_000n) throw new UnreadableQr('one transfer is below 500,000,000 VND')
    balance += direction === 'in' ? amount : -amount
    const id = Number(parts.nextNumber())
    const movement: Movement = {
      ...{ id, direction, amount, content, accountNumber, balance, at: now(), reference: `FT${id}` },
      payCode: /\b[A-Z][0-9A-Z]{11}\b/.exec(content)?.[0] ?? null,
    }
    transactions.push(movement)
    if (transactions.length > 5_000) transactions.shift()
    return movement
  }

  async function notify(movement: Movement, label: string, sending: Sending): Promise<Callback> {
    const { badSignature, wrongAmount } = behaviour.current
    const tampered = sending.tampered === true
    const amount = sending.amount ?? movement.amount + (wrongAmount ? wrongBy : 0n)
    return await notifier.send({
      about: String(movement.id),
      label,
      request: () =>
        vietqr.callbackUrl === null
          ? null
          : source.request(
              { ...movement, amount },
              {
                ...{ callbackUrl: vietqr.callbackUrl, now: now(), tampered, badSignature },
                exchange: notifier.exchange,
              },
            ),
      judge: (answer) => source.judge(answer, movement, tampered || badSignature),
      retryDelaysMs: tampered ? [] : retryDelaysMs,
      timeoutMs: acknowledgementMs,
      copies: sending.duplicate === true ? 2 : 1,
    })
  }

  async function transfer(way: VietqrWay, ordered: bigint, text: string): Promise<VietqrPaid> {
    const amount = ordered + (way === 'wrong-amount' ? wrongBy : 0n)
    const content = way === 'edited-text' ? 'nop tien ho so' : text
    if (way === 'fail') return { transaction: null, callbackAcks: [] }
    if (way === 'tampered') {
      // No money moved: somebody else wrote the notice.
      const invented = { ...book('in', amount, content) }
      transactions.pop()
      balance -= amount
      const { acknowledgements } = await notify(invented, way, { tampered: true })
      return { transaction: null, callbackAcks: acknowledgements }
    }
    const transaction = book('in', amount, content)
    if (way === 'late') {
      context.timers.after(lateMs, () => void notify(transaction, way, {}))
      return { transaction, callbackAcks: [] }
    }
    const { acknowledgements } = await notify(transaction, way, { duplicate: way === 'duplicate' })
    return { transaction, callbackAcks: acknowledgements }
  }

  /** A code of another bank than this one is none of ours to pay. */
  function scanOurs(qrText: string): ScannedQr {
    const order = readVietQr(qrText)
    if (order.bankBin !== bankBin || order.accountNumber !== accountNumber)
      throw new UnreadableQr('no such account at this bank')
    return order
  }

  server.get('/app', (_request, reply) =>
    sendPage(reply, ...appTitle, scanPage([accountNumber, ...vietqr.neighbours.keys()])),
  )
  server.post('/app/scan', (request, reply) => {
    const qr = (formOf(request).get('qr') ?? '').trim()
    return orRefusal(reply, refusalTitle, () => {
      // 307: the browser posts the same form to the bank that keeps the account.
      const elsewhere = vietqr.neighbours.get(readVietQr(qr).accountNumber)
      if (elsewhere !== undefined) return reply.redirect(`${elsewhere}/app/scan`, 307)
      return sendPage(reply, ...appTitle, transferPage(scanOurs(qr), accountName))
    })
  })
  server.post('/app/type', (request, reply) => {
    const form = formOf(request)
    const [account = '', purpose = ''] = [form.get('account')?.trim(), form.get('content')?.trim()]
    const typed = form.get('amount')?.trim() ?? ''
    return orRefusal(reply, refusalTitle, () => {
      const elsewhere = vietqr.neighbours.get(account)
      if (elsewhere !== undefined) return reply.redirect(`${elsewhere}/app/type`, 307)
      if (account !== accountNumber) throw new UnreadableQr('no such account at this bank')
      return sendPage(
        reply,
        ...appTitle,
        transferPage({ bankBin, accountNumber, amount: amountOf(typed), purpose }, accountName),
      )
    })
  })
  server.post('/app/transfer', (request, reply) => {
    const form = formOf(request)
    const way = form.get('way') ?? ''
    return orRefusal(reply, refusalTitle, async () => {
      if (!isWayOf(ways, way)) throw new UnreadableQr('no such choice')
      const { transaction, callbackAcks } = await transfer(
        way,
        amountOf(form.get('amount') ?? ''),
        form.get('content') ?? '',
      )
      const meanings = callbackAcks.map(({ meaning }) => meaning)
      return sendPage(reply, ...appTitle, donePage(transaction === null ? null : { ...transaction, meanings }))
    })
  })
  server.post('/sandbox/probe', async (_request, reply) => {
    await vietqr.probe()
    return reply.redirect('/', 303)
  })
  registerConsole(server, {
    titleVi: source.titleVi,
    titleEn: source.titleEn,
    behaviour,
    notifier,
    config: () => vietqr.accountConfig(),
    transactions: () =>
      transactions.map(({ id, at, direction, amount, content, reference }) => ({
        ...{ id: String(id), at: at.toISOString(), direction, amount: dong(amount), content, reference },
      })),
    extra: () =>
      html`<p><a href="/app">${both('Mở ứng dụng ngân hàng', 'Open the bank app')}</a></p>${
        source.probe === undefined
          ? html``
          : html`<form method="post" action="/sandbox/probe"><button>${both('Đăng ký địa chỉ gọi lại (gọi thử)', 'Register the callback address (probe)')}</button></form>`
      }`,
  })
  const baseUrl = await parts.listen(options.port)

  const vietqr: Vietqr = {
    ...{ baseUrl, callbackUrl: null, behaviour, notifier, callbacks: notifier.callbacks, accountNumber, transactions },
    neighbours: new Map(),
    accountConfig: () => ({ bankBin, accountNumber, accountName, source: source.config() }),
    scan: readVietQr,
    async pay(qrText, way, typed = {}) {
      const order = scanOurs(qrText)
      return await transfer(way, typed.amount ?? order.amount ?? 0n, typed.content ?? order.purpose)
    },
    move: ({ transferType, amount, content }) =>
      notify(book(transferType, amount, content), `money ${transferType}`, {}),
    async sendCallback(id, sending = {}) {
      const movement = transactions.find((booked) => booked.id === id)
      if (movement === undefined) throw new UnreadableQr(`no movement ${id}`)
      return await notify(movement, 'sent by hand', sending)
    },
    async probe() {
      const { probe } = source
      if (probe === undefined) return null
      return await notifier.send({
        ...{ about: 'probe', label: 'probe', judge: judgeProbe, retryDelaysMs: [], timeoutMs: acknowledgementMs },
        request: () => (vietqr.callbackUrl === null ? null : probe(vietqr.callbackUrl)),
      })
    },
    close: parts.close,
  }
  return vietqr
}

/** An address is registered once it answers a probe with any 2xx. */
function judgeProbe({ status }: CallbackAnswer): Judgement {
  const isTaken = status >= 200 && status < 300
  return { asExpected: isTaken, ends: isTaken, meaning: `HTTP ${status}` }
}

function amountOf(text: string): bigint {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new UnreadableQr('no amount')
  return BigInt(text)
}
