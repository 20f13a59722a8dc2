/** Two replicas under load while every key and secret is exchanged: not one request may fail. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Webhook } from 'standardwebhooks'
import t, { type Test } from 'tap'
import type { Directory } from '../../src/directory/load.ts'
import { addPersonalKey, dropPersonalKey, openFieldCipher } from '../../src/personal/field-cipher.ts'
import { personalKeyUse, resealPersons } from '../../src/personal/reseal.ts'
import { addMasterKey, dropMasterKey, makeMasterKeyFile, masterKeysInFile } from '../../src/secrets/master-keys.ts'
import { masterKeyUse, rewrapAll } from '../../src/secrets/rewrap.ts'
import { createVault, type Vault } from '../../src/secrets/vault.ts'
import { keysOfJwks, verifyCompact, verifyDetached } from '../../src/signing/compact-jws.ts'
import { openKeyRing } from '../../src/signing/key-ring.ts'
import { anInvoice, callApi, type TestGateway, testDirectory, testGateway } from '../harness/gateway.ts'
import { type Received, testReceiver } from '../harness/receiver.ts'
import { vnpayIpn } from '../harness/vnpay.ts'

const publicUrl = 'https://fees.example'
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const mostTokens = 100
const [oldSecret, newSecret] = ['O'.repeat(32), 'N'.repeat(32)]

type House = {
  readonly replicas: readonly [TestGateway, TestGateway]
  readonly keyFolder: string
  readonly masterFile: string
}

async function house(t: Test): Promise<House> {
  const folder = mkdtempSync(join(tmpdir(), 'feegate-rotation-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const [keyFolder, masterFile] = [join(folder, 'keys'), join(folder, 'master-keys')]
  makeMasterKeyFile(masterFile, 'm1', randomBytes)
  const vault = (): Vault => createVault({ masterKeys: masterKeysInFile(masterFile, randomBytes), random: randomBytes })
  const shared = { publicUrl, vnpaySecret: oldSecret, background: true }
  const own = () => ({ keys: openKeyRing(keyFolder), vault: vault(), cipher: openFieldCipher(keyFolder, randomBytes) })
  const first = await testGateway(t, { ...shared, ...own() })
  const database = { url: first.databaseUrl, database: first.database }
  const second = await testGateway(t, { ...shared, database, ...own() })
  return { replicas: [first, second], keyFolder, masterFile }
}

/** Payments from the token to the books, each step at either replica, until told to stop. */
function load({ replicas: [first, second] }: House, workers: number) {
  const failures: string[] = []
  const documents: { jws: string }[] = []
  let stopped = false
  let count = 0
  let asked = 0
  let latest = ''
  /** Secrets the bank may sign with now. */
  const bank = { secrets: [oldSecret] }
  const any = <Item>(items: readonly Item[]): Item => items[Math.floor(Math.random() * items.length)] as Item
  const at = (): TestGateway => any([first, second])

  async function pay(): Promise<void> {
    const bearer = await token(at())
    const call = async (method: string, path: string, body?: unknown): ReturnType<typeof callApi> => {
      const headers = { authorization: `Bearer ${bearer}` }
      const answer = await callApi(at().url, method, path, body, headers)
      if (answer.status >= 400) failures.push(`${method} ${path} ${answer.status} ${answer.text}`)
      return answer
    }
    const invoice = await call('POST', '/v1/invoices', anInvoice())
    documents.push({ jws: String(invoice.json.jws) })
    const payment = await call('POST', `/v1/invoices/${String(invoice.json.id)}/payments`, {
      railAccountId: 'vnpay-h56-14',
      payerIp: '203.0.113.7',
    })
    const query = vnpayIpn(any(bank.secrets), {
      txnRef: String(payment.json.merchantRef),
      total: Number(invoice.json.total),
    })
    const acknowledged = await callApi(at().url, 'GET', `/callbacks/vnpay/vnpay-h56-14?${query}`)
    if (!acknowledged.text.includes('"RspCode":"00"'))
      failures.push(`callback ${acknowledged.status} ${acknowledged.text}`)
    const after = await call('GET', `/v1/invoices/${String(invoice.json.id)}`)
    if (after.json.status !== 'PAID') failures.push(`invoice is ${String(after.json.status)}`)
    count++
  }
  /** A fresh one for each payment, as long as one address may ask for tokens in a minute of a clock that stands. */
  async function token(replica: TestGateway): Promise<string> {
    if (asked++ >= mostTokens) return latest
    const answer = await fetch(`${replica.url}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: await first.client.assertion(),
      }),
    })
    const json = (await answer.json()) as { access_token?: string }
    if (json.access_token === undefined) failures.push(`token ${answer.status} ${JSON.stringify(json)}`)
    latest = json.access_token ?? ''
    return latest
  }
  async function work(): Promise<void> {
    while (!stopped) {
      try {
        await pay()
      } catch (error) {
        failures.push(String(error))
      }
    }
  }
  const working = Promise.all(Array.from({ length: workers }, work))
  return {
    failures,
    documents,
    bank,
    /** Waits until so many more payments have gone through. */
    async more(wanted: number): Promise<void> {
      const until = count + wanted
      for (let waited = 0; count < until; waited += 20) {
        if (waited > 60_000) throw new Error(`only ${count} of ${until} payments: ${failures.slice(0, 3).join('; ')}`)
        await pause(20)
      }
    },
    async stop(): Promise<number> {
      stopped = true
      await working
      return count
    },
  }
}

/** standardwebhooks refuses old timestamps by the machine's clock; the gateways stand in 2026. */
function verifiedBy({ headers, body }: Received, secret: string): boolean {
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

t.test(
  'signing key, webhook secret, rail secret, master key and the key of personal data are exchanged under load without one failed request',
  async (t) => {
    const rotating = await house(t)
    const { replicas, keyFolder, masterFile } = rotating
    const [gateway] = replicas
    const receiver = await testReceiver(t)
    const endpoint = await gateway.api('POST', '/v1/webhook-endpoints', { url: receiver.url })
    const webhookSecrets = [String(endpoint.json.secret)]
    const directory = (more: object): Directory => {
      const plain = testDirectory({ vnpaySecret: oldSecret })
      return { ...plain, railAccounts: plain.railAccounts.map((account) => ({ ...account, ...more })) }
    }
    const hours = (count: number): string =>
      new Date(gateway.environment.now().getTime() + count * 3_600_000).toISOString()
    const running = load(rotating, 3)
    await running.more(3)

    // The operator's commands run in processes of their own: each opens folder and file anew.
    await openKeyRing(keyFolder).generate('EdDSA', gateway.environment.now(), { name: 'next-year' })
    await running.more(3)
    await openKeyRing(keyFolder).rotate(gateway.environment.now())
    await running.more(6)

    const rotated = await gateway.api('POST', `/v1/webhook-endpoints/${String(endpoint.json.id)}/rotate-secret`, {})
    webhookSecrets.push(String(rotated.json.secret))
    await running.more(3)

    await gateway.load(
      directory({ next: { config: { hashSecret: newSecret }, signsFrom: hours(0), currentUntil: hours(2) } }),
    )
    // Replicas that missed the announcement read accounts again after five seconds of their clock.
    for (const { environment } of replicas) environment.advance(6_000)
    running.bank.secrets = [oldSecret, newSecret]
    await running.more(6)
    running.bank.secrets = [newSecret]
    await running.more(3)
    await gateway.load(testDirectory({ vnpaySecret: newSecret }))
    await running.more(6)

    addMasterKey(masterFile, 'm2', randomBytes)
    const operator = createVault({ masterKeys: masterKeysInFile(masterFile, randomBytes), random: randomBytes })
    const again = await gateway.api('POST', `/v1/webhook-endpoints/${String(endpoint.json.id)}/rotate-secret`, {})
    webhookSecrets.push(String(again.json.secret))
    const rewrapped = await rewrapAll(gateway.database, operator, pause)
    t.ok(rewrapped.every(({ left }) => left === 0))
    await running.more(6)
    dropMasterKey(masterFile, 'm1')
    for (const { environment } of replicas) environment.advance(6_000)
    await running.more(6)
    t.same([...(await masterKeyUse(gateway.database)).keys()], ['m2'])

    const cipher = openFieldCipher(keyFolder, randomBytes)
    const [oldKey = ''] = cipher.keyIds()
    const newKey = addPersonalKey(keyFolder, randomBytes)
    await running.more(6)
    t.match(await resealPersons({ ...gateway, cipher }), { left: 0 })
    dropPersonalKey(keyFolder, oldKey)
    await running.more(6)
    t.match(await personalKeyUse(gateway.database), [{ keyId: newKey }])

    const count = await running.stop()
    t.same(running.failures, [])
    t.ok(count >= 40, `${count} payments`)

    const published = (await (await fetch(`${gateway.url}/.well-known/jwks.json`)).json()) as {
      keys: { kid: string }[]
    }
    const find = keysOfJwks(published)
    const kids = running.documents.map(({ jws }) => verifyCompact(jws, 'feegate-invoice+jws', find)?.kid)
    t.notOk(kids.includes(undefined), 'every invoice of before and after verifies')
    t.equal(new Set(kids).size, 2, 'signed by the old key and by the new one')

    await receiver.until(count * 2)
    const unverified = receiver.received.filter(
      (delivery) => !webhookSecrets.some((secret) => verifiedBy(delivery, secret)),
    )
    t.same(unverified, [], 'every delivery is signed with a secret of its time')
    t.ok(
      receiver.received.some((delivery) => webhookSecrets.slice(0, 2).every((secret) => verifiedBy(delivery, secret))),
    )
    t.ok(
      receiver.received.every(({ headers, body }) =>
        verifyDetached(String(headers['feegate-event-jws']), 'feegate-event+jws', Buffer.from(body), find),
      ),
    )
    const [sum] = await gateway.database.query<{ sum: bigint }>(
      'SELECT sum(balance)::bigint AS sum FROM ledger_balances',
      [],
    )
    t.equal(sum?.sum, 0n)
  },
)
