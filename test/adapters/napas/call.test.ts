import t from 'tap'
import type { HttpAnswer, HttpCall, InquiryResult, RefundResult, Step } from '../../../adapters/contract.ts'
import { napas } from '../../../adapters/napas/index.ts'
import {
  answerOf,
  context,
  makeAccount,
  makeAttempt,
  makeRefund,
  makeRefundResult,
  makeResult,
  type Result,
  refundTransaction,
  seal,
  tokenAnswer,
} from './vectors.ts'

const signedOnly = makeAccount()
const plainToo = makeAccount({ answers: 'plain' })

function callOf(step: Step<unknown> | undefined): { call: HttpCall; state: unknown } {
  if (step?.kind !== 'call') throw new Error('no call')
  return step
}

function inquiryCall(account = signedOnly, attempt = makeAttempt()) {
  const first = callOf(napas.inquire?.(attempt, account, context))
  return callOf(napas.readInquiry?.(tokenAnswer, first.state, attempt, account, context))
}

const inquiryOf = (answer: HttpAnswer, account = signedOnly): Step<InquiryResult> | undefined =>
  napas.readInquiry?.(answer, inquiryCall(account).state, makeAttempt(), account, context)

function refundCall(account = signedOnly, order = makeRefund()) {
  const first = callOf(napas.refund?.(order, account, context))
  return callOf(napas.readRefund?.(tokenAnswer, first.state, order, account, context))
}

const refundOf = (answer: HttpAnswer, account = signedOnly): Step<RefundResult> | undefined =>
  napas.readRefund?.(answer, refundCall(account).state, makeRefund(), account, context)

t.test('an inquiry takes a token, then asks for the transaction of the order', async (t) => {
  const root = 'https://dps-staging.napas.com.vn/api/rest/version/1/merchant/GOVGW/order'
  t.match(inquiryCall().call, {
    method: 'GET',
    url: `${root}/INV202503100001/transaction/1`,
    headers: { authorization: 'Bearer tok.en-1' },
    body: undefined,
    repeatable: true,
  })
  const known = makeAttempt({ railTransactionId: 'INV202503100001:77' })
  t.equal(inquiryCall(signedOnly, known).call.url, `${root}/INV202503100001/transaction/77`)
  const unnamed = makeAttempt({ railTransactionId: 'INV202503100001' })
  t.equal(inquiryCall(signedOnly, unnamed).call.url, `${root}/INV202503100001/transaction/1`)
  const byOrder = makeAccount({
    retrievePath: '/rest/version/1/merchant/{merchant}/order/{order}',
    merchantId: 'GOV/2',
  })
  t.match(inquiryCall(byOrder).call.url, /\/merchant\/GOV%2F2\/order\/INV202503100001$/)
})

t.test('a sealed answer tells what became of the payment', async (t) => {
  t.match(inquiryOf(answerOf(seal(makeResult()))), {
    result: {
      kind: 'outcome',
      outcome: { kind: 'succeeded', amount: 150_000n, source: 'INQUIRY', railTransactionId: 'INV202503100001:1' },
    },
  })
  const order = { id: 'INV202503100001', amount: '150000', currency: 'VND' }
  const cases: [Result, InquiryResult['kind']][] = [
    [{ result: 'FAILURE', response: { gatewayCode: 'DECLINED' } }, 'outcome'],
    [{ result: 'SUCCESS', response: { gatewayCode: 'PENDING' } }, 'stillPending'],
    [{ result: 'ERROR' }, 'stillPending'],
    [{ order: { ...order, id: 'OTHER' } }, 'unverified'],
    [{ order: { ...order, currency: 'USD' } }, 'unverified'],
    [{ order: { ...order, amount: '1.5' } }, 'unverified'],
    [{ merchantId: 'OTHER' }, 'unverified'],
    [{ transaction: { id: '9', type: 'REFUND' } }, 'unverified'],
  ]
  for (const [overrides, kind] of cases) {
    const step = inquiryOf(answerOf(seal(makeResult(overrides))))
    t.match(step, { kind: 'done', result: { kind } }, JSON.stringify(overrides))
  }
})

