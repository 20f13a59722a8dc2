/** The payment pages in a real browser, at the width of a phone. */
import t from 'tap'
import { attemptPage } from '../../src/http/payer/page/attempt-page.ts'
import { anInvoice } from '../harness/gateway.ts'
import { testPartners } from '../harness/partners.ts'
import { axeFaults, phonesOf, picture, runsOff } from '../harness/phone.ts'

const phone = phonesOf(t)

t.test('a payer without JavaScript pays by card and sees the result', async (t) => {
  const { gateway, sandbox } = await testPartners(t)
  const invoice = await gateway.api('POST', '/v1/invoices', anInvoice())
  const page = await phone(t)
  await page.goto(String(invoice.json.payUrl))
  await picture(page, '1-invoice')
  t.equal(await runsOff(page), 0, 'nothing runs off the screen')
  await page.getByRole('button', { name: 'Thanh toán: VNPAY' }).click()
  await page.waitForURL(/vpcpay\.html/, { timeout: 15_000 })
  await picture(page, '2-vnpay')
  await page.getByRole('button', { name: /^Thanh toán thành công/ }).click()
  await page.waitForURL(/\/pay\/.*\/return/)
  await picture(page, '3-paid')
  t.ok(await page.getByText('Đã thanh toán').isVisible())
  t.not(sandbox.dossier, null)
  await page.getByRole('link', { name: 'English' }).click()
  t.ok(await page.getByText('The agency has been told').isVisible())
})

t.test('a payer pays by account: a wrong code says so, the right one pays', async (t) => {
  const { gateway, sandbox } = await testPartners(t)
  const invoice = await gateway.api('POST', '/v1/invoices', anInvoice())
  const page = await phone(t)
  await page.goto(String(invoice.json.payUrl))
  await page.getByLabel(/Số thẻ/).fill('9704150000001234')
  await page.getByLabel(/Ngày phát hành/).fill('0325')
  await page.getByRole('button', { name: 'Thanh toán: VIETINBANK' }).click()
  await picture(page, '4-otp')
  const [payment] = await gateway.database.query<{ merchant_ref: string }>('SELECT merchant_ref FROM payments', [])
  const otp = sandbox.vietinbank.otpOf(payment?.merchant_ref ?? '') ?? ''
  await page.getByLabel('Mã OTP').fill(otp === '111111' ? '111112' : '111111')
  await page.getByRole('button', { name: 'Xác nhận' }).click()
  t.match(await page.getByRole('alert').textContent(), 'Số lần còn lại: 2')
  await page.getByLabel('Mã OTP').fill(otp)
  await page.getByRole('button', { name: 'Xác nhận' }).click()
  t.ok(await page.getByText('Đã thanh toán').isVisible())
})

t.test('the page updates by itself when a transfer arrives', async (t) => {
  const { gateway, sandbox } = await testPartners(t)
  await gateway.load({
    ...(await import('../harness/gateway.ts')).testDirectory({
      railAccounts: [
        {
          id: 'vietinbank-test',
          rail: 'vietinbank',
          beneficiaryAccountId: 'bac_h56-14-colle',
          titleVi: 'x',
          titleEn: 'x',
          config: sandbox.vietinbank.accountConfig(),
          status: 'PAUSED',
        },
      ],
    }),
  })
  const invoice = await gateway.api('POST', '/v1/invoices', anInvoice())
  const page = await phone(t)
  gateway.environment.advance(6_000)
  await page.goto(String(invoice.json.payUrl))
  await picture(page, '5-qr')
  t.ok(await page.locator('.qr svg').isVisible())
  t.ok(await page.getByText('MB (970422)').isVisible(), 'a payer who types the transfer knows to which bank')
  const { payload } = invoice.json.vietQr as unknown as { payload: string }
  t.match((await sandbox.vietqr.pay(payload, 'success')).callbackAcks, [{ body: '{"success":true}' }])
  await page.getByText('Đã thanh toán').waitFor({ timeout: 20_000 })
})

t.test('no page has an accessibility fault that axe can see', async (t) => {
  const { gateway } = await testPartners(t)
  const invoice = await gateway.api('POST', '/v1/invoices', anInvoice())
  const page = await phone(t, { javaScriptEnabled: true })
  await page.goto(`${String(invoice.json.payUrl)}?lang=en`)
  t.same(await axeFaults(page), [])
  await page.goto(`${gateway.url}/pay/${'A'.repeat(32)}`)
  await picture(page, '6-not-found')
  t.same(await axeFaults(page), [])
})

t.test('a QR code that is no transfer is shown, with nothing to type', async (t) => {
  const { html } = attemptPage(
    {
      home: '/pay/x',
      paymentId: 'pay_x',
      railTitle: 'VNPAY-QR',
      instruction: { kind: 'qr', payload: '00020101021226' },
      triesLeft: null,
    },
    'vi',
  )
  t.match(html, /<div role="img"[^>]*><svg/)
  t.notMatch(html, /Số tài khoản/)
})
