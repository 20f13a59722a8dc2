/**
 * The national portal's payment platform, message set 1.0.6 (domain.md §8.1): INIT, its pay page, results, QUERY, GET_BILL.
 * Hashes are plain SHA-256 with the secret last, so a bar inside any value is refused here as well.
 */
import { createHash } from 'node:crypto'
import { compactTime } from '../bank-time.ts'
import { wrongBy } from '../behaviour.ts'
import { keep, type SandboxContext } from '../context.ts'
import { isHexOf, spoilHex } from '../mac.ts'
import type { Acknowledgement, Callback, Judgement } from '../notifier.ts'
import { both, dong, facts, html, money } from '../page.ts'
import { formOf, jsonOf, registerConsole, sendPage } from '../partner.ts'
import {
  acknowledgementMs,
  makeRailParts,
  type RailPartner,
  type Sending,
  unpublishedRetriesMs,
  usualLateMs,
  usualPendingMs,
} from '../rail-partner.ts'
import { isWayOf, wayForm } from '../ways.ts'

const ways = {
  success: ['Thanh toán thành công', 'Pay'],
  fail: ['Thanh toán thất bại', 'Fail'],
  late: ['Thành công, báo muộn', 'Paid, result late'],
  duplicate: ['Thành công, báo trùng', 'Paid, result twice'],
  'wrong-amount': ['Ghi nhận sai số tiền', 'Paid another amount'],
  tampered: ['Kết quả bị sửa', 'Forged result'],
  'pending-then-success': ['Chưa rõ kết quả rồi thành công', 'Unknown, then paid'],
} as const
export type NationalPortalWay = keyof typeof ways

type Fields = Readonly<Record<string, string>>

const orders = {
  INIT: 'LoaiBanTin PhienBan MaDoiTac MaThamChieu SoTien LoaiHinhThanhToan MaKenhThanhToan MaThietBi NgonNgu MaTienTe MaNganHang ThongTinGiaoDich ThoiGianGD Ip',
  RESULT: 'LoaiBanTin MaLoi MaDoiTac MaThamChieu SoTien MaTienTe MaGiaoDich MaNganHang ThoiGianGD ThongTinGiaoDich',
  QUERY: 'LoaiBanTin PhienBan MaDoiTac MaThamChieu ThoiGianGD',
  QUERY_ANSWER:
    'LoaiBanTin MaLoi MaDoiTac MaThamChieu SoTien MaTienTe MaGiaoDich MaNganHang ThoiGianGD ThongTinGiaoDich TrangThaiGD',
  ANSWER: 'MaLoi MoTaLoi MaDoiTac MaThamChieu ThoiGianGD',
} as const

/** `MaXacThuc` of a message. */
export function platformHash(message: keyof typeof orders, fields: Fields, secret: string): string {
  const values = orders[message].split(' ').map((name) => fields[name] ?? '')
  return createHash('sha256')
    .update([...values, secret].join('|'), 'utf8')
    .digest('hex')
}

function isAuthentic(message: keyof typeof orders, fields: Fields, secret: string): boolean {
  const isPlain = orders[message].split(' ').every((name) => !(fields[name] ?? '').includes('|'))
  return isPlain && isHexOf(fields.MaXacThuc ?? '', Buffer.from(platformHash(message, fields, secret), 'hex'))
}

export type PlatformPayment = {
  readonly reference: string
  readonly amount: bigint
  readonly description: string
  /** `ThoiGianGD` of INIT: QUERY and GET_BILL must repeat it. */
  readonly initTime: string
  /** Of `ThongTinBienLai`, which no hash covers: shown on the page. */
  readonly beneficiary: string
  /** The whole block as it came. */
  readonly receipt: Readonly<Record<string, unknown>>
  paidAmount: bigint
  /** `TrangThaiGD`: `1` paid, `3` pending, `4` failed; empty while the payer has done nothing. */
  status: '' | '1' | '3' | '4'
  transactionNo: string
}

