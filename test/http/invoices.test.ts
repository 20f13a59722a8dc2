import t from 'tap'
import { keysOfJwks, verifyCompact } from '../../src/signing/compact-jws.ts'
import {
  type ApiAnswer,
  anInvoice,
  callApi,
  feeCodeOf,
  type TestGateway,
  testDirectory,
  testGateway,
} from '../harness/gateway.ts'

const gateway = await testGateway(t)
const { api, environment, url } = gateway

const decision = { number: '12/QD-XPHC', date: '2026-11-19', authority: 'Phòng CSGT' }
const fee = (procedureCode: string, over: object = {}): object => ({ feeCode: feeCodeOf(procedureCode), ...over })

async function issue(over: Record<string, unknown>, from: Pick<TestGateway, 'api'> = gateway): Promise<ApiAnswer> {
  return await from.api('POST', '/v1/invoices', anInvoice(over))
}

/** What the gateway signed, checked with its published keys alone. */
async function signedOf(jws: unknown): Promise<Record<string, unknown> | null> {
  const jwks = (await (await fetch(`${url}/.well-known/jwks.json`)).json()) as { keys: unknown[] }
  const verified = verifyCompact(String(jws), 'feegate-invoice+jws', keysOfJwks(jwks))
  return verified === null ? null : JSON.parse(verified.payload.toString('utf8'))
}

t.test('a portal issues a signed invoice with its price, pay code and pay link, and reads it back', async (t) => {
  const issued = await issue({})
  t.equal(issued.status, 201, issued.text)
  t.match(issued.json, {
    status: 'ISSUED',
    total: 7000,
    currency: 'VND',
    version: 1,
    issuedAt: '2026-11-20T05:00:00.000Z',
    expiresAt: '2026-11-27T05:00:00.000Z',
    payCode: /^[A-Z2-9]{12}$/,
    payUrl: /\/pay\/[A-Za-z0-9_-]{32}$/,
  })
  t.equal(issued.headers.get('location'), `/v1/invoices/${String(issued.json.id)}`)
  const read = await api('GET', `/v1/invoices/${String(issued.json.id)}`)
  t.same(read.json, issued.json)
})

t.test('the signed content says what the answer says, without persons, and no byte of it can be changed', async (t) => {
  const { json } = await issue({ submitter: { name: 'Nguyễn Thị Bí Mật', phone: '0912345678' } })
  const signed = await signedOf(json.jws)
  t.match(signed, {
    iss: url,
    invoiceId: json.id,
    version: 1,
    supersedesId: null,
    dossierCode: json.dossierCode,
    procedureCode: '1.004194',
    collectingAgencyCode: 'H56.14',
    beneficiary: { accountId: json.beneficiaryAccountId, bankBin: '970415', accountNumber: '113366668888' },
    total: 7000,
    currency: 'VND',
    payCode: json.payCode,
    issuedAt: json.issuedAt,
    expiresAt: json.expiresAt,
  })
  const items = json.items as unknown as Record<string, unknown>[]
  const signedItems = signed?.items as Record<string, unknown>[]
  t.equal(signedItems.length, items.length)
  for (const name of ['lineNo', 'rateId', 'rateVersion', 'kind', 'nameVi', 'quantity', 'gross', 'net', 'economicCode'])
    t.same(signedItems[0]?.[name], items[0]?.[name], name)
  t.notMatch(JSON.stringify(signed), /Bí Mật|0912345678/)

  const jws = String(json.jws)
  const keys = keysOfJwks(gateway.keys.publicJwks())
  let accepted = 0
  for (let at = 0; at < jws.length; at++) {
    const other = jws[at] === 'A' ? 'B' : 'A'
    if (verifyCompact(jws.slice(0, at) + other + jws.slice(at + 1), 'feegate-invoice+jws', keys) !== null) accepted++
  }
  t.equal(accepted, 0)
  t.equal(verifyCompact(jws, 'feegate-receipt+jws', keys), null, 'it cannot pass for a receipt')
})

