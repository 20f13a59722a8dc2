import { createPrivateKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import t, { type Test } from 'tap'
import { makeContext } from '../../../src/sandbox/context.ts'
import { isTextSigned, makeRsaPair, type RsaScheme, signText } from '../../../src/sandbox/rails/rsa-text.ts'
import { startVietinbank, testCards, type Vietinbank } from '../../../src/sandbox/rails/vietinbank.ts'
import {
  answerText,
  callText,
  noticeAnswerText,
  noticeText,
  type VietinbankCall,
} from '../../../src/sandbox/rails/vietinbank-wire.ts'
import { eventually, type HandTimers, handTimers } from '../hand-timers.ts'
import { fakeGateway, type Reply } from '../test-gateway.ts'
import { readVectors } from '../vectors.ts'

type Fields = Record<string, string>
type File = {
  keys: Record<'bankPublicKeyPem' | 'ourPrivateKeyPem' | 'ourPublicKeyPem', string>
  vectors: {
    id: string
    op: string
    input: Fields & { body: Fields }
    expected: Fields
  }[]
}
const file = readVectors<File>('vietinbank')

t.test('signed texts and signatures are those of the vectors', async (t) => {
  const { ourPrivateKeyPem, bankPublicKeyPem } = file.keys
  let seen = 0
  for (const { id, op, input, expected } of file.vectors) {
    if (op === 'notify-verify') {
      t.equal(noticeText(input.body), expected.canonical, id)
      const isGood = isTextSigned(noticeText(input.body), input.body.signature, bankPublicKeyPem)
      t.equal(isGood, expected.signature === 'accept', id)
    } else if (op === 'notify-response-sign') {
      const text = noticeAnswerText(input.transId ?? '', input.errorCode ?? '', input.errorDesc ?? '')
      t.equal(text, expected.canonical, id)
      t.equal(signText(text, ourPrivateKeyPem), expected.signature, id)
    } else if (op === 'paymentByOTP-sign' || op === 'verifyPin-sign') {
      const text = callText(op === 'verifyPin-sign' ? 'verifyPin' : 'paymentByOTP', input)
      t.equal(text, expected.canonical, id)
      t.equal(signText(text, ourPrivateKeyPem), expected.signatureSha256, id)
      t.equal(signText(text, ourPrivateKeyPem, 'RSA-SHA1(legacy)'), expected.signatureSha1Legacy, id)
    } else continue
    seen += 1
  }
  t.equal(seen, 9)
})

const [bankKeys, gatewayKeys] = await Promise.all([makeRsaPair(), makeRsaPair()])

/** The partner's own answer to a notice. */
function answered(errorCode: string, errorDesc: string, body: string, over: Fields = {}): Reply {
  const { transId = '', providerId = '' }: Fields = JSON.parse(body)
  const signature = signText(transId + errorCode + errorDesc, gatewayKeys.privateKeyPem)
  return { status: 200, body: JSON.stringify({ transId, providerId, errorCode, errorDesc, signature, ...over }) }
}

type Bank = { vietinbank: Vietinbank; timers: HandTimers; call(name: VietinbankCall, over?: Fields): Promise<Fields> }

async function bank(t: Test, scheme: RsaScheme = 'RSA-SHA256'): Promise<Bank> {
  const timers = handTimers()
  const vietinbank = await startVietinbank(makeContext({ timers, clock: timers.clock }), {
    ...{ bankKeys, gatewayKeys, clientId: 'id', clientSecret: 'secret', signature: scheme },
  })
  t.teardown(() => vietinbank.close())
  const config = vietinbank.accountConfig()
  return {
    vietinbank,
    timers,
    async call(name, over = {}) {
      const fields: Fields = {
        ...{ token: testCards.success, tokenIssueDate: '032025', amount: '150000', currencyCode: 'VND' },
        ...{ transTime: '20261120120000', clientIP: '203.0.113.10', payMethod: '', goodsType: '', billNo: 'INV0001' },
        ...{ remark: '700000000013 THU PHI', otp: '', verifyTransactionId: '700000000013', verifyBy: config.verifyBy },
        ...{ queryTransactionId: '700000000013', queryType: config.queryType, requestId: '700000000013' },
        ...{
          providerId: config.providerId,
          merchantId: config.merchantId,
          channel: 'WEB',
          version: '1.0',
          language: 'vi',
          mac: '',
        },
        ...over,
      }
      const signature = signText(callText(name, fields), gatewayKeys.privateKeyPem, scheme)
      const answer = await fetch(`${config.baseUrl}/${name}`, {
        method: 'POST',
        headers: { 'x-ibm-client-id': config.clientId, 'x-ibm-client-secret': config.clientSecret },
        body: JSON.stringify({ signature, ...fields, ...over }),
        signal: AbortSignal.timeout(1_000),
      })
      const body = (await answer.json()) as Fields & { status: { code: string } }
      const text = answerText(body.requestId ?? '', body.providerId ?? '', body.merchantId ?? '', body.status.code)
      t.ok(isTextSigned(text, body.signature, config.bankKeyPem, scheme), `${name} is answered signed`)
      return { code: body.status.code, bankTransactionId: body.bankTransactionId ?? '' }
    },
  }
}

for (const scheme of ['RSA-SHA256', 'RSA-SHA1(legacy)'] as const)
  t.test(`a payment is ordered, confirmed by its code and found by inquiry, signed with ${scheme}`, async (t) => {
    const { vietinbank, call } = await bank(t, scheme)
    t.same(await call('paymentByOTP'), { code: '00', bankTransactionId: '' })
    t.same(await call('transactionInquiry', { requestId: '900000000001' }), { code: '20', bankTransactionId: '' })
    const otp = vietinbank.otpOf('700000000013') ?? ''
    const paid = await call('verifyPin', { otp, requestId: '900000000002' })
    t.match(paid, { code: '00', bankTransactionId: /^164T\d+$/ })
    t.same(await call('transactionInquiry', { requestId: '900000000003' }), paid)
    t.same(await call('transactionInquiry', { requestId: '900000000004', queryTransactionId: '7' }), {
      code: '91',
      bankTransactionId: '',
    })
    t.same(await call('paymentByOTP'), { code: '07', bankTransactionId: '' }, 'a request id counts once')
  })

t.test('a wrong signature, header or field is refused and nothing is ordered', async (t) => {
  const { vietinbank, call } = await bank(t)
  t.match(await call('paymentByOTP', { signature: signText('other', gatewayKeys.privateKeyPem) }), { code: '01' })
  t.match(await call('paymentByOTP', { amount: '1.5' }), { code: '99' })
  t.match(await call('paymentByOTP', { remark: 'x'.repeat(101), requestId: '700000000021' }), { code: '99' })
  const config = vietinbank.accountConfig()
  const open = await fetch(`${config.baseUrl}/paymentByOTP`, { method: 'POST', body: '{}' })
  t.equal(open.status, 401)
  t.equal(vietinbank.payments.size, 0)
})

t.test('three wrong codes lock a payment, an old code is refused', async (t) => {
  const { vietinbank, timers, call } = await bank(t)
  await call('paymentByOTP')
  const codes: string[] = []
  for (const requestId of ['901', '902', '903'])
    codes.push((await call('verifyPin', { otp: 'wrong', requestId })).code ?? '')
  const otp = vietinbank.otpOf('700000000013') ?? ''
  codes.push((await call('verifyPin', { otp, requestId: '904' })).code ?? '')
  t.same(codes, ['13', '13', '10', '10'])
  await call('paymentByOTP', { requestId: '700000000021' })
  timers.advance(6 * 60_000)
  const late = { verifyTransactionId: '700000000021', otp: vietinbank.otpOf('700000000021') ?? '', requestId: '905' }
  t.match(await call('verifyPin', late), { code: '12' })
})

t.test('test cards: no funds, declined after the code, silence after the debit, pending and then paid', async (t) => {
  const { vietinbank, timers, call } = await bank(t)
  let requests = 0
  const order = async (token: string): Promise<{ ref: string; code: string; otp: string }> => {
    const ref = String(700_000_000_000 + ++requests)
    const { code = '' } = await call('paymentByOTP', { token, requestId: ref, remark: ref })
    return { ref, code, otp: vietinbank.otpOf(ref) ?? '' }
  }
  const confirm = ({ ref, otp }: { ref: string; otp: string }): Promise<Fields> =>
    call('verifyPin', { otp, verifyTransactionId: ref, requestId: String(800_000_000_000 + ++requests) })
  const ask = ({ ref }: { ref: string }): Promise<Fields> =>
    call('transactionInquiry', { queryTransactionId: ref, requestId: String(900_000_000_000 + ++requests) })

  t.match(await order(testCards.fail), { code: '51' })
  const declined = await order(testCards['declined-after-code'])
  t.match([await confirm(declined), await ask(declined)], [{ code: '51' }, { code: '51' }])
  const silent = await order(testCards['no-answer-after-debit'])
  await t.rejects(confirm(silent))
  t.match(await ask(silent), { code: '00', bankTransactionId: /./ })
  const pending = await order(testCards['pending-then-success'])
  t.match(
    [await confirm(pending), await confirm(pending), await ask(pending)],
    [{ code: '20' }, { code: '20' }, { code: '20' }],
  )
  timers.advance(60_000)
  t.match(await ask(pending), { code: '00', bankTransactionId: /./ })
})

t.test('the credit of a payment is told of, and the answer must be the signed five fields', async (t) => {
  const { vietinbank, call } = await bank(t)
  const answers: [string, (body: string) => Reply, boolean][] = [
    ['signed 00', (body) => answered('00', 'Success', body), true],
    ['signed 05', (body) => answered('05', 'Duplicate', body), true],
    ['code changed after signing', (body) => answered('01', 'Success', body, { errorCode: '00' }), false],
    ['another transId', (body) => answered('00', 'Success', body, { transId: 'x' }), false],
    ['a field more', (body) => answered('00', 'Success', body, { more: '' }), false],
    ['HTTP 503', (body) => ({ ...answered('99', 'x', body), status: 503 }), false],
    ['no JSON', () => ({ status: 200, body: 'ok' }), false],
  ]
  const gateway = await fakeGateway(t, ({ body }, count) => answers[count - 1]?.[1](body) ?? { status: 500, body: '' })
  vietinbank.callbackUrl = `${gateway.url}/callbacks/vietinbank/a`
  await call('paymentByOTP')
  await call('verifyPin', { otp: vietinbank.otpOf('700000000013') ?? '', requestId: '901' })
  await eventually(() => vietinbank.callbacks[0]?.state === 'acknowledged')
  const [sent] = gateway.sent
  t.equal(sent?.url, '/callbacks/vietinbank/a/vpg/collection/api/v1/notify-bill')
  const notice: Fields = JSON.parse(sent?.body ?? '')
  t.match(notice, {
    amount: '150000',
    currencyCode: 'VND',
    providerId: '9111',
    transTime: '20261120120000',
    remark: /700000000013/,
  })
  t.ok(isTextSigned(noticeText(notice), notice.signature, vietinbank.accountConfig().bankKeyPem))
  for (const [name, , expected] of answers.slice(1)) {
    const callback = await vietinbank.credit({ amount: 20_000n, remark: 'INV0002', custCode: '1GOVINV0002' })
    t.equal(callback.acknowledgements[0]?.asExpected, expected, name)
  }
})

t.test('a forged notice is not signed by the bank, moves no money and must be answered 01', async (t) => {
  const { vietinbank, call } = await bank(t)
  const gateway = await fakeGateway(t, ({ body }) => answered('01', 'Invalid signature', body))
  vietinbank.callbackUrl = gateway.url
  await call('paymentByOTP', { token: testCards.tampered })
  t.match(await call('verifyPin', { otp: vietinbank.otpOf('700000000013') ?? '', requestId: '901' }), { code: '51' })
  await eventually(() => vietinbank.callbacks[0]?.acknowledgements.length === 1)
  t.match(vietinbank.callbacks[0]?.acknowledgements, [{ asExpected: true, next: 'give up' }])
  const notice: Fields = JSON.parse(gateway.sent[0]?.body ?? '')
  t.notOk(isTextSigned(noticeText(notice), notice.signature, vietinbank.accountConfig().bankKeyPem))
  t.equal(vietinbank.credits.length, 0)
})

t.test('the phone shows the code that the bank texted', async (t) => {
  const { vietinbank, call } = await bank(t)
  await call('paymentByOTP')
  t.match(await (await fetch(`${vietinbank.baseUrl}/phone`)).text(), `>${vietinbank.otpOf('700000000013')}</td>`)
})

t.test('only the key it was given verifies the gateway; the same right code again debits nothing twice', async (t) => {
  const ours = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const vietinbank = await startVietinbank(makeContext(), {
    ...{ bankKeys, clientId: 'id', clientSecret: 'secret' },
    gatewayKeys: { publicKeyPem: ours.publicKey.export({ type: 'spki', format: 'pem' }).toString() },
  })
  t.teardown(() => vietinbank.close())
  const config = vietinbank.accountConfig()
  t.equal(config.privateKeyPem, undefined, 'there is nothing to hand out')
  const party = { providerId: config.providerId, merchantId: config.merchantId }
  const common = { ...party, channel: 'WEB', version: '1.0', language: 'vi', mac: '' }
  /** Signed as rails.md §3.3 says, without the simulator's code. */
  const call = async (name: string, requestId: string, signed: Fields, key: KeyObject = ours.privateKey) => {
    const fields = { ...signed, ...common }
    const signature = sign('sha256', Buffer.from(Object.values(fields).join('')), key).toString('base64')
    const answer = await fetch(`${config.baseUrl}/${name}`, {
      method: 'POST',
      headers: { 'x-ibm-client-id': config.clientId, 'x-ibm-client-secret': config.clientSecret },
      body: JSON.stringify({ ...fields, requestId, signature }),
    })
    const told = (await answer.json()) as Fields & { status: { code: string } }
    const text = `${told.requestId}${told.providerId}${told.merchantId}${told.status.code}`
    t.ok(verify('sha256', Buffer.from(text), config.bankKeyPem, Buffer.from(told.signature ?? '', 'base64')))
    return { code: told.status.code, bankTransactionId: told.bankTransactionId ?? '' }
  }
  const payment = {
    ...{ token: testCards.success, tokenIssueDate: '0325', amount: '50000', currencyCode: 'VND' },
    ...{ transTime: '20250310091000', clientIP: '203.0.113.7', payMethod: '', goodsType: '', billNo: 'B1' },
    remark: 'Thu phi',
  }
  const pin = (requestId: string, otp: string): Fields => ({
    ...{ otp, verifyTransactionId: '1001', verifyBy: config.verifyBy, transTime: '20250310091100' },
    ...{ clientIP: '203.0.113.7', requestId },
  })
  const foreign = createPrivateKey(gatewayKeys.privateKeyPem)
  t.match(await call('paymentByOTP', '1001', payment, foreign), { code: '01' })
  t.match(await call('paymentByOTP', '1001', payment), { code: '00' })
  const otp = vietinbank.otpOf('1001') ?? ''
  t.match(otp, /^\d{6}$/)
  t.match(await call('verifyPin', '1002', pin('1002', otp === '000000' ? '000001' : '000000')), { code: '13' })
  const debited = await call('verifyPin', '1003', pin('1003', otp))
  t.match(debited, { code: '00', bankTransactionId: /^164T/ })
  t.same(await call('verifyPin', '1004', pin('1004', otp)), debited)
  t.equal(vietinbank.credits.length, 1)
  const query = { queryTransactionId: '1001', queryType: config.queryType }
  t.same(await call('transactionInquiry', '1005', query), debited)
})
