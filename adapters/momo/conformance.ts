/** MoMo's side for the conformance suite, from rails.md §5.1. */
import {
  type Conformance,
  type ConformanceMode,
  hmacHex,
  jsonAnswer,
  jsonRequest,
  objectIn,
  type Proof,
  type SampleCallback,
  textOf,
} from '../conformance.ts'
import type { HttpCall, HttpReply, Verdict } from '../contract.ts'

const config = {
  partnerCode: 'MOMOCONFORM1',
  accessKey: 'MOMOACCESSKEYONE',
  secretKey: 'momo-secret-key-of-partner-one',
  baseUrl: 'https://momo.example',
}
type Config = typeof config
const other: Config = {
  ...config,
  partnerCode: 'MOMOCONFORM2',
  accessKey: 'MOMOACCESSKEYTWO',
  secretKey: 'momo-secret-key-of-partner-two',
}

/** rails.md §5.1, its table. */
const orders = {
  create: 'amount extraData ipnUrl orderId orderInfo partnerCode redirectUrl requestId requestType',
  ipn: 'amount extraData message orderId orderInfo orderType partnerCode payType requestId responseTime resultCode transId',
  query: 'orderId partnerCode requestId',
  refund: 'amount description orderId partnerCode requestId transId',
}

function signedText(order: keyof typeof orders, fields: Readonly<Record<string, unknown>>, accessKey: string): string {
  const named = orders[order].split(' ').map((name) => `${name}=${textOf(fields[name])}`)
  return [`accessKey=${accessKey}`, ...named].join('&')
}

const proof: Proof = {
  covers: (request) => signedText('ipn', objectIn(request.body), ''),
  carrier: { field: 'signature' },
  spelling: 'hex',
  over: 'fields',
  signed: orders.ipn.split(' '),
}

function notice(name: string, reads: SampleCallback['reads'], resultCode: number): SampleCallback<Config> {
  return {
    name,
    reads,
    proof,
    tellsTime: reads === 'succeeded',
    send({ merchantRef, amount, transaction, at }, { account, keysOf }) {
      const fields = {
        partnerCode: account.config.partnerCode,
        orderId: merchantRef,
        requestId: merchantRef,
        amount: Number(amount),
        orderInfo: 'Thu phi ho so H56',
        orderType: 'momo_wallet',
        transId: Number(transaction),
        resultCode,
        message: 'Giao dịch đã xử lý.',
        payType: 'qr',
        responseTime: at.getTime(),
        extraData: 'eyJhIjoxfQ==',
      }
      const text = signedText('ipn', fields, keysOf.config.accessKey)
      return jsonRequest({ ...fields, signature: hmacHex('sha256', keysOf.config.secretKey, text) })
    },
    key: ({ transaction }) => transaction,
  }
}

/** rails.md §5.1: 204 with an empty body is the only "got it". */
function acknowledge(verdict: Verdict): HttpReply {
  const statuses: Record<string, number> = {
    unavailable: 503,
    signature: 401,
    auth: 401,
    stale: 401,
    malformed: 400,
    'repeated-field': 400,
    'wrong-account': 400,
    'wrong-currency': 400,
    unsupported: 400,
  }
  const notOnRecord = verdict.kind === 'amountMismatch' && verdict.settlementId === null ? 400 : 204
  return {
    status: statuses[verdict.kind === 'refused' ? verdict.reason : verdict.kind] ?? notOnRecord,
    headers: {},
    body: '',
  }
}

/** MoMo's answers repeat what was asked. */
function answer(call: HttpCall, more: Readonly<Record<string, unknown>>, { partnerCode }: Config) {
  const { orderId, requestId } = objectIn(call.body ?? '')
  return jsonAnswer({ partnerCode, orderId, requestId, responseTime: 1741572902000, message: 'ok', ...more })
}

function isSigned(order: keyof typeof orders, body: string, { accessKey, secretKey }: Config): boolean {
  const fields = objectIn(body)
  return fields.signature === hmacHex('sha256', secretKey, signedText(order, fields, accessKey))
}

const mode: ConformanceMode<Config> = {
  name: 'captureWallet',
  config,
  other,
  reference: /^[0-9a-zA-Z](?:[-_.]*[0-9a-zA-Z])*$/,
  callbacks: [
    notice('paid', 'succeeded', 0),
    notice('refused by the payer', 'failed', 1006),
    notice('pending', 'pending', 7002),
  ],
  acknowledge,
  start: {
    leadsTo: 'redirect',
    exchange: {
      answers: 'connection',
      findings: ['opened', 'refused'],
      answer: (call, finding, { telling }, { account }) =>
        answer(
          call,
          finding === 'opened'
            ? { resultCode: 0, amount: Number(telling.amount), payUrl: 'https://momo.example/pay?t=1' }
            : { resultCode: 13 },
          account.config,
        ),
    },
    told([order], account) {
      const fields = objectIn(order?.body ?? '')
      return {
        merchantRef: textOf(fields.orderId),
        amount: BigInt(textOf(fields.amount)),
        description: textOf(fields.orderInfo),
        signed: isSigned('create', order?.body ?? '', account.config) && fields.requestType === 'captureWallet',
      }
    },
  },
  inquiry: {
    answers: 'connection',
    findings: ['succeeded', 'failed', 'stillPending', 'notFound'],
    answer(call, finding, { telling }, { account }) {
      const codes = { succeeded: 0, failed: 1006, held: 0, stillPending: 1000, notFound: 42 }
      const paid = { amount: Number(telling.amount), transId: Number(telling.transaction) }
      const orderId = telling.merchantRef
      return answer(call, { orderId, resultCode: codes[finding], ...paid }, account.config)
    },
  },
  refund: {
    answers: 'connection',
    findings: ['done', 'accepted', 'refused', 'unknown'],
    answer(call, finding, { refund }, { account }) {
      const codes = { done: 0, accepted: 7002, refused: 1088, unknown: 99 }
      const made = { amount: Number(refund?.amount), transId: 770000000001 }
      return answer(call, { resultCode: codes[finding], ...made }, account.config)
    },
  },
  refundInquiry: {
    answers: 'connection',
    findings: ['done', 'accepted', 'refused', 'unknown'],
    answer(call, finding, { telling, refund }, { account }) {
      const codes = { done: 0, accepted: 7002, refused: 1088, unknown: 99 }
      const entry = {
        orderId: `RF${(refund?.refundId ?? '').replace('_', '')}`,
        amount: Number(refund?.amount),
        resultCode: codes[finding],
        transId: 770000000001,
      }
      return answer(call, { orderId: telling.merchantRef, resultCode: 0, refundTrans: [entry] }, account.config)
    },
  },
}

export const conformance: Conformance = () => [mode]
