import fc from 'fast-check'
import t from 'tap'
import type { CallbackReading, RawRequest } from '../../../adapters/contract.ts'
import { napas } from '../../../adapters/napas/index.ts'
import {
  browserResult,
  context,
  makeAccount,
  makeRefundResult,
  makeResult,
  notice,
  type Result,
  seal,
  sealText,
} from './vectors.ts'

const account = makeAccount()
const readRequest = (request: RawRequest, config = account) => napas.readCallback(request, config, context)
const read = (body: string): CallbackReading => readRequest(notice(body))
const meaningOf = (body: string): string => {
  const reading = read(body)
  return reading.kind === 'refused' ? reading.reason : reading.kind === 'outcome' ? reading.outcome.kind : reading.kind
}
const meaningOfResult = (overrides: Result): string => meaningOf(seal(makeResult(overrides)))

t.test('a paid notice becomes an outcome, with the card masked', async (t) => {
  t.same(read(seal(makeResult())), {
    kind: 'outcome',
    outcome: {
      rail: 'napas',
      accountId: 'ra_napas',
      merchantRef: 'INV202503100001',
      railTransactionId: 'INV202503100001:1',
      kind: 'succeeded',
      amount: 150_000n,
      currency: 'VND',
      paidAt: null,
      source: 'CALLBACK',
      evidence: {
        result: 'SUCCESS',
        apiOperation: 'PAY',
        'order.id': 'INV202503100001',
        'order.amount': '150000',
        'order.currency': 'VND',
        'response.gatewayCode': 'APPROVED',
        'response.acquirerCode': '00',
        'response.message': 'Approved',
        'transaction.id': '1',
        'transaction.type': 'PAYMENT',
        'transaction.amount': '150000',
        'transaction.acquirer.id': 'IIG',
        'transaction.acquirer.date': '0310',
        'card.brand': 'SML',
        'card.number': '970400******0018',
      },
    },
  })
})

t.test('no card number or token of any length is kept whole', async (t) => {
  for (const number of ['1', '9704', '970400000', '9704 0000 0000 0018', '970400xxxxxx0018', '4'.repeat(19)]) {
    const sourceOfFunds = { provided: { card: { number } } }
    const text = sealText(
      JSON.stringify({ paymentResult: makeResult({ sourceOfFunds }), tokenResult: { token: 'SECRETTOKEN' } }),
    )
    const reading = read(text)
    if (reading.kind !== 'outcome') throw new Error('no outcome')
    const kept = reading.outcome.evidence['card.number'] ?? ''
    t.match(kept, /^(?:\*+|.{6}\*+.{4})$/, number)
    t.notMatch(JSON.stringify(reading.outcome.evidence), 'SECRETTOKEN')
  }
})

t.test('only an approved success that takes the whole money is paid', async (t) => {
  const cases: [Result, string][] = [
    [{ result: 'SUCCESS', response: { gatewayCode: 'DECLINED' } }, 'pending'],
    [{ result: 'SUCCESS', response: {} }, 'pending'],
    [{ result: 'SUCCESS', response: null }, 'pending'],
    [{ result: 'FAILURE', response: { gatewayCode: 'INSUFFICIENT_FUNDS' } }, 'failed'],
    [{ result: 'FAILURE', response: { gatewayCode: 'APPROVED' } }, 'failed'],
    [{ result: 'FAILURE', response: { gatewayCode: 'TIMED_OUT' } }, 'pending'],
    [{ result: 'FAILURE', response: null }, 'failed'],
    [{ result: 'ERROR' }, 'pending'],
    [{ result: 'success' }, 'pending'],
    [{ apiOperation: 'PURCHASE_OTP' }, 'succeeded'],
    [{ apiOperation: null, transaction: null }, 'succeeded'],
    [{ apiOperation: 'AUTHORIZE' }, 'pending'],
    [{ transaction: { id: '1', type: 'AUTHORIZATION' } }, 'pending'],
    [{ transaction: { id: '1', type: 'PAYMENT', amount: 1000 } }, 'pending'],
    [{ apiOperation: 'REFUND_DOMESTIC' }, 'ignored'],
    [{ apiOperation: 'VOID' }, 'ignored'],
    [{ transaction: { id: '2', type: 'REFUND' } }, 'ignored'],
  ]
  for (const [overrides, meaning] of cases) t.equal(meaningOfResult(overrides), meaning, JSON.stringify(overrides))
  t.equal(meaningOf(seal(makeRefundResult())), 'ignored')
  const other = makeAccount({ approvedCodes: ['OK'], pendingCodes: ['LATER'] })
  const outcomeOf = (overrides: Result) => readRequest(notice(seal(makeResult(overrides))), other)
  t.match(outcomeOf({ response: { gatewayCode: 'OK' } }), { outcome: { kind: 'succeeded' } })
  t.match(outcomeOf({}), { outcome: { kind: 'pending' } })
  t.match(outcomeOf({ result: 'FAILURE', response: { gatewayCode: 'LATER' } }), { outcome: { kind: 'pending' } })
})

