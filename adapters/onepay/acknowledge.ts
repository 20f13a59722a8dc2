/** OnePay's answer to a notice (rails.md §4.2). `responsecode=1` ends its calls, `responsecode=0` makes it call again. */
import type { HttpReply, Verdict } from '../contract.ts'
import { textReply } from '../shared/reply.ts'

const success = 'responsecode=1&desc=confirm-success'
const fail = 'responsecode=0&desc=confirm-fail'

const replies: Record<Verdict['kind'], string> = {
  recorded: success,
  repeated: success,
  alreadyFinal: success,
  ignored: success,
  amountMismatch: fail,
  unknownReference: fail,
  refused: fail,
  unavailable: fail,
}

/** Always HTTP 200: OnePay reads the text. */
export function acknowledge(verdict: Verdict): HttpReply {
  return textReply(200, replies[verdict.kind])
}
