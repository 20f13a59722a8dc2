/** Baskets through the API: made of open invoices or issued whole, done when nothing is left, told of once. */
import { createHmac, randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import {
  type ApiAnswer,
  anInvoice,
  callApi,
  type TestGateway,
  terminalOf,
  testDirectory,
  testGateway,
} from '../harness/gateway.ts'

type BasketJson = {
  id: string
  status: string
  payUrl: string
  total: number
  paid: number
  owed: number
  lapsed: number
  paidAt: string | null
  invoices: { id: string; lineNo: number; part: string; status: string; total: number; dossierCode: string }[]
}

const asBasket = (json: unknown): BasketJson => json as BasketJson

function ipn(secret: string, fields: Record<string, string>): string {
  const query = new URLSearchParams(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1))).toString()
  return `${query}&vnp_SecureHash=${createHmac('sha512', secret).update(query).digest('hex')}`
}

const accountInto = (beneficiaryAccountId: string): string =>
  `vnpay-${beneficiaryAccountId.slice('bac_h56-14-'.length)}`

/** A gateway whose three creditors all take cards. */
async function basketGateway(t: Test, over: Parameters<typeof testGateway>[1] = {}): Promise<TestGateway> {
  const gateway = await testGateway(t, over)
  const { beneficiaryAccounts } = testDirectory()
  await gateway.load(
    testDirectory({
      railAccounts: beneficiaryAccounts.map(({ id, creditorName }) => ({
        id: accountInto(id),
        rail: 'vnpay',
        beneficiaryAccountId: id,
        titleVi: `Thẻ ${creditorName}`,
        titleEn: 'Card',
        config: {
          tmnCode: terminalOf(accountInto(id)),
          hashSecret: gateway.vnpaySecret,
          payUrl: 'http://127.0.0.1:9/pay',
          apiUrl: 'http://127.0.0.1:9/api',
        },
      })),
    }),
  )
  gateway.environment.advance(6_000)
  return gateway
}

/** Pays an invoice by card, as its bank tells it. */
async function pay(
  gateway: TestGateway,
  invoiceId: string,
  transaction: string,
  over: Record<string, string> = {},
): Promise<string> {
  const rails = (await gateway.api('GET', `/v1/invoices/${invoiceId}/rails`)).json.rails as unknown as {
    railAccountId: string
  }[]
  const railAccountId = rails.map((rail) => rail.railAccountId).find((id) => !id.endsWith('h56-14')) ?? ''
  const payment = await gateway.api('POST', `/v1/invoices/${invoiceId}/payments`, {
    railAccountId,
    payerIp: '203.0.113.7',
  })
  const query = ipn(gateway.vnpaySecret, {
    vnp_TmnCode: terminalOf(railAccountId),
    vnp_Amount: String(Number(payment.json.amount) * 100),
    vnp_BankCode: 'NCB',
    vnp_BankTranNo: 'VNP1',
    vnp_CardType: 'ATM',
    vnp_PayDate: '20261120120130',
    vnp_OrderInfo: 'le phi',
    vnp_TransactionNo: transaction,
    vnp_ResponseCode: '00',
    vnp_TransactionStatus: '00',
    vnp_TxnRef: String(payment.json.merchantRef),
    ...over,
  })
  return (await callApi(gateway.url, 'GET', `/callbacks/vnpay/${railAccountId}?${query}`)).text
}

const issue = async (gateway: TestGateway, over: object = {}): Promise<string> => {
  const answer = await gateway.api('POST', '/v1/invoices', anInvoice({ ...over }))
  if (answer.status !== 201) throw new Error(answer.text)
  return String(answer.json.id)
}
const make = (
  gateway: TestGateway,
  invoiceIds: readonly string[],
  over: object = {},
  headers = {},
): Promise<ApiAnswer> => gateway.api('POST', '/v1/baskets', { invoiceIds, ...over }, headers)
const get = async (gateway: TestGateway, id: string): Promise<BasketJson> =>
  asBasket((await gateway.api('GET', `/v1/baskets/${id}`)).json)
