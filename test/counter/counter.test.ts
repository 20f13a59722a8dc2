/** The one-stop counter over HTTP and the real stores: shifts, cash, QR, corrections. */
import t from 'tap'
import { findAllDiscrepancies } from '../../src/store/parity-checks.ts'
import {
  type AsOfficer,
  cashAccount,
  cashMaximum,
  counterDirectory,
  type TestCounter,
  testCounter,
} from '../harness/counter.ts'
import { testDirectory, testGateway } from '../harness/gateway.ts'

async function open(clerk: AsOfficer, openingCash = 200_000): Promise<string> {
  const { status, json, text } = await clerk('POST', '/v1/counter/shifts', { openingCash })
  if (status !== 201) throw new Error(text)
  return String(json.id)
}

async function collect(clerk: AsOfficer, invoiceId: string, over: object = {}): Promise<string> {
  const { status, json, text } = await clerk('POST', '/v1/counter/collections', { invoiceId, ...over })
  if (status !== 201) throw new Error(text)
  return String(json.id)
}

async function statusOf({ gateway }: TestCounter, id: string): Promise<unknown> {
  return (await gateway.api('GET', `/v1/invoices/${id}`)).json.status
}

t.test(
  'a day at the counter: open, look up, take cash for another agency, give change, close with nothing over',
  async (t) => {
    const counter = await testCounter(t)
    const clerk = await counter.officer()
    const opened = await clerk('POST', '/v1/counter/shifts', { openingCash: 200_000 })
    t.match(opened.json, {
      status: 'OPEN',
      operator: 'motcua01',
      operatorName: 'Hoàng Thị Một Cửa',
      unitCode: 'H56.301',
      expectedCash: 200_000,
    })
    const invoice = await counter.invoice()
    const found = await clerk('GET', `/v1/counter/invoices?payCode=${invoice.payCode.toLowerCase()}`)
    t.match(found.json.invoices, [
      {
        id: invoice.id,
        collectingAgencyCode: 'H56.14',
        payerName: 'Nguyễn Văn An',
        total: 7_000,
        cash: { allowed: true, obstacle: null, maximum: cashMaximum },
        vietQr: { amount: 7_000, content: new RegExp(invoice.payCode) },
      },
    ])
    t.match((await clerk('GET', `/v1/counter/invoices?dossierCode=${invoice.dossierCode}`)).json.invoices, [
      { id: invoice.id },
    ])
    const taken = await clerk('POST', '/v1/counter/collections', { invoiceId: invoice.id, cashGiven: 10_000 })
    t.equal(taken.status, 201, taken.text)
    t.match(taken.json, {
      slipNo: 1,
      amount: 7_000,
      cashGiven: 10_000,
      changeGiven: 3_000,
      unitCode: 'H56.301',
      collectingAgencyCode: 'H56.14',
      collectedBy: 'motcua01',
      status: 'COLLECTED',
    })
    t.equal(await statusOf(counter, invoice.id), 'PAID')
    const [settlement] = await counter.gateway.database.query(
      'SELECT source, disposition, rail_account_id, rail_transaction_id, evidence FROM settlements',
      [],
    )
    t.match(settlement, {
      source: 'COUNTER',
      disposition: 'APPLIED',
      rail_account_id: 'tien-mat',
      rail_transaction_id: taken.json.id,
      evidence: { operator: 'motcua01', unit: 'H56.301', shift: opened.json.id },
    })
    const [event] = await counter.gateway.database.query<{ body: string }>(
      `SELECT body FROM events WHERE type = 'invoice.paid'`,
      [],
    )
    t.match(JSON.parse(event?.body ?? '{}').data.payment, { rail: 'counter', online: false, amount: 7_000 })
    t.match(
      await counter.gateway.database.query('SELECT kind, status FROM receipts', []),
      [{ kind: 'LE_PHI', status: 'REQUESTED' }],
      'the legal receipt is asked for as after any payment',
    )
    const current = await clerk('GET', '/v1/counter/shifts/current')
    t.match(current.json, {
      collectedCount: 1,
      collected: 7_000,
      expectedCash: 207_000,
      byAccount: [
        { collectingAgencyCode: 'H56.14', beneficiaryAccountId: 'bac_h56-14-colle', count: 1, amount: 7_000 },
      ],
    })
    const closed = await clerk('POST', `/v1/counter/shifts/${String(opened.json.id)}/close`, { countedCash: 207_000 })
    t.match(closed.json, { status: 'CLOSED', expectedCash: 207_000, countedCash: 207_000, difference: 0, note: null })
    t.equal((await clerk('GET', '/v1/counter/shifts/current')).status, 404)
    t.same(await findAllDiscrepancies(counter.gateway.database), [])
  },
)

