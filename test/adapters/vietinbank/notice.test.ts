import fc from 'fast-check'
import t from 'tap'
import type { CallbackReading } from '../../../adapters/contract.ts'
import { vietinbank } from '../../../adapters/vietinbank/index.ts'
import { noticePaths, noticeText } from '../../../adapters/vietinbank/notice.ts'
import { paymentReference } from '../../../adapters/vietinbank/reference.ts'
import { makePayCode } from '../../../src/domain/pay-code.ts'
import { makeKeys } from './bank-keys.ts'
import { context, jsonOf, makeAccount, post, vectorsOf } from './vectors.ts'

const [fullPath = '', shortPath = ''] = noticePaths
const bank = makeKeys()
const account = makeAccount({ bankKeyPem: bank.publicKeyPem })
const payCode = makePayCode(Uint8Array.from({ length: 32 }, (_, index) => index * 7))
const otherPayCode = makePayCode(Uint8Array.from({ length: 32 }, (_, index) => index * 5 + 3))

const plainNotice = {
  msgId: 'm-1',
  providerId: '9111',
  transId: '501690999',
  transTime: '20250310091502',
  transType: '3',
  custCode: `1GOV${payCode}`,
  recvAcctId: '113366668888',
  recvVirtualAcctId: `1GOV${payCode}`,
  sendAcctId: '10987654321',
  bankTransId: '164T25069AAAA01',
  amount: '150000',
  remark: 'CT DEN:164T25069AAAA01 NOP PHI',
  currencyCode: 'VND',
}

function notice(overrides: Record<string, unknown> = {}): Record<string, unknown> {
  const body: Record<string, unknown> = { ...plainNotice, ...overrides }
  return { signature: bank.sign(noticeText(body) ?? ''), ...body }
}

function read(body: unknown, path = fullPath): CallbackReading {
  return vietinbank.readCallback(post(path, body), account, context)
}

function outcomeOf(reading: CallbackReading) {
  if (reading.kind !== 'outcome') throw new Error(`expected an outcome, got ${JSON.stringify(reading)}`)
  return reading.outcome
}

function reasonOf(reading: CallbackReading): string {
  return reading.kind === 'refused' ? reading.reason : reading.kind
}

t.test('published vectors: accepted and refused as listed, and the signed text is theirs', async (t) => {
  for (const vector of vectorsOf('notify-verify')) {
    const body = vector.input.body
    t.equal(noticeText(jsonOf(JSON.stringify(body))), vector.expected.canonical, `${vector.id} signed text`)
    for (const path of noticePaths) {
      const reading = vietinbank.readCallback(post(path, body), makeAccount(), context)
      const expected = vector.expected.verdict === 'accept' ? 'outcome' : 'signature'
      t.equal(reasonOf(reading), expected, `${vector.id} (${vector.note}) at ${path}`)
    }
  }
})

t.test('the legacy digest is accepted only where it is configured, and then the other one is not', async (t) => {
  const legacy = makeAccount({ signature: 'RSA-SHA1(legacy)' })
  const sha1 = vectorsOf('notify-verify').find(({ note }) => note.startsWith('SHA1'))
  const sha256 = vectorsOf('notify-verify')[0]
  t.equal(vietinbank.readCallback(post(fullPath, sha1?.input.body), legacy, context).kind, 'outcome')
  t.equal(reasonOf(vietinbank.readCallback(post(fullPath, sha256?.input.body), legacy, context)), 'signature')
})

t.test('a credit to a virtual account names the pay code behind the prefix', async (t) => {
  const outcome = outcomeOf(read(notice(), shortPath))
  t.match(outcome, {
    rail: 'vietinbank',
    accountId: 'ra_vietinbank',
    merchantRef: payCode,
    railTransactionId: '9111:501690999',
    kind: 'succeeded',
    amount: 150_000n,
    currency: 'VND',
    paidAt: new Date('2025-03-10T02:15:02Z'),
    source: 'CALLBACK',
  })
  t.equal(outcome.evidence.sendAcctId, '****4321', 'the sender is masked')
  t.notOk('signature' in outcome.evidence)
})

t.test('without a customer code the remark decides', async (t) => {
  const reference = paymentReference(42n)
  const refOf = (remark: string) => outcomeOf(read(notice({ custCode: '', recvVirtualAcctId: '', remark }))).merchantRef
  t.equal(refOf(`CT DEN ${payCode} nop phi`), payCode)
  t.equal(refOf(`CT DEN ${payCode.slice(0, 5)} ${payCode.slice(5)}`), payCode, 'a space put in by the bank')
  t.equal(refOf(`${payCode} ${otherPayCode}`), null, 'two codes name none')
  t.equal(refOf('NOP PHI 001199000001'), null, 'a personal id is no reference')
  t.equal(refOf(`${reference} NOP PHI ${payCode}`), reference, 'our attempt wins over the bill it pays')
})

