/** Banks ask, pay and take back, each in its own protocol, over HTTP and the real stores. */
import pg from 'pg'
import t, { type Test } from 'tap'
import type { GenericAnswer, GenericBank } from '../../src/sandbox/rails/bill-pull-generic.ts'
import { findAllDiscrepancies } from '../../src/store/parity-checks.ts'
import { bankAccounts, custCodeOf, testBanks } from '../harness/banks.ts'
import { anInvoice, callApi, type TestGateway, testDirectory, testGateway } from '../harness/gateway.ts'
import { testReceiver } from '../harness/receiver.ts'

type Issued = { id: string; payCode: string; amount: bigint }

async function issue(gateway: TestGateway, over: Record<string, unknown> = {}): Promise<Issued> {
  const { json, status, text } = await gateway.api('POST', '/v1/invoices', anInvoice(over))
  if (status !== 201) throw new Error(text)
  return { id: String(json.id), payCode: String(json.payCode), amount: BigInt(Number(json.total)) }
}

async function statusOf(gateway: TestGateway, { id }: Issued): Promise<string> {
  return String((await gateway.api('GET', `/v1/invoices/${id}`)).json.status)
}

async function settlementsOf(gateway: TestGateway, { id }: Issued): Promise<string[]> {
  const rows = await gateway.database.query<{ disposition: string }>(
    'SELECT disposition FROM settlements WHERE invoice_id = $1 ORDER BY id',
    [id],
  )
  return rows.map(({ disposition }) => disposition).sort()
}

async function eventsOf(gateway: TestGateway, { id }: Issued): Promise<string[]> {
  const rows = await gateway.database.query<{ type: string }>(
    `SELECT type FROM events WHERE invoice_id = $1 AND type NOT LIKE 'receipt.%' ORDER BY invoice_seq`,
    [id],
  )
  return rows.map(({ type }) => type)
}

async function casesOf(gateway: TestGateway, { id }: Issued): Promise<object[]> {
  return await gateway.database.query('SELECT origin, amount, status FROM refunds WHERE invoice_id = $1 ORDER BY id', [
    id,
  ])
}

function codeOf(answer: GenericAnswer | string | undefined): string {
  return typeof answer === 'object' ? answer.code : (answer ?? 'no answer')
}

/** Pays and returns the transaction id. */
async function paid(bank: GenericBank, bill: Issued): Promise<string> {
  const [answer] = await bank.pay(bill)
  if (codeOf(answer) !== 'RECORDED') throw new Error(`not recorded: ${codeOf(answer)}`)
  return bank.payments.at(-1)?.transactionId ?? ''
}

t.test('VietinBank: a teller looks the code up, takes the money and reports it; the invoice is paid', async (t) => {
  const { gateway, vietinbank } = await testBanks(t)
  const bill = await issue(gateway)
  const finding = await vietinbank.inquire(custCodeOf(bill.payCode))
  t.match(finding, {
    kind: 'payable',
    bill: { custName: 'NGUYEN VAN AN', billId: bill.id, amount: bill.amount },
  })
  if (finding.kind !== 'payable') return
  t.match((await vietinbank.pay(finding.bill, 'duplicate'))?.acknowledgements, [
    { asExpected: true, meaning: 'errorCode 00' },
    { asExpected: true, meaning: 'errorCode 00' },
  ])
  t.equal(await statusOf(gateway, bill), 'PAID')
  t.same(await settlementsOf(gateway, bill), ['APPLIED'])
  t.match(await vietinbank.inquire(custCodeOf(bill.payCode)), {
    kind: 'refused',
    errorCode: '02',
    errorDesc: 'Bill already paid',
  })
})

t.test('the generic profile: asked, paid and repeated, each answer signed for its request', async (t) => {
  const { gateway, generic } = await testBanks(t)
  const bill = await issue(gateway)
  t.match(await generic.inquire(bill.payCode.toLowerCase()), {
    status: 200,
    code: 'PAYABLE',
    bill: { payCode: bill.payCode, billId: bill.id, amount: bill.amount, payerName: 'Nguyễn Văn An' },
  })
  const [first] = await generic.pay(bill, { duplicate: true })
  t.match(first, { status: 200, code: 'RECORDED', settlementId: /^stl_/ })
  t.same(await settlementsOf(gateway, bill), ['APPLIED'])
  const again = await generic.repeat(generic.payments.at(-1)?.transactionId ?? '')
  t.same(again, [first], 'a repeated report is told the first settlement')
  t.equal(codeOf(await generic.inquire(bill.payCode)), 'ALREADY_PAID')
  t.same(await eventsOf(gateway, bill), ['invoice.issued', 'invoice.paid'])
})

