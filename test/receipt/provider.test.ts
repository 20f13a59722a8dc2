import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { loadReceiptIssuers, receiptIssuer } from '../../src/directory/receipt-issuers.ts'
import { issueDue } from '../../src/receipt/issue.ts'
import { askProviders } from '../../src/receipt/issue-external.ts'
import { type ReceiptBench, receiptBench } from '../harness/receipts.ts'
import { seedTime } from '../harness/seed.ts'

type Asked = { readonly key: string; readonly authorization: string; readonly body: Record<string, unknown> }
type Provider = { readonly asked: Asked[]; answer: (asked: Asked, nth: number) => { status: number; body: unknown } }

async function withProvider(t: Test): Promise<ReceiptBench & { provider: Provider }> {
  const bench = await receiptBench(t)
  const provider: Provider = { asked: [], answer: () => ({ status: 500, body: {} }) }
  const read = async (request: IncomingMessage): Promise<string> => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    return Buffer.concat(chunks).toString()
  }
  const server = createServer((request, response) => {
    void read(request).then((text) => {
      const asked = {
        key: String(request.headers['idempotency-key']),
        authorization: String(request.headers.authorization),
        body: JSON.parse(text),
      }
      provider.asked.push(asked)
      const { status, body } = provider.answer(asked, provider.asked.length)
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/receipts`
  const { agencyCode, tenantId } = bench.seeded
  const given = receiptIssuer.parse({
    agencyCode,
    provider: { kind: 'http', url, token: 'secret-of-the-provider', timeoutMs: 2_000 },
  })
  await bench.database.transaction((tx) => loadReceiptIssuers(tx, tenantId, [given], seedTime, bench.options.vault))
  return { ...bench, provider }
}

const issued = (number: unknown) => ({
  status: 200,
  body: {
    status: 'ISSUED',
    template: 'EBL01',
    symbol: '26TVN',
    number,
    issuedAt: '2026-11-20T03:02:10Z',
    reference: `ref-${String(number)}`,
    url: 'https://receipts.example/1',
  },
})

t.test("an agency with a provider gets the provider's number, told and signed like our own", async (t) => {
  const bench = await withProvider(t)
  bench.provider.answer = (_asked, nth) => issued(String(700 + nth))
  const invoice = await bench.pay()
  t.equal(await issueDue(bench.options), 0, 'none of ours')
  t.equal(await askProviders(bench.options), 2)
  t.match(await bench.receipts(invoice.id), [
    { status: 'ISSUED', symbol: '26TVN', issuedOn: '2026-11-20' },
    { status: 'ISSUED', symbol: '26TVN' },
  ])
  const asked = bench.provider.asked.find(({ body }) => body.kind === 'LE_PHI')
  t.match(asked, {
    authorization: 'Bearer secret-of-the-provider',
    body: {
      collectorTaxCode: '0100111948',
      total: 50_000,
      currency: 'VND',
      items: [{ name: 'Lệ phí cấp thẻ', economicCode: '2768', amount: 50_000 }],
      related: null,
    },
  })
  t.equal(asked?.key, asked?.body.key, 'the key is the id of the receipt')
  t.equal(await askProviders(bench.options), 0, 'once')
  const [events] = await bench.database.query<{ count: bigint }>(
    `SELECT count(*) AS count FROM events WHERE type = 'receipt.issued'`,
    [],
  )
  t.equal(events?.count, 2n)
})

t.test('success without a number is no receipt: it is asked again under the same key', async (t) => {
  const bench = await withProvider(t)
  for (const body of [
    { status: 'ACCEPTED', reference: 'r1' },
    { ...issued('').body, number: null },
    { ...issued('').body, number: '' },
  ]) {
    bench.provider.answer = () => ({ status: 200, body })
    const invoice = await bench.pay()
    await askProviders(bench.options)
    t.match(await bench.receipts(invoice.id), [
      { status: 'REQUESTED', number: null, lastError: 'WITHOUT_NUMBER' },
      { status: 'REQUESTED' },
    ])
  }
  const keys = bench.provider.asked.map(({ key }) => key)
  t.equal(await askProviders(bench.options), 0, 'not at once')
  let number = 0
  bench.provider.answer = () => issued(++number)
  bench.environment.advance(16 * 60_000)
  t.equal(await askProviders(bench.options), 6)
  t.ok((await bench.receipts()).every(({ status }) => status === 'ISSUED'))
  t.same(
    bench.provider.asked
      .slice(6)
      .map(({ key }) => key)
      .sort(),
    keys.sort(),
  )
})

t.test('a provider that is away, errs or lies leaves the receipt waiting', async (t) => {
  const bench = await withProvider(t)
  await bench.pay()
  const answers: [string, { status: number; body: unknown }, RegExp][] = [
    ['error', { status: 503, body: {} }, /PROVIDER_AWAY/],
    ['no sense', { status: 200, body: { status: 'MAYBE' } }, /PROVIDER_AWAY/],
    ['refusal', { status: 422, body: { status: 'REFUSED', detail: 'sai MST' } }, /PROVIDER_REFUSED sai MST/],
    ['a letter outside the set', { status: 200, body: { ...issued(1).body, symbol: '26TAF' } }, /PROVIDER_REFUSED/],
    ['another template', { status: 200, body: { ...issued(1).body, template: 'EBL03' } }, /PROVIDER_REFUSED/],
    ['number zero', { status: 200, body: issued(0).body }, /PROVIDER_REFUSED/],
  ]
  for (const [name, answer, error] of answers) {
    bench.provider.answer = () => answer
    bench.environment.advance(16 * 60_000)
    t.equal(await askProviders(bench.options), 2, name)
    for (const { status, lastError } of await bench.receipts()) {
      t.equal(status, 'REQUESTED', name)
      t.match(lastError, error, name)
    }
  }
})

t.test('a number that another receipt has is not taken twice', async (t) => {
  const bench = await withProvider(t)
  bench.provider.answer = () => issued(5)
  await bench.pay()
  await askProviders(bench.options)
  const receipts = await bench.receipts()
  t.same(receipts.map(({ status }) => status).sort(), ['ISSUED', 'REQUESTED'])
  t.match(
    receipts.find(({ status }) => status === 'REQUESTED'),
    { lastError: 'NUMBER_TAKEN' },
  )
  t.ok(bench.logged.some(({ level, msg }) => level === 'error' && /another receipt has/.test(msg)))
})

t.test('replicas ask for a receipt once', async (t) => {
  const bench = await withProvider(t)
  let number = 0
  bench.provider.answer = () => issued(++number)
  for (let n = 0; n < 5; n++) await bench.pay()
  const asked = await Promise.all(Array.from({ length: 6 }, () => askProviders(bench.options)))
  t.equal(
    asked.reduce((sum, count) => sum + count, 0),
    10,
  )
  t.equal(new Set(bench.provider.asked.map(({ key }) => key)).size, 10)
})
