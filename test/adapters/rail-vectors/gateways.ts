/** Vectors of VNPAY, OnePay and NAPAS. */
import type { Verdict } from '../../../adapters/contract.ts'
import { napas } from '../../../adapters/napas/index.ts'
import { onepay } from '../../../adapters/onepay/index.ts'
import { hashOf as onepayHash, signedQuery, signedText } from '../../../adapters/onepay/signature.ts'
import { accountSchema as vnpaySchema } from '../../../adapters/vnpay/account.ts'
import { answerText, type Command, readAnswer, requestText, signedCall } from '../../../adapters/vnpay/call.ts'
import { vnpay } from '../../../adapters/vnpay/index.ts'
import { formText, hashOf } from '../../../adapters/vnpay/signature.ts'
import { payPageUrl } from '../../../adapters/vnpay/start.ts'
import {
  accountOf,
  contextAt,
  differs,
  isPaid,
  jsonPost,
  judged,
  keyOf,
  type Runner,
  type Runners,
  recordIn,
  textIn,
  verdictOf,
} from './vector.ts'

function textsIn(fields: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)]))
}

const vnpayPayUrl: Runner = ({ key, input, expected }) => {
  const params = textsIn(recordIn(input, 'params'))
  const [payUrl] = textIn(expected, 'url').split('?')
  const config = vnpaySchema.parse({ ...(key as object), payUrl })
  return [
    ...differs('signed text', formText(Object.entries(params)), expected.canonical),
    ...differs('hash', hashOf(textIn(expected, 'canonical'), config.hashSecret), expected.vnp_SecureHash),
    ...differs('address', payPageUrl(params, config), expected.url),
    ...differs(
      'address from another order',
      payPageUrl(Object.fromEntries(Object.entries(params).reverse()), config),
      expected.url,
    ),
    ...differs('amount', BigInt(textIn(params, 'vnp_Amount')) / 100n === BigInt(textIn(input, 'amountVnd')), true),
  ]
}

const vnpayIpn: Runner = (vector) => {
  const { input, expected } = vector
  const account = accountOf(vnpay, keyOf(vector))
  const request = { method: 'GET', path: '', query: textIn(input, 'rawQuery'), headers: {}, body: new Uint8Array() }
  const { reading, lines } = judged(vnpay, request, account, expected.signature)
  const order = recordIn(input, 'order')
  const verdict: Verdict =
    reading.kind !== 'outcome'
      ? verdictOf(reading)
      : order.found !== true
        ? { kind: 'unknownReference' }
        : reading.outcome.amount !== BigInt(textIn(order, 'amountVnd'))
          ? { kind: 'amountMismatch', settlementId: null }
          : { kind: order.status === 'PENDING' ? 'recorded' : 'alreadyFinal', settlementId: 'stl_1' }
  const reply = vnpay.acknowledge(verdict, request, account, contextAt())
  const becomes = textIn(expected, 'orderBecomes')
  const kind = reading.kind === 'outcome' ? reading.outcome.kind : 'none'
  const wrongKind =
    (becomes === 'PAID' && kind !== 'succeeded') ||
    (becomes === 'FAILED' && kind !== 'failed') ||
    (becomes.startsWith('not PAID') && kind === 'succeeded')
  return [
    ...lines,
    ...differs('status', reply.status, expected.httpStatus),
    ...differs('RspCode', JSON.parse(reply.body).RspCode, expected.RspCode),
    ...(wrongKind ? [`becomes ${kind}, not ${becomes}`] : []),
  ]
}

function vnpayRequest(command: Command): Runner {
  return ({ key, input, expected }) => {
    const { amountVnd: _amount, ...given } = input
    // A number VNPAY never gave is signed as 0, and sent so too.
    const fields = textsIn(command === 'refund' ? { vnp_TransactionNo: '0', ...given } : given)
    const { body = '' } = signedCall(command, fields, vnpaySchema.parse(key), false)
    return [
      ...differs('signed text', requestText(command, fields), expected.canonical),
      ...differs('hash', JSON.parse(body).vnp_SecureHash, expected.vnp_SecureHash),
    ]
  }
}

function vnpayResponse(command: Command): Runner {
  return ({ key, input, expected }) => {
    const body = textsIn(recordIn(input, 'body'))
    const answer = { status: 200, headers: {}, body: Buffer.from(JSON.stringify(recordIn(input, 'body')), 'utf8') }
    const read = readAnswer(command, answer, textIn(body, 'vnp_TxnRef'), vnpaySchema.parse(key))
    return [
      ...differs('signed text', answerText(command, body), expected.canonical),
      ...differs('verdict', read.ok ? 'accept' : 'reject', expected.signature),
    ]
  }
}

export const vnpayRunners: Runners = {
  'pay-url': vnpayPayUrl,
  ipn: vnpayIpn,
  'querydr-request': vnpayRequest('querydr'),
  'refund-request': vnpayRequest('refund'),
  'querydr-response': vnpayResponse('querydr'),
  'refund-response': vnpayResponse('refund'),
}

function onepayAccount({ merchant, accessCode, hashKeyHex }: Record<string, unknown>) {
  return accountOf(onepay, { profile: 'domestic', merchant, accessCode, hashKey: hashKeyHex })
}

export const onepayRunners: Runners = {
  'pay-url'(vector) {
    const { input, expected } = vector
    const hashKey = textIn(keyOf(vector), 'hashKeyHex')
    const params = Object.entries(textsIn(recordIn(input, 'params')))
    return [
      ...differs('signed text', signedText(params), expected.canonical),
      ...differs('hash', onepayHash(textIn(expected, 'canonical'), hashKey), expected.vpc_SecureHash),
      ...differs('query', `?${signedQuery(params.toReversed(), hashKey)}`, new URL(textIn(expected, 'url')).search),
    ]
  },
  ipn(vector) {
    const { input, expected } = vector
    const account = onepayAccount(keyOf(vector))
    const query = textIn(input, 'rawQuery') || String(new URLSearchParams(textsIn(recordIn(input, 'query'))))
    const requests = [
      { method: 'GET', path: '', query, headers: {}, body: new Uint8Array() },
      { method: 'POST', path: '', query: '', headers: {}, body: Buffer.from(query, 'utf8') },
    ]
    return requests.flatMap((request) => {
      const { reading, lines } = judged(onepay, request, account, expected.signature)
      const reply = onepay.acknowledge(verdictOf(reading), request, account, contextAt())
      return [
        ...lines,
        ...differs('acknowledgement', [reply.status, reply.body], [200, expected.ack]),
        ...differs('paid', isPaid(reading), expected.paid),
      ]
    })
  },
}

export const napasRunners: Runners = {
  'result-notify'(vector) {
    const { input, expected } = vector
    const decoded = recordIn(expected, 'decoded')
    const result = recordIn(decoded, 'paymentResult')
    const account = accountOf(napas, {
      ...keyOf(vector),
      clientId: textIn(result, 'merchantId') || 'NOBODY',
      username: 'user',
      password: 'password',
      channel: '7399',
      cardScheme: 'AtmCard',
    })
    const { reading, lines } = judged(napas, jsonPost(input.body), account, expected.signature)
    if (reading.kind !== 'outcome') return lines
    const { merchantRef, amount } = reading.outcome
    const order = recordIn(result, 'order')
    return [...lines, ...differs('order', [merchantRef, String(amount)], [order.id, textIn(order, 'amount')])]
  },
}
