/** A rail joins by one folder and one line: this one lives in the tests, and the line is `adapters` below. */
import t from 'tap'
import { allAdapters } from '../../../adapters/registry.ts'
import { anInvoice, testDirectory, testGateway } from '../../harness/gateway.ts'
import { checks, judge, load } from '../conformance/kit.ts'
import { conformance } from './conformance.ts'
import { toy } from './index.ts'

const adapters = [...allAdapters(), toy]

t.test('the toy rail passes the suite that every adapter passes', async (t) => {
  const subjects = await load(toy, new URL('../', import.meta.url))
  t.equal(subjects.length, 1)
  judge(t, subjects, checks)
})

t.test('an invoice is paid by it through a whole gateway, and a forged notice is not believed', async (t) => {
  const gateway = await testGateway(t, { adapters })
  const config = {
    shop: 'TOYSHOP1',
    secret: 'toy-secret-for-one-gateway',
    payUrl: 'http://toy.example/pay',
    apiUrl: 'http://127.0.0.1:9/state',
  }
  const account = {
    id: 'toy-h56',
    rail: 'toy',
    beneficiaryAccountId: 'bac_h56-14-colle',
    titleVi: 'Mẫu',
    titleEn: 'Toy',
    config,
  }
  await gateway.load(testDirectory({ railAccounts: [account] }))
  const { json: invoice } = await gateway.api('POST', '/v1/invoices', anInvoice())
  const { json: payment, text } = await gateway.api('POST', `/v1/invoices/${String(invoice.id)}/payments`, {
    railAccountId: account.id,
    payerIp: '203.0.113.10',
  })
  const { url } = payment.instruction as unknown as { url: string }
  t.match(url, /^http:\/\/toy\.example\/pay\?shop=TOYSHOP1/, text)
  const order = new URL(url).searchParams
  t.equal(order.get('amount'), String((invoice as { total?: unknown }).total))

  const [sample] = conformance({ ours: none, rail: none, otherRail: none })[0]?.callbacks ?? []
  const told = {
    merchantRef: order.get('ref') ?? '',
    payCode: '',
    amount: BigInt(order.get('amount') ?? 0),
    currency: 'VND',
    transaction: '250310004217',
    at: new Date(0),
  }
  const notify = async (secret: string) => {
    const party = { id: account.id, config: { ...config, secret } }
    const request = sample?.send(told, { account: party, keysOf: party })
    const answer = await fetch(`${gateway.url}/callbacks/toy/${account.id}`, {
      method: 'POST',
      body: Buffer.from(request?.body ?? []),
    })
    return { status: answer.status, text: await answer.text() }
  }
  const statusOf = async () => (await gateway.api('GET', `/v1/invoices/${String(invoice.id)}`)).json.status
  t.same(await notify('not-the-secret-of-this-shop'), { status: 400, text: '{"ok":false}' })
  t.equal(await statusOf(), 'PAYING')
  t.same(await notify(config.secret), { status: 200, text: '{"ok":true}' })
  t.equal(await statusOf(), 'PAID')
  t.same(await notify(config.secret), { status: 200, text: '{"ok":true}' }, 'the same notice again')
  const settled = await gateway.database.query<{ rail: string; count: bigint }>(
    'SELECT a.rail, count(*) FROM settlements s JOIN rail_accounts a ON a.id = s.rail_account_id GROUP BY a.rail',
    [],
  )
  t.same(
    settled.map(({ rail, count }) => [rail, Number(count)]),
    [['toy', 1]],
  )
})

t.test('a gateway that was not told of it has no such rail', async (t) => {
  const gateway = await testGateway(t)
  const account = {
    id: 'toy-h56',
    rail: 'toy',
    beneficiaryAccountId: 'bac_h56-14-colle',
    titleVi: 'Mẫu',
    titleEn: 'Toy',
    config: {},
  }
  await t.rejects(gateway.load(testDirectory({ railAccounts: [account] })), /there is no rail toy/)
})

const none = { privateKeyPem: '', publicKeyPem: '' }
