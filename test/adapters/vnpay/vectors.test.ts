import t from 'tap'
import type { Verdict } from '../../../adapters/contract.ts'
import { answerText, type Command, readAnswer, requestText, signedCall } from '../../../adapters/vnpay/call.ts'
import { vnpay } from '../../../adapters/vnpay/index.ts'
import { formText, hashOf } from '../../../adapters/vnpay/signature.ts'
import { payPageUrl } from '../../../adapters/vnpay/start.ts'
import { answerOf, context, get, makeAccount, makeOrder, vectors } from './vectors.ts'

t.test('published vectors', async (t) => {
  for (const vector of vectors) {
    const name = `${vector.id}: ${vector.note}`
    const account = makeAccount(vector.key)
    const { hashSecret } = vector.key
    switch (vector.op) {
      case 'pay-url': {
        const { params } = vector.input
        t.equal(formText(Object.entries(params)), vector.expected.canonical, `${name}, signed text`)
        t.equal(payPageUrl(params, account.config), vector.expected.url, name)
        t.equal(payPageUrl(Object.fromEntries(Object.entries(params).reverse()), account.config), vector.expected.url)
        break
      }
      case 'ipn': {
        const request = get(vector.input.rawQuery)
        const reading = vnpay.readCallback(request, account, context)
        t.equal(reading.kind, vector.expected.signature === 'accept' ? 'outcome' : 'refused', name)
        const verdict = verdictOf(reading, vector.input.order)
        const reply = vnpay.acknowledge(verdict, request, account, context)
        t.equal(reply.status, vector.expected.httpStatus)
        t.match(JSON.parse(reply.body), { RspCode: vector.expected.RspCode }, `${name}, acknowledged`)
        const { orderBecomes } = vector.expected
        if (orderBecomes === null || reading.kind !== 'outcome') break
        const kinds: Record<string, string> = { PAID: 'succeeded', FAILED: 'failed' }
        t.equal(reading.outcome.kind, kinds[orderBecomes] ?? 'pending', `${name}, order`)
        break
      }
      case 'querydr-request':
      case 'refund-request': {
        const command: Command = vector.op === 'querydr-request' ? 'querydr' : 'refund'
        // A number VNPAY never gave is signed as 0, and sent so too.
        const fields = command === 'refund' ? { vnp_TransactionNo: '0', ...vector.input } : vector.input
        t.equal(requestText(command, fields), vector.expected.canonical, `${name}, signed text`)
        const { body = '' } = signedCall(command, fields, account.config, false)
        t.match(JSON.parse(body), { ...fields, vnp_SecureHash: vector.expected.vnp_SecureHash }, name)
        break
      }
      case 'querydr-response':
      case 'refund-response': {
        const command: Command = vector.op === 'querydr-response' ? 'querydr' : 'refund'
        const { body } = vector.input
        t.equal(answerText(command, body), vector.expected.canonical, `${name}, signed text`)
        const read = readAnswer(command, answerOf(body), body.vnp_TxnRef ?? '', account.config)
        t.equal(read.ok, vector.expected.signature === 'accept', name)
        t.equal(hashOf(vector.expected.canonical, hashSecret) === body.vnp_SecureHash, read.ok)
        break
      }
    }
  }
})

t.test('the first two orders give the published addresses whole', async (t) => {
  const orders = [
    makeOrder(),
    makeOrder({
      merchantRef: 'INV202503100002',
      amount: 20_000n,
      description: 'Le phi cap ban sao',
      locale: 'en',
      payerIp: '::ffff:203.0.113.11',
      expiresAt: new Date('2025-03-10T03:26:12Z'),
    }),
  ]
  const payUrls = vectors.filter((vector) => vector.op === 'pay-url')
  const first = vnpay.start?.(orders[0] ?? makeOrder(), makeAccount(), context)
  t.match(first, { kind: 'done', result: { kind: 'redirect', url: payUrls[0]?.expected.url } })
  const second = vnpay.start?.(orders[1] ?? makeOrder(), makeAccount({ bankCode: 'VNBANK' }), {
    ...context,
    now: new Date('2025-03-10T03:11:12Z'),
  })
  t.match(second, {
    kind: 'done',
    result: { kind: 'redirect', url: payUrls[1]?.expected.url, sent: { vnp_CreateDate: '20250310101112' } },
  })
})

/** What the gateway would make of a reading, for the order the vector names. */
function verdictOf(
  reading: ReturnType<typeof vnpay.readCallback>,
  order: { found: boolean; amountVnd?: number | undefined; status?: string | undefined },
): Verdict {
  if (reading.kind === 'refused') return { kind: 'refused', reason: reading.reason }
  if (reading.kind !== 'outcome') throw new Error(`a notice was read as ${reading.kind}`)
  if (!order.found) return { kind: 'unknownReference' }
  if (reading.outcome.amount !== BigInt(order.amountVnd ?? 0)) return { kind: 'amountMismatch', settlementId: null }
  return { kind: order.status === 'PENDING' ? 'recorded' : 'alreadyFinal', settlementId: 'stl_1' }
}