t.test('amounts come as numbers or text, never as something to guess', async (t) => {
  const meaningOfAmount = (amount: unknown) =>
    meaningOfResult({ order: { id: 'A', amount, currency: 'VND' }, transaction: null })
  for (const amount of [150000, '150000', '150000.00', '150000.0']) t.equal(meaningOfAmount(amount), 'succeeded')
  for (const amount of [0, -1, 1.5, '0', '', '-150000', '1e5', '150,000', '0150000', '150000.5', '150000.000', null]) {
    t.equal(meaningOfAmount(amount), 'malformed', String(amount))
  }
})

t.test('the checksum covers the text of data, and nothing is decoded before it holds', async (t) => {
  const whole: Record<string, string> = JSON.parse(seal(makeResult()))
  const { data = '', checksum = '' } = whole
  const cases: [unknown, string][] = [
    [{ data, checksum: checksum.toUpperCase() }, 'succeeded'],
    [{ data, checksum, more: 1 }, 'succeeded'],
    [{ data, checksum: checksum.slice(0, -1) }, 'signature'],
    [{ data, checksum: `${checksum.slice(0, -1)}${checksum.endsWith('0') ? '1' : '0'}` }, 'signature'],
    [{ data, checksum: '' }, 'signature'],
    [{ data }, 'signature'],
    [{ checksum }, 'signature'],
    [{ data: [data], checksum }, 'signature'],
    [{ data: `${data.slice(0, -4)}AAAA`, checksum }, 'signature'],
    [{ data: data.slice(0, -4), checksum }, 'signature'],
    [{ data: `${data}\n`, checksum }, 'signature'],
    [{ data: '%%%', checksum }, 'signature'],
  ]
  for (const [body, meaning] of cases) {
    t.equal(meaningOf(JSON.stringify(body)), meaning, JSON.stringify(body).slice(0, 60))
  }
  t.equal(meaningOf(`{"data":"${data}","data":"${data}","checksum":"${checksum}"}`), 'repeated-field')
  t.equal(meaningOf('napasResult=x'), 'malformed')
  t.equal(meaningOf(''), 'malformed')
  const stranger = sealText(JSON.stringify({ paymentResult: makeResult() }), `${account.config.clientSecret}x`)
  t.equal(meaningOf(stranger), 'signature')
})

t.test('a sealed notice that cannot be understood is refused', async (t) => {
  const order = { id: 'INV202503100001', amount: '150000', currency: 'VND' }
  const cases: [Result, string][] = [
    [{ merchantId: 'OTHER' }, 'wrong-account'],
    [{ merchantId: undefined }, 'wrong-account'],
    [{ order: { ...order, currency: 'USD' } }, 'wrong-currency'],
    [{ transaction: { id: '1', currency: 'USD' } }, 'wrong-currency'],
    [{ order: { ...order, id: '' } }, 'malformed'],
    [{ order: { ...order, id: 'a b' } }, 'malformed'],
    [{ order: undefined }, 'malformed'],
    [{ result: undefined }, 'malformed'],
    [{ transaction: { id: {} } }, 'malformed'],
  ]
  for (const [overrides, meaning] of cases) t.equal(meaningOfResult(overrides), meaning, JSON.stringify(overrides))
  const result = JSON.stringify(makeResult())
  t.equal(meaningOf(sealText('{"paymentResult":null}')), 'wrong-account')
  t.equal(meaningOf(sealText('{"paymentResult":[]}')), 'malformed')
  t.equal(meaningOf(sealText('[]')), 'malformed')
  t.equal(meaningOf(sealText('not JSON')), 'malformed')
  t.equal(meaningOf(sealText(`{"paymentResult":${result},"paymentResult":${result}}`)), 'repeated-field')
  t.equal(meaningOf(sealText(`{"paymentResult":${result},"__proto__":{}}`)), 'malformed')
})

