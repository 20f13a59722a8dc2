import t, { type Test } from 'tap'
import type { Database } from '../../src/store/database.ts'
import { type ApiAnswer, anInvoice, callApi, catalogueData, feeCodeOf, testGateway } from '../harness/gateway.ts'

const gateway = await testGateway(t)
const { api, database, client, url } = gateway
const temporaryResidence = feeCodeOf('1.004194')
const decisionItem = {
  kind: 'FINE',
  nameVi: 'Tiền phạt',
  amount: 4_000_000,
  economicCode: '4252',
  decision: { number: '12/QD-XPHC', date: '2026-11-19', authority: 'Phòng CSGT' },
}

const books = ['invoices', 'invoice_items', 'events', 'journal_entries', 'deliveries', 'payments']

async function rowsOf(source: Database): Promise<string> {
  const rows = await source.query<{ counts: string }>(
    `SELECT concat_ws(' ', ${books.map((table) => `(SELECT count(*) FROM ${table})`).join(', ')}) AS counts`,
    [],
  )
  return rows[0]?.counts ?? ''
}

/** A refusal that a developer in Viet Nam or elsewhere can act on, and that tells nothing about our insides. */
function isGoodProblem(t: Test, answer: ApiAnswer, status: number, code: string, field?: string): void {
  t.equal(answer.status, status, answer.text.slice(0, 600))
  t.equal(answer.headers.get('content-type'), 'application/problem+json; charset=utf-8')
  t.equal(answer.headers.get('cache-control'), 'no-store')
  t.ok(answer.headers.get('x-request-id'))
  t.match(answer.json, { status, code, type: /^urn:feegate:problem:[a-z-]+$/ })
  const { title, detail, action, en, errors } = answer.json as unknown as ProblemJson
  for (const text of [title, detail, action, en.title, en.detail, en.action]) t.ok(text.length > 3)
  t.match(title, /[^\x20-\x7e]/, 'the title is Vietnamese')
  t.match(action, /[^\x20-\x7e]/, 'the action is Vietnamese')
  t.match(en.title, /^[\x20-\x7e]+$/, 'the English title is English')
  if (field !== undefined) {
    t.ok(
      errors?.some((error) => error.field === field),
      `names ${field}: ${JSON.stringify(errors)}`,
    )
    for (const error of errors ?? []) {
      t.match(error.vi, /[^\x20-\x7e]/, `Vietnamese for ${error.field}: ${error.vi}`)
      t.ok(error.en.length > 3)
    }
  }
  t.notMatch(answer.text, /node_modules|\.ts:|at async|SELECT|Zod|FST_|stack|pg_|constraint/)
}

type ProblemJson = {
  title: string
  detail: string
  action: string
  en: { title: string; detail: string; action: string }
  errors?: { field: string; code: string; vi: string; en: string }[]
}

type Case = [name: string, body: unknown, status: number, code: string, field?: string]

const bare = anInvoice()
const fee = { feeCode: temporaryResidence }
const withItem = (item: object): object => anInvoice({ items: [item] })
const without = (name: string): object =>
  Object.fromEntries(Object.entries(anInvoice()).filter(([field]) => field !== name))

