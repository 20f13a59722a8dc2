/** A bank's side under the generic profile, from contracts/bill-pull-profile.md. */
import { createHash } from 'node:crypto'
import {
  type ConformanceKeys,
  type ConformanceMode,
  jsonRequest,
  type Proof,
  railKeyOf,
  rsaBase64,
  type SampleCallback,
  type Sender,
  type Telling,
} from '../conformance.ts'
import type { BillAnswer, HttpReply, RailAccount, Verdict } from '../contract.ts'

const windowSeconds = 300

function genericConfig(keys: ConformanceKeys) {
  return {
    profile: 'generic',
    privateKeyPem: keys.ours.privateKeyPem,
    bankKeyPem: keys.rail.publicKeyPem,
    replayWindowSeconds: windowSeconds,
  }
}
type GenericConfig = ReturnType<typeof genericConfig>

const nonce = 'conformance-nonce-0001'
const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex')

/** The text of the contract's page, line by line. */
function requestLines(operation: string, account: string, timestamp: string, body: Uint8Array | string): string {
  return `feegate-bill-pull-request-v1\noperation=${operation}\naccount=${account}\ntimestamp=${timestamp}\nnonce=${nonce}\nbody-sha256=${sha256(body)}`
}

const genericProof: Proof = {
  covers: ({ path, headers, body }) =>
    JSON.stringify([path, headers['feegate-timestamp'], headers['feegate-nonce'], sha256(body)]),
  carrier: { header: 'feegate-signature' },
  spelling: 'exact',
  over: 'bytes',
  signed: [],
}

function generic(
  sample: Pick<SampleCallback<GenericConfig>, 'name' | 'reads' | 'tellsTime' | 'namesCurrency' | 'key' | 'names'>,
  operation: 'pay' | 'inquire' | 'reverse',
  content: (telling: Telling) => Readonly<Record<string, unknown>>,
  keys: ConformanceKeys,
): SampleCallback<GenericConfig> {
  return {
    ...sample,
    proof: genericProof,
    ...(operation === 'pay'
      ? {}
      : {
          answered: (answer: BillAnswer, _telling: Telling, account: RailAccount<GenericConfig>, now: Date) =>
            billAnswer(answer, operation, account, now, keys),
        }),
    window: { before: windowSeconds, after: windowSeconds },
    send(telling, { account, keysOf }: Sender<GenericConfig>) {
      const timestamp = String(telling.at.getTime() / 1000)
      const body = JSON.stringify(content(telling))
      const text = requestLines(operation, account.id, timestamp, body)
      return {
        ...jsonRequest({}, `/${operation}`, {
          'feegate-timestamp': timestamp,
          'feegate-nonce': nonce,
          'feegate-signature': rsaBase64('sha256', text, railKeyOf(keysOf.config.bankKeyPem, keys)),
        }),
        body: Buffer.from(body, 'utf8'),
      }
    },
  }
}

const genericAnswers: Readonly<Record<string, readonly [number, string, string, string]>> = {
  recorded: [200, 'RECORDED', 'the payment is on record', 'Đã ghi nhận thanh toán'],
  alreadyFinal: [
    200,
    'RECORDED_EXTRA',
    'the bill needed no payment: the money is on record and waits for return',
    'Hóa đơn không còn phải trả: tiền đã ghi nhận, chờ hoàn lại',
  ],
  otherAmount: [
    200,
    'RECORDED_OTHER_AMOUNT',
    'the amount is not the bill: the money is on record and waits for a decision',
    'Số tiền khác hóa đơn: tiền đã ghi nhận, chờ xử lý',
  ],
  amountRefused: [422, 'AMOUNT_REFUSED', 'the amount is not the bill', 'Số tiền khác hóa đơn'],
  unknownReference: [
    200,
    'RECORDED_UNKNOWN_CODE',
    'no bill has this code: the money is on record and waits for return',
    'Không có hóa đơn với mã này: tiền đã ghi nhận, chờ hoàn lại',
  ],
  ignored: [200, 'IGNORED', 'nothing to do', 'Không có gì để xử lý'],
  unavailable: [503, 'UNAVAILABLE', 'not recorded, send it again', 'Chưa ghi nhận, vui lòng gửi lại'],
  signature: [401, 'BAD_SIGNATURE', 'the signature does not hold', 'Chữ ký không hợp lệ'],
  auth: [401, 'BAD_HEADERS', 'timestamp or nonce missing or not in its form', 'Thiếu hoặc sai thời điểm, nonce'],
  stale: [401, 'STALE', 'the timestamp is outside the window', 'Thời điểm gửi ngoài khoảng cho phép'],
  malformed: [400, 'MALFORMED', 'the body is not in its form', 'Nội dung không đúng định dạng'],
  'repeated-field': [400, 'MALFORMED', 'the body is not in its form', 'Nội dung không đúng định dạng'],
  'wrong-account': [403, 'WRONG_ACCOUNT', 'not an account of this bank', 'Không phải tài khoản của ngân hàng này'],
  'wrong-currency': [422, 'WRONG_CURRENCY', 'only VND', 'Chỉ nhận VND'],
  unsupported: [404, 'UNSUPPORTED', 'no such operation', 'Không có nghiệp vụ này'],
}