t.test('a customer code that is none of ours names no invoice, whatever the remark says', async (t) => {
  const reference = paymentReference(42n)
  const good = notice({ custCode: '', amount: '150000', remark: `${reference} NOP PHI ${payCode}` })
  t.equal(outcomeOf(read(good)).merchantRef, reference)
  // The first digit of the amount moved before it: the same signed text.
  const moved = outcomeOf(read({ ...good, custCode: '1', amount: '50000' }))
  t.equal(moved.merchantRef, null)
  t.equal(moved.railTransactionId, '9111:501690999', 'nor does it take the key of the confirmation')
  const code = notice({ custCode: `1GOV${payCode}`, amount: '150000', remark: payCode })
  t.equal(outcomeOf(read({ ...code, custCode: `1GOV${payCode}1`, amount: '50000' })).merchantRef, null)
})

t.test('the credit notice of a payment with code has the key of its confirmation', async (t) => {
  const reference = paymentReference(42n)
  const outcome = outcomeOf(read(notice({ custCode: '', recvVirtualAcctId: '', remark: `${reference} NOP PHI` })))
  t.equal(outcome.railTransactionId, reference)
})

t.test('what is signed but not for us or not understood is refused with its reason', async (t) => {
  const cases: [string, Record<string, unknown>, string][] = [
    ['another provider', { providerId: '9112' }, 'wrong-account'],
    ['another currency', { currencyCode: 'USD' }, 'wrong-currency'],
    ['another receiving account', { recvAcctId: '999999999999' }, 'wrong-account'],
    ['another virtual account', { recvVirtualAcctId: '2XXXABC' }, 'wrong-account'],
    ['a debit', { transType: 'D' }, 'ignored'],
    ['an unknown type', { transType: 'X' }, 'unsupported'],
    ['no amount', { amount: '' }, 'malformed'],
    ['zero', { amount: '0' }, 'malformed'],
    ['leading zero', { amount: '0150000' }, 'malformed'],
    ['a fraction', { amount: '150000.00' }, 'malformed'],
    ['a sign', { amount: '-150000' }, 'malformed'],
    ['no such day', { transTime: '20250230091502' }, 'malformed'],
    ['the day after tomorrow', { transTime: '20250312200000' }, 'malformed'],
    ['no transaction id', { transId: '' }, 'malformed'],
  ]
  for (const [name, overrides, expected] of cases) t.equal(reasonOf(read(notice(overrides))), expected, name)
})

t.test('unknown extra fields and null optional fields are let through', async (t) => {
  t.equal(read(notice({ bankTransId: null, sendBankId: null, extra: { deep: [1] } })).kind, 'outcome')
})

t.test('a body two readers could understand differently is refused', async (t) => {
  const text = JSON.stringify(notice())
  t.equal(reasonOf(read(text.replace('{', '{"amount":"1",'))), 'repeated-field')
  t.equal(reasonOf(read(text.replace('{', '{"\\u0061mount":"1",'))), 'repeated-field', 'the same name, escaped')
  t.equal(reasonOf(read(text.replace('{', '{"__proto__":{},'))), 'malformed')
  t.equal(reasonOf(read(text.slice(0, -1))), 'malformed', 'cut short')
  t.equal(reasonOf(read(`[${text}]`)), 'malformed')
  t.equal(reasonOf(read(notice({ amount: 150000 }))), 'malformed', 'a number where text belongs')
  const latin1 = { ...post(fullPath, ''), body: Buffer.from(text.replace('NOP', 'N\u00d4P'), 'latin1') }
  t.equal(reasonOf(vietinbank.readCallback(latin1, account, context)), 'malformed')
})

t.test('other order of fields and other white space do not matter', async (t) => {
  const reversed = Object.fromEntries(Object.entries(notice()).reverse())
  t.equal(read(JSON.stringify(reversed, null, 3)).kind, 'outcome')
})

t.test('changing any one signed field is refused', async (t) => {
  const good = notice()
  for (const name of ['transId', 'transTime', 'custCode', 'amount', 'bankTransId', 'remark']) {
    t.equal(reasonOf(read({ ...good, [name]: `${good[name]}1` })), 'signature', name)
    const { [name]: _, ...without } = good
    t.equal(reasonOf(read(without)), 'signature', `${name} left out`)
  }
})

