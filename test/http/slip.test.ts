/** The slip of a counter in a real browser: on a phone, on a roll of 80 mm, and printed. */
import t from 'tap'
import { type TestCounter, testCounter } from '../harness/counter.ts'
import { axeFaults, phonesOf, phoneWidth, picture, runsOff } from '../harness/phone.ts'

const screen = phonesOf(t)

/** 80 mm at 96 dots to the inch. */
const rollWidth = 302

async function collected(counter: TestCounter, payer: string): Promise<{ slipUrl: string; id: string }> {
  const clerk = await counter.officer()
  await clerk('POST', '/v1/counter/shifts', {})
  const invoice = await counter.invoice({ payer: { name: payer } })
  const { json } = await clerk('POST', '/v1/counter/collections', { invoiceId: invoice.id, cashGiven: 500_000 })
  return { slipUrl: String(json.slipUrl), id: String(json.id) }
}

t.test(
  'the slip names payer, fees, sums in figures and words, counter and clerk, and fits phone and roll',
  async (t) => {
    const counter = await testCounter(t)
    // The longest words are the ones that run off.
    const { slipUrl } = await collected(counter, `Công ty ${'Trách-nhiệm-hữu-hạn-'.repeat(8)} <b>&`)
    for (const [width, name] of [
      [phoneWidth, 'slip-phone'],
      [rollWidth, 'slip-roll'],
    ] as const) {
      const page = await screen(t, { width: width, javaScriptEnabled: true })
      await page.goto(slipUrl)
      await picture(page, name)
      t.equal(await runsOff(page), 0, `${name}: nothing runs off the side`)
      const text = (await page.locator('main').textContent()) ?? ''
      for (const words of [
        'Sở Tư pháp',
        'Phiếu thu tiền mặt',
        'Lệ phí đăng ký tạm trú',
        '7.000 ₫',
        '500.000 ₫',
        '493.000 ₫',
        'Bảy nghìn đồng',
        'UBND xã Hoằng Hóa',
        'Hoàng Thị Một Cửa',
        '12:00 20/11/2026',
        'Phiếu này không thay biên lai',
        '<b>&',
      ])
        t.ok(text.includes(words), words)
      t.notOk(text.includes('001199000001'), 'no personal id')
    }
  },
)

t.test('it prints on one roll of 80 mm, black on white', async (t) => {
  const counter = await testCounter(t)
  const { slipUrl } = await collected(counter, 'Nguyễn Văn An')
  const page = await screen(t, { width: rollWidth, javaScriptEnabled: true })
  await page.emulateMedia({ media: 'print' })
  await page.goto(slipUrl)
  await picture(page, 'slip-print')
  t.equal(await runsOff(page), 0)
  t.equal(await page.evaluate('getComputedStyle(document.body).backgroundColor'), 'rgb(255, 255, 255)')
  const paper = await page.pdf({ width: '80mm', height: '300mm' })
  t.equal((paper.toString('latin1').match(/\/Type\s*\/Page\b/g) ?? []).length, 1)
})

t.test('a corrected collection shows at once that the slip is void', async (t) => {
  const counter = await testCounter(t)
  const { slipUrl, id } = await collected(counter, 'Nguyễn Văn An')
  const [clerk, colleague] = [await counter.officer(), await counter.officer({ sub: 'motcua02' })]
  const page = await screen(t, { width: phoneWidth, javaScriptEnabled: true })
  await page.goto(slipUrl)
  t.equal(await page.getByRole('status').count(), 0)
  const asked = await clerk('POST', `/v1/counter/collections/${id}/corrections`, { reason: 'nhầm' })
  await page.reload()
  t.match(await page.getByRole('status').textContent(), 'Đang đề nghị hủy')
  await colleague('POST', `/v1/counter/corrections/${String(asked.json.id)}/approve`)
  await page.reload()
  await picture(page, 'slip-void')
  t.match(await page.getByRole('status').textContent(), 'Đã hủy, tiền đã trả lại lúc 12:00 20/11/2026')
  await page.goto(slipUrl.replace(/\/slips\/.*$/, ''))
  t.match(await page.getByRole('status').textContent(), 'Giao dịch đã bị hủy', 'nor does the payment page say paid')
  t.match((await clerk('GET', `/v1/counter/collections/${id}/slip`)).json, {
    status: 'CORRECTED',
    slipUrl,
    amountInWordsVi: 'Bảy nghìn đồng',
    unitName: 'UBND xã Hoằng Hóa',
  })
})

t.test('no accessibility fault that axe can see; a wrong address shows nothing', async (t) => {
  const counter = await testCounter(t)
  const { slipUrl, id } = await collected(counter, 'Nguyễn Văn An')
  const page = await screen(t, { width: phoneWidth, javaScriptEnabled: true })
  await page.goto(slipUrl)
  t.same(await axeFaults(page), [])
  const other = await counter.invoice()
  const [row] = await counter.gateway.database.query<{ pay_token: string }>(
    'SELECT pay_token FROM invoices WHERE id = $1',
    [other.id],
  )
  for (const path of [
    `/pay/${'A'.repeat(32)}/slips/${id}`,
    `/pay/${row?.pay_token}/slips/${id}`,
    `${new URL(slipUrl).pathname}0`,
  ])
    t.equal((await fetch(`${counter.gateway.url}${path}`)).status, 404, path)
  t.equal((await fetch(slipUrl)).headers.get('cache-control'), 'no-store')
})