t.test('two clerks at once: one collects, the other is told to give the cash back; at two replicas too', async (t) => {
  const counter = await testCounter(t, { maxConnections: 20 })
  const replica = await testGateway(t, {
    database: { url: counter.gateway.databaseUrl, database: counter.gateway.database },
    vault: counter.gateway.vault,
    officerIssuer: counter.issuer.baseUrl,
  })
  replica.environment.set(counter.gateway.environment.now())
  await counter.gateway.load(counterDirectory())
  const clerks = await Promise.all(
    ['motcua01', 'motcua02', 'motcua03', 'motcua04'].map((sub) => counter.officer({ sub, name: sub })),
  )
  await Promise.all(clerks.map((clerk) => open(clerk)))
  for (let round = 0; round < 5; round++) {
    const invoice = await counter.invoice()
    const answers = await Promise.all([
      ...clerks.map((clerk) => clerk('POST', '/v1/counter/collections', { invoiceId: invoice.id })),
      (async () => {
        const token = await counter.issuer.token({ sub: 'motcua02', roles: ['counter'], unit: 'H56.301' })
        const answer = await fetch(`${replica.url}/v1/counter/collections`, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            authorization: `Bearer ${token}`,
            'idempotency-key': `r${round}`,
          },
          body: JSON.stringify({ invoiceId: invoice.id }),
        })
        return { status: answer.status, json: Object(await answer.json()) }
      })(),
    ])
    t.same(answers.map(({ status }) => status).sort(), [201, 409, 409, 409, 409])
    for (const { status, json } of answers)
      if (status === 409) t.match(json, { code: 'INVOICE_NOT_OPEN', detail: /Trả lại tiền/ })
    const settled = await counter.gateway.database.query('SELECT disposition FROM settlements WHERE invoice_id = $1', [
      invoice.id,
    ])
    t.same(settled, [{ disposition: 'APPLIED' }])
  }
  const shifts = await counter.gateway.database.query<{ collected: bigint }>(
    'SELECT coalesce(sum(amount), 0)::bigint AS collected FROM counter_collections',
    [],
  )
  t.equal(shifts[0]?.collected, 35_000n)
  t.same(await findAllDiscrepancies(counter.gateway.database), [])
})

t.test('a repeated collection is answered to the byte and takes nothing again', async (t) => {
  const counter = await testCounter(t)
  const clerk = await counter.officer()
  await open(clerk)
  const invoice = await counter.invoice()
  const headers = { 'idempotency-key': 'once' }
  const first = await clerk('POST', '/v1/counter/collections', { invoiceId: invoice.id }, headers)
  const second = await clerk('POST', '/v1/counter/collections', { invoiceId: invoice.id }, headers)
  t.equal(second.text, first.text)
  t.equal(second.headers.get('idempotency-replayed'), 'true')
  const other = await counter.invoice()
  t.match((await clerk('POST', '/v1/counter/collections', { invoiceId: other.id }, headers)).json, {
    code: 'IDEMPOTENCY_KEY_REUSED',
  })
  // Another officer's key of the same name is another key.
  const colleague = await counter.officer({ sub: 'motcua02' })
  await open(colleague)
  t.equal((await colleague('POST', '/v1/counter/collections', { invoiceId: other.id }, headers)).status, 201)
  t.equal(
    (await clerk('POST', '/v1/counter/collections', { invoiceId: other.id }, { 'idempotency-key': '' })).status,
    400,
  )
})

