import { createHmac, generateKeyPairSync, sign, verify } from 'node:crypto'
import t from 'tap'
import { QRPay } from 'vietnam-qr-pay'
import { z } from 'zod'
import { startVietinbank } from '../../../src/sandbox/partners/vietinbank.ts'
import { startBank } from '../../../src/sandbox/partners/vietqr-sepay.ts'
import { listenAsGateway, options } from './gateway.ts'

t.test('bank: a code made by another library is paid, and the notice is signed over its raw body', async (t) => {
  const bank = await startBank(options)
  t.teardown(() => bank.close())
  const gateway = await listenAsGateway(t, () => ({ body: '{"success":true}' }))
  bank.callbackUrl = gateway.url
  const { bankBin, accountNumber: bankNumber, source } = bank.accountConfig()
  const qr = QRPay.initVietQR({ bankBin, bankNumber, amount: '50000', purpose: 'F7K2M9QX4T' }).build()
  const { ack, referenceCode } = await bank.transfer(qr)
  t.match(ack, { status: 200, expected: true })
  const [notice] = gateway.arrived
  const body = notice?.body ?? ''
  const mac = createHmac('sha256', source.secret)
    .update(`${notice?.headers['x-sepay-timestamp']}.${body}`)
    .digest('hex')
  t.equal(notice?.headers['x-sepay-signature'], `sha256=${mac}`)
  t.match(JSON.parse(body), {
    transferAmount: 50_000,
    accountNumber: bankNumber,
    referenceCode,
    content: /\bF7K2M9QX4T\b/,
  })
  await t.rejects(bank.transfer(qr.replace('50000', '50001')), { code: 'BROKEN_QR' })
})

const answerSchema = z.object({
  requestId: z.string(),
  providerId: z.string(),
  merchantId: z.string(),
  status: z.object({ code: z.string() }),
  bankTransactionId: z.string(),
  signature: z.string(),
})

t.test(
  'VietinBank: trusts the given key only, refuses a wrong code, debits for the right one and signs each answer',
  async (t) => {
    const vietinbank = await startVietinbank(options)
    t.teardown(() => vietinbank.close())
    const config = z.record(z.string(), z.unknown()).parse(vietinbank.accountConfig())
    const ours = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const common = {
      providerId: config.providerId,
      merchantId: config.merchantId,
      channel: 'WEB',
      version: '1.0',
      language: 'vi',
      mac: '',
    }
    const call = async (name: string, requestId: string, signed: Record<string, unknown>) => {
      const fields: Record<string, unknown> = { ...signed, ...common }
      const text = Object.values(fields).join('')
      const answer = await fetch(`${config.baseUrl}/${name}`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-ibm-client-id': String(config.clientId),
          'x-ibm-client-secret': String(config.clientSecret),
        },
        body: JSON.stringify({
          ...fields,
          requestId,
          signature: sign('sha256', Buffer.from(text), ours.privateKey).toString('base64'),
        }),
      })
      const told = answerSchema.parse(await answer.json())
      const answered = told.requestId + told.providerId + told.merchantId + told.status.code
      t.ok(verify('sha256', Buffer.from(answered), String(config.bankKeyPem), Buffer.from(told.signature, 'base64')))
      return told
    }
    const payment = {
      ...{
        token: '9704150000001234',
        tokenIssueDate: '0325',
        amount: '50000',
        currencyCode: 'VND',
        transTime: '20250310091000',
      },
      ...{ clientIP: '203.0.113.7', payMethod: '', goodsType: '', billNo: 'B1', remark: 'Thu phi' },
    }
    const pin = (otp: string) => ({
      otp,
      verifyTransactionId: '1001',
      verifyBy: 'OTPPAY',
      transTime: '20250310091100',
      clientIP: '203.0.113.7',
      requestId: '1002',
    })
    t.equal((await call('paymentByOTP', '1001', payment)).status.code, '01')
    vietinbank.trust(ours.publicKey.export({ type: 'spki', format: 'pem' }).toString())
    t.notOk('privateKeyPem' in vietinbank.accountConfig())
    t.equal((await call('paymentByOTP', '1001', payment)).status.code, '00')
    const otp = vietinbank.lastOtp('1001') ?? ''
    t.match(otp, /^\d{6}$/)
    t.equal((await call('verifyPin', '1002', pin(otp === '000000' ? '000001' : '000000'))).status.code, '13')
    const debited = await call('verifyPin', '1002', pin(otp))
    t.equal(debited.status.code, '00')
    t.equal((await call('verifyPin', '1002', pin(otp))).bankTransactionId, debited.bankTransactionId)
    const found = await call('transactionInquiry', '1003', { queryTransactionId: '1001', queryType: 'PAY' })
    t.match(found, { status: { code: '00' }, bankTransactionId: debited.bankTransactionId })
  },
)
