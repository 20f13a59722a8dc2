import t from 'tap'
import type { HttpAnswer, HttpCall, Order, StartResult } from '../../../adapters/contract.ts'
import { vnpay } from '../../../adapters/vnpay/index.ts'
import { formText, hashOf } from '../../../adapters/vnpay/signature.ts'
import { answerOf, context, makeAccount, makeOrder, secret } from './vectors.ts'

const qrAccount = makeAccount({ startBy: 'qr' })
const order = makeOrder()
const qrText = '00020101021226280010A000000775011001234567895303704540615000063041234'

function qrCall(): { call: HttpCall; state: unknown } {
  const step = vnpay.start?.(order, qrAccount, context)
  if (step?.kind !== 'call') throw new Error('no call')
  return step
}

function resultOf(answer: HttpAnswer): StartResult {
  const step = vnpay.readStart?.(answer, qrCall().state, order, qrAccount, context)
  if (step?.kind !== 'done') throw new Error('not done')
  return step.result
}

function bankCodeOf(overrides: Partial<Order>, config: Record<string, unknown> = {}): string | null {
  const step = vnpay.start?.(makeOrder(overrides), makeAccount(config), context)
  if (step?.kind !== 'done' || step.result.kind !== 'redirect') throw new Error('no redirect')
  return new URL(step.result.url).searchParams.get('vnp_BankCode')
}

t.test('the payer may choose a bank; the account may fix one; a code that cannot be one is left out', async (t) => {
  t.equal(bankCodeOf({ payerInput: { bankCode: 'NCB' } }), 'NCB')
  t.equal(bankCodeOf({ payerInput: { bankCode: 'NCB' } }, { bankCode: 'VNPAYQR' }), 'VNPAYQR')
  t.equal(bankCodeOf({ payerInput: {} }), null)
  for (const bankCode of ['', 'A', 'N CB', 'NCB&vnp_Amount=1', 'X'.repeat(21)]) {
    t.equal(bankCodeOf({ payerInput: { bankCode } }), null, bankCode)
  }
})

t.test('an account that starts by QR asks VNPAY for one, with the same signed order', async (t) => {
  const { call } = qrCall()
  t.match(call, { method: 'GET', repeatable: false, timeoutMs: 30_000 })
  const { searchParams, origin, pathname } = new URL(call.url)
  t.equal(`${origin}${pathname}`, qrAccount.config.payUrl)
  t.equal(searchParams.get('vnp_Command'), 'genqr')
  t.equal(searchParams.get('vnp_TxnRef'), order.merchantRef)
  t.equal(searchParams.get('vnp_SecureHash'), hashOf(formText(searchParams), secret))
})

t.test('an answer with a code is shown, and the time of the order kept', async (t) => {
  t.same(resultOf(answerOf({ code: '00', message: 'Success', qrcontent: qrText })), {
    kind: 'qr',
    payload: qrText,
    sent: { vnp_CreateDate: '20250310091000' },
  })
})

t.test('a refusal ends the attempt; an answer that does not tell leaves it unknown', async (t) => {
  t.match(resultOf(answerOf({ code: '03', message: 'Invalid data' })), { kind: 'refused', railCode: '03' })
  const sent = { vnp_CreateDate: '20250310091000' }
  const untold: HttpAnswer[] = [
    answerOf({ code: '00', message: 'Success', qrcontent: qrText }, 502),
    answerOf({ code: '00', message: 'Success' }),
    answerOf({ code: '00', qrcontent: 'https://elsewhere.example/pay' }),
    answerOf({ code: '00', qrcontent: `${qrText}\n` }),
    answerOf({ code: 0, qrcontent: qrText }),
    answerOf('<html>'),
    answerOf('{"code":"03","code":"00"}'),
  ]
  for (const answer of untold) {
    t.match(resultOf(answer), { kind: 'unknown', sent }, Buffer.from(answer.body).toString().slice(0, 40))
  }
})
