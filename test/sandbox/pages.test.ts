/** The partners' pages at the width of a phone: readable, usable without scripts, and without a fault that axe can see. */
import t from 'tap'
import { makeContext } from '../../src/sandbox/context.ts'
import { startSandbox } from '../../src/sandbox/start.ts'
import { anInvoice } from '../harness/gateway.ts'
import { type Partners, testAccountIds, testPartners } from '../harness/partners.ts'
import { axeFaults, phonesOf, picture, runsOff } from '../harness/phone.ts'

const phone = phonesOf(t)

/** Where a payer's browser goes at a rail that redirects. */
async function payPageOf({ gateway }: Partners, partner: 'vnpay' | 'onepay' | 'momo' | 'zalopay'): Promise<string> {
  const invoice = await gateway.api('POST', '/v1/invoices', anInvoice())
  const payment = await gateway.api('POST', `/v1/invoices/${String(invoice.json.id)}/payments`, {
    railAccountId: testAccountIds[partner],
    payerIp: '203.0.113.7',
  })
  return String(Object(payment.json.instruction).url)
}

const payers = ['vnpay', 'onepay', 'momo', 'zalopay'] as const

t.test('each pay page fits a phone, shows the amount and has the ordinary choice first', async (t) => {
  const partners = await testPartners(t, { only: payers })
  const page = await phone(t, { javaScriptEnabled: true })
  for (const partner of payers) {
    await page.goto(await payPageOf(partners, partner))
    await picture(page, `sandbox-${partner}`)
    t.ok((await runsOff(page)) <= 0, partner)
    t.same(await axeFaults(page), [], partner)
    t.ok(await page.getByText('7.000 ₫').isVisible(), partner)
    t.equal(await page.locator('button').first().getAttribute('value'), 'success', partner)
  }
})

t.test('a payer without JavaScript types a card at NAPAS and comes back to a paid invoice', async (t) => {
  const { gateway } = await testPartners(t, { only: ['napas'] })
  const invoice = await gateway.api('POST', '/v1/invoices', anInvoice())
  const page = await phone(t)
  await page.goto(String(invoice.json.payUrl))
  await page.getByRole('button', { name: 'Thanh toán: NAPAS' }).click()
  // The payment page's own policy lets this form go to the rail and nowhere else.
  await page.locator('form[action*="/hostedform"] button').click()
  await page.waitForURL(/\/hostedform$/)
  await picture(page, 'sandbox-napas')
  await page.getByRole('button', { name: /^Thanh toán Pay$/ }).click()
  await picture(page, 'sandbox-napas-back')
  await page.getByRole('button', { name: 'Về trang nộp phí' }).click()
  await page.waitForURL(/\/pay\//)
  t.ok(await page.getByText('Đã thanh toán').isVisible())
})

t.test('a payer transfers with the bank app, by scanning and by typing', async (t) => {
  const { gateway, sandbox } = await testPartners(t, { only: ['vietqr'] })
  const page = await phone(t)
  for (const how of ['scan', 'type'] as const) {
    const invoice = await gateway.api('POST', '/v1/invoices', anInvoice())
    await page.goto(`${sandbox.payos.baseUrl}/app`)
    await picture(page, 'sandbox-app')
    if (how === 'scan') {
      await page.getByLabel(/Nội dung mã QR/).fill(String(Object(invoice.json.vietQr).payload))
      await page.getByRole('button', { name: 'Quét mã' }).click()
    } else {
      await page.getByLabel(/Tài khoản nhận/).fill(sandbox.vietqr.accountNumber)
      await page.getByLabel(/^Số tiền/).fill(String(invoice.json.total))
      await page.locator('form[action="/app/type"] input[name=content]').fill(String(invoice.json.payCode))
      await page.getByRole('button', { name: 'Tiếp tục' }).click()
    }
    await picture(page, `sandbox-transfer-${how}`)
    await page.getByRole('button', { name: /^Chuyển tiền Transfer$/ }).click()
    await page.goto(String(invoice.json.payUrl))
    t.ok(await page.getByText('Đã thanh toán').isVisible(), how)
  }
})

t.test('the index and every partner’s own page fit a phone, also when they are full', async (t) => {
  const partners = await testPartners(t, { only: payers })
  const { sandbox } = partners
  await sandbox.vnpay.pay(await payPageOf(partners, 'vnpay'), 'success')
  await sandbox.momo.pay(await payPageOf(partners, 'momo'), 'duplicate')
  const page = await phone(t, { javaScriptEnabled: true })
  for (const [name, url] of [
    ['index', sandbox.baseUrl],
    ['console-vnpay', sandbox.vnpay.baseUrl],
    ['console-momo', sandbox.momo.baseUrl],
    ['console-vietinbank', sandbox.vietinbank.baseUrl],
    ['console-payos', sandbox.payos.baseUrl],
    ['dossier', sandbox.dossier.baseUrl],
    ['issuer', sandbox.issuer.baseUrl],
    ['phone', `${sandbox.vietinbank.baseUrl}/phone`],
    ['counter', `${sandbox.billPull.baseUrl}/counter`],
    ['app', `${sandbox.vietqr.baseUrl}/app`],
  ] as const) {
    await page.goto(url)
    await picture(page, `sandbox-${name}`)
    t.ok((await runsOff(page)) <= 0, name)
    t.same(await axeFaults(page), [], name)
  }
})

t.test('a switch is turned and turned back by hand', async (t) => {
  const sandbox = await startSandbox(makeContext())
  t.teardown(() => sandbox.close())
  const page = await phone(t)
  await page.goto(sandbox.zalopay.baseUrl)
  await page.getByLabel(/Mất lời gọi lại/).check()
  await page.getByLabel(/Trả lời chậm/).fill('250')
  await page.getByRole('button', { name: 'Áp dụng' }).click()
  t.match(sandbox.zalopay.behaviour.current, { callbacksLost: true, slowMs: 250, duplicate: false })
  await page.getByLabel(/Mất lời gọi lại/).uncheck()
  await page.getByRole('button', { name: 'Áp dụng' }).click()
  t.match(sandbox.zalopay.behaviour.current, { callbacksLost: false, slowMs: 250 })
})
