/** What the platform says about a payment, in a result it sends or in its answer to QUERY (domain.md §8.1). */
import { z } from 'zod'
import type { Outcome } from '../../src/domain/outcome.ts'
import { parseCompactLocalTime } from '../../src/domain/vietnam-time.ts'
import type { CallbackReading, RailAccount, RawRequest, RefusalReason } from '../contract.ts'
import { readJsonObject } from '../shared/json-body.ts'
import type { NationalPortalConfig } from './account.ts'
import { isAuthentic, signable, signedFields } from './signature.ts'

type Account = RailAccount<NationalPortalConfig>

/** Strict per field, the separator refused in each (lesson 6 of domain.md §8.1). Unknown fields are let through unread. */
export const resultSchema = z.looseObject({
  LoaiBanTin: z.string().regex(/^[A-Z][A-Z_]{0,29}$/),
  MaLoi: z.string().regex(/^[0-9A-Za-z]{1,10}$/),
  MaDoiTac: z.string().regex(/^[0-9A-Za-z_-]{1,50}$/),
  MaThamChieu: z.string().regex(/^[0-9A-Za-z]{1,50}$/),
  SoTien: z.string().regex(/^[1-9]\d{0,14}$/),
  MaTienTe: z.string().regex(/^[A-Z]{3}$/),
  MaGiaoDich: z.string().regex(/^[0-9A-Za-z._-]{0,64}$/),
  MaNganHang: z.string().regex(/^[0-9A-Za-z_-]{0,20}$/),
  ThoiGianGD: z.string().regex(/^\d{14}$/),
  ThongTinGiaoDich: signable.max(500),
  MaXacThuc: z.string().regex(/^[0-9a-fA-F]{64}$/),
})
export type ResultFields = z.infer<typeof resultSchema>

const ourOwnMessages = ['INIT', 'QUERY', 'GET_BILL']

export function readResult(request: RawRequest, account: Account): CallbackReading {
  if (request.method !== 'POST' || (request.path !== '' && request.path !== '/')) {
    return refused('unsupported', `${request.method} ${request.path}`)
  }
  const body = readJsonObject(request.body)
  if (!body.ok) return refused(body.reason, body.detail)
  const texts = textsOf(body.value, signedFields.RESULT)
  if (texts === null) return refused('malformed', 'a hashed field is no text or holds the separator')
  const given = body.value.MaXacThuc
  if (typeof given !== 'string' || !isAuthentic(given, signedFields.RESULT, texts, account.config.secret)) {
    return refused('signature', 'MaXacThuc does not hold')
  }
  const parsed = resultSchema.safeParse(body.value)
  if (!parsed.success) return refused('malformed', z.prettifyError(parsed.error))
  const fields = parsed.data
  const foreign = foreignTo(fields, account)
  if (foreign !== null) return foreign
  const { MaLoi } = fields
  if (MaLoi === '00' && fields.MaGiaoDich === '') return refused('malformed', 'a success without MaGiaoDich')
  return { kind: 'outcome', outcome: outcomeOf(fields, MaLoi === '00' ? 'succeeded' : 'failed', 'CALLBACK', account) }
}

/** The hash says the platform sent it; this says it was meant for us (lesson 1 of domain.md §8.1). */
export function foreignTo(
  fields: ResultFields,
  account: Account,
): Extract<CallbackReading, { kind: 'refused' }> | null {
  const { partnerCode, resultMessageType } = account.config
  // Our own messages hash like a result does: one of them sent back must not pass for one.
  if (
    ourOwnMessages.includes(fields.LoaiBanTin) ||
    (resultMessageType !== undefined && fields.LoaiBanTin !== resultMessageType)
  ) {
    return refused('unsupported', `LoaiBanTin ${fields.LoaiBanTin}`)
  }
  if (fields.MaDoiTac !== partnerCode) return refused('wrong-account', `partner ${fields.MaDoiTac}`)
  if (fields.MaTienTe !== 'VND') return refused('wrong-currency', fields.MaTienTe)
  return null
}

export function outcomeOf(
  fields: ResultFields,
  kind: 'succeeded' | 'failed',
  source: 'CALLBACK' | 'INQUIRY',
  account: Account,
): Outcome {
  return {
    rail: 'national-portal',
    accountId: account.id,
    merchantRef: fields.MaThamChieu,
    railTransactionId: fields.MaGiaoDich === '' ? fields.MaThamChieu : fields.MaGiaoDich,
    kind,
    amount: BigInt(fields.SoTien),
    currency: fields.MaTienTe,
    // Partners format this with a 12-hour clock now and then (domain.md §5.7): kept as text in the evidence as well.
    paidAt: kind === 'succeeded' ? parseCompactLocalTime(fields.ThoiGianGD) : null,
    source,
    evidence: Object.fromEntries(signedFields.RESULT.map((name) => [name, fields[name]])),
  }
}

/** The values to hash; null when one is not text or holds the separator. Null and absent count as empty. */
export function textsOf(
  body: Readonly<Record<string, unknown>>,
  names: readonly string[],
): Record<string, string> | null {
  const texts: Record<string, string> = {}
  for (const name of names) {
    const value = body[name] ?? ''
    if (typeof value !== 'string' || value.includes('|')) return null
    texts[name] = value
  }
  return texts
}

function refused(reason: RefusalReason, detail: string): Extract<CallbackReading, { kind: 'refused' }> {
  return { kind: 'refused', reason, detail }
}
