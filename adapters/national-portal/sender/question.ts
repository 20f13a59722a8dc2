/** A sender's QUERY and GET_BILL, and our answers, each hashed over its own fields. */
import { z } from 'zod'
import { compactLocalTime } from '../../../src/domain/vietnam-time.ts'
import type { HttpReply, RawRequest } from '../../contract.ts'
import { jsonReply } from '../../shared/reply.ts'
import { authenticationCode, signedFields } from '../signature.ts'
import { codeOf, type SenderCode, type SenderConfig } from './account.ts'
import { messageOf } from './init.ts'
import { patterns, readMessage, referenceOf, type SenderRefusal } from './message.ts'

export type SenderQuestion = {
  readonly kind: 'question'
  readonly reference: string
  readonly initTime: string
  readonly fields: Readonly<Record<string, string>>
}

const questionSchema = (message: 'QUERY' | 'GET_BILL') =>
  z.object({
    LoaiBanTin: z.literal(message),
    PhienBan: z.string().regex(patterns.PhienBan),
    MaDoiTac: z.string().regex(patterns.MaDoiTac),
    MaThamChieu: z.string().regex(patterns.MaThamChieu),
    ThoiGianGD: z.string().regex(patterns.ThoiGianGD),
  })

export function readQuestion(
  request: RawRequest,
  message: 'QUERY' | 'GET_BILL',
  config: SenderConfig,
): SenderQuestion | SenderRefusal {
  const read = readMessage(request, signedFields.QUERY, questionSchema(message), config)
  if (read.kind === 'refused') return read
  const { MaThamChieu = '', ThoiGianGD = '' } = read.fields
  return { kind: 'question', reference: MaThamChieu, initTime: ThoiGianGD, fields: read.fields }
}

/** Of an order, as a sender may know it. */
export type SenderStanding =
  | { readonly kind: 'paid'; readonly settlementId: string; readonly paidAt: Date }
  /** Not known yet; also when a payment was taken back: the message set has no word for that, and a human has to look. */
  | { readonly kind: 'pending' }
  | { readonly kind: 'failed' }

export type StandingOrder = { readonly reference: string; readonly amount: bigint; readonly description: string }

const standings = {
  paid: { MaLoi: '00', TrangThaiGD: '1' },
  pending: { MaLoi: '99', TrangThaiGD: '3' },
  failed: { MaLoi: '99', TrangThaiGD: '4' },
} as const

export function answerQuery(
  order: StandingOrder,
  standing: SenderStanding,
  config: SenderConfig,
  now: Date,
): HttpReply {
  const { MaLoi, TrangThaiGD } = standings[standing.kind]
  const fields = { ...resultFields('QUERY', MaLoi, order, standing, config, now), TrangThaiGD }
  const names = config.queryStatusIsSigned ? [...signedFields.RESULT, 'TrangThaiGD'] : signedFields.RESULT
  return jsonReply(200, { ...fields, MaXacThuc: authenticationCode(names, fields, config.secret) })
}

/** The values of a result, in a RESULT of ours and in the answer to QUERY. */
export function resultFields(
  type: string,
  MaLoi: string,
  order: StandingOrder,
  standing: SenderStanding,
  config: SenderConfig,
  now: Date,
): Record<string, string> {
  return {
    LoaiBanTin: type,
    MaLoi,
    MaDoiTac: config.partnerCode,
    MaThamChieu: order.reference,
    SoTien: order.amount.toString(),
    MaTienTe: 'VND',
    MaGiaoDich: standing.kind === 'paid' ? standing.settlementId : '',
    MaNganHang: config.bankCode,
    ThoiGianGD: compactLocalTime(standing.kind === 'paid' ? standing.paidAt : now),
    ThongTinGiaoDich: order.description,
  }
}

/**
 * A refusal of a question. The first hashed value is a code that begins with a digit, while a message begins with letters: nothing
 * a stranger makes us hash passes for a message of ours.
 */
export function refuseQuestion(code: SenderCode, request: RawRequest, config: SenderConfig, now: Date): HttpReply {
  const fields = {
    MaLoi: codeOf(code, config),
    MoTaLoi: messageOf(code),
    MaDoiTac: config.partnerCode,
    MaThamChieu: referenceOf(request),
    ThoiGianGD: compactLocalTime(now),
  }
  return jsonReply(code === 'unavailable' ? 503 : 200, {
    ...fields,
    MaXacThuc: authenticationCode(signedFields.ANSWER, fields, config.secret),
  })
}
