import t from 'tap'
import { zalopay } from '../../../adapters/zalopay/index.ts'
import { makeId } from '../../../src/domain/ids.ts'
import {
  account,
  answerOf,
  attempt,
  bodyOf,
  callOf,
  context,
  hmac,
  keys,
  makeAccount,
  makeOrder,
  makeRefund,
  now,
  resultOf,
} from './samples.ts'

t.test('our reference begins with the day in Viet Nam', async (t) => {
  const reference = (at: string, sequence = 1n) =>
    zalopay.merchantRef({ sequence, payCode: 'X', now: new Date(at) }, account)
  t.equal(reference('2025-03-10T16:59:59Z'), '250310_FG00000001')
  t.equal(reference('2025-03-10T17:00:00Z'), '250311_FG00000001')
  t.ok(reference('2025-03-10T17:00:00Z', 2n ** 63n - 1n).length <= 40)
})

t.test('an order is signed over exactly what is sent', async (t) => {
  const call = callOf(zalopay.start?.(makeOrder(), account, context))
  const body = bodyOf(call)
  t.equal(call.url, 'https://sb-openapi.zalopay.vn/v2/create')
  t.equal(call.repeatable, false)
  const embed = '{"redirecturl":"https://pay.example.vn/return/zalopay"}'
  t.equal(body.mac, hmac(keys.key1, `2553|250310_FG00000001|NGMYUSYQ74EU|150000|${now.getTime()}|${embed}|[]`))
  t.match(body, {
    expire_duration_seconds: 1800,
    callback_url: 'https://pay.example.vn/callbacks/zalopay/ra_zalopay',
    description: 'Thu phi ho so HS0001',
  })
  t.notMatch(call.body, /openZaloKey/)
  const short = makeOrder({ expiresAt: new Date(now.getTime() + 130_000), returnUrl: 'https://a.vn/x|y' })
  const fields = bodyOf(callOf(zalopay.start?.(short, makeAccount({ bankCode: 'zalopayapp' }), context)))
  t.match(fields, {
    expire_duration_seconds: 300,
    embed_data: '{"redirecturl":"https://a.vn/x%7Cy"}',
    bank_code: 'zalopayapp',
  })
})

t.test('the payer is sent to the pay page, a clear refusal fails, anything else is unknown', async (t) => {
  const start = (body: unknown, status = 200) =>
    resultOf(zalopay.readStart?.(answerOf(body, status), null, makeOrder(), account, context))
  const opened = {
    return_code: 1,
    return_message: 'ok',
    sub_return_code: 1,
    order_url: 'https://qcgateway.zalopay.vn/o',
  }
  t.same(start(opened), { kind: 'redirect', url: opened.order_url, sent: {} })
  t.equal(start({ ...opened, order_url: 'http://qcgateway.zalopay.vn/o' }).kind, 'unknown')
  t.equal(start({ ...opened, order_url: undefined }).kind, 'unknown')
  t.equal(start(opened, 502).kind, 'unknown')
  t.equal(start('x').kind, 'unknown')
  const failed = (sub: number) => start({ return_code: 2, sub_return_code: sub, sub_return_message: 'no' })
  t.same(failed(-402), { kind: 'refused', railCode: '-402', message: 'no', sent: {} })
  t.equal(failed(-401).kind, 'refused')
  for (const sub of [-68, -429, -500, -999, -33, -1]) t.equal(failed(sub).kind, 'unknown', String(sub))
})