t.test('cash is refused with the reason that the clerk needs', async (t) => {
  const counter = await testCounter(t)
  const clerk = await counter.officer()
  const early = await counter.invoice()
  t.match((await clerk('POST', '/v1/counter/collections', { invoiceId: early.id })).json, { code: 'SHIFT_NOT_OPEN' })
  await open(clerk)
  t.match((await clerk('POST', '/v1/counter/collections', { invoiceId: early.id, cashGiven: 5_000 })).json, {
    code: 'CASH_NOT_ENOUGH',
  })
  const dear = await counter.invoice({
    procedureCode: '9.000001',
    items: [
      {
        kind: 'FINE',
        nameVi: 'Phạt',
        amount: cashMaximum + 1,
        economicCode: '4254',
        decision: { number: '1/QĐ', date: '2026-11-18', authority: 'Công an tỉnh' },
      },
    ],
  })
  t.match(
    (await clerk('POST', '/v1/counter/collections', { invoiceId: dear.id })).json,
    { code: 'RAIL_NOT_OFFERED' },
    'no cash for the State budget account',
  )
  await counter.gateway.load(
    counterDirectory([{ ...cashAccount, beneficiaryAccountId: 'bac_h56-14-state', id: 'tien-mat-phat' }, cashAccount]),
  )
  counter.gateway.environment.advance(6_000)
  t.match((await clerk('POST', '/v1/counter/collections', { invoiceId: dear.id })).json, {
    code: 'RAIL_NOT_OFFERED',
    detail: /QR/,
  })
  const cancelled = await counter.invoice()
  await counter.gateway.api('POST', `/v1/invoices/${cancelled.id}/cancel`, { reason: 'rút' })
  t.match((await clerk('POST', '/v1/counter/collections', { invoiceId: cancelled.id })).json, {
    code: 'INVOICE_NOT_OPEN',
  })
  counter.gateway.environment.advance(8 * 24 * 3_600_000)
  t.match((await clerk('POST', '/v1/counter/collections', { invoiceId: early.id })).json, {
    code: 'INVOICE_NOT_OPEN',
    detail: /hết hạn/,
  })
  t.match((await clerk('GET', `/v1/counter/invoices?payCode=${early.payCode}`)).json.invoices, [
    { cash: { allowed: false, obstacle: 'EXPIRED' } },
  ])
  t.same(await counter.gateway.database.query('SELECT * FROM settlements', []), [])
})

t.test('while the payer may be paying at a bank, cash needs the clerk to have asked', async (t) => {
  const counter = await testCounter(t)
  const clerk = await counter.officer()
  await open(clerk)
  await counter.gateway.load(counterDirectory([cashAccount, ...testDirectory().railAccounts]))
  const invoice = await counter.invoice()
  counter.gateway.environment.advance(6_000)
  const started = await counter.gateway.api('POST', `/v1/invoices/${invoice.id}/payments`, {
    railAccountId: 'vnpay-h56-14',
    payerIp: '203.0.113.7',
  })
  t.equal(started.status, 201, started.text)
  t.match((await clerk('GET', `/v1/counter/invoices?payCode=${invoice.payCode}`)).json.invoices, [
    { attemptUnderWay: true, cash: { obstacle: 'BEING_PAID' } },
  ])
  t.match((await clerk('POST', '/v1/counter/collections', { invoiceId: invoice.id })).json, {
    code: 'INVOICE_BEING_PAID',
  })
  await collect(clerk, invoice.id, { despiteOpenAttempt: true })
  t.equal(await statusOf(counter, invoice.id), 'PAID')
  const [settlement] = await counter.gateway.database.query('SELECT evidence FROM settlements', [])
  t.match(settlement, { evidence: { despiteOpenAttempt: 'yes' } })
})

t.test('the QR of an open invoice is shown, and a paid one has none', async (t) => {
  const counter = await testCounter(t)
  const clerk = await counter.officer()
  const invoice = await counter.invoice()
  const shown = await clerk('GET', `/v1/counter/invoices/${invoice.id}/qr`)
  t.match(shown.json, { payCode: invoice.payCode, vietQr: { amount: 7_000 }, svg: /^<svg/ })
  await open(clerk)
  await collect(clerk, invoice.id)
  t.match((await clerk('GET', `/v1/counter/invoices/${invoice.id}/qr`)).json, { code: 'INVOICE_NOT_OPEN' })
})

