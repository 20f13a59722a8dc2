import { request as httpRequest } from 'node:http'
import t, { type Test } from 'tap'
import { reports } from '../../src/http/finance/reports/all.ts'
import { insertAll } from '../../src/store/rows.ts'
import { anInvoice, callApi, type TestGateway, testDirectory, testGateway } from '../harness/gateway.ts'
import { testOfficers } from '../harness/officers.ts'

async function bench(t: Test) {
  const officers = await testOfficers(t)
  const gateway = await testGateway(t, { officerIssuer: officers.issuer, maxConnections: 20 })
  const get = async (path: string, roles = ['finance.read'], over = {}) =>
    callApi(gateway.url, 'GET', path, undefined, await officers.headers(roles, over))
  return { gateway, get, officers }
}

async function pay(gateway: TestGateway): Promise<void> {
  const issued = await gateway.api('POST', '/v1/invoices', anInvoice())
  const { payCode, total } = issued.json as unknown as { payCode: string; total: number }
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
}

t.test(
  'every report answers finance officers and auditors, nobody else, and another tenant with nothing',
  async (t) => {
    const { gateway, get } = await bench(t)
    await pay(gateway)
    await gateway.load(testDirectory({ tenantId: 'ten_other', agencyCode: 'H15' }))
    for (const { name } of reports) {
      const path = `/v1/finance/reports/${name}`
      t.equal((await get(path, ['audit'])).status, 200, name)
      t.equal((await get(path, ['ops'])).status, 403, name)
      t.equal((await callApi(gateway.url, 'GET', path)).status, 401, name)
      t.same((await get(path, ['finance.read'], { tenant: 'ten_other' })).json.rows, [], name)
    }
    const portal = { authorization: `Bearer ${await gateway.client.token()}` }
    t.equal((await callApi(gateway.url, 'GET', '/v1/finance/reports/collections', undefined, portal)).status, 401)
  },
)

t.test('a report comes as JSON with totals, as CSV and as XLSX', async (t) => {
  const { gateway, get } = await bench(t)
  await pay(gateway)
  await pay(gateway)
  const path = '/v1/finance/reports/collections?from=2026-11-01&to=2026-11-30'
  t.match((await get(path)).json, {
    report: 'collections',
    from: '2026-11-01',
    to: '2026-11-30',
    rows: [
      {
        day: '2026-11-20',
        agencyCode: 'H56.14',
        procedureCode: '1.004194',
        payments: 2,
        collected: 14_000,
        net: 14_000,
      },
    ],
    totals: { payments: 2, net: 14_000 },
    nextCursor: null,
  })
  const csv = await get(`${path}&format=csv`)
  t.match(csv.headers.get('content-disposition'), 'attachment; filename="collections_2026-11-01_2026-11-30.csv"')
  t.equal(csv.headers.get('content-type'), 'text/csv; charset=utf-8')
  t.same(csv.text.replace('\uFEFF', '').trim().split('\r\n'), [
    'Ngày,Mã cơ quan,Cơ quan thu,Mã thủ tục,Kênh,Đơn vị thanh toán,Số giao dịch,Đã thu,Ngân hàng thu hồi,Đã hoàn,Còn lại',
    '2026-11-20,H56.14,Sở Tư pháp,1.004194,CARD+ACCOUNT+QR,vnpay,2,14000,0,0,14000',
  ])
  const xlsx = await get(`${path}&format=xlsx`)
  t.equal(xlsx.status, 200)
  t.equal(xlsx.text.slice(0, 2), 'PK')
})

t.test('wrong ranges and cursors are refused by name', async (t) => {
  const { get } = await bench(t)
  const path = '/v1/finance/reports/collections'
  const wrong: [string, string][] = [
    ['from=2026-11-02&to=2026-11-01', 'query.to'],
    ['from=2026-02-30', 'querystring.from'],
    ['cursor=AAAA', 'query.cursor'],
    [`cursor=${Buffer.from('["x","y","z","a","b"]').toString('base64url')}`, 'query.cursor'],
    [`cursor=${Buffer.from('["2026-11-20"]').toString('base64url')}`, 'query.cursor'],
    ['limit=0', 'querystring.limit'],
    ['format=pdf', 'querystring.format'],
    ['colour=red', 'querystring'],
  ]
  for (const [query] of wrong) {
    const answer = await get(`${path}?${query}`)
    t.match(answer.json, { status: 400, code: 'INVALID_REQUEST' }, query)
  }
  t.equal((await get('/v1/finance/reports/nothing')).status, 404)
})