t.test('money that was taken is on record whatever it is: another amount, a paid bill, an unknown code', async (t) => {
  const { gateway, generic } = await testBanks(t)
  const short = await issue(gateway)
  t.equal(codeOf((await generic.pay({ ...short, amount: short.amount - 1_000n }))[0]), 'RECORDED_OTHER_AMOUNT')
  t.equal(await statusOf(gateway, short), 'ISSUED')
  const bill = await issue(gateway)
  await paid(generic, bill)
  t.equal(codeOf((await generic.pay(bill))[0]), 'RECORDED_EXTRA')
  t.equal(codeOf((await generic.pay({ payCode: 'ZZZZZZZZZZZZ', amount: 5_000n }))[0]), 'RECORDED_UNKNOWN_CODE')
  const cases = await gateway.database.query('SELECT origin, amount FROM refunds ORDER BY amount', [])
  t.same(cases, [
    { origin: 'ORPHAN', amount: 5_000n },
    { origin: 'UNDERPAID', amount: short.amount - 1_000n },
    { origin: 'DUPLICATE', amount: bill.amount },
  ])
})

t.test('every state of a bill has its answer, and the payer stands only in the one that can be paid', async (t) => {
  const { gateway, generic, vietinbank } = await testBanks(t)
  const cancelled = await issue(gateway)
  await gateway.api('POST', `/v1/invoices/${cancelled.id}/cancel`, { reason: 'rút hồ sơ' })
  const expired = await issue(gateway)
  await gateway.database.query('UPDATE invoices SET expires_at = $2 WHERE id = $1', [
    expired.id,
    gateway.environment.now(),
  ])
  const paidBill = await issue(gateway)
  await paid(generic, paidBill)
  for (const [bill, code] of [
    [cancelled, 'CLOSED'],
    [expired, 'EXPIRED'],
    [paidBill, 'ALREADY_PAID'],
  ] as const) {
    t.match(await generic.inquire(bill.payCode), { status: 200, code, bill: null })
    t.match(await vietinbank.inquire(custCodeOf(bill.payCode)), { kind: 'refused', errorCode: '02' })
  }
  const rows = await gateway.database.query<{ reply_body: string; verdict: string }>(
    `SELECT reply_body, verdict FROM callbacks WHERE verdict LIKE 'bill:%'`,
    [],
  )
  t.equal(rows.length, 6)
  t.same(
    rows.filter(({ reply_body }) => /Nguy|NGUYEN|7000/.test(reply_body)),
    [],
    'no name and no amount of a bill that cannot be paid',
  )
})

t.test("somebody else's code is as unknown as one that was never given out, to the byte", async (t) => {
  const { gateway, generic, railAccounts } = await testBanks(t)
  const other = testDirectory({ tenantId: 'ten_other', agencyCode: 'H15.2', railAccounts: [] })
  await gateway.load(other)
  const client = await gateway.addClient({ tenantId: 'ten_other' })
  const foreign = await callApi(
    gateway.url,
    'POST',
    '/v1/invoices',
    anInvoice({ dossierCode: 'H15.2-261120-0001', collectingAgencyCode: 'H15.2' }),
    { authorization: `Bearer ${await client.token()}` },
  )
  // An invoice of this tenant whose money goes to another account than the one this bank collects for.
  const tax = await issue(gateway)
  await gateway.database.query(`UPDATE invoices SET beneficiary_account_id = 'bac_h56-14-state' WHERE id = $1`, [
    tax.id,
  ])
  const codes = [String(foreign.json.payCode), tax.payCode, 'A2345678BCDE', 'nothing', '1']
  for (const code of codes)
    t.match(await generic.inquire(code), { status: 200, code: 'UNKNOWN_CODE', bill: null }, code)
  const bodies = await gateway.database.query<{ reply_body: string }>(
    `SELECT DISTINCT reply_body FROM callbacks WHERE verdict = 'bill:unknown'`,
    [],
  )
  t.equal(bodies.length, 1)
  t.equal(railAccounts.length, 2)
})

