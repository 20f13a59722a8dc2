import fc from 'fast-check'
import t from 'tap'
import type { CallbackReading, RawRequest } from '../../../adapters/contract.ts'
import { onepay } from '../../../adapters/onepay/index.ts'
import { context, get, makeAccount, noticeQuery, plainNotice, post, queryOf, signed } from './vectors.ts'

const account = makeAccount()
const readRequest = (request: RawRequest, config = account) => onepay.readCallback(request, config, context)
const read = (query: string): CallbackReading => readRequest(get(query))
const meaningOf = (query: string): string => {
  const reading = read(query)
  return reading.kind === 'refused' ? reading.reason : reading.kind === 'outcome' ? reading.outcome.kind : reading.kind
}

t.test('a paid notice becomes an outcome, by GET and by POST', async (t) => {
  const { vpc_Locale, vpc_Merchant, vpc_Version, ...evidence } = plainNotice
  const expected = {
    kind: 'outcome',
    outcome: {
      rail: 'onepay',
      accountId: 'ra_onepay',
      merchantRef: 'INV202503100001',
      railTransactionId: 'TESTMERCH:1625746',
      kind: 'succeeded',
      amount: 150_000n,
      currency: 'VND',
      paidAt: null,
      source: 'CALLBACK',
      evidence,
    },
  }
  t.same(read(noticeQuery()), expected)
  t.same(readRequest(post(noticeQuery())), expected)
  t.same(readRequest({ ...get(noticeQuery()), method: 'POST' }), expected, 'a POST that has its fields in the query')
  t.same(readRequest({ ...post(noticeQuery()), query: noticeQuery({ vpc_Amount: '100' }) }), expected, 'a body decides')
})

t.test('only code 0 is paid, and the account says which codes are not final', async (t) => {
  for (const [code, meaning] of Object.entries({
    '0': 'succeeded',
    '1': 'failed',
    '7': 'failed',
    '99': 'failed',
    '253': 'failed',
    B: 'failed',
    '100': 'pending',
    '300': 'pending',
  })) {
    t.equal(meaningOf(noticeQuery({ vpc_TxnResponseCode: code })), meaning, code)
  }
  const other = makeAccount({ pendingCodes: ['7'] })
  t.match(readRequest(get(noticeQuery({ vpc_TxnResponseCode: '7' })), other), { outcome: { kind: 'pending' } })
  t.match(readRequest(get(noticeQuery({ vpc_TxnResponseCode: '300' })), other), { outcome: { kind: 'failed' } })
})

t.test('where nothing happened at OnePay our reference is the key', async (t) => {
  for (const vpc_TransactionNo of ['0', '']) {
    const reading = read(noticeQuery({ vpc_TransactionNo, vpc_TxnResponseCode: '99' }))
    t.match(reading, { kind: 'outcome', outcome: { railTransactionId: 'INV202503100001', kind: 'failed' } })
  }
})

t.test('any changed, dropped, added or repeated signed field is refused', async (t) => {
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
    t.equal(meaningOf([...pairs, `${name}%5B%5D=1`].join('&')), 'repeated-field', `${name}[] after`)
  }
  t.equal(meaningOf(`${pairs.join('&')}&vpc_Extra=1`), 'signature')
  t.equal(meaningOf(`${pairs.join('&')}&user_Extra=1`), 'signature')
  t.equal(meaningOf(noticeQuery().slice(0, -1)), 'signature', 'cut short')
  t.equal(meaningOf(''), 'signature')
})

t.test(
  'a hash that holds for other fields too is refused: fields joined, fields cut, fields hidden in a name',
  async (t) => {
    const fields: Record<string, string> = Object.fromEntries(new URLSearchParams(noticeQuery()))
    const { vpc_OrderInfo, vpc_TransactionNo, vpc_TxnResponseCode, ...rest } = fields
    const joined = `${vpc_OrderInfo}&vpc_TransactionNo=${vpc_TransactionNo}`
    t.equal(meaningOf(queryOf({ ...rest, vpc_TxnResponseCode: '0', vpc_OrderInfo: joined })), 'signature', 'joined')
    const name = `vpc_OrderInfo=${vpc_OrderInfo}&vpc_TransactionNo`
    const hidden = { ...rest, vpc_TxnResponseCode: '0', [name]: vpc_TransactionNo ?? '' }
    t.equal(meaningOf(queryOf(hidden)), 'signature', 'hidden')
    t.equal(meaningOf(noticeQuery({ vpc_Message: 'no&vpc_TxnResponseCode=0' })), 'signature', 'cut')
    t.equal(meaningOf(noticeQuery({ vpc_Message: 'A & B = C' })), 'succeeded', 'no field could hide in this one')
  },
)

t.test('another order, another encoding and foreign fields keep the meaning', async (t) => {
  const query = noticeQuery({ vpc_Message: 'Giao dịch thành công' })
  const same: [string, string][] = [
    ['reversed', query.split('&').toReversed().join('&')],
    ['%20 for a space', query.replaceAll('+', '%20')],
    ['hash in lower case', query.replace(/[0-9A-F]{64}/, (hash) => hash.toLowerCase())],
    ['hash type and empty fields', `${query}&vpc_SecureHashType=SHA256&vpc_Card=`],
    ['foreign fields', `utm=x&utm=y&AgainLink=z&${query}`],
  ]
  for (const [name, text] of same) t.same(read(text), read(query), name)
})

