import { createHash } from 'node:crypto'
import t, { type Test } from 'tap'
import { makeContext } from '../../../src/sandbox/context.ts'
import { type Napas, type NapasWay, startNapas } from '../../../src/sandbox/rails/napas.ts'
import { checksumOf, type Envelope } from '../../../src/sandbox/rails/napas-wire.ts'
import { eventually, type HandTimers, handTimers } from '../hand-timers.ts'
import { fakeGateway, type Sent } from '../test-gateway.ts'
import { readVectors } from '../vectors.ts'

type NapasVector = {
  id: string
  key: { clientSecret: string }
  input: { body: Envelope }
  expected: { signature: string }
}

t.test('checksums are those of the vectors', async (t) => {
  const { vectors } = readVectors<{ vectors: NapasVector[] }>('napas')
  for (const { id, key, input, expected } of vectors) {
    const { data, checksum } = input.body
    t.equal(checksumOf(data, key.clientSecret) === checksum.toLowerCase(), expected.signature === 'accept', id)
  }
  t.equal(vectors.length, 3)
})

const merchant = { clientId: 'GOVGW', clientSecret: 'secret-of-the-sandbox', username: 'gov', password: 'pass' }

type Result = { paymentResult: Record<string, Record<string, unknown>> & { result: string; apiOperation: string } }

/** Checked by hand, not with the simulator's code. */
function opened(t: Test, { data, checksum }: Envelope, genuine = true): Result {
  const hash = createHash('sha256')
    .update(data + merchant.clientSecret)
    .digest('hex')
  t.equal(hash === checksum, genuine)
  return JSON.parse(Buffer.from(data, 'base64').toString('utf8'))
}

type Bank = {
  napas: Napas
  timers: HandTimers
  sent: Sent[]
  token(over?: Record<string, string>): Promise<Response>
  api(method: string, path: string, body?: object, token?: string): Promise<Response>
  form(orderId: string): Promise<Record<string, string>>
}

async function bank(t: Test, over: { answers?: 'plain'; status?: number } = {}): Promise<Bank> {
  const timers = handTimers()
  const napas = await startNapas(makeContext({ timers, clock: timers.clock }), {
    ...merchant,
    ...(over.answers === undefined ? {} : { answers: over.answers }),
  })
  t.teardown(() => napas.close())
  const gateway = await fakeGateway(t, () => ({ status: over.status ?? 200, body: '', contentType: 'text/plain' }))
  napas.callbackUrl = gateway.url
  const { apiUrl } = napas.accountConfig()
  const token: Bank['token'] = (changed = {}) =>
    fetch(`${apiUrl}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({
        ...{ grant_type: 'password', client_id: merchant.clientId, client_secret: merchant.clientSecret },
        ...{ username: merchant.username, password: merchant.password, ...changed },
      }),
    })
  const api: Bank['api'] = async (method, path, body, given) =>
    await fetch(`${apiUrl}/rest/version/1/merchant/${path}`, {
      method,
      headers: { authorization: `Bearer ${given ?? Object(await (await token()).json()).access_token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  return {
    ...{ napas, timers, sent: gateway.sent, token, api },
    async form(orderId) {
      const { dataKey, napasKey } = Object(await (await api('POST', 'GOVGW/datakey', keyOrder(orderId))).json())
      return {
        ...{ merchantId: 'GOVGW', clientIP: '203.0.113.7', deviceId: 'web', environment: 'WebApp' },
        ...{ cardScheme: 'AtmCard', enable3DSecure: 'false', apiOperation: 'PAY', orderId, orderAmount: '150000' },
        ...{ orderCurrency: 'VND', orderReference: 'HS0001', channel: '7399', sourceOfFundsType: 'CARD' },
        ...{ dataKey, napasKey, returnUrl: 'http://127.0.0.1:9/return' },
      }
    },
  }
}

function keyOrder(id: string, over: object = {}): object {
  const inputParameters = {
    ...{ clientIP: '203.0.113.7', deviceId: 'web', environment: 'WebApp', cardScheme: 'AtmCard' },
    enable3DSecure: 'false',
  }
  return { apiOperation: 'DATA_KEY', order: { id, amount: 150_000, currency: 'VND', ...over }, inputParameters }
}

t.test('a token is for the merchant alone, and without a live one nothing answers', async (t) => {
  const { token, api, napas, timers } = await bank(t)
  for (const over of [{ client_secret: 'x' }, { password: 'x' }, { grant_type: 'client_credentials' }])
    t.equal((await token(over)).status, 401)
  t.equal((await api('POST', 'GOVGW/datakey', keyOrder('A'), 'invented')).status, 401)
  const { access_token: given, token_type, expires_in } = Object(await (await token()).json())
  t.match([token_type, expires_in], ['bearer', 300])
  t.equal((await api('POST', 'GOVGW/datakey', keyOrder('A'), given)).status, 200)
  timers.advance(301_000)
  t.equal((await api('POST', 'GOVGW/datakey', keyOrder('B'), given)).status, 401)
  t.equal(napas.transactions.size, 1)
})

t.test(
  'a data key opens an order over whole đồng; asking again gives other keys, and the old form is worth nothing',
  async (t) => {
    const { api, napas, form } = await bank(t)
    for (const body of [keyOrder('A', { amount: '150000' }), keyOrder('A', { currency: 'USD' }), keyOrder(''), {}])
      t.match(await (await api('POST', 'GOVGW/datakey', body)).json(), { result: 'ERROR' })
    t.equal((await api('POST', 'OTHER/datakey', keyOrder('A'))).status, 400)
    t.equal(napas.transactions.size, 0)
    const old = await form('A')
    const current = await form('A')
    t.not(current.dataKey, old.dataKey)
    await t.rejects(napas.pay(old, 'success'), { code: 'INVALID_REQUEST' })
    await t.rejects(napas.pay({ ...current, orderAmount: '1' }, 'success'), { code: 'INVALID_REQUEST' })
    t.match(await napas.pay(current, 'success'), { transaction: { state: 'paid' } })
    t.match(await (await api('POST', 'GOVGW/datakey', keyOrder('A'))).json(), { result: 'ERROR' }, 'it is paid')
  },
)

t.test('each way is told of in an envelope as its name says', async (t) => {
  const one = await bank(t)
  const rows: readonly (readonly [NapasWay, readonly (readonly [string, string, string])[]])[] = [
    ['success', [['SUCCESS', 'APPROVED', '150000']]],
    ['fail', [['FAILURE', 'INSUFFICIENT_FUNDS', '150000']]],
    ['cancel', [['FAILURE', 'CANCELLED', '150000']]],
    [
      'duplicate',
      [
        ['SUCCESS', 'APPROVED', '150000'],
        ['SUCCESS', 'APPROVED', '150000'],
      ],
    ],
    [
      'pending-then-success',
      [
        ['FAILURE', 'PENDING', '150000'],
        ['SUCCESS', 'APPROVED', '150000'],
      ],
    ],
    ['wrong-amount', [['SUCCESS', 'APPROVED', '151000']]],
    ['tampered', [['SUCCESS', 'APPROVED', '150001']]],
  ]
  for (const [way, expected] of rows) {
    const { callbackAcks, result } = await one.napas.pay(await one.form(way), way)
    const genuine = way !== 'tampered'
    const told = one.sent.splice(0).map(({ body }) => opened(t, JSON.parse(body), genuine).paymentResult)
    t.same(
      told.map(({ result, response, order }) => [result, response?.gatewayCode, order?.amount]),
      expected,
      way,
    )
    t.equal(told[0]?.order?.id, way)
    opened(t, result, genuine)
    t.ok(
      callbackAcks.every(({ asExpected }) => asExpected === genuine),
      `${way}: a forged notice must not meet 200`,
    )
  }
  await one.napas.pay(await one.form('late'), 'late')
  t.same(one.sent, [])
  one.timers.advance(20 * 60_000)
  await eventually(() => one.sent.length === 1)
})

t.test('anything but 200 makes it call again', async (t) => {
  const one = await bank(t, { status: 503 })
  const { callbackAcks } = await one.napas.pay(await one.form('A'), 'success')
  t.match(callbackAcks, [{ asExpected: false, next: 'call again' }])
})

t.test('the card form works by forms alone and takes the result back to the page it came from', async (t) => {
  const { napas, form } = await bank(t)
  const fields = await form('A')
  const post = (path: string, body: Record<string, string>): Promise<Response> =>
    fetch(`${napas.baseUrl}${path}`, { method: 'POST', body: new URLSearchParams(body) })
  t.equal((await post('/hostedform', { ...fields, dataKey: 'x' })).status, 400)
  const page = await (await post('/hostedform', fields)).text()
  t.match(page, '150.000 ₫')
  t.notMatch(page, '<script')
  t.equal((await post('/hostedform/pay', { orderId: 'A', dataKey: 'x', way: 'success' })).status, 400)
  const back = await (
    await post('/hostedform/pay', { orderId: 'A', dataKey: fields.dataKey ?? '', way: 'success' })
  ).text()
  t.match(back, 'action="http://127.0.0.1:9/return"')
  const [, value = ''] = /name="napasResult" value="([^"]+)"/.exec(back) ?? []
  t.match(opened(t, JSON.parse(value.replaceAll('&quot;', '"'))).paymentResult, { result: 'SUCCESS' })
})

