/** A sender's INIT: for which debt of ours it sends a payer. It makes no debt: what it names must be there already. */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { parseDossierCode } from '../../../src/domain/codes/dossier-code.ts'
import { isPayCode } from '../../../src/domain/pay-code.ts'
import { parseCompactLocalTime } from '../../../src/domain/vietnam-time.ts'
import type { HttpReply, RawRequest } from '../../contract.ts'
import { jsonReply } from '../../shared/reply.ts'
import { signable, signedFields } from '../signature.ts'
import { codeOf, type SenderCode, type SenderConfig } from './account.ts'
import { patterns, readMessage, refusal, type SenderRefusal } from './message.ts'

export type SenderOrder = {
  readonly reference: string
  readonly amount: bigint
  /** As sent: QUERY must repeat it. */
  readonly initTime: string
  readonly description: string
  /** SHA-256 over the signed values: tells a repeat from another order under the same reference. */
  readonly fingerprint: Buffer
  /** What the signed values name; at least one of the two. */
  readonly payCode: string | null
  readonly dossierCode: string | null
  /** What the unsigned block says; it may not contradict the invoice, and proves nothing. */
  readonly claims: { readonly beneficiaryAccount: string | null; readonly feeSum: bigint | null }
  /** The signed values, for evidence. */
  readonly fields: Readonly<Record<string, string>>
}

const short = z.string().regex(/^[0-9A-Za-z_-]{0,30}$/)
const initSchema = z.object({
  LoaiBanTin: z.literal('INIT'),
  PhienBan: z.string().regex(patterns.PhienBan),
  MaDoiTac: z.string().regex(patterns.MaDoiTac),
  MaThamChieu: z.string().regex(patterns.MaThamChieu),
  SoTien: z.string().regex(patterns.SoTien),
  LoaiHinhThanhToan: z.literal('PAY'),
  MaKenhThanhToan: short,
  MaThietBi: short,
  NgonNgu: short,
  MaTienTe: z.string().regex(patterns.MaTienTe),
  MaNganHang: short,
  ThongTinGiaoDich: signable.min(1).max(250),
  ThoiGianGD: z.string().regex(patterns.ThoiGianGD),
  Ip: z.string().regex(/^[0-9A-Fa-f.:]{2,45}$/),
})

const dayMs = 24 * 60 * 60 * 1000

export function readInit(
  request: RawRequest,
  config: SenderConfig,
  now: Date,
): { readonly kind: 'init'; readonly order: SenderOrder } | SenderRefusal {
  const message = readMessage(request, signedFields.INIT, initSchema, config)
  if (message.kind === 'refused') return message
  const { fields, body } = message
  const { MaThamChieu = '', SoTien = '', ThongTinGiaoDich = '', ThoiGianGD = '' } = fields
  if (fields.MaTienTe !== 'VND') return refusal('amountDiffers', `currency ${fields.MaTienTe}`)
  // Partners with a 12-hour clock are half a day off (domain.md §5.7): a day either way tells old messages from new ones.
  const at = parseCompactLocalTime(ThoiGianGD)
  if (at === null || Math.abs(at.getTime() - now.getTime()) > dayMs)
    return refusal('malformed', `ThoiGianGD ${ThoiGianGD} is no time of today`)
  const block = blockOf(body.ThongTinBienLai)
  const debt = debtOf(MaThamChieu, ThongTinGiaoDich, block.MaHoSo, config, now)
  if (debt.kind === 'refused') return debt
  const feeSum = feeSumOf(block.PhiLePhi)
  if (feeSum === 'unreadable') return refusal('malformed', 'PhiLePhi does not hold amounts')
  return {
    kind: 'init',
    order: {
      reference: MaThamChieu,
      amount: BigInt(SoTien),
      initTime: ThoiGianGD,
      description: ThongTinGiaoDich,
      fingerprint: createHash('sha256')
        .update(signedFields.INIT.map((name) => fields[name]).join('|'), 'utf8')
        .digest(),
      ...debt.named,
      claims: { beneficiaryAccount: block.TKThuHuong === '' ? null : block.TKThuHuong, feeSum },
      fields,
    },
  }
}

/** The answer is unsigned, as the platform's own is: it only leads the browser. */
export function acceptInit(payUrl: string, config: SenderConfig): HttpReply {
  return jsonReply(200, {
    error_code: codeOf('accepted', config),
    message: JSON.stringify({ UrlThanhToan: payUrl }),
  })
}

