/** The API of refunds: who may do what, lists, payouts with their files, and repeats. */
import { randomUUID } from 'node:crypto'
import { parse } from 'csv-parse/sync'
import t from 'tap'
import { type Finance, testFinance } from '../harness/finance.ts'
import { callApi } from '../harness/gateway.ts'

const payee = { accountNumber: '0123456789', accountName: 'NGUYỄN VĂN AN', bankBin: '970436' }
const account = 'bac_h56-14-colle'

const ask = (invoiceId: string, over: object = {}) => ({
  invoiceId,
  reason: 'NOT_GRANTED',
  legalBasis: 'Thông báo 12/TB-CA',
  channel: 'AGENCY_PAYOUT',
  payee,
  ...over,
})

async function approvedPayout(finance: Finance, over: object = {}): Promise<string> {
  const invoice = await finance.paid()
  const asked = await finance.an('POST', '/refunds', ask(invoice.id, over))
  if (asked.status !== 201) throw new Error(asked.text)
  const id = String(asked.json.id)
  const answer = await finance.binh('POST', `/refunds/${id}/approve`, { version: asked.json.version })
  if (answer.status !== 200) throw new Error(answer.text)
  return id
}

t.test('a payout from request to the bank’s receipt, two people at each decision', async (t) => {
  const finance = await testFinance(t, { background: false })
  const { gateway, an, binh } = finance
  const id = await approvedPayout(finance)
  const order = await an('POST', '/payout-orders', { channel: 'AGENCY_PAYOUT', beneficiaryAccountId: account })
  t.equal(order.status, 201, order.text)
  const lines = order.json.lines as unknown as { amount: number; content: string; reference: string }[]
  t.match(order.json, {
    count: 1,
    from: { accountNumber: '113366668888', bankBin: '970415' },
    lines: [{ refundId: id, status: 'SENT', payee, approvedBy: 'binh', requestedBy: 'an' }],
  })
  t.match(lines[0]?.content, /^HOANTIEN [0-9A-Z]{26} H56 14 261120 \d{4}$/)

  t.match((await binh('POST', `/refunds/${id}/report`, { result: 'DONE', reference: 'FT1' })).json, { status: 403 })
  t.match((await finance.officer('chi', ['finance.approve'])('POST', `/refunds/${id}/confirm`, { version: 3 })).json, {
    status: 409,
    code: 'REFUND_WRONG_STATE',
  })
  const both = finance.officer('dung', ['finance.read', 'finance.resolve', 'finance.approve'])
  const reported = await both('POST', `/refunds/${id}/report`, {
    result: 'DONE',
    reference: 'FT26325001234',
    at: '2026-11-20T04:00:00Z',
  })
  t.match(reported.json, { status: 'SENT', report: { result: 'DONE', reportedBy: 'dung', confirmedBy: null } })
  const { version } = reported.json
  t.match((await both('POST', `/refunds/${id}/confirm`, { version })).json, { status: 403, code: 'FOUR_EYES' })
  const confirmed = await binh('POST', `/refunds/${id}/confirm`, { version })
  t.match(confirmed.json, { status: 'DONE', report: { confirmedBy: 'binh', reference: 'FT26325001234' } })
  t.match(
    (confirmed.json.history as unknown as { event: string; actor: string }[]).map(({ event, actor }) => [event, actor]),
    [
      ['open', 'an'],
      ['approve', 'binh'],
      ['send', 'an'],
      ['report', 'dung'],
      ['confirmDone', 'binh'],
    ],
  )
  t.match((await gateway.api('GET', `/v1/invoices/${String(confirmed.json.invoiceId)}`)).json, { status: 'REFUNDED' })
  const ledger = await an('GET', '/ledger')
  t.match(ledger.json, { sum: 0 })
  t.match(
    (ledger.json.balances as unknown as { account: string; balance: number }[]).find(
      ({ account: name }) => name === `paid-out:${account}`,
    ),
    { balance: -200_000 },
  )
})

