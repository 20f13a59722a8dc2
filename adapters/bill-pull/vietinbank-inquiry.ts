/** VietinBank asks what a customer code owes: message 1100, answered by 1110 (rails.md §3.2). */
import { z } from 'zod'
import { foldToLatin } from '../../src/domain/fold.ts'
import { compactLocalTime } from '../../src/domain/vietnam-time.ts'
import type { BillAnswer, CallbackReading, HttpReply, RawRequest, RefusalReason } from '../contract.ts'
import { readJsonObject } from '../shared/json-body.ts'
import { joinTexts, payCodeOf } from '../vietinbank/notice.ts'
import { signText, verifyText } from '../vietinbank/rsa.ts'
import type { VietinbankProfile } from './account.ts'

export const inquiryPaths = ['/vpg/collection/api/v1/inq-bill', '/api/v1/inq-bill'] as const

/** `transTime` has been seen in two orders of its parts: it is text that we echo (rails.md §3.2). */
const inquirySchema = z.looseObject({
  header: z.looseObject({
    msgType: z.literal('1100'),
    providerId: z.string().max(50),
    merchantId: z.string().max(50).nullish(),
  }),
  data: z.looseObject({
    transId: z.string().regex(/^[0-9A-Za-z_-]{1,50}$/),
    transTime: z.string().regex(/^\d{14}$/),
    custCode: z.string().regex(/^[0-9A-Za-z._-]{1,30}$/),
  }),
})

export function readInquiry(request: RawRequest, config: VietinbankProfile): CallbackReading {
  const body = readJsonObject(request.body)
  if (!body.ok) return refused(body.reason, body.detail)
  const { header, data } = body.value
  if (!isRecord(header) || !isRecord(data)) return refused('malformed', 'header and data must be objects')
  const text = joinTexts([data.transId, data.transTime, data.custCode])
  const signature = header.signature
  if (text === null || typeof signature !== 'string')
    return refused('malformed', 'a signed field or the signature is no text')
  if (!verifyText(text, signature, config.bankKeyPem, config.signature))
    return refused('signature', 'not signed by the bank')

  const parsed = inquirySchema.safeParse(body.value)
  if (!parsed.success) return refused('malformed', z.prettifyError(parsed.error))
  const { providerId, merchantId } = parsed.data.header
  if (providerId !== config.noticeProviderId) return refused('wrong-account', `provider ${providerId}`)
  if (merchantId && merchantId !== config.merchantId) return refused('wrong-account', `merchant ${merchantId}`)
  const { transId, custCode } = parsed.data.data
  // A code that cannot be one of ours is asked for as it stands: the gateway knows none such and says so.
  return {
    kind: 'bill',
    request: {
      kind: 'inquire',
      payCode: payCodeOf(custCode, config.vacPrefix) ?? custCode,
      echo: { transId, custCode },
    },
  }
}

type Finding = { readonly errorCode: string; readonly errorDesc: string }

const notPayable: Record<Extract<BillAnswer, { kind: 'notPayable' }>['why'], Finding> = {
  unknown: { errorCode: '02', errorDesc: 'Bill not found' },
  paid: { errorCode: '02', errorDesc: 'Bill already paid' },
  expired: { errorCode: '02', errorDesc: 'Bill expired' },
  closed: { errorCode: '02', errorDesc: 'Bill closed' },
}

const refusals: Record<RefusalReason, Finding> = {
  signature: { errorCode: '01', errorDesc: 'Invalid signature' },
  auth: { errorCode: '01', errorDesc: 'Invalid signature' },
  'repeated-field': { errorCode: '01', errorDesc: 'Invalid signature' },
  stale: { errorCode: '99', errorDesc: 'Message too old' },
  malformed: { errorCode: '99', errorDesc: 'Malformed message' },
  'wrong-account': { errorCode: '02', errorDesc: 'Provider or merchant not found' },
  'wrong-currency': { errorCode: '99', errorDesc: 'Currency not supported' },
  unsupported: { errorCode: '99', errorDesc: 'Message not supported' },
}

function findingOf(answer: BillAnswer): Finding {
  switch (answer.kind) {
    case 'payable':
      return { errorCode: '00', errorDesc: 'Thanh cong' }
    case 'notPayable':
      return notPayable[answer.why]
    case 'refused':
      return refusals[answer.reason]
    case 'unavailable':
      return { errorCode: '99', errorDesc: 'Temporarily unavailable' }
    default:
      // Answers to a reversal never belong here.
      return { errorCode: '99', errorDesc: 'Message not supported' }
  }
}

/** Text that is signed: transId + transTime + custCode + custName + billId + amount + errorCode, null as empty. */
export function inquiryAnswerText(details: InquiryDetails, errorCode: string): string {
  const { transId, transTime, custCode, custName, billId, amount } = details
  return [transId, transTime, custCode, custName, billId ?? '', amount, errorCode].join('')
}

export type InquiryDetails = {
  readonly transId: string
  readonly transTime: string
  readonly custCode: string
  readonly custName: string
  readonly billId: string | null
  readonly amount: string
}

/** HTTP 200 always (rails.md §3.2). */
export function answerInquiry(
  answer: BillAnswer,
  request: RawRequest,
  config: VietinbankProfile,
  now: Date,
): HttpReply {
  const { errorCode, errorDesc } = findingOf(answer)
  const { header, data } = echoOf(request)
  // Nothing a stranger sent is signed but a short id (vietinbank/acknowledge.ts tells why).
  const trusted = errorCode !== '01'
  const details: InquiryDetails = {
    transId: data.transId,
    transTime: trusted ? data.transTime : '',
    custCode: trusted ? data.custCode : '',
    custName: answer.kind === 'payable' ? foldToLatin(answer.payerName, 100).toUpperCase() : '',
    billId: answer.kind === 'payable' ? answer.billId : null,
    amount: answer.kind === 'payable' ? answer.amount.toString() : '',
  }
  const signature = signText(inquiryAnswerText(details, errorCode), config.privateKeyPem, config.signature)
  return {
    status: 200,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify({
      header: { ...header, msgType: '1110', timestamp: compactLocalTime(now), signature },
      data: {
        errors: { errorCode, errorDesc },
        details: { ...details, amountMin: null, preseve1: null, preseve2: null, preseve3: null },
      },
    }),
  }
}

const echoedHeaderNames = [
  'msgId',
  'channelId',
  'gatewayId',
  'providerId',
  'merchantId',
  'productId',
  'recordNum',
  'version',
  'language',
  'username',
] as const

/** What the answer repeats of the request; unsafe or missing values become empty. */
function echoOf(request: RawRequest): {
  header: Record<string, string>
  data: { transId: string; transTime: string; custCode: string }
} {
  const body = readJsonObject(request.body)
  const header = body.ok && isRecord(body.value.header) ? body.value.header : {}
  const data = body.ok && isRecord(body.value.data) ? body.value.data : {}
  const echoed: Record<string, string> = {}
  for (const name of echoedHeaderNames) {
    if (typeof header[name] === 'string') echoed[name] = safe(header[name])
  }
  return {
    header: echoed,
    data: {
      transId: safe(data.transId),
      transTime: safe(data.transTime),
      custCode: safe(data.custCode),
    },
  }
}

function safe(value: unknown): string {
  return typeof value === 'string' && /^[0-9A-Za-z_-]{1,50}$/.test(value) ? value : ''
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function refused(reason: RefusalReason, detail: string): CallbackReading {
  return { kind: 'refused', reason, detail }
}
