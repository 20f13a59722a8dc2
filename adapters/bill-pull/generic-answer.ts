/** Answers of the generic profile: a table of codes, and one signature over what is answered (contracts/bill-pull-profile.md). */
import type { BillAnswer, HttpReply, RailAccount, RawRequest, RefusalReason, Verdict } from '../contract.ts'
import { signText } from '../vietinbank/rsa.ts'
import type { GenericProfile } from './account.ts'
import { nonceHeader, noncePattern, operationOf } from './generic-request.ts'
import { answerText } from './generic-text.ts'

type Finding = { readonly status: number; readonly code: string; readonly message: string; readonly messageVi: string }

function finding(status: number, code: string, message: string, messageVi: string): Finding {
  return { status, code, message, messageVi }
}

/** Every answer of the profile. Statuses of 500 and above, and no answer, are the only ones to send again. */
export const findings = {
  PAYABLE: finding(200, 'PAYABLE', 'the bill can be paid', 'Hóa đơn có thể thanh toán'),
  UNKNOWN_CODE: finding(200, 'UNKNOWN_CODE', 'no bill has this code', 'Không có hóa đơn với mã này'),
  ALREADY_PAID: finding(200, 'ALREADY_PAID', 'the bill is paid', 'Hóa đơn đã được thanh toán'),
  EXPIRED: finding(200, 'EXPIRED', 'the bill has expired', 'Hóa đơn đã hết hạn'),
  CLOSED: finding(200, 'CLOSED', 'the bill is cancelled or replaced', 'Hóa đơn đã hủy hoặc được thay thế'),
  RECORDED: finding(200, 'RECORDED', 'the payment is on record', 'Đã ghi nhận thanh toán'),
  RECORDED_EXTRA: finding(
    200,
    'RECORDED_EXTRA',
    'the bill needed no payment: the money is on record and waits for return',
    'Hóa đơn không còn phải trả: tiền đã ghi nhận, chờ hoàn lại',
  ),
  RECORDED_OTHER_AMOUNT: finding(
    200,
    'RECORDED_OTHER_AMOUNT',
    'the amount is not the bill: the money is on record and waits for a decision',
    'Số tiền khác hóa đơn: tiền đã ghi nhận, chờ xử lý',
  ),
  RECORDED_UNKNOWN_CODE: finding(
    200,
    'RECORDED_UNKNOWN_CODE',
    'no bill has this code: the money is on record and waits for return',
    'Không có hóa đơn với mã này: tiền đã ghi nhận, chờ hoàn lại',
  ),
  AMOUNT_REFUSED: finding(422, 'AMOUNT_REFUSED', 'the amount is not the bill', 'Số tiền khác hóa đơn'),
  REVERSED: finding(200, 'REVERSED', 'the payment is taken back', 'Đã hủy thanh toán'),
  ALREADY_REVERSED: finding(
    200,
    'ALREADY_REVERSED',
    'the payment was taken back before',
    'Thanh toán đã được hủy trước đó',
  ),
  ORIGINAL_UNKNOWN: finding(200, 'ORIGINAL_UNKNOWN', 'no such payment on record', 'Không có giao dịch gốc'),
  TOO_LATE: finding(200, 'TOO_LATE', 'the payment can no longer be taken back', 'Đã quá thời hạn hủy thanh toán'),
  IGNORED: finding(200, 'IGNORED', 'nothing to do', 'Không có gì để xử lý'),
  BAD_SIGNATURE: finding(401, 'BAD_SIGNATURE', 'the signature does not hold', 'Chữ ký không hợp lệ'),
  BAD_HEADERS: finding(
    401,
    'BAD_HEADERS',
    'timestamp or nonce missing or not in its form',
    'Thiếu hoặc sai thời điểm, nonce',
  ),
  STALE: finding(401, 'STALE', 'the timestamp is outside the window', 'Thời điểm gửi ngoài khoảng cho phép'),
  MALFORMED: finding(400, 'MALFORMED', 'the body is not in its form', 'Nội dung không đúng định dạng'),
  WRONG_ACCOUNT: finding(403, 'WRONG_ACCOUNT', 'not an account of this bank', 'Không phải tài khoản của ngân hàng này'),
  WRONG_CURRENCY: finding(422, 'WRONG_CURRENCY', 'only VND', 'Chỉ nhận VND'),
  UNSUPPORTED: finding(404, 'UNSUPPORTED', 'no such operation', 'Không có nghiệp vụ này'),
  UNAVAILABLE: finding(503, 'UNAVAILABLE', 'not recorded, send it again', 'Chưa ghi nhận, vui lòng gửi lại'),
} as const

