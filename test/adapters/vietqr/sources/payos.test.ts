import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { z } from 'zod'
import { vietqr } from '../../../../adapters/vietqr/index.ts'
import { payosText } from '../../../../adapters/vietqr/sources/payos.ts'
import { makePayCode } from '../../../../src/domain/pay-code.ts'
import { acknowledge, at, hmac, makeAccount, post, read, readVectors, sources, verdictOf } from '../samples.ts'

const data = z.record(z.string(), z.unknown())
const vectorSchema = z.discriminatedUnion('op', [
  z.object({
    op: z.literal('create-link'),
    id: z.string(),
    note: z.string(),
    input: data,
    expected: z.object({ canonical: z.string(), signature: z.string() }),
  }),
  z.object({
    op: z.literal('webhook'),
    id: z.string(),
    note: z.string(),
    input: z.object({ body: z.looseObject({ data }) }),
    expected: z.object({ canonical: z.string(), signature: z.enum(['accept', 'reject']) }),
  }),
])
const key = sources.payos.checksumKey

for (const vector of readVectors('payos', vectorSchema)) {
  t.test(`vector ${vector.id}: ${vector.note}`, async (t) => {
    if (vector.op === 'create-link') {
      t.equal(payosText(vector.input), vector.expected.canonical)
      t.equal(hmac(key, payosText(vector.input)), vector.expected.signature)
      return
    }
    const { body } = vector.input
    t.equal(payosText(body.data), vector.expected.canonical)
    const request = post(JSON.stringify(body))
    const reading = read(request, sources.payos)
    const isAccepted = vector.expected.signature === 'accept'
    t.equal(verdictOf(reading), isAccepted ? 'outcome' : 'signature')
    t.same(
      acknowledge(reading, request, sources.payos),
      isAccepted ? { status: 200, body: { success: true } } : { status: 401, body: { success: false } },
    )
  })
}

const code = makePayCode(randomBytes(32))
const plain = {
  orderCode: 10001,
  amount: 150000,
  description: `CS1 ${code}`,
  accountNumber: '113366668888',
  reference: 'FT25069000001\\BNK',
  transactionDateTime: '2025-03-10 09:15:02',
  currency: 'VND',
  paymentLinkId: '0f0e0d0c0b0a09080706050403020100',
  code: '00',
  desc: 'Thành công',
  counterAccountBankName: null,
  counterAccountName: 'CTY A&B',
  counterAccountNumber: '0011223344',
  virtualAccountNumber: '',
}
function webhook(overrides: object = {}, outer: object = {}): string {
  const data = { ...plain, ...overrides }
  return JSON.stringify({ code: '00', desc: 'success', success: true, data, signature: signatureOf(data), ...outer })
}
const signatureOf = (data: Record<string, unknown>): string => hmac(key, payosText(data))
const reason = (body: string): string => verdictOf(read(post(body), sources.payos))

t.test('a credit settles under its reference; the payer’s account number is masked in the evidence', async (t) => {
  const reading = read(post(webhook()), sources.payos)
  if (reading.kind !== 'outcome') throw new Error(verdictOf(reading))
  const { railTransactionId, amount, merchantRef, paidAt, evidence } = reading.outcome
  t.same(
    { railTransactionId, amount, merchantRef, paidAt },
    {
      railTransactionId: 'FT25069000001\\BNK',
      amount: 150_000n,
      merchantRef: code,
      paidAt: new Date('2025-03-10T02:15:02Z'),
    },
  )
  t.equal(evidence.payerAccount, '******3344')
  t.same(vietqr.lookup(post(webhook())), { merchantRef: code, accountHint: '113366668888' })
})

t.test('only what is signed decides: the inner code, not the outer one', async (t) => {
  t.equal(reason(webhook({ code: '01' })), 'ignored')
  t.equal(reason(webhook({}, { code: '01', success: false })), 'outcome')
})

t.test('fields payOS adds are part of the signed text, whatever they hold', async (t) => {
  const added = { extra: 'new', Upper: 1, flag: true, list: [{ b: 1, a: 2 }], nothing: 'null' }
  t.match(payosText(added), 'Upper=1&extra=new&flag=true&list=[{"a":2,"b":1}]&nothing=')
  t.equal(reason(webhook(added)), 'outcome')
  const tampered = webhook(added).replace('"extra":"new"', '"extra":"old"')
  t.equal(reason(tampered), 'signature')
})

t.test(
  'another account, currency or type of field is refused; the probe of our address still gets a 2xx',
  async (t) => {
    t.equal(reason(webhook({ accountNumber: '12345678' })), 'wrong-account')
    t.equal(reason(webhook({ accountNumber: '1', virtualAccountNumber: '113366668888' })), 'outcome')
    t.equal(reason(webhook({ currency: 'USD' })), 'wrong-currency')
    t.equal(reason(webhook({ amount: '150000' })), 'malformed')
    t.equal(reason(webhook({ reference: '' })), 'malformed')
    t.equal(reason('{"data":null,"signature":""}'), 'signature')
    t.equal(reason(webhook({}, { signature: signatureOf(plain).toUpperCase() })), 'signature')
    t.equal(reason(webhook().replace('"amount":150000', '"amount":150000,"amount":1')), 'repeated-field')
    const probe = post(webhook({ accountNumber: '12345678' }))
    t.equal(acknowledge(read(probe, sources.payos), probe, sources.payos).status, 200)
  },
)

t.test('a text that could be cut into other fields under the same signature is refused', async (t) => {
  const hidden = { ...plain, description: 'x&orderCode=1' }
  t.equal(reason(webhook(hidden)), 'malformed')
  const { currency, desc, ...rest } = plain
  const joined = { ...rest, desc: 'x', 'currency=VND&desc': 'y' }
  t.equal(reason(JSON.stringify({ data: joined, signature: signatureOf(joined) })), 'malformed')
  t.equal(currency + desc, 'VNDThành công')
})

t.test('no changed field passes; another order of fields does', async (t) => {
  const signature = signatureOf(plain)
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.keys(plain)),
      fc.oneof(fc.string(), fc.integer(), fc.constant(null)),
      (name, value) => {
        const data = { ...plain, [name]: value }
        const body = JSON.stringify({ data, signature })
        // Null and the empty text sign alike, and mean the same.
        if (payosText(data) === payosText(plain)) return ['outcome', 'malformed'].includes(reason(body))
        return reason(body) === 'signature'
      },
    ),
    { numRuns: 500 },
  )
  const reordered = Object.fromEntries(Object.entries(plain).reverse())
  t.equal(reason(JSON.stringify({ signature, data: reordered })), 'outcome')
  const { reference: _reference, ...truncated } = plain
  t.equal(reason(JSON.stringify({ data: truncated, signature })), 'signature')
})

t.test('what must come again is answered 503', async (t) => {
  const reply = vietqr.acknowledge({ kind: 'unavailable' }, post(webhook()), makeAccount(sources.payos), at())
  t.equal(reply.status, 503)
})