t.test('a paused account takes no new bills, and still records what is reported', async (t) => {
  const { gateway, generic, railAccounts } = await testBanks(t)
  const bill = await issue(gateway)
  await gateway.load(testDirectory({ railAccounts: railAccounts.map((account) => ({ ...account, status: 'PAUSED' })) }))
  gateway.environment.advance(6_000)
  t.match(await generic.inquire(bill.payCode), { status: 503, code: 'UNAVAILABLE' })
  t.equal(codeOf((await generic.pay(bill))[0]), 'RECORDED')
})

t.test(
  'the operator’s rules hold at banks too: closed for now is asked for later, switched off is none of theirs',
  async (t) => {
    const { gateway, generic, railAccounts } = await testBanks(t)
    const bill = await issue(gateway)
    const rule = async (routing: object): Promise<void> => {
      await gateway.load({
        ...testDirectory({ railAccounts }),
        routing: { calendars: [], closures: [], rules: [], ...routing },
      })
      gateway.environment.advance(6_000)
    }
    await rule({
      closures: [
        {
          id: 'upgrade',
          rails: ['bill-pull'],
          from: '2026-11-20T11:00:00+07:00',
          to: '2026-11-20T13:00:00+07:00',
          reasonVi: 'Nâng cấp',
          reasonEn: 'Upgrade',
        },
      ],
    })
    t.match(await generic.inquire(bill.payCode), { status: 503, code: 'UNAVAILABLE' })
    await rule({ rules: [{ id: 'off', rails: ['bill-pull'], procedureCodes: ['1.004194'], set: { offered: false } }] })
    t.match(await generic.inquire(bill.payCode), { status: 200, code: 'UNKNOWN_CODE' })
    t.equal(codeOf((await generic.pay(bill))[0]), 'RECORDED', 'money that has come is on record all the same')
  },
)

t.test('a tax that was paid is taken back by nobody, and no case is opened', async (t) => {
  const { gateway, generic } = await testBanks(t)
  await gateway.database.query(`UPDATE rail_accounts SET beneficiary_account_id = 'bac_h56-14-state' WHERE id = $1`, [
    bankAccounts.generic,
  ])
  gateway.environment.advance(6_000)
  const bill = await issue(gateway, {
    procedureCode: '1.013001',
    items: [
      {
        kind: 'TAX',
        nameVi: 'Lệ phí trước bạ',
        amount: 9_000_000,
        economicCode: '2802',
        taxObligationId: 'TB123456',
        decision: { number: '12/TB', date: '2026-11-18', authority: 'Thuế tỉnh' },
      },
    ],
  })
  const transactionId = await paid(generic, bill)
  t.equal(codeOf(await generic.reverse(transactionId)), 'TOO_LATE')
  t.same(await casesOf(gateway, bill), [])
  t.same(await settlementsOf(gateway, bill), ['APPLIED'])
})

t.test('a question whose evidence cannot be kept is not answered', async (t) => {
  const { gateway, generic, vietinbank } = await testBanks(t)
  const bill = await issue(gateway)
  const owner = new pg.Client({ connectionString: gateway.databaseUrl })
  await owner.connect()
  await owner.query('ALTER TABLE callbacks RENAME TO callbacks_away')
  await owner.end()
  t.match(await generic.inquire(bill.payCode), { status: 503, code: 'UNAVAILABLE', bill: null })
  t.match(await vietinbank.inquire(custCodeOf(bill.payCode)), { kind: 'refused', errorCode: '99' })
  t.match(await generic.reverse('FT1'), { status: 503, code: 'UNAVAILABLE' })
})

