/** Ideas of people who have a token, a page or an office of their own and want what is another's. */
import { randomUUID } from 'node:crypto'
import t from 'tap'
import { roles } from '../../src/http/auth/officer.ts'
import { attemptsAnHour } from '../../src/payment/attempt-limit.ts'
import { testFinance } from '../harness/finance.ts'
import { anInvoice, callApi, type TestGateway, terminalOf, testDirectory, testGateway } from '../harness/gateway.ts'
import { testOfficers } from '../harness/officers.ts'
import { testPartners } from '../harness/partners.ts'

type Opened = { readonly id: string; readonly page: string }

async function issued(gateway: TestGateway, over: Record<string, unknown> = {}): Promise<Opened> {
  const invoice = await gateway.api('POST', '/v1/invoices', anInvoice(over))
  if (invoice.status !== 201) throw new Error(invoice.text)
  return { id: String(invoice.json.id), page: new URL(String(invoice.json.payUrl)).pathname }
}

const form = (gateway: TestGateway, path: string, fields: Record<string, string>) =>
  callApi(gateway.url, 'POST', path, new URLSearchParams(fields).toString(), {
    'content-type': 'application/x-www-form-urlencoded',
    'sec-fetch-site': 'same-origin',
  })

const trap = `<img src=x onerror=alert(1)>"'&lt;</title><script>x</script>{{7*7}}`

t.test('a payer pays into the account of the invoice and no other, whatever the form names', async (t) => {
  const gateway = await testGateway(t)
  const elsewhere = testDirectory({ tenantId: 'ten_other', agencyCode: 'H57.1' })
  await gateway.load(elsewhere)
  const [model] = testDirectory({ vnpaySecret: gateway.vnpaySecret }).railAccounts
  if (model === undefined) throw new Error('no rail account')
  const budget = { ...model, id: 'vnpay-budget', beneficiaryAccountId: 'bac_h56-14-state' }
  const own = { ...budget, config: { ...model.config, tmnCode: terminalOf('vnpay-budget') } }
  await gateway.load(testDirectory({ railAccounts: [own, model] }))
  gateway.environment.advance(6_000)
  const { id, page } = await issued(gateway)
  for (const rail of ['vnpay-h57-1', 'vnpay-budget', 'counter-sandbox', '../vnpay-h56-14', 'VNPAY-H56-14']) {
    const answer = await form(gateway, `${page}/start`, { rail, lang: 'vi' })
    t.ok(answer.status >= 400 && answer.status < 500, `${rail}: ${answer.status}`)
  }
  t.same(await gateway.database.query('SELECT id FROM payments WHERE invoice_id = $1', [id]), [])
  t.equal((await form(gateway, `${page}/start`, { rail: 'vnpay-h56-14', lang: 'vi' })).status, 303)
})

t.test('a page opens its own receipts, slips, attempts and invoices only', async (t) => {
  const finance = await testFinance(t)
  const { gateway } = finance
  const paid = await finance.paid({ submitter: { name: trap } })
  const receipts = async (): Promise<{ id: string; token: string }[]> =>
    gateway.database.query(
      `SELECT r.id, i.pay_token AS token FROM receipts r JOIN invoices i ON i.id = r.invoice_id WHERE r.invoice_id = $1 AND r.jws IS NOT NULL`,
      [paid.id],
    )
  let found = await receipts()
  for (let n = 0; found.length === 0 && n < 200; n++) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    found = await receipts()
  }
  const [receipt] = found
  const shown = await callApi(gateway.url, 'GET', `/pay/${receipt?.token}/receipts/${receipt?.id}`)
  t.equal(shown.status, 200)
  t.match(shown.text, '&lt;img src=x', 'the name is on it, as words')
  t.notMatch(shown.text, /<img src=x|<script>x/)
  const { page, id } = await issued(gateway)
  const payment = await gateway.api('POST', `/v1/invoices/${id}/payments`, {
    railAccountId: 'vnpay-box',
    payerIp: '203.0.113.7',
  })
  const third = await issued(gateway)
  const basket = await gateway.api('POST', '/v1/baskets', { invoiceIds: [third.id] })
  const basketPage = new URL(String(basket.json.payUrl)).pathname
  for (const path of [
    `${third.page}/receipts/${receipt?.id}`,
    `${third.page}/receipts/${receipt?.id}/signed`,
    `${third.page}/payments/${String(payment.json.id)}`,
    `${basketPage}/payments/${String(payment.json.id)}`,
  ])
    t.equal((await callApi(gateway.url, 'GET', path)).status, 404, path)
  t.equal(
    (await form(gateway, `${third.page}/payments/${String(payment.json.id)}/confirm`, { otp: '123456', lang: 'vi' }))
      .status,
    404,
  )
  t.equal((await form(gateway, `${basketPage}/start`, { rail: 'vnpay-box', lang: 'vi', invoice: id })).status, 404)
  t.equal((await callApi(gateway.url, 'GET', page)).status, 200)
})

