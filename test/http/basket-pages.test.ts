/** The page of a basket in a real browser, on a narrow phone, in each of its states: it never says "done" before all is paid. */
import jsQR from 'jsqr'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import type { Sandbox } from '../../src/sandbox/start.ts'
import { anInvoice, type TestGateway, terminalOf, testDirectory } from '../harness/gateway.ts'
import { testPartners } from '../harness/partners.ts'
import { axeFaults, phonesOf, picture, runsOff } from '../harness/phone.ts'

const phone = phonesOf(t, { width: 360, height: 740, javaScriptEnabled: true })

/** No accessibility fault that axe can see, nothing off the screen, small, and a picture for who wants to look. */
async function isGoodPage(t: Test, page: Page, name: string): Promise<void> {
  await picture(page, `basket-${name}`)
  t.same(await axeFaults(page), [], `${name}: axe`)
  t.equal(await runsOff(page), 0, `${name}: nothing runs off the screen`)
  const answer = await fetch(page.url())
  const style = await (await fetch(new URL('/pay/assets/style.css', page.url()))).text()
  const html = await answer.text()
  t.ok(html.length + style.length < 60_000, `${name}: ${html.length + style.length} bytes`)
  t.notMatch(
    html,
    /<script(?! src="\/pay\/assets\/refresh\.js" defer>)/,
    `${name}: no script but the one that looks for changes`,
  )
}

/** As it is laid out, line by line. */
async function textOf(page: Page, selector = 'main'): Promise<string> {
  return String(await page.evaluate(`document.querySelector('${selector}').innerText`))
}

type Made = {
  gateway: TestGateway
  sandbox: Sandbox
  payUrl: string
  invoices: { id: string; payUrl: string; payCode: string }[]
}

const beneficiaries = testDirectory().beneficiaryAccounts
const creditorNames = {
  COLLECTING_AGENCY: 'Văn phòng đăng ký đất đai',
  STATE_BUDGET: 'Kho bạc Nhà nước',
  PUBLIC_POST: 'Bưu điện tỉnh',
}

async function load({ gateway, sandbox }: Pick<Made, 'gateway' | 'sandbox'>, over: object = {}): Promise<void> {
  const railAccounts = beneficiaries.flatMap(({ id }) => {
    const name = id.slice('bac_h56-14-'.length)
    // Each creditor's money is collected on an account of its own.
    const collector =
      { colle: sandbox.vietqr, state: sandbox.vietqrvnHmac, publi: sandbox.payos }[name] ?? sandbox.vietqr
    const shared = { beneficiaryAccountId: id, titleEn: 'Card or account by VNPAY' }
    return [
      {
        ...shared,
        id: `vietqr-${name}`,
        rail: 'vietqr',
        titleVi: 'Chuyển khoản VietQR',
        config: collector.accountConfig(),
        position: 1,
      },
      {
        ...shared,
        id: `vnpay-${name}`,
        rail: 'vnpay',
        titleVi: 'Thẻ hoặc tài khoản qua VNPAY',
        config: {
          ...sandbox.vnpay.accountConfig(),
          ...(name === 'state' ? {} : { tmnCode: terminalOf(`vnpay-${name}`) }),
        },
        position: 2,
      },
    ]
  })
  // Those of the harness pay into the first of the accounts as well.
  const others = ['vnpay-h56-14', 'vnpay-test', 'vietqr-test', 'vietinbank-test'].map((id) => {
    const rail = id.split('-')[0] as 'vnpay' | 'vietqr' | 'vietinbank'
    const config = { vnpay: sandbox.vnpay, vietqr: sandbox.vietqr, vietinbank: sandbox.vietinbank }[
      rail
    ].accountConfig()
    return {
      id,
      rail,
      beneficiaryAccountId: beneficiaries[0]?.id ?? '',
      titleVi: 'x',
      titleEn: 'x',
      config: {
        ...config,
        ...(rail === 'vnpay' ? { tmnCode: terminalOf(id) } : rail === 'vietqr' ? { accountNumber: '99998888' } : {}),
      },
      status: 'PAUSED' as const,
    }
  })
  await gateway.load({ ...testDirectory({ railAccounts: [...railAccounts, ...others] }), ...over })
  gateway.environment.advance(6_000)
}

