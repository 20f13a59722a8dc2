import t from 'tap'
import type { CallbackReading, Verdict } from '../../../adapters/contract.ts'
import { onepay } from '../../../adapters/onepay/index.ts'
import { hashOf, signedQuery, signedText } from '../../../adapters/onepay/signature.ts'
import { context, get, makeAccount, makeOrder, post, queryOf, vectors } from './vectors.ts'

t.test('published vectors', async (t) => {
  for (const vector of vectors) {
    const name = `${vector.id}: ${vector.note}`
    const { hashKeyHex, ...key } = vector.key
    const account = makeAccount({ ...key, hashKey: hashKeyHex })
    switch (vector.op) {
      case 'pay-url': {
        const params = Object.entries(vector.input.params)
        t.equal(signedText(params), vector.expected.canonical, `${name}, signed text`)
        t.equal(hashOf(vector.expected.canonical, hashKeyHex), vector.expected.vpc_SecureHash, `${name}, hash`)
        const { search } = new URL(vector.expected.url)
        t.equal(`?${signedQuery(params.toReversed(), hashKeyHex)}`, search, `${name}, query`)
        break
      }
      case 'ipn': {
        const query = queryOf(vector.input.query)
        for (const request of [get(query), post(query)]) {
          const reading = onepay.readCallback(request, account, context)
          t.equal(reading.kind, vector.expected.signature === 'accept' ? 'outcome' : 'refused', name)
          t.equal(reading.kind === 'outcome' && reading.outcome.kind === 'succeeded', vector.expected.paid, name)
          const reply = onepay.acknowledge(verdictOf(reading), request, account, context)
          t.match(reply, { status: 200, body: vector.expected.ack }, `${name}, acknowledged`)
        }
        break
      }
    }
  }
})

t.test('orders give the published addresses whole, but for the link back', async (t) => {
  const cases = [
    [makeOrder(), { title: 'Thu phi' }],
    [
      makeOrder({
        merchantRef: 'INV202503100002',
        amount: 20_000n,
        description: 'HS0002',
        locale: 'en',
        payerIp: '203.0.113.11',
      }),
      { title: 'Fee', profile: 'international' },
    ],
  ] as const
  const payUrls = vectors.filter((vector) => vector.op === 'pay-url')
  t.equal(payUrls.length, cases.length)
  for (const [index, [order, config]] of cases.entries()) {
    const step = onepay.start?.(order, makeAccount(config), context)
    if (step?.kind !== 'done' || step.result.kind !== 'redirect') throw new Error('no redirect')
    const back = encodeURIComponent('https://pay.example.vn/again')
    const ours = step.result.url.replace(/AgainLink=[^&]+/, `AgainLink=${back}`)
    t.equal(ours, payUrls[index]?.expected.url)
  }
})

function verdictOf(reading: CallbackReading): Verdict {
  return reading.kind === 'refused'
    ? { kind: 'refused', reason: reading.reason }
    : { kind: 'recorded', settlementId: 'stl_1' }
}