t.test('a signature has one spelling', async (t) => {
  const good = notice()
  const signature = String(good.signature)
  for (const spelt of [
    '',
    `${signature} `,
    `${signature}=`,
    signature.replace(/=+$/, ''),
    `\n${signature}`,
    'AAAA',
    signature.slice(4),
  ]) {
    t.equal(reasonOf(read({ ...good, signature: spelt })), 'signature', JSON.stringify(spelt.slice(0, 8)))
  }
})

t.test('other paths and methods are not served', async (t) => {
  t.equal(reasonOf(read(notice(), '/api/v2/notify-bill')), 'unsupported')
  t.equal(
    reasonOf(vietinbank.readCallback({ ...post(fullPath, notice()), method: 'PUT' }, account, context)),
    'unsupported',
  )
})

t.test('law: a mutated body is never accepted as other money, whoever moves digits between neighbours', async () => {
  const good = notice()
  const meant = outcomeOf(read(good))
  const names = ['transId', 'transTime', 'custCode', 'amount', 'bankTransId', 'remark'] as const
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...names),
      fc.oneof(
        fc.record({ kind: fc.constant('replace' as const), at: fc.nat(40), text: fc.string({ maxLength: 3 }) }),
        fc.record({
          kind: fc.constant('shift' as const),
          at: fc.integer({ min: 1, max: 14 }),
          text: fc.constantFrom('left', 'right'),
        }),
      ),
      async (name, change) => {
        const body = { ...good }
        const value = String(body[name])
        if (change.kind === 'replace') body[name] = value.slice(0, change.at) + change.text + value.slice(change.at + 1)
        else {
          const next = names[names.indexOf(name) + 1]
          if (next === undefined) return
          const joined = value + String(body[next])
          const cut = value.length + (change.text === 'left' ? -change.at : change.at)
          body[name] = joined.slice(0, Math.max(0, cut))
          body[next] = joined.slice(Math.max(0, cut))
        }
        const reading = read(body)
        if (reading.kind !== 'outcome') return
        const { merchantRef, railTransactionId, paidAt, amount } = reading.outcome
        if (railTransactionId !== meant.railTransactionId || paidAt?.getTime() !== meant.paidAt?.getTime())
          throw new Error('other transaction')
        // The amount has no guard of its own against what follows it (rails.md §3): there the invoice's amount decides.
        const neighbour = change.kind === 'shift' && (name === 'amount' || name === 'custCode')
        if (!neighbour && amount !== meant.amount) throw new Error('other amount')
        if (merchantRef !== meant.merchantRef && merchantRef !== null) throw new Error('other bill')
      },
    ),
    { numRuns: 400 },
  )
})

t.test('law: the signed text cut at other places never becomes another transaction or another bill', async () => {
  const good = notice({ transId: 'FT2025031', custCode: `1GOV${payCode}` })
  const meant = outcomeOf(read(good))
  const names = ['transId', 'transTime', 'custCode', 'amount', 'bankTransId', 'remark'] as const
  const whole = names.map((name) => String(good[name])).join('')
  const ends = names.map((_, index) =>
    names.slice(0, index + 1).reduce((length, name) => length + String(good[name]).length, 0),
  )
  const move = fc.integer({ min: -4, max: 4 })
  await fc.assert(
    fc.asyncProperty(fc.boolean(), move, fc.tuple(move, move, move, move, move), async (together, by, moves) => {
      const body: Record<string, unknown> = { ...good }
      let from = 0
      for (const [index, name] of names.entries()) {
        const shift = index === names.length - 1 ? 0 : together ? by : (moves[index] ?? 0)
        const to = Math.max(from, (ends[index] ?? 0) + shift)
        body[name] = whole.slice(from, to)
        from = to
      }
      const reading = read(body)
      if (reading.kind !== 'outcome') return
      const { merchantRef, railTransactionId } = reading.outcome
      if (railTransactionId !== meant.railTransactionId) throw new Error('other transaction')
      if (merchantRef !== meant.merchantRef && merchantRef !== null) throw new Error('other bill')
    }),
    {
      numRuns: 3000,
      examples: [
        [true, 1, [0, 0, 0, 0, 0]],
        [true, -1, [0, 0, 0, 0, 0]],
      ],
    },
  )
})

t.test('law: no random body is accepted', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      const reading = vietinbank.readCallback({ ...post(fullPath, ''), body: bytes }, account, context)
      if (reading.kind !== 'refused') throw new Error('accepted')
    }),
  )
})

t.test('a look before verification names what the notice claims and never fails', async (t) => {
  t.same(vietinbank.lookup(post(fullPath, plainNotice)), { merchantRef: `1GOV${payCode}`, accountHint: '9111' })
  t.same(vietinbank.lookup(post(fullPath, 'x')), { merchantRef: null, accountHint: null })
})
