/**
 * Another kind of key keeper: a process that signs over HTTP and gives no private key away, as a hardware module or a key service
 * does. The gateway is told nothing but the `KeyProvider` it is given, so what passes here holds for those.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createPublicKey } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { compactVerify, createLocalJWKSet, type JSONWebKeySet } from 'jose'
import t, { type Test } from 'tap'
import { thumbprint } from '../../src/signing/algorithm.ts'
import {
  type HeldKey,
  holdKeys,
  type KeyProvider,
  KeyRingError,
  type KeyState,
} from '../../src/signing/key-provider.ts'
import { anInvoice, callApi, testGateway } from '../harness/gateway.ts'

type Told = { state: KeyState; jwk: Record<string, unknown> }

/** The provider of the process at this address: public parts are kept here, every signature is asked for. */
async function remoteKeys(address: string): Promise<KeyProvider & { refresh(): Promise<void> }> {
  const read = async (): Promise<HeldKey[]> =>
    ((await (await fetch(address)).json()) as Told[]).map(({ state, jwk }, index) => {
      const publicKey = createPublicKey({ key: { ...jwk }, format: 'jwk' })
      const facts = { name: `remote-${index}`, createdAt: null, endsAt: null, isDemo: false, privateKey: null }
      return { ...facts, kid: thumbprint(publicKey), alg: 'ES256', state, publicKey }
    })
  let keys = await read()
  const held = () => holdKeys(keys, address)
  return {
    active() {
      const index = keys.findIndex(({ state }) => state === 'active')
      const key = keys[index]
      if (key === undefined) throw new KeyRingError('no active key')
      return {
        kid: key.kid,
        alg: key.alg,
        async sign(data) {
          const answer = await fetch(`${address}/sign/${index}`, { method: 'POST', body: Buffer.from(data) })
          if (!answer.ok) throw new Error(`the signer answered ${answer.status}`)
          return Buffer.from(await answer.arrayBuffer())
        },
      }
    },
    find: (kid) => held().find(kid),
    publicJwks: () => held().publicJwks(),
    list: () => held().list(),
    reload: () => undefined,
    async refresh() {
      keys = await read()
    },
  }
}

async function signerProcess(t: Test): Promise<{ address: string; child: ChildProcess }> {
  const program = fileURLToPath(new URL('../harness/signer-process.ts', import.meta.url))
  const child = spawn(process.execPath, [program], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  t.teardown(() => child.kill())
  const [port] = (await once(child.stdout, 'data')) as [Buffer]
  return { address: `http://127.0.0.1:${String(port).trim()}`, child }
}

t.test(
  'a gateway whose keys are in another process: invoices and tokens are signed there, and a rotation shows',
  async (t) => {
    const { address } = await signerProcess(t)
    const signer = await remoteKeys(address)
    const gateway = await testGateway(t, { signer })
    const kidOf = (jws: string): string =>
      String(JSON.parse(Buffer.from(jws.split('.')[0] ?? '', 'base64url').toString()).kid)
    const issue = async (): Promise<string> => {
      const answer = await gateway.api('POST', '/v1/invoices', anInvoice())
      t.equal(answer.status, 201, answer.text)
      return String(answer.json.jws)
    }
    const first = await issue()
    await fetch(`${address}/rotate`, { method: 'POST' })
    await signer.refresh()
    const second = await issue()
    t.not(kidOf(first), kidOf(second))
    const jwks = (await callApi(gateway.url, 'GET', '/.well-known/jwks.json')).json as unknown as JSONWebKeySet
    for (const jws of [first, second]) t.ok((await compactVerify(jws, createLocalJWKSet(jwks))).payload.length > 0)
    t.notMatch(JSON.stringify(jwks), /"d":/)
  },
)

t.test('a signer that is away or refuses costs a 503 and leaves nothing half done', async (t) => {
  const { address, child } = await signerProcess(t)
  const signer = await remoteKeys(address)
  const gateway = await testGateway(t, { signer })
  const token = await gateway.client.token()
  const headers = { authorization: `Bearer ${token}`, 'idempotency-key': 'once' }
  const invoice = anInvoice()
  const issue = () => callApi(gateway.url, 'POST', '/v1/invoices', invoice, headers)
  await fetch(`${address}/rotate`, { method: 'POST' })
  const refused = await issue()
  t.match(
    refused,
    { status: 503, json: { code: 'UNAVAILABLE' } },
    'it refuses to sign with a key that is retired there',
  )
  t.notMatch(refused.text, /signer|409|127\.0\.0\.1/)
  t.same(await gateway.database.query('SELECT id FROM invoices', []), [])
  await signer.refresh()
  t.equal((await issue()).status, 201, 'the same request under the same key goes through once it is back')
  child.kill()
  await once(child, 'exit')
  t.equal(
    (await callApi(gateway.url, 'POST', '/v1/invoices', anInvoice(), { ...headers, 'idempotency-key': 'two' })).status,
    503,
  )
  t.equal(
    (await callApi(gateway.url, 'GET', '/v1/invoices', undefined, headers)).status,
    200,
    'what was signed still verifies',
  )
})
