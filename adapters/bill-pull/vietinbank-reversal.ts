/** Taking back a payment of today in VietinBank's style: our own extension, the bank publishes none (rails.md §3.2). */
import { z } from 'zod'
import type { BillAnswer, CallbackReading, HttpReply, RawRequest, RefusalReason } from '../contract.ts'
import { readJsonObject } from '../shared/json-body.ts'
import { acknowledgementOf, signedReply } from '../vietinbank/acknowledge.ts'
import { joinTexts, plausibleTime } from '../vietinbank/notice.ts'
import { verifyText } from '../vietinbank/rsa.ts'
import type { VietinbankProfile } from './account.ts'

export const reversalPaths = ['/vpg/collection/api/v1/reverse-bill', '/api/v1/reverse-bill'] as const

const signedNames = ['transId', 'orgTransId', 'transTime', 'amount', 'reason'] as const

/** `reason` is folded text that begins with a letter: with no separators, that alone marks where the amount ends. */
const reversalSchema = z.looseObject({
  msgId: z.string().max(50).nullish(),
  providerId: z.string().max(50),
  transId: z.string().regex(/^[0-9A-Za-z_-]{1,50}$/),
  orgTransId: z.string().regex(/^[0-9A-Za-z_-]{1,50}$/),
  transTime: z.string().regex(/^\d{14}$/),
  amount: z.string().regex(/^[1-9]\d{0,14}$/),
  reason: z.string().regex(/^[A-Za-z][0-9A-Za-z .,_-]{0,199}$/),
})

export function readReversal(request: RawRequest, config: VietinbankProfile, now: Date): CallbackReading {
  const body = readJsonObject(request.body)
  if (!body.ok) return refused(body.reason, body.detail)
  const text = joinTexts(signedNames.map((name) => body.value[name]))
  const { signature } = body.value
  if (text === null || typeof signature !== 'string')
    return refused('malformed', 'a signed field or the signature is no text')
  if (!verifyText(text, signature, config.bankKeyPem, config.signature))
    return refused('signature', 'not signed by the bank')

  const parsed = reversalSchema.safeParse(body.value)
  if (!parsed.success) return refused('malformed', z.prettifyError(parsed.error))
  const { providerId, transId, orgTransId, transTime, amount, reason } = parsed.data
  if (providerId !== config.noticeProviderId) return refused('wrong-account', `provider ${providerId}`)
  if (plausibleTime(transTime, now) === null) return refused('malformed', `transTime ${transTime} is no plausible time`)
  return {
    kind: 'bill',
    request: {
      kind: 'reverse',
      reversalId: `${providerId}:${transId}`,
      originalTransactionId: `${providerId}:${orgTransId}`,
      amount: BigInt(amount),
      reason,
      echo: { transId, orgTransId },
    },
  }
}

const findings = {
  reversed: { status: 200, errorCode: '00', errorDesc: 'Thanh cong' },
  alreadyReversed: { status: 200, errorCode: '05', errorDesc: 'Already reversed' },
  originalUnknown: { status: 200, errorCode: '02', errorDesc: 'Original transaction not found' },
  tooLate: { status: 200, errorCode: '06', errorDesc: 'Too late to reverse' },
} as const

export function answerReversal(answer: BillAnswer, request: RawRequest, config: VietinbankProfile): HttpReply {
  switch (answer.kind) {
    case 'reversed':
    case 'alreadyReversed':
    case 'originalUnknown':
    case 'tooLate':
      return signedReply(findings[answer.kind], request, config)
    case 'refused':
      return signedReply(
        acknowledgementOf({ kind: 'refused', reason: answer.reason }, config.duplicateAck),
        request,
        config,
      )
    case 'unavailable':
      return signedReply(acknowledgementOf({ kind: 'unavailable' }, config.duplicateAck), request, config)
    default:
      // Answers to an inquiry never belong here.
      return signedReply(
        acknowledgementOf({ kind: 'refused', reason: 'unsupported' }, config.duplicateAck),
        request,
        config,
      )
  }
}

function refused(reason: RefusalReason, detail: string): CallbackReading {
  return { kind: 'refused', reason, detail }
}