const priced: [string, Record<string, unknown>, Record<string, unknown>][] = [
  ['identity card in the half-price years', { procedureCode: '2.001195', items: [fee('2.001195')] }, { total: 25_000 }],
  [
    'identity card of a digital citizen',
    { procedureCode: '2.001195', items: [fee('2.001195')], payerGroups: ['DIGITAL_CITIZEN'], eIdLevel: 2 },
    { total: 0, status: 'WAIVED' },
  ],
  [
    'identity card of a digital citizen with a lower level',
    { procedureCode: '2.001195', items: [fee('2.001195')], payerGroups: ['DIGITAL_CITIZEN'], eIdLevel: 1 },
    { total: 25_000 },
  ],
  [
    'three copies of an extract',
    { procedureCode: '2.000635', items: [fee('2.000635', { quantity: 3 })] },
    { total: 24_000 },
  ],
  ['five certified pages', { procedureCode: '2.000815', items: [fee('2.000815', { quantity: 5 })] }, { total: 7000 }],
  [
    'a thousand certified pages, capped',
    { procedureCode: '2.000815', items: [fee('2.000815', { quantity: 1000 })] },
    { total: 200_000 },
  ],
  [
    'residence at the counter',
    { procedureCode: '1.004222', channel: 'COUNTER', items: [fee('1.004222')] },
    { total: 20_000 },
  ],
  [
    'criminal record of a student',
    { procedureCode: '2.000488', items: [fee('2.000488')], payerGroups: ['STUDENT'] },
    { total: 100_000 },
  ],
  [
    '0.15 % of a price of land',
    { procedureCode: '1.012000', items: [{ feeCode: 'land-transfer-appraisal', baseAmount: 1_234_567_891 }] },
    { total: 1_851_852 },
  ],
  [
    '0.15 % of a great price of land, capped',
    { procedureCode: '1.012000', items: [{ feeCode: 'land-transfer-appraisal', baseAmount: 999_999_999_999_999 }] },
    { total: 5_000_000 },
  ],
  [
    'two fees of one procedure',
    { procedureCode: '1.002000', items: [fee('1.002000'), { rateId: 'driving-test-a1-practice' }] },
    { total: 130_000 },
  ],
  ['a free registration', { procedureCode: '1.001193', items: [fee('1.001193')] }, { total: 0, status: 'WAIVED' }],
  ['row 27 of the example catalogue', { procedureCode: '1.004960', items: [fee('1.004960')] }, { total: 120_000_000 }],
  [
    'a fine by decision',
    {
      procedureCode: '9.000001',
      items: [{ kind: 'FINE', nameVi: 'Tiền phạt', amount: 4_000_000, economicCode: '4252', decision }],
    },
    { total: 4_000_000 },
  ],
  [
    'a tax above 2^31',
    {
      procedureCode: '1.012000',
      items: [
        {
          kind: 'TAX',
          nameVi: 'Tiền sử dụng đất',
          amount: 3_000_000_000,
          economicCode: '1401',
          taxObligationId: 'TD2026X001',
          decision,
        },
      ],
    },
    { total: 3_000_000_000 },
  ],
]

t.test('the price comes from the catalogue or the decision, and the same sum is signed and stored', async (t) => {
  for (const [name, over, expected] of priced) {
    await t.test(name, async (t) => {
      const issued = await issue(over)
      t.equal(issued.status, 201, issued.text)
      t.match(issued.json, { status: 'ISSUED', ...expected })
      t.match(await signedOf(issued.json.jws), { total: issued.json.total })
      const items = issued.json.items as unknown as { gross: number; reductionAmount: number; net: number }[]
      t.equal(
        items.reduce((sum, { net }) => sum + net, 0),
        issued.json.total,
      )
      for (const { gross, reductionAmount, net } of items) t.equal(gross - reductionAmount, net)
      t.same((await api('GET', `/v1/invoices/${String(issued.json.id)}`)).json, issued.json)
    })
  }
})

t.test('a waived invoice asks for no money', async (t) => {
  const { json } = await issue({ procedureCode: '1.001193', items: [fee('1.001193')] })
  t.equal(json.vietQr, null)
  const page = await (await fetch(`${String(json.payUrl)}?lang=en`)).text()
  t.notMatch(page, /name="rail"/)
  const start = await api('POST', `/v1/invoices/${String(json.id)}/payments`, {
    railAccountId: 'vnpay-h56-14',
    payerIp: '203.0.113.7',
  })
  t.match(start.json, { status: 409, code: 'INVOICE_NOT_OPEN' })
  const [event] = await gateway.database.query<{ type: string }>('SELECT type FROM events WHERE invoice_id = $1', [
    json.id,
  ])
  t.equal(event?.type, 'invoice.waived')
})

