/** Routing as portals, payers and officers meet it: one decision for the list, the dry run, the page and the start. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import type { Directory } from '../../src/directory/load.ts'
import {
  type ApiAnswer,
  anInvoice,
  callApi,
  type TestGateway,
  terminalOf,
  testDirectory,
  testGateway,
} from '../harness/gateway.ts'
import { testOfficers } from '../harness/officers.ts'
import { testPartners } from '../harness/partners.ts'

type RailAccountEntry = Directory['railAccounts'][number]
type Routing = NonNullable<Directory['routing']>
type RouteJson = {
  railAccountId: string
  standing: string
  rank: number | null
  share: { weight: number; of: number } | null
  fees: { paidBy: string; amount: number }[]
  checks: {
    code: string
    passed: boolean
    decidedBy: { kind: string; id: string; version: number }
    facts: object
    en: string
  }[]
}

const vietqr = {
  bankBin: '970415',
  accountNumber: '113366668888',
  accountName: 'SO TU PHAP',
  source: { name: 'sepay', mode: 'hmac', secret: 'x'.repeat(32) },
}

function railAccount(id: string, over: Partial<RailAccountEntry> = {}): RailAccountEntry {
  return {
    id,
    rail: 'vnpay',
    beneficiaryAccountId: 'bac_h56-14-colle',
    titleVi: `Thẻ ${id}`,
    titleEn: `Card ${id}`,
    config: {
      tmnCode: terminalOf(id),
      hashSecret: 'A'.repeat(32),
      payUrl: 'http://127.0.0.1:9/pay',
      apiUrl: 'http://127.0.0.1:9/api',
    },
    ...over,
  }
}

/** Loads accounts and rules, and lets the gateway see them. */
async function load(gateway: TestGateway, railAccounts: RailAccountEntry[], routing: Routing): Promise<void> {
  await gateway.load({ ...testDirectory({ railAccounts }), routing })
  gateway.environment.advance(6_000)
}

const issue = async (gateway: TestGateway): Promise<{ id: string; payUrl: string }> => {
  const { json } = await gateway.api('POST', '/v1/invoices', anInvoice())
  return { id: String(json.id), payUrl: String(json.payUrl) }
}
const start = (
  gateway: TestGateway,
  id: string,
  railAccountId: string,
  over: object = {},
  headers = {},
): Promise<ApiAnswer> =>
  gateway.api('POST', `/v1/invoices/${id}/payments`, { railAccountId, payerIp: '203.0.113.7', ...over }, headers)
const routesOf = async (gateway: TestGateway, id: string, query = ''): Promise<RouteJson[]> =>
  (await gateway.api('GET', `/v1/invoices/${id}/routes${query}`)).json.routes as unknown as RouteJson[]
const railsOf = async (gateway: TestGateway, id: string, query = ''): Promise<string[]> =>
  ((await gateway.api('GET', `/v1/invoices/${id}/rails${query}`)).json.rails as unknown as RouteJson[]).map(
    ({ railAccountId }) => railAccountId,
  )

t.test('page, list, dry run and start agree on what is offered, and the refusal names its rule', async (t) => {
  const gateway = await testGateway(t)
  await load(
    gateway,
    [railAccount('vnpay-big'), railAccount('vnpay-small', { position: 1 }), railAccount('vnpay-off', { position: 2 })],
    {
      rules: [
        {
          id: 'small',
          railAccountIds: ['vnpay-small'],
          set: { maxAmount: 5_000, fees: [{ paidBy: 'AGENCY', nameVi: 'Phí', nameEn: 'Fee', fixed: 1_100 }] },
        },
        { id: 'off', railAccountIds: ['vnpay-off'], set: { offered: false } },
        { id: 'off-lifted', railAccountIds: ['vnpay-off'], procedureCodes: ['1.004222'], set: { offered: true } },
      ],
    },
  )
  const { id, payUrl } = await issue(gateway)
  t.same(await railsOf(gateway, id), ['vnpay-big', 'vnpay-h56-14'])
  const routes = await routesOf(gateway, id)
  t.same(
    routes.map(({ railAccountId, standing, rank }) => [railAccountId, standing, rank]),
    [
      ['vnpay-big', 'OFFERED', 1],
      ['vnpay-h56-14', 'OFFERED', 2],
      ['vnpay-small', 'NOT_OFFERED', null],
      ['vnpay-off', 'NOT_OFFERED', null],
    ],
  )
  const small = routes.find(({ railAccountId }) => railAccountId === 'vnpay-small')
  t.match(
    small?.checks.find(({ passed }) => !passed),
    {
      code: 'rule-limit',
      decidedBy: { kind: 'rule', id: 'small', version: 1 },
      facts: { amount: 7_000, maxAmount: 5_000 },
    },
  )
  t.match(small?.fees, [{ paidBy: 'AGENCY', amount: 1_100 }])
  const page = await (await fetch(payUrl)).text()
  for (const route of routes)
    t.equal(page.includes(`value="${route.railAccountId}"`), route.standing === 'OFFERED', route.railAccountId)
  t.match((await start(gateway, id, 'vnpay-small')).json, {
    status: 422,
    code: 'RAIL_NOT_OFFERED',
    detail: '7.000 ₫ vượt mức cao nhất do cơ quan đặt là 5.000 ₫.',
    errors: [{ field: 'railAccountId', code: 'rule-limit' }],
  })
  t.match((await start(gateway, id, 'vnpay-off')).json, { code: 'RAIL_NOT_OFFERED', errors: [{ code: 'switch' }] })
  t.match((await start(gateway, id, 'nobody')).json, { code: 'RAIL_NOT_OFFERED', errors: [{ code: 'unknown' }] })
  t.equal((await start(gateway, id, 'vnpay-big')).status, 201)
  const other = await gateway.api(
    'POST',
    '/v1/invoices',
    anInvoice({ procedureCode: '1.004222', items: [{ feeCode: 'permanent-residence' }] }),
  )
  t.ok((await railsOf(gateway, String(other.json.id))).includes('vnpay-off'), 'the rule for one procedure overrules')
})

