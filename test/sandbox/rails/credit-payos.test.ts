import { createHmac } from 'node:crypto'
import t from 'tap'
import { QRPay } from 'vietnam-qr-pay'
import { makeContext } from '../../../src/sandbox/context.ts'
import { payosSignature, payosSource, payosText } from '../../../src/sandbox/rails/credit-payos.ts'
import { startVietqr } from '../../../src/sandbox/rails/vietqr.ts'
import { fakeGateway } from '../test-gateway.ts'
import { readVectors } from '../vectors.ts'

type PayosVector = {
  id: string
  op: string
  key: { checksumKey: string }
  input: Record<string, string | number> & {
    body: { data: Record<string, string | number | null>; signature?: string }
  }
  expected: { canonical: string; signature: string }
}

t.test('signed texts and signatures are those of the vectors', async (t) => {
  const { vectors } = readVectors<{ vectors: PayosVector[] }>('payos')
  for (const { id, op, key, input, expected } of vectors) {
    const data = op === 'webhook' ? input.body.data : input
    t.equal(payosText(data), expected.canonical, id)
    const signature = payosSignature(data, key.checksumKey)
    if (op === 'webhook') t.equal(signature === input.body.signature, expected.signature === 'accept', id)
    else t.equal(signature, expected.signature, id)
  }
  t.equal(vectors.length, 5)
})

const checksumKey = 'checksum-key-of-the-sandbox'
const accountNumber = '920000000001'
const qr = QRPay.initVietQR({ bankBin: '970422', bankNumber: accountNumber, amount: '150000', purpose: 'A2345678BCDE' })

t.test('credits, debits and the probe are signed over data alone, and each knows its right answer', async (t) => {
  const vietqr = await startVietqr(makeContext(), { accountNumber, source: payosSource(checksumKey) })
  t.teardown(() => vietqr.close())
  const gateway = await fakeGateway(t, () => ({ status: 200, body: '{"success":true}' }))
  const last = (): { data: Record<string, unknown>; signature: string; success: boolean } => {
    const sent = JSON.parse(gateway.sent.at(-1)?.body ?? '')
    const text = Object.entries(sent.data as Record<string, unknown>)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => `${name}=${value ?? ''}`)
      .join('&')
    const mac = createHmac('sha256', checksumKey).update(text).digest('hex')
    return { ...sent, signature: mac === sent.signature ? 'genuine' : 'forged' }
  }
  vietqr.callbackUrl = gateway.url
  t.match((await vietqr.pay(qr.build(), 'success')).callbackAcks, [{ asExpected: true, next: 'stop' }])
  t.match(last(), {
    ...{ signature: 'genuine', success: true },
    data: { code: '00', amount: 150_000, description: 'A2345678BCDE', accountNumber, currency: 'VND' },
  })
  t.match((await vietqr.pay(qr.build(), 'tampered')).callbackAcks, [{ asExpected: false }], 'it must meet 401')
  t.match(last(), { signature: 'forged', data: { amount: 150_001 } })
  await vietqr.move({ transferType: 'out', amount: 5_000n, content: 'chi' })
  t.match(last(), { signature: 'genuine', data: { code: '01', amount: 5_000 } })
  t.match(await vietqr.probe(), { acknowledgements: [{ asExpected: true, meaning: 'HTTP 200' }] })
  t.match(last(), { signature: 'genuine', data: { accountNumber: '12345678', description: 'VQRIO123' } })
  await fetch(`${vietqr.baseUrl}/sandbox/probe`, { method: 'POST' })
  t.equal(vietqr.callbacks.at(-1)?.label, 'probe')
})
