import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { openDatabase } from '../../src/store/database.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/store/embedded/postgres.ts'
import { migrate } from '../../src/store/migrate.ts'
import { type ApiAnswer, anInvoice, callApi, testGateway } from '../harness/gateway.ts'
import { ownRedis } from '../harness/redis.ts'
import { untilSo } from '../harness/redis-server.ts'

const log = pino({ level: 'silent' })

type OwnPostgres = { url: string; stop(): Promise<void>; start(): Promise<void> }

/** A PostgreSQL of the test's own, to stop and start again. */
async function ownPostgres(t: Test): Promise<OwnPostgres> {
  const dataDir = mkdtempSync(join(tmpdir(), 'feegate-down-'))
  const start = (): Promise<EmbeddedPostgres> =>
    startEmbeddedPostgres({ dataDir, log, settings: { shared_buffers: '16MB', fsync: 'off' } })
  let server: EmbeddedPostgres | null = await start()
  const own = {
    url: server.url,
    async stop() {
      await server?.stop()
      server = null
    },
    async start() {
      server = await start()
    },
  }
  t.teardown(async () => {
    await own.stop()
    rmSync(dataDir, { recursive: true, force: true })
  })
  return own
}

async function timed<Value>(work: () => Promise<Value>): Promise<[Value, number]> {
  const started = performance.now()
  return [await work(), performance.now() - started]
}

/** The signed word of VNPAY that an attempt was paid (rails.md §1.2). */
function paidBy(secret: string, merchantRef: string, amount: number): string {
  const query = new URLSearchParams({
    vnp_Amount: String(amount * 100),
    vnp_BankCode: 'NCB',
    vnp_PayDate: '20261120120130',
    vnp_ResponseCode: '00',
    vnp_TmnCode: 'TESTGW01',
    vnp_TransactionNo: '14500001',
    vnp_TransactionStatus: '00',
    vnp_TxnRef: merchantRef,
  }).toString()
  return `/callbacks/vnpay/vnpay-h56-14?${query}&vnp_SecureHash=${createHmac('sha512', secret).update(query).digest('hex')}`
}

function isUnavailable(t: Test, answer: ApiAnswer, name: string): void {
  t.match(answer.json, { status: 503, code: 'UNAVAILABLE' }, `${name}: ${answer.text.slice(0, 300)}`)
  t.equal(answer.headers.get('content-type'), 'application/problem+json; charset=utf-8', name)
  t.ok(Number(answer.headers.get('retry-after')) >= 1, name)
  t.notMatch(answer.text, /ECONN|sock|postgres|terminat|\.ts:/i, name)
}