/** Fee, tax and postage of one dossier, in one basket. */
async function basketOf(t: Test, over: object = {}): Promise<Made> {
  const partners = await testPartners(t)
  const { gateway } = partners
  await load(partners)
  for (const [creditor, name] of Object.entries(creditorNames))
    await gateway.database.query('UPDATE beneficiary_accounts SET creditor_name = $2 WHERE creditor = $1', [
      creditor,
      name,
    ])
  const fee = anInvoice({
    procedureCode: '1.012000',
    area: 'WARD',
    items: [
      { feeCode: 'land-transfer-certificate' },
      {
        kind: 'TAX',
        nameVi: 'Thuế thu nhập cá nhân từ chuyển nhượng bất động sản',
        amount: 24_000_000,
        economicCode: '1006',
        decision: { number: '12/TB-CT', date: '2026-11-19', authority: 'Chi cục Thuế' },
      },
    ],
    ...over,
  })
  const post = { ...fee, procedureCode: '9.000002', items: [{ feeCode: 'post-return-of-result' }] }
  const { json, text } = await gateway.api('POST', '/v1/baskets/issue', {
    invoices: [fee, post],
    returnUrl: 'https://portal.example/back',
  })
  if (json.basket === undefined) throw new Error(text)
  const { basket, invoices } = json as unknown as { basket: { payUrl: string }; invoices: Made['invoices'] }
  partners.sandbox.vietqr.callbackUrl = `${gateway.url}/callbacks/vietqr/vietqr-colle`
  partners.sandbox.vnpay.callbackUrl = `${gateway.url}/callbacks/vnpay/vnpay-state`
  return { ...partners, payUrl: basket.payUrl, invoices }
}

/** The text of the QR on a page, read from its drawing. */
async function scan(page: Page): Promise<string | null> {
  const size = Number((await page.locator('.qr svg').getAttribute('viewBox'))?.split(' ')[2])
  const drawing = (await page.locator('.qr svg path').nth(1).getAttribute('d')) ?? ''
  const zoom = 4
  const side = size * zoom
  const pixels = new Uint8ClampedArray(side * side * 4).fill(255)
  for (const [, x, y, length] of drawing.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g))
    for (let row = Number(y) * zoom; row < (Number(y) + 1) * zoom; row++)
      pixels.fill(0, (row * side + Number(x) * zoom) * 4, (row * side + (Number(x) + Number(length)) * zoom) * 4)
  for (let index = 3; index < pixels.length; index += 4) pixels[index] = 255
  return jsQR.default(pixels, side, side)?.data ?? null
}

const done = /Đã nộp đủ|All 3 are paid/

t.test(
  'a payer pays fee by QR, tax by card and postage by QR in one visit, and the page says done only at the end',
  async (t) => {
    const { gateway, sandbox, payUrl, invoices } = await basketOf(t)
    const page = await phone(t)
    await page.goto(payUrl)
    await isGoodPage(t, page, '1-open')
    const body = () => textOf(page)
    t.match(await body(), /Đã nộp 0 trong 3 khoản/)
    t.match(await body(), /Chưa xong: còn 3 khoản, 24\.043\.000\s₫\. Trả tiếp khoản 1/)
    t.match(await scan(page), invoices[0]?.payCode, 'the QR of the first invoice')
    t.match((await sandbox.vietqr.pay((await scan(page)) ?? '', 'success')).callbackAcks[0]?.body, 'success')
    await page.getByText('Đã nộp 1 trong 3 khoản').waitFor({ timeout: 20_000 })
    await isGoodPage(t, page, '2-partly')
    t.notMatch(await body(), done)
    t.match(await textOf(page, '[role=status]'), /Đã nộp\n28\.000 ₫\nCòn phải nộp\n24\.015\.000 ₫/)
    await page.getByRole('button', { name: /Thẻ hoặc tài khoản qua VNPAY/ }).click()
    await page.waitForURL(/vpcpay\.html/, { timeout: 15_000 })
    const bankPage = page.url()
    await page.goto(payUrl)
    t.match(await body(), /Khoản 2: đang chờ ngân hàng xác nhận/)
    t.match(await body(), /Trả khoản 3: 15\.000 ₫/, 'what no bank is busy with comes next')
    await isGoodPage(t, page, '3-waiting')
    await page.getByRole('link', { name: 'Mở khoản 2' }).click()
    await isGoodPage(t, page, '4-waiting-chosen')
    t.match(await body(), /Đừng thanh toán lại/)
    t.notOk(await page.getByRole('button').first().isVisible(), 'nobody pays twice by the way')
    await page.getByText('Tài khoản chưa bị trừ tiền?').click()
    await isGoodPage(t, page, '4-pay-again')
    await page.goto(bankPage)
    await page.getByRole('button', { name: 'Thanh toán thành công' }).click()
    await page.waitForURL(/\/pay\/basket\/.*\/return/)
    t.match(await body(), /Đã nộp 2 trong 3 khoản/)
    t.notMatch(await body(), done)
    await isGoodPage(t, page, '5-returned')
    sandbox.payos.callbackUrl = `${gateway.url}/callbacks/vietqr/vietqr-publi`
    await sandbox.payos.pay((await scan(page)) ?? '', 'success')
    await page.goto(payUrl)
    t.match(await body(), /Đã nộp đủ cả 3 khoản/)
    t.equal(await page.locator('form').count(), 0, 'nothing is left to press')
    await isGoodPage(t, page, '6-done')
    await page.getByRole('link', { name: 'English' }).click()
    t.match(await body(), /All 3 are paid/)
    await isGoodPage(t, page, '7-done-english')
    await page.getByRole('link', { name: 'See the proof of number 2' }).click()
    t.match(await body(), /Bank transaction/, 'each payment has its proof')
  },
)

