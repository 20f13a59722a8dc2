/** Credit notices by SePay (rails.md §2.8): signed over `timestamp.body`, or with an API key where the account is set to that. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { findPayCodes } from '../../../src/domain/pay-code.ts'
import { parseReadableLocalTime } from '../../../src/domain/vietnam-time.ts'
import type { AdapterContext, CallbackReading, HttpReply, RailAccount, RawRequest, Verdict } from '../../contract.ts'
import { parseJsonObject } from '../../shared/json-body.ts'
import { isHexMac } from '../../shared/mac.ts'
import { jsonReply } from '../../shared/reply.ts'
import type { SepaySource, VietQrConfig } from '../account.ts'

// Unknown fields may be added by the sender; those we read must be what the page says.
const notice = z.object({
  id: z.int().min(1),
  gateway: z.string().max(100).optional(),
  transactionDate: z.string().max(40).optional(),
  accountNumber: z.string().max(40),
  subAccount: z.string().max(40).nullable().optional(),
  code: z.string().max(250).nullable().optional(),
  content: z.string().max(1000),
  transferType: z.enum(['in', 'out']),
  transferAmount: z.int().min(0).max(999_999_999_999_999),
  referenceCode: z.string().max(100).nullable().optional(),
})

export function readSepay(
  request: RawRequest,
  account: RailAccount<VietQrConfig>,
  context: AdapterContext,
): CallbackReading {
  const { source } = account.config
  if (request.method !== 'POST') return { kind: 'refused', reason: 'unsupported', detail: 'only POST' }
  const refusal = authenticate(request, source, context.now)
  if (refusal !== null) return refusal
  const body = parseJsonObject(request.body)
  if (!body.ok) return { kind: 'refused', reason: body.reason, detail: body.detail }
  const parsed = notice.safeParse(body.value)
  if (!parsed.success)
    return {
      kind: 'refused',
      reason: 'malformed',
      detail: parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '),
    }
  const { data } = parsed
  if (data.accountNumber !== account.config.accountNumber && data.subAccount !== account.config.accountNumber) {
    return { kind: 'refused', reason: 'wrong-account', detail: 'the notice is about another account' }
  }
  if (data.transferType === 'out' || data.transferAmount === 0) return { kind: 'ignored', reason: 'no credit' }
  const codes = findPayCodes(`${data.content}\n${data.code ?? ''}`)
  return {
    kind: 'outcome',
    outcome: {
      rail: 'vietqr',
      accountId: account.id,
      merchantRef: codes.length === 1 ? (codes[0] ?? null) : null,
      railTransactionId: `sepay:${data.id}`,
      kind: 'succeeded',
      amount: BigInt(data.transferAmount),
      currency: 'VND',
      paidAt: parseReadableLocalTime(data.transactionDate ?? ''),
      source: 'CALLBACK',
      evidence: {
        source: 'sepay',
        id: String(data.id),
        gateway: data.gateway ?? '',
        transactionDate: data.transactionDate ?? '',
        content: data.content,
        code: data.code ?? '',
        referenceCode: data.referenceCode ?? '',
      },
    },
  }
}

/** SePay reads `success`; anything but 2xx makes it deliver again, seven times in half an hour. */
export function acknowledgeSepay(verdict: Verdict): HttpReply {
  if (verdict.kind === 'unavailable') return jsonReply(503, { success: false })
  if (verdict.kind !== 'refused') return jsonReply(200, { success: true })
  switch (verdict.reason) {
    case 'signature':
    case 'auth':
    case 'stale':
      return jsonReply(401, { success: false })
    default:
      return jsonReply(400, { success: false })
  }
}

/** Exactly the configured mode: a header of the other mode is a refusal too, so nobody can pick the weaker one. */
function authenticate(request: RawRequest, source: SepaySource, now: Date): CallbackReading | null {
  const { authorization, 'x-sepay-signature': signature, 'x-sepay-timestamp': timestamp } = request.headers
  if (source.mode === 'apikey') {
    if (signature !== undefined)
      return { kind: 'refused', reason: 'auth', detail: 'signed, but this account takes API keys' }
    return isSameText(authorization ?? '', `Apikey ${source.apiKey}`)
      ? null
      : { kind: 'refused', reason: 'auth', detail: 'wrong API key' }
  }
  if (authorization !== undefined)
    return { kind: 'refused', reason: 'auth', detail: 'API key, but this account takes signatures' }
  if (signature === undefined || timestamp === undefined || !/^\d{10}$/.test(timestamp))
    return { kind: 'refused', reason: 'signature', detail: 'signature or timestamp missing' }
  const expected = createHmac('sha256', source.secret).update(`${timestamp}.`).update(request.body).digest()
  if (!signature.startsWith('sha256=') || !isHexMac(signature.slice('sha256='.length), expected))
    return { kind: 'refused', reason: 'signature', detail: 'wrong signature' }
  const age = Math.abs(now.getTime() / 1000 - Number(timestamp))
  return age > source.toleranceSeconds
    ? { kind: 'refused', reason: 'stale', detail: `signed ${Math.round(age)} s away from now` }
    : null
}

/** Constant time, also for texts of different lengths. */
function isSameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