t.test(
  'above a rail’s own limit the rail is not offered, and an amount beyond 2^31 goes to one that takes it',
  async (t) => {
    const gateway = await testGateway(t)
    const budget = 'bac_h56-14-state'
    await load(
      gateway,
      [
        railAccount('vnpay-tax', { beneficiaryAccountId: budget }),
        railAccount('qr-tax', { rail: 'vietqr', beneficiaryAccountId: budget, config: vietqr }),
      ],
      {},
    )
    const decision = {
      kind: 'TAX',
      nameVi: 'Thuế',
      amount: 3_000_000_000,
      economicCode: '1006',
      decision: { number: '1/TB', date: '2026-11-19', authority: 'Thuế' },
    }
    const tax = await gateway.api('POST', '/v1/invoices', anInvoice({ items: [decision] }))
    t.equal(tax.status, 201, tax.text)
    t.equal(tax.json.vietQr, null)
    t.same(await railsOf(gateway, String(tax.json.id)), ['vnpay-tax'])
    t.match((await start(gateway, String(tax.json.id), 'qr-tax')).json, {
      code: 'RAIL_NOT_OFFERED',
      errors: [{ code: 'rail-limit' }],
    })
    t.match((await start(gateway, String(tax.json.id), 'vnpay-tax')).json, {
      amount: 3_000_000_000,
      status: 'REDIRECTED',
    })
  },
)

t.test(
  'a rail outside its hours says when it opens; the page names it; the same key works once it is open',
  async (t) => {
    const gateway = await testGateway(t)
    await load(gateway, [railAccount('vnpay-h56-14')], {
      calendars: [{ id: 'morning', weekly: [{ days: ['SAT'], from: '08:00', to: '11:00' }] }],
      rules: [{ id: 'hours', set: { calendarId: 'morning' } }],
    })
    const { id, payUrl } = await issue(gateway)
    const key = { 'idempotency-key': 'k-hours' }
    const refused = await start(gateway, id, 'vnpay-h56-14', {}, key)
    t.match(refused.json, {
      code: 'RAIL_NOT_OFFERED',
      en: { detail: 'Outside its hours, opens again at 08:00 21/11/2026.' },
    })
    t.equal(refused.headers.get('retry-after'), '3600')
    const page = await (await fetch(payUrl)).text()
    t.match(page, /mở lại lúc 08:00 21\/11\/2026/)
    t.notMatch(page, /Dùng mã thanh toán tại quầy/)
    gateway.environment.set(new Date('2026-11-21T01:00:00Z'))
    t.equal((await start(gateway, id, 'vnpay-h56-14', {}, key)).status, 201)
  },
)

