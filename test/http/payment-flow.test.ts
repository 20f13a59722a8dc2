import { createHmac, randomUUID } from 'node:crypto'
import t from 'tap'
import { anInvoice, callApi, type TestGateway, testGateway } from '../harness/gateway.ts'

/** An IPN as VNPAY signs it, written from rails.md §1.2 and not with the adapter's code. */
function ipn(secret: string, fields: Record<string, string>): string {
  const query = new URLSearchParams(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1))).toString()
  return `${query}&vnp_SecureHash=${createHmac('sha512', secret).update(query).digest('hex')}`
}

const paid = (txnRef: string, amount: number, over: Record<string, string> = {}): Record<string, string> => ({
  vnp_TmnCode: 'TESTGW01',
  vnp_Amount: String(amount * 100),
  vnp_BankCode: 'NCB',
  vnp_BankTranNo: 'VNP1',
  vnp_CardType: 'ATM',
  vnp_PayDate: '20261120120130',
  vnp_OrderInfo: 'le phi',
  vnp_TransactionNo: '14500001',
  vnp_ResponseCode: '00',
  vnp_TransactionStatus: '00',
  vnp_TxnRef: txnRef,
  ...over,
})

async function startedPayment(
  gateway: TestGateway,
): Promise<{ invoiceId: string; payUrl: string; paymentId: string; txnRef: string; total: number }> {
  const invoice = await gateway.api('POST', '/v1/invoices', anInvoice())
  const invoiceId = String(invoice.json.id)
  const payment = await gateway.api('POST', `/v1/invoices/${invoiceId}/payments`, {
    railAccountId: 'vnpay-h56-14',
    payerIp: '203.0.113.7',
  })
  return {
    invoiceId,
    payUrl: String(invoice.json.payUrl),
    paymentId: String(payment.json.id),
    txnRef: String(payment.json.merchantRef),
    total: Number(invoice.json.total),
  }
}

const callbackPath = '/callbacks/vnpay/vnpay-h56-14'

t.test(
  'a portal starts a card payment, the bank confirms it once, and the invoice, the books and the page say paid',
  async (t) => {
    const gateway = await testGateway(t)
    const { invoiceId, payUrl, paymentId, txnRef, total } = await startedPayment(gateway)
    const query = ipn(gateway.vnpaySecret, paid(txnRef, total))
    const first = await callApi(gateway.url, 'GET', `${callbackPath}?${query}`)
    t.same([first.status, first.text], [200, '{"RspCode":"00","Message":"Confirm Success"}'])
    const second = await callApi(gateway.url, 'GET', `${callbackPath}?${query}`)
    t.equal(second.text, '{"RspCode":"02","Message":"Order already confirmed"}')
    t.match((await gateway.api('GET', `/v1/invoices/${invoiceId}`)).json, {
      status: 'PAID',
      paidAt: '2026-11-20T05:01:30.000Z',
    })
    t.match((await gateway.api('GET', `/v1/payments/${paymentId}`)).json, { status: 'SUCCEEDED' })
    // Ids sort to the millisecond only, and both may have come in the same one.
    const evidence = await gateway.database.query('SELECT verdict FROM callbacks ORDER BY verdict', [])
    t.same(evidence, [{ verdict: 'recorded' }, { verdict: 'repeated' }])
    t.match(await (await fetch(payUrl)).text(), /Đã thanh toán/)
    t.match(await (await fetch(`${payUrl}?lang=en`)).text(), /The agency has been told/)
  },
)

t.test('a tampered, unknown or differing callback is answered by the book and moves nothing', async (t) => {
  const gateway = await testGateway(t)
  const { invoiceId, txnRef, total } = await startedPayment(gateway)
  const answer = async (query: string): Promise<string> =>
    (await callApi(gateway.url, 'GET', `${callbackPath}?${query}`)).text
  const good = ipn(gateway.vnpaySecret, paid(txnRef, total))
  t.match(await answer(good.replace('vnp_Amount=700000', 'vnp_Amount=700100')), '"RspCode":"97"')
  t.match(await answer(`${good}&vnp_Amount=1`), '"RspCode":"97"')
  t.match(await answer(ipn(gateway.vnpaySecret, paid(txnRef, total, { vnp_TmnCode: 'OTHERGW1' }))), '"RspCode":"97"')
  t.match(await answer(ipn(gateway.vnpaySecret, paid(txnRef, total + 1))), '"RspCode":"04"')
  t.match(
    await answer(ipn(gateway.vnpaySecret, paid('FGUNKNOWN', total, { vnp_TransactionNo: '99' }))),
    '"RspCode":"01"',
  )
  t.match((await gateway.api('GET', `/v1/invoices/${invoiceId}`)).json, { status: 'PAYING' })
  const refused = await gateway.database.query(
    `SELECT verdict FROM callbacks WHERE verdict LIKE 'refused%' ORDER BY id`,
    [],
  )
  t.equal(refused.length, 3, 'each refusal leaves its evidence')
})

