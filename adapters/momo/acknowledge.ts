/** MoMo takes HTTP 204 with nothing in it for "got it" (rails.md §5.1). What else it reads is not published. */
import type { HttpReply, RefusalReason, Verdict } from '../contract.ts'

const statusOf: Readonly<Record<Exclude<Verdict['kind'], 'refused' | 'amountMismatch'>, number>> = {
  recorded: 204,
  repeated: 204,
  alreadyFinal: 204,
  ignored: 204,
  // Told again it would be as unknown; it is on record for a person to look at.
  unknownReference: 204,
  unavailable: 503,
}

const statusOfRefusal: Readonly<Record<RefusalReason, number>> = {
  signature: 401,
  auth: 401,
  stale: 401,
  malformed: 400,
  'repeated-field': 400,
  'wrong-account': 400,
  'wrong-currency': 400,
  unsupported: 400,
}

export function acknowledge(verdict: Verdict): HttpReply {
  switch (verdict.kind) {
    case 'refused':
      return empty(statusOfRefusal[verdict.reason])
    case 'amountMismatch':
      // Without a settlement nothing is on record, and MoMo must not believe it is.
      return empty(verdict.settlementId === null ? 400 : 204)
    default:
      return empty(statusOf[verdict.kind])
  }
}

function empty(status: number): HttpReply {
  return { status, headers: {}, body: '' }
}