t.test('a plain answer counts only where the account says so, and a wrong checksum never', async (t) => {
  for (const plain of [answerOf(makeResult()), answerOf({ paymentResult: makeResult() })]) {
    t.match(inquiryOf(plain), { result: { kind: 'unverified' } })
    t.match(inquiryOf(plain, plainToo), { result: { kind: 'outcome', outcome: { kind: 'succeeded' } } })
  }
  t.match(inquiryOf(answerOf({ error: 'none' }, 404)), { result: { kind: 'unverified' } })
  t.match(inquiryOf(answerOf({ error: 'none' }, 404), plainToo), { result: { kind: 'notFound' } })
  t.match(inquiryOf(answerOf(seal(makeResult())), plainToo), { result: { kind: 'outcome' } })
  const broken = seal(makeResult()).replace(/"checksum":"./, '"checksum":"x')
  for (const account of [signedOnly, plainToo]) {
    t.match(inquiryOf(answerOf(broken), account), { result: { kind: 'unverified' } })
    t.match(inquiryOf(answerOf({ ...makeResult(), checksum: 'x' }), account), { result: { kind: 'unverified' } })
    for (const answer of [answerOf(seal(makeResult()), 500), answerOf('<html>'), answerOf('[]'), answerOf('{}')]) {
      t.match(inquiryOf(answer, account), { result: { kind: 'unverified' } })
    }
  }
})

t.test('without a token an inquiry knows nothing', async (t) => {
  const { state } = callOf(napas.inquire?.(makeAttempt(), plainToo, context))
  for (const answer of [answerOf({ error: 'invalid_grant' }, 401), answerOf('', 502), answerOf({}, 404)]) {
    const step = napas.readInquiry?.(answer, state, makeAttempt(), plainToo, context)
    t.match(step, { kind: 'done', result: { kind: 'unverified' } })
  }
})

t.test('a refund is one PUT under a transaction of its own', async (t) => {
  const { call } = refundCall()
  t.match(call, {
    method: 'PUT',
    url: new RegExp(`/merchant/GOVGW/order/INV202503100001/transaction/${refundTransaction}$`),
    headers: { authorization: 'Bearer tok.en-1' },
    repeatable: false,
  })
  t.same(JSON.parse(call.body ?? ''), {
    apiOperation: 'REFUND_DOMESTIC',
    channel: '7399',
    transaction: { amount: 150000, currency: 'VND' },
  })
  const part = refundCall(makeAccount({ cardScheme: 'CreditCard' }), makeRefund({ amount: 50_000n }))
  t.match(JSON.parse(part.call.body ?? ''), { apiOperation: 'REFUND', transaction: { amount: 50000 } })
  t.equal(refundCall().call.url, call.url, 'the same at every call')
})

t.test('a refund is done or refused only by an answer about itself', async (t) => {
  t.match(refundOf(answerOf(seal(makeRefundResult()))), {
    result: { kind: 'done', railRefundId: `INV202503100001:${refundTransaction}` },
  })
  const transaction = { id: refundTransaction, type: 'REFUND', amount: '150000', currency: 'VND' }
  const cases: [Result, RefundResult['kind']][] = [
    [{ result: 'FAILURE', response: { gatewayCode: 'DECLINED', message: 'No' } }, 'refused'],
    [{ result: 'FAILURE', response: { gatewayCode: 'TIMED_OUT' } }, 'unknown'],
    [{ result: 'FAILURE', response: null }, 'unknown'],
    [{ result: 'ERROR' }, 'unknown'],
    [{ response: { gatewayCode: 'PENDING' } }, 'unknown'],
    [{ response: null }, 'unknown'],
    [{ transaction: { ...transaction, id: '1' } }, 'unknown'],
    [{ transaction: { ...transaction, amount: '1' } }, 'unknown'],
    [{ transaction: null }, 'unknown'],
    [{ apiOperation: 'PAY', transaction: { ...transaction, type: 'PAYMENT' } }, 'unknown'],
    [{ order: { id: 'OTHER', amount: 150000, currency: 'VND' } }, 'unknown'],
  ]
  for (const [overrides, kind] of cases) {
    const step = refundOf(answerOf(seal(makeRefundResult(overrides))))
    t.match(step, { kind: 'done', result: { kind } }, JSON.stringify(overrides))
  }
  t.match(refundOf(answerOf(makeRefundResult())), { result: { kind: 'unknown' } }, 'not sealed')
  t.match(refundOf(answerOf(makeRefundResult()), plainToo), { result: { kind: 'done' } })
  t.match(refundOf(answerOf({}, 404), plainToo), { result: { kind: 'unknown' } })
  t.match(refundOf(answerOf(seal(makeRefundResult()), 500)), { result: { kind: 'unknown' } })
})

t.test('no token: a refund not sent is refused, one asked about stays unknown', async (t) => {
  const order = makeRefund()
  const refusal = answerOf({ error: 'invalid_grant' }, 401)
  const sending = callOf(napas.refund?.(order, signedOnly, context))
  t.match(napas.readRefund?.(refusal, sending.state, order, signedOnly, context), { result: { kind: 'refused' } })
  const down = napas.readRefund?.(answerOf('', 503), sending.state, order, signedOnly, context)
  t.match(down, { result: { kind: 'unknown' } })
  const asking = callOf(napas.inquireRefund?.(order, signedOnly, context))
  const step = napas.readRefundInquiry?.(refusal, asking.state, order, signedOnly, context)
  t.match(step, { result: { kind: 'unknown' } })
})

t.test('asking about a refund reads its own transaction', async (t) => {
  const order = makeRefund()
  const first = callOf(napas.inquireRefund?.(order, signedOnly, context))
  const { call, state } = callOf(napas.readRefundInquiry?.(tokenAnswer, first.state, order, signedOnly, context))
  t.match(call, { method: 'GET', url: refundCall().call.url, body: undefined, repeatable: true })
  const read = (result: Result) => napas.readRefundInquiry?.(answerOf(seal(result)), state, order, signedOnly, context)
  t.match(read(makeRefundResult()), { result: { kind: 'done' } })
  t.match(read(makeResult()), { result: { kind: 'unknown' } }, 'an answer about the payment')
})