t.test('a reduction holds through its last day in Viet Nam and not a second longer', async (t) => {
  const own = await testGateway(t)
  const card = { procedureCode: '2.001195', items: [fee('2.001195')] }
  const price = async (at: string, over: object): Promise<unknown> => {
    own.environment.set(new Date(at))
    return (await issue({ ...card, ...over }, own)).json.total
  }
  t.equal(await price('2026-12-31T16:59:59Z', { dossierCode: 'H56.14-261231-0001' }), 25_000)
  t.equal(await price('2026-12-31T17:00:00Z', { dossierCode: 'H56.14-270101-0001' }), 50_000)
  t.equal(
    await price('2027-01-02T03:00:00Z', { dossierCode: 'H56.14-261231-0002' }),
    25_000,
    'the dossier came in time',
  )
  t.equal(await price('2027-01-02T03:00:00Z', { dossierCode: 'H56.14-270102-0001', submittedOn: '2026-12-31' }), 25_000)
  t.equal(
    await price('2027-01-02T03:00:00Z', { dossierCode: 'H56.14-261231-0003', collectionMode: 'AFTER' }),
    50_000,
    'a later charge takes the price of its own day',
  )
  const digital = { payerGroups: ['DIGITAL_CITIZEN'], eIdLevel: 2 }
  t.equal(await price('2027-02-28T16:59:59Z', { dossierCode: 'H56.14-270228-0001', ...digital }), 0)
  t.equal(await price('2027-02-28T17:00:00Z', { dossierCode: 'H56.14-270301-0001', ...digital }), 50_000)
})

t.test('the same debt of a dossier is demanded once at a time', async (t) => {
  const request = anInvoice()
  const first = await api('POST', '/v1/invoices', request)
  const second = await api('POST', '/v1/invoices', request)
  t.match(second.json, { status: 409, code: 'INVOICE_ALREADY_OPEN' })
  const counter = await api('POST', '/v1/invoices', { ...request, channel: 'COUNTER' })
  t.match(counter.json, { code: 'INVOICE_ALREADY_OPEN' }, 'another price is no other debt')
  await api('POST', `/v1/invoices/${String(first.json.id)}/cancel`, { reason: 'sai' })
  t.equal((await api('POST', '/v1/invoices', request)).status, 201)
  const racing = anInvoice()
  const answers = await Promise.all(Array.from({ length: 20 }, () => api('POST', '/v1/invoices', racing)))
  t.equal(answers.filter(({ status }) => status === 201).length, 1)
  t.equal(answers.filter(({ json }) => json.code === 'INVOICE_ALREADY_OPEN').length, 19)
})

t.test(
  'a cancelled invoice says so to the portal and to the payer, and cannot be cancelled or paid again',
  async (t) => {
    const { json } = await issue({})
    const id = String(json.id)
    const cancelled = await api('POST', `/v1/invoices/${id}/cancel`, { reason: 'Công dân rút hồ sơ' })
    t.equal(cancelled.status, 200)
    t.match(cancelled.json, {
      id,
      status: 'CANCELLED',
      cancelReason: 'Công dân rút hồ sơ',
      vietQr: null,
      jws: json.jws,
    })
    const page = await (await fetch(String(json.payUrl))).text()
    t.match(page, /huỷ|hủy/i)
    t.notMatch(page, /name="rail"/)
    t.match((await api('POST', `/v1/invoices/${id}/cancel`, { reason: 'x' })).json, {
      status: 409,
      code: 'INVOICE_NOT_OPEN',
    })
    const payment = { railAccountId: 'vnpay-h56-14', payerIp: '203.0.113.7' }
    t.match((await api('POST', `/v1/invoices/${id}/payments`, payment)).json, { code: 'INVOICE_NOT_OPEN' })
    t.match((await api('POST', `/v1/invoices/${id}/supersede`, anInvoice())).json, { code: 'INVOICE_NOT_OPEN' })
    const events = await gateway.database.query(
      'SELECT type, invoice_seq::int AS seq FROM events WHERE invoice_id = $1 ORDER BY seq',
      [id],
    )
    t.same(events, [
      { type: 'invoice.issued', seq: 1 },
      { type: 'invoice.cancelled', seq: 2 },
    ])
  },
)

