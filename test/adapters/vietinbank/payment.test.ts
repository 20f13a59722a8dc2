import t from 'tap'
import type { HttpAnswer, HttpCall, Order, Step, StoredAttempt } from '../../../adapters/contract.ts'
import { vietinbank } from '../../../adapters/vietinbank/index.ts'
import { messageText, signedFields } from '../../../adapters/vietinbank/message.ts'
import { auxiliaryRequestId, isPaymentReference } from '../../../adapters/vietinbank/reference.ts'
import { signText } from '../../../adapters/vietinbank/rsa.ts'
import { holds, makeKeys } from './bank-keys.ts'
import { context, jsonOf, keys, makeAccount, now, vectorsOf } from './vectors.ts'

const bank = makeKeys()
const account = makeAccount({
  bankKeyPem: bank.publicKeyPem,
  declinedCodes: ['51'],
  wrongOtpCodes: ['13'],
  inquiryNotFoundCodes: ['25'],
})

const merchantRef = vietinbank.merchantRef({ sequence: 1234n, payCode: 'X', now }, account)
const order: Order = {
  merchantRef,
  payCode: 'ABCDEFGHJKMN',
  dossierCode: 'H56.14-240823-0001',
  amount: 150_000n,
  description: 'H5614 240823 0001 THU PHI',
  locale: 'vi',
  payerIp: '203.0.113.10',
  returnUrl: 'https://pay.example/r',
  callbackUrl: 'https://pay.example/callbacks/vietinbank/ra',
  createdAt: now,
  expiresAt: new Date(now.getTime() + 900_000),
  payerInput: { token: '9704150000001234', tokenIssueDate: '032025' },
}
const attempt: StoredAttempt = {
  merchantRef,
  amount: 150_000n,
  createdAt: now,
  sent: { requestId: merchantRef, transTime: '20250310100000', clientIP: '203.0.113.10', language: 'vi' },
  railTransactionId: null,
}

function callOf<T>(step: Step<T> | undefined): { call: HttpCall; state: unknown } {
  if (step?.kind !== 'call') throw new Error('expected a call')
  return step
}

function resultOf<T>(step: Step<T> | undefined): T {
  if (step?.kind !== 'done') throw new Error('expected a result')
  return step.result
}

function answer(requestId: unknown, code: string, more: Record<string, unknown> = {}, key = bank): HttpAnswer {
  const body = { requestId, providerId: 'GOVGW', merchantId: 'GOVGW01', status: { code, message: 'm' }, ...more }
  const signature = key.sign(`${body.requestId}${body.providerId}${body.merchantId}${code}`)
  return { status: 200, headers: {}, body: Buffer.from(JSON.stringify({ signature, ...body })) }
}

t.test('published vectors: signed text and both signatures of outgoing messages', async (t) => {
  for (const [op, operation] of [
    ['paymentByOTP-sign', 'paymentByOTP'],
    ['verifyPin-sign', 'verifyPin'],
  ] as const) {
    const [vector] = vectorsOf(op)
    const fields: Record<string, string> = {}
    for (const [name, value] of Object.entries(vector?.input ?? {})) fields[name] = String(value)
    const text = messageText(operation, fields)
    t.same(signedFields[operation], vector?.expected.signedFieldOrder)
    t.equal(text, vector?.expected.canonical)
    t.equal(signText(text, keys.ourPrivateKeyPem, 'RSA-SHA256'), vector?.expected.signatureSha256)
    t.equal(signText(text, keys.ourPrivateKeyPem, 'RSA-SHA1(legacy)'), vector?.expected.signatureSha1Legacy)
  }
})

t.test('start sends the signed order under our reference and stores nothing the payer typed', async (t) => {
  const { call, state } = callOf(vietinbank.start?.(order, account, context))
  const body = jsonOf(call.body)
  t.equal(call.url, 'https://bank.example/v1/ewallet/paymentByOTP')
  t.equal(call.repeatable, false)
  t.match(call.headers, { 'x-ibm-client-id': 'client', 'x-ibm-client-secret': 'client-secret' })
  t.match(body, {
    requestId: merchantRef,
    amount: '150000',
    currencyCode: 'VND',
    transTime: '20250310100000',
    billNo: order.payCode,
    remark: `${merchantRef} H5614 240823 0001 THU PHI`,
    clientIP: '203.0.113.10',
    mac: '',
  })
  const fields: Record<string, string> = {}
  for (const [name, value] of Object.entries(body)) fields[name] = String(value)
  t.ok(holds(messageText('paymentByOTP', fields), body.signature, keys.ourPublicKeyPem))
  const result = resultOf(vietinbank.readStart?.(answer(merchantRef, '00'), state, order, account, context))
  t.same(result, { kind: 'otpChallenge', sent: attempt.sent })
  t.notMatch(JSON.stringify(result), /9704150000001234/)
})

t.test('an IPv6 payer is named by our own address', async (t) => {
  const { call } = callOf(vietinbank.start?.({ ...order, payerIp: '2001:db8::1' }, account, context))
  t.equal(jsonOf(call.body).clientIP, context.serverIp)
})

t.test('payer input that cannot be right never reaches the bank', async (t) => {
  for (const payerInput of [
    {},
    { token: '9704', tokenIssueDate: '1325' },
    { token: '97 04|1', tokenIssueDate: '0325' },
  ]) {
    t.match(resultOf(vietinbank.start?.({ ...order, payerInput }, account, context)), {
      kind: 'refused',
      railCode: 'PAYER_INPUT',
    })
  }
})