t.test('a line the payer chose stays chosen in the other language', async (t) => {
  const { payUrl, invoices } = await basketOf(t)
  const page = await phone(t)
  await page.goto(payUrl)
  await page.getByRole('link', { name: 'Trả khoản 3' }).click()
  t.match(await scan(page), invoices[2]?.payCode)
  await page.getByRole('link', { name: 'English' }).click()
  t.match(await scan(page), invoices[2]?.payCode)
  await isGoodPage(t, page, '8-chosen-english')
})

t.test('a failed attempt says that nothing was paid; the basket’s page leads on', async (t) => {
  const { payUrl } = await basketOf(t)
  const page = await phone(t)
  await page.goto(`${payUrl}?n=2`)
  await page.getByRole('button', { name: /Thẻ hoặc tài khoản qua VNPAY/ }).click()
  await page.waitForURL(/vpcpay\.html/, { timeout: 15_000 })
  await page.getByRole('button', { name: 'Không đủ số dư' }).click()
  await page.waitForURL(/\/pay\/basket\/.*\/return/)
  await page.goto(`${payUrl}?n=2`)
  t.match(await textOf(page), /Chưa nộp: lần trả trước không thành công/)
  await isGoodPage(t, page, '9-failed')
})

t.test('too little money is told as it is: received, and not paid', async (t) => {
  const { gateway, payUrl, invoices } = await basketOf(t)
  await gateway.gateway.settler.settle({
    transferRail: true,
    outcome: {
      rail: 'vietqr',
      accountId: 'vietqr-colle',
      merchantRef: invoices[0]?.payCode ?? '',
      railTransactionId: 'less',
      kind: 'succeeded',
      amount: 20_000n,
      currency: 'VND',
      paidAt: gateway.environment.now(),
      source: 'STATEMENT',
      evidence: {},
    },
  })
  const page = await phone(t)
  await page.goto(payUrl)
  const text = await textOf(page)
  t.match(text, /Chưa nộp đủ: mới nhận 20\.000\s₫/)
  t.match(text, /Đã nộp 0 trong 3 khoản/)
  t.match(text, /hãy trả đủ 28\.000\s₫/)
  await isGoodPage(t, page, '10-underpaid')
})