const basketEvents = async (gateway: TestGateway): Promise<{ type: string; data: { basket: BasketJson } }[]> => {
  const { events } = (await gateway.api('GET', '/v1/events?after=0&limit=500')).json as unknown as {
    events: { event: { type: string; data: { basket: BasketJson } } }[]
  }
  return events.map(({ event }) => event).filter(({ type }) => type.startsWith('basket.'))
}

t.test('a basket is done when its last invoice is paid, and says so once', async (t) => {
  const gateway = await basketGateway(t)
  const ids = [await issue(gateway), await issue(gateway), await issue(gateway)]
  const made = await make(gateway, ids, { returnUrl: 'https://portal.example/back' })
  t.equal(made.status, 201, made.text)
  const basket = asBasket(made.json)
  t.match(basket, { status: 'OPEN', total: 21_000, paid: 0, owed: 21_000, lapsed: 0, paidAt: null })
  t.match(basket.payUrl, /\/pay\/basket\/[A-Za-z0-9_-]{32}$/)
  t.equal(made.headers.get('location'), `/v1/baskets/${basket.id}`)
  t.same(
    basket.invoices.map(({ id, part }) => [id, part]),
    ids.map((id) => [id, 'OWED']),
  )
  t.match(await pay(gateway, ids[0] ?? '', '1'), '"00"')
  t.match(await get(gateway, basket.id), { status: 'PARTLY_PAID', paid: 7_000, owed: 14_000 })
  t.match(await pay(gateway, ids[2] ?? '', '3'), '"00"')
  t.same(await basketEvents(gateway), [])
  t.match(await pay(gateway, ids[1] ?? '', '2', { vnp_PayDate: '20261120120500' }), '"00"')
  t.match(await get(gateway, basket.id), { status: 'PAID', paid: 21_000, owed: 0, paidAt: '2026-11-20T05:05:00.000Z' })
  const events = await basketEvents(gateway)
  t.equal(events.length, 1)
  t.match(events[0], {
    type: 'basket.paid',
    data: {
      basket: {
        id: basket.id,
        status: 'PAID',
        total: 21_000,
        paid: 21_000,
        invoices: ids.map((id) => ({ id, part: 'PAID' })),
      },
    },
  })
  const kinds = await gateway.database.query<{ kind: string }>(
    'SELECT kind FROM journal_entries WHERE subject = $1 ORDER BY seq',
    [basket.id],
  )
  t.same(
    kinds.map(({ kind }) => kind),
    ['basket.created', 'basket.partly_paid', 'basket.paid'],
  )
})

t.test('however its invoices are paid at once, a basket is paid once', async (t) => {
  const gateway = await basketGateway(t)
  for (let round = 0; round < 5; round++) {
    const ids = await Promise.all(Array.from({ length: 6 }, () => issue(gateway)))
    const shared = ids[0] ?? ''
    const baskets = [
      asBasket((await make(gateway, ids)).json),
      asBasket((await make(gateway, [...ids].reverse())).json),
      asBasket((await make(gateway, [shared])).json),
    ]
    await Promise.all(ids.map((id, index) => pay(gateway, id, `9${round}${index}`)))
    for (const { id } of baskets) t.equal((await get(gateway, id)).status, 'PAID')
    const told = (await basketEvents(gateway)).map(({ data }) => data.basket.id)
    for (const { id } of baskets) t.equal(told.filter((other) => other === id).length, 1)
  }
})