t.test(
  'a correction: asked for by one clerk, approved by another, booked as a reversal; never by one alone',
  async (t) => {
    const counter = await testCounter(t)
    const clerk = await counter.officer()
    const colleague = await counter.officer({ sub: 'motcua02', name: 'Đỗ Văn Một Cửa' })
    const shift = await open(clerk)
    const invoice = await counter.invoice()
    const collection = await collect(clerk, invoice.id)
    const asked = await clerk('POST', `/v1/counter/collections/${collection}/corrections`, { reason: 'nhầm hồ sơ' })
    t.match(asked.json, { status: 'REQUESTED', amount: 7_000, requestedBy: 'motcua01', shiftId: shift })
    const path = `/v1/counter/corrections/${String(asked.json.id)}`
    t.match((await clerk('POST', `/v1/counter/collections/${collection}/corrections`, { reason: 'lần nữa' })).json, {
      code: 'CORRECTION_NOT_OPEN',
    })
    t.match((await clerk('POST', `${path}/approve`)).json, { code: 'FOUR_EYES', status: 403 })
    t.match((await clerk('POST', `/v1/counter/shifts/${shift}/close`, { countedCash: 207_000 })).json, {
      code: 'SHIFT_HAS_OPEN_CORRECTIONS',
    })
    t.match((await colleague('GET', '/v1/counter/corrections?status=REQUESTED')).json.corrections, [
      { id: asked.json.id, reason: 'nhầm hồ sơ' },
    ])
    t.match((await colleague('GET', `/v1/counter/collections/${collection}`)).json, { status: 'CORRECTION_REQUESTED' })
    const approvals = await Promise.all(Array.from({ length: 4 }, () => colleague('POST', `${path}/approve`)))
    t.same(approvals.map(({ status }) => status).sort(), [200, 409, 409, 409])
    const approved = approvals.find(({ status }) => status === 200)
    t.match(approved?.json, { status: 'APPROVED', decidedBy: 'motcua02', settlementId: /^stl_/ })
    t.match(
      await counter.gateway.database.query('SELECT disposition, direction FROM settlements ORDER BY direction', []),
      [
        { disposition: 'APPLIED', direction: 'IN' },
        { disposition: 'REVERSED', direction: 'OUT' },
      ],
    )
    t.match(
      await counter.gateway.database.query('SELECT type FROM events WHERE invoice_id = $1 ORDER BY invoice_seq', [
        invoice.id,
      ]),
      [{ type: 'invoice.issued' }, { type: 'invoice.paid' }, { type: 'payment.reversed' }],
    )
    t.match((await clerk('GET', '/v1/counter/shifts/current')).json, {
      collected: 7_000,
      takenBack: 7_000,
      expectedCash: 200_000,
      byAccount: [],
    })
    t.match((await clerk('POST', `/v1/counter/shifts/${shift}/close`, { countedCash: 200_000 })).json, {
      difference: 0,
    })
    t.same(await findAllDiscrepancies(counter.gateway.database), [])
  },
)

