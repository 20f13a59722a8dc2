/** QUERY: what became of a payment, and GET_BILL: the platform's own receipt file (domain.md §8.1). */
import { z } from 'zod'
import { compactLocalTime } from '../../src/domain/vietnam-time.ts'
import type {
  HttpAnswer,
  HttpCall,
  InquiryResult,
  RailAccount,
  ReceiptFileResult,
  Step,
  StoredAttempt,
} from '../contract.ts'
import { readJsonObject } from '../shared/json-body.ts'
import type { NationalPortalConfig } from './account.ts'
import { foreignTo, outcomeOf, resultSchema, textsOf } from './result.ts'
import { authenticationCode, isAuthentic, signedFields } from './signature.ts'
import { portalCall } from './start.ts'

type Account = RailAccount<NationalPortalConfig>

/** Asking twice changes nothing, so the gateway may. */
export function inquire(attempt: StoredAttempt, account: Account): Step<InquiryResult> {
  return { kind: 'call', call: questionCall('QUERY', account.config.queryUrl, attempt, account), state: null }
}

const answerSchema = resultSchema.extend({ TrangThaiGD: z.string().regex(/^\d{1,3}$/) })

export function readInquiry(answer: HttpAnswer, attempt: StoredAttempt, account: Account): Step<InquiryResult> {
  const unverified = (detail: string): Step<InquiryResult> => ({ kind: 'done', result: { kind: 'unverified', detail } })
  const { config } = account
  if (answer.status < 200 || answer.status > 299) return unverified(`HTTP ${answer.status}`)
  const body = readJsonObject(answer.body)
  if (!body.ok) return unverified(`unreadable answer: ${body.detail}`)
  const names = config.queryStatusIsSigned ? [...signedFields.RESULT, 'TrangThaiGD'] : signedFields.RESULT
  const texts = textsOf(body.value, names)
  const given = body.value.MaXacThuc
  if (texts === null || typeof given !== 'string' || !isAuthentic(given, names, texts, config.secret)) {
    return unverified('MaXacThuc does not hold')
  }
  const parsed = answerSchema.safeParse(body.value)
  if (!parsed.success) return unverified(z.prettifyError(parsed.error))
  const fields = parsed.data
  // Here the platform answers our QUERY, so the message type is not compared with that of a result.
  const foreign = foreignTo({ ...fields, LoaiBanTin: config.resultMessageType ?? 'RESULT' }, account)
  if (foreign !== null) return unverified(foreign.detail)
  if (fields.MaThamChieu !== attempt.merchantRef) return unverified('answer about another reference')
  switch (fields.TrangThaiGD) {
    case '1':
      if (fields.MaLoi !== '00' || fields.MaGiaoDich === '') return { kind: 'done', result: { kind: 'stillPending' } }
      return { kind: 'done', result: { kind: 'outcome', outcome: outcomeOf(fields, 'succeeded', 'INQUIRY', account) } }
    case '4':
      return { kind: 'done', result: { kind: 'outcome', outcome: outcomeOf(fields, 'failed', 'INQUIRY', account) } }
    default:
      // `3`: the platform does not know the bank's final word. Values nobody described are waited out too.
      return { kind: 'done', result: { kind: 'stillPending' } }
  }
}

export function receiptFile(attempt: StoredAttempt, account: Account): Step<ReceiptFileResult> {
  return { kind: 'call', call: receiptFileCall(attempt, account), state: null }
}

export function readReceiptAnswer(answer: HttpAnswer): Step<ReceiptFileResult> {
  const content = readReceiptFile(answer)
  return {
    kind: 'done',
    result:
      content === null
        ? { kind: 'notReady', detail: `HTTP ${answer.status}, no PDF` }
        : { kind: 'file', contentType: 'application/pdf', content },
  }
}

/** The call for the platform's receipt of a paid attempt. */
export function receiptFileCall(attempt: StoredAttempt, account: Account): HttpCall {
  return questionCall('GET_BILL', account.config.getBillUrl, attempt, account)
}

/** The PDF's bytes; null when the answer is something else (a refusal, an error page). */
export function readReceiptFile(answer: HttpAnswer): Uint8Array | null {
  if (answer.status !== 200) return null
  const magic = Buffer.from(answer.body.subarray(0, 5)).toString('latin1')
  return magic === '%PDF-' ? answer.body : null
}

/** Both questions carry and hash the same fields; the time is the one INIT was sent with. */
function questionCall(message: 'QUERY' | 'GET_BILL', url: string, attempt: StoredAttempt, account: Account): HttpCall {
  const fields = {
    LoaiBanTin: message,
    PhienBan: account.config.version,
    MaDoiTac: account.config.partnerCode,
    MaThamChieu: attempt.merchantRef,
    // What was sent is not known when INIT got no answer; it was the attempt's own time (start.ts).
    ThoiGianGD: attempt.sent.thoiGianGD ?? compactLocalTime(attempt.createdAt),
  }
  const MaXacThuc = authenticationCode(signedFields.QUERY, fields, account.config.secret)
  return portalCall(url, { ...fields, MaXacThuc }, account.config, { repeatable: true })
}
