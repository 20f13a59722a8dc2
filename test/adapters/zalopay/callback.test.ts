import fc from 'fast-check'
import t from 'tap'
import type { Verdict } from '../../../adapters/contract.ts'
import { type Path, requestText } from '../../../adapters/zalopay/call.ts'
import { zalopay } from '../../../adapters/zalopay/index.ts'
import {
  account,
  context,
  hmac,
  keys,
  makeAccount,
  meaningOf,
  plainData,
  post,
  read,
  signed,
  signedText,
  vectors,
} from './samples.ts'

const paths: Record<string, Path> = {
  'create-request': '/v2/create',
  'query-request': '/v2/query',
  'refund-request': '/v2/refund',
  'query_refund-request': '/v2/query_refund',
}
const reply = (verdict: Verdict, railAccount = account): unknown => {
  const { status, body } = zalopay.acknowledge(verdict, post(''), railAccount, context)
  return { status, ...JSON.parse(body) }
}

for (const vector of vectors) {
  t.test(`vector ${vector.id}: ${vector.note}`, async (t) => {
    if (vector.op !== 'callback') {
      const path = paths[vector.op]
      if (path === undefined) throw new Error(vector.op)
      const text = requestText(path, vector.input, keys.key1)
      t.equal(text, vector.expected.canonical)
      t.equal(hmac(keys.key1, text), vector.expected.mac)
      return
    }
    const reading = read(vector.input.body)
    t.equal(meaningOf(reading), vector.expected.signature === 'accept' ? 'succeeded' : 'signature')
    const verdict: Verdict =
      reading.kind === 'refused'
        ? { kind: 'refused', reason: reading.reason }
        : { kind: 'recorded', settlementId: 'stl_1' }
    t.match(reply(verdict), { status: 200, ...vector.expected.ack })
  })
}

t.test('a success settles under ZaloPay’s transaction id', async (t) => {
  const reading = read(signed())
  if (reading.kind !== 'outcome') throw new Error(meaningOf(reading))
  const { merchantRef, railTransactionId, amount, paidAt } = reading.outcome
  t.same(
    { merchantRef, railTransactionId, amount, paidAt },
    {
      merchantRef: '250310_FG00000001',
      railTransactionId: '250310000000389',
      amount: 150_000n,
      paidAt: new Date(1741572902000),
    },
  )
})

t.test('a success without its time is money all the same', async (t) => {
  const reading = read(signed({ server_time: null }))
  t.match(reading, { kind: 'outcome', outcome: { kind: 'succeeded', amount: 150_000n, paidAt: null } })
})

t.test('the text is signed as received: other spacing or order of the inner JSON needs a MAC of its own', async (t) => {
  const spaced = JSON.stringify(plainData, null, 1)
  t.equal(meaningOf(read({ data: spaced, mac: signed().mac, type: 1 })), 'signature')
  t.equal(meaningOf(read(signedText(spaced))), 'succeeded')
  t.equal(meaningOf(read({ ...signed(), mac: signed().mac.toUpperCase() })), 'succeeded')
})

t.test('another app, path, method or a field that cannot be understood is refused', async (t) => {
  t.equal(meaningOf(read(signed({ app_id: 1 }))), 'wrong-account')
  t.equal(meaningOf(read(signed({ app_id: '2553' }))), 'wrong-account')
  t.equal(meaningOf(read(signed({ amount: 0 }))), 'malformed')
  t.equal(meaningOf(read(signed({ amount: 1.5 }))), 'malformed')
  t.equal(meaningOf(read(signed({ amount: '150000' }))), 'malformed')
  t.equal(meaningOf(read(signed({ zp_trans_id: 0 }))), 'malformed')
  t.equal(meaningOf(read(signed({ zp_trans_id: '250310000000389' }))), 'succeeded')
  t.equal(meaningOf(read(signed({ app_trans_id: 'x' }))), 'malformed')
  t.equal(meaningOf(read(signed({ server_time: 1 }))), 'malformed')
  t.equal(meaningOf(read(signedText('[]'))), 'malformed')
  t.equal(
    meaningOf(read(signedText(JSON.stringify(plainData).replace('"amount"', '"amount":1,"amount"')))),
    'repeated-field',
  )
  t.equal(meaningOf(read(JSON.stringify(signed()).replace('"mac"', '"mac":"","mac"'))), 'repeated-field')
  t.equal(meaningOf(read({ data: plainData, mac: signed().mac })), 'signature')
  t.equal(meaningOf(read({ data: signed().data })), 'signature')
  t.equal(meaningOf(zalopay.readCallback({ ...post(signed()), path: '/x' }, account, context)), 'unsupported')
  t.equal(meaningOf(zalopay.readCallback({ ...post(''), method: 'GET' }, account, context)), 'unsupported')
})

t.test('no changed field and no mutation of the bytes is accepted with another meaning', async (t) => {
  const { data, mac, type } = signed()
  for (const name of Object.keys(plainData)) {
    const changed = JSON.stringify({ ...plainData, [name]: 7 })
    t.equal(meaningOf(read({ data: changed, mac, type })), 'signature', name)
  }
  const text = JSON.stringify({ data, mac, type })
  const plain = (value: unknown) => JSON.stringify(value, (_key, v) => (typeof v === 'bigint' ? String(v) : v))
  const original = plain(read(text))
  fc.assert(
    fc.property(
      fc.nat(text.length - 1),
      fc.constantFrom('replace', 'insert', 'delete'),
      fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 3 }),
      (index, change, piece) => {
        const end = change === 'insert' ? index : index + piece.length
        const reading = read(text.slice(0, index) + (change === 'delete' ? '' : piece) + text.slice(end))
        return reading.kind === 'refused' || plain(reading) === original
      },
    ),
    { numRuns: 3000 },
  )
})

t.test('each verdict has its return code, always with HTTP 200', async (t) => {
  const ok = { status: 200, return_code: 1, return_message: 'success' }
  t.same(reply({ kind: 'recorded', settlementId: 's' }), ok)
  t.same(reply({ kind: 'repeated', settlementId: 's' }), ok)
  t.match(reply({ kind: 'repeated', settlementId: 's' }, makeAccount({ duplicateReturnCode: 2 })), { return_code: 2 })
  t.same(reply({ kind: 'alreadyFinal', settlementId: 's' }), ok)
  t.same(reply({ kind: 'unknownReference' }), ok)
  t.same(reply({ kind: 'amountMismatch', settlementId: 's' }), ok)
  t.match(reply({ kind: 'amountMismatch', settlementId: null }), { return_code: -1 })
  t.match(reply({ kind: 'refused', reason: 'signature' }), { return_code: -1, return_message: 'mac not equal' })
  t.match(reply({ kind: 'refused', reason: 'wrong-account' }), { return_code: -1 })
  t.match(reply({ kind: 'unavailable' }), { return_code: 0 })
})

t.test('before verification a log learns order and app', async (t) => {
  t.same(zalopay.lookup(post(signed())), { merchantRef: '250310_FG00000001', accountHint: '2553' })
  t.same(zalopay.lookup(post('{"data":"x"}')), { merchantRef: null, accountHint: null })
})
