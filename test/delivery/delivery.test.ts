import { Webhook } from 'standardwebhooks'
import t from 'tap'
import { retryDelayMs } from '../../src/delivery/backoff.ts'
import { keysOfJwks, verifyCompact } from '../../src/signing/compact-jws.ts'
import { anInvoice, type TestGateway, testGateway } from '../harness/gateway.ts'
import { type Received, testReceiver } from '../harness/receiver.ts'

async function register(gateway: TestGateway, url: string): Promise<{ id: string; secret: string }> {
  const endpoint = await gateway.api('POST', '/v1/webhook-endpoints', { url })
  if (endpoint.status !== 201) throw new Error(endpoint.text)
  return { id: String(endpoint.json.id), secret: String(endpoint.json.secret) }
}

/** standardwebhooks refuses old timestamps by the real clock; the gateway's clock stands in 2026, so verify by its own time. */
function verifies({ headers, body }: Received, secret: string): boolean {
  const realNow = Date.now
  Date.now = () => Number(headers['webhook-timestamp']) * 1000
  try {
    new Webhook(secret).verify(body, headers)
    return true
  } catch {
    return false
  } finally {
    Date.now = realNow
  }
}

const eventOf = ({
  body,
}: Received): { id: string; type: string; data: { sequence: number; invoice: { id: string } } } => JSON.parse(body)

t.test('an event is signed by Standard Webhooks and by a detached JWS that the published keys verify', async (t) => {
  const gateway = await testGateway(t, { background: true })
  const receiver = await testReceiver(t)
  const { secret } = await register(gateway, receiver.url)
  const invoice = await gateway.api('POST', '/v1/invoices', anInvoice())
  await receiver.until(1)
  const [delivery] = receiver.received
  if (delivery === undefined) throw new Error('nothing was delivered')
  t.match(eventOf(delivery), { type: 'invoice.issued', data: { sequence: 1, invoice: { id: invoice.json.id } } })
  t.equal(delivery.headers['webhook-id'], eventOf(delivery).id)
  t.ok(verifies(delivery, secret))
  t.notOk(verifies({ ...delivery, body: delivery.body.replace('invoice.issued', 'invoice.paid') }, secret))
  const jwks = (await (await fetch(`${gateway.url}/.well-known/jwks.json`)).json()) as { keys: unknown[] }
  const [header, , signature] = String(delivery.headers['feegate-event-jws']).split('.')
  const attached = `${header}.${Buffer.from(delivery.body).toString('base64url')}.${signature}`
  t.ok(verifyCompact(attached, 'feegate-event+jws', keysOfJwks(jwks)))
})

t.test(
  'a failed delivery is tried again under the same event id, and later events of the invoice wait for it',
  async (t) => {
    const gateway = await testGateway(t, { background: true })
    const receiver = await testReceiver(t)
    await register(gateway, receiver.url)
    receiver.answerWith(500, 0, 302)
    const invoice = await gateway.api('POST', '/v1/invoices', anInvoice())
    await receiver.until(1)
    await gateway.api('POST', `/v1/invoices/${String(invoice.json.id)}/cancel`, { reason: 'rút hồ sơ' })
    for (let attempt = 2; attempt <= 5; attempt++) {
      gateway.environment.advance(30_000)
      await receiver.until(attempt)
    }
    const events = receiver.received.map(eventOf)
    t.same(
      events.map(({ type }) => type),
      ['invoice.issued', 'invoice.issued', 'invoice.issued', 'invoice.issued', 'invoice.cancelled'],
    )
    t.equal(new Set(events.slice(0, 4).map(({ id }) => id)).size, 1)
  },
)

