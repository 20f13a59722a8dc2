/** The signed answer to a credit notice (rails.md §3.1). */
import type { HttpReply, RawRequest, RefusalReason, Verdict } from '../contract.ts'
import { readJsonObject } from '../shared/json-body.ts'
import { type SignatureScheme, signText } from './rsa.ts'

export type Acknowledgement = { readonly status: number; readonly errorCode: string; readonly errorDesc: string }

export type AcknowledgementTerms = {
  readonly privateKeyPem: string
  readonly signature: SignatureScheme
  readonly noticeProviderId: string
  readonly duplicateAck: '00' | '05'
}

const accepted: Acknowledgement = { status: 200, errorCode: '00', errorDesc: 'Thanh cong' }
const duplicate: Acknowledgement = { status: 200, errorCode: '05', errorDesc: 'Duplicate transaction' }
// Not 200: the bank's retry rule is not published, and no caller takes a 503 for "received".
const unavailable: Acknowledgement = { status: 503, errorCode: '99', errorDesc: 'Temporarily unavailable' }

const refusals: Record<RefusalReason, Acknowledgement> = {
  signature: { status: 200, errorCode: '01', errorDesc: 'Invalid signature' },
  auth: { status: 200, errorCode: '01', errorDesc: 'Invalid signature' },
  'repeated-field': { status: 200, errorCode: '01', errorDesc: 'Invalid signature' },
  stale: { status: 200, errorCode: '99', errorDesc: 'Message too old' },
  malformed: { status: 200, errorCode: '99', errorDesc: 'Malformed message' },
  'wrong-account': { status: 200, errorCode: '02', errorDesc: 'Account not found' },
  'wrong-currency': { status: 200, errorCode: '99', errorDesc: 'Currency not supported' },
  unsupported: { status: 200, errorCode: '99', errorDesc: 'Message not supported' },
}

/**
 * The notice tells of money that has already come, so everything that is on record is accepted, also money of an unknown
 * code, of another amount or for a bill already paid: those are ours to sort out, and another call would change nothing.
 */
export function acknowledgementOf(verdict: Verdict, duplicateAck: '00' | '05'): Acknowledgement {
  switch (verdict.kind) {
    case 'recorded':
    case 'alreadyFinal':
    case 'unknownReference':
    case 'ignored':
      return accepted
    case 'repeated':
      return duplicateAck === '05' ? duplicate : accepted
    case 'amountMismatch':
      return verdict.settlementId === null
        ? { status: 200, errorCode: '99', errorDesc: 'Amount not accepted' }
        : accepted
    case 'refused':
      return refusals[verdict.reason]
    case 'unavailable':
      return unavailable
  }
}

/** Signed text: transId + errorCode + errorDesc. */
export function acknowledge(verdict: Verdict, request: RawRequest, terms: AcknowledgementTerms): HttpReply {
  return signedReply(acknowledgementOf(verdict, terms.duplicateAck), request, terms)
}

export function signedReply(answer: Acknowledgement, request: RawRequest, terms: AcknowledgementTerms): HttpReply {
  const transId = transIdOf(request)
  const { errorCode, errorDesc } = answer
  const signature = signText(transId + errorCode + errorDesc, terms.privateKeyPem, terms.signature)
  return {
    status: answer.status,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify({ transId, providerId: terms.noticeProviderId, errorCode, errorDesc, signature }),
  }
}

/**
 * The transId to echo, also of a request that is not the bank's. The same key signs payment orders and their signed texts have
 * no separators, so a stranger must not be able to have a text of his own signed: at most 50 letters, digits, `_` and `-`
 * (no order is that short, and each holds a version or an address with dots).
 */
export function transIdOf(request: RawRequest): string {
  const body = readJsonObject(request.body)
  const transId = body.ok ? body.value.transId : null
  return typeof transId === 'string' && /^[0-9A-Za-z_-]{1,50}$/.test(transId) ? transId : ''
}
