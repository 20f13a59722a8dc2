import { createHmac } from 'node:crypto'
import t, { type Test } from 'tap'
import { QRPay } from 'vietnam-qr-pay'
import { makeContext } from '../../../src/sandbox/context.ts'
import type { CreditSource } from '../../../src/sandbox/rails/credit-source.ts'
import {
  basicHeader,
  syncPath,
  syncText,
  tokenPath,
  vietqrvnHmacSource,
  vietqrvnSource,
} from '../../../src/sandbox/rails/credit-vietqrvn.ts'
import { startVietqr, type Vietqr } from '../../../src/sandbox/rails/vietqr.ts'
import { type HandTimers, handTimers } from '../hand-timers.ts'
import { fakeGateway, type Reply, type Sent } from '../test-gateway.ts'
import { readVectors } from '../vectors.ts'

type Vector = {
  id: string
  op: string
  key: { username: string; password: string; secret: string }
  input: { authorization: string; body: Record<string, string> }
  expected: { verdict?: string; canonical: string; signature?: string }
}

t.test('headers, signed texts and signatures are those of the vectors', async (t) => {
  const { vectors } = readVectors<{ vectors: Vector[] }>('vietqrvn')
  for (const { id, op, key, input, expected } of vectors) {
    if (op === 'token_generate') {
      t.equal(basicHeader(key) === input.authorization, expected.verdict === 'accept', id)
      continue
    }
    const { transactionId = '', amount = '', transactionTime = '', orderId = '', signature } = input.body
    const text = syncText(transactionId, amount, transactionTime, orderId)
    t.equal(text, expected.canonical, id)
    const mac = createHmac('sha256', key.secret).update(text).digest('hex')
    t.equal(mac === signature, expected.signature === 'accept', id)
  }
  t.equal(vectors.length, 5)
})

const accountNumber = '930000000001'
const qr = QRPay.initVietQR({ bankBin: '970422', bankNumber: accountNumber, amount: '150000', purpose: 'A2345678BCDE' })
const credentials = { username: 'caller', password: 'pass:word', tokenSecret: 'x'.repeat(32) }

type Bank = { vietqr: Vietqr; timers: HandTimers; sent: Sent[] }

async function bank(t: Test, source: CreditSource, answer: (sent: Sent) => Reply): Promise<Bank> {
  const timers = handTimers()
  const vietqr = await startVietqr(makeContext({ timers, clock: timers.clock }), { accountNumber, source })
  t.teardown(() => vietqr.close())
  const gateway = await fakeGateway(t, answer)
  vietqr.callbackUrl = `${gateway.url}/base`
  return { vietqr, timers, sent: gateway.sent }
}

function token(text: string, seconds = 300): Reply {
  return { status: 200, body: JSON.stringify({ access_token: text, token_type: 'Bearer', expires_in: seconds }) }
}

function taken({ body }: Sent): Reply {
  const object = { reftransactionid: JSON.parse(body).referencenumber }
  return { status: 200, body: JSON.stringify({ error: false, errorReason: '000', toastMessage: '', object }) }
}

t.test('a token is fetched by name and password, used while it lives, and fetched again after a refusal', async (t) => {
  let refuse = false
  const { vietqr, timers, sent } = await bank(t, vietqrvnSource(credentials), (one) =>
    one.url.endsWith(tokenPath)
      ? token('token-1')
      : refuse
        ? { status: 400, body: '{"error":true,"errorReason":"E74","toastMessage":"Invalid token","object":null}' }
        : taken(one),
  )
  const pay = async (): Promise<unknown> => (await vietqr.pay(qr.build(), 'success')).callbackAcks
  const paths = (): string[] => sent.splice(0).map(({ url }) => url.replace('/base', ''))
  t.match(await pay(), [{ asExpected: true, next: 'stop', meaning: 'HTTP 200, errorReason 000' }])
  const [asked, told] = sent
  t.equal(asked?.headers.authorization, `Basic ${Buffer.from('caller:pass:word').toString('base64')}`)
  t.equal(told?.headers.authorization, 'Bearer token-1')
  t.match(JSON.parse(told?.body ?? ''), {
    ...{ bankaccount: accountNumber, amount: 150_000, transType: 'C', content: 'A2345678BCDE' },
    ...{ orderId: 'A2345678BCDE', transactiontime: '2026-11-20 12:00:00' },
  })
  t.same(paths(), [tokenPath, syncPath])
  await pay()
  t.same(paths(), [syncPath], 'the token still lives')
  timers.advance(300_000)
  await pay()
  t.same(paths(), [tokenPath, syncPath], 'its time was over')
  refuse = true
  t.match(await pay(), [{ asExpected: false, next: 'call again', meaning: 'HTTP 400, errorReason E74' }])
  refuse = false
  paths()
  await vietqr.notifier.retryNow()
  t.same(paths(), [tokenPath, syncPath])
  t.match(vietqr.callbacks.at(-1), { state: 'acknowledged' })
})

t.test('without a token nothing is told, and the reason is kept', async (t) => {
  const { vietqr, sent } = await bank(t, vietqrvnSource(credentials), () => ({
    status: 401,
    body: '{"status":"FAILED","message":"E74"}',
  }))
  t.match((await vietqr.pay(qr.build(), 'success')).callbackAcks, [{ status: null, meaning: /no token: HTTP 401/ }])
  t.equal(sent.length, 1)
})

t.test(
  'HMAC mode signs id, padded amount, time and order id, brings no token, and its forgery is another amount',
  async (t) => {
    const secret = 'secret-of-the-sandbox'
    const { vietqr, sent } = await bank(t, vietqrvnHmacSource(secret), () => ({
      status: 200,
      body: '{"error":false,"errorReason":"000","toastMessage":"","messageError":""}',
    }))
    const genuine = (): boolean => {
      const { transactionId, amount, transactionTime, orderId, signature } = JSON.parse(sent.at(-1)?.body ?? '')
      const text = `${transactionId}${String(amount).padStart(10, '0')}${transactionTime}${orderId}`
      return createHmac('sha256', secret).update(text).digest('hex') === signature
    }
    t.match((await vietqr.pay(qr.build(), 'success')).callbackAcks, [{ asExpected: true, next: 'stop' }])
    t.equal(sent[0]?.headers.authorization, undefined)
    t.ok(genuine())
    t.match((await vietqr.pay(qr.build(), 'tampered')).callbackAcks, [{ asExpected: false }], 'it must be refused')
    t.notOk(genuine())
    t.match(JSON.parse(sent.at(-1)?.body ?? ''), { amount: '150001' })
  },
)
