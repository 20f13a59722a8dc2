/** A whole payment with known secrets and known persons, at the most talkative log level: none of them is told. */
import { Writable } from 'node:stream'
import t from 'tap'
import { createLogger } from '../../src/log.ts'
import { testFinance } from '../harness/finance.ts'
import { callApi } from '../harness/gateway.ts'
import { testReceiver } from '../harness/receiver.ts'

t.test('logs and metrics of a whole payment, its refusals and its refund hold no secret and no person', async (t) => {
  let log = ''
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      log += chunk.toString('utf8')
      done()
    },
  })
  const { gateway, paid, an } = await testFinance(t, { log: createLogger('trace', sink) })
  const person = { name: 'Phan Thị Kín Đáo', personalId: '001199888888' }
  const receiver = await testReceiver(t)
  const endpoint = await gateway.api('POST', '/v1/webhook-endpoints', { url: receiver.url })
  const invoice = await paid({ submitter: person })
  const { payUrl } = (await gateway.api('GET', `/v1/invoices/${invoice.id}`)).json
  const payToken = new URL(String(payUrl)).pathname.split('/').at(-1) ?? ''
  await callApi(gateway.url, 'GET', `/pay/${payToken}`)
  await receiver.until(1)
  const refund = await an('POST', '/refunds', {
    invoiceId: invoice.id,
    reason: 'NOT_GRANTED',
    legalBasis: 'Thông báo 12/TB',
    channel: 'AGENCY_PAYOUT',
    payee: { bankBin: '970436', accountNumber: '0909090909', accountName: 'PHAN THI KIN DAO' },
  })
  t.equal(refund.status, 201, refund.text)
  // Refusals: fields that are wrong, JSON that is none, tokens that do not hold, a callback that is forged.
  const assertion = await gateway.client.assertion()
  const token = await gateway.client.token()
  await gateway.api('POST', '/v1/invoices', { submitter: { ...person, age: 3 }, dossierCode: person.personalId })
  await gateway.api('POST', '/v1/invoices', `{"submitter":"${person.personalId}"`)
  await gateway.api('GET', `/v1/invoices?dossierCode=${person.personalId}&limit=x`)
  await callApi(gateway.url, 'GET', '/v1/invoices', undefined, { authorization: `Bearer ${token}x` })
  await callApi(
    gateway.url,
    'GET',
    `/callbacks/vnpay/vnpay-box?vnp_SecureHash=${'A'.repeat(128)}&vnp_OrderInfo=${person.personalId}`,
  )
  await callApi(gateway.url, 'POST', `/pay/${payToken}/start`, undefined)

  const metrics = (await callApi(gateway.url, 'GET', '/metrics')).text
  t.match(log, /callback settled/, 'the payment is in the log')
  t.match(metrics, /feegate/)
  const secrets: Record<string, string> = {
    'the secret of the rail account': 'S'.repeat(32),
    'the secret of the endpoint': String(endpoint.json.secret),
    'an access token': token,
    'a client assertion': assertion,
    'the pay token': payToken,
    'a personal id': person.personalId,
    'a name': person.name,
    'an account to pay out to': '0909090909',
    'a name to pay out to': 'PHAN THI KIN DAO',
  }
  for (const [name, secret] of Object.entries(secrets)) {
    t.ok(secret.length > 8, name)
    t.notOk(log.includes(secret), `${name} is not in the log`)
    t.notOk(metrics.includes(secret), `${name} is not in the metrics`)
  }
})
