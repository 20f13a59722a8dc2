/**
 * The national portal as one that sends payers (domain.md §8.1 from the other side): it announces a payer by INIT, takes results,
 * asks by QUERY and fetches confirmations by GET_BILL. Every hash of ours is checked before a word is believed.
 */
import { compactTime } from '../bank-time.ts'
import { type Behaviour, createBehaviour } from '../behaviour.ts'
import type { SandboxContext } from '../context.ts'
import { isHexOf, spoilHex } from '../mac.ts'
import { both, dong, html } from '../page.ts'
import { createPartnerServer, jsonOf, listen, registerConsole } from '../partner.ts'
import { platformHash } from './national-portal.ts'

type Fields = Readonly<Record<string, string>>

export type SenderOrder = {
  readonly reference: string
  readonly dossierCode: string
  readonly amount: bigint
  readonly initTime: string
  /** Where the gateway would have its payer go; null while it has refused. */
  payUrl: string | null
  /** Results taken for it, each as it came. */
  readonly results: Fields[]
}

export type InitAnswer = { readonly errorCode: string; readonly message: string; readonly payUrl: string | null }

export type NationalSenderOptions = {
  readonly port?: number
  readonly partnerCode: string
  readonly secret: string
  readonly bearerToken: string
}

export type NationalSender = {
  readonly baseUrl: string
  /** The gateway's address for this partner, `…/partners/{id}`. */
  gatewayUrl: string | null
  readonly behaviour: Behaviour
  readonly orders: ReadonlyMap<string, SenderOrder>
  /** Results that were not believed, and why. */
  readonly refusedResults: readonly string[]
  /** `config` of a `portalPartners` entry. */
  senderConfig(): Record<string, unknown>
  /** Announces a payer. `over` replaces fields before they are hashed, `after` behind the hash. */
  init(
    debt: { readonly dossierCode: string; readonly amount: bigint },
    over?: { readonly signed?: Fields; readonly unsigned?: object; readonly after?: Fields; readonly token?: string },
  ): Promise<InitAnswer>
  /** `TrangThaiGD` with the code and transaction beside it; a text says why the answer is worth nothing. */
  query(reference: string, over?: Fields): Promise<Fields | string>
  /** The PDF's text; or the code of a refusal. */
  getBill(reference: string): Promise<{ readonly pdf: string } | { readonly errorCode: string }>
  close(): Promise<void>
}

const resultType = 'RESULT'

