/** Our answer to NAPAS (rails.md §4.1). Only "200" is known; every other status says that the notice was not taken. */
import type { HttpReply, RawRequest, Verdict } from '../contract.ts'
import { textReply } from '../shared/reply.ts'
import { browserPath } from './callback.ts'

const statuses: Record<Verdict['kind'], number> = {
  recorded: 200,
  repeated: 200,
  alreadyFinal: 200,
  ignored: 200,
  amountMismatch: 409,
  unknownReference: 404,
  refused: 400,
  unavailable: 503,
}

const taken =
  'Đã nhận kết quả. Vui lòng quay lại trang thanh toán. / Result received. Please go back to the payment page.'
const notTaken =
  'Chưa nhận được kết quả. Vui lòng quay lại trang thanh toán. / No result received. Please go back to the payment page.'

export function acknowledge(verdict: Verdict, request: RawRequest): HttpReply {
  const status = statuses[verdict.kind]
  if (request.path !== browserPath) return textReply(status, '')
  return textReply(status, status === 200 ? taken : notTaken)
}
