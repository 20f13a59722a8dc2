import t, { type Test } from 'tap'
import { QRPay } from 'vietnam-qr-pay'
import { makeContext } from '../../../src/sandbox/context.ts'
import { type SepayAuth, sepayHeaders, sepaySource } from '../../../src/sandbox/rails/credit-sepay.ts'
import { startVietqr, type Vietqr, type VietqrOptions } from '../../../src/sandbox/rails/vietqr.ts'
import { crc, readVietQr } from '../../../src/sandbox/rails/vietqr-text.ts'
import { eventually, type HandTimers, handTimers } from '../hand-timers.ts'
import { fakeGateway, type Reply } from '../test-gateway.ts'
import { readVectors } from '../vectors.ts'

type SepayVector = {
  id: string
  key: { hmacSecret: string; apiKey: string; authMode: string }
  input: { rawBody: string; headers: Record<string, string> }
  expected: { signature: string }
}

t.test('headers of notices are those of the vectors', async (t) => {
  for (const { id, key, input, expected } of readVectors<{ vectors: SepayVector[] }>('sepay').vectors) {
    const at = new Date(Number(input.headers['x-sepay-timestamp'] ?? 0) * 1000)
    const auth =
      key.authMode === 'hmac'
        ? ({ mode: 'hmac', secret: key.hmacSecret } as const)
        : ({ mode: 'apikey', apiKey: key.apiKey } as const)
    const made = sepayHeaders(input.rawBody, auth, at)
    // A stale notice is signed well all the same.
    const isMade = expected.signature === 'accept' || key.authMode === 'hmac'
    if (isMade) t.same(made, input.headers, id)
    else t.notSame(made, input.headers, id)
  }
})

type QrVector = { id: string; op: string; expected: Record<string, unknown> }

