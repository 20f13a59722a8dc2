import t from 'tap'
import type { HttpAnswer, InquiryResult, RefundOrder, RefundResult, Step } from '../../../adapters/contract.ts'
import { answerText, signedCall } from '../../../adapters/vnpay/call.ts'
import { vnpay } from '../../../adapters/vnpay/index.ts'
import { hashOf } from '../../../adapters/vnpay/signature.ts'
import { answerOf, context, makeAccount, makeAttempt, plainAnswer, secret, signedAnswer } from './vectors.ts'

const account = makeAccount()
const attempt = makeAttempt()

function inquiryOf(answer: HttpAnswer): Step<InquiryResult> | undefined {
  return vnpay.readInquiry?.(answer, null, attempt, account, context)
}

function makeRefund(overrides: Partial<RefundOrder> = {}): RefundOrder {
  return {
    refundId: 'ref_01jnz0000000000000000000ab',
    attempt,
    railTransactionId: 'TESTGW01:14500001',
    paidAmount: 150_000n,
    amount: 150_000n,
    reason: 'Hoàn phí HS0001',
    operator: 'ketoan01',
    ...overrides,
  }
}

function bodyOf(step: Step<unknown> | undefined): Record<string, string> {
  if (step?.kind !== 'call') throw new Error('no call')
  return JSON.parse(step.call.body ?? '')
}

t.test('an inquiry names the payment by the time it was sent with', async (t) => {
  const step = vnpay.inquire?.(attempt, account, { ...context, now: new Date('2025-03-10T02:30:00Z') })
  t.match(step, {
    kind: 'call',
    call: { method: 'POST', url: account.config.apiUrl, timeoutMs: 30_000, repeatable: true },
  })
  t.match(bodyOf(step), {
    vnp_RequestId: context.requestId,
    vnp_TransactionDate: '20250310091000',
    vnp_CreateDate: '20250310093000',
    vnp_IpAddr: '198.51.100.7',
  })
})

t.test('a signed answer tells what became of the payment', async (t) => {
  t.match(inquiryOf(signedAnswer('querydr')), {
    kind: 'done',
    result: {
      kind: 'outcome',
      outcome: {
        railTransactionId: 'TESTGW01:14500001',
        kind: 'succeeded',
        amount: 150_000n,
        source: 'INQUIRY',
        paidAt: new Date('2025-03-10T02:15:02Z'),
      },
    },
  })
  for (const [status, kind] of Object.entries({
    '02': 'failed',
    '04': 'failed',
    '05': 'held',
    '07': 'held',
    '09': 'held',
  })) {
    const step = inquiryOf(signedAnswer('querydr', { vnp_TransactionStatus: status }))
    t.match(step, { kind: 'done', result: { kind: 'outcome', outcome: { kind } } }, status)
  }
  const cases: [Record<string, string>, InquiryResult['kind']][] = [
    [{ vnp_TransactionStatus: '01' }, 'stillPending'],
    [{ vnp_ResponseCode: '91', vnp_TransactionStatus: '' }, 'notFound'],
    [{ vnp_ResponseCode: '99' }, 'unverified'],
    [{ vnp_ResponseCode: '94' }, 'unverified'],
    [{ vnp_TransactionStatus: '' }, 'unverified'],
    [{ vnp_TransactionStatus: '55' }, 'unverified'],
    [{ vnp_Amount: '15000050' }, 'unverified'],
    [{ vnp_TransactionType: '02' }, 'unverified'],
    [{ vnp_TxnRef: 'OTHER' }, 'unverified'],
    [{ vnp_TmnCode: 'TESTGW02' }, 'unverified'],
    [{ vnp_Command: 'refund' }, 'unverified'],
    [{ vnp_Message: 'a|b' }, 'unverified'],
  ]
  for (const [fields, kind] of cases) {
    t.match(inquiryOf(signedAnswer('querydr', fields)), { kind: 'done', result: { kind } }, JSON.stringify(fields))
  }
})

t.test('numbers in an answer count as their digits, and a promotion is signed too', async (t) => {
  const fields = { ...plainAnswer, vnp_PromotionCode: 'P1', vnp_PromotionAmount: '100' }
  const vnp_SecureHash = hashOf(answerText('querydr', fields), secret)
  const body = { ...fields, vnp_Amount: 15000000, vnp_PromotionAmount: 100, vnp_SecureHash, vnp_Other: null }
  t.match(inquiryOf(answerOf(body)), { result: { kind: 'outcome', outcome: { amount: 150_000n } } })
})