t.test('while PostgreSQL is away every route says so and comes back by itself', { timeout: 90_000 }, async (t) => {
  const postgres = await ownPostgres(t)
  await migrate({ url: postgres.url, log })
  const database = openDatabase({ url: postgres.url, maxConnections: 5, log, serviceRole: 'feegate_service' })
  t.teardown(() => database.close())
  const gateway = await testGateway(t, { database: { url: postgres.url, database } })
  const { url, api, client } = gateway
  const issued = await api('POST', '/v1/invoices', anInvoice())
  t.equal(issued.status, 201, issued.text)
  const attempt = await api('POST', `/v1/invoices/${String(issued.json.id)}/payments`, {
    railAccountId: 'vnpay-h56-14',
    payerIp: '203.0.113.7',
  })
  const ipn = paidBy(gateway.vnpaySecret, String(attempt.json.merchantRef), Number(issued.json.total))
  const key = { 'idempotency-key': 'during-the-outage' }
  const wanted = anInvoice()
  const probe = (path: string) => callApi(url, 'GET', path)
  t.same([(await probe('/healthz')).status, (await probe('/readyz')).status], [200, 200])

  await postgres.stop()
  const [refused, ms] = await timed(() => api('POST', '/v1/invoices', wanted, key))
  isUnavailable(t, refused, 'issue')
  t.ok(ms < 5_000, `refused after ${Math.round(ms)} ms`)
  isUnavailable(t, await api('POST', '/v1/invoices', wanted, key), 'the same again is not "still running"')
  isUnavailable(t, await api('GET', `/v1/invoices/${String(issued.json.id)}`), 'get')
  isUnavailable(t, await api('GET', '/v1/events'), 'events')
  const told = await callApi(url, 'GET', ipn)
  t.match(told.text, '"RspCode":"99"', 'a bank whose word cannot be kept is not thanked for it')
  const token = await fetch(`${url}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await client.assertion(),
    }),
  })
  t.equal(token.status, 503)
  t.ok(token.headers.get('retry-after'))
  const page = await fetch(String(issued.json.payUrl))
  t.equal(page.status, 503, 'the payer sees a page')
  t.match(page.headers.get('content-type'), 'text/html')
  t.same([(await probe('/healthz')).status, (await probe('/readyz')).status], [200, 503])
  t.match((await probe('/readyz')).json, { status: 'not ready', parts: ['database'] })
  t.equal((await probe('/.well-known/jwks.json')).status, 200)

  await postgres.start()
  t.match((await callApi(url, 'GET', ipn)).text, '"RspCode":"00"', 'when it says so again, it counts')
  t.match((await api('GET', `/v1/invoices/${String(issued.json.id)}`)).json, { status: 'PAID' })
  const again = await api('POST', '/v1/invoices', wanted, key)
  t.equal(again.status, 201, again.text)
  t.equal((await probe('/readyz')).status, 200)
  t.match((await api('GET', '/v1/invoices')).json, { invoices: { length: 2 } })
})

t.test('a stalled or stopped Redis makes no request fail and none slow', async (t) => {
  const server = await ownRedis(t)
  const gateway = await testGateway(t, { redis: server.redis })
  const { api } = gateway
  const works = async (name: string): Promise<void> => {
    const body = anInvoice()
    const key = { 'idempotency-key': name }
    const [issued, ms] = await timed(() => api('POST', '/v1/invoices', body, key))
    t.equal(issued.status, 201, `${name}: ${issued.text}`)
    t.ok(ms < 1_500, `${name}: ${Math.round(ms)} ms`)
    t.equal((await api('POST', '/v1/invoices', body, key)).text, issued.text, name)
    t.equal((await callApi(gateway.url, 'GET', '/readyz')).status, 200)
  }
  await works('running')
  process.kill(server.pid, 'SIGSTOP')
  try {
    await works('stalled')
    const [answers, ms] = await timed(() =>
      Promise.all(Array.from({ length: 30 }, () => api('POST', '/v1/invoices', anInvoice()))),
    )
    t.ok(answers.every(({ status }) => status === 201))
    t.ok(ms < 3_000, `30 at once: ${Math.round(ms)} ms`)
  } finally {
    process.kill(server.pid, 'SIGCONT')
  }
  await works('going-on')
  await server.stop()
  await works('stopped')
})

t.test('an unknown rail or account looks like any address that does not exist', async (t) => {
  const { url } = await testGateway(t)
  const paths = [
    '/nothing',
    '/callbacks/nobank/x',
    '/callbacks/vnpay/nobody',
    '/callbacks/vietqr/vnpay-h56-14',
    '/callbacks/vnpay/vnpay-h56-14x',
    '/callbacks/vnpay/VNPAY-H56-14',
    '/callbacks/vnpay/%00',
    `/callbacks/vnpay/${'x'.repeat(300)}`,
    '/callbacks/__proto__/constructor',
    '/callbacks/vnpay',
    '/callbacks',
  ]
  const texts = new Set<string>()
  for (const path of paths) {
    for (const method of ['GET', 'POST']) {
      const answer = await callApi(url, method, path, method === 'POST' ? '{}' : undefined)
      t.equal(answer.status, 404, `${method} ${path}`)
      texts.add(`${answer.headers.get('content-type')} ${answer.text}`)
    }
  }
  t.equal(texts.size, 1)
})

t.test('a wait that the database cuts short is answered 503, and nothing is done', async (t) => {
  const gateway = await testGateway(t)
  const invoice = await gateway.api('POST', '/v1/invoices', anInvoice())
  const holder = new pg.Client({ connectionString: gateway.databaseUrl })
  await holder.connect()
  t.teardown(() => holder.end())
  await holder.query('BEGIN')
  await holder.query('SELECT FROM invoices WHERE id = $1 FOR UPDATE', [invoice.json.id])
  const path = `/v1/invoices/${String(invoice.json.id)}/cancel`
  const asking = gateway.api('POST', path, { reason: 'rút' })
  await untilSo('the request waits for the row', async () => {
    const { rowCount } = await holder.query(
      `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    )
    return (rowCount ?? 0) > 0
  })
  const answer = await asking
  t.match(answer.json, { status: 503, code: 'UNAVAILABLE' })
  t.ok(Number(answer.headers.get('retry-after')) >= 1)
  await holder.query('ROLLBACK')
  t.match((await gateway.api('GET', `/v1/invoices/${String(invoice.json.id)}`)).json, { status: 'ISSUED' })
  t.equal((await gateway.api('POST', path, { reason: 'rút' })).status, 200)
})
