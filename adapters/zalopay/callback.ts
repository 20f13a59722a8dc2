/** ZaloPay's callback (rails.md §5.2): JSON inside JSON, the inner text signed as it stands. It comes only for a success. */
import { z } from 'zod'
import type { CallbackReading, RailAccount, RawRequest, RefusalReason } from '../contract.ts'
import { readJsonObject } from '../shared/json-body.ts'
import type { ZalopayConfig } from './account.ts'
import { wholeNumber } from './call.ts'
import { isSignedCallback } from './signature.ts'

const dataSchema = z.looseObject({
  app_trans_id: z.string().regex(/^\d{6}_[0-9A-Za-z_.-]{1,33}$/),
  amount: z.int().min(1),
  zp_trans_id: wholeNumber.refine((id) => id !== '0', 'names no transaction'),
  server_time: z
    .int()
    .min(Date.UTC(2020, 0, 1))
    .max(Date.UTC(2100, 0, 1))
    .nullish(),
})

/** Fields that are kept as evidence. None of them is secret. */
const evidenceNames = [
  'app_id',
  'app_trans_id',
  'zp_trans_id',
  'amount',
  'user_fee_amount',
  'discount_amount',
  'channel',
  'app_time',
  'server_time',
  'return_code',
  'sub_return_code',
  'sub_return_message',
] as const

/** Signature → inner JSON → our app → fields → a success. */
export function readCallback(request: RawRequest, account: RailAccount<ZalopayConfig>): CallbackReading {
  const { config } = account
  if (request.method !== 'POST' || request.path !== '')
    return refused('unsupported', `${request.method} ${request.path.slice(0, 100)}`)
  const body = readJsonObject(request.body)
  if (!body.ok) return refused(body.reason, body.detail)
  const { data, mac } = body.value
  if (typeof data !== 'string' || typeof mac !== 'string' || !isSignedCallback(data, mac, config.key2))
    return refused('signature', 'not signed by ZaloPay')
  const inner = readJsonObject(Buffer.from(data, 'utf8'))
  if (!inner.ok) return refused(inner.reason, `data: ${inner.detail}`)
  if (inner.value.app_id !== config.appId) return refused('wrong-account', 'another app')
  const parsed = dataSchema.safeParse(inner.value)
  if (!parsed.success) return refused('malformed', z.prettifyError(parsed.error))
  const success = parsed.data
  return {
    kind: 'outcome',
    outcome: {
      rail: 'zalopay',
      accountId: account.id,
      merchantRef: success.app_trans_id,
      railTransactionId: success.zp_trans_id,
      kind: 'succeeded',
      amount: BigInt(success.amount),
      currency: 'VND',
      paidAt: typeof success.server_time === 'number' ? new Date(success.server_time) : null,
      source: 'CALLBACK',
      evidence: evidenceOf(inner.value),
    },
  }
}

export function evidenceOf(fields: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    evidenceNames.flatMap((name) => {
      const value = fields[name]
      const text = typeof value === 'string' || typeof value === 'number' ? String(value).slice(0, 255) : ''
      return text === '' ? [] : [[name, text]]
    }),
  )
}

/** Before verification: for logs only. */
export function lookup(request: RawRequest): { merchantRef: string | null; accountHint: string | null } {
  const body = readJsonObject(request.body)
  const data = body.ok && typeof body.value.data === 'string' ? body.value.data : ''
  const inner = readJsonObject(Buffer.from(data, 'utf8'))
  if (!inner.ok) return { merchantRef: null, accountHint: null }
  const { app_trans_id: reference, app_id: appId } = inner.value
  return {
    merchantRef: typeof reference === 'string' && /^[0-9A-Za-z_.-]{1,40}$/.test(reference) ? reference : null,
    accountHint: typeof appId === 'number' ? String(appId) : null,
  }
}

function refused(reason: RefusalReason, detail: string): CallbackReading {
  return { kind: 'refused', reason, detail }
}