t.test(
  'two gateways that each settle one of the last two invoices at the same time still see the basket done',
  async (t) => {
    const gateway = await basketGateway(t)
    const second = await testGateway(t, {
      database: { url: gateway.databaseUrl, database: gateway.database },
      keys: gateway.keys,
    })
    void second
    for (let round = 0; round < 10; round++) {
      const ids = [await issue(gateway), await issue(gateway)]
      const { id } = asBasket((await make(gateway, ids)).json)
      await Promise.all(
        ids.map(async (invoiceId, index) => {
          const { settler } = index === 0 ? gateway.gateway : second.gateway
          const [row] = await gateway.database.query<{ pay_code: string; total: bigint }>(
            'SELECT pay_code, total FROM invoices WHERE id = $1',
            [invoiceId],
          )
          await settler.settle({
            transferRail: true,
            outcome: {
              rail: 'vnpay',
              accountId: 'vnpay-colle',
              merchantRef: row?.pay_code ?? '',
              railTransactionId: `${round}-${index}`,
              kind: 'succeeded',
              amount: row?.total ?? 0n,
              currency: 'VND',
              paidAt: gateway.environment.now(),
              source: 'STATEMENT',
              evidence: {},
            },
          })
        }),
      )
      t.equal((await get(gateway, id)).status, 'PAID')
    }
    t.equal((await basketEvents(gateway)).length, 10)
  },
)

t.test(
  'cancelled and waived invoices owe nothing; with all of them gone a basket is closed and never paid',
  async (t) => {
    const gateway = await basketGateway(t)
    const [paid, dropped] = [await issue(gateway), await issue(gateway)]
    const one = asBasket((await make(gateway, [paid, dropped])).json)
    await pay(gateway, paid, '1')
    await gateway.api('POST', `/v1/invoices/${dropped}/cancel`, { reason: 'rút hồ sơ' })
    t.match(await get(gateway, one.id), { status: 'PAID', total: 7_000, paid: 7_000, owed: 0 })
    t.match(await basketEvents(gateway), [
      { data: { basket: { invoices: [{ part: 'PAID' }, { part: 'NOTHING_OWED', status: 'CANCELLED' }] } } },
    ])
    const gone = [await issue(gateway), await issue(gateway)]
    const other = asBasket((await make(gateway, gone)).json)
    for (const id of gone) await gateway.api('POST', `/v1/invoices/${id}/cancel`, { reason: 'rút hồ sơ' })
    t.match(await get(gateway, other.id), { status: 'CLOSED', total: 0, paidAt: null })
    t.equal((await basketEvents(gateway)).length, 1)
  },
)

t.test('a corrected invoice takes the place of the one it supersedes', async (t) => {
  const gateway = await basketGateway(t)
  const [first, second] = [anInvoice(), anInvoice()]
  const ids = await Promise.all(
    [first, second].map(async (body) => String((await gateway.api('POST', '/v1/invoices', body)).json.id)),
  )
  const { id } = asBasket((await make(gateway, ids)).json)
  const corrected = await gateway.api('POST', `/v1/invoices/${ids[0]}/supersede`, { ...first, channel: 'COUNTER' })
  const basket = await get(gateway, id)
  t.match(basket, { status: 'OPEN', total: 22_000, owed: 22_000 })
  t.same(
    basket.invoices.map(({ id, lineNo, part }) => [id, lineNo, part]),
    [
      [ids[0], 1, 'REPLACED'],
      [String(corrected.json.id), 1, 'OWED'],
      [ids[1], 2, 'OWED'],
    ],
  )
  await pay(gateway, ids[1] ?? '', '1')
  t.equal((await get(gateway, id)).status, 'PARTLY_PAID')
  await pay(gateway, String(corrected.json.id), '2')
  t.match(await get(gateway, id), { status: 'PAID', paid: 22_000 })
})

