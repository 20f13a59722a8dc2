import { createHmac } from 'node:crypto'
import t, { type Test } from 'tap'
import { ProductCode, VNPay, VnpLocale } from 'vnpay'
import { makeContext } from '../../../src/sandbox/context.ts'
import { startVnpay, type Vnpay, type VnpayOptions } from '../../../src/sandbox/rails/vnpay.ts'
import { barText, hashOf, isSigned, queryText } from '../../../src/sandbox/rails/vnpay-wire.ts'
import { eventually, type HandTimers, handTimers } from '../hand-timers.ts'
import { fakeGateway, type Reply } from '../test-gateway.ts'
import { readVectors } from '../vectors.ts'

type Fields = Record<string, string>
type VnpayVector = {
  id: string
  op: string
  key: { hashSecret: string }
  input: { params?: Fields; rawQuery?: string; body?: Fields } & Record<string, unknown>
  expected: { canonical?: string; vnp_SecureHash?: string; signature?: 'accept' | 'reject' }
}
const { vectors } = readVectors<{ vectors: VnpayVector[] }>('vnpay')

t.test('signed texts and verdicts are those of the vectors', async (t) => {
  for (const { id, op, key, input, expected } of vectors) {
    if (op === 'pay-url') {
      t.equal(queryText(input.params ?? {}), expected.canonical, id)
      t.equal(hashOf(expected.canonical ?? '', key.hashSecret), expected.vnp_SecureHash, id)
    } else if (op === 'ipn') {
      const fields = Object.fromEntries(new URLSearchParams(input.rawQuery))
      t.equal(isSigned(queryText(fields), fields.vnp_SecureHash, key.hashSecret), expected.signature === 'accept', id)
    } else {
      const answers = op.endsWith('response')
      const command = op.startsWith('querydr') ? 'querydr' : 'refund'
      const given = answers ? (input.body ?? {}) : input
      // An unknown transaction number is signed as 0.
      const fields: Fields = {
        vnp_TransactionNo: '0',
        ...Object.fromEntries(Object.entries(given).map(([name, value]) => [name, String(value)])),
      }
      const text = barText(answers ? `${command}Answer` : command, fields)
      t.equal(text, expected.canonical, id)
      if (answers) t.equal(isSigned(text, fields.vnp_SecureHash, key.hashSecret), expected.signature === 'accept', id)
      else t.equal(hashOf(text, key.hashSecret), expected.vnp_SecureHash, id)
    }
  }
  t.equal(vectors.length, 21)
})

const hashSecret = 'SANDBOXTESTSECRET0123456789ABCDE'
const confirmed: Reply = { status: 200, body: '{"RspCode":"00","Message":"Confirm Success"}' }

async function bank(t: Test, over: Partial<VnpayOptions> = {}): Promise<{ vnpay: Vnpay; timers: HandTimers }> {
  const timers = handTimers()
  const vnpay = await startVnpay(makeContext({ timers, clock: timers.clock }), {
    tmnCode: 'SANDBX01',
    hashSecret,
    ...over,
  })
  t.teardown(() => vnpay.close())
  return { vnpay, timers }
}

/** An order as the library `vnpay` writes it. */
function libraryOf(vnpay: Vnpay): VNPay {
  return new VNPay({
    tmnCode: 'SANDBX01',
    secureSecret: hashSecret,
    vnpayHost: vnpay.baseUrl,
    queryDrAndRefundHost: vnpay.baseUrl,
    testMode: false,
  })
}

function order(vnpay: Vnpay, txnRef: string, amount = 150_000): string {
  const url = libraryOf(vnpay).buildPaymentUrl({
    vnp_Amount: amount,
    vnp_IpAddr: '203.0.113.10',
    vnp_TxnRef: txnRef,
    vnp_OrderInfo: 'Thu phi ho so HS0001',
    vnp_OrderType: ProductCode.Other,
    vnp_ReturnUrl: 'http://127.0.0.1:9/return?lang=vi',
    vnp_Locale: VnpLocale.VN,
    vnp_CreateDate: 20261120120000,
    vnp_ExpireDate: 20261120121500,
  })
  return `${vnpay.accountConfig().payUrl}${new URL(url).search}`
}