t.test(
  'taken back the same day, before the dossier system was told: on record once, however often it is asked',
  async (t) => {
    const { gateway, generic } = await testBanks(t)
    const bill = await issue(gateway)
    const transactionId = await paid(generic, bill)
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => generic.reverse(transactionId, { reversalId: 'RV-1' })),
    )
    t.same(answers.map(codeOf), Array(8).fill('REVERSED'), 'the same message is told the same')
    t.equal(codeOf(await generic.reverse(transactionId, { reversalId: 'RV-2' })), 'ALREADY_REVERSED')
    t.equal(codeOf(await generic.reverse(transactionId, { reversalId: 'RV-1', amount: 1n })), 'MALFORMED')
    t.same(await settlementsOf(gateway, bill), ['APPLIED', 'REVERSED'])
    t.same(await eventsOf(gateway, bill), ['invoice.issued', 'invoice.paid', 'payment.reversed'])
    t.same(await findAllDiscrepancies(gateway.database), [])
    t.equal(codeOf(await generic.inquire(bill.payCode)), 'CLOSED', 'this demand is over')
    t.equal(codeOf((await generic.repeat(transactionId))[0]), 'RECORDED', 'the report of the payment changes nothing')
    t.same(await settlementsOf(gateway, bill), ['APPLIED', 'REVERSED'])
    t.same(
      await gateway.database.query(
        `SELECT verdict, settlement_id IS NOT NULL AS settled, count(*)::int FROM callbacks WHERE verdict LIKE 'bill:re%' GROUP BY 1, 2 ORDER BY 1`,
        [],
      ),
      [
        { verdict: 'bill:refused', settled: false, count: 1 },
        { verdict: 'bill:reversed', settled: true, count: 8 },
      ],
    )
  },
)

t.test('VietinBank: reversed 00, the same message 00 again, another 05, unknown 02', async (t) => {
  const { gateway, vietinbank } = await testBanks(t)
  const bill = await issue(gateway)
  const finding = await vietinbank.inquire(custCodeOf(bill.payCode))
  if (finding.kind !== 'payable') throw new Error('not payable')
  await vietinbank.pay(finding.bill, 'success')
  const transId = vietinbank.credits[0]?.transId ?? ''
  t.equal(await vietinbank.reverse(transId, 'Thu nham'), '00')
  t.equal(await vietinbank.reverse(transId, 'Thu nham'), '05')
  t.equal(await vietinbank.reverse('999', 'Thu nham'), '02')
})

t.test('too late once the dossier system has acknowledged: a refund case, once, and nothing else', async (t) => {
  const { gateway, generic, vietinbank } = await testBanks(t, { background: true })
  const receiver = await testReceiver(t)
  await gateway.api('POST', '/v1/webhook-endpoints', { url: receiver.url })
  const bill = await issue(gateway)
  const finding = await vietinbank.inquire(custCodeOf(bill.payCode))
  if (finding.kind !== 'payable') throw new Error('not payable')
  await vietinbank.pay(finding.bill, 'success')
  await receiver.until(2)
  await delivered(t, gateway, bill)
  const transId = vietinbank.credits[0]?.transId ?? ''
  t.equal(await vietinbank.reverse(transId, 'Thu nham'), '06')
  t.equal(await vietinbank.reverse(transId, 'Thu nham'), '06')
  t.same(await casesOf(gateway, bill), [{ origin: 'REQUEST', amount: bill.amount, status: 'REQUESTED' }])
  t.same(await settlementsOf(gateway, bill), ['APPLIED'])
  t.same(await eventsOf(gateway, bill), ['invoice.issued', 'invoice.paid'])
  await gateway.database.query(`UPDATE refunds SET status = 'REJECTED' WHERE invoice_id = $1`, [bill.id])
  t.equal(await vietinbank.reverse(transId, 'Thu nham'), '06')
  t.equal((await casesOf(gateway, bill)).length, 1, 'what an officer decided is not opened anew')
  const other = await issue(gateway)
  const transactionId = await paid(generic, other)
  await delivered(t, gateway, other)
  t.match(await generic.reverse(transactionId), { status: 200, code: 'TOO_LATE' })
})

