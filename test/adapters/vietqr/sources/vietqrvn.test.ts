import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { z } from 'zod'
import { vietqr } from '../../../../adapters/vietqr/index.ts'
import { makePayCode } from '../../../../src/domain/pay-code.ts'
import { acknowledge, at, makeAccount, nowSeconds, post, read, readVectors, sources, verdictOf } from '../samples.ts'

const source = sources.vietqrvn
const tokenPath = '/api/token_generate'
const syncPath = '/bank/api/transaction-sync'

const tokenVector = z.object({
  op: z.literal('token_generate'),
  id: z.string(),
  note: z.string(),
  key: z.object({ username: z.string(), password: z.string() }),
  input: z.object({ authorization: z.string() }),
  expected: z.object({
    verdict: z.enum(['accept', 'reject']),
    httpStatus: z.number(),
    bodyShape: z.array(z.string()).optional(),
    token_type: z.string().optional(),
  }),
})
const otherVector = z.looseObject({ op: z.literal('transaction-sync-hmac') })
const tokenBody = z.object({ access_token: z.string(), token_type: z.string(), expires_in: z.number() })

for (const vector of readVectors('vietqrvn', z.discriminatedUnion('op', [tokenVector, otherVector]))) {
  // The signed ones are driven in vietqrvn-hmac.test.ts.
  if (vector.op === 'transaction-sync-hmac') continue
  t.test(`vector ${vector.id}: ${vector.note}`, async (t) => {
    const { key, input, expected } = vector
    const request = post('', { authorization: input.authorization }, tokenPath)
    const reading = read(request, { ...source, ...key })
    if (expected.verdict === 'reject') {
      t.equal(verdictOf(reading), 'auth')
      t.same(acknowledge(reading, request, source), {
        status: expected.httpStatus,
        body: { status: 'FAILED', message: 'E74' },
      })
      return
    }
    if (reading.kind !== 'handshake') throw new Error(verdictOf(reading))
    t.equal(reading.reply.status, expected.httpStatus)
    const body = tokenBody.parse(JSON.parse(reading.reply.body))
    t.same(Object.keys(body), expected.bodyShape)
    t.equal(body.token_type, expected.token_type)
  })
}

