import fc from 'fast-check'
import t from 'tap'
import type { Verdict } from '../../../adapters/contract.ts'
import { accountSchema } from '../../../adapters/momo/account.ts'
import { momo } from '../../../adapters/momo/index.ts'
import { signatureOf, signedText } from '../../../adapters/momo/signature.ts'
import { account, context, keys, meaningOf, plainNotice, post, read, signed, vectors } from './samples.ts'

const messages = { 'create-request': 'create', 'query-request': 'query', 'refund-request': 'refund' } as const

for (const vector of vectors) {
  t.test(`vector ${vector.id}: ${vector.note}`, async (t) => {
    if (vector.op !== 'ipn') {
      const message = messages[vector.op]
      t.equal(signedText(message, vector.input, keys.accessKey), vector.expected.canonical)
      t.equal(signatureOf(message, vector.input, account.config), vector.expected.signature)
      return
    }
    const { body } = vector.input
    const { canonical, signature, paid, httpStatus } = vector.expected
    t.equal(signedText('notice', body, keys.accessKey), canonical)
    const reading = read(body)
    t.equal(meaningOf(reading), signature === 'reject' ? 'signature' : paid ? 'succeeded' : 'failed')
    const verdict: Verdict =
      reading.kind === 'refused'
        ? { kind: 'refused', reason: reading.reason }
        : { kind: 'recorded', settlementId: 'stl_1' }
    t.same(momo.acknowledge(verdict, post(body), account, context), {
      status: httpStatus ?? 401,
      headers: {},
      body: '',
    })
  })
}

t.test('a success settles under MoMo’s transaction id', async (t) => {
  const reading = read(signed())
  if (reading.kind !== 'outcome') throw new Error(meaningOf(reading))
  const { merchantRef, railTransactionId, amount, paidAt, evidence } = reading.outcome
  t.same(
    { merchantRef, railTransactionId, amount, paidAt },
    {
      merchantRef: 'FG00000001',
      railTransactionId: '4088878653',
      amount: 150_000n,
      paidAt: new Date(1741572902000),
    },
  )
  t.notMatch(JSON.stringify(evidence), new RegExp(`${keys.accessKey}|signature`))
})

t.test('only 0 is paid; codes that are not final leave the attempt open', async (t) => {
  const meaning = (resultCode: number) => meaningOf(read(signed({ resultCode })))
  for (const code of [1000, 7000, 7002, 8000, 9000, 10, 99, 123456]) t.equal(meaning(code), 'pending', String(code))
  for (const code of [1001, 1003, 1005, 1006, 4100]) t.equal(meaning(code), 'failed', String(code))
  t.equal(meaning(0), 'succeeded')
})

t.test('which codes are final is configuration, but never a pending one', async (t) => {
  const stricter = { id: 'ra_momo', config: accountSchema.parse({ ...keys, failedCodes: [1003] }) }
  const meaning = (resultCode: number) => meaningOf(momo.readCallback(post(signed({ resultCode })), stricter, context))
  t.same([1003, 1006, 0].map(meaning), ['failed', 'pending', 'succeeded'])
  t.notOk(accountSchema.safeParse({ ...keys, failedCodes: [9000] }).success)
  t.notOk(accountSchema.safeParse({ ...keys, failedCodes: [0] }).success)
})

t.test('a failure without a transaction stands under our reference; a success without one is refused', async (t) => {
  const reading = read(signed({ resultCode: 1003, transId: 0 }))
  t.equal(reading.kind === 'outcome' ? reading.outcome.railTransactionId : reading.kind, 'FG00000001')
  t.equal(meaningOf(read(signed({ transId: 0 }))), 'malformed')
  t.equal(meaningOf(read(signed({ amount: 0 }))), 'malformed')
})

t.test('an order id is read by MoMo’s own pattern, and a request id is any word', async (t) => {
  for (const orderId of ['A', 'A--B', 'A_-.b', '1'.repeat(200)])
    t.equal(meaningOf(read(signed({ orderId }))), 'succeeded', orderId)
  for (const orderId of ['', '-A', 'A-', 'A B', 'é', '1'.repeat(201)])
    t.equal(meaningOf(read(signed({ orderId }))), 'malformed', orderId)
  t.equal(meaningOf(read(signed({ requestId: 'RQ/0001:a=b' }))), 'succeeded')
  t.equal(meaningOf(read(signed({ requestId: 'R'.repeat(51) }))), 'malformed')
})