function genericAnswer(
  verdict: Verdict,
  telling: Telling | null,
  account: RailAccount<GenericConfig>,
  now: Date,
  keys: ConformanceKeys,
): HttpReply {
  const name =
    verdict.kind === 'refused'
      ? verdict.reason
      : verdict.kind === 'amountMismatch'
        ? verdict.settlementId === null
          ? 'amountRefused'
          : 'otherAmount'
        : verdict.kind === 'repeated'
          ? 'recorded'
          : verdict.kind
  const [status, code, message, messageVi] = genericAnswers[name] ?? [0, '', '', '']
  const settlementId = 'settlementId' in verdict ? verdict.settlementId : null
  const body = JSON.stringify({ code, message, messageVi, ...(settlementId === null ? {} : { settlementId }) })
  return signed(status, body, 'pay', telling === null ? '' : nonce, account, now, keys)
}

const billAnswers: Readonly<Record<string, readonly [number, string, string, string]>> = {
  payable: [200, 'PAYABLE', 'the bill can be paid', 'Hóa đơn có thể thanh toán'],
  unknown: [200, 'UNKNOWN_CODE', 'no bill has this code', 'Không có hóa đơn với mã này'],
  paid: [200, 'ALREADY_PAID', 'the bill is paid', 'Hóa đơn đã được thanh toán'],
  expired: [200, 'EXPIRED', 'the bill has expired', 'Hóa đơn đã hết hạn'],
  closed: [200, 'CLOSED', 'the bill is cancelled or replaced', 'Hóa đơn đã hủy hoặc được thay thế'],
  reversed: [200, 'REVERSED', 'the payment is taken back', 'Đã hủy thanh toán'],
  alreadyReversed: [200, 'ALREADY_REVERSED', 'the payment was taken back before', 'Thanh toán đã được hủy trước đó'],
  originalUnknown: [200, 'ORIGINAL_UNKNOWN', 'no such payment on record', 'Không có giao dịch gốc'],
  tooLate: [200, 'TOO_LATE', 'the payment can no longer be taken back', 'Đã quá thời hạn hủy thanh toán'],
}

function billAnswer(
  answer: BillAnswer,
  operation: string,
  account: RailAccount<GenericConfig>,
  now: Date,
  keys: ConformanceKeys,
): HttpReply {
  const name = answer.kind === 'notPayable' ? answer.why : answer.kind === 'refused' ? answer.reason : answer.kind
  const [status, code, message, messageVi] = billAnswers[name] ?? genericAnswers[name] ?? [0, '', '', '']
  const bill =
    answer.kind === 'payable'
      ? {
          bill: {
            payCode: answer.payCode,
            billId: answer.billId,
            amount: Number(answer.amount),
            currency: 'VND',
            payerName: answer.payerName,
          },
        }
      : {}
  return signed(status, JSON.stringify({ code, message, messageVi, ...bill }), operation, nonce, account, now, keys)
}

function signed(
  status: number,
  body: string,
  operation: string,
  asked: string,
  account: RailAccount<GenericConfig>,
  now: Date,
  keys: ConformanceKeys,
): HttpReply {
  const timestamp = String(Math.floor(now.getTime() / 1000))
  const text = `feegate-bill-pull-answer-v1\noperation=${operation}\naccount=${account.id}\ntimestamp=${timestamp}\nnonce=${asked}\nstatus=${status}\nbody-sha256=${sha256(body)}`
  return {
    status,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'feegate-timestamp': timestamp,
      'feegate-nonce': asked,
      'feegate-signature': rsaBase64('sha256', text, keys.ours),
    },
    body,
  }
}

export function genericMode(keys: ConformanceKeys): ConformanceMode<GenericConfig> {
  const paidAt = (at: Date) => at.toISOString()
  return {
    name: 'generic',
    config: genericConfig(keys),
    other: { ...genericConfig(keys), bankKeyPem: keys.otherRail.publicKeyPem },
    reference: /^[A-HJ-NP-Z2-9]{12}$/,
    callbacks: [
      generic(
        {
          name: 'payment',
          reads: 'succeeded',
          names: 'payCode',
          tellsTime: true,
          namesCurrency: true,
          key: ({ transaction }) => transaction,
        },
        'pay',
        ({ transaction, payCode, amount, currency, at }) => ({
          transactionId: transaction,
          payCode,
          amount: Number(amount),
          currency,
          paidAt: paidAt(at),
          channel: 'COUNTER',
        }),
        keys,
      ),
      generic({ name: 'bill inquiry', reads: 'bill' }, 'inquire', ({ payCode }) => ({ payCode }), keys),
      generic(
        { name: 'reversal', reads: 'bill', namesCurrency: true },
        'reverse',
        ({ transaction, amount, currency }) => ({
          reversalId: `R${transaction}`,
          transactionId: transaction,
          amount: Number(amount),
          currency,
          reason: 'Huy giao dich',
        }),
        keys,
      ),
    ],
    acknowledge: (verdict, telling, account, now) => genericAnswer(verdict, telling, account, now, keys),
  }
}
