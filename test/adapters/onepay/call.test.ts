import t from 'tap'
import type { HttpAnswer, InquiryResult, RefundResult, Step } from '../../../adapters/contract.ts'
import { onepay } from '../../../adapters/onepay/index.ts'
import { hashOf, signedText } from '../../../adapters/onepay/signature.ts'
import {
  answerOf,
  context,
  hashKey,
  makeAccount,
  makeAttempt,
  makeRefund,
  plainNotice,
  queryOf,
  refundReference,
  signed,
} from './vectors.ts'

const account = makeAccount()
const attempt = makeAttempt()

const inquiryOf = (answer: HttpAnswer): Step<InquiryResult> | undefined =>
  onepay.readInquiry?.(answer, null, attempt, account, context)
const inquiryAnswer = (overrides: Record<string, string> = {}): HttpAnswer =>
  answerOf(signed({ ...plainNotice, vpc_Command: 'queryDR', vpc_DRExists: 'Y', ...overrides }))

const order = makeRefund()
const plainRefund = {
  vpc_Command: 'refund',
  vpc_Merchant: 'TESTMERCH',
  vpc_MerchTxnRef: refundReference,
  vpc_OrgMerchTxnRef: 'INV202503100001',
  vpc_Amount: '15000000',
  vpc_TransactionNo: '1625799',
  vpc_TxnResponseCode: '0',
}
const refundOf = (overrides: Record<string, string> = {}, config = account): Step<RefundResult> | undefined =>
  onepay.readRefund?.(answerOf(signed({ ...plainRefund, ...overrides })), null, order, config, context)

function isHashed(query: URLSearchParams): boolean {
  return query.get('vpc_SecureHash') === hashOf(signedText(query), hashKey)
}

