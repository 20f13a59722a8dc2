import fc from 'fast-check'
import t from 'tap'
import type { CallbackReading } from '../../../adapters/contract.ts'
import { vnpay } from '../../../adapters/vnpay/index.ts'
import { formText, hashOf } from '../../../adapters/vnpay/signature.ts'
import { context, get, makeAccount, noticeQuery, plainNotice, secret } from './vectors.ts'

const account = makeAccount()
const read = (query: string): CallbackReading => vnpay.readCallback(get(query), account, context)
const meaningOf = (query: string): string => {
  const reading = read(query)
  return reading.kind === 'refused' ? reading.reason : reading.kind === 'outcome' ? reading.outcome.kind : reading.kind
}

t.test('a paid notice becomes an outcome', async (t) => {
  t.same(read(noticeQuery()), {
    kind: 'outcome',
    outcome: {
      rail: 'vnpay',
      accountId: 'ra_vnpay',
      merchantRef: 'INV202503100001',
      railTransactionId: 'TESTGW01:14500001',
      kind: 'succeeded',
      amount: 150_000n,
      currency: 'VND',
      paidAt: new Date('2025-03-10T02:15:02Z'),
      source: 'CALLBACK',
      evidence: Object.fromEntries(Object.entries(plainNotice).filter(([name]) => name !== 'vnp_TmnCode')),
    },
  })
})

t.test('both codes decide, and only 00 with 00 is paid', async (t) => {
  const cases: [response: string, status: string, meaning: string][] = [
    ['00', '00', 'succeeded'],
    ['00', '01', 'pending'],
    ['00', '02', 'failed'],
    ['00', '04', 'failed'],
    ['00', '07', 'held'],
    ['07', '00', 'held'],
    ['07', '07', 'held'],
    ['24', '07', 'held'],
    ['24', '02', 'failed'],
    ['51', '00', 'failed'],
    ['99', '01', 'failed'],
    ['00', '05', 'held'],
    ['00', '06', 'held'],
    ['00', '09', 'held'],
    ['00', '55', 'failed'],
  ]
  for (const [response, status, meaning] of cases) {
    const query = noticeQuery({ vnp_ResponseCode: response, vnp_TransactionStatus: status })
    t.equal(meaningOf(query), meaning, `${response} ${status}`)
  }
})

t.test('where nothing happened at VNPAY our reference is the key', async (t) => {
  const reading = read(noticeQuery({ vnp_TransactionNo: '0', vnp_ResponseCode: '24', vnp_TransactionStatus: '02' }))
  t.match(reading, { kind: 'outcome', outcome: { railTransactionId: 'INV202503100001', kind: 'failed' } })
})

t.test('a time VNPAY leaves out stays unknown', async (t) => {
  t.match(read(noticeQuery({ vnp_PayDate: '' })), { kind: 'outcome', outcome: { paidAt: null } })
})

t.test('any changed, dropped or added signed field is refused', async (t) => {
  const pairs = noticeQuery().split('&')
  for (const [index, pair] of pairs.entries()) {
    const changed = pairs.with(
      index,
      pair.replace(/.$/, (last) => (last === '1' ? '2' : '1')),
    )
    t.equal(meaningOf(changed.join('&')), 'signature', `${pair} changed`)
    t.equal(meaningOf(pairs.toSpliced(index, 1).join('&')), 'signature', `${pair} dropped`)
    const [name = ''] = pair.split('=')
    t.equal(meaningOf([...pairs, pair].join('&')), 'repeated-field', `${pair} twice`)
    t.equal(meaningOf([`${name}=1`, ...pairs].join('&')), 'repeated-field', `${name} before`)
    t.equal(meaningOf([...pairs, `${name}%5B%5D=1`].join('&')), 'repeated-field', `${name}[] after`)
  }
  t.equal(meaningOf(`${pairs.join('&')}&vnp_Extra=1`), 'signature')
  t.equal(meaningOf(noticeQuery().slice(0, -1)), 'signature', 'cut short')
  t.equal(meaningOf(''), 'signature')
})

