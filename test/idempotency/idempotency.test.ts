import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import { requestFingerprint } from '../../src/idempotency/idempotency.ts'
import { signCompact } from '../../src/signing/compact-jws.ts'
import type { RedisConnection } from '../../src/store/redis.ts'
import { type ApiAnswer, anInvoice, callApi, type TestGateway, testGateway } from '../harness/gateway.ts'
import { ownRedis, testRedis } from '../harness/redis.ts'

const waves = 200

async function count(gateway: TestGateway, table: string): Promise<number> {
  const [row] = await gateway.database.query<{ count: number }>(`SELECT count(*)::int AS count FROM ${table}`, [])
  return row?.count ?? -1
}

/** Many identical requests at once: one invoice, and every answer is either its bytes or "still running". */
async function storm(t: Test, gateway: TestGateway, during: () => Promise<void> = async () => {}): Promise<void> {
  const body = anInvoice()
  const headers = { 'idempotency-key': randomUUID() }
  const send = () => gateway.api('POST', '/v1/invoices', body, headers)
  await gateway.api('GET', '/v1/invoices')
  const flying = Array.from({ length: waves }, send)
  const disturbed = during()
  const answers = await Promise.all(flying)
  await disturbed
  const issued = answers.filter(({ status }) => status === 201)
  const running = answers.filter(({ status }) => status === 409)
  t.equal(issued.length + running.length, waves, JSON.stringify([...new Set(answers.map(({ status }) => status))]))
  t.ok(issued.length >= 1)
  t.equal(issued.filter(({ headers }) => headers.get('idempotency-replayed') === null).length, 1, 'one did the work')
  t.equal(new Set(issued.map(({ text }) => text)).size, 1)
  for (const { json, headers } of running) {
    if (json.code !== 'IDEMPOTENCY_IN_PROGRESS') t.fail(`409 ${json.code}`)
    if (!(Number(headers.get('retry-after')) >= 1)) t.fail('409 without Retry-After')
  }
  const late = await send()
  t.equal(late.text, issued[0]?.text, 'and whoever comes again gets it')
  t.equal(late.headers.get('idempotency-replayed'), 'true')
  t.equal(late.headers.get('location'), issued[0]?.headers.get('location'))
  t.same(
    [await count(gateway, 'invoices'), await count(gateway, 'events'), await count(gateway, 'idempotency_keys')],
    [1, 1, 1],
  )
}

t.test('200 identical requests at once issue one invoice with Redis', async (t) => {
  await storm(t, await testGateway(t))
})

t.test('200 identical requests at once issue one invoice without any Redis', async (t) => {
  await storm(t, await testGateway(t, { redis: null }))
})

t.test('200 identical requests at once issue one invoice while Redis is stopped', async (t) => {
  const { redis, stop } = await ownRedis(t)
  const gateway = await testGateway(t, { redis })
  await storm(t, gateway, stop)
})

t.test('200 identical requests at once issue one invoice with Redis gone before', async (t) => {
  const { redis, stop } = await ownRedis(t)
  const gateway = await testGateway(t, { redis })
  await stop()
  await storm(t, gateway)
})

t.test('200 identical requests at once issue one invoice while Redis forgets everything again and again', async (t) => {
  const { redis } = await ownRedis(t)
  const gateway = await testGateway(t, { redis })
  await storm(t, gateway, async () => {
    for (let n = 0; n < 100; n++) await redis.flushall()
  })
})

t.test('200 identical requests at once issue one invoice over two gateways that share only PostgreSQL', async (t) => {
  const first = await testGateway(t, { redis: null })
  const second = await replica(t, first, null)
  await first.api('GET', '/v1/invoices')
  const body = anInvoice()
  const key = { 'idempotency-key': randomUUID() }
  const answers = await Promise.all(
    Array.from({ length: waves }, (_, n) =>
      n % 2 === 0 ? first.api('POST', '/v1/invoices', body, key) : second('POST', '/v1/invoices', body, key),
    ),
  )
  t.same(
    [...new Set(answers.map(({ status }) => status))].filter((status) => status !== 201 && status !== 409),
    [],
  )
  t.equal(new Set(answers.filter(({ status }) => status === 201).map(({ text }) => text)).size, 1)
  t.equal(await count(first, 'invoices'), 1)
})

