/** What stands in the database: nothing that signs, whatever table is looked at, and what was plain is sealed. */
import { createHmac } from 'node:crypto'
import pg from 'pg'
import t from 'tap'
import { masterKeyUse, rewrapAll, sealedTables } from '../../src/secrets/rewrap.ts'
import { sealPlain } from '../../src/serve.ts'
import { callApi, testDirectory, testGateway } from '../harness/gateway.ts'
import { testReceiver } from '../harness/receiver.ts'
import { aMasterKey, testVault } from '../harness/vault.ts'
import { payByVnpay } from '../harness/vnpay.ts'

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Every row of every table as text, as somebody with a copy of the database would read it. */
async function everythingIn(databaseUrl: string): Promise<string> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const tables = await client.query<{ name: string }>(
      `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'`,
    )
    let text = ''
    for (const { name } of tables.rows)
      text += (await client.query<{ row: string }>(`SELECT t::text AS row FROM ${name} t`)).rows
        .map(({ row }) => row)
        .join('\n')
    return text
  } finally {
    await client.end()
  }
}

t.test(
  'a copy of the database holds no secret of a rail, of a portal, of a webhook or of a stored answer',
  async (t) => {
    const gateway = await testGateway(t)
    const receiver = await testReceiver(t)
    const endpoint = await gateway.api('POST', '/v1/webhook-endpoints', { url: receiver.url })
    const rotated = await gateway.api('POST', `/v1/webhook-endpoints/${String(endpoint.json.id)}/rotate-secret`, {})
    const token = 'token-of-the-receipt-provider'
    const partner = {
      secret: 'secret-shared-with-a-portal',
      bearerToken: 'token-that-a-portal-shows-us',
      resultBearerToken: 'token-that-we-show-a-portal',
    }
    const config = { ...partner, partnerCode: 'TH01', resultUrl: 'https://portal.example/result' }
    await gateway.load({
      ...testDirectory({ vnpaySecret: gateway.vnpaySecret }),
      receiptIssuers: [{ agencyCode: 'H56.14', provider: { kind: 'http', url: 'https://receipts.example', token } }],
      portalPartners: [{ id: 'portal', name: 'Portal', config }],
    })
    const secrets = [
      gateway.vnpaySecret,
      endpoint.json.secret,
      rotated.json.secret,
      token,
      ...Object.values(partner),
    ].map(String)
    t.equal(new Set(secrets).size, 7)
    const text = await everythingIn(gateway.databaseUrl)
    for (const secret of secrets) {
      t.notOk(text.includes(secret))
      t.notOk(text.includes(secret.replace('whsec_', '').slice(0, 20)))
      t.notOk(text.includes(Buffer.from(secret).toString('hex')))
    }
    t.equal(await payByVnpay(gateway, gateway.vnpaySecret), '00', 'and yet they are known')
  },
)

t.test('a repeat of a registration shows the same secret, with and without Redis, and Redis holds none', async (t) => {
  const gateway = await testGateway(t)
  const receiver = await testReceiver(t)
  const once = { 'idempotency-key': 'register-once' }
  const first = await gateway.api('POST', '/v1/webhook-endpoints', { url: receiver.url }, once)
  const again = await gateway.api('POST', '/v1/webhook-endpoints', { url: receiver.url }, once)
  t.equal(again.headers.get('idempotency-replayed'), 'true')
  t.equal(again.text, first.text)
  t.match(first.json, { secret: /^whsec_/ })
  const other = await gateway.api('POST', '/v1/webhook-endpoints', { url: `${receiver.url}2` }, once)
  t.equal(other.status, 422)
  const stored = await gateway.database.query<{ body: string }>(
    `SELECT body FROM idempotency_keys WHERE key = 'register-once'`,
    [],
  )
  t.same(stored, [{ body: '' }])
})

t.test('a secret that is moved to another account or tenant by hand opens nothing and stays shut', async (t) => {
  const gateway = await testGateway(t)
  await gateway.load(testDirectory({ tenantId: 'ten_other', agencyCode: 'H57.1', vnpaySecret: 'B'.repeat(32) }))
  const admin = new pg.Client({ connectionString: gateway.databaseUrl })
  await admin.connect()
  t.teardown(() => admin.end())
  await admin.query(
    `UPDATE rail_accounts a SET sealed = b.sealed, data_key = b.data_key FROM rail_accounts b WHERE a.id = 'vnpay-h56-14' AND b.id = 'vnpay-h57-1'`,
  )
  gateway.environment.advance(6_000)
  const answer = await callApi(gateway.url, 'GET', '/callbacks/vnpay/vnpay-h56-14?x=1')
  t.equal(answer.status, 404, 'the account is left out')
  t.equal((await callApi(gateway.url, 'GET', '/callbacks/vnpay/vnpay-h57-1?x=1')).status, 200, 'the other one works')
})

