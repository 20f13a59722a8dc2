import t, { type Test } from 'tap'
import { makeContext } from '../../../src/sandbox/context.ts'
import { startZalopay, type Zalopay, type ZalopayWay } from '../../../src/sandbox/rails/zalopay.ts'
import { callText, isSignedCall, macOf, type ZalopayCall } from '../../../src/sandbox/rails/zalopay-wire.ts'
import { eventually, type HandTimers, handTimers } from '../hand-timers.ts'
import { fakeGateway, type Reply, type Sent } from '../test-gateway.ts'
import { readVectors } from '../vectors.ts'

type ZalopayVector = {
  id: string
  op: string
  key: { key1: string; key2: string }
  input: Record<string, unknown> & { body: { data: string; mac: string } }
  expected: { canonical: string; mac: string; signature: string }
}

t.test('signed texts and verdicts are those of the vectors', async (t) => {
  const { vectors } = readVectors<{ vectors: ZalopayVector[] }>('zalopay')
  for (const { id, op, key, input, expected } of vectors) {
    if (op === 'callback') {
      t.equal(macOf(input.body.data, key.key2) === input.body.mac, expected.signature === 'accept', id)
    } else {
      const call = op.replace('-request', '') as ZalopayCall
      t.equal(callText(call, input, key.key1), expected.canonical, id)
      t.equal(macOf(expected.canonical, key.key1), expected.mac, id)
      t.ok(isSignedCall(call, { ...input, mac: expected.mac.toUpperCase() }, key.key1), id)
    }
  }
  t.equal(vectors.length, 7)
})

const app = { appId: 2554, key1: 'key-one-of-the-sandbox', key2: 'key-two-of-the-sandbox' }
const taken: Reply = { status: 200, body: '{"return_code":1,"return_message":"success"}' }

type Bank = {
  zalopay: Zalopay
  timers: HandTimers
  sent: Sent[]
  ask(call: ZalopayCall, over?: Record<string, unknown>): Promise<Record<string, unknown>>
}

async function bank(t: Test, answer: (count: number) => Reply = () => taken): Promise<Bank> {
  const timers = handTimers()
  const zalopay = await startZalopay(makeContext({ timers, clock: timers.clock }), app)
  t.teardown(() => zalopay.close())
  const gateway = await fakeGateway(t, (_sent, count) => answer(count))
  return {
    zalopay,
    timers,
    sent: gateway.sent,
    async ask(call, over = {}) {
      const now = timers.clock.now().getTime()
      const fields: Record<string, unknown> = {
        ...{ app_id: app.appId, app_trans_id: '261120_A1', app_user: 'citizen01', app_time: now, amount: 150_000 },
        ...{ item: '[]', embed_data: '{"redirecturl":"http://127.0.0.1:9/return?lang=vi"}', description: 'Thu phi' },
        ...{ expire_duration_seconds: 900, callback_url: `${gateway.url}/zalopay`, timestamp: now },
        ...over,
      }
      const mac = macOf(callText(call, fields, app.key1) ?? '', app.key1)
      const answer = await fetch(`${zalopay.baseUrl}/v2/${call}`, {
        method: 'POST',
        body: JSON.stringify({ mac, ...fields, ...over }),
      })
      t.equal(answer.status, 200)
      return Object(await answer.json())
    },
  }
}

async function orderUrl({ ask }: Bank, appTransId: string): Promise<string> {
  return String((await ask('create', { app_trans_id: appTransId })).order_url)
}

t.test('a wrong MAC, app, day, time or field opens nothing; an app_trans_id opens once', async (t) => {
  const one = await bank(t)
  const early = one.timers.clock.now().getTime() - 16 * 60_000
  for (const [over, code] of [
    [{ mac: '0'.repeat(64) }, -402],
    [{ app_id: 1 }, -402],
    [{ app_trans_id: '261119_A1' }, -401],
    [{ app_time: early }, -401],
    [{ amount: 0 }, -401],
    [{ embed_data: 'none' }, -401],
    [{ expire_duration_seconds: 299 }, -401],
    [{ callback_url: 'ftp://x' }, -401],
  ] as const)
    t.match(await one.ask('create', over), { return_code: 2, sub_return_code: code }, JSON.stringify(over))
  t.equal(one.zalopay.transactions.size, 0)
  t.match(await one.ask('create'), { return_code: 1, order_url: /^http/ })
  t.match(await one.ask('create'), { return_code: 2, sub_return_code: -68 })
})