t.test('an expired invoice keeps the basket open; issued anew, it takes its place in it', async (t) => {
  const gateway = await basketGateway(t, { background: true })
  const soon = anInvoice({ expiresAt: '2026-11-20T06:00:00Z' })
  const [expiring, other] = [String((await gateway.api('POST', '/v1/invoices', soon)).json.id), await issue(gateway)]
  const { id } = asBasket((await make(gateway, [expiring, other])).json)
  await pay(gateway, other, '1')
  gateway.environment.set(new Date('2026-11-20T07:00:00Z'))
  for (let waited = 0; (await get(gateway, id)).lapsed === 0 && waited < 10_000; waited += 50)
    await new Promise((resolve) => setTimeout(resolve, 50))
  t.match(await get(gateway, id), { status: 'PARTLY_PAID', paid: 7_000, owed: 0, lapsed: 7_000 })
  t.same(await basketEvents(gateway), [])
  const again = await issue(gateway, { ...soon, expiresAt: undefined })
  const basket = await get(gateway, id)
  t.match(basket, { status: 'PARTLY_PAID', owed: 7_000, lapsed: 0 })
  t.match(basket.invoices, [{ id: expiring, part: 'REPLACED' }, { id: again, lineNo: 1, part: 'OWED' }, { id: other }])
  await pay(gateway, again, '2')
  t.equal((await get(gateway, id)).status, 'PAID')
})

t.test('money for an expired invoice that still counts finishes the basket, with the payer’s bank time', async (t) => {
  const gateway = await basketGateway(t, { background: true })
  const expiring = await issue(gateway, { expiresAt: '2026-11-20T06:00:00Z' })
  const { id } = asBasket((await make(gateway, [expiring])).json)
  const [row] = await gateway.database.query<{ pay_code: string }>('SELECT pay_code FROM invoices WHERE id = $1', [
    expiring,
  ])
  gateway.environment.set(new Date('2026-11-20T07:00:00Z'))
  for (let waited = 0; (await get(gateway, id)).lapsed === 0 && waited < 10_000; waited += 50)
    await new Promise((resolve) => setTimeout(resolve, 50))
  await gateway.gateway.settler.settle({
    transferRail: true,
    outcome: {
      rail: 'vnpay',
      accountId: 'vnpay-colle',
      merchantRef: row?.pay_code ?? '',
      railTransactionId: 'late',
      kind: 'succeeded',
      amount: 7_000n,
      currency: 'VND',
      paidAt: new Date('2026-11-20T06:30:00Z'),
      source: 'STATEMENT',
      evidence: {},
    },
  })
  t.match(await get(gateway, id), { status: 'PAID', paidAt: '2026-11-20T06:30:00.000Z' })
})

const tax = {
  kind: 'TAX',
  nameVi: 'Thuế thu nhập cá nhân từ chuyển nhượng bất động sản',
  amount: 3_000_000_000,
  economicCode: '1006',
  decision: { number: '12/TB-CT', date: '2026-11-19', authority: 'Chi cục Thuế' },
}
const feeAndTax = (over: object = {}) =>
  anInvoice({
    procedureCode: '1.012000',
    area: 'WARD',
    items: [{ feeCode: 'land-transfer-certificate' }, tax],
    ...over,
  })

