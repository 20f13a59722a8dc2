/** VietinBank's credit notice (rails.md §3.1) and its check of the signed answer. */
import { compactTime } from '../bank-time.ts'
import type { Callback, CallbackAnswer, Judgement, Notifier } from '../notifier.ts'
import { acknowledgementMs, type Sending } from '../rail-partner.ts'
import { isTextSigned, type RsaScheme, signText, spoilBase64 } from './rsa-text.ts'
import { type Fields, noticeAnswerText, noticeText } from './vietinbank-wire.ts'

export type Credit = {
  readonly transId: string
  readonly amount: bigint
  readonly remark: string
  /** Virtual account's code; none for a transfer to the plain account. */
  readonly custCode?: string
  readonly bankTransId: string
  readonly at: Date
}

export type NoticeSending = Sending & { readonly badSignature?: boolean }

export type NoticeTerms = {
  readonly providerId: string
  readonly accountNumber: string
  readonly bankPrivateKeyPem: string
  readonly gatewayPublicKeyPem: string
  readonly scheme: RsaScheme
  readonly retryDelaysMs: readonly number[]
  readonly callbackUrl: () => string | null
}

/** The path behind the gateway's callback address. */
export const noticePath = '/vpg/collection/api/v1/notify-bill'

export function makeNotice(credit: Credit, terms: NoticeTerms): Fields {
  const notice: Fields = {
    msgId: `m${credit.transId}`,
    providerId: terms.providerId,
    transId: credit.transId,
    transTime: compactTime(credit.at),
    transType: credit.custCode === undefined ? 'C' : '3',
    ...(credit.custCode === undefined ? {} : { custCode: credit.custCode, recvVirtualAcctId: credit.custCode }),
    recvAcctId: terms.accountNumber,
    bankTransId: credit.bankTransId,
    amount: credit.amount.toString(),
    remark: credit.remark,
    currencyCode: 'VND',
  }
  return { ...notice, signature: signText(noticeText(notice), terms.bankPrivateKeyPem, terms.scheme) }
}

export async function sendNotice(
  notifier: Notifier,
  credit: Credit,
  terms: NoticeTerms,
  label: string,
  sending: NoticeSending,
): Promise<Callback> {
  const notice = makeNotice(sending.amount === undefined ? credit : { ...credit, amount: sending.amount }, terms)
  const isForged = sending.tampered === true || sending.badSignature === true
  const body = JSON.stringify({
    ...notice,
    ...(sending.tampered === true ? { amount: `${notice.amount}0` } : {}),
    ...(sending.badSignature === true ? { signature: spoilBase64(notice.signature ?? '') } : {}),
  })
  return await notifier.send({
    about: credit.remark,
    label,
    request: () => {
      const base = terms.callbackUrl()
      if (base === null) return null
      return { method: 'POST', url: `${base}${noticePath}`, headers: { 'content-type': 'application/json' }, body }
    },
    judge: (answer) => judge(answer, credit.transId, terms, isForged),
    retryDelaysMs: sending.tampered === true ? [] : terms.retryDelaysMs,
    timeoutMs: acknowledgementMs,
    copies: sending.duplicate === true ? 2 : 1,
  })
}

/**
 * The partner's answer to a notice or a reversal: exactly `{transId, providerId, errorCode, errorDesc, signature}`, signed by
 * the partner; its code, or what is wrong with it.
 */
export function readNoticeAnswer(
  answer: CallbackAnswer,
  transId: string,
  terms: Pick<NoticeTerms, 'providerId' | 'gatewayPublicKeyPem' | 'scheme'>,
): { readonly errorCode: string; readonly isExact: boolean } | string {
  const given = read(answer.body)
  if (answer.status !== 200 || given === null) return `HTTP ${answer.status}: no answer this bank knows`
  const { errorCode = '', errorDesc = '' } = given
  const text = noticeAnswerText(given.transId ?? '', errorCode, errorDesc)
  if (!isTextSigned(text, given.signature, terms.gatewayPublicKeyPem, terms.scheme))
    return 'the answer is not signed by the partner'
  if (given.transId !== transId || given.providerId !== terms.providerId) return 'an answer to another notice'
  const isExact = answer.body === JSON.stringify(given) && /^application\/json\b/.test(answer.contentType)
  return { errorCode, isExact }
}

/** `00` and `05` end the calls; a forged notice must be answered `01`. */
function judge(answer: CallbackAnswer, transId: string, terms: NoticeTerms, isForged: boolean): Judgement {
  const given = readNoticeAnswer(answer, transId, terms)
  if (typeof given === 'string') return { asExpected: false, ends: false, meaning: given }
  const ends = given.errorCode === '00' || given.errorCode === '05'
  const isRight = isForged ? given.errorCode === '01' : ends
  return { asExpected: given.isExact && isRight, ends, meaning: `errorCode ${given.errorCode}` }
}

const answerNames = ['transId', 'providerId', 'errorCode', 'errorDesc', 'signature']

/** The five texts in their order, and nothing else; null otherwise. */
function read(body: string): Record<string, string> | null {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    // Reported by the caller as an answer the bank does not know.
    return null
  }
  if (typeof value !== 'object' || value === null || Object.keys(value).join() !== answerNames.join()) return null
  const fields: Record<string, string> = {}
  for (const [name, text] of Object.entries(value)) {
    if (typeof text !== 'string') return null
    fields[name] = text
  }
  return fields
}