t.test('an order built by the library is paid, told of, and the library believes notice and return', async (t) => {
  const { vnpay } = await bank(t)
  const gateway = await fakeGateway(t, () => confirmed)
  vnpay.callbackUrl = `${gateway.url}/callbacks/vnpay/a`
  const { transaction, callbackAcks, returnUrl } = await vnpay.pay(order(vnpay, 'A1'), 'success')
  t.match(transaction, { amount: 150_000n, status: '00', responseCode: '00' })
  t.match(callbackAcks, [{ status: 200, asExpected: true, meaning: 'RspCode 00', next: 'stop' }])
  const library = new VNPay({ tmnCode: 'SANDBX01', secureSecret: hashSecret, testMode: true })
  for (const url of [`http://x${gateway.sent[0]?.url}`, returnUrl]) {
    // The library hashes foreign names too; VNPAY's own samples look at the prefix (rails.md §1.2).
    const fields = Object.fromEntries([...new URL(url).searchParams].filter(([name]) => name.startsWith('vnp_')))
    t.match(library.verifyIpnCall(fields as never), {
      isVerified: true,
      isSuccess: true,
      vnp_Amount: 150_000,
      vnp_TxnRef: 'A1',
    })
  }
})

t.test(
  'an order with a wrong signature, field, terminal, repeated name or past expiry gets an error page and no transaction',
  async (t) => {
    const { vnpay, timers } = await bank(t)
    const good = order(vnpay, 'A2')
    const resigned = (change: (fields: URLSearchParams) => void): string => {
      const url = new URL(good)
      change(url.searchParams)
      url.searchParams.delete('vnp_SecureHash')
      const text = queryText(Object.fromEntries(url.searchParams))
      return `${vnpay.accountConfig().payUrl}?${text}&vnp_SecureHash=${hashOf(text, hashSecret)}`
    }
    const bad: [string, string, string][] = [
      ['signature', good.replace('vnp_Amount=15000000', 'vnp_Amount=1500000'), '70'],
      ['repeated', `${good}&vnp_TxnRef=A3`, '03'],
      ['terminal', resigned((fields) => fields.set('vnp_TmnCode', 'SANDBX02')), '02'],
      ['diacritics', resigned((fields) => fields.set('vnp_OrderInfo', 'Lệ phí')), '03'],
      ['amount not ×100', resigned((fields) => fields.set('vnp_Amount', '15000050')), '03'],
      ['currency', resigned((fields) => fields.set('vnp_CurrCode', 'USD')), '03'],
      ['date', resigned((fields) => fields.set('vnp_CreateDate', '20261320120000')), '03'],
    ]
    for (const [name, url, code] of bad) {
      const answer = await fetch(url)
      t.equal(answer.status, 400, name)
      t.match(await answer.text(), `<dd>${code}</dd>`, name)
    }
    t.equal(vnpay.transactions.size, 0)
    timers.advance(15 * 60_000)
    t.match(await (await fetch(good)).text(), '<dd>15</dd>', 'expired')
  },
)

t.test('the pay page works by form alone and sends the browser back with a signed result', async (t) => {
  const { vnpay } = await bank(t)
  const gateway = await fakeGateway(t, () => confirmed)
  vnpay.callbackUrl = gateway.url
  const url = order(vnpay, 'A4')
  const page = await fetch(url)
  const html = await page.text()
  t.equal(page.status, 200)
  t.match(html, '150.000 ₫')
  t.notMatch(html, '<script')
  for (const way of [
    'success',
    'fail',
    'late',
    'duplicate',
    'wrong-amount',
    'tampered',
    'held',
    'pending-then-success',
  ])
    t.match(html, `value="${way}"`)
  const back = await fetch(`${vnpay.baseUrl}/paymentv2/pay`, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ order: new URL(url).search.slice(1), way: 'cancel' }),
  })
  t.equal(back.status, 303)
  const location = back.headers.get('location') ?? ''
  t.equal(
    location,
    `http://127.0.0.1:9/return?lang=vi&${gateway.sent[0]?.url.split('?')[1]}`,
    'the gateway was told first, and of the same',
  )
  const result = Object.fromEntries(new URL(location).searchParams)
  t.match(result, { vnp_ResponseCode: '24', vnp_TransactionNo: '0', vnp_TransactionStatus: '02' })
  t.ok(isSigned(queryText(result), result.vnp_SecureHash, hashSecret))
})

t.test(
  'VNPAY calls ten times five minutes apart until an answer ends it, and keeps every acknowledgement',
  async (t) => {
    const { vnpay, timers } = await bank(t)
    const gateway = await fakeGateway(t, () => ({ status: 200, body: '{"RspCode":"99","Message":"Unknown error"}' }))
    vnpay.callbackUrl = gateway.url
    await vnpay.pay(order(vnpay, 'A5'), 'success')
    for (let call = 2; call <= 10; call++) {
      t.same(timers.due(), [300_000])
      timers.advance(300_000)
      await eventually(() => vnpay.callbacks[0]?.acknowledgements.length === call)
    }
    t.equal(gateway.sent.length, 10)
    t.same(timers.due(), [])
    t.match(vnpay.callbacks[0], { state: 'given up' })
    t.equal(vnpay.callbacks[0]?.acknowledgements.at(-1)?.next, 'give up')
  },
)

