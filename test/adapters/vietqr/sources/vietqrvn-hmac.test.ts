import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { z } from 'zod'
import { vietqr } from '../../../../adapters/vietqr/index.ts'
import { makePayCode } from '../../../../src/domain/pay-code.ts'
import { acknowledge, at, hmac, makeAccount, post, read, readVectors, sources, verdictOf } from '../samples.ts'

const source = sources.hmac
const syncPath = '/bank/api/transaction-sync'
const send = (body: object) => post(JSON.stringify(body), {}, syncPath)
const reason = (body: object): string => verdictOf(read(send(body), source))

const hmacVector = z.object({
  op: z.literal('transaction-sync-hmac'),
  id: z.string(),
  note: z.string(),
  key: z.object({ secret: z.string() }),
  input: z.object({ body: z.record(z.string(), z.string()) }),
  expected: z.object({ canonical: z.string(), signature: z.enum(['accept', 'reject']) }),
})
const otherVector = z.looseObject({ op: z.literal('token_generate') })

for (const vector of readVectors('vietqrvn', z.discriminatedUnion('op', [hmacVector, otherVector]))) {
  if (vector.op === 'token_generate') continue
  t.test(`vector ${vector.id}: ${vector.note}`, async (t) => {
    const { key, input, expected } = vector
    const isAccepted = expected.signature === 'accept'
    if (isAccepted) t.equal(hmac(key.secret, expected.canonical), input.body.signature)
    const request = send(input.body)
    const reading = read(request, { ...source, secret: key.secret })
    t.equal(verdictOf(reading), isAccepted ? 'outcome' : 'signature')
    t.same(acknowledge(reading, request, source), {
      status: isAccepted ? 200 : 400,
      body: isAccepted
        ? { error: false, errorReason: '000', toastMessage: '', messageError: '' }
        : { error: true, errorReason: '002', toastMessage: '', messageError: 'signature' },
    })
  })
}

const code = makePayCode(randomBytes(32))
const plain = {
  transactionId: 'tx-0001',
  transactionTime: '2025-03-1009:15',
  referencenumber: 'FT25069000001',
  amount: '150000',
  content: 'x',
  bankAccount: '113366668888',
  transType: 'C',
  orderId: code,
}
type Notice = Omit<typeof plain, 'amount'> & { amount: string | number }
function signed(overrides: Partial<Notice> = {}): Notice & { signature: string } {
  const body = { ...plain, ...overrides }
  const text = `${body.transactionId}${String(body.amount).padStart(10, '0')}${body.transactionTime}${body.orderId}`
  return { ...body, signature: hmac(source.secret, text) }
}

t.test(
  'the signed id is the key and the signed order id names the invoice, whatever the unsigned fields say',
  async (t) => {
    const reading = read(
      send({ ...signed(), referencenumber: 'FT-OTHER', content: makePayCode(randomBytes(32)) }),
      source,
    )
    if (reading.kind !== 'outcome') throw new Error(verdictOf(reading))
    const { railTransactionId, merchantRef, amount, paidAt } = reading.outcome
    t.same(
      { railTransactionId, merchantRef, amount, paidAt },
      { railTransactionId: 'tx-0001', merchantRef: code, amount: 150_000n, paidAt: new Date('2025-03-10T02:15:00Z') },
    )
  },
)

t.test('the content names the invoice where the order id names none', async (t) => {
  const reading = read(send(signed({ orderId: '', content: `IBFT ${code}` })), source)
  t.equal(reading.kind === 'outcome' ? reading.outcome.merchantRef : reading.kind, code)
})

t.test('numbers and padded texts are the same amount', async (t) => {
  t.equal(reason({ ...signed(), amount: 150000 }), 'outcome')
  t.equal(reason({ ...signed(), amount: '0000150000' }), 'outcome')
  t.equal(reason({ ...signed(), amount: 150001 }), 'signature')
})

t.test('the signed text cut at another place is never accepted as another payment', async (t) => {
  const original = signed({ transactionId: 'tx-00019', transactionTime: '2025-03-1009:15' })
  // The last digit of the id before the amount: 90,000,150,000 VND under the same signature.
  t.equal(reason({ ...original, transactionId: 'tx-0001', amount: '90000150000' }), 'malformed')

  // Two digits further left all along: 1,900,001,700 VND under the signature of 170,017, for a time in digits only.
  const digits = signed({ transactionId: 'tx-19', amount: '170017', transactionTime: '1741572902000', orderId: code })
  const shifted = { transactionId: 'tx-', amount: '1900001700', transactionTime: '1717415729020', orderId: `00${code}` }
  t.equal(reason({ ...digits, ...shifted }), 'malformed')
  t.equal(reason(digits), 'malformed')

  const times = fc.constantFrom('2025-03-1009:15', '2025-03-10 09:15:30', '1741572902000')
  const ids = fc.string({ unit: fc.constantFrom(...'0123456789abcdef-'), minLength: 1, maxLength: 24 })
  const orderIds = fc.constantFrom('', code, '20250310', '0000999999')
  fc.assert(
    fc.property(
      ids,
      fc.integer({ min: 1, max: 499_999_999 }),
      times,
      orderIds,
      fc.array(fc.integer({ min: -12, max: 12 }), { minLength: 3, maxLength: 3 }),
      (transactionId, amount, transactionTime, orderId, shifts) => {
        const { signature } = signed({ transactionId, amount: String(amount), transactionTime, orderId })
        const padded = String(amount).padStart(10, '0')
        const text = `${transactionId}${padded}${transactionTime}${orderId}`
        const [first = 0, second = 0, third = 0] = shifts
        const amountAt = transactionId.length + first
        const timeAt = transactionId.length + 10 + second
        const orderAt = transactionId.length + 10 + transactionTime.length + third
        const cut = {
          ...plain,
          transactionId: text.slice(0, Math.max(amountAt, 0)),
          amount: text.slice(Math.max(amountAt, 0), timeAt),
          transactionTime: text.slice(timeAt, orderAt),
          orderId: text.slice(orderAt),
          signature,
        }
        const reading = read(send(cut), source)
        if (reading.kind !== 'outcome') return true
        const same = cut.transactionId === transactionId && BigInt(cut.amount) === BigInt(amount)
        return same && cut.transactionTime === transactionTime && cut.orderId === orderId
      },
    ),
    { numRuns: 3000 },
  )
})

t.test('each changed signed field is refused, and so is a token', async (t) => {
  for (const name of ['transactionId', 'transactionTime', 'amount', 'orderId', 'signature'])
    t.equal(reason({ ...signed(), [name]: '1' }), 'signature', name)
  t.equal(reason(plain), 'signature')
  const request = { ...send(signed()), headers: { authorization: 'Bearer x' } }
  t.equal(verdictOf(read(request, source)), 'auth')
  t.equal(verdictOf(read({ ...send(signed()), path: '/api/token_generate' }, source)), 'unsupported')
})

t.test('debits are ignored; another account is an unknown agency', async (t) => {
  t.equal(reason(signed({ transType: 'D' })), 'ignored')
  const request = send(signed({ bankAccount: '1' }))
  const reading = read(request, source)
  t.equal(verdictOf(reading), 'wrong-account')
  t.match(acknowledge(reading, request, source).body, { error: true, errorReason: '001' })
  t.equal(vietqr.acknowledge({ kind: 'unavailable' }, request, makeAccount(source), at()).status, 503)
})