t.test('a payout that the bank refused is reported failed by two, and may be ordered again', async (t) => {
  const finance = await testFinance(t, { background: false })
  const { an, binh } = finance
  const id = await approvedPayout(finance)
  const make = () => an('POST', '/payout-orders', { channel: 'AGENCY_PAYOUT', beneficiaryAccountId: account })
  const first = await make()
  t.match((await make()).json, { status: 409, code: 'NOTHING_TO_PAY_OUT' })
  const wrong = await an('POST', `/refunds/${id}/report`, { result: 'DONE', reference: 'FT1' })
  const right = await an('POST', `/refunds/${id}/report`, { result: 'FAILED', reference: 'R03 sai tên' })
  t.match((await binh('POST', `/refunds/${id}/confirm`, { version: wrong.json.version })).json, {
    code: 'REFUND_WRONG_STATE',
    en: { detail: /changed/ },
  })
  t.match((await binh('POST', `/refunds/${id}/confirm`, { version: right.json.version })).json, { status: 'FAILED' })
  const seen = await an('GET', `/refunds/${id}`)
  t.match((await binh('POST', `/refunds/${id}/approve`, { version: seen.json.version })).json, {
    status: 'APPROVED',
    report: null,
    payoutOrderId: null,
  })
  const second = await make()
  t.not(second.json.id, first.json.id)
  t.not(
    (second.json.lines as unknown as { reference: string }[])[0]?.reference,
    (first.json.lines as unknown as { reference: string }[])[0]?.reference,
  )
})

t.test('the order as a file: text stays text, formulas stay words', async (t) => {
  const finance = await testFinance(t, { background: false })
  const { an, gateway, issuer } = finance
  const trap = { ...payee, accountName: '=HYPERLINK("http://x","An, \'Đ\'")', accountNumber: '0000123456789' }
  await approvedPayout(finance, { payee: trap })
  // Ids of one millisecond have no order.
  gateway.environment.advance(1)
  await approvedPayout(finance)
  const order = await an('POST', '/payout-orders', { channel: 'AGENCY_PAYOUT', beneficiaryAccountId: account })
  const id = String(order.json.id)
  const answer = await an('GET', `/payout-orders/${id}/csv`)
  t.equal(answer.status, 200)
  t.match(answer.headers.get('content-type'), 'text/csv; charset=utf-8')
  t.match(answer.headers.get('content-disposition'), `filename="${id}.csv"`)
  const token = await issuer.token({ sub: 'an', roles: ['finance.read'] })
  const raw = Buffer.from(
    await (
      await fetch(`${gateway.url}/v1/finance/payout-orders/${id}/csv`, {
        headers: { authorization: `Bearer ${token}` },
      })
    ).arrayBuffer(),
  )
  t.equal(raw.subarray(0, 3).toString('hex'), 'efbbbf', 'spreadsheets read it as UTF-8')
  const rows = parse(raw, { columns: true, bom: true }) as Record<string, string>[]
  t.equal(rows.length, 2)
  t.match(rows[0], { credit_account: '0000123456789', amount: '200000', debit_account: '113366668888', order: id })
  t.equal(rows[0]?.credit_name, `'${trap.accountName}`)
  t.match((await an('GET', '/payout-orders')).json, { orders: [{ id, count: 2, total: 400_000 }], nextCursor: null })
  t.match((await an('GET', `/payout-orders/${id}`)).json, { id, count: 2 })
})

t.test('officers at two desks: one order takes what is approved, the other finds nothing', async (t) => {
  const finance = await testFinance(t, { background: false })
  for (let index = 0; index < 3; index++) await approvedPayout(finance)
  const body = { channel: 'AGENCY_PAYOUT', beneficiaryAccountId: account }
  const answers = await Promise.all(Array.from({ length: 4 }, () => finance.an('POST', '/payout-orders', body)))
  t.same(answers.map(({ status }) => status).sort(), [201, 409, 409, 409])
  const made = answers.find(({ status }) => status === 201)
  t.equal(made?.json.count, 3)
})