t.test('whoever has a link cannot begin payments without end, nor have codes sent or guess them', async (t) => {
  const { gateway } = await testPartners(t, { only: ['vnpay', 'vietinbank'] })
  const { id } = await issued(gateway)
  const begin = (rail: string, over = {}) =>
    gateway.api('POST', `/v1/invoices/${id}/payments`, {
      railAccountId: rail,
      payerIp: '203.0.113.7',
      payerInput: { token: '9704150000001234', tokenIssueDate: '0325' },
      ...over,
    })
  for (let n = 0; n < attemptsAnHour.withCode; n++) t.equal((await begin('vietinbank-test')).status, 201)
  const refused = await begin('vietinbank-test')
  t.match(refused, { status: 429, json: { code: 'RATE_LIMITED' } })
  t.ok(Number(refused.headers.get('retry-after')) > 3_000, 'it says when')
  for (let n = attemptsAnHour.withCode; n < attemptsAnHour.all; n++)
    t.equal((await begin('vnpay-test', { payerInput: {} })).status, 201)
  t.equal((await begin('vnpay-test', { payerInput: {} })).status, 429)
  const { page } = await issued(gateway)
  t.equal(
    (await form(gateway, `${page}/start`, { rail: 'vnpay-test', lang: 'vi' })).status,
    303,
    'another invoice is free',
  )
  gateway.environment.advance(60 * 60_000 + 1_000)
  t.not((await begin('vnpay-test', { payerInput: {} })).status, 429)
})

t.test('words that a portal sends are words on every page', async (t) => {
  const gateway = await testGateway(t)
  const { page } = await issued(gateway, { submitter: { name: trap }, payer: { name: trap, address: trap } })
  for (const path of [
    page,
    `${page}?lang=en`,
    `${page}/slips/col_00000000000000000000000001`,
    `${page}?lang=${encodeURIComponent('"><script>')}`,
  ]) {
    const { text, headers } = await callApi(gateway.url, 'GET', path)
    t.notMatch(text, /<img src=x|<script>x|onerror=alert\(1\)>/, path)
    t.match(headers.get('content-security-policy') ?? '', /default-src 'none'/)
  }
})

t.test('headers that speak for proxies and frameworks change neither address, nor method, nor caller', async (t) => {
  const gateway = await testGateway(t)
  const { page } = await issued(gateway)
  const hostile = {
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'javascript',
    'x-original-url': '/v1/invoices',
    'x-rewrite-url': '/v1/invoices',
    forwarded: 'for=10.0.0.1;host=evil.example',
    'x-http-method-override': 'DELETE',
    'client-cert': ':AAAA:',
    'x-ssl-client-verify': 'SUCCESS',
  }
  const answer = await callApi(gateway.url, 'GET', page, undefined, hostile)
  t.equal(answer.status, 200)
  t.notMatch(answer.text, /evil\.example/)
  const invoice = await gateway.api('POST', '/v1/invoices', anInvoice(), hostile)
  t.ok(String(invoice.json.payUrl).startsWith(gateway.url), 'links are made from the setting')
  t.equal((await callApi(gateway.url, 'GET', '/v1/invoices', undefined, hostile)).status, 401)
  t.match((await gateway.api('GET', `/v1/invoices/${String(invoice.json.id)}`, undefined, hostile)).json, {
    status: 'ISSUED',
  })
})

t.test(
  'names of JavaScript’s own objects are names like any other: unknown ones are refused, nothing is polluted',
  async (t) => {
    const gateway = await testGateway(t)
    const body = JSON.stringify(anInvoice()).slice(0, -1)
    for (const extra of [
      '"__proto__":{"isAdmin":true}',
      '"constructor":{"prototype":{"isAdmin":true}}',
      '"toString":"x"',
      '"\\u005f_proto__":{"scopes":["catalogue:write"]}',
    ]) {
      const answer = await gateway.api('POST', '/v1/invoices', `${body},${extra}}`)
      t.equal(answer.status, 400, `${extra} ${answer.text}`)
    }
    t.equal((await gateway.api('POST', '/v1/invoices', `${body},"submitter":{"__proto__":{"name":"x"}}}`)).status, 400)
    t.notOk('isAdmin' in {})
  },
)

type Parameter = { in: string; name: string; schema: { pattern?: string } }
type Document = { paths: Record<string, Record<string, { parameters?: Parameter[]; security?: object[] }>> }