t.test('what an earlier version wrote plain works, and is sealed by the next start', async (t) => {
  const gateway = await testGateway(t)
  const receiver = await testReceiver(t)
  const endpoint = await gateway.api('POST', '/v1/webhook-endpoints', { url: receiver.url })
  const plain = 'P'.repeat(32)
  const admin = new pg.Client({ connectionString: gateway.databaseUrl })
  await admin.connect()
  t.teardown(() => admin.end())
  await admin.query(
    `UPDATE rail_accounts SET config = config || jsonb_build_object('hashSecret', $1::text), master_key_id = NULL, data_key = NULL, sealed = NULL`,
    [plain],
  )
  await admin.query(
    `INSERT INTO receipt_issuers (agency_code, tenant_id, mode, provider, updated_at)
     VALUES ('H56.14', 'ten_thanhhoa', 'OWN', '{"kind":"http","url":"https://receipts.example","token":"plain-provider-token","timeoutMs":2000}', now())`,
  )
  const webhook = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
  await admin.query(
    `UPDATE webhook_endpoints SET secrets = jsonb_build_array(jsonb_build_object('secret', $1::text)), master_key_id = NULL, data_key = NULL, sealed = NULL`,
    [webhook],
  )
  gateway.environment.advance(6_000)
  t.equal(await payByVnpay(gateway, plain), '00')
  t.equal(await sealPlain(gateway.database, gateway.vault), 3)
  t.equal(await sealPlain(gateway.database, gateway.vault), 0)
  const text = await everythingIn(gateway.databaseUrl)
  t.notOk(text.includes(plain))
  t.notOk(text.includes('plain-provider-token'))
  t.notOk(text.includes(webhook.slice(6, 30)))
  gateway.environment.advance(6_000)
  t.equal(await payByVnpay(gateway, plain), '00')
  const tested = await gateway.api('POST', `/v1/webhook-endpoints/${String(endpoint.json.id)}/test`)
  t.match(tested.json, { delivered: true })
  const [delivery] = receiver.received
  const { headers = {}, body = '' } = delivery ?? {}
  const expected = createHmac('sha256', Buffer.alloc(32, 7))
    .update(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`)
    .digest('base64')
  t.equal(headers['webhook-signature'], `v1,${expected}`)
})

t.test('one command puts everything under a new master key, and the old one is not needed any more', async (t) => {
  const [old, fresh] = [aMasterKey('m1'), aMasterKey('m2')]
  const gateway = await testGateway(t, { vault: testVault(old) })
  const receiver = await testReceiver(t)
  const once = { 'idempotency-key': 'register-once' }
  const endpoint = await gateway.api('POST', '/v1/webhook-endpoints', { url: receiver.url }, once)
  const both = testVault(`${fresh},${old}`)
  t.same([...(await masterKeyUse(gateway.database))], [['m1', 3]])
  const results = await rewrapAll(gateway.database, both, sleep)
  t.same(
    results.map(({ kind, rows, left }) => [kind, rows, left]),
    [
      ['rail-account', 1, 0],
      ['portal-partner', 0, 0],
      ['webhook-endpoint', 1, 0],
      ['agency-signer', 0, 0],
      ['receipt-issuer', 0, 0],
      ['refund-payee', 0, 0],
      ['stored-answer', 1, 0],
    ],
  )
  t.same([...(await masterKeyUse(gateway.database))], [['m2', 3]])
  t.same(
    (await rewrapAll(gateway.database, both, sleep)).reduce((sum, { rows }) => sum + rows, 0),
    0,
    'a second run finds nothing to do',
  )
  const without = await testGateway(t, {
    vault: testVault(fresh),
    database: { url: gateway.databaseUrl, database: gateway.database },
    keys: gateway.keys,
  })
  t.ok(without, 'a gateway that only has the new key starts and loads')
  const tested = await gateway.api('POST', `/v1/webhook-endpoints/${String(endpoint.json.id)}/test`)
  t.equal(tested.status, 503, 'a gateway that only has the old key has to wait for the new one')
})

t.test('a row that somebody holds is come back to, and reported when it is never let go', async (t) => {
  const [old, fresh] = [aMasterKey('m1'), aMasterKey('m2')]
  const gateway = await testGateway(t, { vault: testVault(old) })
  const holder = new pg.Client({ connectionString: gateway.databaseUrl })
  await holder.connect()
  t.teardown(() => holder.end())
  await holder.query('BEGIN')
  await holder.query('SELECT id FROM rail_accounts FOR UPDATE')
  const both = testVault(`${fresh},${old}`)
  let waits = 0
  const rewrapping = await rewrapAll(gateway.database, both, async () => {
    waits++
  })
  t.match(rewrapping[0], { kind: 'rail-account', rows: 0, left: 1 })
  t.ok(waits > 0)
  let released = false
  const later = await rewrapAll(gateway.database, both, async () => {
    if (!released) await holder.query('COMMIT')
    released = true
  })
  t.match(later[0], { kind: 'rail-account', rows: 1, left: 0 })
})

t.test('every table that keeps a data key is one of those that are re-wrapped', async (t) => {
  const { database } = await testGateway(t)
  const tables = await database.query<{ name: string }>(
    `SELECT table_name AS name FROM information_schema.columns WHERE column_name = 'master_key_id' AND table_schema = 'public'`,
    [],
  )
  t.same(tables.map(({ name }) => name).sort(), sealedTables.map(({ table }) => table).sort())
})