/** A second gateway over the same database, called as the first one's client. */
async function replica(t: Test, first: TestGateway, redis: RedisConnection | null): Promise<TestGateway['api']> {
  const { database, databaseUrl: url, keys, environment, client } = first
  const second = await testGateway(t, { database: { url, database }, keys, redis })
  const now = Math.floor(environment.now().getTime() / 1000)
  const claims = {
    iss: second.url,
    aud: second.url,
    sub: client.clientId,
    scope: 'invoices:read invoices:write',
    iat: now,
    exp: now + 600,
  }
  const authorization = `Bearer ${signCompact(keys.active(), 'at+jwt', Buffer.from(JSON.stringify(claims)))}`
  return (method, path, body, headers = {}) => callApi(second.url, method, path, body, { authorization, ...headers })
}

t.test('a new process over the same database and an empty Redis gives the same bytes', async (t) => {
  const { redis } = await ownRedis(t)
  const first = await testGateway(t, { redis })
  const key = { 'idempotency-key': randomUUID() }
  const [body, wrong] = [anInvoice(), anInvoice({ procedureCode: '1.999999' })]
  const wrongKey = { 'idempotency-key': randomUUID() }
  const [issued, refused] = [
    await first.api('POST', '/v1/invoices', body, key),
    await first.api('POST', '/v1/invoices', wrong, wrongKey),
  ]
  await redis.flushall()
  const second = await replica(t, first, redis)
  const again = await second('POST', '/v1/invoices', body, key)
  t.same([again.status, again.text], [201, issued.text])
  t.equal(again.headers.get('location'), issued.headers.get('location'))
  const refusedAgain = await second('POST', '/v1/invoices', wrong, wrongKey)
  t.same([refusedAgain.status, refusedAgain.text], [422, refused.text])
  t.equal(refusedAgain.headers.get('content-type'), 'application/problem+json; charset=utf-8')
})

t.test('an answer stays what it was when the invoice has changed since', async (t) => {
  const { api } = await testGateway(t)
  const key = { 'idempotency-key': randomUUID() }
  const body = anInvoice()
  const issued = await api('POST', '/v1/invoices', body, key)
  await api('POST', `/v1/invoices/${String(issued.json.id)}/cancel`, { reason: 'rút' })
  t.equal((await api('POST', '/v1/invoices', body, key)).text, issued.text)
})

const places: [string, (t: Test) => Promise<TestGateway>][] = [
  ['with Redis', (t) => testGateway(t)],
  ['without Redis', (t) => testGateway(t, { redis: null })],
]
for (const [place, make] of places) {
  t.test(`a key serves one request only, ${place}`, async (t) => {
    const gateway = await make(t)
    const { api } = gateway
    const key = { 'idempotency-key': randomUUID() }
    const body = anInvoice()
    const issued = await api('POST', '/v1/invoices', body, key)
    const others: [string, string, unknown][] = [
      ['another dossier', '/v1/invoices', anInvoice()],
      ['the same meaning in other bytes', '/v1/invoices', JSON.stringify(body, null, 1)],
      ['another route', '/v1/invoices/batch', { invoices: [body] }],
      ['the invoice itself', `/v1/invoices/${String(issued.json.id)}/cancel`, { reason: 'rút' }],
    ]
    for (const [name, path, other] of others)
      t.match((await api('POST', path, other, key)).json, { status: 422, code: 'IDEMPOTENCY_KEY_REUSED' }, name)
    t.equal((await api('POST', '/v1/invoices', body, key)).text, issued.text)
    t.equal(await count(gateway, 'invoices'), 1)
    t.match((await api('GET', `/v1/invoices/${String(issued.json.id)}`)).json, { status: 'ISSUED' })
  })

  t.test(`a refusal of the domain is kept and repeated byte for byte, ${place}`, async (t) => {
    const gateway = await make(t)
    const { api } = gateway
    const open = anInvoice()
    const { json } = await api('POST', '/v1/invoices', open)
    const refusals: [string, unknown, number][] = [
      ['/v1/invoices', anInvoice({ procedureCode: '1.999999' }), 422],
      ['/v1/invoices', anInvoice({ dossierCode: 'H56.14-240230-0001' }), 400],
      ['/v1/invoices', open, 409],
      [`/v1/invoices/inv_${'0'.repeat(26)}/cancel`, { reason: 'x' }, 404],
    ]
    const before = await count(gateway, 'idempotency_keys')
    const asked: { send: () => Promise<ApiAnswer>; first: ApiAnswer }[] = []
    for (const [path, body, status] of refusals) {
      const key = { 'idempotency-key': randomUUID() }
      const send = () => api('POST', path, body, key)
      const first = await send()
      t.equal(first.status, status, first.text)
      t.equal(first.headers.get('idempotency-replayed'), null)
      asked.push({ send, first })
    }
    await api('POST', `/v1/invoices/${String(json.id)}/cancel`, { reason: 'rút' })
    for (const { send, first } of asked) {
      const again = await send()
      t.same([again.status, again.text], [first.status, first.text])
      t.equal(again.headers.get('idempotency-replayed'), 'true')
      t.equal(again.headers.get('content-type'), first.headers.get('content-type'))
    }
    t.equal(await count(gateway, 'idempotency_keys'), before + refusals.length + 1)
  })

  t.test(`two clients may use the same key, ${place}`, async (t) => {
    const gateway = await make(t)
    const other = await gateway.addClient()
    const key = { 'idempotency-key': 'order-1' }
    const body = anInvoice()
    const mine = await gateway.api('POST', '/v1/invoices', body, key)
    const headers = { authorization: `Bearer ${await other.token()}`, ...key }
    const theirs = await callApi(gateway.url, 'POST', '/v1/invoices', anInvoice(), headers)
    t.same([mine.status, theirs.status], [201, 201])
    t.not(theirs.json.id, mine.json.id)
    t.equal(theirs.headers.get('idempotency-replayed'), null)
  })

  t.test(`a repeated start of a payment opens one attempt, ${place}`, async (t) => {
    const gateway = await make(t)
    const { json } = await gateway.api('POST', '/v1/invoices', anInvoice())
    const path = `/v1/invoices/${String(json.id)}/payments`
    const body = { railAccountId: 'vnpay-h56-14', payerIp: '203.0.113.7' }
    const key = { 'idempotency-key': randomUUID() }
    const answers = await Promise.all(Array.from({ length: 30 }, () => gateway.api('POST', path, body, key)))
    const started = answers.filter(({ status }) => status === 201)
    t.ok(started.length >= 1)
    t.equal(
      started.length + answers.filter(({ status }) => status === 409).length,
      30,
      JSON.stringify(answers.map(({ status }) => status)),
    )
    t.equal(new Set(started.map(({ text }) => text)).size, 1)
    t.equal(await count(gateway, 'payments'), 1)
    const again = await gateway.api('POST', path, body, key)
    t.same([again.status, again.text], [201, started[0]?.text])
    t.match((await gateway.api('POST', path, { ...body, locale: 'en' }, key)).json, { code: 'IDEMPOTENCY_KEY_REUSED' })
    t.equal(await count(gateway, 'payments'), 1)
  })
}

