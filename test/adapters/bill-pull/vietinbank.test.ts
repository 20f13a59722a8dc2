import t from 'tap'
import { accountSchema } from '../../../adapters/bill-pull/account.ts'
import { billPull } from '../../../adapters/bill-pull/index.ts'
import { inquiryAnswerText, inquiryPaths } from '../../../adapters/bill-pull/vietinbank-inquiry.ts'
import { reversalPaths } from '../../../adapters/bill-pull/vietinbank-reversal.ts'
import type { BillAnswer, CallbackReading } from '../../../adapters/contract.ts'
import { signText } from '../../../adapters/vietinbank/rsa.ts'
import { makePayCode } from '../../../src/domain/pay-code.ts'
import { holds, makeKeys } from '../vietinbank/bank-keys.ts'
import { context, jsonOf, keys, post, vectorsOf } from '../vietinbank/vectors.ts'

const bank = makeKeys()
const plain = {
  profile: 'vietinbank',
  privateKeyPem: keys.ourPrivateKeyPem,
  noticeProviderId: '9480',
  merchantId: '1GOV',
  receivingAccounts: ['113366668888'],
  vacPrefix: '1GOV',
}
const account = { id: 'ra_pull', config: accountSchema.parse({ ...plain, bankKeyPem: bank.publicKeyPem }) }
const payCode = makePayCode(Uint8Array.from({ length: 32 }, (_, index) => index * 7))
const [inquiryPath = ''] = inquiryPaths
const [reversalPath = ''] = reversalPaths

function inquiry(data: Record<string, unknown> = {}, header: Record<string, unknown> = {}) {
  const fields = { transId: 'i-1', transTime: '03102025091000', custCode: `1GOV${payCode}`, ...data }
  const signature = bank.sign(`${fields.transId}${fields.transTime}${fields.custCode}`)
  return {
    header: {
      msgId: 'i-1',
      msgType: '1100',
      channelId: '211601',
      providerId: '9480',
      merchantId: '1GOV',
      productId: '900000',
      signature,
      ...header,
    },
    data: fields,
  }
}

function reasonOf(reading: CallbackReading): string {
  return reading.kind === 'refused' ? reading.reason : reading.kind
}
const read = (body: unknown, path = inquiryPath) => billPull.readCallback(post(path, body), account, context)

function answerOf(answer: BillAnswer, body: unknown, path = inquiryPath) {
  const reply = billPull.answerBill?.(answer, post(path, body), account, context)
  if (reply === undefined) throw new Error('no answer')
  return { reply, body: jsonOf(reply.body) }
}

t.test('published vectors: inquiries accepted and refused as listed, at both paths', async (t) => {
  const vectorAccount = { id: 'ra', config: accountSchema.parse({ ...plain, bankKeyPem: keys.bankPublicKeyPem }) }
  for (const { id, input, expected } of vectorsOf('inq-bill-verify')) {
    for (const path of inquiryPaths) {
      const reading = billPull.readCallback(post(path, input.body), vectorAccount, context)
      t.equal(reasonOf(reading), expected.signature === 'accept' ? 'bill' : 'signature', id)
    }
  }
})

t.test('published vectors: signed text and signature of our answers', async (t) => {
  for (const { id, input, expected } of vectorsOf('inq-bill-response-sign')) {
    const details = jsonOf(JSON.stringify(input.details))
    const text = inquiryAnswerText(
      {
        transId: String(details.transId),
        transTime: String(details.transTime),
        custCode: String(details.custCode),
        custName: String(details.custName),
        billId: details.billId === null ? null : String(details.billId),
        amount: String(details.amount),
      },
      String(input.errorCode),
    )
    t.equal(text, expected.canonical, id)
    t.equal(signText(text, keys.ourPrivateKeyPem, 'RSA-SHA256'), expected.signature, id)
  }
})

t.test('the customer code names a bill, with or without our prefix, in any order of its time', async (t) => {
  t.match(read(inquiry()), { kind: 'bill', request: { kind: 'inquire', payCode } })
  t.match(read(inquiry({ custCode: payCode.toLowerCase() })), { kind: 'bill', request: { payCode } })
  t.match(
    read(inquiry({ custCode: '1GOVNOTACODE' })),
    { kind: 'bill', request: { payCode: '1GOVNOTACODE' } },
    'asked for as it stands',
  )
  t.match(
    read(inquiry({}, { surprise: { a: 1 }, username: 'u' })),
    { kind: 'bill' },
    'unknown header fields are ignored',
  )
})

t.test('the answer repeats the header, and of it only what is plain', async (t) => {
  const header = { username: 'vtb-user', language: 'vi', gatewayId: '<x>', surprise: 'y' }
  const { body } = answerOf({ kind: 'unavailable' }, inquiry({}, header))
  const { username, language, gatewayId, surprise } = jsonOf(JSON.stringify(body.header))
  t.same(
    { username, language, gatewayId, surprise },
    { username: 'vtb-user', language: 'vi', gatewayId: '', surprise: undefined },
  )
})

t.test('inquiries that are not for us or not understood', async (t) => {
  const cases: [string, unknown, string][] = [
    ['another provider', inquiry({}, { providerId: '1' }), 'wrong-account'],
    ['another merchant', inquiry({}, { merchantId: 'X' }), 'wrong-account'],
    ['another message', inquiry({}, { msgType: '1200' }), 'malformed'],
    ['a number as code', inquiry({ custCode: 1 }), 'malformed'],
    ['no data', { header: inquiry().header }, 'malformed'],
    ['an altered code', { ...inquiry(), data: { ...inquiry().data, custCode: '1GOVX' } }, 'signature'],
  ]
  for (const [name, body, expected] of cases) t.equal(reasonOf(read(body)), expected, name)
})

