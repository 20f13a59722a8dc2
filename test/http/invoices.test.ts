import t from 'tap'
import { anInvoice, testGateway } from '../harness/gateway.ts'

t.test('a portal issues a signed invoice with its price, pay code and pay link, and reads it back', async (t) => {
  const { api } = await testGateway(t)
  const issued = await api('POST', '/v1/invoices', anInvoice())
  t.equal(issued.status, 201, issued.text)
  t.match(issued.json, {
    status: 'ISSUED',
    total: 7000,
    currency: 'VND',
    version: 1,
    payCode: /^[A-Z2-9]{12}$/,
    payUrl: /\/pay\/[A-Za-z0-9_-]{32}$/,
  })
  const read = await api('GET', `/v1/invoices/${String(issued.json.id)}`)
  t.same(read.json, issued.json)
})
