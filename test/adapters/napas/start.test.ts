import t from 'tap'
import type { HttpAnswer, StartResult, Step } from '../../../adapters/contract.ts'
import { accountSchema } from '../../../adapters/napas/account.ts'
import { napas } from '../../../adapters/napas/index.ts'
import { answerOf, clientSecret, context, makeAccount, makeOrder, tokenAnswer } from './vectors.ts'

const order = makeOrder()
const keyAnswer = answerOf({ result: 'SUCCESS', dataKey: 'AE52E803', napasKey: 'NK01', merchantId: 'GOVGW' })

function callOf(step: Step<unknown> | undefined) {
  if (step?.kind !== 'call') throw new Error('no call')
  return step
}

function resultOf(step: Step<StartResult> | undefined): StartResult {
  if (step?.kind !== 'done') throw new Error('not done')
  return step.result
}

/** The steps of a start with these answers, up to the last one given. */
function run(answers: readonly HttpAnswer[], account = makeAccount()): Step<StartResult> | undefined {
  let step = napas.start?.(order, account, context)
  for (const answer of answers) step = napas.readStart?.(answer, callOf(step).state, order, account, context)
  return step
}

t.test('an account needs its credentials, channel and card scheme, and nothing unknown', async (t) => {
  const plain = {
    clientId: 'GOVGW',
    clientSecret,
    username: 'u',
    password: 'p',
    channel: '7399',
    cardScheme: 'AtmCard',
  }
  t.match(accountSchema.parse(plain), { answers: 'signed', approvedCodes: ['APPROVED'], apiVersion: '1' })
  for (const change of [
    { clientSecret: 'short' },
    { cardScheme: 'Card' },
    { channel: undefined },
    { apiUrl: 'https://dps.napas.com.vn/api/' },
    { formUrl: 'javascript:alert(1)' },
    { approvedCodes: [] },
    { retrievePath: '/rest/{other}' },
    { retrievePath: '/rest/../admin?x={order}' },
    { extra: 1 },
  ]) {
    t.equal(accountSchema.safeParse({ ...plain, ...change }).success, false, JSON.stringify(change))
  }
})

t.test('first a token, by form, with every credential encoded', async (t) => {
  const { call } = callOf(run([]))
  t.match(call, {
    method: 'POST',
    url: 'https://dps-staging.napas.com.vn/api/oauth/token',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    repeatable: true,
  })
  t.same(Object.fromEntries(new URLSearchParams(call.body)), {
    grant_type: 'password',
    client_id: 'GOVGW',
    client_secret: clientSecret,
    username: 'user01',
    password: 'a&b c+d',
  })
})

t.test('then a data key for just this order, under the token', async (t) => {
  const { call, state } = callOf(run([tokenAnswer], makeAccount({ enable3DSecure: true, apiVersion: '2' })))
  t.match(call, {
    method: 'POST',
    url: 'https://dps-staging.napas.com.vn/api/rest/version/2/merchant/GOVGW/datakey',
    headers: { authorization: 'Bearer tok.en-1' },
  })
  t.same(JSON.parse(call.body ?? ''), {
    apiOperation: 'DATA_KEY',
    order: { id: 'INV202503100001', amount: 150000, currency: 'VND' },
    inputParameters: {
      clientIP: '203.0.113.10',
      deviceId: 'web',
      environment: 'WebApp',
      cardScheme: 'AtmCard',
      enable3DSecure: 'true',
    },
  })
  t.notMatch(JSON.stringify(state), 'tok.en-1')
})

t.test('then the script and its attributes; nothing secret is stored', async (t) => {
  t.same(resultOf(run([tokenAnswer, keyAnswer])), {
    kind: 'form',
    action: 'https://dps-staging.napas.com.vn/api/restjs/resources/js/napas.hostedform.min.js',
    fields: {
      merchantId: 'GOVGW',
      clientIP: '203.0.113.10',
      deviceId: 'web',
      environment: 'WebApp',
      cardScheme: 'AtmCard',
      enable3DSecure: 'false',
      apiOperation: 'PAY',
      orderId: 'INV202503100001',
      orderAmount: '150000',
      orderCurrency: 'VND',
      orderReference: 'Thu phi ho so HS0001',
      channel: '7399',
      sourceOfFundsType: 'CARD',
      dataKey: 'AE52E803',
      napasKey: 'NK01',
      returnUrl: 'https://pay.example.vn/return/napas',
    },
    sent: {},
  })
  const hosted = makeAccount({ formUrl: 'https://pay.example.vn/napas-form', merchantId: 'GOV02' })
  t.match(resultOf(run([tokenAnswer, keyAnswer], hosted)), {
    action: 'https://pay.example.vn/napas-form',
    fields: { merchantId: 'GOV02' },
  })
})

t.test('a refusal ends the attempt; an answer that does not tell leaves it unknown', async (t) => {
  const cases: [readonly HttpAnswer[], StartResult['kind']][] = [
    [[answerOf({ error: 'invalid_grant' }, 401)], 'refused'],
    [[answerOf({ message: 'no' }, 400)], 'refused'],
    [[answerOf({ error: 'x' }, 503)], 'unknown'],
    [[answerOf('<html>', 401)], 'unknown'],
    [[answerOf({ token: 'x' })], 'unknown'],
    [[answerOf({ access_token: 'a\r\nx: y' })], 'unknown'],
    [
      [tokenAnswer, answerOf({ result: 'ERROR', error: { cause: 'INVALID_REQUEST', explanation: 'amount' } }, 400)],
      'refused',
    ],
    [[tokenAnswer, answerOf({ result: 'FAILURE' })], 'refused'],
    [[tokenAnswer, answerOf({ result: 'ERROR' }, 502)], 'unknown'],
    [[tokenAnswer, answerOf({ result: 'SUCCESS', dataKey: 'x' })], 'unknown'],
    [[tokenAnswer, answerOf({ dataKey: 'x', napasKey: 'y' })], 'unknown'],
    [[tokenAnswer, answerOf('{"result":"SUCCESS","result":"ERROR"}')], 'unknown'],
    [[tokenAnswer, answerOf('')], 'unknown'],
  ]
  for (const [answers, kind] of cases) {
    const last = Buffer.from(answers.at(-1)?.body ?? '').toString()
    t.match(resultOf(run(answers)), { kind, sent: {} }, last)
  }
  t.match(resultOf(run([answerOf({ error: 'invalid_grant' }, 401)])), { railCode: 'invalid_grant' })
})

t.test('an amount NAPAS cannot carry is an error', async (t) => {
  for (const amount of [0n, 10_000_000_000n]) {
    t.throws(() => napas.start?.(makeOrder({ amount }), makeAccount(), context), RangeError)
  }
})