t.test('expired and cancelled invoices are told apart; nothing left to pay is not called paid', async (t) => {
  const { gateway, payUrl, invoices } = await basketOf(t, { expiresAt: '2026-11-20T06:00:00Z' })
  await gateway.api('POST', `/v1/invoices/${invoices[2]?.id}/cancel`, { reason: 'rút yêu cầu gửi bưu điện' })
  const page = await phone(t)
  await page.goto(payUrl)
  t.match(await textOf(page), /Đã nộp 0 trong 2 khoản/)
  t.match(await textOf(page), /Đã huỷ, không phải nộp/)
  await isGoodPage(t, page, '11-cancelled')
  gateway.environment.set(new Date('2026-11-20T07:00:00Z'))
  for (let waited = 0; waited < 10_000; waited += 100) {
    await page.goto(payUrl)
    if (/2 khoản đã hết hạn/.test(await textOf(page))) break
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  t.match(await textOf(page), /2 khoản đã hết hạn: liên hệ cơ quan/)
  t.equal(await page.locator('form').count(), 0)
  await isGoodPage(t, page, '12-lapsed')
  const other = await basketOf(t)
  for (const { id } of other.invoices)
    await other.gateway.api('POST', `/v1/invoices/${id}/cancel`, { reason: 'rút hồ sơ' })
  await page.goto(other.payUrl)
  t.match(await textOf(page), /Không còn khoản nào phải nộp/)
  t.notMatch(await textOf(page), done)
  await isGoodPage(t, page, '13-closed')
})

t.test(
  'a rail outside its hours is named with the time of its return; pressing a stale button explains and leads back',
  async (t) => {
    const made = await basketOf(t)
    const page = await phone(t)
    await page.goto(`${made.payUrl}?n=2`)
    await load(made, {
      routing: {
        calendars: [{ id: 'morning', weekly: [{ days: ['SAT'], from: '08:00', to: '11:00' }] }],
        rules: [{ id: 'cards-by-day', rails: ['vnpay'], set: { calendarId: 'morning' } }],
      },
    })
    await page.getByRole('button', { name: /Thẻ hoặc tài khoản qua VNPAY/ }).click()
    t.match(await textOf(page), /Ngoài giờ nhận thanh toán, mở lại lúc 08:00 21\/11\/2026/)
    await isGoodPage(t, page, '14-refused')
    await page.getByRole('link', { name: 'Quay lại' }).click()
    t.match(await textOf(page), /Tạm thời chưa dùng được\n+Thẻ hoặc tài khoản qua VNPAY: Ngoài giờ/)
    await isGoodPage(t, page, '15-closed-rail')
    await load(made, {
      routing: {
        calendars: [{ id: 'morning', weekly: [{ days: ['SAT'], from: '08:00', to: '11:00' }] }],
        rules: [{ id: 'all-by-day', set: { calendarId: 'morning' } }],
      },
    })
    await page.goto(made.payUrl)
    t.match(await textOf(page), /Lúc này chưa thanh toán trực tuyến được/)
    await isGoodPage(t, page, '16-all-closed')
  },
)

t.test('a payer’s fee of a rail is told beside its button and not added', async (t) => {
  const made = await basketOf(t)
  await load(made, {
    routing: {
      rules: [
        {
          id: 'fee',
          rails: ['vnpay'],
          set: {
            fees: [{ paidBy: 'PAYER', nameVi: 'phí dịch vụ VNPAY', nameEn: 'VNPAY service fee', basisPoints: 85 }],
          },
        },
      ],
    },
  })
  const page = await phone(t)
  await page.goto(`${made.payUrl}?n=2`)
  t.match(await textOf(page), /Kênh này thu thêm khoảng 204\.000\s₫ \(phí dịch vụ VNPAY\)/)
  t.match(await textOf(page), /Trả khoản 2: 24\.000\.000 ₫/)
  await isGoodPage(t, page, '17-fee')
})

t.test('fifty invoices fit on one small page', async (t) => {
  const { gateway, sandbox } = await testPartners(t)
  const ids: string[] = []
  const batch = await gateway.api('POST', '/v1/invoices/batch', {
    invoices: Array.from({ length: 50 }, () => anInvoice()),
  })
  for (const { invoice } of batch.json.results as unknown as { invoice: { id: string } }[]) ids.push(invoice.id)
  t.ok(sandbox)
  const { json } = await gateway.api('POST', '/v1/baskets', { invoiceIds: ids })
  const page = await phone(t)
  await page.goto(String(json.payUrl))
  t.equal(await page.locator('ol.parts li').count(), 50)
  await isGoodPage(t, page, '18-fifty')
})

t.test('a basket’s token opens its own invoices only, and every wrong address looks the same', async (t) => {
  const first = await basketOf(t)
  const { gateway } = first
  const { json } = await gateway.api('POST', '/v1/invoices', anInvoice())
  const form = new URLSearchParams({ invoice: String(json.id), rail: 'vnpay-colle', lang: 'vi' })
  const foreign = await fetch(`${first.payUrl}/start`, { method: 'POST', redirect: 'manual', body: form })
  t.equal(foreign.status, 404)
  t.same(await gateway.database.query('SELECT id FROM payments', []), [])
  const started = await fetch(`${String(json.payUrl)}/start`, { method: 'POST', redirect: 'manual', body: form })
  const payment = /pay_[0-9a-z]{26}/.exec(started.headers.get('location') ?? '')?.[0]
  const wrong = [
    `${first.payUrl.slice(0, -2)}AA`,
    `${gateway.url}/pay/basket/short`,
    `${first.payUrl}/payments/${payment}`,
  ]
  const pages = await Promise.all(
    wrong.map(async (url) => {
      const answer = await fetch(url)
      return `${answer.status} ${await answer.text()}`
    }),
  )
  t.equal(new Set(pages).size, 1)
  t.match(pages[0], /^404 /)
})