t.test('an answer that is unsigned, changed or unreadable is trusted for nothing', async (t) => {
  const signed: Record<string, unknown> = JSON.parse(Buffer.from(signedAnswer('querydr').body).toString())
  for (const name of Object.keys(signed)) {
    const { [name]: _dropped, ...rest } = signed
    t.match(inquiryOf(answerOf(rest)), { result: { kind: 'unverified' } }, `${name} dropped`)
    t.match(inquiryOf(answerOf({ ...signed, [name]: 'x' })), { result: { kind: 'unverified' } }, `${name} changed`)
    t.match(inquiryOf(answerOf({ ...signed, [name]: [] })), { result: { kind: 'unverified' } }, `${name} no text`)
  }
  for (const answer of [
    answerOf(signed, 500),
    answerOf(signed, 302),
    answerOf('<html>'),
    answerOf('[]'),
    answerOf(JSON.stringify(signed).replace('{', '{"vnp_Amount":"1",')),
  ]) {
    t.match(inquiryOf(answer), { result: { kind: 'unverified' } }, Buffer.from(answer.body).toString().slice(0, 30))
  }
  t.match(inquiryOf(signedAnswer('refund')), { result: { kind: 'unverified' } }, 'an answer to a refund')
})

t.test('a refund says whether it is whole, and keeps one request id', async (t) => {
  const whole = vnpay.refund?.(makeRefund(), account, context)
  t.match(whole, { kind: 'call', call: { repeatable: false } })
  t.match(bodyOf(whole), {
    vnp_TransactionType: '02',
    vnp_Amount: '15000000',
    vnp_TransactionNo: '14500001',
    vnp_OrderInfo: 'Hoan phi HS0001',
    vnp_TransactionDate: '20250310091000',
  })
  t.match(bodyOf(whole).vnp_RequestId, /^[A-Za-z0-9]{1,32}$/)
  const again = vnpay.refund?.(makeRefund(), account, { ...context, requestId: 'req2' })
  t.equal(bodyOf(again).vnp_RequestId, bodyOf(whole).vnp_RequestId)
  const part = vnpay.refund?.(makeRefund({ amount: 50_000n, railTransactionId: 'INV202503100001' }), account, context)
  t.match(bodyOf(part), { vnp_TransactionType: '03', vnp_Amount: '5000000', vnp_TransactionNo: '0' })
})

t.test('a refund is refused only by a signed refusal, and accepted only for its own amount', async (t) => {
  const base = { vnp_TransactionType: '02', vnp_TransactionStatus: '05', vnp_TransactionNo: '14500099' }
  const cases: [Record<string, string>, RefundResult['kind']][] = [
    [{}, 'accepted'],
    [{ vnp_TransactionStatus: '06' }, 'accepted'],
    [{ vnp_TransactionStatus: '00' }, 'done'],
    [{ vnp_TransactionStatus: '09' }, 'refused'],
    [{ vnp_TransactionStatus: '' }, 'unknown'],
    [{ vnp_Amount: '14000000' }, 'unknown'],
    [{ vnp_TransactionType: '03' }, 'unknown'],
    [{ vnp_TxnRef: 'OTHER' }, 'unknown'],
    [{ vnp_ResponseCode: '02' }, 'refused'],
    [{ vnp_ResponseCode: '95' }, 'refused'],
    [{ vnp_ResponseCode: '94' }, 'unknown'],
    [{ vnp_ResponseCode: '99' }, 'unknown'],
  ]
  for (const [fields, kind] of cases) {
    const answer = signedAnswer('refund', { ...base, ...fields })
    const step = vnpay.readRefund?.(answer, null, makeRefund(), account, context)
    t.match(step, { kind: 'done', result: { kind } }, JSON.stringify(fields))
  }
  const accepted = vnpay.readRefund?.(signedAnswer('refund', base), null, makeRefund(), account, context)
  t.match(accepted, { result: { railRefundId: 'TESTGW01:14500099' } })
  const unsigned = answerOf({ ...plainAnswer, vnp_Command: 'refund', vnp_ResponseCode: '95' })
  t.match(
    vnpay.readRefund?.(unsigned, null, makeRefund(), account, context),
    { result: { kind: 'unknown' } },
    'unsigned',
  )
})

t.test('asking about a refund: an answer about the payment itself decides nothing', async (t) => {
  const order = makeRefund({ amount: 50_000n })
  const part = { vnp_TransactionType: '03', vnp_Amount: '5000000', vnp_TransactionNo: '14500099' }
  const cases: [Record<string, string>, RefundResult['kind']][] = [
    [{}, 'unknown'],
    [{ vnp_TransactionStatus: '05' }, 'unknown'],
    [{ ...part, vnp_TransactionStatus: '00' }, 'done'],
    [{ ...part, vnp_TransactionStatus: '05' }, 'accepted'],
    [{ ...part, vnp_TransactionStatus: '09' }, 'refused'],
    [{ ...part, vnp_Amount: '6000000' }, 'unknown'],
    [{ vnp_ResponseCode: '91' }, 'unknown'],
  ]
  for (const [fields, kind] of cases) {
    const step = vnpay.readRefundInquiry?.(signedAnswer('querydr', fields), null, order, account, context)
    t.match(step, { kind: 'done', result: { kind } }, JSON.stringify(fields))
  }
  t.match(bodyOf(vnpay.inquireRefund?.(order, account, context)), { vnp_Command: 'querydr' })
})

t.test('a bar in a signed value is our own mistake', async (t) => {
  t.throws(() => signedCall('querydr', { vnp_OrderInfo: 'a|b' }, account.config, true), RangeError)
})
