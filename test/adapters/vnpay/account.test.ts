import fc from 'fast-check'
import t from 'tap'
import { accountSchema } from '../../../adapters/vnpay/account.ts'
import { amountText } from '../../../adapters/vnpay/amount.ts'
import { vnpay } from '../../../adapters/vnpay/index.ts'
import { transactionKey, transactionNoOf } from '../../../adapters/vnpay/reference.ts'
import { context, makeAccount, makeOrder, now, secret } from './vectors.ts'

t.test('an account needs its terminal and its secret, and nothing unknown', async (t) => {
  const plain = { tmnCode: 'TESTGW01', hashSecret: secret }
  t.match(accountSchema.parse(plain), { orderType: 'other', timeoutMs: 30_000 })
  for (const change of [
    { tmnCode: 'SHORT' },
    { tmnCode: undefined },
    { hashSecret: '' },
    { payUrl: 'javascript:alert(1)' },
    { payUrl: 'https://pay.example/?a=1' },
    { bankCode: 'A B' },
    { timeoutMs: 0 },
    { extra: 1 },
  ]) {
    t.equal(accountSchema.safeParse({ ...plain, ...change }).success, false, JSON.stringify(change))
  }
})

t.test('law: references are unique, letters and digits, at most 20', async () => {
  const sequence = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n })
  const reference = (value: bigint) => vnpay.merchantRef({ sequence: value, payCode: '', now }, makeAccount())
  await fc.assert(
    fc.asyncProperty(sequence, sequence, async (a, b) => {
      if (!/^FG[0-9A-Z]{8,18}$/.test(reference(a))) throw new Error(reference(a))
      if ((a === b) !== (reference(a) === reference(b))) throw new Error('two sequences, one reference')
    }),
  )
})

t.test('the number of a transaction comes back out of its key', async (t) => {
  t.equal(transactionNoOf(transactionKey('TESTGW01', '14500001', 'FG1'), 'TESTGW01'), '14500001')
  t.equal(transactionNoOf(transactionKey('TESTGW01', '0', 'FG1'), 'TESTGW01'), '0')
  t.equal(transactionNoOf('TESTGW02:14500001', 'TESTGW01'), '0')
})

t.test('an amount VNPAY cannot carry is an error, not a wrong amount', async (t) => {
  t.equal(amountText(9_999_999_999n), '999999999900')
  for (const amount of [0n, -1n, 10_000_000_000n]) t.throws(() => amountText(amount), RangeError)
})

t.test('a payer whose address does not fit is named by ours; text that folds to nothing by the pay code', async (t) => {
  const order = makeOrder({ payerIp: '::1', description: '!!!' })
  const step = vnpay.start?.(order, makeAccount(), context)
  if (step?.kind !== 'done' || step.result.kind !== 'redirect') throw new Error('no redirect')
  const { searchParams } = new URL(step.result.url)
  t.equal(searchParams.get('vnp_IpAddr'), '198.51.100.7')
  t.equal(searchParams.get('vnp_OrderInfo'), 'PAYCODE')
  t.equal(searchParams.get('vnp_BankCode'), null)
})
