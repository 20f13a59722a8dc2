import fc from 'fast-check'
import t from 'tap'
import { accountSchema } from '../../../adapters/bill-pull/account.ts'
import { answerText, type GenericOperation, requestText } from '../../../adapters/bill-pull/generic-text.ts'
import { billPull } from '../../../adapters/bill-pull/index.ts'
import type { CallbackReading, RawRequest, Verdict } from '../../../adapters/contract.ts'
import { holds, makeKeys } from '../vietinbank/bank-keys.ts'
import { jsonOf } from '../vietinbank/vectors.ts'

const bank = makeKeys()
const ours = makeKeys()
const account = {
  id: 'ra_bank',
  config: accountSchema.parse({ profile: 'generic', privateKeyPem: ours.privateKeyPem, bankKeyPem: bank.publicKeyPem }),
}
const now = new Date('2026-11-24T07:00:00Z')
const context = { now, requestId: 'r1', serverIp: '203.0.113.9' }
const nonce = 'nonce-0123456789abcdef'
const plainPay = {
  transactionId: 'FT1',
  payCode: 'abcdefghjkmn',
  amount: 150_000,
  currency: 'VND',
  paidAt: '2026-11-24T13:59:57+07:00',
}

type Changes = {
  operation?: GenericOperation
  ageSeconds?: number
  accountId?: string
  nonce?: string
  sign?: typeof bank
}

function request(body: unknown, changes: Changes = {}): RawRequest {
  const operation = changes.operation ?? 'pay'
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  const timestamp = String(now.getTime() / 1000 - (changes.ageSeconds ?? 0))
  const sent = changes.nonce ?? nonce
  const text = requestText({
    operation,
    accountId: changes.accountId ?? account.id,
    timestamp,
    nonce: sent,
    body: bytes,
  })
  return {
    method: 'POST',
    path: `/${operation}`,
    query: '',
    headers: {
      'feegate-timestamp': timestamp,
      'feegate-nonce': sent,
      'feegate-signature': (changes.sign ?? bank).sign(text),
    },
    body: bytes,
  }
}

function read(given: RawRequest): CallbackReading {
  return billPull.readCallback(given, account, context)
}

function reasonOf(given: RawRequest): string {
  const reading = read(given)
  return reading.kind === 'refused' ? reading.reason : reading.kind
}

t.test('pay is a report of money taken', async (t) => {
  t.match(read(request({ ...plainPay, channel: 'COUNTER', payerName: 'X', unknown: 1 })), {
    kind: 'outcome',
    outcome: {
      rail: 'bill-pull',
      accountId: 'ra_bank',
      merchantRef: 'ABCDEFGHJKMN',
      railTransactionId: 'FT1',
      kind: 'succeeded',
      amount: 150_000n,
      paidAt: new Date('2026-11-24T06:59:57Z'),
      source: 'PULL',
      evidence: { channel: 'COUNTER' },
    },
  })
})

t.test('inquire and reverse become requests to the gateway', async (t) => {
  t.same(read(request({ payCode: 'abc' }, { operation: 'inquire' })), {
    kind: 'bill',
    request: { kind: 'inquire', payCode: 'ABC', echo: {} },
  })
  t.match(
    read(
      request(
        { reversalId: 'R1', transactionId: 'FT1', amount: 5, currency: 'VND', reason: 'x' },
        { operation: 'reverse' },
      ),
    ),
    {
      kind: 'bill',
      request: { kind: 'reverse', reversalId: 'R1', originalTransactionId: 'FT1', amount: 5n },
    },
  )
})

t.test('who, when and where: each is part of the signature', async (t) => {
  const good = request(plainPay)
  t.equal(reasonOf(request(plainPay, { sign: makeKeys() })), 'signature', 'another key')
  t.equal(reasonOf(request(plainPay, { accountId: 'ra_other' })), 'signature', 'another account')
  t.equal(reasonOf({ ...good, path: '/reverse' }), 'signature', 'another operation')
  t.equal(reasonOf({ ...good, body: Buffer.from(`${good.body.toString()} `) }), 'signature', 'one byte more')
  t.equal(
    reasonOf({ ...good, headers: { ...good.headers, 'feegate-nonce': `${nonce}x` } }),
    'signature',
    'another nonce',
  )
  t.equal(
    reasonOf({ ...good, headers: { ...good.headers, 'feegate-timestamp': '1795503601' } }),
    'signature',
    'another time',
  )
  t.equal(reasonOf(request(plainPay, { ageSeconds: 300 })), 'outcome', 'the last second of the window')
  t.equal(reasonOf(request(plainPay, { ageSeconds: 301 })), 'stale')
  t.equal(reasonOf(request(plainPay, { ageSeconds: -301 })), 'stale', 'a clock ahead')
  for (const name of ['feegate-timestamp', 'feegate-nonce']) {
    const { [name]: _, ...headers } = good.headers
    t.equal(reasonOf({ ...good, headers }), 'auth', `${name} missing`)
  }
  t.equal(reasonOf(request(plainPay, { nonce: 'short' })), 'auth')
  const { 'feegate-signature': _, ...unsigned } = good.headers
  t.equal(reasonOf({ ...good, headers: unsigned }), 'signature', 'no signature')
  t.equal(reasonOf({ ...good, method: 'GET' }), 'unsupported')
  t.equal(reasonOf({ ...good, query: 'a=1' }), 'unsupported')
  t.equal(reasonOf({ ...good, path: '/pay/' }), 'unsupported')
})