t.test('an invoice that is being paid can be neither cancelled nor superseded until the attempt is over', async (t) => {
  const own = await testGateway(t)
  const request = anInvoice()
  const { json } = await own.api('POST', '/v1/invoices', request)
  const path = `/v1/invoices/${String(json.id)}`
  await own.api('POST', `${path}/payments`, { railAccountId: 'vnpay-h56-14', payerIp: '203.0.113.7' })
  const key = { 'idempotency-key': 'cancel-while-paying' }
  const refused = await own.api('POST', `${path}/cancel`, { reason: 'rút' }, key)
  t.match(refused.json, { status: 409, code: 'INVOICE_BEING_PAID' })
  t.ok(Number(refused.headers.get('retry-after')) > 0)
  t.match((await own.api('POST', `${path}/supersede`, request)).json, { code: 'INVOICE_BEING_PAID' })
  own.environment.advance(3_600_000)
  const again = await own.api('POST', `${path}/cancel`, { reason: 'rút' }, key)
  t.match(again.json, { status: 'CANCELLED' }, 'the caller was told to come again with this very request')
})

t.test('superseding closes the old version and opens the next, both with signatures that hold', async (t) => {
  const request = anInvoice()
  const old = (await api('POST', '/v1/invoices', request)).json
  const path = `/v1/invoices/${String(old.id)}`
  const answer = await api('POST', `${path}/supersede`, { ...request, channel: 'COUNTER' })
  t.equal(answer.status, 201, answer.text)
  const next = answer.json
  t.match(next, { version: 2, supersedesId: old.id, status: 'ISSUED', total: 15_000, dossierCode: old.dossierCode })
  t.not(next.payCode, old.payCode)
  t.match((await api('GET', path)).json, { status: 'SUPERSEDED', supersededById: next.id, version: 1, jws: old.jws })
  t.match(await signedOf(old.jws), { version: 1, total: 7000, supersedesId: null })
  t.match(await signedOf(next.jws), { version: 2, total: 15_000, supersedesId: old.id })
  t.notMatch(await (await fetch(String(old.payUrl))).text(), /name="rail"/)
  t.match((await api('POST', `${path}/supersede`, request)).json, { code: 'INVOICE_NOT_OPEN' })
  t.match((await api('POST', '/v1/invoices', request)).json, { code: 'INVOICE_ALREADY_OPEN' })
  const third = await api('POST', `/v1/invoices/${String(next.id)}/supersede`, request)
  t.match(third.json, { version: 3, supersedesId: next.id })
  const events = await gateway.database.query('SELECT type FROM events WHERE invoice_id = $1 ORDER BY invoice_seq', [
    old.id,
  ])
  t.same(events, [{ type: 'invoice.issued' }, { type: 'invoice.superseded' }])
})

t.test('a refused successor leaves the old invoice open', async (t) => {
  const request = anInvoice()
  const { json } = await api('POST', '/v1/invoices', request)
  const refused = await api('POST', `/v1/invoices/${String(json.id)}/supersede`, {
    ...request,
    procedureCode: '1.999999',
  })
  t.equal(refused.status, 422)
  t.same((await api('GET', `/v1/invoices/${String(json.id)}`)).json, json)
})

