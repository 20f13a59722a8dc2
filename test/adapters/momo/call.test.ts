import t from 'tap'
import { momo } from '../../../adapters/momo/index.ts'
import {
  account,
  answerOf,
  attempt,
  bodyOf,
  callOf,
  context,
  hmac,
  keys,
  makeOrder,
  makeRefund,
  now,
  resultOf,
} from './samples.ts'

const opened = {
  partnerCode: keys.partnerCode,
  orderId: 'FG00000001',
  requestId: 'FG00000001',
  amount: 150000,
  responseTime: 1741572600000,
  message: 'Successful.',
  resultCode: 0,
  payUrl: 'https://test-payment.momo.vn/v2/gateway/pay?t=1',
}
const start = (body: unknown, status = 200) =>
  resultOf(momo.readStart?.(answerOf(body, status), null, makeOrder(), account, context))

t.test('an order is signed over exactly what is sent', async (t) => {
  const call = callOf(momo.start?.(makeOrder({ description: 'Phí & lệ phí = HS 1' }), account, context))
  const body = bodyOf(call)
  t.equal(call.url, 'https://test-payment.momo.vn/v2/gateway/api/create')
  t.equal(call.repeatable, false)
  t.ok(call.timeoutMs >= 30_000)
  t.equal(body.orderInfo, 'Phi le phi HS 1')
  t.equal(body.amount, 150000)
  t.equal(
    body.signature,
    hmac(
      `accessKey=${keys.accessKey}&amount=150000&extraData=&ipnUrl=https://pay.example.vn/callbacks/momo/ra_momo&orderId=FG00000001&orderInfo=Phi le phi HS 1&partnerCode=MOMOTEST01&redirectUrl=https://pay.example.vn/return/momo&requestId=FG00000001&requestType=captureWallet`,
    ),
  )
  t.notMatch(call.body, keys.secretKey)
  t.notMatch(call.body, keys.accessKey)
  t.throws(() => momo.start?.(makeOrder({ amount: 999n }), account, context), RangeError)
  t.throws(() => momo.start?.(makeOrder({ amount: 50_000_001n }), account, context), RangeError)
})

t.test('our reference is unique and fits MoMo’s pattern', async (t) => {
  const reference = (sequence: bigint) => momo.merchantRef({ sequence, payCode: 'X', now }, account)
  t.equal(reference(36n), 'FG00000010')
  t.match(reference(2n ** 63n - 1n), /^[0-9a-zA-Z]([-_.]*[0-9a-zA-Z]+)*$/)
  t.throws(() => reference(-1n), RangeError)
})

t.test('the payer is sent to the pay page only on a good answer to just this order', async (t) => {
  t.same(start(opened), { kind: 'redirect', url: opened.payUrl, sent: {} })
  const kind = (overrides: object, status = 200) => start({ ...opened, ...overrides }, status).kind
  t.equal(kind({ orderId: 'FG00000002' }), 'unknown')
  t.equal(kind({ partnerCode: 'OTHER' }), 'unknown')
  t.equal(kind({ amount: 1 }), 'unknown')
  t.equal(kind({ payUrl: 'http://test-payment.momo.vn/x' }), 'unknown')
  t.equal(kind({ payUrl: 'javascript:alert(1)' }), 'unknown')
  t.equal(kind({}, 500), 'unknown')
  t.equal(kind({}, 400), 'unknown')
  t.equal(start('<html>', 200).kind, 'unknown')
})

t.test('only a clear refusal fails the attempt; a duplicate or a fault leaves it unknown', async (t) => {
  const kind = (resultCode: number, status: number) => start({ ...opened, resultCode, message: 'no' }, status).kind
  for (const code of [11, 12, 13, 20, 21, 22]) t.equal(kind(code, 400), 'refused', String(code))
  for (const code of [10, 40, 41, 43, 99, 1000]) t.equal(kind(code, 200), 'unknown', String(code))
  t.match(start({ ...opened, resultCode: 13, message: 'no' }, 400), { railCode: '13', message: 'no' })
})

const asked = { partnerCode: keys.partnerCode, orderId: 'FG00000001', requestId: context.requestId, message: '' }
const inquiry = (body: unknown, status = 200) =>
  resultOf(momo.readInquiry?.(answerOf(body, status), null, attempt, account, context))

