import { createHmac } from 'node:crypto'
import t, { type Test } from 'tap'
import { ProductCode, VNPay, VnpLocale } from 'vnpay'
import { z } from 'zod'
import { startVnpay, type VnpaySandbox } from '../../../src/sandbox/partners/vnpay.ts'
import { type Arrived, listenAsGateway, options } from './gateway.ts'

const confirmed = '{"RspCode":"00","Message":"Confirm Success"}'

/** A merchant that is not ours: the npm library. */
async function start(
  t: Test,
  answer = confirmed,
): Promise<{ vnpay: VnpaySandbox; library: VNPay; arrived: Arrived[] }> {
  const vnpay = await startVnpay(options)
  t.teardown(() => vnpay.close())
  const gateway = await listenAsGateway(t, () => ({ body: answer }))
  vnpay.callbackUrl = `${gateway.url}/callbacks/vnpay/one`
  const { tmnCode, hashSecret: secureSecret } = vnpay.accountConfig()
  const library = new VNPay({ tmnCode, secureSecret, vnpayHost: vnpay.baseUrl, queryDrAndRefundHost: vnpay.baseUrl })
  return { vnpay, library, arrived: gateway.arrived }
}

function payUrl({ vnpay, library }: { vnpay: VnpaySandbox; library: VNPay }, txnRef: string): string {
  const stamp = (minutes: number): number =>
    Number(new Date(Date.now() + (7 * 60 + minutes) * 60_000).toISOString().replace(/[-:T]/g, '').slice(0, 14))
  const { search } = new URL(
    library.buildPaymentUrl({
      vnp_Amount: 150_000,
      vnp_IpAddr: '203.0.113.7',
      vnp_TxnRef: txnRef,
      vnp_OrderInfo: 'Thu phi ho so HS0001',
      vnp_OrderType: ProductCode.Other,
      vnp_ReturnUrl: 'http://127.0.0.1/return?lang=vi',
      vnp_Locale: VnpLocale.VN,
      vnp_CreateDate: stamp(0),
      vnp_ExpireDate: stamp(15),
    }),
  )
  return vnpay.accountConfig().payUrl + search
}

function paramsOf(url: string): Parameters<VNPay['verifyIpnCall']>[0] {
  return z
    .custom<Parameters<VNPay['verifyIpnCall']>[0]>()
    .parse(Object.fromEntries(new URL(url, 'http://gateway').searchParams))
}

t.test('the notice of a payment verifies in another implementation and names the order and its amount', async (t) => {
  const { vnpay, library, arrived } = await start(t)
  const paid = await vnpay.pay(payUrl({ vnpay, library }, 'A1'), 'success')
  t.match(paid.acks, [{ status: 200, body: confirmed, expected: true, code: '00' }])
  t.match(library.verifyIpnCall(paramsOf(arrived[0]?.url ?? '')), {
    isVerified: true,
    isSuccess: true,
    vnp_TxnRef: 'A1',
    vnp_Amount: 150_000,
    vnp_TransactionNo: paid.transactionNo,
  })
})

t.test('tampered and wrong-amount notices are what they say', async (t) => {
  const { vnpay, library, arrived } = await start(t)
  await vnpay.pay(payUrl({ vnpay, library }, 'B1'), 'tampered')
  await vnpay.pay(payUrl({ vnpay, library }, 'B2'), 'wrong-amount')
  t.match(library.verifyIpnCall(paramsOf(arrived[0]?.url ?? '')), { isVerified: false })
  t.match(library.verifyIpnCall(paramsOf(arrived[1]?.url ?? '')), { isVerified: true, vnp_Amount: 151_000 })
})

t.test('an answer that differs by one byte is not an answer VNPAY knows', async (t) => {
  const { vnpay, library } = await start(t, '{"RspCode": "00","Message":"Confirm Success"}')
  const { acks } = await vnpay.pay(payUrl({ vnpay, library }, 'C1'), 'success')
  t.match(acks, [{ status: 200, expected: false, code: '' }])
})

