import t from 'tap'
import { accountSchema } from '../../../adapters/onepay/account.ts'
import { amountText } from '../../../adapters/onepay/amount.ts'
import { onepay } from '../../../adapters/onepay/index.ts'
import { signedQuery } from '../../../adapters/onepay/signature.ts'
import { context, hashKey, makeAccount, makeOrder, now } from './vectors.ts'

const paramsOf = (order = makeOrder(), config: Record<string, unknown> = {}, serverIp = context.serverIp) => {
  const step = onepay.start?.(order, makeAccount(config), { ...context, serverIp })
  if (step?.kind !== 'done' || step.result.kind !== 'redirect') throw new Error('no redirect')
  return new URL(step.result.url)
}

t.test('an account needs its profile, merchant and keys, and nothing unknown', async (t) => {
  const plain = { profile: 'unified', merchant: 'TESTMERCH', accessCode: 'AC000001', hashKey }
  t.match(accountSchema.parse(plain), { queryMethod: 'GET', refundMethod: 'POST', pendingCodes: ['100', '300'] })
  for (const change of [
    { profile: 'all' },
    { merchant: 'A'.repeat(17) },
    { accessCode: 'AC0000012' },
    { hashKey: 'not hexadecimal at all, but long' },
    { hashKey: 'A1B' },
    { payUrl: 'javascript:alert(1)' },
    { queryPassword: 'a&vpc_Command=pay' },
    { pendingCodes: ['x'] },
    { timeoutMs: 0 },
    { extra: 1 },
  ]) {
    t.equal(accountSchema.safeParse({ ...plain, ...change }).success, false, JSON.stringify(change))
  }
})

t.test('each profile has its page; the account may name another and choose the currency field', async (t) => {
  for (const [profile, path, currency] of [
    ['domestic', '/onecomm-pay/vpc.op', 'VND'],
    ['international', '/vpcpay/vpcpay.op', null],
    ['unified', '/paygate/vpcpay.op', 'VND'],
  ] as const) {
    const url = paramsOf(makeOrder(), { profile })
    t.equal(url.pathname, path)
    t.equal(url.searchParams.get('vpc_Currency'), currency, profile)
  }
  const url = paramsOf(makeOrder(), { payUrl: 'https://onepay.vn/paygate/vpcpay.op', sendCurrency: false })
  t.equal(url.origin, 'https://onepay.vn')
  t.equal(url.searchParams.get('vpc_Currency'), null)
})

t.test('text is folded and cut to 32, and only an IPv4 address stands for the payer', async (t) => {
  const long = paramsOf(makeOrder({ description: 'Nộp lệ phí & phí hồ sơ số 0001/2025 của UBND' }))
  t.equal(long.searchParams.get('vpc_OrderInfo'), 'Nop le phi phi ho so so 0001 202')
  t.equal(paramsOf(makeOrder({ description: '!!!' })).searchParams.get('vpc_OrderInfo'), 'PAYCODE')
  const ticket = (payerIp: string, serverIp?: string) =>
    paramsOf(makeOrder({ payerIp }), {}, serverIp).searchParams.get('vpc_TicketNo')
  t.equal(ticket('::ffff:203.0.113.9'), '203.0.113.9')
  t.equal(ticket('2001:db8::1'), '198.51.100.7')
  t.equal(ticket('2001:db8::1', '2001:db8::2'), null)
})

t.test('references fit in 34 characters', async (t) => {
  const reference = onepay.merchantRef({ sequence: 2n ** 63n - 1n, payCode: '', now }, makeAccount())
  t.match(reference, /^FG[0-9A-Z]{8,18}$/)
})

t.test('an amount or a value OnePay cannot carry is an error, not a wrong order', async (t) => {
  t.equal(amountText(9_999_999_999n), '999999999900')
  for (const amount of [0n, -1n, 10_000_000_000n]) t.throws(() => amountText(amount), RangeError)
  t.throws(() => signedQuery([['vpc_OrderInfo', 'a&vpc_Amount=1']], hashKey), RangeError)
})
