/** A proof made for one place is worth nothing at another: callbacks across accounts, rails and gateways; assertions and tokens across gateways and clients. */
import { createHmac } from 'node:crypto'
import t from 'tap'
import { anInvoice, callApi, type TestGateway, testDirectory, testGateway } from '../harness/gateway.ts'

/** An IPN as VNPAY signs it (rails.md §1.2). */
function ipn(secret: string, txnRef: string, amount: number): string {
  const query = new URLSearchParams(
    Object.entries({
      vnp_Amount: String(amount * 100),
      vnp_BankCode: 'NCB',
      vnp_PayDate: '20261120120130',
      vnp_ResponseCode: '00',
      vnp_TmnCode: 'TESTGW01',
      vnp_TransactionNo: '14500001',
      vnp_TransactionStatus: '00',
      vnp_TxnRef: txnRef,
    }),
  ).toString()
  return `${query}&vnp_SecureHash=${createHmac('sha512', secret).update(query).digest('hex')}`
}

async function started(gateway: TestGateway): Promise<{ id: string; txnRef: string; total: number }> {
  const invoice = await gateway.api('POST', '/v1/invoices', anInvoice())
  const id = String(invoice.json.id)
  const payment = await gateway.api('POST', `/v1/invoices/${id}/payments`, {
    railAccountId: 'vnpay-h56-14',
    payerIp: '203.0.113.7',
  })
  if (payment.status !== 201) throw new Error(payment.text)
  return { id, txnRef: String(payment.json.merchantRef), total: Number(invoice.json.total) }
}

t.test('a true callback of one account is refused at another account, another rail and another gateway', async (t) => {
  const gateway = await testGateway(t)
  const other = await testGateway(t)
  const [model] = testDirectory().railAccounts
  if (model === undefined) throw new Error('no rail account')
  const own = { ...model, config: { ...model.config, hashSecret: gateway.vnpaySecret } }
  const second = { ...own, id: 'vnpay-second', config: { ...own.config, tmnCode: 'TESTGW02' } }
  const third = { ...second, id: 'vnpay-third', config: { ...model.config, tmnCode: 'TESTGW03' } }
  await gateway.load(testDirectory({ railAccounts: [own, second, third] }))
  const { id, txnRef, total } = await started(gateway)
  const query = ipn(gateway.vnpaySecret, txnRef, total)

  const elsewhere: [TestGateway, string][] = [
    // Another terminal under the same secret, and one under its own.
    [gateway, '/callbacks/vnpay/vnpay-second'],
    [gateway, '/callbacks/vnpay/vnpay-third'],
    [gateway, '/callbacks/onepay/vnpay-h56-14'],
    [gateway, '/callbacks/vnpay/vnpay-none'],
    [other, '/callbacks/vnpay/vnpay-h56-14'],
  ]
  for (const [at, path] of elsewhere) {
    const answer = await callApi(at.url, 'GET', `${path}?${query}`)
    t.notMatch(answer.text, /"RspCode":"00"/, path)
  }
  t.match((await gateway.api('GET', `/v1/invoices/${id}`)).json, { status: 'PAYING' })
  for (const { database } of [gateway, other])
    t.same(await database.query('SELECT id FROM settlements', []), [], 'no money is on record')

  t.match((await callApi(gateway.url, 'GET', `/callbacks/vnpay/vnpay-h56-14?${query}`)).text, '"RspCode":"00"')
  for (let n = 0; n < 3; n++) await callApi(gateway.url, 'GET', `/callbacks/vnpay/vnpay-h56-14?${query}`)
  t.equal((await gateway.database.query('SELECT id FROM settlements', [])).length, 1, 'repeats book nothing')
})

t.test('assertions and tokens are worth nothing at another gateway, nor under another client’s name', async (t) => {
  const gateway = await testGateway(t)
  const other = await testGateway(t)
  const token = await gateway.client.token()
  const read = (at: TestGateway): Promise<{ status: number }> =>
    callApi(at.url, 'GET', '/v1/invoices', undefined, { authorization: `Bearer ${token}` })
  t.equal((await read(gateway)).status, 200)
  t.equal((await read(other)).status, 401)

  const ask = async (at: TestGateway, assertion: string): Promise<number> =>
    (
      await fetch(`${at.url}/oauth/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: assertion,
        }),
      })
    ).status
  const neighbour = await gateway.addClient()
  t.equal(await ask(other, await gateway.client.assertion()), 401, 'another gateway')
  t.equal(
    await ask(gateway, await gateway.client.assertion({ iss: neighbour.clientId, sub: neighbour.clientId })),
    401,
    'another client',
  )
  const foreign = await gateway.client.assertion({ aud: `${other.url}/oauth/token` })
  t.equal(await ask(gateway, foreign), 401, 'made for another gateway')
  const once = await gateway.client.assertion()
  t.same([await ask(gateway, once), await ask(gateway, once)], [200, 401])
})
