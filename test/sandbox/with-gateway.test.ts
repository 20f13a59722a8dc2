/** The simulators against a whole gateway: two readings of each protocol, written apart, must understand each other. */
import t, { type Test } from 'tap'
import { connectGateway } from '../../src/sandbox/run.ts'
import { type Sandbox, startSandbox } from '../../src/sandbox/start.ts'
import { anInvoice, type TestGateway, testDirectory, testGateway } from '../harness/gateway.ts'
import { eventually } from './hand-timers.ts'

const accounts = { vnpay: 'vnpay-box', vietqr: 'vietqr-box', vietinbank: 'vietinbank-box' }

async function joined(t: Test): Promise<{ gateway: TestGateway; sandbox: Sandbox }> {
  const gateway = await testGateway(t, { background: true })
  const sandbox = await startSandbox({ clock: gateway.environment, lateMs: 100 })
  t.teardown(() => sandbox.close())
  const [model] = testDirectory().railAccounts
  if (model === undefined) throw new Error('the directory has no rail account to copy')
  await gateway.load(
    testDirectory({
      railAccounts: (['vnpay', 'vietqr', 'vietinbank'] as const).map((rail) => ({
        ...model,
        ...{
          id: accounts[rail],
          rail,
          config: { ...sandbox[rail].accountConfig(), ...(rail === 'vietinbank' ? { timeoutMs: 1_000 } : {}) },
        },
      })),
    }),
  )
  connectGateway(sandbox, gateway.url, accounts)
  const endpoint = await gateway.api('POST', '/v1/webhook-endpoints', { url: sandbox.dossier.webhookUrl })
  sandbox.dossier.secret = String(endpoint.json.secret)
  t.equal(endpoint.status, 201, endpoint.text)
  return { gateway, sandbox }
}

type Started = { invoiceId: string; dossierCode: string; payUrl: string; payment: Record<string, unknown> }

async function started(gateway: TestGateway, rail: keyof typeof accounts, payerInput?: object): Promise<Started> {
  const invoice = await gateway.api('POST', '/v1/invoices', anInvoice())
  const invoiceId = String(invoice.json.id)
  const payment = await gateway.api('POST', `/v1/invoices/${invoiceId}/payments`, {
    railAccountId: accounts[rail],
    payerIp: '203.0.113.7',
    ...(payerInput === undefined ? {} : { payerInput }),
  })
  if (payment.status >= 300) throw new Error(payment.text)
  return {
    invoiceId,
    dossierCode: String(invoice.json.dossierCode),
    payUrl: String(invoice.json.payUrl),
    payment: payment.json,
  }
}

function refOf({ payment }: Started): string {
  return String(payment.merchantRef)
}

function instructionOf({ payment }: Started): Record<string, unknown> {
  return Object(payment.instruction)
}

function payUrlOf(one: Started): string {
  return String(instructionOf(one).url)
}

async function statusOf(gateway: TestGateway, { invoiceId }: Started): Promise<string> {
  return String((await gateway.api('GET', `/v1/invoices/${invoiceId}`)).json.status)
}

t.test('a card payment: paid at VNPAY, acknowledged to the byte, the dossier told once', async (t) => {
  const { gateway, sandbox } = await joined(t)
  const one = await started(gateway, 'vnpay')
  const { callbackAcks, returnUrl } = await sandbox.vnpay.pay(payUrlOf(one), 'success')
  t.match(callbackAcks, [{ body: '{"RspCode":"00","Message":"Confirm Success"}', asExpected: true, next: 'stop' }])
  t.equal((await fetch(returnUrl)).status, 200)
  await eventually(() => sandbox.dossier.dossiers.get(one.dossierCode)?.status === 'PAID')
  const again = await sandbox.vnpay.sendCallback(refOf(one))
  t.match(again.acknowledgements, [{ meaning: 'RspCode 02', asExpected: true }])
  t.equal(await statusOf(gateway, one), 'PAID')
  t.match(
    sandbox.dossier.received.filter(({ type }) => type === 'invoice.paid'),
    [{ verified: true, times: 1, dossierCode: one.dossierCode }],
  )
})

t.test('each other way at VNPAY is acknowledged as VNPAY expects, and only money makes an invoice paid', async (t) => {
  const { gateway, sandbox } = await joined(t)
  for (const [way, status] of [
    ['fail', 'ISSUED'],
    ['cancel', 'ISSUED'],
    ['tampered', 'PAYING'],
    ['wrong-amount', 'PAYING'],
    ['held', 'PAYING'],
    ['duplicate', 'PAID'],
    ['pending-then-success', 'PAID'],
  ] as const) {
    const one = await started(gateway, 'vnpay')
    const { callbackAcks } = await sandbox.vnpay.pay(payUrlOf(one), way)
    t.same(
      callbackAcks.filter(({ asExpected }) => !asExpected),
      [],
      `${way}: ${callbackAcks.map(({ body }) => body).join()}`,
    )
    t.equal(await statusOf(gateway, one), status, way)
  }
})