t.test('one call issues fee, tax and postage of a dossier, one invoice per creditor, in one basket', async (t) => {
  const gateway = await basketGateway(t)
  const demand = feeAndTax()
  const refused = await gateway.api('POST', '/v1/invoices', demand)
  t.match(refused.json, {
    code: 'INVALID_REQUEST',
    errors: [{ code: 'several_creditors', en: /POST \/v1\/baskets\/issue/ }],
  })
  const postage = { ...demand, procedureCode: '9.000002', items: [{ feeCode: 'post-return-of-result' }] }
  const key = { 'idempotency-key': randomUUID() }
  const body = { invoices: [demand, postage], returnUrl: 'https://portal.example/back' }
  const issued = await gateway.api('POST', '/v1/baskets/issue', body, key)
  t.equal(issued.status, 201, issued.text)
  const { basket, invoices } = issued.json as unknown as {
    basket: BasketJson
    invoices: { id: string; beneficiaryAccountId: string; total: number; jws: string; items: { lineNo: number }[] }[]
  }
  t.same(
    invoices.map(({ beneficiaryAccountId, total, items }) => [
      beneficiaryAccountId,
      total,
      items.map(({ lineNo }) => lineNo),
    ]),
    [
      ['bac_h56-14-colle', invoices[0]?.total, [1]],
      ['bac_h56-14-state', 3_000_000_000, [1]],
      ['bac_h56-14-publi', 15_000, [1]],
    ],
  )
  t.same(
    basket.invoices.map(({ id }) => id),
    invoices.map(({ id }) => id),
  )
  t.equal(
    basket.owed,
    invoices.reduce((sum, { total }) => sum + total, 0),
  )
  t.equal((await gateway.api('POST', '/v1/baskets/issue', body, key)).text, issued.text, 'the same key: the same bytes')
  t.equal((await gateway.database.query('SELECT id FROM invoices', [])).length, 3)
  for (const [index, { id }] of invoices.entries()) await pay(gateway, id, `9${index}`)
  t.equal((await get(gateway, basket.id)).status, 'PAID')
})

t.test('issuing a basket is all or nothing, and a fault is named by its place in the request', async (t) => {
  const gateway = await basketGateway(t)
  const good = anInvoice()
  const bad: [string, object[], number, string, string][] = [
    [
      'an unknown fee',
      [good, feeAndTax({ items: [tax, { feeCode: 'no-such-fee' }] })],
      422,
      'FEE_REFUSED',
      'invoices[1].items[1]',
    ],
    [
      'a wrong amount',
      [good, feeAndTax({ items: [{ feeCode: 'land-transfer-certificate', amount: 1 }, tax] })],
      422,
      'PRICE_MISMATCH',
      'invoices[1].items[0].amount',
    ],
    [
      'an unknown agency',
      [good, feeAndTax({ collectingAgencyCode: 'H56.99' })],
      422,
      'UNKNOWN_AGENCY',
      'invoices[1].collectingAgencyCode',
    ],
    [
      'an unknown account',
      [good, feeAndTax({ beneficiaryAccountIds: { STATE_BUDGET: 'bac_h56-14-colle' } })],
      400,
      'INVALID_REQUEST',
      'invoices[1].beneficiaryAccountIds.STATE_BUDGET',
    ],
    ['the same debt twice', [good, good], 409, 'INVOICE_ALREADY_OPEN', 'invoices[1]'],
  ]
  for (const [name, invoices, status, code, field] of bad) {
    const answer = await gateway.api('POST', '/v1/baskets/issue', { invoices })
    t.match(answer.json, { status, code, errors: [{ field }] }, `${name}: ${answer.text}`)
  }
  t.match((await gateway.api('POST', '/v1/baskets/issue', { invoices: [] })).json, { code: 'INVALID_REQUEST' })
  t.match(
    (await gateway.api('POST', '/v1/baskets/issue', { invoices: [{ ...good, beneficiaryAccountId: 'x' }] })).json,
    { code: 'INVALID_REQUEST' },
  )
  for (const table of ['invoices', 'baskets', 'events'])
    t.same(await gateway.database.query(`SELECT id FROM ${table}`, []), [], `${table} is empty`)
})

t.test('what nobody owes is issued as waived and keeps no basket open', async (t) => {
  const gateway = await basketGateway(t)
  const free = anInvoice({ procedureCode: '1.000894', items: [{ feeCode: 'marriage-registration' }] })
  const alone = asBasket(
    ((await gateway.api('POST', '/v1/baskets/issue', { invoices: [free] })).json as unknown as { basket: unknown })
      .basket,
  )
  t.match(alone, { status: 'CLOSED', invoices: [{ status: 'WAIVED', part: 'NOTHING_OWED' }] })
  const mixed = (
    await gateway.api('POST', '/v1/baskets/issue', {
      invoices: [anInvoice({ procedureCode: '1.000894', items: [{ feeCode: 'marriage-registration' }] }), anInvoice()],
    })
  ).json as unknown as { basket: BasketJson }
  t.equal(mixed.basket.status, 'OPEN')
  await pay(gateway, mixed.basket.invoices[1]?.id ?? '', '1')
  t.equal((await get(gateway, mixed.basket.id)).status, 'PAID')
})

