import t, { type Test } from 'tap'
import { makeContext } from '../../../src/sandbox/context.ts'
import { type Onepay, startOnepay } from '../../../src/sandbox/rails/onepay.ts'
import { confirmed, hashOf, isSigned, refused, signedText } from '../../../src/sandbox/rails/onepay-wire.ts'
import { eventually, type HandTimers, handTimers } from '../hand-timers.ts'
import { fakeGateway } from '../test-gateway.ts'
import { readVectors } from '../vectors.ts'

type Fields = Record<string, string>
type OnepayVector = {
  id: string
  op: string
  key: { hashKeyHex: string }
  input: { params?: Fields; query?: Fields }
  expected: { canonical?: string; vpc_SecureHash?: string; signature?: string }
}

t.test('signed texts and verdicts are those of the vectors', async (t) => {
  const { vectors } = readVectors<{ vectors: OnepayVector[] }>('onepay')
  t.equal(vectors.length, 6)
  for (const { id, op, key, input, expected } of vectors) {
    if (op === 'pay-url') {
      t.equal(signedText(input.params ?? {}), expected.canonical, id)
      t.equal(hashOf(expected.canonical ?? '', key.hashKeyHex), expected.vpc_SecureHash, id)
    } else t.equal(isSigned(input.query ?? {}, key.hashKeyHex), expected.signature === 'accept', id)
  }
})

const hashKeyHex = 'A1B2C3D4E5F60718293A4B5C6D7E8F90'
const merchant = { merchant: 'SANDBOX', accessCode: 'AC000001', hashKeyHex, user: 'op01', password: 'op123456' }

async function bank(t: Test): Promise<{ onepay: Onepay; timers: HandTimers }> {
  const timers = handTimers()
  const onepay = await startOnepay(makeContext({ timers, clock: timers.clock }), merchant)
  t.teardown(() => onepay.close())
  return { onepay, timers }
}

function signedQuery(fields: Fields): string {
  return new URLSearchParams({ ...fields, vpc_SecureHash: hashOf(signedText(fields), hashKeyHex) }).toString()
}

function order(onepay: Onepay, ref: string, over: Fields = {}): string {
  const fields = {
    ...{ vpc_Version: '2', vpc_Command: 'pay', vpc_Merchant: 'SANDBOX', vpc_AccessCode: 'AC000001' },
    ...{ vpc_MerchTxnRef: ref, vpc_OrderInfo: 'HS0001', vpc_Amount: '15000000', vpc_Currency: 'VND', vpc_Locale: 'vn' },
    ...{ vpc_ReturnURL: 'http://127.0.0.1:9/return', vpc_TicketNo: '203.0.113.10', ...over },
  }
  return `${onepay.accountConfig().payUrl}?${signedQuery(fields)}`
}

t.test('each way is told of as its name says, and OnePay knows which answer it must get', async (t) => {
  const { onepay, timers } = await bank(t)
  const gateway = await fakeGateway(t, () => ({ status: 200, body: confirmed, contentType: 'text/plain' }))
  onepay.callbackUrl = gateway.url
  const told = (): Fields[] =>
    gateway.sent.splice(0).map(({ url }) => Object.fromEntries(new URL(`http://x${url}`).searchParams))
  for (const [way, notices, asExpected] of [
    ['success', [{ vpc_TxnResponseCode: '0', vpc_Amount: '15000000' }], true],
    ['fail', [{ vpc_TxnResponseCode: '21' }], true],
    ['cancel', [{ vpc_TxnResponseCode: '99', vpc_TransactionNo: '0' }], true],
    ['duplicate', [{ vpc_TxnResponseCode: '0' }, { vpc_TxnResponseCode: '0' }], true],
    ['pending-then-success', [{ vpc_TxnResponseCode: '300' }, { vpc_TxnResponseCode: '0' }], true],
    ['wrong-amount', [{ vpc_Amount: '15100000' }], false],
    ['tampered', [{ vpc_TxnResponseCode: '0' }], false],
  ] as const) {
    const { callbackAcks, returnUrl } = await onepay.pay(order(onepay, way), way)
    const sent = told()
    t.match(sent, notices, way)
    t.equal(sent.length, notices.length, way)
    t.ok(
      sent.every((fields) => isSigned(fields, hashKeyHex) === (way !== 'tampered')),
      way,
    )
    t.ok(
      callbackAcks.every((ack) => ack.asExpected === asExpected),
      way,
    )
    t.equal(isSigned(Object.fromEntries(new URL(returnUrl).searchParams), hashKeyHex), way !== 'tampered', way)
  }
  await onepay.pay(order(onepay, 'late'), 'late')
  t.same(told(), [])
  timers.advance(20 * 60_000)
  await eventually(() => gateway.sent.length === 1)
})

t.test('OnePay calls again after confirm-fail', async (t) => {
  const { onepay, timers } = await bank(t)
  const gateway = await fakeGateway(t, (_sent, count) => ({
    status: 200,
    body: count === 1 ? refused : confirmed,
    contentType: 'text/plain',
  }))
  onepay.callbackUrl = gateway.url
  t.match((await onepay.pay(order(onepay, 'A1'), 'success')).callbackAcks, [{ asExpected: false, next: 'call again' }])
  timers.advance(60_000)
  await eventually(() => onepay.callbacks[0]?.state === 'acknowledged')
})