t.test('an unknown rail, account or account of another rail gets the same 404', async (t) => {
  const { url } = await testGateway(t)
  const answers = await Promise.all(
    ['/callbacks/nobank/x', '/callbacks/vnpay/nobody', '/callbacks/vietqr/vnpay-h56-14', '/nothing'].map((path) =>
      callApi(url, 'GET', path),
    ),
  )
  t.same(new Set(answers.map(({ status }) => status)), new Set([404]))
  t.equal(new Set(answers.map(({ text }) => text)).size, 1)
})

t.test(
  'the payment page shows agency, dossier, fees with their basis and the rails, works by forms alone, and stays small',
  async (t) => {
    const gateway = await testGateway(t)
    const invoice = await gateway.api('POST', '/v1/invoices', anInvoice())
    const payUrl = String(invoice.json.payUrl)
    const page = await fetch(payUrl)
    const html = await page.text()
    t.match(page.headers.get('content-security-policy'), /default-src 'none'/)
    t.equal(page.headers.get('referrer-policy'), 'no-referrer')
    for (const part of [
      'Sở Tư pháp',
      String(invoice.json.dossierCode),
      '7.000 ₫',
      'Thông tư',
      String(invoice.json.payCode),
      'VNPAY',
    ])
      t.ok(html.includes(part), `shows ${part}`)
    t.notMatch(html, /<script/)
    const style = await (await fetch(`${gateway.url}/pay/assets/style.css`)).text()
    t.ok(html.length + style.length < 60_000)
    const started = await fetch(`${payUrl}/start`, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ rail: 'vnpay-h56-14', lang: 'vi' }),
    })
    t.equal(started.status, 303)
    const attempt = await (await fetch(`${gateway.url}${started.headers.get('location')}`)).text()
    t.match(attempt, /http-equiv="refresh" content="1;url=http:\/\/127\.0\.0\.1:9\/pay\?/)
    t.match(await (await fetch(payUrl)).text(), /Đang chờ ngân hàng xác nhận/)
  },
)

t.test('wrong, foreign and misspelt page addresses all look the same', async (t) => {
  const gateway = await testGateway(t)
  const { payUrl } = await startedPayment(gateway)
  const other = await startedPayment(gateway)
  const pages = await Promise.all(
    [
      `${payUrl.slice(0, -1)}${payUrl.endsWith('A') ? 'B' : 'A'}`,
      `${gateway.url}/pay/short`,
      `${gateway.url}/pay/${'A'.repeat(32)}`,
      `${payUrl}/payments/${other.paymentId}`,
    ].map(async (url) => {
      const answer = await fetch(url)
      return [answer.status, await answer.text()].join(' ')
    }),
  )
  t.equal(new Set(pages).size, 1)
  t.match(pages[0], /^404 .*Không tìm thấy khoản thu/s)
})

t.test('64 confirmations of one order at once: one is recorded, all others are told it is done', async (t) => {
  const gateway = await testGateway(t)
  const { txnRef, total } = await startedPayment(gateway)
  const query = ipn(gateway.vnpaySecret, paid(txnRef, total))
  const answers = await Promise.all(
    Array.from({ length: 64 }, () => callApi(gateway.url, 'GET', `${callbackPath}?${query}`)),
  )
  t.equal(answers.filter(({ text }) => text.includes('"00"')).length, 1)
  t.equal(answers.filter(({ text }) => text.includes('"02"')).length, 63)
})

t.test('the same key starts one attempt; a new key starts another', async (t) => {
  const gateway = await testGateway(t)
  const invoice = await gateway.api('POST', '/v1/invoices', anInvoice())
  const start = (key: string) =>
    gateway.api(
      'POST',
      `/v1/invoices/${String(invoice.json.id)}/payments`,
      { railAccountId: 'vnpay-h56-14', payerIp: '203.0.113.7' },
      { 'idempotency-key': key },
    )
  const key = randomUUID()
  const [first, again, another] = [await start(key), await start(key), await start(randomUUID())]
  t.equal(again.text, first.text)
  t.equal(again.headers.get('idempotency-replayed'), 'true')
  t.not(another.json.id, first.json.id)
})
