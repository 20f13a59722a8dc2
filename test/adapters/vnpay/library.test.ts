/** The same messages through an independent library. Where it calls out, it calls a server on loopback. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import fc from 'fast-check'
import t from 'tap'
import { HashAlgorithm, ProductCode, RefundTransactionType, VNPay, VnpCurrCode, VnpLocale } from 'vnpay'
import { requestText } from '../../../adapters/vnpay/call.ts'
import { vnpay } from '../../../adapters/vnpay/index.ts'
import { hashOf } from '../../../adapters/vnpay/signature.ts'
import { foldToLatin } from '../../../src/domain/fold.ts'
import { context, get, makeAccount, makeAttempt, makeOrder, noticeQuery, secret, signedAnswer } from './vectors.ts'

const account = makeAccount()
const config = { tmnCode: 'TESTGW01', secureSecret: secret, hashAlgorithm: HashAlgorithm.SHA512, enableLog: false }
const library = new VNPay({ ...config, vnpayHost: 'https://sandbox.vnpayment.vn' })

function libraryAccepts(query: string): boolean {
  // The library takes a parsed query, which its types name field by field.
  return Reflect.apply(library.verifyIpnCall, library, [Object.fromEntries(new URLSearchParams(query))]).isVerified
}

t.test('law: the pay address is the one the library builds, and the library accepts it', async () => {
  const order = fc.record({
    amount: fc.bigInt({ min: 1n, max: 9_999_999_999n }),
    merchantRef: fc.stringMatching(/^[A-Z0-9]{1,34}$/),
    description: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }),
    locale: fc.constantFrom('vi' as const, 'en' as const),
    payerIp: fc.oneof(fc.ipV4(), fc.constant('2001:db8::1')),
    returnUrl: fc.webUrl({ withQueryParameters: true }),
    payerInput: fc.constantFrom({}, { bankCode: 'NCB' }, { bankCode: 'VNPAYQR' }),
  })
  await fc.assert(
    fc.asyncProperty(order, async (overrides) => {
      const made = makeOrder(overrides)
      const step = vnpay.start?.(made, account, context)
      if (step?.kind !== 'done' || step.result.kind !== 'redirect') throw new Error('no redirect')
      const { bankCode } = made.payerInput
      const theirs = library.buildPaymentUrl({
        vnp_Amount: Number(made.amount),
        vnp_TxnRef: made.merchantRef,
        vnp_OrderInfo: foldToLatin(made.description, 255) || made.payCode,
        vnp_OrderType: ProductCode.Other,
        vnp_Locale: made.locale === 'en' ? VnpLocale.EN : VnpLocale.VN,
        vnp_CurrCode: VnpCurrCode.VND,
        vnp_IpAddr: made.payerIp,
        vnp_ReturnUrl: made.returnUrl,
        vnp_CreateDate: 20250310091000,
        vnp_ExpireDate: 20250310092500,
        ...(bankCode === undefined ? {} : { vnp_BankCode: bankCode }),
      })
      if (step.result.url !== theirs) throw new Error(`${step.result.url} is not ${theirs}`)
      if (!libraryAccepts(new URL(step.result.url).search.slice(1))) throw new Error(`refused: ${theirs}`)
    }),
  )
})

t.test('the library refuses a notice to which a proxy added a field of another name', async (t) => {
  const proxied = `${noticeQuery()}&utm_source=portal`
  t.equal(vnpay.readCallback(get(proxied), account, context).kind, 'outcome', 'fields a proxy added are not signed')
  t.equal(libraryAccepts(proxied), false, 'the library hashes them')
  t.equal(libraryAccepts(noticeQuery()), true)
})

t.test('law: the library and the adapter agree on every notice, signed or changed', async () => {
  const value = fc.string({ unit: 'grapheme', maxLength: 30 }).filter((word) => !word.includes('undefined'))
  await fc.assert(
    fc.asyncProperty(value, fc.boolean(), async (orderInfo, changed) => {
      const signed = noticeQuery({ vnp_OrderInfo: orderInfo })
      const query = changed ? signed.replace('vnp_Amount=15000000', 'vnp_Amount=25000000') : signed
      const ours = vnpay.readCallback(get(query), account, context).kind === 'outcome'
      if (ours !== libraryAccepts(query) || ours === changed) throw new Error(`disagree: ${query}`)
    }),
  )
})

t.test('calls: the library signs the same text, and verifies an answer to an inquiry', async (t) => {
  const received: Record<string, string>[] = []
  const server = createServer((request, response) => {
    text(request).then(
      (body) => {
        const fields: Record<string, unknown> = JSON.parse(body)
        received.push(Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)])))
        response.setHeader('content-type', 'application/json')
        response.end(signedAnswer(fields.vnp_Command === 'refund' ? 'refund' : 'querydr').body)
      },
      (error: unknown) => response.destroy(error instanceof Error ? error : new Error(String(error))),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const host = `http://127.0.0.1:${address.port}`
  const caller = new VNPay({ ...config, vnpayHost: host, queryDrAndRefundHost: host })

  const answer = await caller.queryDr({
    vnp_RequestId: 'RQ1',
    vnp_TxnRef: 'INV202503100001',
    vnp_TransactionNo: 14500001,
    vnp_TransactionDate: 20250310091000,
    vnp_CreateDate: 20250310093000,
    vnp_IpAddr: '198.51.100.7',
    vnp_OrderInfo: 'Truy van INV202503100001',
  })
  t.equal(answer.isVerified, true)
  const refunded = await caller.refund({
    vnp_RequestId: 'RF1',
    vnp_TransactionType: RefundTransactionType.PARTIAL_REFUND,
    vnp_TxnRef: 'INV202503100001',
    vnp_Amount: 50_000,
    vnp_TransactionNo: 14500001,
    vnp_TransactionDate: 20250310091000,
    vnp_CreateBy: 'ketoan01',
    vnp_CreateDate: 20250311075959,
    vnp_IpAddr: '198.51.100.7',
    vnp_OrderInfo: 'Hoan phi HS0001',
  })
  t.equal(refunded.isVerified, false, 'the library divides the amount before it hashes (rails.md §1.6)')
  t.equal(received.length, 2)
  for (const fields of received) {
    const command = fields.vnp_Command === 'refund' ? 'refund' : 'querydr'
    t.equal(hashOf(requestText(command, fields), secret), fields.vnp_SecureHash, command)
  }

  const ours = vnpay.inquire?.(makeAttempt(), account, context)
  if (ours?.kind !== 'call') throw new Error('no call')
  const names = Object.keys(JSON.parse(ours.call.body ?? ''))
  t.same(
    names.filter((name) => !(name in (received[0] ?? {}))),
    [],
    'no field the library does not send',
  )
})