t.test('a signed body that cannot be understood is refused', async (t) => {
  const cases: [string, unknown, string][] = [
    ['text amount', { ...plainPay, amount: '150000' }, 'malformed'],
    ['fraction', { ...plainPay, amount: 1.5 }, 'malformed'],
    ['zero', { ...plainPay, amount: 0 }, 'malformed'],
    ['beyond exact integers', JSON.stringify(plainPay).replace('150000', '9007199254740993'), 'malformed'],
    ['dollars', { ...plainPay, currency: 'USD' }, 'wrong-currency'],
    ['time without offset', { ...plainPay, paidAt: '2026-11-24T13:59:57' }, 'malformed'],
    ['tomorrow', { ...plainPay, paidAt: '2026-11-25T13:59:57+07:00' }, 'malformed'],
    ['bad id', { ...plainPay, transactionId: 'a b' }, 'malformed'],
    ['a name twice', JSON.stringify(plainPay).replace('{', '{"amount":1,'), 'repeated-field'],
    ['no object', '[]', 'malformed'],
  ]
  for (const [name, body, expected] of cases) t.equal(reasonOf(request(body)), expected, name)
})

t.test('every verdict and answer is signed, tied to the request and has its code', async (t) => {
  const given = request(plainPay)
  const verdicts: [Verdict, number, string][] = [
    [{ kind: 'recorded', settlementId: 's' }, 200, 'RECORDED'],
    [{ kind: 'repeated', settlementId: 's' }, 200, 'RECORDED'],
    [{ kind: 'alreadyFinal', settlementId: 's' }, 200, 'RECORDED_EXTRA'],
    [{ kind: 'amountMismatch', settlementId: 's' }, 200, 'RECORDED_OTHER_AMOUNT'],
    [{ kind: 'amountMismatch', settlementId: null }, 422, 'AMOUNT_REFUSED'],
    [{ kind: 'unknownReference' }, 200, 'RECORDED_UNKNOWN_CODE'],
    [{ kind: 'ignored' }, 200, 'IGNORED'],
    [{ kind: 'refused', reason: 'signature' }, 401, 'BAD_SIGNATURE'],
    [{ kind: 'refused', reason: 'stale' }, 401, 'STALE'],
    [{ kind: 'refused', reason: 'malformed' }, 400, 'MALFORMED'],
    [{ kind: 'refused', reason: 'wrong-currency' }, 422, 'WRONG_CURRENCY'],
    [{ kind: 'unavailable' }, 503, 'UNAVAILABLE'],
  ]
  for (const [verdict, status, code] of verdicts) {
    const reply = billPull.acknowledge(verdict, given, account, context)
    t.equal(reply.status, status, code)
    t.equal(jsonOf(reply.body).code, code)
    const timestamp = reply.headers['feegate-timestamp'] ?? ''
    const text = answerText({ operation: 'pay', accountId: account.id, timestamp, nonce, status, body: reply.body })
    t.ok(holds(text, reply.headers['feegate-signature'], ours.publicKeyPem), `${code} signed`)
  }
  const repeated = billPull.acknowledge({ kind: 'repeated', settlementId: 's' }, given, account, context)
  t.same(
    repeated,
    billPull.acknowledge({ kind: 'recorded', settlementId: 's' }, given, account, context),
    'the same answer again',
  )
  for (const [answer, code] of [
    [{ kind: 'notPayable', why: 'unknown' }, 'UNKNOWN_CODE'],
    [{ kind: 'notPayable', why: 'expired' }, 'EXPIRED'],
    [{ kind: 'notPayable', why: 'closed' }, 'CLOSED'],
    [{ kind: 'alreadyReversed' }, 'ALREADY_REVERSED'],
    [{ kind: 'originalUnknown' }, 'ORIGINAL_UNKNOWN'],
    [{ kind: 'tooLate' }, 'TOO_LATE'],
    [{ kind: 'unavailable' }, 'UNAVAILABLE'],
  ] as const) {
    t.equal(jsonOf(billPull.answerBill?.(answer, given, account, context).body).code, code)
  }
})

t.test('a request without a usable nonce is still answered, under an empty one', async (t) => {
  const given = { ...request(plainPay), headers: { 'feegate-nonce': 'x\ny' } }
  const reply = billPull.acknowledge({ kind: 'refused', reason: 'auth' }, given, account, context)
  t.equal(reply.headers['feegate-nonce'], '')
})

t.test('law: two different requests never share a signed text', async () => {
  const part = fc.record({
    operation: fc.constantFrom<GenericOperation>('inquire', 'pay', 'reverse'),
    accountId: fc.stringMatching(/^[a-z0-9_=]{1,6}$/),
    timestamp: fc.stringMatching(/^[0-9]{1,4}$/),
    nonce: fc.stringMatching(/^[a-z0-9=_-]{1,6}$/),
    body: fc.uint8Array({ maxLength: 3 }),
  })
  await fc.assert(
    fc.asyncProperty(part, part, async (one, other) => {
      const same = JSON.stringify(one) === JSON.stringify(other)
      if ((requestText(one) === requestText(other)) !== same) throw new Error('shared text')
    }),
  )
})

t.test('law: any changed byte of a signed body is refused', async () => {
  const good = request(plainPay)
  await fc.assert(
    fc.asyncProperty(fc.nat(good.body.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
      const body = Buffer.from(good.body)
      body[at] = (body[at] ?? 0) ^ flip
      if (reasonOf({ ...good, body }) !== 'signature') throw new Error('accepted')
    }),
  )
})