t.test('another order, another encoding and foreign fields keep the meaning', async (t) => {
  const pairs = noticeQuery().split('&')
  const same: [string, string][] = [
    ['reversed', pairs.toReversed().join('&')],
    ['%20 for a space', noticeQuery().replaceAll('+', '%20')],
    ['letters encoded', noticeQuery().replace('=NCB', '=%4e%43%42')],
    ['hash in upper case', noticeQuery().replace(/[0-9a-f]{128}$/, (hash) => hash.toUpperCase())],
    ['hash type and empty fields', `${noticeQuery()}&vnp_SecureHashType=HmacSHA512&vnp_Bill_City=`],
    ['a proxy added its own', `utm_source=x&utm_source=y&${noticeQuery()}&__proto__=1`],
  ]
  for (const [name, query] of same) t.same(read(query), read(noticeQuery()), name)
})

t.test('Vietnamese text and characters that languages encode differently verify', async (t) => {
  for (const text of ['Nộp phí hồ sơ', "a*b~c!d'(e)", 'a+b & c=d', '100%', '😀 - _ .']) {
    t.equal(meaningOf(noticeQuery({ vnp_OrderInfo: text })), 'succeeded', text)
  }
})

t.test('a signed notice that cannot be understood is refused', async (t) => {
  const cases: [Record<string, string>, string][] = [
    [{ vnp_TmnCode: 'TESTGW02' }, 'wrong-account'],
    [{ vnp_TmnCode: '' }, 'wrong-account'],
    [{ vnp_CurrCode: 'USD' }, 'wrong-currency'],
    [{ vnp_Amount: '15000050' }, 'malformed'],
    [{ vnp_Amount: '0' }, 'malformed'],
    [{ vnp_Amount: '-15000000' }, 'malformed'],
    [{ vnp_Amount: '015000000' }, 'malformed'],
    [{ vnp_Amount: '1.5e7' }, 'malformed'],
    [{ vnp_Amount: '1000000000000000' }, 'malformed'],
    [{ vnp_Amount: '１５０００００００' }, 'malformed'],
    [{ vnp_TxnRef: '' }, 'malformed'],
    [{ vnp_TransactionNo: '0014500001' }, 'malformed'],
    [{ vnp_ResponseCode: '0' }, 'malformed'],
    [{ vnp_TransactionStatus: '' }, 'malformed'],
    [{ vnp_PayDate: '20250230091502' }, 'malformed'],
  ]
  for (const [fields, reason] of cases) t.equal(meaningOf(noticeQuery(fields)), reason, JSON.stringify(fields))
  t.equal(meaningOf(`${noticeQuery()}&x=%`), 'malformed', 'broken percent-encoding')
  t.equal(meaningOf(`${noticeQuery()}&x=%FF`), 'malformed', 'not UTF-8')
})

t.test('another secret, method or path is refused', async (t) => {
  const text = formText(Object.entries(plainNotice))
  t.equal(meaningOf(`${text}&vnp_SecureHash=${hashOf(text, `${secret}x`)}`), 'signature')
  t.equal(meaningOf(`${text}&vnp_SecureHash=`), 'signature')
  for (const change of [{ method: 'POST' }, { path: '/other' }]) {
    const reading = vnpay.readCallback({ ...get(noticeQuery()), ...change }, account, context)
    t.match(reading, { kind: 'refused', reason: 'unsupported' }, JSON.stringify(change))
  }
})

t.test('names for the log come from any request and are plain', async (t) => {
  t.same(vnpay.lookup(get(noticeQuery())), { merchantRef: 'INV202503100001', accountHint: 'TESTGW01' })
  t.same(vnpay.lookup(get('vnp_TxnRef=a%0Ab&vnp_TmnCode=')), { merchantRef: null, accountHint: null })
  t.same(vnpay.lookup(get('%')), { merchantRef: null, accountHint: null })
})

t.test('law: a mutated notice is refused or means the same', async () => {
  const original = noticeQuery()
  const meaning = read(original)
  const print = (reading: CallbackReading) =>
    JSON.stringify(reading, (_name, value) => (typeof value === 'bigint' ? `${value}` : value))
  const character = fc.constantFrom(...'0123456789abcdefABCDEFvnp_=&%+[].-')
  const edit = fc.record({
    at: fc.nat({ max: original.length - 1 }),
    drop: fc.nat({ max: 12 }),
    insert: fc.string({ unit: character, maxLength: 12 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 3 }), async (edits) => {
      let query = original
      for (const { at, drop, insert } of edits) query = query.slice(0, at) + insert + query.slice(at + drop)
      const reading = read(query)
      if (reading.kind !== 'refused' && print(reading) !== print(meaning)) throw new Error(`accepted: ${query}`)
    }),
    { numRuns: 2_000 },
  )
})
