import t, { type Test } from 'tap'
import { billPull } from '../../../adapters/bill-pull/index.ts'
import type { BillAnswer, RawRequest, Verdict } from '../../../adapters/contract.ts'
import { makeContext } from '../../../src/sandbox/context.ts'
import { type BillPull, startBillPull } from '../../../src/sandbox/rails/bill-pull.ts'
import { isTextSigned, makeRsaPair, signText } from '../../../src/sandbox/rails/rsa-text.ts'
import { inquiryAnswerText, inquiryText } from '../../../src/sandbox/rails/vietinbank-wire.ts'
import { eventually, type HandTimers, handTimers } from '../hand-timers.ts'
import { fakeGateway, type Sent } from '../test-gateway.ts'
import { readVectors } from '../vectors.ts'

type Fields = Record<string, string>
type File = {
  keys: Record<'bankPublicKeyPem' | 'ourPrivateKeyPem', string>
  vectors: {
    id: string
    op: string
    input: { body: { header: Fields; data: Fields }; details: Fields; errorCode: string }
    expected: Fields
  }[]
}

t.test('texts and signatures of inquiries are those of the vectors', async (t) => {
  const { keys, vectors } = readVectors<File>('vietinbank')
  const inquiries = vectors.filter(({ op }) => op.startsWith('inq-bill'))
  t.equal(inquiries.length, 4)
  for (const { id, op, input, expected } of inquiries) {
    if (op === 'inq-bill-verify') {
      const { header, data } = input.body
      t.equal(inquiryText(data), expected.canonical, id)
      t.equal(
        isTextSigned(inquiryText(data), header.signature, keys.bankPublicKeyPem),
        expected.signature === 'accept',
        id,
      )
    } else {
      const text = inquiryAnswerText(input.details, input.errorCode)
      t.equal(text, expected.canonical, id)
      t.equal(signText(text, keys.ourPrivateKeyPem), expected.signature, id)
    }
  }
})

const [bankKeys, gatewayKeys] = await Promise.all([makeRsaPair(), makeRsaPair()])
const code = '1GOVA2345678BCDE'

type Answers = { bill: BillAnswer; verdict: Verdict }

/** A counter before the gateway's own adapter; `answers` is what the gateway would have found. */
async function counter(t: Test, answers: Answers): Promise<{ bank: BillPull; timers: HandTimers; sent: Sent[] }> {
  const timers = handTimers()
  const bank = await startBillPull(makeContext({ timers, clock: timers.clock }), { bankKeys, gatewayKeys })
  t.teardown(() => bank.close())
  const account = { id: 'a', config: billPull.accountSchema.parse(bank.accountConfig()) }
  const context = { now: timers.clock.now(), requestId: 'r1', serverIp: '127.0.0.1' }
  const gateway = await fakeGateway(t, ({ method, url, body }) => {
    const request: RawRequest = { method, path: url, query: '', headers: {}, body: Buffer.from(body) }
    const reading = billPull.readCallback(request, account, context)
    const reply =
      reading.kind === 'bill'
        ? billPull.answerBill?.(answers.bill, request, account, context)
        : reading.kind === 'refused'
          ? url.endsWith('notify-bill')
            ? billPull.acknowledge({ kind: 'refused', reason: reading.reason }, request, account, context)
            : billPull.answerBill?.({ kind: 'refused', reason: reading.reason }, request, account, context)
          : billPull.acknowledge(answers.verdict, request, account, context)
    return { status: reply?.status ?? 500, body: reply?.body ?? '', contentType: reply?.headers['content-type'] ?? '' }
  })
  bank.callbackUrl = gateway.url
  return { bank, timers, sent: gateway.sent }
}

const payable: BillAnswer = {
  kind: 'payable',
  payCode: 'A2345678BCDE',
  amount: 150_000n,
  payerName: 'Nguyễn Văn An',
  billId: 'inv_1',
}
const recorded: Verdict = { kind: 'recorded', settlementId: 's1' }

t.test('a counter asks, takes the money, reports it, and takes it back', async (t) => {
  const answers: Answers = { bill: payable, verdict: recorded }
  const { bank, timers, sent } = await counter(t, answers)
  const finding = await bank.inquire(code)
  t.match(finding, {
    kind: 'payable',
    bill: { custCode: code, custName: 'NGUYEN VAN AN', billId: 'inv_1', amount: 150_000n },
  })
  if (finding.kind !== 'payable') return
  const { bill } = finding
  t.match((await bank.pay(bill, 'success'))?.acknowledgements, [{ asExpected: true, meaning: 'errorCode 00' }])
  t.equal((await bank.pay(bill, 'duplicate'))?.acknowledgements.length, 2)
  await bank.pay(bill, 'wrong-amount')
  t.match(JSON.parse(sent.at(-1)?.body ?? ''), { amount: '151000', transType: '3', custCode: code })
  t.equal(await bank.pay(bill, 'late'), null)
  const before = sent.length
  timers.advance(20 * 60_000)
  await eventually(() => sent.length === before + 1)
  const [first] = bank.credits
  answers.bill = { kind: 'reversed' }
  t.equal(await bank.reverse(first?.transId ?? '', 'Thu nham'), '00')
  answers.bill = { kind: 'tooLate' }
  t.equal(await bank.reverse(first?.transId ?? '', 'Thu nham'), '06')
})

t.test('a bill that is not payable says so; an unsigned answer is not believed', async (t) => {
  const answers: Answers = { bill: { kind: 'notPayable', why: 'paid' }, verdict: recorded }
  const { bank } = await counter(t, answers)
  t.match(await bank.inquire(code), { kind: 'refused', errorCode: '02', errorDesc: 'Bill already paid' })
  const liar = await fakeGateway(t, ({ body }) => {
    const { header, data } = JSON.parse(body)
    const details = { ...data, custName: 'A', billId: null, amount: '1' }
    return {
      status: 200,
      body: JSON.stringify({ header: { ...header, msgType: '1110' }, data: { errors: { errorCode: '00' }, details } }),
    }
  })
  bank.callbackUrl = liar.url
  t.match(await bank.inquire(code), { kind: 'worthless', why: /not signed/ })
})

t.test('a forged report takes no money and is refused; a bad signature on a question too', async (t) => {
  const { bank } = await counter(t, { bill: payable, verdict: recorded })
  const bill = { custCode: code, custName: 'A', billId: null, amount: 150_000n }
  t.match((await bank.pay(bill, 'tampered'))?.acknowledgements, [{ asExpected: true, meaning: 'errorCode 01' }])
  t.equal(bank.credits.length, 0)
  bank.behaviour.misbehave({ badSignature: true })
  t.match(await bank.inquire(code), { kind: 'refused', errorCode: '01' })
  t.equal(await bank.reverse('1', 'Thu nham'), '01')
})

t.test('the counter works by forms alone', async (t) => {
  const { bank } = await counter(t, { bill: payable, verdict: recorded })
  const post = (path: string, form: Fields): Promise<Response> =>
    fetch(`${bank.baseUrl}${path}`, { method: 'POST', redirect: 'manual', body: new URLSearchParams(form) })
  t.match(await (await fetch(`${bank.baseUrl}/counter`)).text(), 'name="code"')
  t.match(await (await post('/counter/bill', { code: 'a2345678bcde' })).text(), 'NGUYEN VAN AN')
  t.equal((await post('/counter/pay', { custCode: code, way: 'success' })).status, 303)
  t.match(bank.credits, [{ amount: 150_000n, custCode: code }])
})
