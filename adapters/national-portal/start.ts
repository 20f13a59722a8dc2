/** INIT: we announce a payment, the platform answers with the address of its pay page (domain.md §8.1). */
import { z } from 'zod'
import { compactLocalTime } from '../../src/domain/vietnam-time.ts'
import type { HttpAnswer, HttpCall, Order, RailAccount, Sent, StartResult, Step } from '../contract.ts'
import { readJsonObject } from '../shared/json-body.ts'
import type { NationalPortalConfig } from './account.ts'
import { receiptBlock } from './receipt-block.ts'
import { authenticationCode, signedFields } from './signature.ts'

type Account = RailAccount<NationalPortalConfig>

/** What each hashed value of INIT may look like: with the separator refused and each pattern strict, no text can be shifted. */
const initPatterns: Readonly<Record<(typeof signedFields.INIT)[number], RegExp>> = {
  LoaiBanTin: /^INIT$/,
  PhienBan: /^[0-9.]{1,15}$/,
  MaDoiTac: /^[0-9A-Za-z_-]{1,50}$/,
  MaThamChieu: /^[0-9A-Za-z]{1,50}$/,
  SoTien: /^[1-9]\d{0,14}$/,
  LoaiHinhThanhToan: /^PAY$/,
  MaKenhThanhToan: /^1$/,
  MaThietBi: /^1$/,
  NgonNgu: /^vi-VN$/,
  MaTienTe: /^VND$/,
  MaNganHang: /^PAYMENT$/,
  ThongTinGiaoDich: /^[0-9A-Za-z.,:_-](?:[0-9A-Za-z .,:_-]{0,248}[0-9A-Za-z.,:_-])?$/,
  ThoiGianGD: /^\d{14}$/,
  Ip: /^[0-9A-Fa-f.:]{2,45}$/,
}

/** The time is that of the attempt, which is on record: QUERY can repeat it even when INIT was never answered (domain.md §5.7). */
export function initFields(order: Order, account: Account): Record<(typeof signedFields.INIT)[number], string> {
  return {
    LoaiBanTin: 'INIT',
    PhienBan: account.config.version,
    MaDoiTac: account.config.partnerCode,
    MaThamChieu: order.merchantRef,
    SoTien: order.amount.toString(),
    LoaiHinhThanhToan: 'PAY',
    MaKenhThanhToan: '1',
    MaThietBi: '1',
    NgonNgu: 'vi-VN',
    MaTienTe: 'VND',
    MaNganHang: 'PAYMENT',
    ThongTinGiaoDich: order.description,
    ThoiGianGD: compactLocalTime(order.createdAt),
    Ip: order.payerIp,
  }
}

export function start(order: Order, account: Account): Step<StartResult> {
  const fields = initFields(order, account)
  const sent: Sent = {
    maThamChieu: fields.MaThamChieu,
    thoiGianGD: fields.ThoiGianGD,
    thongTinGiaoDich: fields.ThongTinGiaoDich,
  }
  const refused = (railCode: string, message: string): Step<StartResult> => ({
    kind: 'done',
    result: { kind: 'refused', railCode, message, sent },
  })
  const odd = signedFields.INIT.find((name) => !initPatterns[name].test(fields[name]))
  if (odd !== undefined) return refused('FIELD', `${odd} does not fit the message`)
  const receipt = receiptBlock(order, account.config)
  if (!receipt.ok) return refused(receipt.code, receipt.detail)
  const MaXacThuc = authenticationCode(signedFields.INIT, fields, account.config.secret)
  const call = portalCall(
    account.config.initUrl,
    { ...fields, ThongTinBienLai: receipt.block, MaXacThuc },
    account.config,
  )
  return { kind: 'call', call, state: { sent } }
}

const answerSchema = z.looseObject({
  error_code: z.union([z.string().max(20), z.int()]),
  message: z.string().max(5000).nullish(),
})
const messageSchema = z.looseObject({ UrlThanhToan: z.string().max(4000) })
const stateSchema = z.object({ sent: z.record(z.string(), z.string()) })

/** The answer is unsigned: it decides where the browser goes and nothing else, and only to a configured host. */
export function readStart(answer: HttpAnswer, state: unknown, account: Account): Step<StartResult> {
  const { sent } = stateSchema.parse(state)
  const unknown = (detail: string): Step<StartResult> => ({ kind: 'done', result: { kind: 'unknown', detail, sent } })
  if (answer.status < 200 || answer.status > 299) return unknown(`HTTP ${answer.status}`)
  const body = readJsonObject(answer.body)
  if (!body.ok) return unknown(`unreadable answer: ${body.detail}`)
  const parsed = answerSchema.safeParse(body.value)
  if (!parsed.success) return unknown('unexpected answer')
  const railCode = String(parsed.data.error_code)
  const message = parsed.data.message ?? ''
  if (railCode !== '0') return { kind: 'done', result: { kind: 'refused', railCode, message, sent } }
  const inner = readJsonObject(Buffer.from(message, 'utf8'))
  const address = inner.ok ? messageSchema.safeParse(inner.value) : null
  if (address === null || !address.success) return unknown('accepted, but no UrlThanhToan in the message')
  const url = trustedPayPage(address.data.UrlThanhToan, account.config)
  if (url === null) return unknown('accepted, but the pay page is on no configured host')
  return { kind: 'done', result: { kind: 'redirect', url, sent } }
}

function trustedPayPage(text: string, config: NationalPortalConfig): string | null {
  if (!URL.canParse(text)) return null
  const url = new URL(text)
  const secure = url.protocol === 'https:' || (config.allowHttpPayPage && url.protocol === 'http:')
  return secure && url.username === '' && url.password === '' && config.payPageHosts.includes(url.host)
    ? url.href
    : null
}

/** A POST of JSON to the platform. */
export function portalCall(
  url: string,
  fields: Readonly<Record<string, unknown>>,
  config: NationalPortalConfig,
  options = { repeatable: false },
): HttpCall {
  return {
    method: 'POST',
    url,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      ...(config.bearerToken === undefined ? {} : { authorization: `Bearer ${config.bearerToken}` }),
    },
    body: JSON.stringify(fields),
    timeoutMs: config.timeoutMs,
    repeatable: options.repeatable,
  }
}
