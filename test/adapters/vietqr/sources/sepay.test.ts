import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { z } from 'zod'
import { vietqr } from '../../../../adapters/vietqr/index.ts'
import { makePayCode } from '../../../../src/domain/pay-code.ts'
import {
  acknowledge,
  at,
  hmac,
  makeAccount,
  nowSeconds,
  post,
  read,
  readVectors,
  sepaySecret,
  sources,
  verdictOf,
} from '../samples.ts'

const vectorSchema = z.object({
  id: z.string(),
  note: z.string(),
  key: z.object({ authMode: z.enum(['hmac', 'apikey']), hmacSecret: z.string(), apiKey: z.string() }),
  input: z.object({
    rawBody: z.string(),
    headers: z.record(z.string(), z.string()),
    receivedAtUnix: z.number().nullable(),
  }),
  expected: z.object({
    signature: z.enum(['accept', 'reject']),
    httpStatus: z.number(),
    body: z.unknown().optional(),
    countsAsCredit: z.boolean().optional(),
  }),
})

for (const { id, note, key, input, expected } of readVectors('sepay', vectorSchema)) {
  t.test(`vector ${id}: ${note}`, async (t) => {
    const source = key.authMode === 'hmac' ? { ...sources.sepay, secret: key.hmacSecret } : sources.apikey
    const { accountNumber = '113366668888' } = z
      .object({ accountNumber: z.string().optional() })
      .parse(JSON.parse(input.rawBody))
    const request = post(input.rawBody, input.headers)
    const reading = vietqr.readCallback(
      request,
      makeAccount(source, { accountNumber }),
      at(input.receivedAtUnix ?? nowSeconds),
    )
    const reply = acknowledge(reading, request, source)
    t.equal(reply.status, expected.httpStatus)
    if (expected.signature === 'reject') t.equal(reading.kind, 'refused')
    else {
      t.equal(reading.kind, expected.countsAsCredit === true ? 'outcome' : 'ignored')
      t.same(reply.body, expected.body)
    }
  })
}

function aNotice(overrides: object = {}): string {
  return JSON.stringify({
    id: 92704,
    gateway: 'VietinBank',
    transactionDate: '2025-03-10 09:15:02',
    accountNumber: '113366668888',
    code: null,
    content: 'x',
    transferType: 'in',
    transferAmount: 150000,
    accumulated: 19077000,
    subAccount: null,
    referenceCode: 'FT1',
    description: '',
    ...overrides,
  })
}
const signed = (body: string, seconds = nowSeconds): Record<string, string> => ({
  'x-sepay-timestamp': String(seconds),
  'x-sepay-signature': `sha256=${hmac(sepaySecret, `${seconds}.${body}`)}`,
})
const readSigned = (body: string) => read(post(body, signed(body)), sources.sepay)

t.test('a credit settles under its id, with the time of the bank and whatever amount came', async (t) => {
  const code = makePayCode(randomBytes(32))
  const reading = readSigned(aNotice({ content: code, transferAmount: 149_000 }))
  if (reading.kind !== 'outcome') throw new Error(verdictOf(reading))
  const { railTransactionId, amount, paidAt, merchantRef, kind } = reading.outcome
  t.same(
    { railTransactionId, amount, paidAt, merchantRef, kind },
    {
      railTransactionId: '92704',
      amount: 149_000n,
      paidAt: new Date('2025-03-10T02:15:02Z'),
      merchantRef: code,
      kind: 'succeeded',
    },
  )
  t.notMatch(JSON.stringify(reading.outcome.evidence), /19077000/, 'the balance of the account is nobody’s evidence')
})

t.test('the pay code is found in what banks make of the purpose, and two codes or none name no invoice', async (t) => {
  const code = makePayCode(randomBytes(32))
  const other = makePayCode(randomBytes(32))
  const reference = (overrides: object) => {
    const reading = readSigned(aNotice(overrides))
    return reading.kind === 'outcome' ? reading.outcome.merchantRef : reading.kind
  }
  t.equal(reference({ content: `MBVCB.123456.${code}.CT tu 0123` }), code)
  t.equal(reference({ content: `${code.slice(0, 5)} ${code.slice(5)} nop le phi`.toLowerCase() }), code)
  t.equal(reference({ content: 'chuyen tien', code }), code)
  t.equal(reference({ content: `${code} nop`, code }), code)
  t.equal(reference({ content: 'nop le phi' }), null)
  t.equal(reference({ content: `${code} ${other}` }), null)
  t.equal(reference({ content: code, code: other }), null)
  t.equal(reference({ content: code.slice(0, 6), code: code.slice(6) }), null, 'halves of two fields make no code')
})