t.test('a wrong order gets an error page and no transaction; the page works by form alone', async (t) => {
  const { onepay } = await bank(t)
  onepay.callbackUrl = (await fakeGateway(t, () => ({ status: 200, body: confirmed, contentType: 'text/plain' }))).url
  for (const url of [
    order(onepay, 'B1').replace('vpc_Amount=15000000', 'vpc_Amount=100'),
    `${order(onepay, 'B1')}&vpc_Amount=100`,
    order(onepay, 'B1', { vpc_Merchant: 'OTHER' }),
    order(onepay, 'B1', { vpc_Amount: '15000050' }),
    order(onepay, 'B1', { vpc_OrderInfo: 'a&b=c' }),
  ])
    t.equal((await fetch(url)).status, 400)
  t.equal(onepay.transactions.size, 0)
  const url = order(onepay, 'B2')
  t.match(await (await fetch(url)).text(), '150.000 ₫')
  const back = await fetch(`${onepay.baseUrl}/paygate/pay`, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ order: new URL(url).search.slice(1), way: 'success' }),
  })
  t.match([back.status, back.headers.get('location')], [303, 'vpc_TxnResponseCode=0'])
})

t.test('queryDR answers signed, and only to whoever proves to be the merchant', async (t) => {
  const { onepay } = await bank(t)
  await onepay.pay(order(onepay, 'C1'), 'success')
  const ask = async (over: Fields = {}): Promise<Fields> => {
    const query = signedQuery({
      ...{ vpc_Command: 'queryDR', vpc_Version: '2', vpc_MerchTxnRef: 'C1', vpc_Merchant: 'SANDBOX' },
      ...{ vpc_AccessCode: 'AC000001', vpc_User: 'op01', vpc_Password: 'op123456', ...over },
    })
    const answer = Object.fromEntries(
      new URLSearchParams(await (await fetch(`${onepay.accountConfig().queryUrl}?${query}`)).text()),
    )
    t.ok(isSigned(answer, hashKeyHex))
    return answer
  }
  t.match(await ask(), { vpc_DRExists: 'Y', vpc_TxnResponseCode: '0', vpc_Amount: '15000000' })
  t.match(await ask({ vpc_MerchTxnRef: 'C2' }), { vpc_DRExists: 'N' })
  t.match(await ask({ vpc_Password: 'x' }), { vpc_DRExists: 'N', vpc_TxnResponseCode: '7' })
})

t.test(
  'a refund is made once under its own reference, never exceeds the payment, and is asked about like a payment',
  async (t) => {
    const { onepay, timers } = await bank(t)
    await onepay.pay(order(onepay, 'D1'), 'success')
    await onepay.pay(order(onepay, 'D2'), 'fail')
    const post = async (url: string, fields: Fields): Promise<Fields> => {
      const answer = await fetch(url, { method: 'POST', body: signedQuery({ ...fields, vpc_Merchant: 'SANDBOX' }) })
      const read = Object.fromEntries(new URLSearchParams(await answer.text()))
      t.ok(isSigned(read, hashKeyHex))
      return read
    }
    const { refundUrl, queryUrl } = onepay.accountConfig()
    const common = { vpc_Version: '2', vpc_AccessCode: 'AC000001' }
    const refund = (ref: string, dong: number, over: Fields = {}): Promise<Fields> =>
      post(refundUrl, {
        ...{ ...common, vpc_Command: 'refund', vpc_MerchTxnRef: ref, vpc_OrgMerchTxnRef: 'D1' },
        ...{ vpc_Amount: String(dong * 100), vpc_Operator: 'ketoan01', ...over },
      })
    const query = (ref: string): Promise<Fields> =>
      post(queryUrl, {
        ...{ ...common, vpc_Command: 'queryDR', vpc_MerchTxnRef: ref, vpc_User: 'op01', vpc_Password: 'op123456' },
      })
    t.match(await refund('R0', 50_000, { vpc_AccessCode: 'OTHER' }), { vpc_TxnResponseCode: '4' })
    t.match(await refund('R0', 50_000, { vpc_Operator: '' }), { vpc_TxnResponseCode: '3' })
    t.match(await refund('R0', 50_000, { vpc_OrgMerchTxnRef: 'D2' }), { vpc_TxnResponseCode: '1' }, 'it was never paid')
    t.match(await query('R0'), { vpc_DRExists: 'N' })
    const given = await refund('R1', 50_000)
    t.match(given, { vpc_TxnResponseCode: '300', vpc_Amount: '5000000', vpc_OrgMerchTxnRef: 'D1' })
    t.same(await refund('R1', 50_000), given, 'the same refund again')
    t.match(await refund('R1', 60_000), { vpc_TxnResponseCode: '3' }, 'another one under its reference')
    t.match(await refund('R2', 100_001), { vpc_TxnResponseCode: '5' })
    t.match(await query('R1'), { vpc_DRExists: 'Y', vpc_TxnResponseCode: '300' })
    timers.advance(30_000)
    t.match(await query('R1'), { vpc_DRExists: 'Y', vpc_TxnResponseCode: '0' })
    t.match(await query('D1'), { vpc_Command: 'pay', vpc_Amount: '15000000' }, 'the payment stays what it was')
    t.equal(onepay.refunds.size, 1)
  },
)