async function delivered(t: Test, { database }: TestGateway, { id }: Issued): Promise<void> {
  for (let waited = 0; waited < 10_000; waited += 20) {
    const rows = await database.query(
      `SELECT 1 FROM deliveries d JOIN events e ON e.id = d.event_id WHERE e.invoice_id = $1 AND e.type = 'invoice.paid' AND d.status = 'DELIVERED'`,
      [id],
    )
    if (rows.length > 0) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  t.fail('invoice.paid was not delivered')
}

t.test('too late once a portal has read the feed', async (t) => {
  const { gateway, generic } = await testBanks(t)
  const bill = await issue(gateway)
  const transactionId = await paid(generic, bill)
  await gateway.api('GET', '/v1/events?after=0')
  t.equal(codeOf(await generic.reverse(transactionId, { reversalId: 'RV-1' })), 'TOO_LATE')
})

t.test('the day is that of Viet Nam: until 23:59:59 there, not from 00:00:00', async (t) => {
  const { gateway, generic } = await testBanks(t)
  const at = (time: string): void => gateway.environment.set(new Date(time))
  // 00:30 in Viet Nam is the day before in UTC.
  at('2026-11-20T17:30:00Z')
  const early = await issue(gateway)
  const first = await paid(generic, early)
  at('2026-11-21T16:59:59Z')
  const late = await issue(gateway)
  const second = await paid(generic, late)
  t.equal(codeOf(await generic.reverse(first)), 'REVERSED')
  at('2026-11-21T17:00:00Z')
  t.equal(codeOf(await generic.reverse(second)), 'TOO_LATE')
  t.same(await casesOf(gateway, late), [{ origin: 'REQUEST', amount: late.amount, status: 'REQUESTED' }])
  t.same(await settlementsOf(gateway, late), ['APPLIED'])
})

t.test(
  'a second payment is taken back: its refund case is withdrawn, the paid invoice and its dossier hear nothing',
  async (t) => {
    const { gateway, generic } = await testBanks(t)
    const bill = await issue(gateway)
    await paid(generic, bill)
    await generic.pay(bill)
    await gateway.api('GET', '/v1/events?after=0')
    const second = generic.payments.at(-1)?.transactionId ?? ''
    t.equal(codeOf(await generic.reverse(second)), 'REVERSED', 'the dossier system knows of the first one only')
    t.same(await casesOf(gateway, bill), [{ origin: 'DUPLICATE', amount: bill.amount, status: 'REJECTED' }])
    t.same(await eventsOf(gateway, bill), ['invoice.issued', 'invoice.paid'])
    t.equal(codeOf(await generic.inquire(bill.payCode)), 'ALREADY_PAID')
    t.same(await findAllDiscrepancies(gateway.database), [])
  },
)

t.test('money that is on its way back as a refund is not taken back as well', async (t) => {
  const { gateway, generic } = await testBanks(t)
  const bill = await issue(gateway)
  await paid(generic, bill)
  await generic.pay(bill)
  await gateway.database.query(
    `UPDATE refunds SET status = 'APPROVED', requested_by = 'lap', approved_by = 'duyet', channel = 'AGENCY_PAYOUT', legal_basis = 'x', payee = '{}' WHERE invoice_id = $1`,
    [bill.id],
  )
  const second = generic.payments.at(-1)?.transactionId ?? ''
  t.equal(codeOf(await generic.reverse(second)), 'TOO_LATE')
  t.same(await settlementsOf(gateway, bill), ['APPLIED', 'DUPLICATE'])
  t.same(await casesOf(gateway, bill), [{ origin: 'DUPLICATE', amount: bill.amount, status: 'APPROVED' }])
})

t.test('an orphan is taken back like any other money', async (t) => {
  const { gateway, generic } = await testBanks(t)
  await generic.pay({ payCode: 'ZZZZZZZZZZZZ', amount: 5_000n })
  const transactionId = generic.payments.at(-1)?.transactionId ?? ''
  t.equal(codeOf(await generic.reverse(transactionId)), 'REVERSED')
  t.same(await gateway.database.query('SELECT origin, status FROM refunds', []), [
    { origin: 'ORPHAN', status: 'REJECTED' },
  ])
  t.same(await findAllDiscrepancies(gateway.database), [])
})

t.test('a reversal that overtakes its payment stays answered as it was; a later one works', async (t) => {
  const { gateway, generic } = await testBanks(t)
  const bill = await issue(gateway)
  const payment = { transactionId: '', ...bill }
  generic.callbackUrl = null
  await generic.pay(payment)
  generic.callbackUrl = `${gateway.url}/callbacks/bill-pull/${bankAccounts.generic}`
  const transactionId = generic.payments.at(-1)?.transactionId ?? ''
  t.equal(codeOf(await generic.reverse(transactionId, { reversalId: 'RV-1' })), 'ORIGINAL_UNKNOWN')
  t.equal(codeOf((await generic.repeat(transactionId))[0]), 'RECORDED')
  t.equal(codeOf(await generic.reverse(transactionId, { reversalId: 'RV-1' })), 'ORIGINAL_UNKNOWN')
  t.equal(codeOf(await generic.reverse(transactionId, { reversalId: 'RV-2' })), 'REVERSED')
})

t.test('a reversal of another amount or of another bank’s payment finds nothing', async (t) => {
  const { gateway, generic, vietinbank } = await testBanks(t)
  const bill = await issue(gateway)
  const transactionId = await paid(generic, bill)
  t.equal(codeOf(await generic.reverse(transactionId, { amount: bill.amount - 1n })), 'ORIGINAL_UNKNOWN')
  t.equal(await vietinbank.reverse(transactionId, 'Thu nham'), '02')
  t.same(await settlementsOf(gateway, bill), ['APPLIED'])
})

t.test('a forged question, report or reversal reads and changes nothing', async (t) => {
  const { gateway, generic, vietinbank } = await testBanks(t)
  const bill = await issue(gateway)
  const transactionId = await paid(generic, bill)
  generic.behaviour.misbehave({ badSignature: true })
  vietinbank.behaviour.misbehave({ badSignature: true })
  t.equal(codeOf(await generic.inquire(bill.payCode)), 'BAD_SIGNATURE')
  t.equal(codeOf(await generic.reverse(transactionId)), 'BAD_SIGNATURE')
  t.match(await vietinbank.inquire(custCodeOf(bill.payCode)), { kind: 'refused', errorCode: '01' })
  t.equal(await vietinbank.reverse(transactionId, 'Thu nham'), '01')
  t.same(await settlementsOf(gateway, bill), ['APPLIED'])
  t.same(await gateway.database.query('SELECT * FROM bill_reversals', []), [])
})

t.test('two banks with sixteen tellers each pay one bill at once, at two replicas: one is applied', async (t) => {
  const { gateway, generic, vietinbank } = await testBanks(t, { maxConnections: 20 })
  const replica = await testGateway(t, {
    database: { url: gateway.databaseUrl, database: gateway.database },
    vault: gateway.vault,
  })
  const bill = await issue(gateway)
  const finding = await vietinbank.inquire(custCodeOf(bill.payCode))
  if (finding.kind !== 'payable') throw new Error('not payable')
  // Half of each bank's messages go to the second replica.
  const at = (url: string): void => {
    generic.callbackUrl = `${url}/callbacks/bill-pull/${bankAccounts.generic}`
    vietinbank.callbackUrl = `${url}/callbacks/bill-pull/${bankAccounts.vietinbank}`
  }
  const started = Array.from({ length: 16 }, (_, index) => {
    at(index % 2 === 0 ? gateway.url : replica.url)
    return [generic.pay(bill, { duplicate: index % 4 === 0 }), vietinbank.pay(finding.bill, 'success')] as const
  })
  const told = (await Promise.all(started.map(([answer]) => answer))).map((answers) => answers.map(codeOf))
  const notices = await Promise.all(started.map(([, notice]) => notice))
  t.same(
    notices.flatMap((notice) => notice?.acknowledgements ?? []).filter(({ meaning }) => meaning !== 'errorCode 00'),
    [],
    'VietinBank is told 00: all of it is on record',
  )
  const settlements = await settlementsOf(gateway, bill)
  t.same(
    [settlements.length, settlements.filter((one) => one === 'APPLIED').length],
    [32, 1],
    'each transaction once, one applied',
  )
  t.same(settlements.slice(1), Array(31).fill('DUPLICATE'))
  t.equal((await casesOf(gateway, bill)).length, 31, 'every other payment has its refund case')
  const [{ rail_account_id: winner } = { rail_account_id: '' }] = await gateway.database.query<{
    rail_account_id: string
  }>(`SELECT rail_account_id FROM settlements WHERE invoice_id = $1 AND disposition = 'APPLIED'`, [bill.id])
  const first = told.flat().filter((code) => code === 'RECORDED')
  // A message sent twice is RECORDED the second time, whatever the first was told.
  t.ok(first.length >= (winner === bankAccounts.generic ? 1 : 0))
  t.same(
    told.flat().filter((code) => code !== 'RECORDED' && code !== 'RECORDED_EXTRA'),
    [],
  )
  t.equal(told.flat().length, 20)
  t.same(await eventsOf(gateway, bill), ['invoice.issued', 'invoice.paid'])
  t.same(await findAllDiscrepancies(gateway.database), [])
})