const cases: Case[] = [
  ['an unknown field', anInvoice({ discount: 1 }), 400, 'INVALID_REQUEST', 'discount'],
  [
    'an unknown field of a person',
    anInvoice({ submitter: { name: 'An', age: 3 } }),
    400,
    'INVALID_REQUEST',
    'submitter.age',
  ],
  ['an unknown field of an item', withItem({ ...fee, discount: 1 }), 400, 'INVALID_REQUEST', 'items[0].discount'],
  ['a missing field', without('dossierCode'), 400, 'INVALID_REQUEST', 'dossierCode'],
  ['a missing submitter', without('submitter'), 400, 'INVALID_REQUEST', 'submitter'],
  ['a number for text', anInvoice({ procedureCode: 1.004194 }), 400, 'INVALID_REQUEST', 'procedureCode'],
  ['null for text', anInvoice({ dossierCode: null }), 400, 'INVALID_REQUEST', 'dossierCode'],
  ['an object for a list', anInvoice({ items: fee }), 400, 'INVALID_REQUEST', 'items'],
  ['no items', anInvoice({ items: [] }), 400, 'INVALID_REQUEST', 'items'],
  ['51 items', anInvoice({ items: Array.from({ length: 51 }, () => fee) }), 400, 'INVALID_REQUEST', 'items'],
  ['an unknown collection mode', anInvoice({ collectionMode: 'LATER' }), 400, 'INVALID_REQUEST', 'collectionMode'],
  ['a name with a bar', anInvoice({ submitter: { name: 'An|Bình' } }), 400, 'INVALID_REQUEST', 'submitter.name'],
  [
    'a name with a control character',
    anInvoice({ submitter: { name: 'An\u0007' } }),
    400,
    'INVALID_REQUEST',
    'submitter.name',
  ],
  [
    'a name with a direction mark',
    anInvoice({ submitter: { name: 'An\u202e' } }),
    400,
    'INVALID_REQUEST',
    'submitter.name',
  ],
  [
    'a name with a lone surrogate',
    anInvoice({ submitter: { name: 'An\ud800' } }),
    400,
    'INVALID_REQUEST',
    'submitter.name',
  ],
  ['a name of blanks', anInvoice({ submitter: { name: '   ' } }), 400, 'INVALID_REQUEST', 'submitter.name'],
  [
    'a bad personal id',
    anInvoice({ submitter: { name: 'An', personalId: '097199000001' } }),
    400,
    'INVALID_REQUEST',
    'submitter.personalId',
  ],
  [
    'a tax code with a bad check digit',
    anInvoice({ payer: { name: 'An', taxCode: '0100111949' } }),
    400,
    'INVALID_REQUEST',
    'payer.taxCode',
  ],
  ['a bad phone', anInvoice({ submitter: { name: 'An', phone: '12345' } }), 400, 'INVALID_REQUEST', 'submitter.phone'],
  // Amounts
  ['a quantity that is a fraction', withItem({ ...fee, quantity: 1.5 }), 400, 'INVALID_REQUEST', 'items[0].quantity'],
  ['a quantity of zero', withItem({ ...fee, quantity: 0 }), 400, 'INVALID_REQUEST', 'items[0].quantity'],
  ['a negative quantity', withItem({ ...fee, quantity: -1 }), 400, 'INVALID_REQUEST', 'items[0].quantity'],
  ['an amount with a fraction', withItem({ ...decisionItem, amount: 10.5 }), 400, 'INVALID_REQUEST', 'items[0].amount'],
  ['a negative amount', withItem({ ...decisionItem, amount: -1 }), 400, 'INVALID_REQUEST', 'items[0].amount'],
  ['a zero amount', withItem({ ...decisionItem, amount: 0 }), 400, 'INVALID_REQUEST', 'items[0].amount'],
  ['an amount as text', withItem({ ...decisionItem, amount: '4000000' }), 400, 'INVALID_REQUEST', 'items[0].amount'],
  [
    '2^53 + 1 as text',
    withItem({ ...decisionItem, amount: '9007199254740993' }),
    400,
    'INVALID_REQUEST',
    'items[0].amount',
  ],
  [
    '2^53 + 1 as a number',
    JSON.stringify(withItem(decisionItem)).replace('4000000', '9007199254740993'),
    400,
    'INVALID_JSON',
  ],
  [
    '2^53 - 1',
    withItem({ ...decisionItem, amount: Number.MAX_SAFE_INTEGER }),
    400,
    'INVALID_REQUEST',
    'items[0].amount',
  ],
  ['1e400', JSON.stringify(withItem(decisionItem)).replace('4000000', '1e400'), 400, 'INVALID_JSON'],
  [
    'items that add up to more than can be kept exactly',
    anInvoice({ items: Array.from({ length: 50 }, () => ({ ...decisionItem, amount: 999_999_999_999_999 })) }),
    422,
    'FEE_REFUSED',
    'items',
  ],
  [
    'a price that is not the one of the catalogue',
    withItem({ ...fee, amount: 7001 }),
    422,
    'PRICE_MISMATCH',
    'items[0].amount',
  ],
  // Codes
  [
    'a day that does not exist in the dossier code',
    anInvoice({ dossierCode: 'H56.14-240230-0001' }),
    400,
    'INVALID_REQUEST',
    'dossierCode',
  ],
  ['a short daily number', anInvoice({ dossierCode: 'H56-240823-1' }), 400, 'INVALID_REQUEST', 'dossierCode'],
  [
    'a Cyrillic letter in the dossier code',
    anInvoice({ dossierCode: 'Н56.14-240823-0001' }),
    400,
    'INVALID_REQUEST',
    'dossierCode',
  ],
  [
    'a zero-width character in the dossier code',
    anInvoice({ dossierCode: 'H56.14-240823\u200b-0001' }),
    400,
    'INVALID_REQUEST',
    'dossierCode',
  ],
  [
    'a bar in the dossier code',
    anInvoice({ dossierCode: 'H56.14-240823-0001|1' }),
    400,
    'INVALID_REQUEST',
    'dossierCode',
  ],
  [
    'a blank in the dossier code',
    anInvoice({ dossierCode: 'H56.14 -240823-0001' }),
    400,
    'INVALID_REQUEST',
    'dossierCode',
  ],
  [
    'a control character in the dossier code',
    anInvoice({ dossierCode: 'H56.14-240823-0001\u0000' }),
    400,
    'INVALID_REQUEST',
    'dossierCode',
  ],
  [
    'a dossier of the day after tomorrow',
    anInvoice({ dossierCode: 'H56.14-261122-0001' }),
    400,
    'INVALID_REQUEST',
    'dossierCode',
  ],
  ['a short procedure code', anInvoice({ procedureCode: '1.00283' }), 400, 'INVALID_REQUEST', 'procedureCode'],
  [
    'a bad online service code',
    anInvoice({ onlineServiceCode: '2.000815' }),
    400,
    'INVALID_REQUEST',
    'onlineServiceCode',
  ],
  [
    'a bad tax obligation id',
    withItem({ ...decisionItem, kind: 'TAX', taxObligationId: 'a|b' }),
    422,
    'FEE_REFUSED',
    'items[0]',
  ],
  [
    'an agency code of no form',
    anInvoice({ collectingAgencyCode: 'Sở Tư pháp' }),
    400,
    'INVALID_REQUEST',
    'collectingAgencyCode',
  ],
  ['an unknown agency', anInvoice({ collectingAgencyCode: 'H99.1' }), 422, 'UNKNOWN_AGENCY', 'collectingAgencyCode'],
  [
    'an unknown resolving agency',
    anInvoice({ resolvingAgencyCode: 'H99.1' }),
    422,
    'UNKNOWN_AGENCY',
    'resolvingAgencyCode',
  ],
  ['an unknown procedure', anInvoice({ procedureCode: '1.999999' }), 422, 'UNKNOWN_PROCEDURE', 'procedureCode'],
  ['a fee of another procedure', withItem({ feeCode: feeCodeOf('2.001195') }), 422, 'FEE_REFUSED', 'items[0]'],
  ['an unknown rate', withItem({ rateId: 'no-such-rate' }), 422, 'FEE_REFUSED', 'items[0]'],
  [
    'a foreign beneficiary account',
    anInvoice({ beneficiaryAccountId: 'bac_other' }),
    400,
    'INVALID_REQUEST',
    'beneficiaryAccountId',
  ],
  ['items of several creditors', anInvoice({ items: [fee, decisionItem] }), 400, 'INVALID_REQUEST', 'items'],
  // Days and times
  ['a day that does not exist', anInvoice({ submittedOn: '2026-02-30' }), 400, 'INVALID_REQUEST', 'submittedOn'],
  ['a day in another spelling', anInvoice({ submittedOn: '20/11/2026' }), 400, 'INVALID_REQUEST', 'submittedOn'],
  [
    'a submission long before the dossier',
    anInvoice({ submittedOn: '2026-10-20' }),
    400,
    'INVALID_REQUEST',
    'submittedOn',
  ],
  ['a submission after the dossier', anInvoice({ submittedOn: '2026-11-21' }), 400, 'INVALID_REQUEST', 'submittedOn'],
  [
    'a decision on no day',
    withItem({ ...decisionItem, decision: { ...decisionItem.decision, date: '2026-13-01' } }),
    400,
    'INVALID_REQUEST',
    'items[0].decision.date',
  ],
  ['an expiry that is over', anInvoice({ expiresAt: '2026-11-20T04:00:00Z' }), 400, 'INVALID_REQUEST', 'expiresAt'],
  ['an expiry after 91 days', anInvoice({ expiresAt: '2027-02-19T05:00:00Z' }), 400, 'INVALID_REQUEST', 'expiresAt'],
  ['a time without zone', anInvoice({ expiresAt: '2026-11-22T04:00:00' }), 400, 'INVALID_REQUEST', 'expiresAt'],
  ['a due time after the expiry', anInvoice({ dueAt: '2026-12-20T05:00:00Z' }), 400, 'INVALID_REQUEST', 'dueAt'],
  // Return address
  [
    'a return address at a foreign origin',
    anInvoice({ returnUrl: 'https://evil.example/done' }),
    422,
    'RETURN_URL_NOT_ALLOWED',
    'returnUrl',
  ],
  [
    'a return address that only looks registered',
    anInvoice({ returnUrl: 'https://portal.example@evil.example/' }),
    422,
    'RETURN_URL_NOT_ALLOWED',
    'returnUrl',
  ],
  [
    'a return address on another port',
    anInvoice({ returnUrl: 'https://portal.example:8443/' }),
    422,
    'RETURN_URL_NOT_ALLOWED',
    'returnUrl',
  ],
  [
    'a return address that is script',
    anInvoice({ returnUrl: 'javascript:alert(1)' }),
    400,
    'INVALID_REQUEST',
    'returnUrl',
  ],
  // JSON itself
  ['no JSON', '{"a":', 400, 'INVALID_JSON'],
  ['an empty body', '', 400, 'INVALID_JSON'],
  ['a list', '[]', 400, 'INVALID_JSON'],
  ['text', '"x"', 400, 'INVALID_JSON'],
  ['__proto__', JSON.stringify(bare).replace('{', '{"__proto__":{"total":0},'), 400, 'INVALID_JSON'],
  [
    '__proto__ spelt with escapes',
    JSON.stringify(bare).replace('{', '{"\\u005f_proto__":{"total":0},'),
    400,
    'INVALID_JSON',
  ],
  ['constructor', JSON.stringify(bare).replace('{', '{"constructor":{},'), 400, 'INVALID_JSON'],
  ['a field that stands twice', JSON.stringify(bare).replace('{', '{"procedureCode":"1.004222",'), 400, 'INVALID_JSON'],
  [
    'a field that stands twice in a person',
    JSON.stringify(bare).replace('"name"', '"name":"Bình","name"'),
    400,
    'INVALID_JSON',
  ],
  [
    'bad UTF-8',
    Buffer.concat([Buffer.from('{"dossierCode":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]),
    400,
    'INVALID_JSON',
  ],
  ['deep nesting', `{"items":${'['.repeat(5000)}${']'.repeat(5000)}}`, 400, 'INVALID_JSON'],
  ['1 MB', anInvoice({ serviceCase: 'x'.repeat(1_000_000) }), 413, 'BODY_TOO_LARGE'],
]

t.test('what is wrong in a request to issue is named, in two languages, and nothing is stored', async (t) => {
  const before = await rowsOf(database)
  for (const [name, body, status, code, field] of cases) {
    await t.test(name, async (t) => isGoodProblem(t, await api('POST', '/v1/invoices', body), status, code, field))
  }
  t.equal(await rowsOf(database), before)
})

t.test('a repeat of a refused request under the same key gets the same bytes', async (t) => {
  const key = { 'idempotency-key': 'bad-input-1' }
  const body = anInvoice({ procedureCode: '1.999999' })
  const [first, again] = [await api('POST', '/v1/invoices', body, key), await api('POST', '/v1/invoices', body, key)]
  isGoodProblem(t, again, 422, 'UNKNOWN_PROCEDURE', 'procedureCode')
  t.equal(again.text, first.text)
  t.equal(again.headers.get('idempotency-replayed'), 'true')
})

t.test('a rate that is over or has not begun is refused for the day of the dossier', async (t) => {
  const before = await rowsOf(database)
  const early = anInvoice({ dossierCode: 'H56.14-250630-0001' })
  isGoodProblem(t, await api('POST', '/v1/invoices', early), 422, 'FEE_REFUSED', 'items[0]')
  t.match((await api('POST', '/v1/invoices', { ...early, dossierCode: 'H56.14-250701-0001' })).json, { total: 7000 })
  t.not(await rowsOf(database), before, 'its first day is a day of the rate')

  const procedures = (catalogueData as { procedures: object[] }).procedures.map((procedure) =>
    'code' in procedure && procedure.code === '1.004873' && 'rates' in procedure && Array.isArray(procedure.rates)
      ? { ...procedure, rates: procedure.rates.map((rate: object) => ({ ...rate, validTo: '2026-11-19' })) }
      : procedure,
  )
  const loaded = await api('POST', '/v1/catalogue', { ...(catalogueData as object), procedures, version: 'ends' })
  t.equal(loaded.status, 200, loaded.text)
  const ended = { procedureCode: '1.004873', items: [{ feeCode: feeCodeOf('1.004873') }] }
  const rows = await rowsOf(database)
  const late = await api('POST', '/v1/invoices', anInvoice(ended))
  isGoodProblem(t, late, 422, 'FEE_REFUSED', 'items[0]')
  t.equal(await rowsOf(database), rows)
  const inTime = await api('POST', '/v1/invoices', anInvoice({ ...ended, dossierCode: 'H56.14-261119-0001' }))
  t.match(inTime.json, { total: 3000 }, 'its last day is a day of the rate')
})

t.test('an Idempotency-Key must stand there once, visible and of 1 to 255 characters', async (t) => {
  const before = await rowsOf(database)
  const authorization = `Bearer ${await client.token()}`
  for (const key of [undefined, '', 'a b', 'khoá', 'x'.repeat(256)]) {
    const answer = await fetch(`${url}/v1/invoices`, {
      method: 'POST',
      headers: {
        authorization,
        'content-type': 'application/json',
        ...(key === undefined ? {} : { 'idempotency-key': key }),
      },
      body: JSON.stringify(anInvoice()),
    })
    const text = await answer.text()
    isGoodProblem(
      t,
      { status: answer.status, headers: answer.headers, text, json: JSON.parse(text) },
      400,
      'IDEMPOTENCY_KEY_MISSING',
    )
  }
  t.equal(await rowsOf(database), before)
})

t.test('only application/json is read', async (t) => {
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/xml',
  ]) {
    const answer = await api('POST', '/v1/invoices', JSON.stringify(anInvoice()), { 'content-type': type })
    isGoodProblem(t, answer, 415, 'UNSUPPORTED_MEDIA_TYPE')
  }
  const utf8 = await api('POST', '/v1/invoices', anInvoice(), { 'content-type': 'application/json; charset=utf-8' })
  t.equal(utf8.status, 201)
})

const wrongAddresses: [string, number, string, string?][] = [
  ['/v1/invoices?limit=0', 400, 'INVALID_REQUEST', 'querystring.limit'],
  ['/v1/invoices?limit=201', 400, 'INVALID_REQUEST', 'querystring.limit'],
  ['/v1/invoices?limit=x', 400, 'INVALID_REQUEST', 'querystring.limit'],
  ['/v1/invoices?limit=', 400, 'INVALID_REQUEST', 'querystring.limit'],
  ['/v1/invoices?limit=1&limit=2', 400, 'INVALID_REQUEST', 'querystring.limit'],
  ['/v1/invoices?status=PAID&status=ISSUED', 400, 'INVALID_REQUEST', 'querystring.status'],
  ['/v1/invoices?status=paid', 400, 'INVALID_REQUEST', 'querystring.status'],
  ['/v1/invoices?tenant=x', 400, 'INVALID_REQUEST', 'querystring.tenant'],
  ['/v1/invoices?cursor=1', 400, 'INVALID_REQUEST', 'querystring.cursor'],
  ['/v1/invoices?issuedFrom=yesterday', 400, 'INVALID_REQUEST', 'querystring.issuedFrom'],
  ['/v1/invoices?__proto__=1', 400, 'INVALID_REQUEST'],
  ['/v1/invoices/1', 400, 'INVALID_REQUEST', 'params.id'],
  ['/v1/invoices/inv_%00', 400, 'INVALID_REQUEST', 'params.id'],
  [`/v1/invoices/${'x'.repeat(300)}`, 404, 'NOT_FOUND'],
  ['/v1/invoices/%zz', 400, 'INVALID_REQUEST'],
  ['/v1/events?after=-1', 400, 'INVALID_REQUEST', 'querystring.after'],
  ['/v1/procedures/1.999999', 404, 'NOT_FOUND'],
  ['/v1/procedures/%00', 404, 'NOT_FOUND'],
  ['/v1/nothing', 404, 'NOT_FOUND'],
  ['/v1/invoices/', 400, 'INVALID_REQUEST', 'params.id'],
]

t.test('a wrong address or query is named and never guessed at', async (t) => {
  for (const [path, status, code, field] of wrongAddresses)
    await t.test(path.slice(0, 60), async (t) => isGoodProblem(t, await api('GET', path), status, code, field))
  for (const [method, path] of [
    ['PUT', '/v1/invoices'],
    ['DELETE', '/v1/invoices/inv_1'],
    ['PATCH', '/oauth/token'],
  ] as const)
    isGoodProblem(t, await api(method, path), 404, 'NOT_FOUND')
})

t.test('the other routes name what is wrong as well and change nothing', async (t) => {
  const issued = await api('POST', '/v1/invoices', anInvoice())
  const invoice = `/v1/invoices/${String(issued.json.id)}`
  const before = await rowsOf(database)
  const payment = { railAccountId: 'vnpay-h56-14', payerIp: '203.0.113.7' }
  const wrong: [string, unknown, number, string, string?][] = [
    [`${invoice}/cancel`, {}, 400, 'INVALID_REQUEST', 'reason'],
    [`${invoice}/cancel`, { reason: '' }, 400, 'INVALID_REQUEST', 'reason'],
    [`${invoice}/cancel`, { reason: 'x', force: true }, 400, 'INVALID_REQUEST', 'force'],
    [`${invoice}/cancel`, undefined, 400, 'INVALID_REQUEST', 'body'],
    [`${invoice}/supersede`, anInvoice({ items: [] }), 400, 'INVALID_REQUEST', 'items'],
    [
      `${invoice}/supersede`,
      anInvoice({ dossierCode: issued.json.dossierCode, procedureCode: '1.999999' }),
      422,
      'UNKNOWN_PROCEDURE',
      'procedureCode',
    ],
    [`${invoice}/supersede`, anInvoice(), 400, 'INVALID_REQUEST', 'dossierCode'],
    [`${invoice}/payments`, { ...payment, payerIp: '999.1.1.1' }, 400, 'INVALID_REQUEST', 'payerIp'],
    [`${invoice}/payments`, { ...payment, amount: 1 }, 400, 'INVALID_REQUEST', 'amount'],
    [`${invoice}/payments`, { ...payment, locale: 'fr' }, 400, 'INVALID_REQUEST', 'locale'],
    [`${invoice}/payments`, { ...payment, payerInput: { card: 4111 } }, 400, 'INVALID_REQUEST', 'payerInput.card'],
    [`${invoice}/payments`, { ...payment, railAccountId: 'nobody' }, 422, 'RAIL_NOT_OFFERED'],
    ['/v1/invoices/batch', { invoices: [] }, 400, 'INVALID_REQUEST', 'invoices'],
    ['/v1/invoices/batch', { invoices: Array.from({ length: 1001 }, () => 1) }, 400, 'INVALID_REQUEST', 'invoices'],
    ['/v1/invoices/batch', { pad: 'x'.repeat(5_000_000) }, 413, 'BODY_TOO_LARGE'],
    ['/v1/webhook-endpoints', { url: 'ftp://x.example/' }, 422, 'WEBHOOK_URL_NOT_ALLOWED', 'url'],
  ]
  for (const [path, body, status, code, field] of wrong)
    await t.test(`${path.replace(/inv_\w+/, ':id')} ${JSON.stringify(body)?.slice(0, 60)}`, async (t) =>
      isGoodProblem(t, await api('POST', path, body), status, code, field),
    )
  t.equal(await rowsOf(database), before)
  t.match((await api('GET', invoice)).json, { status: 'ISSUED' })
})

t.test('a request id of the caller is taken over only when it cannot forge a log line', async (t) => {
  const idOf = async (id: string): Promise<string | null> =>
    (await callApi(url, 'GET', '/v1/nothing', undefined, { 'x-request-id': id })).headers.get('x-request-id')
  t.equal(await idOf('portal-2026.1_a'), 'portal-2026.1_a')
  for (const id of ['short', 'x'.repeat(65), 'a b c d e f g', '{"level":60}'])
    t.match(await idOf(id), /^[0-9a-f-]{36}$/)
})