t.test('the list is newest first, complete by its cursor, and filtered', async (t) => {
  const own = await testGateway(t)
  const ids: string[] = []
  for (let n = 0; n < 7; n++) {
    own.environment.advance(1000)
    ids.unshift(String((await issue({}, own)).json.id))
  }
  const seen: string[] = []
  let cursor = ''
  let pages = 0
  do {
    const { json } = await own.api('GET', `/v1/invoices?limit=3${cursor}`)
    const { invoices, nextCursor } = json as unknown as { invoices: { id: string }[]; nextCursor: string | null }
    seen.push(...invoices.map(({ id }) => id))
    cursor = nextCursor === null ? '' : `&cursor=${nextCursor}`
    pages++
  } while (cursor !== '' && pages < 10)
  t.same(seen, ids)
  t.equal(pages, 3)

  const found = async (query: string): Promise<string[]> => {
    const { json } = await own.api('GET', `/v1/invoices?${query}`)
    return (json as unknown as { invoices: { id: string }[] }).invoices.map(({ id }) => id)
  }
  const [newest = '', second = ''] = ids
  await own.api('POST', `/v1/invoices/${newest}/cancel`, { reason: 'rút' })
  t.same(await found('status=CANCELLED'), [newest])
  t.equal((await found('status=ISSUED')).length, 6)
  const { dossierCode } = (await own.api('GET', `/v1/invoices/${second}`)).json
  t.same(await found(`dossierCode=${String(dossierCode).toLowerCase()}`), [second])
  t.same(await found('dossierCode=nothing'), [])
  t.equal((await found('agencyCode=H56.14')).length, 7)
  t.same(await found('agencyCode=H99'), [])
  t.same(await found(`issuedFrom=${own.environment.now().toISOString()}`), [newest])
  t.equal((await found(`issuedBefore=${own.environment.now().toISOString()}`)).length, 6)
  t.equal((await found(`issuedBefore=${encodeURIComponent('2026-11-20T12:00:07+07:00')}`)).length, 6)
})

t.test('a batch of a thousand gives each entry its own result, good ones issued and bad ones explained', async (t) => {
  const own = await testGateway(t)
  const open = anInvoice()
  await own.api('POST', '/v1/invoices', open)
  const same = anInvoice()
  const bad = new Map<number, [body: unknown, code: string, field?: string]>([
    [0, [anInvoice({ discount: 1 }), 'INVALID_REQUEST', 'discount']],
    [13, [null, 'INVALID_REQUEST', 'body']],
    [14, [42, 'INVALID_REQUEST', 'body']],
    [100, [anInvoice({ dossierCode: 'H56.14-240230-0001' }), 'INVALID_REQUEST', 'dossierCode']],
    [101, [anInvoice({ procedureCode: '1.999999' }), 'UNKNOWN_PROCEDURE', 'procedureCode']],
    [102, [anInvoice({ collectingAgencyCode: 'H99' }), 'UNKNOWN_AGENCY', 'collectingAgencyCode']],
    [500, [anInvoice({ items: [fee('1.004194', { amount: 1 })] }), 'PRICE_MISMATCH', 'items[0].amount']],
    [501, [anInvoice({ items: [fee('1.004194', { quantity: 0.5 })] }), 'INVALID_REQUEST', 'items[0].quantity']],
    [700, [open, 'INVOICE_ALREADY_OPEN']],
    [998, [same, 'INVOICE_ALREADY_OPEN']],
  ])
  const invoices = Array.from(
    { length: 1000 },
    (_, index) => bad.get(index)?.[0] ?? (index === 997 ? same : bad.has(index) ? null : anInvoice()),
  )
  const key = { 'idempotency-key': 'batch-1' }
  const answer = await own.api('POST', '/v1/invoices/batch', { invoices }, key)
  t.equal(answer.status, 200, answer.text.slice(0, 500))
  const { results, issued, refused } = answer.json as unknown as {
    results: {
      index: number
      invoice?: { id: string; dossierCode: string }
      problem?: { code: string; errors?: { field: string }[] }
    }[]
    issued: number
    refused: number
  }
  t.same([issued, refused, results.length], [1000 - bad.size, bad.size, 1000])
  for (const [index, result] of results.entries()) {
    t.equal(result.index, index)
    const expected = bad.get(index)
    if (expected === undefined) {
      if (result.invoice?.dossierCode !== (invoices[index] as { dossierCode: string }).dossierCode)
        t.fail(`entry ${index} got another's result`)
    } else {
      t.equal(result.problem?.code, expected[1], `entry ${index}`)
      if (expected[2] !== undefined) t.match(result.problem?.errors, [{ field: expected[2] }])
    }
  }
  const [row] = await own.database.query<{ invoices: number; events: number }>(
    'SELECT (SELECT count(*)::int FROM invoices) AS invoices, (SELECT count(*)::int FROM events) AS events',
    [],
  )
  t.same(row, { invoices: 991, events: 991 })
  const again = await own.api('POST', '/v1/invoices/batch', { invoices }, key)
  t.ok(again.text === answer.text, 'a repeat gets the same bytes')
  t.equal(again.headers.get('idempotency-replayed'), 'true')
})

