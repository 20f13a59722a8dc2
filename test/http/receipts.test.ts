import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { issueDue } from '../../src/receipt/issue.ts'
import { summariseDue } from '../../src/receipt/summary.ts'
import { createTokens } from '../../src/signing/tokens.ts'
import { anInvoice, callApi, type TestGateway, testDirectory, testGateway } from '../harness/gateway.ts'
import { testOfficers } from '../harness/officers.ts'

type Bench = TestGateway & {
  officer: (
    method: string,
    path: string,
    roles?: readonly string[],
    body?: unknown,
    headers?: Record<string, string>,
  ) => ReturnType<typeof callApi>
  issue: () => Promise<void>
  /** Issues an invoice over the API and pays it. */
  paid: (over?: Record<string, unknown>) => Promise<{ id: string; payUrl: string }>
}

/** With receipts issued at once unless told otherwise. */
async function bench(t: Test, { issuing = true } = {}): Promise<Bench> {
  const officers = await testOfficers(t)
  const gateway = await testGateway(t, { officerIssuer: officers.issuer })
  const options = {
    database: gateway.database,
    environment: gateway.environment,
    sign: createTokens(gateway.keys).sign,
    publicUrl: () => gateway.url,
    metrics: gateway.gateway.metrics,
    log: pino({ level: 'silent' }),
  }
  const issue = async (): Promise<void> => void (await issueDue(options))
  return {
    ...gateway,
    issue,
    officer: async (method, path, roles = ['finance.read'], body = undefined, headers = {}) =>
      callApi(gateway.url, method, path, body, { ...(await officers.headers(roles)), ...headers }),
    async paid(over = {}) {
      const issued = await gateway.api('POST', '/v1/invoices', anInvoice(over))
      const { id, payCode, total, payUrl } = issued.json as unknown as {
        id: string
        payCode: string
        total: number
        payUrl: string
      }
      await gateway.gateway.settler.settle({
        transferRail: false,
        outcome: {
          rail: 'vnpay',
          accountId: 'vnpay-h56-14',
          merchantRef: payCode,
          railTransactionId: `T${payCode}`,
          kind: 'succeeded',
          amount: BigInt(total),
          currency: 'VND',
          paidAt: gateway.environment.now(),
          source: 'CALLBACK',
          evidence: {},
        },
      })
      if (issuing) await issue()
      return { id, payUrl }
    },
  }
}

type Shown = { id: string; number: number; jws: string; url: string; status: string }
const receiptsOf = async (gateway: TestGateway, id: string): Promise<Shown[]> =>
  (await gateway.api('GET', `/v1/invoices/${id}/receipts`)).json.receipts as unknown as Shown[]

t.test('a portal gets the signed receipts of its invoices, and nobody else does', async (t) => {
  const gateway = await bench(t)
  const invoice = await gateway.paid()
  const [receipt] = await receiptsOf(gateway, invoice.id)
  t.match(receipt, {
    kind: 'LE_PHI',
    status: 'ISSUED',
    amount: 7_000,
    template: 'EBL01',
    symbol: '26TAA',
    number: 1,
    collector: { agencyCode: 'H56.14', name: 'Sở Tư pháp', taxCode: '0100111948' },
    relation: null,
  })
  const other = await gateway.addClient()
  const token = { authorization: `Bearer ${await other.token()}` }
  t.equal((await callApi(gateway.url, 'GET', `/v1/invoices/${invoice.id}/receipts`, undefined, token)).status, 404)
  const unpaid = await gateway.api('POST', '/v1/invoices', anInvoice())
  t.same(await receiptsOf(gateway, String(unpaid.json.id)), [])
})

t.test('feegate verify checks a receipt offline, and refuses a changed one', async (t) => {
  const gateway = await bench(t)
  const [receipt] = await receiptsOf(gateway, (await gateway.paid()).id)
  const folder = t.testdir()
  const jwks = join(folder, 'jwks.json')
  writeFileSync(jwks, await (await fetch(`${gateway.url}/.well-known/jwks.json`)).text())
  const program = fileURLToPath(new URL('../../bin/feegate.js', import.meta.url))
  const verify = async (jws: string): Promise<{ code: number; text: string }> => {
    writeFileSync(join(folder, 'receipt.jws'), jws)
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [
        program,
        'verify',
        join(folder, 'receipt.jws'),
        '--jwks',
        jwks,
      ])
      return { code: 0, text: stdout }
    } catch (error) {
      return error as { code: number; text: string }
    }
  }
  const good = await verify(receipt?.jws ?? '')
  t.equal(good.code, 0)
  t.match(good.text, /feegate-receipt\+jws[\s\S]*"Bảy nghìn đồng"/)
  const [header, payload = '', signature] = (receipt?.jws ?? '').split('.')
  const more = Buffer.from(Buffer.from(payload, 'base64url').toString().replace('7000', '9000')).toString('base64url')
  t.equal((await verify(`${header}.${more}.${signature}`)).code, 1)
})