t.test('a payable bill is answered 00 with name and amount, signed', async (t) => {
  const { reply, body } = answerOf(
    { kind: 'payable', payCode, amount: 150_000n, payerName: 'Nguyễn Văn Á', billId: 'inv_1' },
    inquiry(),
  )
  t.equal(reply.status, 200)
  t.match(body, {
    header: { msgId: 'i-1', msgType: '1110', providerId: '9480', timestamp: '20250310100000' },
    data: {
      errors: { errorCode: '00' },
      details: {
        transId: 'i-1',
        transTime: '03102025091000',
        custName: 'NGUYEN VAN A',
        billId: 'inv_1',
        amount: '150000',
        amountMin: null,
        preseve1: null,
      },
    },
  })
  const text = `i-1031020250910001GOV${payCode}NGUYEN VAN Ainv_115000000`
  t.ok(holds(text, jsonOf(JSON.stringify(body.header)).signature, keys.ourPublicKeyPem))
})

t.test('everything else is answered 02, 01 or 99, always with HTTP 200', async (t) => {
  const table: [BillAnswer, string][] = [
    [{ kind: 'notPayable', why: 'unknown' }, '02'],
    [{ kind: 'notPayable', why: 'paid' }, '02'],
    [{ kind: 'notPayable', why: 'expired' }, '02'],
    [{ kind: 'notPayable', why: 'closed' }, '02'],
    [{ kind: 'refused', reason: 'signature' }, '01'],
    [{ kind: 'refused', reason: 'malformed' }, '99'],
    [{ kind: 'unavailable' }, '99'],
  ]
  for (const [answer, errorCode] of table) {
    const { reply, body } = answerOf(answer, inquiry())
    t.equal(reply.status, 200)
    t.match(body, { data: { errors: { errorCode }, details: { amount: '', billId: null } } }, JSON.stringify(answer))
  }
  const refused = billPull.acknowledge(
    { kind: 'refused', reason: 'signature' },
    post(inquiryPath, inquiry()),
    account,
    context,
  )
  t.match(jsonOf(refused.body), {
    header: { msgType: '1110' },
    data: { errors: { errorCode: '01' }, details: { custCode: '' } },
  })
})

t.test('the payment arrives as a credit notice and keeps the pull rail', async (t) => {
  const body = {
    msgId: 'm',
    providerId: '9480',
    transId: 'T1',
    transTime: '20250310091502',
    transType: '3',
    custCode: `1GOV${payCode}`,
    amount: '150000',
    remark: 'x',
    currencyCode: 'VND',
  }
  const signature = bank.sign(`T120250310091502${body.custCode}150000x`)
  const reading = read({ ...body, signature }, '/api/v1/notify-bill')
  t.match(reading, {
    kind: 'outcome',
    outcome: { rail: 'bill-pull', merchantRef: payCode, railTransactionId: '9480:T1', source: 'PULL' },
  })
  const reply = billPull.acknowledge(
    { kind: 'recorded', settlementId: 's' },
    post('/api/v1/notify-bill', body),
    account,
    context,
  )
  t.match(jsonOf(reply.body), { transId: 'T1', errorCode: '00' })
})

function reversal(overrides: Record<string, unknown> = {}) {
  const body: Record<string, unknown> = {
    msgId: 'm',
    providerId: '9480',
    transId: 'R1',
    orgTransId: 'T1',
    transTime: '20250310093000',
    amount: '150000',
    reason: 'NHAM HOA DON',
    ...overrides,
  }
  return {
    signature: bank.sign(`${body.transId}${body.orgTransId}${body.transTime}${body.amount}${body.reason}`),
    ...body,
  }
}

t.test('a reversal names the payment it takes back by the key of its notice', async (t) => {
  for (const path of reversalPaths) {
    t.match(read(reversal(), path), {
      kind: 'bill',
      request: {
        kind: 'reverse',
        reversalId: '9480:R1',
        originalTransactionId: '9480:T1',
        amount: 150_000n,
        reason: 'NHAM HOA DON',
      },
    })
  }
  t.equal(reasonOf(read({ ...reversal(), amount: '15000' }, reversalPath)), 'signature')
  t.equal(
    reasonOf(read({ ...reversal(), orgTransId: 'T12', transTime: '02503100930001', amount: '50000' }, reversalPath)),
    'malformed',
    'digits moved between neighbours',
  )
  t.equal(reasonOf(read(reversal({ reason: '0 x' }), reversalPath)), 'malformed')
  t.equal(reasonOf(read(reversal({ providerId: '1' }), reversalPath)), 'wrong-account')
})

t.test('answers to a reversal', async (t) => {
  const table: [BillAnswer, number, string][] = [
    [{ kind: 'reversed' }, 200, '00'],
    [{ kind: 'alreadyReversed' }, 200, '05'],
    [{ kind: 'originalUnknown' }, 200, '02'],
    [{ kind: 'tooLate' }, 200, '06'],
    [{ kind: 'refused', reason: 'signature' }, 200, '01'],
    [{ kind: 'unavailable' }, 503, '99'],
  ]
  for (const [answer, status, errorCode] of table) {
    const { reply, body } = answerOf(answer, reversal(), reversalPath)
    t.equal(reply.status, status)
    t.match(body, { transId: 'R1', errorCode })
    t.ok(holds(`R1${errorCode}${body.errorDesc}`, body.signature, keys.ourPublicKeyPem), errorCode)
  }
})

t.test('paths of the other profile are not served', async (t) => {
  t.equal(reasonOf(read(inquiry(), '/inquire')), 'unsupported')
})