export type NationalPortalAccountConfig = {
  readonly initUrl: string
  readonly queryUrl: string
  readonly getBillUrl: string
  readonly bearerToken: string
  readonly partnerCode: string
  readonly secret: string
  readonly payPageHosts: readonly string[]
  readonly allowHttpPayPage: true
  readonly resultMessageType: string
  readonly queryStatusIsSigned: true
}
export type NationalPortalOptions = {
  readonly port?: number
  readonly partnerCode: string
  readonly secret: string
  readonly bearerToken: string
  /** Where the platform sends the browser back; INIT carries no address. */
  readonly returnUrl?: string
  /** How often a result is repeated is not published; these are ours. */
  readonly retryDelaysMs?: readonly number[]
  readonly lateMs?: number
  readonly pendingMs?: number
}

export type NationalPortal = RailPartner<NationalPortalAccountConfig> & {
  readonly payments: ReadonlyMap<string, PlatformPayment>
  /** What the platform knows; the gateway adds beneficiary, agency, procedure and onlineService of the fee itself. */
  pay(
    payUrl: string,
    way: NationalPortalWay,
  ): Promise<{ payment: PlatformPayment; callbackAcks: readonly Acknowledgement[] }>
  sendCallback(reference: string, sending?: Sending): Promise<Callback>
  close(): Promise<void>
}

/** Stands in: the value of a real result is not published. */
const resultType = 'RESULT'