t.test('only open invoices of the caller go into a basket; each fault is named', async (t) => {
  const gateway = await basketGateway(t)
  const [open, paid] = [await issue(gateway), await issue(gateway)]
  await pay(gateway, paid, '1')
  const unknown = `inv_${'0'.repeat(26)}`
  t.match((await make(gateway, [open, paid])).json, {
    code: 'INVOICE_NOT_OPEN',
    errors: [{ field: 'invoiceIds[1]', code: 'not_open' }],
  })
  t.match((await make(gateway, [open, unknown, open])).json, {
    code: 'INVALID_REQUEST',
    errors: [
      { field: 'invoiceIds[1]', code: 'unknown' },
      { field: 'invoiceIds[2]', code: 'repeated' },
    ],
  })
  t.match((await make(gateway, [])).json, { code: 'INVALID_REQUEST' })
  t.match((await make(gateway, ['inv_x'])).json, { code: 'INVALID_REQUEST' })
  t.match((await make(gateway, [open], { returnUrl: 'https://evil.example/' })).json, {
    code: 'RETURN_URL_NOT_ALLOWED',
  })
  const basket = asBasket((await make(gateway, [open])).json)
  const stranger = { authorization: `Bearer ${await (await gateway.addClient()).token()}` }
  t.equal((await callApi(gateway.url, 'GET', `/v1/baskets/${basket.id}`, undefined, stranger)).status, 404)
  t.match((await callApi(gateway.url, 'POST', '/v1/baskets', { invoiceIds: [open] }, stranger)).json, {
    code: 'INVALID_REQUEST',
    errors: [{ code: 'unknown' }],
  })
  t.match((await callApi(gateway.url, 'GET', '/v1/baskets', undefined, stranger)).json, { baskets: [] })
  const reader = { authorization: `Bearer ${await (await gateway.addClient({ scopes: ['invoices:read'] })).token()}` }
  t.equal((await callApi(gateway.url, 'POST', '/v1/baskets', { invoiceIds: [open] }, reader)).status, 403)
})

t.test('baskets are listed newest first, by status, dossier and invoice, page by page', async (t) => {
  const gateway = await basketGateway(t)
  const invoices: string[] = []
  const baskets: string[] = []
  for (let index = 0; index < 3; index++) {
    gateway.environment.advance(1_000)
    const id = await issue(gateway)
    invoices.push(id)
    baskets.push(asBasket((await make(gateway, [id])).json).id)
  }
  await pay(gateway, invoices[0] ?? '', '1')
  const list = async (query: string): Promise<{ ids: string[]; next: string | null }> => {
    const { json } = await gateway.api('GET', `/v1/baskets?${query}`)
    return {
      ids: (json.baskets as unknown as BasketJson[]).map(({ id }) => id),
      next: json.nextCursor as unknown as string | null,
    }
  }
  t.same((await list('')).ids, [...baskets].reverse())
  t.same((await list('status=PAID')).ids, [baskets[0]])
  t.same((await list(`invoiceId=${invoices[1]}`)).ids, [baskets[1]])
  const { dossierCode } = (await get(gateway, baskets[2] ?? '')).invoices[0] ?? { dossierCode: '' }
  t.same((await list(`dossierCode=${dossierCode.toLowerCase()}`)).ids, [baskets[2]])
  const first = await list('limit=2')
  t.same(first.ids, [baskets[2], baskets[1]])
  t.same(await list(`limit=2&cursor=${first.next}`), { ids: [baskets[0]], next: null })
})