t.test('answers to start: refused only by a signed word of the bank', async (t) => {
  const { state } = callOf(vietinbank.start?.(order, account, context))
  const read = (given: HttpAnswer) => resultOf(vietinbank.readStart?.(given, state, order, account, context)).kind
  t.equal(read(answer(merchantRef, '51')), 'refused')
  t.equal(read(answer(merchantRef, '51', {}, makeKeys())), 'unknown', 'signed by another key')
  t.equal(read(answer('700000000000', '51')), 'unknown', 'answer to another request')
  t.equal(read(answer(merchantRef, '00', { providerId: 'OTHER' })), 'unknown', 'answer for another partner')
  t.equal(read({ ...answer(merchantRef, '00'), status: 502 }), 'unknown')
  t.equal(read({ status: 200, headers: {}, body: Buffer.from('<html>') }), 'unknown')
  const tampered = Buffer.from(answer(merchantRef, '51').body).toString().replace('"51"', '"00"')
  t.equal(read({ status: 200, headers: {}, body: Buffer.from(tampered) }), 'unknown')
})

t.test('confirm names the payment under a request id of its own and never keeps the code', async (t) => {
  const { call, state } = callOf(vietinbank.confirm?.(attempt, '123456', account, context))
  const body = jsonOf(call.body)
  t.match(body, { otp: '123456', verifyTransactionId: merchantRef, verifyBy: 'OTPPAY', clientIP: '203.0.113.10' })
  t.match(body.requestId, /^[89]\d{11}$/)
  t.equal(body.requestId, auxiliaryRequestId(context.requestId))
  const fields: Record<string, string> = {}
  for (const [name, value] of Object.entries(body)) fields[name] = String(value)
  t.ok(holds(messageText('verifyPin', fields), body.signature, keys.ourPublicKeyPem))
  t.notMatch(JSON.stringify(state), /123456/)

  const read = (given: HttpAnswer) => resultOf(vietinbank.readConfirm?.(given, state, attempt, account, context))
  const paid = read(answer(body.requestId, '00', { bankTransactionId: 'BT1' }))
  t.match(paid, {
    kind: 'outcome',
    outcome: { kind: 'succeeded', merchantRef, railTransactionId: merchantRef, amount: 150_000n, source: 'CONFIRM' },
  })
  t.match(paid, { outcome: { evidence: { bankTransactionId: 'BT1' } } })
  t.notMatch(
    JSON.stringify(paid, (_, value) => (typeof value === 'bigint' ? String(value) : value)),
    /123456/,
  )
  t.equal(read(answer(body.requestId, '13')).kind, 'wrongCode')
  t.equal(read(answer(body.requestId, '51')).kind, 'refused')
  t.equal(read(answer(body.requestId, '68')).kind, 'unknown', 'an unlisted code may be a time-out inside the bank')
  t.equal(read(answer(merchantRef, '00')).kind, 'unknown', 'the answer "code sent" replayed as "paid"')
  t.equal(read({ ...answer(body.requestId, '00'), status: 500 }).kind, 'unknown')
})

t.test('a code that cannot be one is refused without a call', async (t) => {
  for (const code of ['', '12', '12 456', 'a'.repeat(21)]) {
    t.match(resultOf(vietinbank.confirm?.(attempt, code, account, context)), { kind: 'wrongCode' })
  }
})

t.test('inquiry: every answer leads to what it proves', async (t) => {
  const { call, state } = callOf(vietinbank.inquire?.(attempt, account, context))
  const body = jsonOf(call.body)
  t.match(body, { queryTransactionId: merchantRef, queryType: 'PAY' })
  const read = (given: HttpAnswer) => resultOf(vietinbank.readInquiry?.(given, state, attempt, account, context))
  t.match(read(answer(body.requestId, '00', { bankTransactionId: 'BT1' })), {
    kind: 'outcome',
    outcome: { kind: 'succeeded', railTransactionId: merchantRef, source: 'INQUIRY' },
  })
  t.match(read(answer(body.requestId, '00')), { kind: 'stillPending' }, 'no booking at the bank')
  t.match(read(answer(body.requestId, '51')), { kind: 'outcome', outcome: { kind: 'failed' } })
  t.match(read(answer(body.requestId, '25')), { kind: 'notFound' })
  t.match(read(answer(body.requestId, '99')), { kind: 'stillPending' })
  t.match(read(answer(merchantRef, '00', { bankTransactionId: 'BT1' })), { kind: 'unverified' })
  t.match(read(answer(body.requestId, '00', { bankTransactionId: 'BT1' }, makeKeys())), { kind: 'unverified' })
})

t.test('references: twelve digits, apart from personal ids, account numbers and the ids of other calls', async (t) => {
  const references = Array.from({ length: 500 }, (_, index) =>
    vietinbank.merchantRef({ sequence: BigInt(index * 7919), payCode: '', now }, account),
  )
  t.equal(new Set(references).size, 500)
  t.ok(references.every(isPaymentReference))
  for (const reference of references.slice(0, 20)) {
    const wrong = reference.slice(0, 5) + String((Number(reference[5]) + 1) % 10) + reference.slice(6)
    t.notOk(isPaymentReference(wrong), wrong)
  }
  t.throws(() => vietinbank.merchantRef({ sequence: 10_000_000_000n, payCode: '', now }, account), RangeError)
  const auxiliary = Array.from({ length: 1000 }, (_, index) => auxiliaryRequestId(`call${index}`))
  t.equal(new Set(auxiliary).size, 1000)
  t.ok(auxiliary.every((id) => /^[89]\d{11}$/.test(id)))
})