t.test('each role does its part and no other, and nobody sees another tenant', async (t) => {
  const finance = await testFinance(t, { background: false })
  const { an, binh, gateway } = finance
  const invoice = await finance.paid()
  const asked = await an('POST', '/refunds', ask(invoice.id))
  const id = String(asked.json.id)
  const { version } = asked.json
  const reader = finance.officer('xem', ['finance.read'])
  const refused: [Finance['an'], string, object][] = [
    [reader, '/refunds', ask(invoice.id)],
    [binh, '/refunds', ask(invoice.id)],
    [binh, `/refunds/${id}/prepare`, { reason: 'NOT_GRANTED', legalBasis: 'x' }],
    [an, `/refunds/${id}/approve`, { version }],
    [an, `/refunds/${id}/reject`, { why: 'x' }],
    [reader, '/payout-orders', { channel: 'AGENCY_PAYOUT', beneficiaryAccountId: account }],
  ]
  for (const [who, path, body] of refused) t.match((await who('POST', path, body)).json, { status: 403 }, path)
  const both = finance.officer('an', ['finance.read', 'finance.resolve', 'finance.approve'])
  t.match((await both('POST', `/refunds/${id}/approve`, { version })).json, { status: 403, code: 'FOUR_EYES' })
  t.match((await both('POST', `/refunds/${id}/reject`, { why: 'x' })).json, { status: 403, code: 'FOUR_EYES' })
  const stranger = finance.officer('la', ['finance.read', 'finance.resolve', 'finance.approve'], 'ten_khac')
  await gateway.database.query(`INSERT INTO tenants (id, name, created_at) VALUES ('ten_khac', 'Khác', now())`, [])
  t.equal((await stranger('GET', `/refunds/${id}`)).status, 404)
  t.equal((await stranger('POST', `/refunds/${id}/approve`, { version })).status, 404)
  t.equal((await stranger('POST', '/refunds', ask(invoice.id))).status, 404)
  t.match((await stranger('GET', '/refunds')).json, { refunds: [] })
  t.match((await an('GET', `/refunds/${id}`)).json, { status: 'REQUESTED' }, 'nothing of it had an effect')
  t.match((await binh('POST', `/refunds/${id}/reject`, { why: 'Đã cấp kết quả' })).json, { status: 'REJECTED' })
})

t.test(
  'an officer’s key stands for one request: repeated it answers the same, used for another it is refused',
  async (t) => {
    const finance = await testFinance(t, { background: false })
    const { an, binh } = finance
    const invoice = await finance.paid()
    const key = { 'idempotency-key': randomUUID() }
    const body = ask(invoice.id, { items: [{ lineNo: 1, amount: 40_000 }] })
    const answers = await Promise.all([an('POST', '/refunds', body, key), an('POST', '/refunds', body, key)])
    const again = await an('POST', '/refunds', body, key)
    t.equal(again.headers.get('idempotency-replayed'), 'true')
    for (const { status, text } of answers) if (status === 201) t.equal(text, again.text)
    t.match((await an('POST', '/refunds', { ...body, note: 'khác' }, key)).json, { code: 'IDEMPOTENCY_KEY_REUSED' })
    t.match((await an('GET', '/refunds')).json.refunds, { length: 1 })
    const other = finance.officer('chi', ['finance.resolve'])
    t.equal((await other('POST', '/refunds', body, key)).status, 201, 'keys are each officer’s own')
    t.match((await binh('POST', `/refunds/${String(again.json.id)}/approve`, {}, {})).json, { code: 'INVALID_REQUEST' })
  },
)

t.test('lists by state, kind, channel, invoice and dossier, page by page', async (t) => {
  const finance = await testFinance(t, { background: false })
  const { an, binh } = finance
  const invoices = [await finance.paid(), await finance.paid(), await finance.paid()]
  const ids: string[] = []
  for (const invoice of invoices) {
    const asked = await an('POST', '/refunds', ask(invoice.id))
    ids.push(String(asked.json.id))
    // Ids of one millisecond have no order.
    finance.gateway.environment.advance(1)
  }
  await binh('POST', `/refunds/${ids[0]}/reject`, { why: 'x' })
  const list = async (query: string): Promise<string[]> =>
    ((await an('GET', `/refunds?${query}`)).json.refunds as unknown as { id: string }[]).map(({ id }) => id)
  const newest = ids.toReversed()
  t.same(await list(''), newest)
  t.same(await list('open=true'), newest.slice(0, 2))
  t.same(await list('status=REJECTED'), [ids[0]])
  t.same(await list('origin=DUPLICATE'), [])
  t.same(await list('channel=RAIL_REVERSAL'), [])
  t.same(await list('needsHuman=true'), [])
  t.same(await list(`invoiceId=${invoices[1]?.id}`), [ids[1]])
  t.same(await list(`dossierCode=${invoices[2]?.dossierCode.toLowerCase()}`), [ids[2]])
  const page = await an('GET', '/refunds?limit=2')
  t.equal(page.json.nextCursor, ids[1])
  t.same(await list(`limit=2&cursor=${String(page.json.nextCursor)}`), [ids[0]])
  t.match((await an('GET', '/refunds?status=PAID')).json, { code: 'INVALID_REQUEST' })
  t.notMatch(
    (await an('GET', '/refunds')).text,
    payee.accountNumber,
    'accounts stand only where one refund is looked at',
  )
})

