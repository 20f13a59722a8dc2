/** Our answer to a result, hashed over its own fields: never the caller's hash sent back (lesson 3 of domain.md §8.1). */
import { compactLocalTime } from '../../src/domain/vietnam-time.ts'
import type { HttpReply, RailAccount, RawRequest, RefusalReason, Verdict } from '../contract.ts'
import { readJsonObject } from '../shared/json-body.ts'
import type { NationalPortalConfig } from './account.ts'
import { authenticationCode, signedFields } from './signature.ts'

type AnswerCode = keyof NationalPortalConfig['answerCodes']
type Answer = { readonly status: number; readonly code: AnswerCode; readonly text: string }

const recorded: Answer = { status: 200, code: 'ok', text: 'Thanh cong' }

const refusals: Record<RefusalReason, Answer> = {
  signature: { status: 200, code: 'badSignature', text: 'Sai ma xac thuc' },
  auth: { status: 200, code: 'badSignature', text: 'Sai ma xac thuc' },
  'repeated-field': { status: 200, code: 'badSignature', text: 'Sai ma xac thuc' },
  stale: { status: 200, code: 'malformed', text: 'Ban tin qua han' },
  malformed: { status: 200, code: 'malformed', text: 'Ban tin khong hop le' },
  'wrong-account': { status: 200, code: 'unknownReference', text: 'Khong tim thay giao dich' },
  'wrong-currency': { status: 200, code: 'badAmount', text: 'Tien te khong hop le' },
  unsupported: { status: 200, code: 'malformed', text: 'Ban tin khong ho tro' },
}

function answerTo(verdict: Verdict): Answer {
  switch (verdict.kind) {
    case 'recorded':
    case 'repeated':
    case 'alreadyFinal':
    case 'ignored':
      return recorded
    case 'amountMismatch':
      return { status: 200, code: 'badAmount', text: 'Sai so tien' }
    case 'unknownReference':
      return { status: 200, code: 'unknownReference', text: 'Khong tim thay giao dich' }
    case 'refused':
      return refusals[verdict.reason]
    case 'unavailable':
      // Not 200: how the platform repeats is not published, and no caller takes a 503 for "received".
      return { status: 503, code: 'unavailable', text: 'Tam thoi khong san sang' }
  }
}

/**
 * The first hashed value is a code that begins with a digit, while a message of the platform begins with letters: nothing
 * that a stranger makes us hash can pass for a result.
 */
export function acknowledge(
  verdict: Verdict,
  request: RawRequest,
  account: RailAccount<NationalPortalConfig>,
  now: Date,
): HttpReply {
  const { config } = account
  const answer = answerTo(verdict)
  const fields = {
    MaLoi: config.answerCodes[answer.code],
    MoTaLoi: answer.text,
    MaDoiTac: config.partnerCode,
    MaThamChieu: referenceIn(request) ?? '',
    ThoiGianGD: compactLocalTime(now),
  }
  return {
    status: answer.status,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify({ ...fields, MaXacThuc: authenticationCode(signedFields.ANSWER, fields, config.secret) }),
  }
}

/** The reference a request claims, in its strict form; trusted for nothing. */
export function referenceIn(request: RawRequest): string | null {
  const body = readJsonObject(request.body)
  const reference = body.ok ? body.value.MaThamChieu : null
  return typeof reference === 'string' && /^[0-9A-Za-z]{1,50}$/.test(reference) ? reference : null
}
