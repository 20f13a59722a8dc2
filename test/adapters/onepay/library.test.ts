/** The same addresses and returns through an independent library. */
import fc from 'fast-check'
import t from 'tap'
import { OnePayDomestic, OnePayInternational } from 'vn-payments'
import { onepay } from '../../../adapters/onepay/index.ts'
import { foldToLatin } from '../../../src/domain/fold.ts'
import { context, get, hashKey, makeAccount, makeOrder, noticeQuery } from './vectors.ts'

const config = { merchant: 'TESTMERCH', accessCode: 'AC000001', secureSecret: hashKey }
const libraries = {
  domestic: new OnePayDomestic({ ...config, paymentGateway: 'https://mtf.onepay.vn/onecomm-pay/vpc.op' }),
  international: new OnePayInternational({ ...config, paymentGateway: 'https://mtf.onepay.vn/vpcpay/vpcpay.op' }),
} as const

t.test('law: the pay address is the one the library builds', async () => {
  const order = fc.record({
    amount: fc.bigInt({ min: 1n, max: 9_999_999_999n }),
    merchantRef: fc.stringMatching(/^[A-Z0-9]{1,34}$/),
    description: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }),
    locale: fc.constantFrom('vi' as const, 'en' as const),
    payerIp: fc.ipV4(),
    token: fc.stringMatching(/^[A-Za-z0-9_-]{1,24}$/),
  })
  await fc.assert(
    fc.asyncProperty(order, fc.constantFrom('domestic' as const, 'international' as const), async (given, profile) => {
      const { token, ...overrides } = given
      const made = makeOrder({ ...overrides, returnUrl: `https://pay.example.vn/pay/${token}/return` })
      const step = onepay.start?.(made, makeAccount({ profile, title: 'Thu phi' }), context)
      if (step?.kind !== 'done' || step.result.kind !== 'redirect') throw new Error('no redirect')
      const payload = {
        amount: Number(made.amount),
        orderId: foldToLatin(made.description, 32) || made.payCode,
        transactionId: made.merchantRef,
        clientIp: made.payerIp,
        locale: made.locale === 'en' ? 'en' : 'vn',
        title: 'Thu phi',
        againLink: made.returnUrl,
        returnUrl: made.returnUrl,
        // Demanded by the library for international cards.
        customerId: '',
        ...(profile === 'international' ? { billingCity: '', billingCountry: '' } : {}),
      }
      const theirs: URL = await Reflect.apply(libraries[profile].buildCheckoutUrl, libraries[profile], [payload])
      if (step.result.url !== theirs.href) throw new Error(`${step.result.url} is not ${theirs.href}`)
    }),
  )
})

async function libraryAccepts(query: string): Promise<boolean> {
  const fields = Object.fromEntries(new URLSearchParams(query))
  const verdict: { isSuccess: boolean } = await Reflect.apply(libraries.domestic.verifyReturnUrl, libraries.domestic, [
    fields,
  ])
  return verdict.isSuccess
}

t.test('law: library and adapter agree on every paid notice, signed or changed', async () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 30 }).filter((value) => !/&(?:vpc_|user_)\w*=/.test(value))
  await fc.assert(
    fc.asyncProperty(text, text, fc.boolean(), async (vpc_OrderInfo, vpc_Message, changed) => {
      const signed = noticeQuery({ vpc_OrderInfo, vpc_Message })
      const query = changed ? signed.replace('vpc_Amount=15000000', 'vpc_Amount=25000000') : signed
      const reading = onepay.readCallback(get(query), makeAccount(), context)
      const ours = reading.kind === 'outcome' && reading.outcome.kind === 'succeeded'
      if (ours !== (await libraryAccepts(query)) || ours === changed) throw new Error(`disagree: ${query}`)
    }),
  )
})

t.test('a code 7 with a good hash is a failure, not a forgery: there the library is wrong', async (t) => {
  const query = noticeQuery({ vpc_TxnResponseCode: '7' })
  t.match(onepay.readCallback(get(query), makeAccount(), context), { kind: 'outcome', outcome: { kind: 'failed' } })
  const fields = Object.fromEntries(new URLSearchParams(query))
  const verdict: object = await Reflect.apply(libraries.domestic.verifyReturnUrl, libraries.domestic, [fields])
  t.match(verdict, { isSuccess: false, message: 'Wrong checksum' })
})
