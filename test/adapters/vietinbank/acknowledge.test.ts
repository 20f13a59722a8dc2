import t from 'tap'
import type { Verdict } from '../../../adapters/contract.ts'
import { vietinbank } from '../../../adapters/vietinbank/index.ts'
import { signText } from '../../../adapters/vietinbank/rsa.ts'
import { holds } from './bank-keys.ts'
import { context, jsonOf, keys, makeAccount, post, vectorsOf } from './vectors.ts'

const request = post('/api/v1/notify-bill', { transId: '501690869', providerId: '9111' })

t.test('published vectors: our signature, byte for byte', async (t) => {
  for (const { id, input, expected } of vectorsOf('notify-response-sign')) {
    const verdict: Verdict =
      input.errorCode === '05' ? { kind: 'repeated', settlementId: 's' } : { kind: 'recorded', settlementId: 's' }
    const reply = vietinbank.acknowledge(verdict, request, makeAccount({ duplicateAck: '05' }), context)
    t.equal(reply.status, 200)
    t.same(
      jsonOf(reply.body),
      {
        transId: input.transId,
        providerId: '9111',
        errorCode: input.errorCode,
        errorDesc: input.errorDesc,
        signature: expected.signature,
      },
      id,
    )
    t.equal(signText(String(expected.canonical), keys.ourPrivateKeyPem, 'RSA-SHA256'), expected.signature)
  }
})

t.test('every verdict has its answer', async (t) => {
  const table: [Verdict, number, string][] = [
    [{ kind: 'recorded', settlementId: 's' }, 200, '00'],
    [{ kind: 'repeated', settlementId: 's' }, 200, '00'],
    [{ kind: 'alreadyFinal', settlementId: 's' }, 200, '00'],
    [{ kind: 'amountMismatch', settlementId: 's' }, 200, '00'],
    [{ kind: 'amountMismatch', settlementId: null }, 200, '99'],
    [{ kind: 'unknownReference' }, 200, '00'],
    [{ kind: 'ignored' }, 200, '00'],
    [{ kind: 'refused', reason: 'signature' }, 200, '01'],
    [{ kind: 'refused', reason: 'repeated-field' }, 200, '01'],
    [{ kind: 'refused', reason: 'wrong-account' }, 200, '02'],
    [{ kind: 'refused', reason: 'malformed' }, 200, '99'],
    [{ kind: 'refused', reason: 'wrong-currency' }, 200, '99'],
    [{ kind: 'unavailable' }, 503, '99'],
  ]
  for (const [verdict, status, errorCode] of table) {
    const reply = vietinbank.acknowledge(verdict, request, makeAccount(), context)
    const body = jsonOf(reply.body)
    t.equal(reply.status, status, JSON.stringify(verdict))
    t.equal(body.errorCode, errorCode, JSON.stringify(verdict))
    t.ok(holds(`501690869${errorCode}${body.errorDesc}`, body.signature, keys.ourPublicKeyPem), 'signed')
  }
})

t.test('a stranger cannot have a text of his own signed', async (t) => {
  const verdict: Verdict = { kind: 'refused', reason: 'signature' }
  for (const transId of ['a'.repeat(51), '1.0', 'a b', 'x|y', 7, null]) {
    const reply = vietinbank.acknowledge(verdict, post('/api/v1/notify-bill', { transId }), makeAccount(), context)
    t.equal(jsonOf(reply.body).transId, '', String(transId))
  }
})