t.test('what a browser brings is verified and kept, and decides nothing', async (t) => {
  const paid = seal(makeResult())
  t.match(readRequest(browserResult(paid)), { kind: 'ignored' })
  t.match(readRequest(browserResult(paid.replace('"data":"e', '"data":"f'))), { kind: 'refused', reason: 'signature' })
  const form = (text: string) => readRequest({ ...browserResult(paid), body: Buffer.from(text) })
  const field = new URLSearchParams({ napasResult: paid }).toString()
  t.match(form(`${field}&${field}`), { kind: 'refused', reason: 'repeated-field' })
  t.match(form(`${field}&napasResult%5B%5D=x`), { kind: 'refused', reason: 'repeated-field' })
  t.match(form(`${field}&other=%`), { kind: 'refused', reason: 'malformed' })
  t.match(form('other=1'), { kind: 'refused', reason: 'malformed' })
})

t.test('another method or path is refused', async (t) => {
  for (const change of [{ method: 'GET' }, { method: 'PUT' }, { path: '/other' }, { path: '/result', method: 'GET' }]) {
    const reading = readRequest({ ...notice(seal(makeResult())), ...change })
    t.match(reading, { kind: 'refused', reason: 'unsupported' }, JSON.stringify(change))
  }
})

t.test('acknowledgements: 200 only for what is on record', async (t) => {
  const settlementId = 'stl_1'
  const cases = [
    [{ kind: 'recorded', settlementId }, 200],
    [{ kind: 'repeated', settlementId }, 200],
    [{ kind: 'alreadyFinal', settlementId }, 200],
    [{ kind: 'ignored' }, 200],
    [{ kind: 'amountMismatch', settlementId: null }, 409],
    [{ kind: 'unknownReference' }, 404],
    [{ kind: 'refused', reason: 'signature' }, 400],
    [{ kind: 'unavailable' }, 503],
  ] as const
  for (const [verdict, status] of cases) {
    const reply = napas.acknowledge(verdict, notice(''), account, context)
    t.match(reply, { status, body: '' }, verdict.kind)
    const page = napas.acknowledge(verdict, browserResult(''), account, context)
    t.match(page, { status, body: status === 200 ? /^Đã nhận/ : /^Chưa nhận/ }, `${verdict.kind}, by the browser`)
  }
})

t.test('names for the log come from any request and are plain', async (t) => {
  const named = { merchantRef: 'INV202503100001', accountHint: 'GOVGW' }
  const none = { merchantRef: null, accountHint: null }
  t.same(napas.lookup(notice(seal(makeResult()))), named)
  t.same(napas.lookup(browserResult(seal(makeResult()))), named)
  t.same(napas.lookup(notice(seal(makeResult({ order: { id: 'a\nb' }, merchantId: 5 })))), none)
  for (const request of [notice('x'), notice('{"data":5}'), notice(sealText('x')), browserResult('%'), notice('')]) {
    t.same(napas.lookup(request), none)
  }
})

t.test('law: a mutated notice is refused or means the same', async () => {
  const original = seal(makeResult())
  const print = (reading: CallbackReading) =>
    JSON.stringify(reading, (_name, value) => (typeof value === 'bigint' ? `${value}` : value))
  const meaning = print(read(original))
  const character = fc.constantFrom(...'0123456789abcdefABCDEFxyz+/={}":,\\u')
  const edit = fc.record({
    at: fc.nat({ max: original.length - 1 }),
    drop: fc.nat({ max: 12 }),
    insert: fc.string({ unit: character, maxLength: 12 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 3 }), async (edits) => {
      let body = original
      for (const { at, drop, insert } of edits) body = body.slice(0, at) + insert + body.slice(at + drop)
      const reading = read(body)
      if (reading.kind !== 'refused' && print(reading) !== meaning) throw new Error(`accepted: ${body}`)
    }),
    { numRuns: 2_000 },
  )
})
