/** Vectors of MoMo and ZaloPay. */
import { createHmac } from 'node:crypto'
import { accountSchema as momoSchema } from '../../../adapters/momo/account.ts'
import { momo } from '../../../adapters/momo/index.ts'
import { type Message, signatureOf, signedText } from '../../../adapters/momo/signature.ts'
import { type Path, requestText } from '../../../adapters/zalopay/call.ts'
import { zalopay } from '../../../adapters/zalopay/index.ts'
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

function momoRequest(message: Message): Runner {
  return (vector) => {
    const { input, expected } = vector
    const config = momoSchema.parse(keyOf(vector))
    return [
      ...differs('signed text', signedText(message, input, config.accessKey), expected.canonical),
      ...differs('signature', signatureOf(message, input, config), expected.signature),
    ]
  }
}

export const momoRunners: Runners = {
  'create-request': momoRequest('create'),
  'query-request': momoRequest('query'),
  'refund-request': momoRequest('refund'),
  ipn(vector) {
    const { input, expected } = vector
    const account = accountOf(momo, keyOf(vector))
    const request = jsonPost(input.body)
    const { reading, lines } = judged(momo, request, account, expected.signature)
    const reply = momo.acknowledge(verdictOf(reading), request, account, contextAt())
    const text = signedText('notice', recordIn(input, 'body'), textIn(keyOf(vector), 'accessKey'))
    return [
      ...lines,
      ...differs('signed text', text, expected.canonical),
      ...differs('paid', isPaid(reading), expected.paid),
      ...(expected.httpStatus === undefined
        ? differs('acknowledged', reply.status >= 400, true)
        : differs('acknowledgement', [reply.status, reply.body], [expected.httpStatus, ''])),
    ]
  },
}

function zalopayRequest(path: Path): Runner {
  return (vector) => {
    const { input, expected } = vector
    const key1 = textIn(keyOf(vector), 'key1')
    const text = requestText(path, input as Record<string, string | number>, key1)
    return [
      ...differs('signed text', text, expected.canonical),
      ...differs('mac', createHmac('sha256', key1).update(text).digest('hex'), expected.mac),
    ]
  }
}

export const zalopayRunners: Runners = {
  'create-request': zalopayRequest('/v2/create'),
  'query-request': zalopayRequest('/v2/query'),
  'refund-request': zalopayRequest('/v2/refund'),
  'query_refund-request': zalopayRequest('/v2/query_refund'),
  callback(vector) {
    const { input, expected } = vector
    const { app_id: appId, key1, key2 } = keyOf(vector)
    const account = accountOf(zalopay, { appId, key1, key2 })
    const request = jsonPost(input.body)
    const { reading, lines } = judged(zalopay, request, account, expected.signature)
    const reply = zalopay.acknowledge(verdictOf(reading), request, account, contextAt())
    return [
      ...lines,
      ...differs('status', reply.status, 200),
      ...differs('return code', JSON.parse(reply.body).return_code, recordIn(expected, 'ack').return_code),
    ]
  },
}
