/** The receipt in a real browser: on a phone, and on paper. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { createMetrics } from '../../src/metrics.ts'
import { issueDue } from '../../src/receipt/issue.ts'
import { createTokens } from '../../src/signing/tokens.ts'
import { anInvoice, feeCodeOf, type TestGateway, testDirectory, testGateway } from '../harness/gateway.ts'
import { axeFaults, phonesOf, picture, runsOff } from '../harness/phone.ts'

const phone = phonesOf(t, { width: 360, height: 740 })

/** Long names, as agencies and procedures have them. */
async function issued(t: Test): Promise<{ gateway: TestGateway; payUrl: string; receiptUrl: string }> {
  const gateway = await testGateway(t)
  const directory = testDirectory({ vnpaySecret: gateway.vnpaySecret })
  await gateway.load({
    ...directory,
    agencies: directory.agencies.map((agency) => ({
      ...agency,
      nameVi: 'Trung tâm Phục vụ hành chính công phường Hạc Thành, tỉnh Thanh Hóa',
      address: 'Số 28 Đại lộ Lê Lợi, phường Hạc Thành, tỉnh Thanh Hóa',
    })),
  })
  const invoice = await gateway.api(
    'POST',
    '/v1/invoices',
    anInvoice({
      submitter: { name: 'Nguyễn Phúc Vĩnh Thụy Bảo Long Hoàng Anh' },
      procedureCode: '2.001195',
      items: [{ feeCode: feeCodeOf('2.001195') }],
    }),
  )
  const { payCode, total, payUrl } = invoice.json as unknown as { payCode: string; total: number; payUrl: string }
  await gateway.gateway.settler.settle({
    transferRail: false,
    outcome: {
      rail: 'vnpay',
      accountId: 'vnpay-h56-14',
      merchantRef: payCode,
      railTransactionId: 'T1',
      kind: 'succeeded',
      amount: BigInt(total),
      currency: 'VND',
      paidAt: gateway.environment.now(),
      source: 'CALLBACK',
      evidence: {},
    },
  })
  await issueDue({
    database: gateway.database,
    environment: gateway.environment,
    sign: createTokens(gateway.keys).sign,
    publicUrl: () => gateway.url,
    metrics: createMetrics(),
    log: pino({ level: 'silent' }),
  })
  const [row] = await gateway.database.query<{ id: string }>('SELECT id FROM receipts', [])
  return { gateway, payUrl, receiptUrl: `${payUrl}/receipts/${row?.id}` }
}

t.test('on a phone without JavaScript the payer opens the receipt, and nothing runs off the screen', async (t) => {
  const { payUrl, receiptUrl } = await issued(t)
  const page = await phone(t)
  await page.goto(payUrl)
  await picture(page, 'receipt-1-payment')
  await page.getByRole('link', { name: /Biên lai thu lệ phí: 26TAA số 1/ }).click()
  t.match(page.url(), receiptUrl)
  await picture(page, 'receipt-2-phone')
  t.ok(await page.getByRole('heading', { name: 'Biên lai thu lệ phí' }).isVisible())
  t.equal(await runsOff(page), 0)
  await page.getByRole('link', { name: 'English' }).click()
  await picture(page, 'receipt-3-english')
  t.ok(await page.getByText('Người nộp tiền / Payer').isVisible())
})

t.test('printed, it is one A5 sheet with the receipt alone', async (t) => {
  const { receiptUrl } = await issued(t)
  const page = await phone(t)
  await page.goto(receiptUrl)
  await page.emulateMedia({ media: 'print' })
  t.notOk(await page.getByRole('link', { name: 'English' }).isVisible())
  t.notOk(await page.getByText('Tải bản ký số').isVisible())
  t.ok(await page.getByText('Đã ký số').isVisible())
  const folder = process.env.PAGE_PICTURES ?? t.testdir()
  const path = join(folder, 'receipt.pdf')
  await page.pdf({ path, preferCSSPageSize: true, printBackground: false })
  const pdf = readFileSync(path, 'latin1')
  t.equal(pdf.match(/\/Type\s*\/Page[^s]/g)?.length, 1, 'one sheet')
  const [, width, height] = /\/MediaBox\s*\[\s*0\s+0\s+([\d.]+)\s+([\d.]+)/.exec(pdf) ?? []
  // A5 in points: 419.5 × 595.3.
  t.ok(Math.abs(Number(width) - 419.5) < 2 && Math.abs(Number(height) - 595.3) < 2, `${width} × ${height}`)
})

t.test('the receipt has no accessibility fault that axe can see', async (t) => {
  const { receiptUrl } = await issued(t)
  const page = await phone(t, { javaScriptEnabled: true })
  for (const language of ['vi', 'en']) {
    await page.goto(`${receiptUrl}?lang=${language}`)
    t.same(await axeFaults(page), [], language)
  }
})