export async function startNationalPortal(
  context: SandboxContext,
  options: NationalPortalOptions,
): Promise<NationalPortal> {
  const { partnerCode, secret, bearerToken, lateMs = usualLateMs, pendingMs = usualPendingMs } = options
  const retryDelaysMs = options.retryDelaysMs ?? unpublishedRetriesMs
  const parts = makeRailParts(context)
  const { behaviour, notifier, server, now } = parts
  const payments = new Map<string, PlatformPayment>()

  /** Unsigned, as the platform's own answer is. */
  function init(body: Readonly<Record<string, unknown>>): { error_code: string; message: string } {
    const fields = textsOf(body)
    const refused = (error_code: string, message: string): { error_code: string; message: string } => ({
      error_code,
      message,
    })
    if (!isAuthentic('INIT', fields, secret)) return refused('01', 'Sai ma xac thuc')
    const {
      MaDoiTac,
      MaThamChieu: reference = '',
      SoTien = '',
      ThoiGianGD: initTime = '',
      ThongTinGiaoDich = '',
    } = fields
    const isFormed =
      MaDoiTac === partnerCode &&
      /^[0-9A-Za-z]{1,50}$/.test(reference) &&
      /^[1-9]\d{0,14}$/.test(SoTien) &&
      /^\d{14}$/.test(initTime) &&
      fields.LoaiBanTin === 'INIT' &&
      fields.PhienBan === '1.0.6' &&
      fields.MaTienTe === 'VND'
    if (!isFormed) return refused('04', 'Ban tin khong hop le')
    if (payments.has(reference)) return refused('05', 'Trung ma tham chieu')
    const receipt: Record<string, unknown> = Object(body.ThongTinBienLai)
    const { TKThuHuong = '', TenTKThuHuong = '' } = textsOf(receipt)
    const fees = Array.isArray(receipt.PhiLePhi) ? receipt.PhiLePhi : []
    const sum = fees.reduce((total: bigint, fee) => total + BigInt(textsOf(Object(fee)).SoTien ?? '0'), 0n)
    if (sum.toString() !== SoTien) return refused('06', 'Tong cac khoan khac so tien')
    keep(payments, reference, {
      ...{ reference, initTime, amount: BigInt(SoTien), description: ThongTinGiaoDich, receipt },
      ...{ beneficiary: `${TKThuHuong} ${TenTKThuHuong}`, paidAmount: BigInt(SoTien), status: '', transactionNo: '' },
    })
    return { error_code: '0', message: JSON.stringify({ UrlThanhToan: `${baseUrl}/pay/${reference}` }) }
  }

  function resultOf(payment: PlatformPayment, status: string, amount: bigint, type: string): Record<string, string> {
    return {
      ...{
        LoaiBanTin: type,
        MaLoi: status === '1' ? '00' : '99',
        MaDoiTac: partnerCode,
        MaThamChieu: payment.reference,
      },
      SoTien: (amount + (behaviour.current.wrongAmount ? wrongBy : 0n)).toString(),
      ...{ MaTienTe: 'VND', MaGiaoDich: payment.transactionNo, MaNganHang: '970415', ThoiGianGD: compactTime(now()) },
      ThongTinGiaoDich: payment.description,
    }
  }

  async function notify(payment: PlatformPayment, label: string, sending: Sending): Promise<Callback> {
    const { badSignature } = behaviour.current
    const isForged = sending.tampered === true || badSignature
    const fields = resultOf(
      payment,
      sending.tampered === true ? '1' : payment.status,
      sending.amount ?? payment.paidAmount,
      resultType,
    )
    const hash = platformHash('RESULT', fields, secret)
    const told = sending.tampered === true ? { ...fields, SoTien: `${fields.SoTien}0` } : fields
    const body = JSON.stringify({ ...told, MaXacThuc: badSignature ? spoilHex(hash) : hash })
    const expected = isForged ? '01' : fields.SoTien === payment.amount.toString() ? '00' : '03'
    return await notifier.send({
      about: payment.reference,
      label,
      request: () =>
        portal.callbackUrl === null
          ? null
          : { method: 'POST', url: portal.callbackUrl, headers: { 'content-type': 'application/json' }, body },
      judge: (answer) => judge(answer, payment.reference, expected),
      retryDelaysMs: sending.tampered === true ? [] : retryDelaysMs,
      timeoutMs: acknowledgementMs,
      copies: sending.duplicate === true ? 2 : 1,
    })
  }

  /** Our side's answer, hashed over its own fields; only `00` is public. */
  function judge(answer: { status: number; body: string }, reference: string, expected: string): Judgement {
    const wrong = (meaning: string): Judgement => ({ asExpected: false, ends: false, meaning })
    let fields: Record<string, string>
    try {
      fields = textsOf(Object(JSON.parse(answer.body)))
    } catch {
      return wrong(`HTTP ${answer.status}: no JSON`)
    }
    if (answer.status !== 200) return wrong(`HTTP ${answer.status}`)
    if (!isAuthentic('ANSWER', fields, secret)) return wrong('the answer is not authentic')
    if (fields.MaThamChieu !== reference || fields.MaDoiTac !== partnerCode) return wrong('an answer to another result')
    return { asExpected: fields.MaLoi === expected, ends: fields.MaLoi === '00', meaning: `MaLoi ${fields.MaLoi}` }
  }

  async function act(payment: PlatformPayment, way: NationalPortalWay): Promise<readonly Acknowledgement[]> {
    if (payment.status !== '') return []
    const later = (ms: number, label: string): readonly Acknowledgement[] => {
      context.timers.after(ms, () => {
        payment.status = '1'
        void notify(payment, label, {})
      })
      return []
    }
    // A result needs a number even where a forger writes it.
    payment.transactionNo = `G22.99.3-${parts.nextNumber()}`
    if (way === 'tampered') {
      const { acknowledgements } = await notify(payment, way, { tampered: true })
      payment.transactionNo = ''
      return acknowledgements
    }
    payment.status = way === 'fail' ? '4' : way === 'pending-then-success' ? '3' : '1'
    if (way === 'late') return later(lateMs, way)
    if (way === 'pending-then-success') return later(pendingMs, way)
    if (way === 'wrong-amount') payment.paidAmount += wrongBy
    return (await notify(payment, way, { duplicate: way === 'duplicate' })).acknowledgements
  }

  /** The payment a QUERY or GET_BILL asks for; null when it is not authentic or names none. */
  function asked(message: 'QUERY' | 'GET_BILL', body: Readonly<Record<string, unknown>>): PlatformPayment | null {
    const fields = textsOf(body)
    if (fields.LoaiBanTin !== message || !isAuthentic('QUERY', fields, secret)) return null
    const payment = payments.get(fields.MaThamChieu ?? '')
    return payment !== undefined && payment.initTime === fields.ThoiGianGD ? payment : null
  }

  server.addHook('preHandler', async (request, reply) => {
    if (request.url.startsWith('/api/') && request.headers.authorization !== `Bearer ${bearerToken}`)
      await reply.code(401).send({ error_code: '401', message: 'Unauthorized' })
  })
  server.post('/api/init', (request, reply) => reply.send(init(jsonOf(request) ?? {})))
  server.post('/api/query', (request, reply) => {
    const payment = asked('QUERY', jsonOf(request) ?? {})
    if (payment === null) return reply.send({ MaLoi: '02', MoTaLoi: 'Khong tim thay giao dich' })
    const status = payment.status === '' ? '3' : payment.status
    const fields = { ...resultOf(payment, status, payment.paidAmount, 'QUERY'), TrangThaiGD: status }
    const hash = platformHash('QUERY_ANSWER', fields, secret)
    return reply.send({ ...fields, MaXacThuc: behaviour.current.badSignature ? spoilHex(hash) : hash })
  })
  server.post('/api/get-bill', (request, reply) => {
    const payment = asked('GET_BILL', jsonOf(request) ?? {})
    if (payment?.status !== '1') return reply.code(404).send({ MaLoi: '02' })
    return reply.type('application/pdf').send(Buffer.from(`%PDF-1.4\n% ${payment.transactionNo}\n%%EOF\n`, 'latin1'))
  })
  const title = ['Nền tảng thanh toán quốc gia (giả lập)', 'National payment platform (simulated)'] as const
  server.get<{ Params: { reference: string } }>('/pay/:reference', (request, reply) => {
    const payment = payments.get(request.params.reference)
    return payment === undefined
      ? sendPage(reply, 'Không có giao dịch này', 'No such payment', html``, 404)
      : sendPage(reply, ...title, payPage(payment))
  })
  server.post<{ Params: { reference: string } }>('/pay/:reference', async (request, reply) => {
    const payment = payments.get(request.params.reference)
    const way = formOf(request).get('way') ?? ''
    if (payment === undefined || !isWayOf(ways, way))
      return await sendPage(reply, 'Không có giao dịch này', 'No such payment', html``, 404)
    await act(payment, way)
    if (options.returnUrl !== undefined) return await reply.redirect(options.returnUrl, 303)
    return await sendPage(
      reply,
      'Đã ghi nhận',
      'Recorded',
      html`<p>${both('Quay lại trang nộp phí.', 'Go back to the fee page.')}</p>`,
    )
  })
  registerConsole(server, {
    ...{ titleVi: title[0], titleEn: title[1], behaviour, notifier },
    config: () => portal.accountConfig(),
    transactions: () =>
      [...payments.values()].map(({ reference, amount, status, transactionNo }) => ({
        ...{ MaThamChieu: reference, amount: dong(amount), TrangThaiGD: status, MaGiaoDich: transactionNo },
      })),
  })
  const baseUrl = await parts.listen(options.port)

  const portal: NationalPortal = {
    ...{ baseUrl, callbackUrl: null, behaviour, notifier, callbacks: notifier.callbacks, payments },
    accountConfig: () => ({
      initUrl: `${baseUrl}/api/init`,
      queryUrl: `${baseUrl}/api/query`,
      getBillUrl: `${baseUrl}/api/get-bill`,
      ...{ bearerToken, partnerCode, secret, payPageHosts: [new URL(baseUrl).host], allowHttpPayPage: true },
      ...{ resultMessageType: resultType, queryStatusIsSigned: true },
    }),
    async pay(payUrl, way) {
      const payment = payments.get(new URL(payUrl).pathname.split('/').at(-1) ?? '')
      if (payment === undefined) throw new RangeError(`no payment at ${payUrl}`)
      return { payment, callbackAcks: await act(payment, way) }
    },
    async sendCallback(reference, sending = {}) {
      const payment = payments.get(reference)
      if (payment === undefined) throw new RangeError(`no payment ${reference}`)
      return await notify(payment, 'sent by hand', sending)
    },
    close: parts.close,
  }
  return portal
}

function textsOf(value: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, text]) => (typeof text === 'string' ? [[name, text]] : [])),
  )
}

function payPage(payment: PlatformPayment): ReturnType<typeof html> {
  return html`${facts([
    ['Mã tham chiếu', 'Reference', payment.reference],
    ['Số tiền', 'Amount', money(payment.amount)],
    ['Nội dung', 'For', payment.description],
    ['Thụ hưởng', 'Beneficiary', payment.beneficiary],
  ])}${wayForm(`/pay/${payment.reference}`, {}, ways)}`
}