const messages: Readonly<Record<SenderCode, string>> = {
  accepted: '',
  badSignature: 'Sai ma xac thuc',
  unknownDebt: 'Khong tim thay khoan thu',
  amountDiffers: 'So tien khac khoan thu',
  malformed: 'Ban tin khong hop le',
  referenceReused: 'Trung ma tham chieu',
  alreadyPaid: 'Khoan thu da duoc thanh toan',
  notOpen: 'Khoan thu khong con mo',
  contradiction: 'Thong tin bien lai khac khoan thu',
  unavailable: 'Tam thoi khong san sang',
}

/** 503 only for our own fault: no caller takes it for an answer about the debt. */
export function refuseInit(code: SenderCode, config: SenderConfig): HttpReply {
  return jsonReply(code === 'unavailable' ? 503 : 200, { error_code: codeOf(code, config), message: messages[code] })
}

export function messageOf(code: SenderCode): string {
  return messages[code]
}

const blockSchema = z.looseObject({
  MaHoSo: z.string().max(100).catch(''),
  TKThuHuong: z.string().max(100).catch(''),
  PhiLePhi: z.unknown().optional(),
})

function blockOf(value: unknown): z.infer<typeof blockSchema> {
  const parsed = blockSchema.safeParse(value)
  return parsed.success ? parsed.data : { MaHoSo: '', TKThuHuong: '', PhiLePhi: undefined }
}

/** Null when there are no lines. */
function feeSumOf(lines: unknown): bigint | null | 'unreadable' {
  if (lines === undefined || lines === null) return null
  const parsed = z
    .array(z.looseObject({ SoTien: z.string().regex(/^(0|[1-9]\d{0,14})$/) }))
    .max(200)
    .safeParse(lines)
  if (!parsed.success) return 'unreadable'
  return parsed.data.length === 0 ? null : parsed.data.reduce((sum, { SoTien }) => sum + BigInt(SoTien), 0n)
}

type Debt =
  | { readonly kind: 'named'; readonly named: { readonly payCode: string | null; readonly dossierCode: string | null } }
  | SenderRefusal

/**
 * Which debt the signed values name. A dossier code stands in the description; or the reference is the prefix, the code without
 * its punctuation and a time, and then the unsigned MaHoSo may say where the punctuation was: the reference confirms it.
 */
function debtOf(reference: string, description: string, claimed: string, config: SenderConfig, now: Date): Debt {
  const upper = description.toUpperCase()
  const payCodes = new Set(upper.split(/[^A-Z0-9]+/).filter(isPayCode))
  const dossierCodes = new Set(
    (upper.match(/(?<![A-Z0-9.-])[A-Z0-9.]{3,30}-\d{6}-\d{4,7}(?![A-Z0-9.-])/g) ?? []).flatMap((text) => {
      const parsed = parseDossierCode(text, now)
      return parsed.ok ? [parsed.value.canonical] : []
    }),
  )
  if (payCodes.size > 1 || dossierCodes.size > 1) return refusal('contradiction', 'the description names several debts')
  const [payCode = null] = payCodes
  const [signedDossier = null] = dossierCodes
  const parsedClaim = claimed === '' ? null : parseDossierCode(claimed, now)
  if (parsedClaim !== null && !parsedClaim.ok) return refusal('malformed', 'MaHoSo is no dossier code')
  const claim = parsedClaim === null ? null : parsedClaim.value.canonical
  if (signedDossier !== null && claim !== null && claim !== signedDossier)
    return refusal('contradiction', 'MaHoSo is not the dossier of the description')
  const confirmed = claim !== null && isReferenceOf(claim, reference, config.referencePrefix) ? claim : null
  const dossierCode = signedDossier ?? confirmed
  if (payCode === null && dossierCode === null) return refusal('unknownDebt', 'no signed value names a debt')
  return { kind: 'named', named: { payCode, dossierCode } }
}

function isReferenceOf(dossierCode: string, reference: string, prefix: string): boolean {
  const start = `${prefix}${dossierCode.replace(/[^A-Z0-9]/g, '')}`.toUpperCase()
  const upper = reference.toUpperCase()
  return upper.startsWith(start) && /^\d{14}$/.test(upper.slice(start.length))
}
