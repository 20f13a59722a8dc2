import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { createMetrics } from '../../src/metrics.ts'
import { createCircuitBreaker } from '../../src/network/circuit-breaker.ts'
import { createHttpCaller } from '../../src/network/http-caller.ts'
import { nextInquiryAt } from '../../src/payment/inquiry-schedule.ts'
import { createRailAccounts } from '../../src/rails/accounts.ts'
import { createSettler } from '../../src/settlement/group.ts'
import { expireDue } from '../../src/watch/expiry.ts'
import { type InquiryWatcherOptions, inquireDue } from '../../src/watch/inquiry.ts'
import { testDatabase } from '../harness/database.ts'
import { testEnvironment } from '../harness/environment.ts'
import { seedInvoice, seedTenant, seedTime } from '../harness/seed.ts'
import { testVault } from '../harness/vault.ts'

const minute = 60_000
const secret = 'S'.repeat(32)

/** VNPAY's query service as rails.md §1.4 has it: answers what `status` says about every order. */
async function vnpayQuery(
  t: Test,
  status: () => { code: string; status: string },
): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as { vnp_TxnRef: string }
      asked.push(body.vnp_TxnRef)
      const { code, status: transactionStatus } = status()
      const fields = [
        'R1',
        'querydr',
        code,
        'ok',
        'TESTGW01',
        body.vnp_TxnRef,
        '5800000',
        'NCB',
        '20261120100130',
        '777',
        '01',
        transactionStatus,
        'x',
        '',
        '',
      ]
      const names = [
        'ResponseId',
        'Command',
        'ResponseCode',
        'Message',
        'TmnCode',
        'TxnRef',
        'Amount',
        'BankCode',
        'PayDate',
        'TransactionNo',
        'TransactionType',
        'TransactionStatus',
        'OrderInfo',
        'PromotionCode',
        'PromotionAmount',
      ]
      const answer = Object.fromEntries(
        names.map((name, index) => [`vnp_${name}`, fields[index]]).filter(([, value]) => value !== ''),
      )
      response.setHeader('content-type', 'application/json')
      response.end(
        JSON.stringify({
          ...answer,
          vnp_SecureHash: createHmac('sha512', secret).update(fields.join('|')).digest('hex'),
        }),
      )
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise((resolve) => server.close(resolve)))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`, asked }
}

async function fixture(t: Test, status: () => { code: string; status: string }) {
  const { database } = await testDatabase(t)
  const rail = await vnpayQuery(t, status)
  const seeded = await seedTenant(database, {
    config: { tmnCode: 'TESTGW01', hashSecret: secret, payUrl: rail.url, apiUrl: rail.url },
  })
  const environment = testEnvironment(seedTime)
  const calls = createHttpCaller()
  t.teardown(() => calls.close())
  const options: InquiryWatcherOptions = {
    database,
    environment,
    railAccounts: createRailAccounts(database, environment, testVault(), () => {}),
    settler: createSettler({ database, environment }),
    call: calls.call,
    breaker: createCircuitBreaker({ now: environment.now }),
    serverIp: '127.0.0.1',
    metrics: createMetrics(),
    log: pino({ level: 'silent' }),
  }
  const due = async (at: Date): Promise<Awaited<ReturnType<typeof seedInvoice>>> => {
    const invoice = await seedInvoice(database, seeded)
    await database.query(
      `UPDATE payments SET next_inquiry_at = $2, sent = '{"vnp_CreateDate":"20261120100000","vnp_OrderInfo":"x"}' WHERE id = $1`,
      [invoice.paymentId, at],
    )
    return invoice
  }
  return { database, seeded, environment, options, rail, due }
}

const statusOf = async ({ database }: { database: Awaited<ReturnType<typeof testDatabase>>['database'] }, id: string) =>
  (
    await database.query<{ status: string; payment: string; next: Date | null; human: boolean }>(
      'SELECT i.status, p.status AS payment, p.next_inquiry_at AS next, p.needs_human AS human FROM invoices i JOIN payments p ON p.invoice_id = i.id WHERE i.id = $1',
      [id],
    )
  )[0]

t.test(
  'the schedule asks at 1, 3, 10, 30 minutes, hourly to a day, daily to three days, then leaves it to a human',
  async (t) => {
    const start = seedTime
    const slots: number[] = []
    for (let at: Date | null = start; at !== null; at = nextInquiryAt(start, at))
      slots.push((at.getTime() - start.getTime()) / minute)
    t.same(slots.slice(0, 6), [0, 1, 3, 10, 30, 60])
    t.same(slots.slice(-3), [24 * 60, 48 * 60, 72 * 60])
    t.equal(slots.length, 1 + 4 + 24 + 2)
    t.same(
      nextInquiryAt(start, new Date(start.getTime() + 5 * 3_600_000 + 1)),
      new Date(start.getTime() + 6 * 3_600_000),
      'an outage skips slots instead of bunching them',
    )
  },
)

t.test('a payment whose callback was lost is found by inquiry and pays the invoice', async (t) => {
  const { environment, options, due, database } = await fixture(t, () => ({ code: '00', status: '00' }))
  const invoice = await due(new Date(seedTime.getTime() + minute))
  t.equal(await inquireDue(options), 0, 'not before its time')
  environment.advance(minute)
  t.equal(await inquireDue(options), 1)
  t.match(await statusOf({ database }, invoice.id), { status: 'PAID', payment: 'SUCCEEDED', next: null })
})

t.test('a pending answer waits for the next slot; after the last one a human is asked', async (t) => {
  const { environment, options, due, database } = await fixture(t, () => ({ code: '00', status: '01' }))
  const invoice = await due(seedTime)
  await inquireDue(options)
  t.match(await statusOf({ database }, invoice.id), {
    status: 'PAYING',
    payment: 'REDIRECTED',
    next: new Date(seedTime.getTime() + minute),
  })
  environment.advance(72 * 60 * minute)
  await inquireDue(options)
  t.match(await statusOf({ database }, invoice.id), { next: null, human: true })
})

t.test('three replicas ask for each due slot once', async (t) => {
  const { options, due, rail } = await fixture(t, () => ({ code: '00', status: '01' }))
  for (let index = 0; index < 12; index++) await due(seedTime)
  await Promise.all([inquireDue(options), inquireDue(options), inquireDue(options)])
  t.equal(rail.asked.length, 12)
  t.equal(new Set(rail.asked).size, 12)
})

t.test('invoices expire on time, once, with an event, but not while an attempt is under way', async (t) => {
  const { environment, options, database, seeded } = await fixture(t, () => ({ code: '00', status: '01' }))
  const soon = new Date(seedTime.getTime() + 10 * minute)
  const idle = await seedInvoice(database, seeded, { status: 'ISSUED', paymentStatus: 'FAILED', expiresAt: soon })
  const busy = await seedInvoice(database, seeded, { expiresAt: soon })
  t.equal(await expireDue(options), 0)
  environment.advance(11 * minute)
  t.same(
    (await Promise.all([expireDue(options), expireDue(options), expireDue(options)])).reduce(
      (sum, count) => sum + count,
      0,
    ),
    1,
  )
  t.match(await statusOf({ database }, idle.id), { status: 'EXPIRED' })
  t.match(await statusOf({ database }, busy.id), { status: 'PAYING' })
  environment.advance(30 * minute)
  t.equal(await expireDue(options), 1)
  const events = await database.query('SELECT type FROM events', [])
  t.same(events, [{ type: 'invoice.expired' }, { type: 'invoice.expired' }])
})
