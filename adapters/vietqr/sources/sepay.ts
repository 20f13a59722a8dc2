/** Credit notices by SePay (rails.md §2.8): signed over `timestamp.body`, or with an API key where the account is set to that. */
import { createHmac } from 'node:crypto'
import { z } from 'zod'
import type { CallbackReading, HttpReply, RawRequest, RefusalReason, Verdict } from '../../contract.ts'
import { readJsonObject } from '../../shared/json-body.ts'
import { isHexMac } from '../../shared/mac.ts'
import { jsonReply } from '../../shared/reply.ts'
import { bankTime, type CollectionAccount, isSettled, malformed, readingOf, refused } from '../notice.ts'
import { isSameText } from '../same-text.ts'

export const sepaySource = z.discriminatedUnion('mode', [
  z.strictObject({
    name: z.literal('sepay'),
    mode: z.literal('hmac'),
    secret: z.string().min(16).max(256),
    toleranceSeconds: z.int().min(30).max(900).default(300),
  }),
  z.strictObject({ name: z.literal('sepay'), mode: z.literal('apikey'), apiKey: z.string().min(16).max(256) }),
])

export type SepaySource = z.infer<typeof sepaySource>

// Unknown fields may be added by the sender; those we read must be what the page says.
const noticeSchema = z.object({
  id: z.int().min(1),
  gateway: z.string().max(100).nullish(),
  transactionDate: z.string().max(40).nullish(),
  accountNumber: z.string().max(40),
  subAccount: z.string().max(40).nullish(),
  code: z.string().max(250).nullish(),
  content: z.string().max(1000),
  transferType: z.enum(['in', 'out']),
  transferAmount: z.int().min(0).max(999_999_999_999_999),
  referenceCode: z.string().max(100).nullish(),
})

/** Proof → JSON → our account → credit. The proof covers the bytes as received, so it comes first. */
export function readSepay(
  request: RawRequest,
  source: SepaySource,
  account: CollectionAccount,
  now: Date,
): CallbackReading {
  if (request.method !== 'POST' || request.path !== '')
    return refused('unsupported', `${request.method} ${request.path}`)
  const refusal = authenticate(request, source, now)
  if (refusal !== null) return refusal
  const body = readJsonObject(request.body)
  if (!body.ok) return refused(body.reason, body.detail)
  const parsed = noticeSchema.safeParse(body.value)
  if (!parsed.success) return malformed(parsed.error)
  const { data } = parsed
  return readingOf(
    {
      transactionId: String(data.id),
      isCredit: data.transferType === 'in',
      amount: BigInt(data.transferAmount),
      receivers: [data.accountNumber, data.subAccount],
      texts: [data.content, data.code],
      paidAt: bankTime(data.transactionDate ?? ''),
      evidence: {
        source: 'sepay',
        id: String(data.id),
        gateway: data.gateway,
        transactionDate: data.transactionDate,
        content: data.content,
        code: data.code,
        referenceCode: data.referenceCode,
      },
    },
    account,
  )
}

/** Exactly the configured mode: a header of the other mode is a refusal too, so nobody can pick the weaker one. */
function authenticate(request: RawRequest, source: SepaySource, now: Date): CallbackReading | null {
  const { authorization, 'x-sepay-signature': signature, 'x-sepay-timestamp': timestamp } = request.headers
  if (source.mode === 'apikey') {
    if (signature !== undefined) return refused('auth', 'signed, but this account takes API keys')
    return isSameText(authorization ?? '', `Apikey ${source.apiKey}`) ? null : refused('auth', 'wrong API key')
  }
  if (authorization !== undefined) return refused('auth', 'API key, but this account takes signatures')
  if (signature === undefined || timestamp === undefined || !/^\d{10}$/.test(timestamp))
    return refused('signature', 'signature or timestamp missing')
  const expected = createHmac('sha256', source.secret).update(`${timestamp}.`).update(request.body).digest()
  if (!signature.startsWith('sha256=') || !isHexMac(signature.slice('sha256='.length), expected))
    return refused('signature', 'wrong signature')
  const ageSeconds = Math.abs(now.getTime() / 1000 - Number(timestamp))
  return ageSeconds > source.toleranceSeconds
    ? refused('stale', `signed ${Math.round(ageSeconds)} s away from now`)
    : null
}

const refusalStatus: Readonly<Record<RefusalReason, number>> = {
  signature: 401,
  auth: 401,
  stale: 401,
  malformed: 400,
  'repeated-field': 400,
  'wrong-account': 400,
  'wrong-currency': 400,
  unsupported: 400,
}

/** SePay reads `success`; anything but 2xx makes it deliver again, seven times in half an hour. */
export function acknowledgeSepay(verdict: Verdict): HttpReply {
  if (verdict.kind === 'refused') return jsonReply(refusalStatus[verdict.reason], { success: false })
  return isSettled(verdict) ? jsonReply(200, { success: true }) : jsonReply(503, { success: false })
}