t.test('a portal asks for its own dossiers, with its own scope, and follows them', async (t) => {
  const finance = await testFinance(t, { background: false })
  const { gateway } = finance
  const invoice = await finance.paid()
  const path = `/v1/invoices/${invoice.id}/refund-requests`
  const asPortal = async (scopes: readonly string[], method: string, body?: object) => {
    const client = await gateway.addClient({ scopes })
    return await callApi(gateway.url, method, path, body, { authorization: `Bearer ${await client.token()}` })
  }
  const body = { reason: 'NOT_GRANTED', legalBasis: 'Thông báo 12/TB-CA', payee }
  t.equal((await asPortal(['invoices:write', 'payments:write'], 'POST', body)).status, 403)
  t.equal((await asPortal(['refunds:write'], 'POST', body)).status, 404, 'not this portal’s invoice')
  t.equal((await asPortal(['refunds:read'], 'GET')).status, 404)
  const asked = await gateway.api('POST', path, body)
  t.match(asked.json, { status: 'REQUESTED', reason: 'NOT_GRANTED', amount: 200_000, invoiceId: invoice.id })
  t.notMatch(asked.text, payee.accountNumber)
  t.match(asked.headers.get('location'), `${path}/${String(asked.json.id)}`)
  t.match((await gateway.api('GET', path)).json, { refunds: [{ id: asked.json.id }], nextCursor: null })
  t.match((await gateway.api('POST', path, body)).json, { code: 'REFUND_EXCEEDS_PAID' })
  t.match((await gateway.api('POST', path, { ...body, reason: 'WITHDRAWN' })).json, { code: 'REFUND_NOT_ALLOWED' })
  t.match((await gateway.api('POST', path, { ...body, reason: 'PAID_TWICE' })).json, { code: 'INVALID_REQUEST' })
  const seen = await finance.an('GET', `/refunds/${String(asked.json.id)}`)
  t.match(seen.json, { requestedBy: gateway.client.clientId, payee, payment: { disposition: 'APPLIED' } })
})

t.test('fifty officers at once, one payment: never more than was paid', async (t) => {
  const finance = await testFinance(t, { background: false })
  const invoice = await finance.paid()
  const body = ask(invoice.id, { items: [{ lineNo: 1, amount: 7_000 }] })
  const answers = await Promise.all(Array.from({ length: 50 }, () => finance.an('POST', '/refunds', body)))
  t.equal(answers.filter(({ status }) => status === 201).length, 28)
  t.same([...new Set(answers.map(({ status }) => status))].sort(), [201, 409])
})

t.test('what is not exactly a request is refused field by field', async (t) => {
  const finance = await testFinance(t, { background: false })
  const invoice = await finance.paid()
  const settlementId = `stl_${'0'.repeat(26)}`
  const wrong: [string, object][] = [
    ['both places', { ...ask(invoice.id), settlementId }],
    ['no place', { ...ask(invoice.id), invoiceId: undefined }],
    ['no basis', { ...ask(invoice.id), legalBasis: undefined }],
    ['a reason nobody knows', ask(invoice.id, { reason: 'BECAUSE' })],
    ['an amount with a fraction', ask(invoice.id, { items: [{ lineNo: 1, amount: 1.5 }] })],
    ['nothing of a line', ask(invoice.id, { items: [{ lineNo: 1, amount: 0 }] })],
    ['no lines', ask(invoice.id, { items: [] })],
    ['a line that is not there', ask(invoice.id, { items: [{ lineNo: 9 }] })],
    ['a bank that is none', ask(invoice.id, { payee: { ...payee, bankBin: 'VCB' } })],
    ['a hidden character', ask(invoice.id, { legalBasis: 'a\u202eb' })],
    ['a field nobody knows', ask(invoice.id, { approvedBy: 'binh' })],
  ]
  for (const [name, body] of wrong)
    t.match((await finance.an('POST', '/refunds', body)).json, { status: 400, code: 'INVALID_REQUEST' }, name)
  t.equal(
    (await finance.an('POST', '/refunds', { ...ask(invoice.id), invoiceId: undefined, settlementId })).status,
    404,
  )
})