type Code = keyof typeof findings

const refusalCodes: Record<RefusalReason, Code> = {
  signature: 'BAD_SIGNATURE',
  auth: 'BAD_HEADERS',
  'repeated-field': 'MALFORMED',
  stale: 'STALE',
  malformed: 'MALFORMED',
  'wrong-account': 'WRONG_ACCOUNT',
  'wrong-currency': 'WRONG_CURRENCY',
  unsupported: 'UNSUPPORTED',
}

const notPayableCodes: Record<Extract<BillAnswer, { kind: 'notPayable' }>['why'], Code> = {
  unknown: 'UNKNOWN_CODE',
  paid: 'ALREADY_PAID',
  expired: 'EXPIRED',
  closed: 'CLOSED',
}

const reversalCodes: Record<'reversed' | 'alreadyReversed' | 'originalUnknown' | 'tooLate', Code> = {
  reversed: 'REVERSED',
  alreadyReversed: 'ALREADY_REVERSED',
  originalUnknown: 'ORIGINAL_UNKNOWN',
  tooLate: 'TOO_LATE',
}

export function answerGeneric(
  answer: BillAnswer,
  request: RawRequest,
  account: RailAccount<GenericProfile>,
  now: Date,
): HttpReply {
  switch (answer.kind) {
    case 'payable':
      return reply('PAYABLE', { bill: billOf(answer) }, request, account, now)
    case 'notPayable':
      return reply(notPayableCodes[answer.why], {}, request, account, now)
    case 'refused':
      return reply(refusalCodes[answer.reason], {}, request, account, now)
    case 'unavailable':
      return reply('UNAVAILABLE', {}, request, account, now)
    default:
      return reply(reversalCodes[answer.kind], {}, request, account, now)
  }
}

/** A repeated `pay` is `RECORDED` under the first one's settlement: a lost answer leaves the bank in no doubt. */
export function acknowledgeGeneric(
  verdict: Verdict,
  request: RawRequest,
  account: RailAccount<GenericProfile>,
  now: Date,
): HttpReply {
  switch (verdict.kind) {
    case 'recorded':
    case 'repeated':
      return reply('RECORDED', { settlementId: verdict.settlementId }, request, account, now)
    case 'alreadyFinal':
      return reply('RECORDED_EXTRA', { settlementId: verdict.settlementId }, request, account, now)
    case 'amountMismatch':
      return verdict.settlementId === null
        ? reply('AMOUNT_REFUSED', {}, request, account, now)
        : reply('RECORDED_OTHER_AMOUNT', { settlementId: verdict.settlementId }, request, account, now)
    case 'unknownReference':
      return reply('RECORDED_UNKNOWN_CODE', {}, request, account, now)
    case 'ignored':
      return reply('IGNORED', {}, request, account, now)
    case 'refused':
      return reply(refusalCodes[verdict.reason], {}, request, account, now)
    case 'unavailable':
      return reply('UNAVAILABLE', {}, request, account, now)
  }
}

function billOf(answer: Extract<BillAnswer, { kind: 'payable' }>): Record<string, unknown> {
  // Invoices are bounded far below 2^53 (money is checked where invoices are made).
  return {
    payCode: answer.payCode,
    billId: answer.billId,
    amount: Number(answer.amount),
    currency: 'VND',
    payerName: answer.payerName,
  }
}

function reply(
  code: Code,
  more: Readonly<Record<string, unknown>>,
  request: RawRequest,
  account: RailAccount<GenericProfile>,
  now: Date,
): HttpReply {
  const { status, message, messageVi } = findings[code]
  const body = JSON.stringify({ code, message, messageVi, ...more })
  const timestamp = String(Math.floor(now.getTime() / 1000))
  const asked = request.headers[nonceHeader] ?? ''
  const nonce = noncePattern.test(asked) ? asked : ''
  const operation = operationOf(request) ?? 'none'
  const text = answerText({ operation, accountId: account.id, timestamp, nonce, status, body })
  return {
    status,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'feegate-timestamp': timestamp,
      'feegate-nonce': nonce,
      'feegate-signature': signText(text, account.config.privateKeyPem, 'RSA-SHA256'),
    },
    body,
  }
}