t.test('a notice that is lost is made good by inquiry', async (t) => {
  const { gateway, sandbox } = await joined(t)
  const one = await started(gateway, 'vnpay')
  sandbox.vnpay.callbackUrl = null
  await sandbox.vnpay.pay(payUrlOf(one), 'success')
  gateway.environment.advance(61_000)
  await eventually(() => sandbox.dossier.dossiers.get(one.dossierCode)?.status === 'PAID')
  t.equal(await statusOf(gateway, one), 'PAID')
})

t.test('a scanned QR: paid, told once though notified twice; a forged notice moves nothing', async (t) => {
  const { gateway, sandbox } = await joined(t)
  const one = await started(gateway, 'vietqr')
  const payload = String(instructionOf(one).payload)
  const forged = await sandbox.vietqr.pay(payload, 'tampered')
  t.match(forged.callbackAcks, [{ status: 401, asExpected: true }])
  t.equal(await statusOf(gateway, one), 'PAYING')
  const { callbackAcks } = await sandbox.vietqr.pay(payload, 'duplicate')
  t.match(callbackAcks, [{ asExpected: true }, { asExpected: true }])
  await eventually(() => sandbox.dossier.dossiers.get(one.dossierCode)?.status === 'PAID')
  t.equal(await statusOf(gateway, one), 'PAID')
  t.equal(sandbox.dossier.received.filter(({ type }) => type === 'invoice.paid').length, 1)
})

t.test(
  'an account payment: the code from the phone pays it, and the bank’s own notice of the credit changes nothing',
  async (t) => {
    const { gateway, sandbox } = await joined(t)
    const card = { token: sandbox.vietinbank.testCards.success, tokenIssueDate: '0325' }
    const one = await started(gateway, 'vietinbank', card)
    const confirm = (otp: string): Promise<Response> =>
      fetch(`${one.payUrl}/payments/${String(one.payment.id)}/confirm`, {
        method: 'POST',
        redirect: 'manual',
        body: new URLSearchParams({ otp, lang: 'vi' }),
      })
    t.match((await confirm('0000')).headers.get('location'), 'triesLeft')
    t.equal((await confirm(sandbox.vietinbank.otpOf(refOf(one)) ?? '')).status, 303)
    t.equal(await statusOf(gateway, one), 'PAID')
    await eventually(() => sandbox.vietinbank.callbacks[0]?.state === 'acknowledged')
    t.match(sandbox.vietinbank.callbacks[0]?.acknowledgements, [{ asExpected: true, meaning: 'errorCode 00' }])
    await eventually(() => sandbox.dossier.dossiers.get(one.dossierCode)?.status === 'PAID')
    t.equal(sandbox.dossier.received.filter(({ type }) => type === 'invoice.paid').length, 1)
  },
)

t.test('a debit whose answer never came is found by inquiry', async (t) => {
  const { gateway, sandbox } = await joined(t)
  const token = sandbox.vietinbank.testCards['no-answer-after-debit']
  const one = await started(gateway, 'vietinbank', { token, tokenIssueDate: '0325' })
  sandbox.vietinbank.callbackUrl = null
  await fetch(`${one.payUrl}/payments/${String(one.payment.id)}/confirm`, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ otp: sandbox.vietinbank.otpOf(refOf(one)) ?? '', lang: 'vi' }),
  })
  gateway.environment.advance(61_000)
  await eventually(() => sandbox.dossier.dossiers.get(one.dossierCode)?.status === 'PAID')
  t.equal(await statusOf(gateway, one), 'PAID')
})

t.test('a plain transfer with the pay code in its text is found', async (t) => {
  const { gateway, sandbox } = await joined(t)
  const invoice = await gateway.api('POST', '/v1/invoices', anInvoice())
  const remark = `NOP PHI ${String(invoice.json.payCode)}`
  const callback = await sandbox.vietinbank.credit({ amount: BigInt(Number(invoice.json.total)), remark })
  t.match(callback.acknowledgements, [{ asExpected: true }])
  await eventually(() => sandbox.dossier.dossiers.get(String(invoice.json.dossierCode))?.status === 'PAID')
})
