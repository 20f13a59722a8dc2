/** Refunds at the simulated VNPAY, through a whole gateway: paid there, asked for by a portal, approved, sent, ended by inquiry. */
import t from 'tap'
import { eventually, type Finance, testFinance } from '../harness/finance.ts'
import { anInvoice } from '../harness/gateway.ts'
import { testReceiver } from '../harness/receiver.ts'

const statusOf = async ({ an }: Finance, id: string): Promise<string> =>
  String((await an('GET', `/refunds/${id}`)).json.status)

async function approved(finance: Finance, invoiceId: string, over: object = {}): Promise<string> {
  const asked = await finance.an('POST', '/refunds', {
    invoiceId,
    reason: 'NOT_GRANTED',
    legalBasis: 'Thông báo 12/TB-CA',
    channel: 'RAIL_REVERSAL',
    ...over,
  })
  if (asked.status !== 201) throw new Error(asked.text)
  const id = String(asked.json.id)
  const answer = await finance.binh('POST', `/refunds/${id}/approve`, { version: asked.json.version })
  if (answer.status !== 200) throw new Error(answer.text)
  return id
}

/** VNPAY accepts at once and ends later: the schedule asks. */
async function done(finance: Finance, id: string): Promise<void> {
  await eventually(async () => (await statusOf(finance, id)) !== 'APPROVED')
  for (let asked = 0; (await statusOf(finance, id)) === 'SENT' && asked < 5; asked++) {
    finance.gateway.environment.advance(61 * 60_000)
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
  await eventually(async () => (await statusOf(finance, id)) === 'DONE')
}

t.test('the whole: asked for by the portal, approved, sent, and the dossier system told', async (t) => {
  const finance = await testFinance(t)
  const { gateway, vnpay, binh, an } = finance
  const receiver = await testReceiver(t)
  await gateway.api('POST', '/v1/webhook-endpoints', { url: receiver.url })
  const invoice = await finance.paid()
  const asked = await gateway.api('POST', `/v1/invoices/${invoice.id}/refund-requests`, {
    reason: 'NOT_GRANTED',
    legalBasis: 'Thông báo 12/TB-CA',
  })
  t.match(asked.json, { status: 'REQUESTED', amount: invoice.total, channel: 'RAIL_REVERSAL', origin: 'REQUEST' })
  const id = String(asked.json.id)
  const seen = await an('GET', `/refunds/${id}`)
  await binh('POST', `/refunds/${id}/approve`, { version: seen.json.version })
  await done(finance, id)
  const [transaction] = vnpay.transactions.values()
  t.match(transaction?.refunds, [{ type: '02', amount: BigInt(invoice.total), status: '00' }])
  t.equal((await gateway.api('GET', `/v1/invoices/${invoice.id}`)).json.status, 'REFUNDED')
  t.match((await gateway.api('GET', `/v1/invoices/${invoice.id}/refund-requests/${id}`)).json, {
    status: 'DONE',
    amount: invoice.total,
    doneAt: /^2026-/,
  })
  await eventually(() => Promise.resolve(receiver.received.some(({ body }) => body.includes('invoice.refunded'))))
  const told = receiver.received.map(({ body }) => JSON.parse(body)).filter(({ type }) => type === 'invoice.refunded')
  t.match(told, [
    {
      data: {
        invoice: { id: invoice.id, status: 'REFUNDED' },
        refund: { id, amount: invoice.total, channel: 'RAIL_REVERSAL', reference: /^TESTBOX1:/ },
      },
    },
  ])
  t.match((await an('GET', '/ledger')).json, { sum: 0 })
})

t.test('in parts, each under its own reference, until nothing is left', async (t) => {
  const finance = await testFinance(t)
  const { gateway, vnpay, an } = finance
  const invoice = await finance.paid()
  const part = (amount: number) => ({ items: [{ lineNo: 1, amount }] })
  await done(finance, await approved(finance, invoice.id, part(30_000)))
  t.equal((await gateway.api('GET', `/v1/invoices/${invoice.id}`)).json.status, 'PARTIALLY_REFUNDED')
  await done(finance, await approved(finance, invoice.id, part(30_000)))
  const rest = await approved(finance, invoice.id)
  await done(finance, rest)
  const [transaction] = vnpay.transactions.values()
  t.match(
    transaction?.refunds.map(({ type, amount, status }) => [type, amount, status]),
    [
      ['03', 30_000n, '00'],
      ['03', 30_000n, '00'],
      ['03', BigInt(invoice.total) - 60_000n, '00'],
    ],
  )
  t.equal((await gateway.api('GET', `/v1/invoices/${invoice.id}`)).json.status, 'REFUNDED')
  const more = await an('POST', '/refunds', { invoiceId: invoice.id, reason: 'NOT_GRANTED', legalBasis: 'x' })
  t.match(more.json, { status: 409, code: 'REFUND_EXCEEDS_PAID' })
})

t.test('a second payment by card goes back by the rail it came on', async (t) => {
  const finance = await testFinance(t)
  const { gateway, vnpay, an, binh } = finance
  const invoice = await gateway.api('POST', '/v1/invoices', anInvoice())
  const id = String(invoice.json.id)
  const [first, second] = [await finance.start(id), await finance.start(id)]
  await vnpay.pay(first, 'success')
  await vnpay.pay(second, 'success')
  const cases = (await an('GET', `/refunds?invoiceId=${id}&open=true`)).json.refunds as unknown as { id: string }[]
  t.match(cases, [{ origin: 'DUPLICATE', status: 'REQUESTED', requestedBy: 'feegate' }])
  const caseId = cases[0]?.id ?? ''
  const prepared = await an('POST', `/refunds/${caseId}/prepare`, {
    reason: 'NOT_OWED',
    legalBasis: 'Nộp trùng',
    channel: 'RAIL_REVERSAL',
  })
  t.equal(prepared.status, 200, prepared.text)
  await binh('POST', `/refunds/${caseId}/approve`, { version: prepared.json.version })
  await done(finance, caseId)
  t.equal((await gateway.api('GET', `/v1/invoices/${id}`)).json.status, 'PAID')
  const refunds = [...vnpay.transactions.values()].map((transaction) => transaction.refunds.length)
  t.same(refunds.sort(), [0, 1])
})

t.test('a bank that refuses: failed, and paid out of the agency’s account instead', async (t) => {
  const finance = await testFinance(t)
  const { vnpay, an } = finance
  const invoice = await finance.paid()
  const [transaction] = vnpay.transactions.values()
  if (transaction !== undefined) transaction.status = '02'
  const id = await approved(finance, invoice.id)
  await eventually(async () => (await statusOf(finance, id)) === 'FAILED')
  t.match((await an('GET', `/refunds/${id}`)).json, { railDetail: /^95/ })
  const payee = { accountNumber: '0123456789', accountName: 'NGUYEN VAN AN', bankBin: '970436' }
  const prepared = await an('POST', `/refunds/${id}/prepare`, {
    reason: 'NOT_GRANTED',
    legalBasis: 'Thông báo 12/TB-CA',
    channel: 'AGENCY_PAYOUT',
    payee,
  })
  t.match(prepared.json, { status: 'REQUESTED', channel: 'AGENCY_PAYOUT', payee })
})
