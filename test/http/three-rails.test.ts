/** One invoice, begun on three rails, paid on all of them, told of many times over in the same moment. */
import t from 'tap'
import { anInvoice } from '../harness/gateway.ts'
import { testAccountIds, testPartners } from '../harness/partners.ts'

t.test('64 notices of three rails for one invoice at once: one payment is applied, two are owed back', async (t) => {
  const { gateway, sandbox } = await testPartners(t, { only: ['vnpay', 'vietqr', 'momo'] })
  const { vnpay, vietqr, momo } = sandbox
  const invoice = await gateway.api('POST', '/v1/invoices', anInvoice())
  const begin = async (rail: 'vnpay' | 'vietqr' | 'momo'): Promise<Record<string, unknown>> => {
    const { status, json, text } = await gateway.api('POST', `/v1/invoices/${String(invoice.json.id)}/payments`, {
      railAccountId: testAccountIds[rail],
      payerIp: '203.0.113.7',
    })
    if (status !== 201) throw new Error(text)
    return { ...json, ...Object(json.instruction) }
  }
  const [atVnpay, atVietqr, atMomo] = [await begin('vnpay'), await begin('vietqr'), await begin('momo')]
  // Paid everywhere, and nobody tells of it yet.
  for (const rail of [vnpay, vietqr, momo]) rail.behaviour.misbehave({ callbacksLost: true })
  await vnpay.pay(String(atVnpay.url), 'success')
  await vietqr.pay(String(atVietqr.payload), 'success')
  await momo.pay(String(atMomo.url), 'success')
  for (const rail of [vnpay, vietqr, momo]) rail.behaviour.behave()

  const tell = [
    () => vnpay.sendCallback(String(atVnpay.merchantRef)),
    () => vietqr.sendCallback(vietqr.transactions[0]?.id ?? 0),
    () => momo.sendCallback(String(atMomo.merchantRef)),
  ]
  const told = await Promise.all(Array.from({ length: 64 }, (_, index) => tell[index % tell.length]?.()))

  t.same(
    told.flatMap((callback) => callback?.acknowledgements.map(({ ends }) => ends) ?? []),
    Array.from({ length: 64 }, () => true),
    'no bank calls again',
  )
  const settlements = await gateway.database.query<{ disposition: string }>(
    'SELECT disposition FROM settlements ORDER BY disposition',
    [],
  )
  t.same(settlements, [{ disposition: 'APPLIED' }, { disposition: 'DUPLICATE' }, { disposition: 'DUPLICATE' }])
  t.same(await gateway.database.query(`SELECT count(*) AS n FROM events WHERE type = 'invoice.paid'`, []), [{ n: 1n }])
  t.same(await gateway.database.query(`SELECT origin, status FROM refunds`, []), [
    { origin: 'DUPLICATE', status: 'REQUESTED' },
    { origin: 'DUPLICATE', status: 'REQUESTED' },
  ])
})