t.test('a corrected collection takes its receipt back to zero, by a receipt of its own', async (t) => {
  const counter = await testCounter(t, { background: true })
  const clerk = await counter.officer()
  const colleague = await counter.officer({ sub: 'motcua02' })
  await open(clerk)
  const receipts = async (...statuses: string[]): Promise<Record<string, unknown>[]> => {
    for (let waited = 0; waited < 15_000; waited += 50) {
      const rows = await counter.gateway.database.query<Record<string, unknown>>(
        'SELECT status, amount, relation, number FROM receipts ORDER BY number NULLS LAST',
        [],
      )
      if (statuses.join() === rows.map(({ status }) => status).join()) return rows
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new Error(`receipts did not become ${statuses.join()}`)
  }
  const collection = await collect(clerk, (await counter.invoice()).id)
  await receipts('ISSUED')
  const asked = await clerk('POST', `/v1/counter/collections/${collection}/corrections`, { reason: 'nhầm hồ sơ' })
  t.equal((await colleague('POST', `/v1/counter/corrections/${String(asked.json.id)}/approve`)).status, 200)
  t.match(await receipts('ADJUSTED', 'ISSUED'), [
    { amount: 7_000n, relation: null, number: 1 },
    { amount: -7_000n, relation: 'ADJUSTS', number: 2 },
  ])
  t.same(await findAllDiscrepancies(counter.gateway.database), [])
})

t.test('the operator’s rules hold at counters too, and say why no cash is taken', async (t) => {
  const counter = await testCounter(t)
  const clerk = await counter.officer()
  await open(clerk)
  const invoice = await counter.invoice()
  await counter.gateway.load({
    ...counterDirectory(),
    routing: { calendars: [], closures: [], rules: [{ id: 'no-cash', rails: ['counter'], set: { maxAmount: 6_999 } }] },
  })
  counter.gateway.environment.advance(6_000)
  t.match((await clerk('POST', '/v1/counter/collections', { invoiceId: invoice.id })).json, {
    code: 'RAIL_NOT_OFFERED',
    detail: /6\.999/,
  })
  t.match((await clerk('GET', `/v1/counter/invoices?payCode=${invoice.payCode}`)).json.invoices, [
    { cash: { allowed: false, obstacle: 'NOT_OFFERED', maximum: null }, vietQr: { amount: 7_000 } },
  ])
})

t.test(
  'a correction is withdrawn or rejected, may then be asked for again, and is too late once the shift is closed',
  async (t) => {
    const counter = await testCounter(t)
    const clerk = await counter.officer()
    const colleague = await counter.officer({ sub: 'motcua02' })
    const shift = await open(clerk)
    const collection = await collect(clerk, (await counter.invoice()).id)
    const ask = () => clerk('POST', `/v1/counter/collections/${collection}/corrections`, { reason: 'nhầm' })
    const first = await ask()
    t.match((await clerk('POST', `/v1/counter/corrections/${String(first.json.id)}/reject`)).json, {
      status: 'REJECTED',
      decidedBy: 'motcua01',
    })
    const second = await ask()
    t.match((await colleague('POST', `/v1/counter/corrections/${String(second.json.id)}/reject`)).json, {
      status: 'REJECTED',
      decidedBy: 'motcua02',
    })
    t.match((await colleague('POST', `/v1/counter/corrections/${String(second.json.id)}/approve`)).json, {
      code: 'CORRECTION_NOT_OPEN',
    })
    t.equal((await clerk('POST', `/v1/counter/shifts/${shift}/close`, { countedCash: 207_000 })).status, 200)
    t.match((await ask()).json, { code: 'CORRECTION_TOO_LATE' })
    t.match(await counter.gateway.database.query('SELECT disposition FROM settlements', []), [
      { disposition: 'APPLIED' },
    ])
  },
)

t.test('cash whose refund is under way is not handed back as well', async (t) => {
  const counter = await testCounter(t)
  const clerk = await counter.officer()
  const colleague = await counter.officer({ sub: 'motcua02' })
  await open(clerk)
  const collection = await collect(clerk, (await counter.invoice()).id)
  const asked = await clerk('POST', `/v1/counter/collections/${collection}/corrections`, { reason: 'nhầm' })
  await counter.gateway.database.query(
    `INSERT INTO refunds (id, tenant_id, settlement_id, invoice_id, origin, amount, status, reason, requested_by, approved_by, channel,
                          legal_basis, payee, created_at, updated_at)
     SELECT 'ref_1', tenant_id, id, invoice_id, 'REQUEST', amount, 'APPROVED', 'x', 'a', 'b', 'AGENCY_PAYOUT', 'x', '{}', settled_at, settled_at
       FROM settlements`,
    [],
  )
  t.match((await colleague('POST', `/v1/counter/corrections/${String(asked.json.id)}/approve`)).json, {
    code: 'CORRECTION_TOO_LATE',
    detail: /refund-under-way/,
  })
})

t.test('a drawer that does not tally is closed only with words, and stays as it was counted', async (t) => {
  const counter = await testCounter(t)
  const clerk = await counter.officer()
  const shift = await open(clerk, 100_000)
  await collect(clerk, (await counter.invoice()).id)
  const path = `/v1/counter/shifts/${shift}/close`
  t.match((await clerk('POST', path, { countedCash: 106_000 })).json, {
    code: 'CASH_DIFFERENCE_UNEXPLAINED',
    detail: /107000.*106000/,
  })
  t.match((await clerk('POST', path, { countedCash: 106_000, note: 'thiếu, đang tìm' })).json, {
    status: 'CLOSED',
    expectedCash: 107_000,
    countedCash: 106_000,
    difference: -1_000,
    note: 'thiếu, đang tìm',
  })
  t.match((await clerk('POST', path, { countedCash: 107_000 })).json, { code: 'SHIFT_NOT_OPEN' })
})

t.test('money and a closing shift do not pass each other: what is collected is counted or refused', async (t) => {
  const counter = await testCounter(t, { maxConnections: 20 })
  const clerk = await counter.officer()
  for (let round = 0; round < 5; round++) {
    const shift = await open(clerk, 0)
    const invoices = await Promise.all(Array.from({ length: 4 }, () => counter.invoice()))
    const [closed, ...collected] = await Promise.all([
      clerk('POST', `/v1/counter/shifts/${shift}/close`, { countedCash: 0, note: 'đếm lúc đang thu' }),
      ...invoices.map(({ id }) => clerk('POST', '/v1/counter/collections', { invoiceId: id })),
    ])
    t.equal(closed.status, 200, closed.text)
    const taken = collected.filter(({ status }) => status === 201).length
    for (const { status, json } of collected) if (status !== 201) t.match(json, { code: 'SHIFT_NOT_OPEN' })
    t.equal(closed.json.expectedCash, taken * 7_000)
  }
})

t.test('the books of a counter are not written again, and four eyes are held by the database itself', async (t) => {
  const counter = await testCounter(t)
  const clerk = await counter.officer()
  const shift = await open(clerk)
  const collection = await collect(clerk, (await counter.invoice()).id)
  const asked = await clerk('POST', `/v1/counter/collections/${collection}/corrections`, { reason: 'nhầm' })
  const { database } = counter.gateway
  await t.rejects(
    database.query(
      `UPDATE counter_corrections SET status = 'APPROVED', decided_by = requested_by, decided_at = now(),
              settlement_id = (SELECT settlement_id FROM counter_collections) WHERE id = $1`,
      [asked.json.id],
    ),
    { code: '23514' },
  )
  await clerk('POST', `/v1/counter/corrections/${String(asked.json.id)}/reject`)
  await t.rejects(database.query(`UPDATE counter_corrections SET reason = 'x'`, []), { code: '23514' })
  await clerk('POST', `/v1/counter/shifts/${shift}/close`, { countedCash: 207_000 })
  await t.rejects(
    database.query('UPDATE counter_shifts SET counted_cash = 0, difference = -207000, note = $1', ['x']),
    { code: '23514' },
  )
  await t.rejects(database.query('UPDATE counter_collections SET amount = 1', []), { code: '42501' })
  for (const table of ['counter_collections', 'counter_corrections', 'counter_shifts'])
    await t.rejects(database.query(`DELETE FROM ${table}`, []), { code: '42501' }, table)
})

t.test(
  'one drawer per clerk; the unit comes from the token, by its alias too, and is asked for only where it names none',
  async (t) => {
    const counter = await testCounter(t)
    const clerk = await counter.officer()
    const both = await Promise.all([clerk('POST', '/v1/counter/shifts', {}), clerk('POST', '/v1/counter/shifts', {})])
    t.same(both.map(({ status }) => status).sort(), [201, 409])
    const shiftOf = async (over: object, body: object) =>
      (await (await counter.officer(over))('POST', '/v1/counter/shifts', body)).json
    t.match(await shiftOf({ sub: 'a', unit: 'H56.99.1' }, {}), { unitCode: 'H56.301' })
    t.match(await shiftOf({ sub: 'b', unit: 'H56.301' }, { unitCode: 'H56.14' }), { code: 'FORBIDDEN' })
    t.match(await shiftOf({ sub: 'c', unit: 'H99' }, {}), { code: 'UNKNOWN_AGENCY' })
    const unnamed = async (sub: string, body: object) => {
      const token = await counter.issuer.token({ sub, roles: ['counter'] })
      const { gateway } = counter
      const answer = await fetch(`${gateway.url}/v1/counter/shifts`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, 'idempotency-key': sub },
        body: JSON.stringify(body),
      })
      return Object(await answer.json())
    }
    t.match(await unnamed('d', {}), { code: 'UNKNOWN_AGENCY' })
    t.match(await unnamed('e', { unitCode: 'H56.14' }), { unitCode: 'H56.14' })
  },
)