t.test(
  'the payer sees the receipt from the payment page, in Vietnamese first, and takes the signed one along',
  async (t) => {
    const gateway = await bench(t)
    const invoice = await gateway.paid({ submitter: { name: 'Nguyễn <b>Văn</b> An' } })
    const payment = await (await fetch(invoice.payUrl)).text()
    const [link] = /\/pay\/[\w-]+\/receipts\/rcp_\w+/.exec(payment) ?? []
    t.match(payment, 'Biên lai thu lệ phí: 26TAA số 1')
    const page = await (await fetch(`${gateway.url}${link}`)).text()
    for (const text of [
      'Biên lai thu lệ phí',
      'Sở Tư pháp',
      '0100111948',
      'EBL01',
      '26TAA',
      'Ngày 20 tháng 11 năm 2026',
      'Bảy nghìn đồng',
      '7.000 ₫',
      'Nguyễn &lt;b&gt;Văn&lt;/b&gt; An',
    ])
      t.ok(page.includes(text), text)
    t.match(
      await (await fetch(`${gateway.url}${link}?lang=en`)).text(),
      /Người nộp tiền \/ Payer[\s\S]*Seven thousand dong/,
    )
    const signed = await fetch(`${gateway.url}${link}/signed`)
    t.match(signed.headers.get('content-disposition'), /attachment; filename="rcp_\w+\.jws"/)
    t.equal((await signed.text()).trim(), (await receiptsOf(gateway, invoice.id))[0]?.jws)
    const another = await gateway.paid()
    const foreign = `${new URL(another.payUrl).pathname}/receipts/${link?.split('/').at(-1)}`
    t.equal((await fetch(`${gateway.url}${foreign}`)).status, 404, "another invoice's token opens nothing")
    t.equal(
      (await fetch(`${gateway.url}${new URL(invoice.payUrl).pathname}/receipts/rcp_${'0'.repeat(26)}`)).status,
      404,
    )
  },
)

t.test('while a receipt is being issued the payment page says so', async (t) => {
  const gateway = await bench(t, { issuing: false })
  const invoice = await gateway.paid()
  t.match(await (await fetch(invoice.payUrl)).text(), 'Biên lai đang được lập')
})

t.test('officers find receipts by number, dossier, day and state, page by page, in their tenant only', async (t) => {
  const gateway = await bench(t)
  const [first, second] = [await gateway.paid(), await gateway.paid()]
  const list = async (query: string) =>
    (await gateway.officer('GET', `/v1/finance/receipts?${query}`)).json as unknown as {
      receipts: Shown[]
      nextCursor: string | null
    }
  t.equal((await list('')).receipts.length, 2)
  t.same(
    (await list('symbol=26TAA&number=1')).receipts.map(({ number }) => number),
    [1],
  )
  t.equal((await list(`invoiceId=${second.id}`)).receipts.length, 1)
  t.equal((await list('issuedFrom=2026-11-20&issuedTo=2026-11-20&status=ISSUED&agencyCode=H56.14')).receipts.length, 2)
  t.same((await list('issuedTo=2026-11-19')).receipts, [])
  const page = await list('limit=1')
  t.equal(page.receipts.length, 1)
  const rest = await list(`limit=1&cursor=${page.nextCursor}`)
  t.not(rest.receipts[0]?.id, page.receipts[0]?.id)
  t.equal(rest.nextCursor, null)
  const [receipt] = await receiptsOf(gateway, first.id)
  t.match((await gateway.officer('GET', `/v1/finance/receipts/${receipt?.id}`, ['audit'])).json, {
    id: receipt?.id,
    issuedOn: '2026-11-20',
  })
  t.equal((await gateway.officer('GET', '/v1/finance/receipts', ['ops'])).status, 403)
})

t.test('an officer of another tenant finds nothing', async (t) => {
  const officers = await testOfficers(t)
  const gateway = await testGateway(t, { background: true, officerIssuer: officers.issuer })
  await gateway.load(testDirectory({ tenantId: 'ten_other', agencyCode: 'H15' }))
  const headers = await officers.headers(['finance.read'], { tenant: 'ten_other' })
  t.match((await callApi(gateway.url, 'GET', '/v1/finance/receipts', undefined, headers)).json, { receipts: [] })
  t.match((await callApi(gateway.url, 'GET', '/v1/finance/receipt-summaries', undefined, headers)).json, {
    summaries: [],
  })
})