t.test('an acknowledgement counts only byte for byte, and only as the answer to what was sent', async (t) => {
  const { vnpay } = await bank(t, { retryDelaysMs: [] })
  const answers: [Reply, string, boolean][] = [
    [confirmed, '', true],
    [{ status: 200, body: '{"RspCode":"00", "Message":"Confirm Success"}' }, 'a space', false],
    [{ status: 200, body: '{"RspCode":"00","Message":"OK"}' }, 'another message', false],
    [{ status: 201, body: confirmed.body }, 'another status', false],
    [{ ...confirmed, contentType: 'text/html' }, 'another type', false],
    [{ status: 200, body: '{"RspCode":"97","Message":"Invalid signature"}' }, 'refuses a genuine notice', false],
  ]
  const gateway = await fakeGateway(t, (_sent, count) => answers[count - 1]?.[0] ?? confirmed)
  vnpay.callbackUrl = gateway.url
  for (const [index, [, name, expected]] of answers.entries()) {
    const { callbackAcks } = await vnpay.pay(order(vnpay, `B${index}`), 'success')
    t.equal(callbackAcks[0]?.asExpected, expected, name)
  }
})

t.test('forged, differing, repeated, late and pending notices are what their names say', async (t) => {
  const { vnpay, timers } = await bank(t)
  const gateway = await fakeGateway(t, () => confirmed)
  vnpay.callbackUrl = gateway.url
  const sent = (): Fields[] =>
    gateway.sent.splice(0).map(({ url }) => Object.fromEntries(new URL(`http://x${url}`).searchParams))
  const genuine = (fields: Fields): boolean => isSigned(queryText(fields), fields.vnp_SecureHash, hashSecret)

  const forged = await vnpay.pay(order(vnpay, 'C1'), 'tampered')
  t.same(sent().map(genuine), [false])
  t.match(
    forged,
    { transaction: { status: '01' }, callbackAcks: [{ asExpected: false }] },
    'a forged notice must be refused with 97',
  )
  await vnpay.pay(order(vnpay, 'C2'), 'wrong-amount')
  t.match(sent(), [{ vnp_Amount: '15100000' }])
  await vnpay.pay(order(vnpay, 'C3'), 'duplicate')
  const twice = sent()
  t.equal(twice.length, 2)
  t.same(twice[0], twice[1])
  t.same((await vnpay.pay(order(vnpay, 'C4'), 'late')).callbackAcks, [])
  timers.advance(20 * 60_000)
  await eventually(() => gateway.sent.length === 1)
  t.match(sent(), [{ vnp_TxnRef: 'C4', vnp_PayDate: '20261120120000' }])
})

t.test('pending then paid comes in this order, and the other way round when told to', async (t) => {
  const { vnpay } = await bank(t)
  const gateway = await fakeGateway(t, () => confirmed)
  vnpay.callbackUrl = gateway.url
  const statuses = (): (string | null)[] =>
    gateway.sent.splice(0).map(({ url }) => new URL(`http://x${url}`).searchParams.get('vnp_TransactionStatus'))
  await vnpay.pay(order(vnpay, 'D1'), 'pending-then-success')
  t.same(statuses(), ['01', '00'])
  vnpay.behaviour.misbehave({ outOfOrder: true })
  await vnpay.pay(order(vnpay, 'D2'), 'pending-then-success')
  t.same(statuses(), ['00', '01'])
})