t.test('another partner, path, method or a field that cannot be understood is refused', async (t) => {
  t.equal(meaningOf(read(signed({ partnerCode: 'OTHER' }))), 'wrong-account')
  t.equal(meaningOf(read(signed({ amount: '15x' }))), 'malformed')
  t.equal(meaningOf(read(signed({ orderId: '../x' }))), 'malformed')
  t.equal(meaningOf(read(signed({ responseTime: 1 }))), 'malformed')
  t.equal(meaningOf(read(signed({ amount: '150000' }))), 'succeeded', 'digits as text are the same amount')
  t.equal(meaningOf(momo.readCallback({ ...post(signed()), path: '/x' }, account, context)), 'unsupported')
  t.equal(meaningOf(momo.readCallback({ ...post(''), method: 'GET' }, account, context)), 'unsupported')
  t.equal(meaningOf(read('{')), 'malformed')
  t.equal(meaningOf(read(JSON.stringify(signed()).replace('"amount"', '"amount":1,"amount"'))), 'repeated-field')
})

t.test('a text that could be cut into other fields under the same signature is refused', async (t) => {
  t.equal(meaningOf(read(signed({ message: 'x&orderId=FG00000002' }))), 'malformed')
  t.equal(meaningOf(read(signed({ orderInfo: 'phi & le phi = 2' }))), 'succeeded')
})

t.test('each changed or missing field is refused; another order of fields is not', async (t) => {
  const notice = signed()
  for (const name of [...Object.keys(plainNotice), 'signature']) {
    t.equal(meaningOf(read({ ...notice, [name]: 'x' })), 'signature', `${name} changed`)
    const { [name]: _left, ...rest } = notice
    t.equal(meaningOf(read(rest)), 'signature', `${name} missing`)
  }
  t.equal(meaningOf(read(Object.fromEntries(Object.entries(notice).reverse()))), 'succeeded')
  t.equal(meaningOf(read({ ...notice, addedLater: 1 })), 'succeeded')
  t.equal(meaningOf(read({ ...notice, signature: String(notice.signature).toUpperCase() })), 'succeeded')
})

t.test('no mutation of a notice is accepted with another meaning', async () => {
  const text = JSON.stringify(signed())
  const original = JSON.stringify(read(text), (_key, value) => (typeof value === 'bigint' ? String(value) : value))
  fc.assert(
    fc.property(
      fc.nat(text.length - 1),
      fc.constantFrom('replace', 'insert', 'delete'),
      fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 3 }),
      (index, change, piece) => {
        const end = change === 'insert' ? index : index + piece.length
        const changed = text.slice(0, index) + (change === 'delete' ? '' : piece) + text.slice(end)
        const reading = read(changed)
        if (reading.kind === 'refused') return true
        return (
          JSON.stringify(reading, (_key, value) => (typeof value === 'bigint' ? String(value) : value)) === original
        )
      },
    ),
    { numRuns: 3000 },
  )
})

t.test('204 says "got it"; what is not on record or must come again says otherwise', async (t) => {
  const status = (verdict: Verdict) => momo.acknowledge(verdict, post(''), account, context).status
  t.equal(status({ kind: 'repeated', settlementId: 's' }), 204)
  t.equal(status({ kind: 'alreadyFinal', settlementId: 's' }), 204)
  t.equal(status({ kind: 'unknownReference' }), 204)
  t.equal(status({ kind: 'amountMismatch', settlementId: 's' }), 204)
  t.equal(status({ kind: 'amountMismatch', settlementId: null }), 400)
  t.equal(status({ kind: 'refused', reason: 'signature' }), 401)
  t.equal(status({ kind: 'refused', reason: 'wrong-account' }), 400)
  t.equal(status({ kind: 'unavailable' }), 503)
})

t.test('before verification a log learns order and partner', async (t) => {
  t.same(momo.lookup(post(signed())), { merchantRef: 'FG00000001', accountHint: keys.partnerCode })
  t.same(momo.lookup(post('{"orderId":"a\\nb"}')), { merchantRef: null, accountHint: null })
})