t.test('transactions are retrieved and refunded in signed answers, or plain ones when told so', async (t) => {
  for (const answers of ['signed', 'plain'] as const) {
    const { napas, api, form } = await bank(t, answers === 'plain' ? { answers } : {})
    const read = async (answer: Response): Promise<Result['paymentResult']> => {
      const body = await answer.json()
      return (answers === 'signed' ? opened(t, body as Envelope) : (body as Result)).paymentResult
    }
    const path = (transaction: string): string => `GOVGW/order/A/transaction/${transaction}`
    t.equal((await api('GET', path('1'))).status, 404, 'no such order')
    const fields = await form('A')
    t.match(await read(await api('GET', path('1'))), { result: 'FAILURE', response: { gatewayCode: 'SUBMITTED' } })
    await napas.pay(fields, 'success')
    t.match(await read(await api('GET', path('1'))), { result: 'SUCCESS', transaction: { id: '1', type: 'PAYMENT' } })
    const refund = (amount: number, over: object = {}): object => ({
      ...{ apiOperation: 'REFUND_DOMESTIC', channel: '7399', transaction: { amount, currency: 'VND' }, ...over },
    })
    t.equal((await api('GET', path('R1'))).status, 404, 'no such transaction')
    t.equal((await api('PUT', path('R1'), refund(50_000, { apiOperation: 'REFUND' }))).status, 400)
    const given = await read(await api('PUT', path('R1'), refund(50_000)))
    t.match(given, { result: 'SUCCESS', transaction: { id: 'R1', type: 'REFUND', amount: '50000' } })
    t.same(await read(await api('PUT', path('R1'), refund(50_000))), given, 'the same refund again')
    t.same(await read(await api('GET', path('R1'))), given)
    t.equal((await api('PUT', path('R1'), refund(60_000))).status, 400)
    t.match(await read(await api('PUT', path('R2'), refund(100_001))), {
      ...{ result: 'FAILURE', response: { gatewayCode: 'TRANSACTION_OUT_OF_LIMIT_BANK' } },
    })
    t.equal(napas.transactions.get('A')?.refunds.length, 1)
  }
})