t.test('inquiry and refund check the library’s signature and answer signed', async (t) => {
  const { vnpay, timers } = await bank(t, { refundMs: 1_000 })
  vnpay.callbackUrl = (await fakeGateway(t, () => confirmed)).url
  const { transaction } = await vnpay.pay(order(vnpay, 'E1'), 'success')
  let requests = 0
  const ask = async (command: 'querydr' | 'refund', over: Fields = {}): Promise<Fields> => {
    const fields: Fields = {
      vnp_RequestId: `R${++requests}`,
      vnp_Version: '2.1.0',
      vnp_Command: command,
      vnp_TmnCode: 'SANDBX01',
      vnp_TxnRef: 'E1',
      vnp_TransactionDate: '20261120120000',
      vnp_CreateDate: '20261120120500',
      vnp_IpAddr: '198.51.100.7',
      vnp_OrderInfo: 'hoi E1',
      ...(command === 'refund'
        ? { vnp_TransactionType: '03', vnp_Amount: '5000000', vnp_TransactionNo: '0', vnp_CreateBy: 'ketoan01' }
        : {}),
      ...over,
    }
    const answer = await fetch(vnpay.accountConfig().apiUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ vnp_SecureHash: hashOf(barText(command, fields), hashSecret), ...fields, ...over }),
    })
    const body = (await answer.json()) as Fields
    t.ok(isSigned(barText(`${command}Answer`, body), body.vnp_SecureHash, hashSecret), `${command} is answered signed`)
    return body
  }
  t.match(await ask('querydr'), {
    vnp_ResponseCode: '00',
    vnp_TransactionStatus: '00',
    vnp_Amount: '15000000',
    vnp_TransactionNo: transaction.transactionNo,
  })
  t.match(await ask('querydr', { vnp_TransactionDate: '20261120120001' }), { vnp_ResponseCode: '91' })
  t.match(await ask('querydr', { vnp_RequestId: 'R1' }), { vnp_ResponseCode: '94' })
  t.match(await ask('querydr', { vnp_SecureHash: '0'.repeat(128) }), { vnp_ResponseCode: '97' })
  t.match(await ask('refund', { vnp_Amount: '15000100' }), { vnp_ResponseCode: '03' }, 'more than was paid')
  t.match(await ask('refund'), { vnp_ResponseCode: '00', vnp_TransactionType: '03', vnp_TransactionStatus: '05' })
  t.match(await ask('refund'), { vnp_ResponseCode: '94' }, 'the first is still in process')
  timers.advance(1_000)
  t.match(await ask('querydr'), { vnp_TransactionType: '03', vnp_TransactionStatus: '00', vnp_Amount: '5000000' })
  vnpay.behaviour.misbehave({ answer500: true })
  t.equal((await fetch(vnpay.accountConfig().apiUrl, { method: 'POST' })).status, 500)
  vnpay.behaviour.misbehave({ answer500: false, timeoutAfterEffect: true })
  await t.rejects(
    fetch(`${vnpay.accountConfig().apiUrl}`, { method: 'POST', body: '{}', signal: AbortSignal.timeout(100) }),
    'never answers',
  )
})

t.test('a query is answered with the truth, signed as another implementation verifies it', async (t) => {
  const { vnpay } = await bank(t)
  const { transaction } = await vnpay.pay(order(vnpay, 'F1'), 'success')
  const answer = await libraryOf(vnpay).queryDr({
    vnp_RequestId: 'Q1',
    vnp_IpAddr: '198.51.100.7',
    vnp_TxnRef: 'F1',
    vnp_TransactionNo: Number(transaction.transactionNo),
    vnp_OrderInfo: 'Truy van F1',
    vnp_TransactionDate: 20261120120000,
    vnp_CreateDate: 20261120120000,
  })
  t.match(answer, { isVerified: true, vnp_ResponseCode: '00', vnp_TransactionStatus: '00' })
})

t.test(
  'a refund is refused under a foreign signature or a used request id, and never exceeds the payment',
  async (t) => {
    const { vnpay, timers } = await bank(t)
    const { transaction } = await vnpay.pay(order(vnpay, 'G1'), 'success')
    const date = '20261120120000'
    const names = [
      'RequestId Version Command TmnCode TransactionType TxnRef Amount',
      'TransactionNo TransactionDate CreateBy CreateDate IpAddr OrderInfo',
    ]
    const refund = async (requestId: string, dong: number, secret = hashSecret): Promise<unknown> => {
      const values = [
        ...[requestId, '2.1.0', 'refund', 'SANDBX01', '03', 'G1', String(dong * 100), transaction.transactionNo],
        ...[date, 'ketoan01', date, '198.51.100.7', 'Hoan phi'],
      ]
      const fields = names
        .join(' ')
        .split(' ')
        .map((name, index) => [`vnp_${name}`, values[index]])
      const hash = createHmac('sha512', secret).update(values.join('|')).digest('hex')
      const answer = await fetch(vnpay.accountConfig().apiUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...Object.fromEntries(fields), vnp_SecureHash: hash }),
      })
      timers.advance(60_000)
      return Object(await answer.json()).vnp_ResponseCode
    }
    t.equal(await refund('R1', 100_000, 'another secret'), '97')
    t.equal(await refund('R1', 100_000), '00')
    t.equal(await refund('R1', 10_000), '94')
    t.equal(await refund('R2', 60_000), '03', 'more than is left')
    t.equal(await refund('R3', 50_000), '00')
    t.equal(await refund('R4', 1), '03', 'nothing is left')
  },
)
