import t, { type Test } from 'tap'
import { makeContext } from '../../../src/sandbox/context.ts'
import { type Momo, type MomoWay, startMomo } from '../../../src/sandbox/rails/momo.ts'
import { isSigned, type MomoMessage, signatureOf, signedText } from '../../../src/sandbox/rails/momo-wire.ts'
import { eventually, type HandTimers, handTimers } from '../hand-timers.ts'
import { fakeGateway, type Reply, type Sent } from '../test-gateway.ts'
import { readVectors } from '../vectors.ts'

type Fields = Record<string, string | number>
type MomoVector = {
  id: string
  op: string
  key: { accessKey: string; secretKey: string }
  input: Fields & { body: Fields }
  expected: { canonical: string; signature: string }
}

t.test('signed texts and verdicts are those of the vectors', async (t) => {
  const { vectors } = readVectors<{ vectors: MomoVector[] }>('momo')
  for (const { id, op, key, input, expected } of vectors) {
    if (op === 'ipn') {
      t.equal(signedText('notice', input.body, key.accessKey), expected.canonical, id)
      t.equal(isSigned('notice', input.body, key), expected.signature === 'accept', id)
    } else {
      const message = op.replace('-request', '') as MomoMessage
      t.equal(signedText(message, input, key.accessKey), expected.canonical, id)
      t.equal(signatureOf(message, input, key), expected.signature, id)
    }
  }
  t.equal(vectors.length, 7)
})

const secrets = { accessKey: 'ACCESSKEY1', secretKey: 'secret-of-the-sandbox' }
const partnerCode = 'MOMOTEST01'

type Asked = { status: number; body: Record<string, unknown> }
type Bank = {
  momo: Momo
  timers: HandTimers
  sent: Sent[]
  ask(message: 'create' | 'query' | 'refund', over?: Record<string, unknown>): Promise<Asked>
}

async function bank(t: Test, reply: Reply = { status: 204, body: '' }): Promise<Bank> {
  const timers = handTimers()
  const momo = await startMomo(makeContext({ timers, clock: timers.clock }), { ...secrets, partnerCode })
  t.teardown(() => momo.close())
  const gateway = await fakeGateway(t, () => reply)
  let requests = 0
  return {
    momo,
    timers,
    sent: gateway.sent,
    async ask(message, over = {}) {
      const fields: Record<string, unknown> = {
        ...{ partnerCode, requestId: `RQ-${++requests}`, orderId: 'INV1', amount: 150_000, lang: 'vi' },
        ...{ orderInfo: 'Thu phi HS0001', extraData: '', requestType: 'captureWallet' },
        ...{ redirectUrl: 'http://127.0.0.1:9/return?lang=vi', ipnUrl: `${gateway.url}/ipn`, description: 'Hoan phi' },
        ...over,
      }
      const answer = await fetch(`${momo.baseUrl}/v2/gateway/api/${message}`, {
        method: 'POST',
        body: JSON.stringify({ signature: signatureOf(message, fields as Fields, secrets), ...fields, ...over }),
      })
      return { status: answer.status, body: Object(await answer.json()) }
    },
  }
}

async function payUrl({ ask }: Bank, orderId: string, over: object = {}): Promise<string> {
  return String((await ask('create', { orderId, ...over })).body.payUrl)
}

t.test('a wrong signature, partner, field or amount opens nothing; an order id opens once', async (t) => {
  const one = await bank(t)
  for (const [over, resultCode] of [
    [{ signature: '0'.repeat(64) }, 13],
    [{ partnerCode: 'OTHER' }, 13],
    [{ requestType: 'payWithATM' }, 20],
    [{ orderId: '-INV' }, 20],
    [{ ipnUrl: 'ftp://x' }, 20],
    [{ amount: 999 }, 21],
    [{ amount: 50_000_001 }, 21],
  ] as const)
    t.match(await one.ask('create', over), { status: 400, body: { resultCode } }, JSON.stringify(over))
  t.equal(one.momo.transactions.size, 0)
  const repeated = { requestId: 'RQ-A' }
  const first = await one.ask('create', repeated)
  t.match(first, { status: 200, body: { resultCode: 0, orderId: 'INV1', amount: 150_000, payUrl: /^http/ } })
  t.same(await one.ask('create', repeated), first, 'the same request has the same answer')
  t.match(await one.ask('create', { ...repeated, amount: 200_000 }), { body: { resultCode: 40 } })
  t.match(await one.ask('create'), { body: { resultCode: 41 } })
})