t.test('no query of any route is broken by a NUL, broken UTF-8 or a quote', async (t) => {
  const { gateway, issuer } = await testFinance(t, { background: false })
  const document = gateway.gateway.server.swagger() as unknown as Document
  const officer = `Bearer ${await issuer.token({ sub: 'an', roles: [...roles] })}`
  const portal = `Bearer ${await gateway.client.token()}`
  let tried = 0
  for (const [template, { get }] of Object.entries(document.paths)) {
    const parameters = get?.parameters ?? []
    const prefixOf = (name: string): string =>
      /^\^([a-z]{3}_)/.exec(parameters.find((one) => one.name === name)?.schema.pattern ?? '')?.[1] ?? ''
    const path = template.replace(/\{(\w+)\}/g, (_whole, name: string) => `${prefixOf(name)}${'0'.repeat(25)}1`)
    const authorization = JSON.stringify(get?.security ?? []).includes('officer') ? officer : portal
    for (const { name } of parameters.filter((one) => one.in === 'query')) {
      for (const value of ['a%00b', '%FF%FE', "'%20OR%201=1--"]) {
        const { status, text } = await callApi(gateway.url, 'GET', `${path}?${name}=${value}`, undefined, {
          authorization,
        })
        if (status >= 500) t.fail(`${path}?${name}=${value}: ${status} ${text}`)
        tried++
      }
    }
  }
  t.ok(tried > 300, `${tried} queries`)
})

t.test(
  'an officer called like the gateway, the operator, a rail, a client or almost like a colleague is nobody',
  async (t) => {
    const officers = await testOfficers(t)
    const gateway = await testGateway(t, { officerIssuer: officers.issuer })
    const ask = async (sub: string): Promise<number> =>
      (
        await callApi(
          gateway.url,
          'GET',
          '/v1/finance/refunds',
          undefined,
          await officers.headers(['finance.read'], { sub }),
        )
      ).status
    for (const sub of [
      'feegate',
      'FeeGate',
      'payer',
      'operator:cli',
      'rail:vnpay-h56-14',
      'cli_01jnz0000000000000000000ab',
      'officer:ten_thanhhoa:an',
      'an\u200b',
      'an ',
      ' an',
      'an\n{"level":"info"}',
      'a\u0000n',
      'ke\u0302',
      '',
    ])
      t.equal(await ask(sub), 401, JSON.stringify(sub))
    for (const sub of [
      'an',
      'Nguyễn Thị Kế',
      'f1d0a7c2-9c1e-4c1b-8b11-0a4c9d1e2f30',
      'auth0|5f7c',
      'an@stp.thanhhoa.gov.vn',
    ])
      t.equal(await ask(sub), 200, sub)
  },
)

t.test('one Idempotency-Key in two hands is two keys', async (t) => {
  const finance = await testFinance(t, { background: false })
  const { gateway } = finance
  const key = { 'idempotency-key': randomUUID() }
  const invoice = await gateway.api('POST', '/v1/invoices', anInvoice(), key)
  const other = await gateway.addClient()
  const theirs = await callApi(gateway.url, 'POST', '/v1/invoices', anInvoice(), {
    ...key,
    authorization: `Bearer ${await other.token()}`,
  })
  t.equal(theirs.status, 201)
  t.not(theirs.json.id, invoice.json.id)
  const paid = await finance.paid()
  const ask = { invoiceId: paid.id, reason: 'NOT_GRANTED', legalBasis: 'Thông báo 12/TB', channel: 'RAIL_REVERSAL' }
  const first = await finance.an('POST', '/refunds', ask, key)
  t.equal(first.status, 201, first.text)
  const second = await finance.officer('chi', ['finance.read', 'finance.resolve'])('POST', '/refunds', ask, key)
  t.equal(second.headers.get('idempotency-replayed'), null, 'another officer does not get the answer of the first')
  t.equal(second.status, 409, second.text)
})

t.test('the name of an uploaded file is a name: no path, no header', async (t) => {
  const { gateway, issuer } = await testFinance(t, { background: false })
  const token = await issuer.token({ sub: 'an', roles: ['finance.read', 'finance.resolve'] })
  const authorization = `Bearer ${token}`
  for (const name of ['../../../../tmp/feegate-owned', '/etc/passwd', 'a\r\nset-cookie: x=1', 'con\u202egpj.exe']) {
    const answer = await callApi(
      gateway.url,
      'POST',
      `/v1/finance/statement-files?name=${encodeURIComponent(name)}`,
      Buffer.from('no statement at all'),
      { authorization, 'content-type': 'application/octet-stream' },
    )
    t.ok(answer.status < 500, `${name}: ${answer.status} ${answer.text}`)
    t.equal(answer.headers.get('set-cookie'), null)
    const id = answer.json.id
    if (typeof id !== 'string') continue
    const shown = await callApi(gateway.url, 'GET', `/v1/finance/statement-files/${id}`, undefined, { authorization })
    t.ok(shown.status < 500, shown.text)
  }
})