t.test('four files at a time; a reader that goes away frees its place', { timeout: 60_000 }, async (t) => {
  const { gateway, get, officers } = await bench(t)
  await gateway.load(testDirectory())
  // Enough rows that the file does not fit the buffers on its way.
  const at = gateway.environment.now()
  const rows = Array.from({ length: 60_000 }, (_, index) => ({
    index,
    day: new Date(at.getTime() - index * 86_400_000),
  }))
  const [invoice] = await gateway.database.query<{ id: string }>('SELECT id FROM invoices LIMIT 1', [])
  t.equal(invoice, undefined)
  await pay(gateway)
  const [paid] = await gateway.database.query<{ id: string; settlement_id: string }>(
    'SELECT i.id, s.id AS settlement_id FROM invoices i JOIN settlements s ON s.invoice_id = i.id',
    [],
  )
  await insertAll(
    gateway.database,
    'receipts',
    rows.slice(0, 30_000).map(({ index, day }) => ({
      id: `rcp_${String(index).padStart(26, '0')}`,
      tenant_id: 'ten_thanhhoa',
      invoice_id: paid?.id ?? '',
      settlement_id: paid?.settlement_id ?? '',
      creditor_tax_code: String(index),
      kind: 'PHI',
      amount: 1n,
      status: 'REQUESTED',
      alarm: 'WAITING',
      last_error: 'x'.repeat(1_000),
      tries: 0,
      requested_at: day,
    })),
  )
  const path = '/v1/finance/reports/stuck?format=csv'
  const headers = await officers.headers(['finance.read'])
  const open = () =>
    new Promise<ReturnType<typeof httpRequest>>((resolve, reject) => {
      const call = httpRequest(`${gateway.url}${path}`, { headers }, (answer) => {
        answer.pause()
        answer.on('error', () => undefined)
        resolve(call)
      })
      call.on('error', reject)
      call.end()
    })
  const calls = [await open(), await open(), await open(), await open()]
  const refused = await get(path)
  t.match(refused.json, { status: 503, code: 'OVERLOADED' })
  t.equal(refused.headers.get('retry-after'), '10')
  for (const call of calls) {
    call.removeAllListeners('error')
    call.on('error', () => undefined)
    call.destroy()
  }
  let status = 503
  for (let waited = 0; status === 503 && waited < 100; waited++) {
    status = (await get('/v1/finance/reports/collections?format=csv')).status
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  t.equal(status, 200)
  const whole = await get(path)
  t.equal(whole.text.trim().split('\r\n').length, 30_001)
})

t.test('the province pulls every transaction with a cursor', async (t) => {
  const { gateway, get } = await bench(t)
  for (let n = 0; n < 3; n++) await pay(gateway)
  const first = (await get('/v1/finance/transactions?limit=2')).json as unknown as {
    transactions: { cursor: string; transaction: object }[]
    nextCursor: string
  }
  t.equal(first.transactions.length, 2)
  t.match(first.transactions[0]?.transaction, {
    amount: 7_000,
    currency: 'VND',
    agency: { code: 'H56.14' },
    procedureCode: '1.004194',
    rail: 'vnpay',
    direction: 'IN',
  })
  const rest = (await get(`/v1/finance/transactions?after=${first.nextCursor}`)).json as unknown as typeof first
  t.equal(rest.transactions.length, 1)
  const nothing = (await get(`/v1/finance/transactions?after=${rest.nextCursor}`)).json as unknown as typeof first
  t.same(nothing, { transactions: [], nextCursor: rest.nextCursor })
  t.equal((await get('/v1/finance/transactions', ['ops'])).status, 403)
})

t.test('remittance rules of the directory are used', async (t) => {
  const { gateway, get } = await bench(t)
  await gateway.load({
    ...testDirectory({ vnpaySecret: gateway.vnpaySecret }),
    remittanceRules: [{ agencyCode: 'H56.14', cycle: 'MONTHLY', treasuryAccount: '3511.0.1057612' }],
  })
  await pay(gateway)
  t.match((await get('/v1/finance/reports/remittance')).json.rows, [
    { periodEnd: '2026-11-30', cycle: 'MONTHLY', treasuryAccount: '3511.0.1057612', due: 7_000, agencyCode: 'H56.14' },
  ])
})