t.test('each way is told of as its name says, on the address of the order, and back through the browser', async (t) => {
  const one = await bank(t)
  const told = (): Fields[] => one.sent.splice(0).map(({ body }) => JSON.parse(body))
  const rows: readonly (readonly [MomoWay, readonly object[], boolean])[] = [
    ['success', [{ resultCode: 0, amount: 150_000, orderType: 'momo_wallet' }], true],
    ['fail', [{ resultCode: 1001 }], true],
    ['cancel', [{ resultCode: 1006 }], true],
    ['duplicate', [{ resultCode: 0 }, { resultCode: 0 }], true],
    ['pending-then-success', [{ resultCode: 7002 }, { resultCode: 0 }], true],
    ['wrong-amount', [{ resultCode: 0, amount: 151_000 }], true],
    ['tampered', [{ resultCode: 0 }], false],
  ]
  for (const [way, notices, genuine] of rows) {
    const { callbackAcks, returnUrl } = await one.momo.pay(await payUrl(one, way), way)
    const sent = told()
    t.match(sent, notices, way)
    t.equal(sent.length, notices.length, way)
    t.ok(
      sent.every((fields) => isSigned('notice', fields, secrets) === genuine),
      way,
    )
    t.equal(
      callbackAcks.every(({ asExpected }) => asExpected),
      genuine,
      `${way}: a forged notice must not meet 204`,
    )
    t.match(returnUrl, 'http://127.0.0.1:9/return?lang=vi&partnerCode=', way)
  }
  await one.momo.pay(await payUrl(one, 'late'), 'late')
  t.same(told(), [])
  one.timers.advance(20 * 60_000)
  await eventually(() => one.sent.length === 1)
})

t.test('only 204 with nothing in it ends the calls', async (t) => {
  for (const [reply, ends] of [
    [{ status: 204, body: '' }, true],
    [{ status: 200, body: '' }, false],
    [{ status: 200, body: '{"resultCode":0}' }, false],
    [{ status: 503, body: '' }, false],
  ] as const) {
    const one = await bank(t, reply)
    const { callbackAcks } = await one.momo.pay(await payUrl(one, 'A'), 'success')
    t.match(callbackAcks, [{ asExpected: ends, next: ends ? 'stop' : 'call again' }])
  }
})

t.test('the pay page works by form alone and pays an order once', async (t) => {
  const one = await bank(t)
  const url = await payUrl(one, 'A')
  t.match(await (await fetch(url)).text(), '150.000 ₫')
  const press = (orderId: string, way: string): Promise<Response> =>
    fetch(`${one.momo.baseUrl}/v2/gateway/pay`, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ orderId, way }),
    })
  t.equal((await press('A', 'steal')).status, 400)
  t.equal((await press('B', 'success')).status, 400)
  const back = await press('A', 'success')
  t.match([back.status, back.headers.get('location')], [303, 'resultCode=0'])
  t.equal((await press('A', 'success')).status, 400, 'it is final')
})

t.test('query tells the truth, and lists the refunds', async (t) => {
  const one = await bank(t)
  t.match(await one.ask('query'), { status: 400, body: { resultCode: 42 } })
  const url = await payUrl(one, 'INV1')
  t.match(await one.ask('query'), { body: { resultCode: 1000, transId: 0, refundTrans: [] } })
  const { transaction } = await one.momo.pay(url, 'success')
  const { transId } = transaction
  t.match(await one.ask('query'), { body: { resultCode: 0, amount: 150_000, transId } })
  const refund = { orderId: 'RF1', requestId: 'RF1', transId, amount: 50_000 }
  const given = await one.ask('refund', refund)
  t.match(given, { status: 200, body: { resultCode: 0, amount: 50_000 } })
  t.same(await one.ask('refund', refund), given, 'the same request again gives nothing back twice')
  t.match(await one.ask('refund', { ...refund, requestId: 'RF2' }), { body: { resultCode: 41 } })
  t.match(await one.ask('refund', { orderId: 'RF3', transId, amount: 100_001 }), { body: { resultCode: 1088 } })
  t.match(await one.ask('refund', { orderId: 'RF4', transId: 1, amount: 1_000 }), { body: { resultCode: 42 } })
  t.match(await one.ask('query'), { body: { refundTrans: [{ orderId: 'RF1', amount: 50_000, resultCode: 0 }] } })
})