t.test('a notice about another account, in another mode, or told twice in a field is refused', async (t) => {
  const body = aNotice()
  const reason = (text: string) => verdictOf(readSigned(text))
  t.equal(reason(body), 'outcome')
  t.equal(reason(aNotice({ accountNumber: '999', subAccount: '113366668888' })), 'outcome', 'our virtual account')
  t.equal(reason(aNotice({ accountNumber: '999' })), 'wrong-account')
  t.equal(reason(aNotice({ transferType: 'out' })), 'ignored')
  t.equal(reason(aNotice({ transferType: 'IN' })), 'malformed')
  t.equal(reason(aNotice({ transferAmount: 1.5 })), 'malformed')
  t.equal(reason(aNotice({ transferAmount: -1 })), 'malformed')
  t.equal(reason(aNotice({ transferAmount: '150000' })), 'malformed')
  t.equal(
    reason(body.replace('"transferAmount":150000', '"transferAmount":150000,"transferAmount":1')),
    'repeated-field',
  )

  const modes = (headers: Record<string, string>, source: object) => verdictOf(read(post(body, headers), source))
  t.equal(modes({ ...signed(body), authorization: 'Apikey OPENSEPAYAPIKEY01' }, sources.sepay), 'auth')
  t.equal(modes({ authorization: 'Apikey OPENSEPAYAPIKEY01' }, sources.sepay), 'auth')
  t.equal(modes(signed(body), sources.apikey), 'auth')
  t.equal(modes({}, sources.apikey), 'auth')
  t.equal(modes({ authorization: 'apikey OPENSEPAYAPIKEY01' }, sources.apikey), 'auth')
  t.equal(modes({}, sources.sepay), 'signature')
  t.equal(verdictOf(read({ ...post(body, signed(body)), path: '/x' }, sources.sepay)), 'unsupported')
  t.equal(verdictOf(read({ ...post(body, signed(body)), method: 'GET' }, sources.sepay)), 'unsupported')
})

t.test('a signature counts for 300 seconds, in both directions of the clock', async (t) => {
  const body = aNotice()
  const after = (seconds: number) => verdictOf(read(post(body, signed(body)), sources.sepay, nowSeconds + seconds))
  t.same([-301, -300, 300, 301].map(after), ['stale', 'outcome', 'outcome', 'stale'])
})

t.test('no changed byte, signature or time passes', async () => {
  const body = aNotice()
  const headers = signed(body)
  fc.assert(
    fc.property(fc.nat(body.length - 1), fc.integer({ min: 1, max: 255 }), (index, change) => {
      const bytes = Buffer.from(body)
      bytes[index] = (bytes[index] ?? 0) ^ change
      return verdictOf(read(post(bytes, headers), sources.sepay)) === 'signature'
    }),
    { numRuns: 1000 },
  )
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(headers)), fc.string({ maxLength: 80 }), (name, value) => {
      return verdictOf(read(post(body, { ...headers, [name]: value }), sources.sepay)) === 'signature'
    }),
  )
})

t.test('what must come again is answered 503, money on record under any reference is not', async (t) => {
  const request = post(aNotice())
  const status = (verdict: Parameters<typeof vietqr.acknowledge>[0]) =>
    vietqr.acknowledge(verdict, request, makeAccount(sources.sepay), at()).status
  t.equal(status({ kind: 'unavailable' }), 503)
  t.equal(status({ kind: 'repeated', settlementId: 's' }), 200)
  t.equal(status({ kind: 'unknownReference' }), 200)
  t.equal(status({ kind: 'amountMismatch', settlementId: 's' }), 200)
  t.equal(status({ kind: 'amountMismatch', settlementId: null }), 503)
  t.equal(status({ kind: 'refused', reason: 'malformed' }), 400)
})

t.test(
  'before verification a log learns the pay code and the account, and nothing of the rest of the text',
  async (t) => {
    const code = makePayCode(randomBytes(32))
    t.same(vietqr.lookup(post(aNotice({ content: `Nguyen Van A ${code}` }))), {
      merchantRef: code,
      accountHint: '113366668888',
    })
    t.same(vietqr.lookup(post('no json')), { merchantRef: null, accountHint: null })
  },
)