t.test('a question is signed with its key inside and read back as the state of the payment', async (t) => {
  const call = callOf(zalopay.inquire?.(attempt, account, context))
  t.ok(call.repeatable)
  t.equal(bodyOf(call).mac, hmac(keys.key1, `2553|250310_FG00000001|${keys.key1}`))
  t.notMatch(call.body, /openZaloKey/)
  const inquiry = (body: unknown, status = 200) =>
    resultOf(zalopay.readInquiry?.(answerOf(body, status), null, attempt, account, context))
  const paid = {
    return_code: 1,
    sub_return_code: 1,
    amount: 150000,
    zp_trans_id: 250310000000389,
    server_time: 1741572902000,
  }
  t.match(inquiry(paid), {
    kind: 'outcome',
    outcome: {
      kind: 'succeeded',
      merchantRef: '250310_FG00000001',
      railTransactionId: '250310000000389',
      amount: 150_000n,
      source: 'INQUIRY',
    },
  })
  t.equal(inquiry({ return_code: 3, is_processing: true }).kind, 'stillPending')
  t.match(inquiry({ return_code: 2, sub_return_code: -54 }), {
    kind: 'outcome',
    outcome: { kind: 'failed', railTransactionId: '250310_FG00000001', amount: 150_000n },
  })
  for (const sub of [-401, -402, -429, -500, -999, -33])
    t.equal(inquiry({ return_code: 2, sub_return_code: sub }).kind, 'unverified', String(sub))
  t.equal(inquiry({ return_code: 2, is_processing: true }).kind, 'unverified')
  t.equal(inquiry({ ...paid, zp_trans_id: 0 }).kind, 'unverified')
  t.equal(inquiry({ ...paid, amount: undefined }).kind, 'unverified')
  t.equal(inquiry({ return_code: 9 }).kind, 'unverified')
  t.equal(inquiry(paid, 500).kind, 'unverified')
})

t.test('a refund has one id at every call, of the day its own id was made', async (t) => {
  const refundId = makeId('ref', new Date('2025-03-11T17:30:00Z'), new Uint8Array(10).fill(7))
  const order = makeRefund({ refundId })
  const later = { ...context, now: new Date('2025-03-13T02:00:00Z') }
  const body = bodyOf(callOf(zalopay.refund?.(order, account, later)))
  const railId = `250312_2553_${refundId.slice(4)}`
  t.equal(body.m_refund_id, railId)
  t.ok(railId.length <= 45)
  t.equal(body.mac, hmac(keys.key1, `2553|250310000000389|50000|Nop thua phi|${later.now.getTime()}`))
  const question = bodyOf(callOf(zalopay.inquireRefund?.(order, account, context)))
  t.equal(question.m_refund_id, railId)
  t.equal(question.mac, hmac(keys.key1, `2553|${railId}|${now.getTime()}`))
  t.match(resultOf(zalopay.refund?.(makeRefund({ railTransactionId: 'FG1' }), account, context)), { kind: 'refused' })
})

t.test('a refund is only accepted at first; the question tells that it is done', async (t) => {
  const railRefundId = '250310_2553_refunknown'
  const refund = (body: object, status = 200) =>
    resultOf(zalopay.readRefund?.(answerOf(body, status), null, makeRefund(), account, context))
  t.same(refund({ return_code: 1, refund_id: 250311000000001 }), { kind: 'accepted', railRefundId: '250311000000001' })
  t.same(refund({ return_code: 3 }), { kind: 'accepted', railRefundId })
  t.match(refund({ return_code: 2, sub_return_code: -13, sub_return_message: 'too late' }), {
    kind: 'refused',
    railCode: '-13',
    message: 'too late',
  })
  for (const sub of [-68, -429, -500, -999, -33])
    t.equal(refund({ return_code: 2, sub_return_code: sub }).kind, 'unknown', String(sub))
  t.equal(refund({ return_code: 1 }, 500).kind, 'unknown')

  const question = (body: object, status = 200) =>
    resultOf(zalopay.readRefundInquiry?.(answerOf(body, status), null, makeRefund(), account, context))
  t.same(question({ return_code: 1 }), { kind: 'done', railRefundId })
  t.same(question({ return_code: 3 }), { kind: 'accepted', railRefundId })
  t.equal(question({ return_code: 2, sub_return_code: -1 }).kind, 'refused')
  t.equal(question({ return_code: 2, sub_return_code: -402 }).kind, 'unknown')
  t.equal(question({ return_code: 1 }, 503).kind, 'unknown')
})