t.test('only clerks collect, accountants look, and neither sees another tenant', async (t) => {
  const counter = await testCounter(t)
  const clerk = await counter.officer()
  const shift = await open(clerk)
  const invoice = await counter.invoice()
  const collection = await collect(clerk, invoice.id)
  const accountant = await counter.officer({ sub: 'ketoan01', roles: ['finance.read'] })
  t.match((await accountant('GET', '/v1/counter/shifts')).json.shifts, [{ id: shift }])
  t.match((await accountant('GET', `/v1/counter/collections?shiftId=${shift}`)).json.collections, [{ id: collection }])
  for (const [method, path, body] of [
    ['POST', '/v1/counter/shifts', {}],
    ['POST', '/v1/counter/collections', { invoiceId: invoice.id }],
    ['GET', `/v1/counter/invoices?payCode=${invoice.payCode}`, undefined],
    ['POST', `/v1/counter/collections/${collection}/corrections`, { reason: 'x' }],
  ] as const)
    t.equal((await accountant(method, path, body)).status, 403, path)
  const colleague = await counter.officer({ sub: 'motcua02' })
  t.same((await colleague('GET', '/v1/counter/shifts')).json.shifts, [], 'a clerk sees the own drawer')
  t.equal((await colleague('GET', `/v1/counter/shifts/${shift}`)).status, 404)
  t.equal((await colleague('POST', `/v1/counter/shifts/${shift}/close`, { countedCash: 0 })).status, 404)
  await counter.gateway.load(testDirectory({ tenantId: 'ten_other', agencyCode: 'H15.2', railAccounts: [] }))
  const stranger = await counter.officer({
    sub: 'x',
    tenant: 'ten_other',
    unit: 'H15.2',
    roles: ['counter', 'finance.read'],
  })
  await open(stranger)
  t.same((await stranger('GET', `/v1/counter/invoices?payCode=${invoice.payCode}`)).json.invoices, [])
  for (const path of [
    `/v1/counter/shifts/${shift}`,
    `/v1/counter/collections/${collection}`,
    `/v1/counter/collections/${collection}/slip`,
    `/v1/counter/invoices/${invoice.id}/qr`,
  ])
    t.equal((await stranger('GET', path)).status, 404, path)
  t.equal((await stranger('POST', '/v1/counter/collections', { invoiceId: invoice.id })).status, 404)
  t.equal((await stranger('POST', `/v1/counter/collections/${collection}/corrections`, { reason: 'x' })).status, 404)
  t.match((await stranger('GET', '/v1/counter/collections')).json, { collections: [] })
})

t.test('lists run from the newest to the oldest, page by page', async (t) => {
  const counter = await testCounter(t)
  const clerk = await counter.officer()
  await open(clerk)
  const made: string[] = []
  for (let count = 0; count < 5; count++) {
    counter.gateway.environment.advance(1_000)
    made.unshift(await collect(clerk, (await counter.invoice()).id))
  }
  const seen: string[] = []
  let cursor: unknown = null
  do {
    const page = await clerk(
      'GET',
      `/v1/counter/collections?limit=2${cursor === null ? '' : `&cursor=${String(cursor)}`}`,
    )
    seen.push(...(page.json.collections as unknown as { id: string }[]).map(({ id }) => id))
    cursor = page.json.nextCursor
  } while (cursor !== null)
  t.same(seen, made)
  t.match((await clerk('GET', `/v1/counter/collections/${made[0]}`)).json, { slipNo: 5 })
})

t.test('a cash account serves no callbacks', async (t) => {
  const { gateway } = await testCounter(t)
  t.equal((await fetch(`${gateway.url}/callbacks/counter/tien-mat`, { method: 'POST', body: '{}' })).status, 404)
})