t.test('only a success is told of, and each way as its name says', async (t) => {
  const one = await bank(t)
  const told = (): { data: string; mac: string; type: number }[] =>
    one.sent.splice(0).map(({ body }) => JSON.parse(body))
  const rows: readonly (readonly [ZalopayWay, readonly number[], boolean])[] = [
    ['success', [150_000], true],
    ['fail', [], true],
    ['duplicate', [150_000, 150_000], true],
    ['wrong-amount', [151_000], true],
    ['tampered', [150_001], false],
  ]
  for (const [way, amounts, genuine] of rows) {
    const id = `261120_${way}`
    const { callbackAcks, returnUrl } = await one.zalopay.pay(await orderUrl(one, id), way)
    const sent = told()
    t.same(
      sent.map(({ data }) => JSON.parse(data).amount),
      amounts,
      way,
    )
    for (const { data, mac, type } of sent) {
      t.equal(macOf(data, app.key2) === mac, genuine, way)
      t.match([type, JSON.parse(data)], [1, { app_id: app.appId, app_trans_id: id, app_user: 'citizen01' }])
    }
    t.ok(
      callbackAcks.every(({ asExpected }) => asExpected === genuine),
      `${way}: a forged callback must meet -1`,
    )
    t.match(returnUrl, `http://127.0.0.1:9/return?lang=vi&appid=2554&apptransid=${id}`, way)
  }
  for (const [way, ms] of [
    ['late', 20 * 60_000],
    ['pending-then-success', 60_000],
  ] as const) {
    await one.zalopay.pay(await orderUrl(one, `261120_${way}`), way)
    t.same(told(), [])
    one.timers.advance(ms)
    await eventually(() => one.sent.length === 1)
    told()
  }
})

t.test('0 makes it call again, three times at most; -1 ends its calls', async (t) => {
  const one = await bank(t, () => ({ status: 200, body: '{"return_code":0,"return_message":"try again"}' }))
  await one.zalopay.pay(await orderUrl(one, '261120_A1'), 'success')
  for (const [index, minutes] of [1, 5, 15].entries()) {
    t.same(one.timers.due(), [minutes * 60_000])
    one.timers.advance(minutes * 60_000)
    await eventually(() => one.zalopay.callbacks[0]?.acknowledgements.length === index + 2)
  }
  t.match(one.zalopay.callbacks[0], { state: 'given up' })
  const other = await bank(t, () => ({ status: 200, body: '{"return_code":-1,"return_message":"mac not equal"}' }))
  const { callbackAcks } = await other.zalopay.pay(await orderUrl(other, '261120_A1'), 'success')
  t.match(callbackAcks, [{ asExpected: false, next: 'stop' }])
})

t.test('the pay page works by form alone; a final or expired order is not paid again', async (t) => {
  const one = await bank(t)
  t.match(await (await fetch(await orderUrl(one, '261120_A1'))).text(), '150.000 ₫')
  const press = (order: string): Promise<Response> =>
    fetch(`${one.zalopay.baseUrl}/openinapp`, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ order, way: 'success' }),
    })
  const back = await press('261120_A1')
  t.match([back.status, back.headers.get('location')], [303, 'status=1&checksum='])
  t.equal((await press('261120_A1')).status, 400)
  await orderUrl(one, '261120_A2')
  one.timers.advance(15 * 60_000)
  t.equal((await press('261120_A2')).status, 400)
})

t.test('query and query_refund tell the truth as it comes about', async (t) => {
  const one = await bank(t)
  t.match(await one.ask('query'), { return_code: 2, sub_return_code: -101 })
  const url = await orderUrl(one, '261120_A1')
  t.match(await one.ask('query'), { return_code: 3 })
  const { transaction } = await one.zalopay.pay(url, 'success')
  t.match(await one.ask('query'), { return_code: 1, amount: 150_000, zp_trans_id: transaction.zpTransId })
  const refund = { m_refund_id: '261120_2554_R1', zp_trans_id: String(transaction.zpTransId), amount: 50_000 }
  t.match(await one.ask('refund', { ...refund, m_refund_id: '261120_1_R1' }), { sub_return_code: -401 })
  t.match(await one.ask('refund', refund), { return_code: 3, refund_id: Number })
  t.match(await one.ask('refund', refund), { return_code: 2, sub_return_code: -68 })
  t.match(await one.ask('query_refund', refund), { return_code: 3 })
  one.timers.advance(30_000)
  t.match(await one.ask('query_refund', refund), { return_code: 1 })
  const more = { ...refund, m_refund_id: '261120_2554_R2', amount: 100_001 }
  t.match(await one.ask('refund', more), { return_code: 2, sub_return_code: -13 })
  t.match(await one.ask('query_refund', more), { return_code: 2 }, 'nobody made it')
})