t.test('a signed notice that cannot be understood is refused', async (t) => {
  const cases: [Record<string, string>, string][] = [
    [{ vpc_Merchant: 'OTHER' }, 'wrong-account'],
    [{ vpc_Merchant: '' }, 'wrong-account'],
    [{ vpc_CurrencyCode: 'USD' }, 'wrong-currency'],
    [{ vpc_CurrencyCode: '', vpc_Currency: 'USD' }, 'wrong-currency'],
    [{ vpc_Command: '' }, 'malformed'],
    [{ vpc_Amount: '15000050' }, 'malformed'],
    [{ vpc_Amount: '0' }, 'malformed'],
    [{ vpc_Amount: '' }, 'malformed'],
    [{ vpc_Amount: '015000000' }, 'malformed'],
    [{ vpc_Amount: '150000.00' }, 'malformed'],
    [{ vpc_MerchTxnRef: '' }, 'malformed'],
    [{ vpc_TxnResponseCode: '' }, 'malformed'],
    [{ vpc_TxnResponseCode: '0 ' }, 'malformed'],
    [{ vpc_TransactionNo: 'a b' }, 'malformed'],
    [{ vpc_Command: 'refund' }, 'ignored'],
  ]
  for (const [fields, meaning] of cases) t.equal(meaningOf(noticeQuery(fields)), meaning, JSON.stringify(fields))
  t.equal(meaningOf(`${noticeQuery()}&x=%`), 'malformed', 'broken percent-encoding')
  t.equal(meaningOf(`${noticeQuery()}&x=%FF`), 'malformed', 'not UTF-8')
})

t.test('another key, method or path is refused', async (t) => {
  const stranger = makeAccount({ hashKey: 'A1B2C3D4E5F60718293A4B5C6D7E8F91' })
  t.match(readRequest(get(noticeQuery()), stranger), { reason: 'signature' })
  t.equal(meaningOf(queryOf(plainNotice)), 'signature', 'no hash')
  for (const change of [{ method: 'PUT' }, { path: '/other' }]) {
    t.match(readRequest({ ...get(noticeQuery()), ...change }), { reason: 'unsupported' }, JSON.stringify(change))
  }
})

t.test('card numbers and fields of the payer are no evidence', async (t) => {
  const secretive = { vpc_CardNum: '400555xxxxxxx0001', vpc_CustomerName: 'A', user_Phone: '0900000000' }
  t.same(read(signed({ ...plainNotice, ...secretive })), read(noticeQuery()))
})

t.test('acknowledgements: recorded once and for all, or called again', async (t) => {
  const ok = 'responsecode=1&desc=confirm-success'
  const again = 'responsecode=0&desc=confirm-fail'
  const settlementId = 'stl_1'
  const cases = [
    [{ kind: 'recorded', settlementId }, ok],
    [{ kind: 'repeated', settlementId }, ok],
    [{ kind: 'alreadyFinal', settlementId }, ok],
    [{ kind: 'ignored' }, ok],
    [{ kind: 'amountMismatch', settlementId: null }, again],
    [{ kind: 'unknownReference' }, again],
    [{ kind: 'refused', reason: 'repeated-field' }, again],
    [{ kind: 'refused', reason: 'wrong-account' }, again],
    [{ kind: 'unavailable' }, again],
  ] as const
  for (const [verdict, body] of cases) {
    t.same(
      onepay.acknowledge(verdict, get(''), account, context),
      { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body },
      JSON.stringify(verdict),
    )
  }
})

t.test('names for the log come from any request and are plain', async (t) => {
  t.same(onepay.lookup(get(noticeQuery())), { merchantRef: 'INV202503100001', accountHint: 'TESTMERCH' })
  t.same(onepay.lookup(post(noticeQuery())), { merchantRef: 'INV202503100001', accountHint: 'TESTMERCH' })
  t.same(onepay.lookup(get('vpc_MerchTxnRef=a%0Ab')), { merchantRef: null, accountHint: null })
  t.same(onepay.lookup(get('%')), { merchantRef: null, accountHint: null })
})

t.test('law: a mutated notice is refused or means the same', async () => {
  const original = noticeQuery()
  const print = (reading: CallbackReading) =>
    JSON.stringify(reading, (_name, value) => (typeof value === 'bigint' ? `${value}` : value))
  const meaning = print(read(original))
  const piece = fc.oneof(
    fc.string({ unit: fc.constantFrom(...'0123456789abcdefABCDEFvpc_=&%+[].-'), maxLength: 12 }),
    fc.constantFrom('%26', '%3D', '&vpc_', '%26vpc_Amount%3D1', 'user_', '%00'),
  )
  const edit = fc.record({ at: fc.nat({ max: original.length - 1 }), drop: fc.nat({ max: 12 }), insert: piece })
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 3 }), async (edits) => {
      let query = original
      for (const { at, drop, insert } of edits) query = query.slice(0, at) + insert + query.slice(at + drop)
      const reading = read(query)
      if (reading.kind !== 'refused' && print(reading) !== meaning) throw new Error(`accepted: ${query}`)
    }),
    { numRuns: 2_000 },
  )
})

t.test('law: two sets of fields with one signed text are never both accepted', async () => {
  // Every way to join neighbours of a notice into one value keeps the signed text, and with it the hash.
  const pairs = Object.entries(plainNotice).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const hash = new URLSearchParams(noticeQuery()).get('vpc_SecureHash') ?? ''
  await fc.assert(
    fc.asyncProperty(
      fc.subarray(
        pairs.slice(1).map(([name]) => name),
        { minLength: 1 },
      ),
      async (joined) => {
        const fields: [string, string][] = []
        for (const [name, value] of pairs) {
          const last = fields.at(-1)
          if (joined.includes(name) && last !== undefined) last[1] += `&${name}=${value}`
          else fields.push([name, value])
        }
        const query = queryOf(Object.fromEntries([...fields, ['vpc_SecureHash', hash]]))
        if (read(query).kind !== 'refused') throw new Error(`accepted: ${query}`)
      },
    ),
  )
})