export async function startNationalSender(
  context: SandboxContext,
  options: NationalSenderOptions,
): Promise<NationalSender> {
  const { partnerCode, secret, bearerToken } = options
  const behaviour = createBehaviour()
  const orders = new Map<string, SenderOrder>()
  const refusedResults: string[] = []
  let lastNumber = 0
  const now = (): Date => new Date(context.clock.now().getTime() + behaviour.current.clockSkewMs)

  async function post(path: string, body: object, token = bearerToken): Promise<{ status: number; body: string }> {
    if (sender.gatewayUrl === null) throw new RangeError('no gateway is known')
    return await context.network.send(
      {
        method: 'POST',
        url: `${sender.gatewayUrl}/${path}`,
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify(body),
      },
      30_000,
    )
  }

  function hashed(message: 'INIT' | 'QUERY', fields: Fields): Fields {
    const hash = platformHash(message, fields, secret)
    return { ...fields, MaXacThuc: behaviour.current.badSignature ? spoilHex(hash) : hash }
  }

  function question(message: 'QUERY' | 'GET_BILL', reference: string, over: Fields = {}): Fields {
    return hashed('QUERY', {
      LoaiBanTin: message,
      PhienBan: '1.0.6',
      MaDoiTac: partnerCode,
      MaThamChieu: reference,
      ThoiGianGD: orders.get(reference)?.initTime ?? compactTime(now()),
      ...over,
    })
  }

  /** What is wrong with a result; null when it is to be taken. */
  function faultOf(fields: Fields): string | null {
    if (!isHexOf(fields.MaXacThuc ?? '', Buffer.from(platformHash('RESULT', fields, secret), 'hex')))
      return 'the hash does not hold'
    const order = orders.get(fields.MaThamChieu ?? '')
    if (order === undefined || fields.MaDoiTac !== partnerCode) return 'not an order of ours'
    if (fields.SoTien !== order.amount.toString() || fields.MaTienTe !== 'VND') return 'another amount'
    return fields.LoaiBanTin === resultType ? null : 'not a result'
  }

  const server = createPartnerServer(behaviour, context)
  server.post('/result', (request, reply) => {
    const fields = textsOf(jsonOf(request) ?? {})
    const fault = request.headers.authorization === `Bearer ${bearerToken}` ? faultOf(fields) : 'no token'
    if (fault === null) orders.get(fields.MaThamChieu ?? '')?.results.push(fields)
    else refusedResults.push(fault)
    const answer = {
      MaLoi: fault === null ? '00' : '01',
      MoTaLoi: fault ?? 'Thanh cong',
      MaDoiTac: partnerCode,
      MaThamChieu: fields.MaThamChieu ?? '',
      ThoiGianGD: compactTime(now()),
    }
    const hash = platformHash('ANSWER', answer, secret)
    return reply.send({ ...answer, MaXacThuc: behaviour.current.badSignature ? spoilHex(hash) : hash })
  })
  registerConsole(server, {
    ...{
      titleVi: 'Cổng DVC quốc gia gửi người nộp (giả lập)',
      titleEn: 'National portal that sends payers (simulated)',
    },
    behaviour,
    config: () => sender.senderConfig(),
    transactions: () =>
      [...orders.values()].map(({ reference, dossierCode, amount, results }) => ({
        ...{ MaThamChieu: reference, dossierCode, amount: dong(amount), results: String(results.length) },
      })),
    extra: () => html`<p>${both('Kết quả không nhận', 'Results refused')}: ${refusedResults.length}</p>`,
  })
  const baseUrl = await listen(server, context, options.port ?? 0)

  const sender: NationalSender = {
    ...{ baseUrl, gatewayUrl: null, behaviour, orders, refusedResults },
    senderConfig: () => ({
      partnerCode,
      secret,
      bearerToken,
      resultUrl: `${baseUrl}/result`,
      resultBearerToken: bearerToken,
      resultMessageType: resultType,
      bankCode: '970415',
    }),
    async init({ dossierCode, amount }, { signed = {}, unsigned = {}, after = {}, token } = {}) {
      const initTime = signed.ThoiGianGD ?? compactTime(new Date(now().getTime() + ++lastNumber * 1_000))
      const fields: Fields = {
        ...{ LoaiBanTin: 'INIT', PhienBan: '1.0.6', MaDoiTac: partnerCode },
        MaThamChieu: `dvc${dossierCode.replace(/[^0-9A-Z]/g, '')}${initTime}`,
        ...{ SoTien: amount.toString(), LoaiHinhThanhToan: 'PAY', MaKenhThanhToan: '1', MaThietBi: '1' },
        ...{ NgonNgu: 'vi-VN', MaTienTe: 'VND', MaNganHang: 'PAYMENT' },
        ThongTinGiaoDich: `THANH TOAN HO SO ${dossierCode}`,
        ...{ ThoiGianGD: initTime, Ip: '203.0.113.7' },
        ...signed,
      }
      const block = { MaHoSo: dossierCode, HoTenNguoiNop: 'NGUYEN VAN A', SoCMNDNguoiNop: '001199000001', ...unsigned }
      const { body } = await post('init', { ...hashed('INIT', fields), ThongTinBienLai: block, ...after }, token)
      const { error_code: errorCode = '', message = '' } = textsOf(JSON.parse(body))
      const payUrl = errorCode === '0' ? (textsOf(JSON.parse(message)).UrlThanhToan ?? null) : null
      const reference = fields.MaThamChieu ?? ''
      const known = orders.get(reference)
      if (known === undefined)
        orders.set(reference, {
          reference,
          dossierCode,
          amount,
          initTime: fields.ThoiGianGD ?? '',
          payUrl,
          results: [],
        })
      return { errorCode, message, payUrl }
    },
    async query(reference, over) {
      const { body } = await post('query', question('QUERY', reference, over))
      const fields = textsOf(JSON.parse(body))
      const message = fields.TrangThaiGD === undefined ? 'ANSWER' : 'QUERY_ANSWER'
      if (!isHexOf(fields.MaXacThuc ?? '', Buffer.from(platformHash(message, fields, secret), 'hex')))
        return 'the answer is not authentic'
      return fields
    },
    async getBill(reference) {
      const { body } = await post('get-bill', question('GET_BILL', reference))
      return body.startsWith('%PDF-') ? { pdf: body } : { errorCode: textsOf(JSON.parse(body)).MaLoi ?? '' }
    },
    close: () => server.close(),
  }
  return sender
}

function textsOf(value: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, text]) => (typeof text === 'string' ? [[name, text]] : [])),
  )
}
