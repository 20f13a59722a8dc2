/** What is held on one person, for officers who answer for it: found by number, masked unless asked in clear, never without a trace. */
import t, { type Test } from 'tap'
import { testFinance } from '../harness/finance.ts'
import { callApi } from '../harness/gateway.ts'

const personalId = '001199000001'
const phone = '0912345678'
const submitter = { name: 'Nguyễn Văn An', personalId, phone, address: 'Số 5 ngõ 12 phố Hàng Tre' }
const purpose = 'Yêu cầu số 15/YC-2026'

async function scene(t: Test) {
  const finance = await testFinance(t, { background: false })
  const { gateway, issuer, an } = finance
  const as =
    (sub: string, roles: readonly string[], tenant?: string) =>
    async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
      const token = await issuer.token({ sub, roles, ...(tenant === undefined ? {} : { tenant }) })
      return await callApi(gateway.url, method, `/v1/privacy${path}`, body, {
        authorization: `Bearer ${token}`,
        ...headers,
      })
    }
  const invoice = await finance.paid({ submitter })
  const refund = await an('POST', '/refunds', {
    invoiceId: invoice.id,
    reason: 'NOT_GRANTED',
    legalBasis: 'Thông báo 12/TB',
    channel: 'AGENCY_PAYOUT',
    payee: { bankBin: '970436', accountNumber: '0909090909', accountName: 'NGUYEN VAN AN' },
  })
  t.equal(refund.status, 201, refund.text)
  await finance.paid({ submitter: { name: 'Trần Thị Bình', personalId: '001199000002' } })
  return { gateway, as, invoice, refundId: String(refund.json.id), privacy: as('baovedulieu', ['privacy']) }
}

t.test('one search finds all that is held, whichever number it begins with, and nobody else’s', async (t) => {
  const { privacy, invoice, refundId } = await scene(t)
  for (const number of [personalId, phone, '+84912345678']) {
    const found = await privacy('POST', '/searches', { number, purpose })
    t.match(found, {
      status: 201,
      json: {
        held: [
          {
            invoiceId: invoice.id,
            role: 'submitter',
            class: 'CONTACT',
            fields: { phone: /^\*+\d{3}$/, address: /^\*/ },
          },
          { invoiceId: invoice.id, class: 'IDENTITY', fields: { personalId: '*********001' } },
        ],
        invoices: [{ id: invoice.id, names: { submitter: '*********** An'.slice(-13) } }],
        payees: [{ refundId, payee: { accountNumber: '*******909', bankBin: '970436' } }],
      },
    })
    t.notMatch(found.text, /Bình|Nguyễn|NGUYEN|001199000001/)
  }
  const clear = await privacy('POST', '/searches', { number: personalId, purpose, show: 'CLEAR' })
  t.match(clear.json, {
    held: [{ fields: { address: submitter.address } }, { fields: { personalId } }],
    invoices: [{ names: { submitter: submitter.name } }],
    payees: [{ payee: { accountNumber: '0909090909', accountName: 'NGUYEN VAN AN' } }],
  })
  t.match((await privacy('POST', '/searches', { number: '001199000009', purpose })).json, { held: [], invoices: [] })
  t.match(await privacy('POST', '/searches', { number: 'An', purpose }), {
    status: 400,
    json: { errors: [{ field: 'number' }] },
  })
  t.equal((await privacy('POST', '/searches', { number: personalId })).status, 400, 'not without a purpose')
})

t.test('every look is told of, also one that found nothing: who, when, why', async (t) => {
  const { as, privacy, invoice } = await scene(t)
  await privacy('POST', '/searches', { number: personalId, purpose })
  await as('toTo', ['privacy'])('POST', '/searches', { number: '001199000009', purpose: 'xem thử' })
  const audit = as('kiemtoan', ['audit'])
  const list = await audit('GET', '/accesses')
  t.match(list.json, {
    accesses: [
      { kind: 'searched', actor: 'toTo', facts: { purpose: 'xem thử', found: 0 }, at: /^2026-/ },
      { kind: 'read', actor: 'baovedulieu', subject: invoice.id, facts: { purpose, role: 'submitter' } },
      { kind: 'read', subject: invoice.id },
      { kind: 'searched', actor: 'baovedulieu', subject: 'ten_thanhhoa', facts: { purpose, found: 2 } },
    ],
    nextCursor: null,
  })
  t.notMatch(list.text, /0011990000|0912345678|Nguyễn/, 'the log holds no personal data')
  const first = await audit('GET', '/accesses?limit=1')
  const next = await audit('GET', `/accesses?limit=1&cursor=${String(first.json.nextCursor)}`)
  t.match(next.json, { accesses: [{ kind: 'read' }] })
  t.match((await audit('GET', '/accesses?kind=searched&actor=toTo')).json, { accesses: [{ actor: 'toTo' }] })
})

t.test('other roles, other tenants and repeats', async (t) => {
  const { gateway, as, privacy } = await scene(t)
  const search = { number: personalId, purpose, show: 'CLEAR' }
  for (const role of ['finance.read', 'finance.approve', 'ops', 'audit', 'counter'])
    t.equal((await as('x', [role])('POST', '/searches', search)).status, 403, role)
  t.equal((await as('x', ['finance.read', 'ops'])('GET', '/accesses')).status, 403)
  const key = { 'idempotency-key': 'k1' }
  const once = await privacy('POST', '/searches', search, key)
  const again = await privacy('POST', '/searches', search, key)
  t.equal(again.text, once.text)
  t.equal(again.headers.get('idempotency-replayed'), 'true')
  const kept = await gateway.database.query<{ text: string }>('SELECT k::text AS text FROM idempotency_keys k', [])
  t.notMatch(
    kept.map(({ text }) => text).join('\n'),
    /001199000001|0909090909|NGUYEN VAN AN|Hàng Tre/,
    'kept answers are sealed',
  )
  await gateway.database.query(
    `INSERT INTO tenants (id, name, created_at) VALUES ('ten_other', 'Tỉnh khác', now())`,
    [],
  )
  const foreign = as('y', ['privacy', 'audit'], 'ten_other')
  t.match((await foreign('POST', '/searches', search)).json, { held: [], invoices: [], payees: [] })
  t.match((await foreign('GET', '/accesses')).json.accesses, [{ actor: 'y', facts: { found: 0 } }])
})