t.test('neither another client nor another tenant can see or touch an invoice', async (t) => {
  const { json } = await issue({})
  const id = String(json.id)
  const payment = await api('POST', `/v1/invoices/${id}/payments`, {
    railAccountId: 'vnpay-h56-14',
    payerIp: '203.0.113.7',
  })
  await gateway.load(testDirectory({ tenantId: 'ten_other', agencyCode: 'H38.2' }))
  for (const tenantId of ['ten_thanhhoa', 'ten_other']) {
    const authorization = `Bearer ${await (await gateway.addClient({ tenantId })).token()}`
    const call = (method: string, path: string, body?: unknown) => callApi(url, method, path, body, { authorization })
    const routes: [string, string, unknown?][] = [
      ['GET', `/v1/invoices/${id}`],
      ['POST', `/v1/invoices/${id}/cancel`, { reason: 'x' }],
      ['POST', `/v1/invoices/${id}/supersede`, anInvoice()],
      ['POST', `/v1/invoices/${id}/payments`, { railAccountId: 'vnpay-h56-14', payerIp: '203.0.113.7' }],
      ['GET', `/v1/payments/${String(payment.json.id)}`],
    ]
    const unknown = await call('GET', '/v1/invoices/inv_00000000000000000000000000')
    for (const [method, path, body] of routes) {
      const answer = await call(method, path, body)
      t.equal(answer.status, 404, `${tenantId} ${method} ${path}`)
      t.equal(answer.text, unknown.text, 'as if it did not exist')
    }
    t.same((await call('GET', '/v1/invoices')).json.invoices, [])
    t.same((await call('GET', `/v1/invoices?dossierCode=${String(json.dossierCode)}`)).json.invoices, [])
    t.same((await call('GET', '/v1/events')).json.events, [])
  }
  const foreign = await gateway.addClient({ tenantId: 'ten_other' })
  const answer = await callApi(url, 'POST', '/v1/invoices', anInvoice(), {
    authorization: `Bearer ${await foreign.token()}`,
  })
  t.match(answer.json, { code: 'UNKNOWN_AGENCY' }, "another tenant's agency is not on record")
  t.match((await api('GET', `/v1/invoices/${id}`)).json, { status: 'PAYING' })
})

t.test('a client limited to agencies issues for those alone', async (t) => {
  const limited = await gateway.addClient({ agencyCodes: ['H56.99'] })
  const authorization = `Bearer ${await limited.token()}`
  const answer = await callApi(url, 'POST', '/v1/invoices', anInvoice(), { authorization })
  t.match(answer.json, { status: 403, code: 'AGENCY_NOT_YOURS' })
  const allowed = await gateway.addClient({ agencyCodes: ['H56.14'] })
  const own = await callApi(url, 'POST', '/v1/invoices', anInvoice(), {
    authorization: `Bearer ${await allowed.token()}`,
  })
  t.equal(own.status, 201)
})

t.test("a dossier keeps its abolished agency's code, and its money goes to the successor's account", async (t) => {
  const directory = testDirectory({ agencyCode: 'H56.77', vnpaySecret: 'B'.repeat(32) })
  const [heir] = directory.agencies
  if (heir === undefined) throw new Error('no agency')
  await gateway.load({
    ...directory,
    agencies: [
      heir,
      { ...heir, code: 'H56.55', validTo: '2026-11-20', successorCode: 'H56.77', aliases: ['000.55.01.H56'] },
    ],
  })
  const lastDay = await issue({ collectingAgencyCode: 'H56.55' })
  t.match(lastDay.json, { code: 'NO_BENEFICIARY_ACCOUNT' }, 'on its last day it still pays into its own account')
  environment.set(new Date('2026-11-21T01:00:00Z'))
  for (const collectingAgencyCode of ['H56.55', '000.55.01.H56']) {
    const { json, text } = await issue({ collectingAgencyCode })
    t.match(json, { status: 'ISSUED', collectingAgencyCode: 'H56.55', beneficiaryAccountId: 'bac_h56-77-colle' }, text)
    t.match(await signedOf(json.jws), {
      collectingAgencyCode: 'H56.55',
      beneficiary: { accountId: 'bac_h56-77-colle' },
    })
  }
})