t.test('after 72 hours an event is given up to the operator, and a replay sends the same event again', async (t) => {
  const gateway = await testGateway(t, { background: true })
  const receiver = await testReceiver(t)
  await register(gateway, receiver.url)
  receiver.answerWith(500, 500)
  await gateway.api('POST', '/v1/invoices', anInvoice())
  await receiver.until(1)
  gateway.environment.advance(73 * 3_600_000)
  const dead = async (): Promise<boolean> =>
    (await gateway.database.query(`SELECT 1 AS one FROM deliveries WHERE status = 'DEAD'`, [])).length === 1
  for (let waited = 0; !(await dead()); waited += 50) {
    if (waited > 5000) throw new Error('the delivery was not given up')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const before = receiver.received.length
  const [first] = receiver.received
  const { database, client } = gateway
  const replayed = await (
    await fetch(`${gateway.url}/v1/events/${first === undefined ? '' : eventOf(first).id}/replay`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await client.token()}` },
    })
  ).json()
  t.same(replayed, { deliveries: 1 })
  receiver.answerWith()
  await receiver.until(before + 1)
  t.same(receiver.received.at(-1)?.body, first?.body)
  t.ok(database)
})

t.test('an endpoint that answers 410 or keeps failing is paused; resuming sends what waited', async (t) => {
  const gateway = await testGateway(t, { background: true })
  const receiver = await testReceiver(t)
  const { id } = await register(gateway, receiver.url)
  receiver.answerWith(410)
  await gateway.api('POST', '/v1/invoices', anInvoice())
  await receiver.until(1)
  const status = async (): Promise<unknown> => (await gateway.api('GET', `/v1/webhook-endpoints/${id}`)).json.status
  for (let waited = 0; (await status()) !== 'PAUSED'; waited += 50) {
    if (waited > 5000) throw new Error('the endpoint was not paused')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  gateway.environment.advance(60_000)
  await new Promise((resolve) => setTimeout(resolve, 300))
  t.equal(receiver.received.length, 1, 'nothing is sent while paused')
  t.equal((await gateway.api('POST', `/v1/webhook-endpoints/${id}/resume`)).json.status, 'ACTIVE')
  await receiver.until(2)
})

t.test('an endpoint is resumed while what came of its deliveries is recorded: nobody waits in a ring', async (t) => {
  const gateway = await testGateway(t)
  const { id } = await register(gateway, 'http://127.0.0.1:9/')
  await gateway.api('POST', '/v1/invoices', anInvoice())
  const { database } = gateway
  // The order of recordFailure: the delivery, then its endpoint.
  let resumed: ReturnType<TestGateway['api']> | null = null
  await database.transaction(async (tx) => {
    await tx.query('SELECT id FROM deliveries FOR UPDATE', [])
    resumed ??= gateway.api('POST', `/v1/webhook-endpoints/${id}/resume`)
    for (let waiting = false; !waiting; ) {
      const [row] = await database.query<{ n: bigint }>(
        'SELECT count(*) AS n FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted AND a.datname = current_database()',
        [],
      )
      waiting = row?.n !== 0n
    }
    // Held by whoever resumes, were it taken first: then one of the two would be ended.
    await tx.query('SELECT id FROM webhook_endpoints FOR UPDATE NOWAIT', [])
  })
  t.match(await resumed, { status: 200 })
})

t.test('during a rotation of the secret both the old and the new one verify', async (t) => {
  const gateway = await testGateway(t, { background: true })
  const receiver = await testReceiver(t)
  const { id, secret } = await register(gateway, receiver.url)
  const rotated = await gateway.api('POST', `/v1/webhook-endpoints/${id}/rotate-secret`, { overlapHours: 1 })
  const send = async (count: number): Promise<Received> => {
    await gateway.api('POST', '/v1/invoices', anInvoice())
    await receiver.until(count)
    const last = receiver.received.at(-1)
    if (last === undefined) throw new Error('nothing was delivered')
    return last
  }
  const during = await send(1)
  t.ok(verifies(during, secret))
  t.ok(verifies(during, String(rotated.json.secret)))
  gateway.environment.advance(2 * 3_600_000)
  const after = await send(2)
  t.notOk(verifies(after, secret))
  t.ok(verifies(after, String(rotated.json.secret)))
})

t.test('addresses that lead inside are refused at registration and again at the connection', async (t) => {
  const gateway = await testGateway(t)
  for (const url of [
    'http://example.com/',
    'https://10.0.0.1/',
    'https://169.254.169.254/latest',
    'https://[::1]/',
    'https://user:pw@example.com/',
    'ftp://example.com/',
    'https://[::ffff:10.0.0.1]/',
    'nonsense',
  ]) {
    const refused = await gateway.api('POST', '/v1/webhook-endpoints', { url })
    t.equal(refused.status, 422, `${url}: ${refused.text}`)
    t.equal(refused.json.code, 'WEBHOOK_URL_NOT_ALLOWED')
  }
})

t.test('the event feed gives every event once, in order, by cursor', async (t) => {
  const gateway = await testGateway(t)
  const ids = []
  for (let index = 0; index < 5; index++) {
    gateway.environment.advance(1)
    ids.push(String((await gateway.api('POST', '/v1/invoices', anInvoice())).json.id))
  }
  const seen: string[] = []
  let after = '0'
  for (let page = 0; page < 4; page++) {
    const feed = await gateway.api('GET', `/v1/events?after=${after}&limit=2`)
    const events = feed.json.events as unknown as { event: { data: { invoice: { id: string } } } }[]
    seen.push(...events.map(({ event }) => event.data.invoice.id))
    after = String(feed.json.nextCursor)
  }
  t.same(seen, ids)
  const other = await gateway.addClient()
  const theirs = await (
    await fetch(`${gateway.url}/v1/events`, { headers: { authorization: `Bearer ${await other.token()}` } })
  ).json()
  t.match(theirs, { events: [] })
})

t.test('a test event is sent now and its result told', async (t) => {
  const gateway = await testGateway(t)
  const receiver = await testReceiver(t)
  const { id, secret } = await register(gateway, receiver.url)
  t.same((await gateway.api('POST', `/v1/webhook-endpoints/${id}/test`)).json, {
    delivered: true,
    status: 200,
    error: null,
  })
  const [delivery] = receiver.received
  t.ok(delivery !== undefined && verifies(delivery, secret))
  receiver.answerWith(503)
  t.same((await gateway.api('POST', `/v1/webhook-endpoints/${id}/test`)).json, {
    delivered: false,
    status: 503,
    error: null,
  })
})

t.test('delays double from 5 seconds to an hour, with jitter downwards only', async (t) => {
  t.same(
    [1, 2, 3, 20].map((attempt) => retryDelayMs(attempt, 0)),
    [2_500, 5_000, 10_000, 1_800_000],
  )
  t.ok(retryDelayMs(50, 0.999) <= 3_600_000)
})
