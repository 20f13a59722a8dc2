/** Vectors of VietQR codes and of the notifiers of credits: payOS, SePay, VietQR.vn. */
import { createHmac } from 'node:crypto'
import type { RawRequest } from '../../../adapters/contract.ts'
import { buildVietQr } from '../../../adapters/vietqr/build.ts'
import { crc16 } from '../../../adapters/vietqr/crc.ts'
import { vietqr } from '../../../adapters/vietqr/index.ts'
import { parseVietQr } from '../../../adapters/vietqr/parse.ts'
import { payosText } from '../../../adapters/vietqr/sources/payos.ts'
import { foldToLatin } from '../../../src/domain/fold.ts'
import {
  accountOf,
  contextAt,
  differs,
  jsonPost,
  judged,
  keyOf,
  type Runners,
  recordIn,
  textIn,
  type Vector,
  vectorTime,
  verdictOf,
} from './vector.ts'

export const vietqrRunners: Runners = {
  'crc16-ccitt-false': ({ input, expected }) => differs('CRC', crc16(textIn(input, 'text')), expected.crc),
  parse({ input, expected }) {
    const reading = parseVietQr(textIn(input, 'payload'))
    if (!reading.ok)
      return [...differs('valid', false, expected.valid), ...differs('reason', reading.reason, expected.reason)]
    const { ok, amount, ...fields } = reading
    const { valid, ...wanted } = expected
    const told: Record<string, unknown> = { ...fields, amount: amount?.toString() ?? null }
    return [
      ...differs('valid', ok, valid),
      ...Object.keys(wanted).flatMap((name) => differs(name, told[name], wanted[name])),
    ]
  },
  build({ input, expected }) {
    const { amountVnd } = input
    const rawPurpose = textIn(input, 'rawPurpose')
    const optional = (name: string) => (textIn(input, name) === '' ? {} : { [name]: textIn(input, name) })
    const payload = buildVietQr({
      bankBin: textIn(input, 'bankBin'),
      account: textIn(input, 'account'),
      amount: amountVnd === null || amountVnd === undefined ? null : BigInt(textIn(input, 'amountVnd')),
      purpose: rawPurpose || textIn(input, 'purpose'),
      service: textIn(input, 'service') === 'QRIBFTTC' ? 'QRIBFTTC' : 'QRIBFTTA',
      merchantCategory: textIn(input, 'mcc'),
      ...optional('billNumber'),
      ...optional('storeLabel'),
      ...optional('terminalLabel'),
      ...optional('merchantName'),
      ...optional('merchantCity'),
    })
    return [
      ...differs('payload', payload, expected.payload),
      ...differs('CRC', payload.slice(-4), expected.crc),
      ...(expected.sanitisedPurpose === undefined
        ? []
        : differs('purpose', foldToLatin(rawPurpose, 25), expected.sanitisedPurpose)),
    ]
  },
}

/** An account of one source that the notice is about. */
function accountWith(source: object, accountNumber: string) {
  const named = /^[A-Z0-9]{4,19}$/.test(accountNumber) ? accountNumber : '113366668888'
  return accountOf(vietqr, { bankBin: '970415', accountNumber: named, accountName: 'SO TU PHAP', source })
}

function acknowledged(vector: Vector, request: RawRequest, source: object, accountNumber: string, now = vectorTime) {
  const { expected } = vector
  const account = accountWith(source, accountNumber)
  const { reading, lines } = judged(vietqr, request, account, expected.signature, now)
  const reply = vietqr.acknowledge(verdictOf(reading), request, account, contextAt(now))
  return { reading, lines, reply }
}

const hmac = (key: unknown, text: unknown) => createHmac('sha256', String(key)).update(String(text)).digest('hex')

export const payosRunners: Runners = {
  'create-link'(vector) {
    const { input, expected } = vector
    return [
      ...differs('signed text', payosText(input), expected.canonical),
      ...differs('signature', hmac(keyOf(vector).checksumKey, payosText(input)), expected.signature),
    ]
  },
  webhook(vector) {
    const { input, expected } = vector
    const data = recordIn(recordIn(input, 'body'), 'data')
    const source = { name: 'payos', checksumKey: keyOf(vector).checksumKey }
    const { lines, reply } = acknowledged(vector, jsonPost(input.body), source, textIn(data, 'accountNumber'))
    const isAccepted = expected.signature === 'accept'
    return [
      ...lines,
      ...differs('signed text', payosText(data), expected.canonical),
      ...differs(
        'acknowledgement',
        [reply.status < 300, JSON.parse(reply.body)],
        [isAccepted, { success: isAccepted }],
      ),
    ]
  },
}

export const sepayRunners: Runners = {
  webhook(vector) {
    const { input, expected } = vector
    const { authMode, hmacSecret, apiKey } = keyOf(vector)
    const source =
      authMode === 'hmac'
        ? { name: 'sepay', mode: 'hmac', secret: hmacSecret }
        : { name: 'sepay', mode: 'apikey', apiKey }
    const rawBody = textIn(input, 'rawBody')
    const received = input.receivedAtUnix === null ? vectorTime : new Date(Number(input.receivedAtUnix) * 1000)
    const headers = Object.fromEntries(
      Object.entries(recordIn(input, 'headers')).map(([name, value]) => [name.toLowerCase(), String(value)]),
    )
    const named = /"accountNumber":"([^"]*)"/.exec(rawBody)?.[1] ?? ''
    const { reading, lines, reply } = acknowledged(vector, jsonPost(rawBody, '', headers), source, named, received)
    return [
      ...lines,
      ...differs('status', reply.status, expected.httpStatus),
      ...(expected.body === undefined ? [] : differs('body', JSON.parse(reply.body), expected.body)),
      ...(expected.countsAsCredit === undefined
        ? []
        : differs('credit', reading.kind === 'outcome', expected.countsAsCredit)),
    ]
  },
}

export const vietqrvnRunners: Runners = {
  token_generate(vector) {
    const { input, expected } = vector
    const account = accountWith(
      { name: 'vietqrvn', ...keyOf(vector), tokenSecret: 'a-secret-of-ours-for-tokens-000000' },
      '',
    )
    const request = { ...jsonPost('', '/api/token_generate', { authorization: textIn(input, 'authorization') }) }
    const reading = vietqr.readCallback(request, account, contextAt())
    const reply =
      reading.kind === 'handshake'
        ? reading.reply
        : vietqr.acknowledge(verdictOf(reading), request, account, contextAt())
    const body: Record<string, unknown> = JSON.parse(reply.body)
    return [
      ...differs('verdict', reading.kind === 'handshake' ? 'accept' : 'reject', expected.verdict),
      ...differs('status', reply.status, expected.httpStatus),
      ...(expected.bodyShape === undefined ? [] : differs('shape', Object.keys(body), expected.bodyShape)),
      ...(expected.token_type === undefined ? [] : differs('type', body.token_type, expected.token_type)),
    ]
  },
  'transaction-sync-hmac'(vector) {
    const { input, expected } = vector
    const body = recordIn(input, 'body')
    const { secret } = keyOf(vector)
    const request = jsonPost(body, '/bank/api/transaction-sync')
    const source = { name: 'vietqrvn-hmac', secret }
    const { lines } = acknowledged(vector, request, source, textIn(body, 'bankAccount') || textIn(body, 'bankaccount'))
    const holds = hmac(secret, expected.canonical) === textIn(body, 'signature').toLowerCase()
    return [...lines, ...differs('the text that is signed', holds, expected.signature === 'accept')]
  },
}