t.test(
  'the pay page shows an error for a wrong signature or a field that stands twice, buttons otherwise',
  async (t) => {
    const { vnpay, library } = await start(t)
    const url = payUrl({ vnpay, library }, 'D1')
    for (const broken of [url.replace('vnp_Amount=15000000', 'vnp_Amount=1500000'), `${url}&vnp_Amount=15000000`]) {
      const answer = await fetch(broken)
      t.equal(answer.status, 400)
      t.notMatch(await answer.text(), '<button')
    }
    const good = await fetch(url)
    t.equal(good.status, 200)
    t.match(await good.text(), /150\.000 ₫[\s\S]*D1[\s\S]*<button/)
  },
)

t.test('a button tells the gateway, then sends the browser back with the same signed parameters', async (t) => {
  const { vnpay, library, arrived } = await start(t)
  const query = new URL(payUrl({ vnpay, library }, 'E1')).search.slice(1)
  const answer = await fetch(`${vnpay.baseUrl}/act`, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ query, action: 'success' }),
  })
  t.equal(answer.status, 303)
  const notice = arrived[0]?.url.split('?')[1]
  t.equal(answer.headers.get('location'), `http://127.0.0.1/return?lang=vi&${notice}`)
})

t.test('a query is answered with the truth, signed as another implementation verifies it', async (t) => {
  const { vnpay, library } = await start(t)
  const url = payUrl({ vnpay, library }, 'F1')
  const paid = await vnpay.pay(url, 'success')
  const createDate = Number(new URL(url).searchParams.get('vnp_CreateDate'))
  const query = await library.queryDr({
    vnp_RequestId: 'Q1',
    vnp_IpAddr: '198.51.100.7',
    vnp_TxnRef: 'F1',
    vnp_TransactionNo: Number(paid.transactionNo),
    vnp_OrderInfo: 'Truy van F1',
    vnp_TransactionDate: createDate,
    vnp_CreateDate: createDate,
  })
  t.match(query, { isVerified: true, vnp_ResponseCode: '00', vnp_TransactionStatus: '00' })
})

t.test('misbehaviour: 500 does nothing; a cut connection comes after the effect', async (t) => {
  const { vnpay } = await start(t)
  const { apiUrl } = vnpay.accountConfig()
  const ask = (): Promise<Response> =>
    fetch(apiUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"vnp_Command":"querydr"}',
    })
  vnpay.misbehave({ status500: true })
  t.equal((await ask()).status, 500)
  vnpay.misbehave({ dropAfterEffect: true })
  await t.rejects(ask())
  vnpay.misbehave({})
  t.match(await (await ask()).json(), { vnp_ResponseCode: '97' })
})

t.test(
  'a refund is refused under a foreign signature or a used request id, and never exceeds the payment',
  async (t) => {
    const { vnpay, library } = await start(t)
    const { tmnCode, hashSecret, apiUrl } = vnpay.accountConfig()
    const url = payUrl({ vnpay, library }, 'G1')
    const { transactionNo } = await vnpay.pay(url, 'success')
    const date = new URL(url).searchParams.get('vnp_CreateDate') ?? ''
    const refund = async (requestId: string, dong: number, secret = hashSecret): Promise<unknown> => {
      const amount = String(dong * 100)
      const signed = [requestId, '2.1.0', 'refund', tmnCode, '03', 'G1', amount, transactionNo, date, 'ketoan01', date]
      const names = [
        'RequestId',
        'Version',
        'Command',
        'TmnCode',
        'TransactionType',
        'TxnRef',
        'Amount',
        'TransactionNo',
      ]
      const rest = ['TransactionDate', 'CreateBy', 'CreateDate', 'IpAddr', 'OrderInfo']
      const values = [...signed, '198.51.100.7', 'Hoan phi']
      const fields = Object.fromEntries([...names, ...rest].map((name, at) => [`vnp_${name}`, values[at]]))
      const hash = createHmac('sha512', secret).update(values.join('|')).digest('hex')
      const answer = await fetch(apiUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...fields, vnp_SecureHash: hash }),
      })
      return z.object({ vnp_ResponseCode: z.string() }).parse(await answer.json()).vnp_ResponseCode
    }
    t.equal(await refund('R1', 100_000, 'another secret'), '97')
    t.equal(await refund('R1', 100_000), '00')
    t.equal(await refund('R1', 10_000), '94')
    t.equal(await refund('R2', 60_000), '94')
    t.equal(await refund('R3', 50_000), '00')
  },
)