t.test('language and place of payment choose among rails', async (t) => {
  const gateway = await testGateway(t)
  await load(gateway, [railAccount('vnpay-h56-14'), railAccount('vnpay-desk')], {
    rules: [
      { id: 'vi-only', railAccountIds: ['vnpay-h56-14'], set: { locales: ['vi'], channels: ['ONLINE'] } },
      { id: 'desk', railAccountIds: ['vnpay-desk'], set: { channels: ['COUNTER'] } },
    ],
  })
  const { id, payUrl } = await issue(gateway)
  t.same(await railsOf(gateway, id), ['vnpay-h56-14'])
  t.same(await railsOf(gateway, id, '?locale=en'), [])
  t.same(await railsOf(gateway, id, '?channel=COUNTER'), ['vnpay-desk'])
  t.notMatch(await (await fetch(`${payUrl}?lang=en`)).text(), /value="vnpay/)
  t.match((await start(gateway, id, 'vnpay-h56-14', { locale: 'en' })).json, { code: 'RAIL_NOT_OFFERED' })
  t.match((await start(gateway, id, 'vnpay-desk')).json, { code: 'RAIL_NOT_OFFERED' })
  t.equal((await start(gateway, id, 'vnpay-desk', { channel: 'COUNTER' })).status, 201)
})

t.test('a paused or closed demand offers nothing; what is not the caller’s does not exist', async (t) => {
  const gateway = await testGateway(t)
  const { id } = await issue(gateway)
  const other = await gateway.addClient()
  const foreign = { authorization: `Bearer ${await other.token()}` }
  for (const path of ['rails', 'routes'])
    t.equal((await callApi(gateway.url, 'GET', `/v1/invoices/${id}/${path}`, undefined, foreign)).status, 404)
  await gateway.api('POST', `/v1/invoices/${id}/cancel`, { reason: 'rút hồ sơ' })
  t.same(await railsOf(gateway, id), [])
  const dry = await gateway.api('GET', `/v1/invoices/${id}/routes`)
  t.match(dry.json, { status: 'CANCELLED', open: false, circuitNote: { vi: /tiến trình/ } })
  t.match((await start(gateway, id, 'vnpay-h56-14')).json, { code: 'INVOICE_NOT_OPEN' })
})

/** A bank that takes the request and cuts the line: whether it acted is not known. */
async function hangingBank(t: Test): Promise<{ url: string; asked: () => number }> {
  let asked = 0
  const server = createServer((request) => {
    asked += 1
    request.socket.destroy()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise((resolve) => server.close(resolve)))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked: () => asked }
}

async function twoBanks(t: Test, firstUrl: string) {
  const { gateway, sandbox } = await testPartners(t)
  const good = sandbox.vietinbank.accountConfig()
  const bank = (id: string, config: Record<string, unknown>) => railAccount(id, { rail: 'vietinbank', config })
  await load(
    gateway,
    [
      bank('bank-first', { ...good, baseUrl: firstUrl, receivingAccounts: ['113366660001'] }),
      bank('bank-spare', good),
      railAccount('vietinbank-test', {
        rail: 'vietinbank',
        config: { ...good, receivingAccounts: ['113366660002'] },
        status: 'PAUSED',
      }),
    ],
    {
      rules: [
        { id: 'equal', railAccountIds: ['bank-first', 'bank-spare'], set: { group: 'bank' } },
        { id: 'spare', railAccountIds: ['bank-spare'], set: { weight: 0 } },
      ],
    },
  )
  const { id } = await issue(gateway)
  const startBank = (headers = {}) =>
    start(gateway, id, 'bank-first', { payerInput: { token: '9704150000001234', tokenIssueDate: '0325' } }, headers)
  const attempts = () =>
    gateway.database.query<{ rail_account_id: string; status: string; keyed: boolean }>(
      'SELECT rail_account_id, status, attempt_key IS NOT NULL AS keyed FROM payments WHERE invoice_id = $1 ORDER BY rail_account_id',
      [id],
    )
  return { gateway, id, startBank, attempts }
}

t.test('a start that never left goes on with the next equal account, under one key', async (t) => {
  const { gateway, id, startBank, attempts } = await twoBanks(t, 'http://127.0.0.1:9/ewallet')
  const key = { 'idempotency-key': 'k-fallback' }
  const started = await startBank(key)
  t.match(
    started.json,
    { railAccountId: 'bank-spare', status: 'REDIRECTED', instruction: { kind: 'otpChallenge' } },
    started.text,
  )
  t.same(await attempts(), [
    { rail_account_id: 'bank-first', status: 'FAILED', keyed: false },
    { rail_account_id: 'bank-spare', status: 'REDIRECTED', keyed: true },
  ])
  t.equal((await startBank(key)).text, started.text)
  t.match((await gateway.api('GET', `/v1/invoices/${id}`)).json, { status: 'PAYING' })
  const journal = await gateway.database.query<{ body: string }>(
    `SELECT body FROM journal_entries WHERE kind = 'payment.created' ORDER BY seq`,
    [],
  )
  t.match(JSON.parse(journal[1]?.body ?? '{}'), { facts: { railAccountId: 'bank-spare', insteadOf: /^pay_/ } })
})

t.test('a start without an answer is never tried at another account', async (t) => {
  const bank = await hangingBank(t)
  const { startBank, attempts } = await twoBanks(t, bank.url)
  t.match((await startBank()).json, { railAccountId: 'bank-first', status: 'UNKNOWN', instruction: { kind: 'wait' } })
  t.equal(bank.asked(), 1)
  t.same(
    (await attempts()).map(({ rail_account_id }) => rail_account_id),
    ['bank-first'],
  )
})

t.test(
  'a rail that stopped answering leaves the list, its spare takes over, and the dry run says whose view that is',
  async (t) => {
    const bank = await hangingBank(t)
    const { gateway, id, startBank } = await twoBanks(t, bank.url)
    for (let failure = 0; failure < 5; failure++) await startBank()
    t.notOk((await railsOf(gateway, id)).includes('bank-first'))
    t.ok((await railsOf(gateway, id)).includes('bank-spare'))
    const dry = await gateway.api('GET', `/v1/invoices/${id}/routes`)
    const first = (dry.json.routes as unknown as RouteJson[]).find(
      ({ railAccountId }) => railAccountId === 'bank-first',
    )
    t.match(first, { standing: 'NOT_OFFERED' })
    t.match(
      first?.checks.find(({ passed }) => !passed),
      { code: 'circuit', facts: { open: true, whenUnanswered: 'HIDE' } },
    )
    t.match(dry.json.circuitNote, { en: /the process that answered/ })
    const asked = bank.asked()
    const equal = await startBank()
    t.match(equal.json, { railAccountId: 'bank-spare' }, `asking for the silent one starts its equal: ${equal.text}`)
    t.equal(bank.asked(), asked)
    gateway.environment.advance(31_000)
    t.ok((await railsOf(gateway, id)).includes('bank-first'), 'after the pause it is tried again')
  },
)

t.test('officers ask about any demand at any time', async (t) => {
  const officers = await testOfficers(t)
  const gateway = await testGateway(t, { officerIssuer: officers.issuer })
  await load(gateway, [railAccount('vnpay-h56-14'), railAccount('vnpay-two')], {
    calendars: [{ id: 'office', weekly: [{ days: ['FRI'], from: '08:00', to: '17:00' }] }],
    rules: [
      { id: 'cards', rails: ['vnpay'], set: { group: 'cards', calendarId: 'office' } },
      { id: 'three', railAccountIds: ['vnpay-two'], set: { weight: 3 } },
    ],
  })
  const ask = async (query: string, roles = ['ops'], over = {}): Promise<ApiAnswer> =>
    callApi(gateway.url, 'GET', `/v1/ops/routes?${query}`, undefined, await officers.headers(roles, over))
  const demand = 'agencyCode=H56.14&procedureCode=1.004194.000.00.00.H56&amount=7000'
  const now = await ask(demand)
  t.equal(now.status, 200, now.text)
  const [fees] = now.json.beneficiaryAccounts as unknown as { creditor: string; routes: RouteJson[] }[]
  t.equal(fees?.creditor, 'COLLECTING_AGENCY')
  t.match(fees?.routes, [
    { railAccountId: 'vnpay-two', standing: 'OFFERED', share: { weight: 3, of: 4 } },
    { railAccountId: 'vnpay-h56-14', standing: 'STANDBY', behind: 'vnpay-two', share: { weight: 1, of: 4 } },
  ])
  const sunday = await ask(`${demand}&at=2026-11-22T05:00:00Z`, ['finance.read'])
  const [closed] = sunday.json.beneficiaryAccounts as unknown as { routes: RouteJson[] }[]
  t.match(
    closed?.routes.map(({ standing }) => standing),
    ['NOT_OFFERED', 'NOT_OFFERED'],
  )
  t.match((await ask(demand, ['audit'])).json, { code: 'FORBIDDEN' })
  t.match((await ask(demand, ['ops'], { tenant: 'ten_other' })).json, { code: 'FORBIDDEN' }, 'nobody loaded it')
  await gateway.load(testDirectory({ tenantId: 'ten_other', agencyCode: 'H57.1', railAccounts: [] }))
  t.match((await ask(demand, ['ops'], { tenant: 'ten_other' })).json, { code: 'UNKNOWN_AGENCY' })
  t.match((await ask('agencyCode=H99&procedureCode=1.004194&amount=7000')).json, { code: 'UNKNOWN_AGENCY' })
  t.match((await ask('agencyCode=H56.14&procedureCode=1.1&amount=7000')).json, {
    code: 'INVALID_REQUEST',
    errors: [{ field: 'querystring.procedureCode' }],
  })
  t.match((await ask('agencyCode=H56.14&procedureCode=1.004194&amount=0')).json, { code: 'INVALID_REQUEST' })
})