t.test('a query is a signed GET, or a POST where the account says so', async (t) => {
  const step = onepay.inquire?.(attempt, account, context)
  if (step?.kind !== 'call') throw new Error('no call')
  t.match(step.call, { method: 'GET', repeatable: true, timeoutMs: 30_000, body: undefined })
  const { searchParams, pathname } = new URL(step.call.url)
  t.equal(pathname, '/onecomm-pay/Vpcdps.op')
  t.ok(isHashed(searchParams))
  t.match(Object.fromEntries(searchParams), {
    vpc_Command: 'queryDR',
    vpc_MerchTxnRef: 'INV202503100001',
    vpc_User: 'op01',
    vpc_Password: 'op123456',
  })
  const posted = onepay.inquire?.(attempt, makeAccount({ queryMethod: 'POST' }), context)
  if (posted?.kind !== 'call') throw new Error('no call')
  t.match(posted.call, { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' } })
  t.equal(new URL(posted.call.url).search, '')
  t.ok(isHashed(new URLSearchParams(posted.call.body)))
})

t.test('an account without a user for queries knows nothing', async (t) => {
  const silent = makeAccount({ queryUser: undefined })
  t.match(onepay.inquire?.(attempt, silent, context), { kind: 'done', result: { kind: 'unverified' } })
  t.match(onepay.inquireRefund?.(order, silent, context), { kind: 'done', result: { kind: 'unknown' } })
})

t.test('a signed answer tells what became of the payment', async (t) => {
  t.match(inquiryOf(inquiryAnswer()), {
    result: {
      kind: 'outcome',
      outcome: { railTransactionId: 'TESTMERCH:1625746', kind: 'succeeded', amount: 150_000n, source: 'INQUIRY' },
    },
  })
  t.match(inquiryOf(answerOf(`${signed({ ...plainNotice, vpc_DRExists: 'Y' })}\r\n`)), { result: { kind: 'outcome' } })
  t.match(inquiryOf(inquiryAnswer({ vpc_TxnResponseCode: '99' })), { result: { outcome: { kind: 'failed' } } })
  const cases: [Record<string, string>, InquiryResult['kind']][] = [
    [{ vpc_TxnResponseCode: '300' }, 'stillPending'],
    [{ vpc_DRExists: 'N' }, 'notFound'],
    [{ vpc_DRExists: 'N', vpc_Amount: '', vpc_TxnResponseCode: '' }, 'notFound'],
    [{ vpc_DRExists: '' }, 'unverified'],
    [{ vpc_MerchTxnRef: 'OTHER' }, 'unverified'],
    [{ vpc_Merchant: 'OTHER' }, 'unverified'],
    [{ vpc_Command: 'refund' }, 'unverified'],
    [{ vpc_CurrencyCode: 'USD' }, 'unverified'],
    [{ vpc_Amount: '15000050' }, 'unverified'],
    [{ vpc_TxnResponseCode: '' }, 'unverified'],
  ]
  for (const [fields, kind] of cases) {
    t.match(inquiryOf(inquiryAnswer(fields)), { kind: 'done', result: { kind } }, JSON.stringify(fields))
  }
})

t.test('an answer that is unsigned, changed or unreadable is trusted for nothing', async (t) => {
  const fields: Record<string, string> = Object.fromEntries(
    new URLSearchParams(Buffer.from(inquiryAnswer().body).toString()),
  )
  for (const name of Object.keys(fields)) {
    const { [name]: _dropped, ...rest } = fields
    t.match(inquiryOf(answerOf(queryOf(rest))), { result: { kind: 'unverified' } }, `${name} dropped`)
    const changed = queryOf({ ...fields, [name]: 'N' })
    t.match(inquiryOf(answerOf(changed)), { result: { kind: 'unverified' } }, `${name} changed`)
    const twice = `${queryOf(fields)}&${name}=1`
    t.match(inquiryOf(answerOf(twice)), { result: { kind: 'unverified' } }, `${name} twice`)
  }
  for (const answer of [
    answerOf(queryOf(fields), 500),
    answerOf(queryOf(fields), 302),
    answerOf('<html>Service Unavailable</html>'),
    answerOf(''),
    answerOf('vpc_DRExists=N'),
    { ...answerOf(''), body: Uint8Array.of(0xff) },
  ]) {
    t.match(inquiryOf(answer), { result: { kind: 'unverified' } }, Buffer.from(answer.body).toString().slice(0, 30))
  }
})

t.test('a refund is a signed POST under one reference of its own', async (t) => {
  const bodyOf = (overrides = {}) => {
    const step = onepay.refund?.(makeRefund(overrides), account, context)
    if (step?.kind !== 'call') throw new Error('no call')
    t.match(step.call, { method: 'POST', url: 'https://mtf.onepay.vn/refunds', repeatable: false })
    return new URLSearchParams(step.call.body)
  }
  const body = bodyOf()
  t.ok(isHashed(body))
  t.match(Object.fromEntries(body), {
    vpc_Command: 'refund',
    vpc_MerchTxnRef: refundReference,
    vpc_OrgMerchTxnRef: 'INV202503100001',
    vpc_Amount: '15000000',
    vpc_Operator: 'ketoan01',
  })
  t.equal(bodyOf().toString(), body.toString(), 'the same at every call')
  t.equal(bodyOf({ amount: 50_000n }).get('vpc_Amount'), '5000000')
  t.match(onepay.refund?.(order, makeAccount({ refundUrl: undefined }), context), {
    kind: 'done',
    result: { kind: 'refused', railCode: 'NO_REFUND_URL' },
  })
})

t.test('a refund is refused only by a signed and listed refusal', async (t) => {
  t.match(refundOf(), { result: { kind: 'done', railRefundId: 'TESTMERCH:1625799' } })
  t.match(refundOf({ vpc_TransactionNo: '' }), { result: { kind: 'done', railRefundId: refundReference } })
  const cases: [Record<string, string>, RefundResult['kind']][] = [
    [{ vpc_TxnResponseCode: '300' }, 'accepted'],
    [{ vpc_TxnResponseCode: '1' }, 'refused'],
    [{ vpc_TxnResponseCode: '21' }, 'refused'],
    [{ vpc_TxnResponseCode: '7' }, 'unknown'],
    [{ vpc_TxnResponseCode: '253' }, 'unknown'],
    [{ vpc_TxnResponseCode: 'Q' }, 'unknown'],
    [{ vpc_TxnResponseCode: '' }, 'unknown'],
    [{ vpc_Amount: '100' }, 'unknown'],
    [{ vpc_MerchTxnRef: 'INV202503100001' }, 'unknown'],
    [{ vpc_OrgMerchTxnRef: 'OTHER' }, 'unknown'],
    [{ vpc_Command: 'pay' }, 'unknown'],
  ]
  for (const [fields, kind] of cases) {
    t.match(refundOf(fields), { kind: 'done', result: { kind } }, JSON.stringify(fields))
  }
  t.match(refundOf({ vpc_TxnResponseCode: 'F' }), { result: { kind: 'unknown' } }, 'no code of the domestic page')
  const abroad = makeAccount({ profile: 'international' })
  t.match(refundOf({ vpc_TxnResponseCode: 'F' }, abroad), { result: { kind: 'refused', railCode: 'F' } })
  const unsigned = answerOf(queryOf({ ...plainRefund, vpc_TxnResponseCode: '1' }))
  t.match(onepay.readRefund?.(unsigned, null, order, account, context), { result: { kind: 'unknown' } }, 'unsigned')
})

t.test('asking about a refund: only an answer about it decides', async (t) => {
  const step = onepay.inquireRefund?.(order, account, context)
  if (step?.kind !== 'call') throw new Error('no call')
  t.equal(new URL(step.call.url).searchParams.get('vpc_MerchTxnRef'), refundReference)
  const cases: [Record<string, string>, RefundResult['kind']][] = [
    [{ vpc_DRExists: 'Y' }, 'done'],
    [{ vpc_DRExists: 'Y', vpc_TxnResponseCode: '300' }, 'accepted'],
    [{ vpc_DRExists: 'Y', vpc_TxnResponseCode: '21' }, 'refused'],
    [{ vpc_DRExists: 'Y', vpc_Amount: '100' }, 'unknown'],
    [{ vpc_DRExists: 'N' }, 'unknown'],
    [{}, 'unknown'],
  ]
  for (const [fields, kind] of cases) {
    const answer = answerOf(signed({ ...plainRefund, vpc_Command: 'queryDR', ...fields }))
    const read = onepay.readRefundInquiry?.(answer, null, order, account, context)
    t.match(read, { kind: 'done', result: { kind } }, JSON.stringify(fields))
  }
})