t.test('a receipt that waits can be asked for again; one that is issued cannot', async (t) => {
  const gateway = await bench(t, { issuing: false })
  const invoice = await gateway.paid()
  const [waiting] = await receiptsOf(gateway, invoice.id)
  await gateway.database.query(
    `UPDATE receipts SET next_try_at = '2030-01-01', last_error = 'RANGE_EXHAUSTED', tries = 9`,
    [],
  )
  const path = `/v1/finance/receipts/${waiting?.id}`
  t.match((await gateway.officer('GET', path)).json, { status: 'REQUESTED', waitsFor: 'RANGE_EXHAUSTED' })
  t.equal((await gateway.officer('POST', `${path}/request-again`)).status, 403, 'reading is not enough')
  t.match((await gateway.officer('POST', `${path}/request-again`, ['finance.resolve'])).json, { waitsFor: null })
  t.same(await gateway.database.query('SELECT next_try_at, tries FROM receipts', []), [{ next_try_at: null, tries: 0 }])
  const issued = await bench(t)
  const [receipt] = await receiptsOf(issued, (await issued.paid()).id)
  const again = await issued.officer('POST', `/v1/finance/receipts/${receipt?.id}/request-again`, ['finance.resolve'])
  t.match(again.json, { status: 409, code: 'RECEIPT_ALREADY_ISSUED' })
})

t.test('an officer corrects the payer once; the same request again gets the same answer', async (t) => {
  const gateway = await bench(t)
  const invoice = await gateway.paid()
  const [receipt] = await receiptsOf(gateway, invoice.id)
  const path = `/v1/finance/receipts/${receipt?.id}/replace`
  const body = { payerName: 'Lê Thị Đúng', reason: 'Sai tên người nộp' }
  const key = { 'idempotency-key': 'correction-1' }
  const first = await gateway.officer('POST', path, ['finance.resolve'], body, key)
  t.match(first, { status: 201, json: { relation: 'REPLACES', relatesToId: receipt?.id } })
  const again = await gateway.officer('POST', path, ['finance.resolve'], body, key)
  t.equal(again.text, first.text)
  t.equal(again.headers.get('idempotency-replayed'), 'true')
  t.match((await gateway.officer('POST', path, ['finance.resolve'], body)).json, {
    status: 409,
    code: 'RECEIPT_NOT_REPLACEABLE',
  })
  t.match((await gateway.officer('POST', path, ['finance.resolve'], { ...body, payerName: 'a|b' })).json, {
    status: 400,
  })
  await gateway.issue()
  t.same((await receiptsOf(gateway, invoice.id)).map(({ number, status }) => `${number} ${status}`).sort(), [
    '1 REPLACED',
    '2 ISSUED',
  ])
  const page = await (await fetch(`${receipt?.url}`)).text()
  t.match(page, /đã được thay thế bởi <a href="[^"]+">26TAA số 2/)
})

t.test('the daily summary is read as lines, as CSV and as XLSX', async (t) => {
  const gateway = await bench(t)
  await gateway.paid()
  await gateway.paid()
  gateway.environment.set(new Date('2026-11-20T16:45:00Z'))
  await summariseDue(gateway)
  const { summaries } = (await gateway.officer('GET', '/v1/finance/receipt-summaries?from=2026-11-20&to=2026-11-20'))
    .json as unknown as { summaries: { id: string }[] }
  const id = summaries[0]?.id ?? ''
  const path = `/v1/finance/receipt-summaries/${id}`
  t.match((await gateway.officer('GET', path, ['audit'])).json, {
    summary: { businessDate: '2026-11-20', part: 1, receipts: 2, amount: 14_000, collector: { taxCode: '0100111948' } },
    lines: [
      { lineNo: 1, template: 'EBL01', symbol: '26TAA', number: 1, status: 'NEW', related: null, amount: 7_000 },
      { lineNo: 2, number: 2 },
    ],
    nextAfterLine: null,
  })
  const csv = await gateway.officer('GET', `${path}?format=csv`)
  t.match(csv.headers.get('content-disposition'), '01-TH-BLDT_0100111948_2026-11-20_1.csv')
  const lines = csv.text.trim().split('\r\n')
  t.match(lines[0], 'Ký hiệu mẫu biên lai')
  t.match(lines[1], /^1,EBL01,26TAA,1,20\/11\/2026,.*,7000,Mới,$/)
  t.equal(lines.length, 3)
  const xlsx = await gateway.officer('GET', `${path}?format=xlsx`)
  t.match(xlsx.headers.get('content-type'), /spreadsheetml/)
  t.equal(xlsx.text.slice(0, 2), 'PK')
})