t.test('texts of the vectors are read as the library reads them', async (t) => {
  t.equal(crc('123456789'), '29B1')
  const texts =
    JSON.stringify(readVectors<{ vectors: QrVector[] }>('vietqr')).match(/00020101[^"\\]*?6304[0-9A-F]{4}/g) ?? []
  t.ok(texts.length > 5, 'the vectors hold texts')
  for (const text of texts) {
    const library = new QRPay(text)
    if (!library.isValid || library.consumer.bankNumber === undefined || library.provider.guid !== 'A000000727') {
      t.throws(() => readVietQr(text), text)
      continue
    }
    const read = readVietQr(text)
    t.equal(read.bankBin, library.consumer.bankBin, text)
    t.equal(read.accountNumber, library.consumer.bankNumber, text)
    t.equal(read.amount?.toString(), library.amount || undefined, text)
    t.equal(read.purpose, library.additionalData.purpose ?? '', text)
  }
})

const success: Reply = { status: 200, body: '{"success":true}' }
const auth: SepayAuth = { mode: 'hmac', secret: 'secret-of-the-sandbox' }
const options: VietqrOptions = { accountNumber: '90000000001', source: sepaySource(auth) }

async function bank(t: Test, over: Partial<VietqrOptions> = {}): Promise<{ vietqr: Vietqr; timers: HandTimers }> {
  const timers = handTimers()
  const vietqr = await startVietqr(makeContext({ timers, clock: timers.clock }), { ...options, ...over })
  t.teardown(() => vietqr.close())
  return { vietqr, timers }
}

function qrOf(amount: string, purpose = 'A2345678BCDE', bankNumber = options.accountNumber): string {
  return QRPay.initVietQR({ bankBin: '970422', bankNumber, amount, purpose }).build()
}

t.test('a payer scans and transfers, and the notice tells of exactly that', async (t) => {
  const { vietqr } = await bank(t)
  const gateway = await fakeGateway(t, () => success)
  vietqr.callbackUrl = `${gateway.url}/callbacks/vietqr/a`
  const { transaction, callbackAcks } = await vietqr.pay(qrOf('150000'), 'success')
  t.match(callbackAcks, [{ asExpected: true, next: 'stop' }])
  const [sent] = gateway.sent
  t.match(JSON.parse(sent?.body ?? ''), {
    id: transaction?.id,
    referenceCode: transaction?.reference,
    accountNumber: options.accountNumber,
    transferAmount: 150_000,
    content: 'A2345678BCDE',
    code: 'A2345678BCDE',
    transferType: 'in',
    transactionDate: '2026-11-20 12:00:00',
  })
  const at = new Date(Number(sent?.headers['x-sepay-timestamp']) * 1000)
  t.match(sent?.headers, sepayHeaders(sent?.body ?? '', auth, at))
})

t.test('a code with another checksum, bank, account or an amount above the limit is not paid', async (t) => {
  const { vietqr } = await bank(t)
  for (const [name, qr] of [
    ['checksum', qrOf('150000').replace('150000', '150001')],
    ['account', qrOf('150000', 'A', '90000000002')],
    ['limit', qrOf('500000000')],
    ['no code', 'https://pay.example'],
  ] as const) {
    await t.rejects(vietqr.pay(qr, 'success'), { code: 'UNREADABLE_QR' }, name)
  }
  t.equal(vietqr.transactions.length, 0)
})

t.test('SePay repeats after 1, 1, 2, 3, 5, 8 and 13 minutes, signs each time anew, and stops at any 2xx', async (t) => {
  const { vietqr, timers } = await bank(t)
  const gateway = await fakeGateway(t, () => ({ status: 503, body: '{"success":false}' }))
  vietqr.callbackUrl = gateway.url
  await vietqr.pay(qrOf('150000'), 'success')
  for (const [index, minutes] of [1, 1, 2, 3, 5, 8, 13].entries()) {
    t.same(timers.due(), [minutes * 60_000])
    timers.advance(minutes * 60_000)
    await eventually(() => vietqr.callbacks[0]?.acknowledgements.length === index + 2)
  }
  t.match(vietqr.callbacks[0], { state: 'given up' })
  t.equal(new Set(gateway.sent.map(({ headers }) => headers['x-sepay-signature'])).size, 8)
  t.equal(new Set(gateway.sent.map(({ body }) => body)).size, 1)
})

t.test('what payers and forgers do: other amount, no text, declined, forged, late, twice, money out', async (t) => {
  const { vietqr, timers } = await bank(t)
  const gateway = await fakeGateway(t, ({ headers }) =>
    headers['x-sepay-signature'] === undefined ? { status: 401, body: '{"success":false}' } : success,
  )
  vietqr.callbackUrl = gateway.url
  const bodies = (): Record<string, unknown>[] => gateway.sent.splice(0).map(({ body }) => JSON.parse(body))
  await vietqr.pay(qrOf('150000'), 'wrong-amount')
  t.match(bodies(), [{ transferAmount: 151_000 }])
  await vietqr.pay(qrOf('150000'), 'success', { amount: 100_000n, content: 'nop A2345678BCDE tu vi' })
  t.match(bodies(), [{ transferAmount: 100_000, content: 'nop A2345678BCDE tu vi', code: 'A2345678BCDE' }])
  await vietqr.pay(qrOf('150000'), 'edited-text')
  t.match(bodies(), [{ code: null }])
  t.same(await vietqr.pay(qrOf('150000'), 'fail'), { transaction: null, callbackAcks: [] })
  t.same(bodies(), [])
  const before = vietqr.transactions.length
  const forged = await vietqr.pay(qrOf('150000'), 'tampered')
  t.match(forged, { transaction: null, callbackAcks: [{ asExpected: false }] }, 'a forged notice must meet 401')
  t.equal(vietqr.transactions.length, before, 'no money moved')
  bodies()
  await vietqr.pay(qrOf('150000'), 'late')
  t.equal(gateway.sent.length, 0)
  timers.advance(20 * 60_000)
  await eventually(() => gateway.sent.length === 1)
  bodies()
  await vietqr.pay(qrOf('150000'), 'duplicate')
  const [first, second] = bodies()
  t.same(first, second)
  await vietqr.move({ transferType: 'out', amount: 5_000n, content: 'chi' })
  t.match(bodies(), [{ transferType: 'out', transferAmount: 5_000 }])
})

t.test('the bank app works by forms alone', async (t) => {
  const { vietqr } = await bank(t)
  vietqr.callbackUrl = (await fakeGateway(t, () => success)).url
  const post = async (path: string, form: Record<string, string>): Promise<string> =>
    (await fetch(`${vietqr.baseUrl}${path}`, { method: 'POST', body: new URLSearchParams(form) })).text()
  t.match(await (await fetch(`${vietqr.baseUrl}/app`)).text(), '<textarea name="qr"')
  t.match(await post('/app/scan', { qr: '<b>' }), 'This transfer cannot be made')
  const account = options.accountNumber
  t.match(await post('/app/scan', { qr: qrOf('150000') }), 'value="150000"')
  t.match(
    await post('/app/transfer', { account, amount: '150000', content: 'A2345678BCDE', way: 'success' }),
    '150.000 ₫',
  )
  t.match(vietqr.transactions, [{ amount: 150_000n, content: 'A2345678BCDE' }])
})

t.test('an order typed by hand is paid like a scanned one; an account nobody keeps is refused', async (t) => {
  const { vietqr } = await bank(t)
  const type = (account: string, amount: string): Promise<Response> =>
    fetch(`${vietqr.baseUrl}/app/type`, {
      method: 'POST',
      body: new URLSearchParams({ account, amount, content: 'A2345678BCDE' }),
    })
  t.match(await (await type(options.accountNumber, '150000')).text(), 'value="A2345678BCDE"')
  t.equal((await type('90000000009', '150000')).status, 400)
  t.equal((await type(options.accountNumber, '1.5')).status, 400)
})

t.test('the app hands an order for another bank on to that bank', async (t) => {
  const { vietqr } = await bank(t)
  const other = (await bank(t, { accountNumber: '90000000002' })).vietqr
  vietqr.neighbours = new Map([[other.accountNumber, other.baseUrl]])
  const qr = qrOf('150000', 'A2345678BCDE', '90000000002')
  const page = await fetch(`${vietqr.baseUrl}/app/scan`, { method: 'POST', body: new URLSearchParams({ qr }) })
  t.equal(new URL(page.url).origin, other.baseUrl)
  t.match(await page.text(), '90000000002')
})

t.test('a changed notice keeps the signature of the true one; with an API key the forger has none', async (t) => {
  const gateway = await fakeGateway(t, () => ({ status: 401, body: '{"success":false}' }))
  for (const mode of ['hmac', 'apikey'] as const) {
    const how: SepayAuth = mode === 'hmac' ? auth : { mode, apiKey: 'key-of-the-sandbox' }
    const { vietqr } = await bank(t, { source: sepaySource(how) })
    vietqr.callbackUrl = gateway.url
    t.match((await vietqr.pay(qrOf('150000'), 'tampered')).callbackAcks, [{ asExpected: true, next: 'give up' }])
    const [sent] = gateway.sent.splice(0)
    const at = new Date(Number(sent?.headers['x-sepay-timestamp'] ?? 0) * 1000)
    t.match(JSON.parse(sent?.body ?? ''), { transferAmount: 150_001 })
    const made = sepayHeaders(sent?.body ?? '', how, at)
    if (mode === 'hmac') t.not(sent?.headers['x-sepay-signature'], made['x-sepay-signature'])
    else t.not(sent?.headers.authorization, made.authorization)
  }
})