t.test('a lock that a crash left in Redis is "still running" until it ends, and then the request works', async (t) => {
  const { redis, prefix } = testRedis(t)
  const gateway = await testGateway(t, { redis, redisPrefix: prefix })
  const key = randomUUID()
  const body = JSON.stringify(anInvoice())
  const lock = `${prefix}idem:{${gateway.client.clientId}:${key}}`
  const fingerprint = requestFingerprint('POST', '/v1/invoices', Buffer.from(body)).toString('hex')
  await redis.set(lock, `lock ${'0'.repeat(24)} ${fingerprint}`, 'PX', 700)
  const send = () => gateway.api('POST', '/v1/invoices', body, { 'idempotency-key': key })
  const held = await send()
  t.match(held.json, { status: 409, code: 'IDEMPOTENCY_IN_PROGRESS' })
  t.equal(held.headers.get('retry-after'), '1')
  t.equal(await count(gateway, 'invoices'), 0)
  await new Promise((resolve) => setTimeout(resolve, 750))
  t.equal((await send()).status, 201)
})

t.test('a lock left after the commit does not hide the answer', async (t) => {
  const { redis, prefix } = testRedis(t)
  const gateway = await testGateway(t, { redis, redisPrefix: prefix })
  const key = randomUUID()
  const body = JSON.stringify(anInvoice())
  const send = () => gateway.api('POST', '/v1/invoices', body, { 'idempotency-key': key })
  const issued = await send()
  const fingerprint = requestFingerprint('POST', '/v1/invoices', Buffer.from(body)).toString('hex')
  await redis.set(
    `${prefix}idem:{${gateway.client.clientId}:${key}}`,
    `lock ${'0'.repeat(24)} ${fingerprint}`,
    'PX',
    30_000,
  )
  t.equal((await send()).text, issued.text)
})

t.test('what stands in Redis is never trusted over PostgreSQL when it is not ours to read', async (t) => {
  const { redis, prefix } = testRedis(t)
  const gateway = await testGateway(t, { redis, redisPrefix: prefix })
  for (const value of ['', 'done', 'done x {}', `done ${'0'.repeat(64)} {"status":201`, 'nonsense']) {
    const key = randomUUID()
    await redis.set(`${prefix}idem:{${gateway.client.clientId}:${key}}`, value)
    t.equal((await gateway.api('POST', '/v1/invoices', anInvoice(), { 'idempotency-key': key })).status, 201, value)
  }
})
