/** VNPAY's answer to a notice (rails.md §1.3). `00` and `02` end its calls; any other makes it call again, ten times at most. */
import type { HttpReply, RefusalReason, Verdict } from '../contract.ts'
import { jsonReply } from '../shared/reply.ts'

type Acknowledgement = { readonly RspCode: string; readonly Message: string }

const success: Acknowledgement = { RspCode: '00', Message: 'Confirm Success' }
const notFound: Acknowledgement = { RspCode: '01', Message: 'Order not found' }
const alreadyConfirmed: Acknowledgement = { RspCode: '02', Message: 'Order already confirmed' }
const invalidAmount: Acknowledgement = { RspCode: '04', Message: 'Invalid amount' }
const invalidSignature: Acknowledgement = { RspCode: '97', Message: 'Invalid signature' }
const unknownError: Acknowledgement = { RspCode: '99', Message: 'Unknown error' }

const verdicts: Record<Exclude<Verdict['kind'], 'refused'>, Acknowledgement> = {
  recorded: success,
  ignored: success,
  repeated: alreadyConfirmed,
  alreadyFinal: alreadyConfirmed,
  unknownReference: notFound,
  amountMismatch: invalidAmount,
  unavailable: unknownError,
}

const refusals: Record<RefusalReason, Acknowledgement> = {
  signature: invalidSignature,
  auth: invalidSignature,
  stale: invalidSignature,
  malformed: invalidSignature,
  'repeated-field': invalidSignature,
  'wrong-account': invalidSignature,
  'wrong-currency': unknownError,
  unsupported: unknownError,
}

/** Always HTTP 200: VNPAY reads the code in the body. */
export function acknowledge(verdict: Verdict): HttpReply {
  return jsonReply(200, verdict.kind === 'refused' ? refusals[verdict.reason] : verdicts[verdict.kind])
}