const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`

function fetchToken(overrides: object = {}, accountId = 'ra_vietqr', authorization?: string): string {
  const account = { ...makeAccount({ ...source, ...overrides }), id: accountId }
  const given = authorization ?? basic(source.username, source.password)
  const reading = vietqr.readCallback(post('', { authorization: given }, tokenPath), account, at())
  return reading.kind === 'handshake' ? tokenBody.parse(JSON.parse(reading.reply.body)).access_token : ''
}

const code = makePayCode(randomBytes(32))
function aNotice(overrides: object = {}): string {
  return JSON.stringify({
    bankaccount: '113366668888',
    amount: 150000,
    transType: 'C',
    content: `${code} nop phi`,
    transactionid: 'a1b2c3',
    transactiontime: 1741572902000,
    referencenumber: 'FT25069000001',
    ...overrides,
  })
}
const sync = (body: string, token = fetchToken()) => post(body, { authorization: `Bearer ${token}` }, syncPath)
const reason = (body: string): string => verdictOf(read(sync(body), source))

t.test('the password may hold colons and letters of any script; the scheme is read in any case', async (t) => {
  const password = 'mật:khẩu:dài-đủ'
  const authorization = basic(source.username, password).replace('Basic', 'basic')
  t.not(fetchToken({ password }, 'ra_vietqr', authorization), '')
  t.equal(fetchToken({}, 'ra_vietqr', basic(`${source.username}x`, source.password)), '')
  t.equal(fetchToken({}, 'ra_vietqr', basic('', '')), '')
  t.equal(fetchToken({}, 'ra_vietqr', `Basic ${Buffer.from('nocolon').toString('base64')}`), '')
  t.equal(fetchToken({}, 'ra_vietqr', `Basic ${Buffer.from([0xff, 0x3a, 0xfe]).toString('base64')}`), '')
  t.equal(fetchToken({}, 'ra_vietqr', 'Basic %%%'), '')
})

t.test('a token opens the notices of its account until its end, and nothing else does', async (t) => {
  const token = fetchToken()
  const after = (seconds: number, given = token) =>
    verdictOf(read(sync(aNotice(), given), source, nowSeconds + seconds))
  t.same(
    [0, 299, 300].map((seconds) => after(seconds)),
    ['outcome', 'outcome', 'auth'],
  )
  t.equal(after(0, fetchToken({}, 'ra_other')), 'auth', 'a token of another account')
  t.equal(after(0, fetchToken({ tokenSecret: 'another-token-secret-not-real-0000000002' })), 'auth')
  const [end = '', mac = ''] = token.split('.')
  t.equal(after(0, `${Number(end) + 1000}.${mac}`), 'auth', 'a longer life')
  t.equal(after(0, ''), 'auth')
  t.equal(
    verdictOf(read(post(aNotice(), { authorization: basic('vietqr-caller', 'open-Pass-01') }, syncPath), source)),
    'auth',
  )
  fc.assert(fc.property(fc.string(), (given) => after(0, given) === 'auth'))
})

t.test('both spellings of the names mean the same; both at once are refused', async (t) => {
  const english = JSON.stringify({
    bankAccount: '113366668888',
    amount: 150000,
    transType: 'C',
    content: 'x',
    orderId: code,
    transactionId: 'a1b2c3',
    transactionTime: '2025-03-10 09:15:02',
    referenceNumber: 'FT25069000001',
  })
  for (const body of [english, aNotice()]) {
    const reading = read(sync(body), source)
    if (reading.kind !== 'outcome') throw new Error(verdictOf(reading))
    const { railTransactionId, merchantRef, paidAt, amount } = reading.outcome
    t.same(
      { railTransactionId, merchantRef, paidAt, amount },
      {
        railTransactionId: 'FT25069000001',
        merchantRef: code,
        paidAt: new Date('2025-03-10T02:15:02Z'),
        amount: 150_000n,
      },
    )
  }
  t.equal(reason(aNotice({ bankAccount: '113366668888' })), 'repeated-field')
})

t.test('the bank’s number is the key, the notifier’s id stands in, one of them must be there', async (t) => {
  const key = (overrides: object) => {
    const reading = read(sync(aNotice(overrides)), source)
    return reading.kind === 'outcome' ? reading.outcome.railTransactionId : verdictOf(reading)
  }
  t.equal(key({}), 'FT25069000001')
  t.equal(key({ referencenumber: '' }), 'a1b2c3')
  t.equal(key({ referencenumber: null, transactionid: null }), 'malformed')
})

t.test('debits are ignored; other accounts, types and amounts are refused', async (t) => {
  t.equal(reason(aNotice({ transType: 'D' })), 'ignored')
  t.equal(reason(aNotice({ transType: 'X' })), 'malformed')
  t.equal(reason(aNotice({ bankaccount: '1' })), 'wrong-account')
  t.equal(reason(aNotice({ amount: -1 })), 'malformed')
  t.equal(reason(aNotice({ amount: 0.5 })), 'malformed')
  t.equal(reason(aNotice({ amount: null })), 'malformed')
  t.equal(reason(aNotice().replace('150000', '150000,"amount":1')), 'repeated-field')
  t.equal(verdictOf(read({ ...sync(aNotice()), path: '' }, source)), 'unsupported')
  t.equal(verdictOf(read({ ...sync(aNotice()), method: 'GET' }, source)), 'unsupported')
})

t.test('the answer is VietQR.vn’s own, the same for the same notice', async (t) => {
  const request = sync(aNotice())
  const answer = (verdict: Parameters<typeof vietqr.acknowledge>[0], overrides: object = {}) => {
    const reply = vietqr.acknowledge(verdict, request, makeAccount({ ...source, ...overrides }), at())
    return [reply.status, reply.body]
  }
  const positive = [
    200,
    '{"error":false,"errorReason":"000","toastMessage":"","object":{"reftransactionid":"FT25069000001"}}',
  ]
  t.same(answer({ kind: 'unknownReference' }), positive)
  t.same(answer({ kind: 'recorded', settlementId: 'stl_1' }), positive)
  t.same(answer({ kind: 'repeated', settlementId: 'stl_1' }), positive)
  const refusal = (code: string, text: string) =>
    `{"error":true,"errorReason":"${code}","toastMessage":"${text}","object":null}`
  t.same(answer({ kind: 'refused', reason: 'auth' }), [400, refusal('E74', 'Invalid token')])
  t.same(answer({ kind: 'refused', reason: 'wrong-account' }, { refusalStatus: 200 }), [
    200,
    refusal('E77', 'Account does not match'),
  ])
  t.same(answer({ kind: 'unavailable' }), [503, refusal('E05', 'Unknown error')])
})