t.test('a question is signed and read back as the state of the payment', async (t) => {
  const body = bodyOf(callOf(momo.inquire?.(attempt, account, context)))
  t.equal(
    body.signature,
    hmac(`accessKey=${keys.accessKey}&orderId=FG00000001&partnerCode=MOMOTEST01&requestId=${context.requestId}`),
  )
  const paid = { ...asked, resultCode: 0, amount: 150000, transId: 4088878653, responseTime: 1741572902000 }
  const result = inquiry(paid)
  if (result.kind !== 'outcome') throw new Error(result.kind)
  const { kind, railTransactionId, amount, source } = result.outcome
  t.same(
    { kind, railTransactionId, amount, source },
    { kind: 'succeeded', railTransactionId: '4088878653', amount: 150_000n, source: 'INQUIRY' },
  )
  t.equal(inquiry({ ...asked, resultCode: 1000 }).kind, 'stillPending')
  t.equal(inquiry({ ...asked, resultCode: 42 }).kind, 'notFound')
  t.match(inquiry({ ...asked, resultCode: 1005, amount: 150000, transId: 0 }), {
    kind: 'outcome',
    outcome: { kind: 'failed', railTransactionId: 'FG00000001', amount: 150_000n },
  })
  for (const code of [10, 11, 13, 99]) t.equal(inquiry({ ...asked, resultCode: code }).kind, 'unverified', String(code))
  t.equal(inquiry({ ...paid, requestId: 'other' }).kind, 'unverified')
  t.equal(inquiry({ ...paid, orderId: 'other' }).kind, 'unverified')
  t.equal(inquiry({ ...paid, transId: 0 }).kind, 'unverified')
  t.equal(inquiry(paid, 502).kind, 'unverified')
  t.equal(inquiry('x').kind, 'unverified')
})

const refundId = 'RFref01jnz4k6zz0000000000000000'
const refunded = {
  partnerCode: keys.partnerCode,
  orderId: refundId,
  requestId: refundId,
  amount: 50000,
  transId: 4088878700,
  resultCode: 0,
  message: 'ok',
}
const refund = (body: unknown, status = 200) =>
  resultOf(momo.readRefund?.(answerOf(body, status), null, makeRefund(), account, context))

t.test('a refund carries an id of its own, the same at every call', async (t) => {
  const body = bodyOf(callOf(momo.refund?.(makeRefund(), account, context)))
  t.same([body.orderId, body.requestId, body.transId, body.amount], [refundId, refundId, 4088878653, 50000])
  t.equal(
    body.signature,
    hmac(
      `accessKey=${keys.accessKey}&amount=50000&description=Nop thua phi HS0001&orderId=${refundId}&partnerCode=MOMOTEST01&requestId=${refundId}&transId=4088878653`,
    ),
  )
  const huge = bodyOf(callOf(momo.refund?.(makeRefund({ railTransactionId: '90071992547409931' }), account, context)))
  t.equal(huge.transId, '90071992547409931', 'digits are never lost')
  t.match(resultOf(momo.refund?.(makeRefund({ amount: 999n }), account, context)), { kind: 'refused' })
  t.match(resultOf(momo.refund?.(makeRefund({ railTransactionId: 'FG00000001' }), account, context)), {
    kind: 'refused',
  })
})

t.test('a refund is done, accepted, refused or unknown by its code', async (t) => {
  t.same(refund(refunded), { kind: 'done', railRefundId: '4088878700' })
  t.same(refund({ ...refunded, resultCode: 7002, transId: 0 }), { kind: 'accepted', railRefundId: refundId })
  for (const code of [13, 22, 42, 1088])
    t.equal(refund({ ...refunded, resultCode: code }).kind, 'refused', String(code))
  for (const code of [10, 41, 99, 1080, 1081])
    t.equal(refund({ ...refunded, resultCode: code }).kind, 'unknown', String(code))
  t.equal(refund({ ...refunded, amount: 1 }).kind, 'unknown')
  t.equal(refund(refunded, 500).kind, 'unknown')
})

t.test('what became of a refund is read from the list of the payment’s refunds', async (t) => {
  t.equal(bodyOf(callOf(momo.inquireRefund?.(makeRefund(), account, context))).orderId, 'FG00000001')
  const listed = (refundTrans: unknown) =>
    resultOf(
      momo.readRefundInquiry?.(
        answerOf({ ...asked, resultCode: 0, refundTrans }),
        null,
        makeRefund(),
        account,
        context,
      ),
    )
  const other = { orderId: 'RFother', amount: 1000, transId: 1, resultCode: 0 }
  const ours = { orderId: refundId, amount: 50000, transId: 4088878700, resultCode: 0 }
  t.same(listed([other, ours]), { kind: 'done', railRefundId: '4088878700' })
  t.equal(listed([other]).kind, 'unknown')
  t.equal(listed([ours, ours]).kind, 'unknown')
  t.equal(listed(undefined).kind, 'unknown')
  t.equal(listed([{ ...ours, resultCode: 1088 }]).kind, 'refused')
  t.equal(listed([{ ...ours, amount: 1 }]).kind, 'unknown')
})
