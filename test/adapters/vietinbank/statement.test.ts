import t from 'tap'
import {
  askStatement,
  readStatement,
  type StatementTerms,
  statementCall,
  takeStatement,
} from '../../../adapters/vietinbank/statement.ts'
import { holds, makeKeys } from './bank-keys.ts'
import { context, jsonOf, keys, makeAccount } from './vectors.ts'

const bank = makeKeys()
const terms: StatementTerms = {
  url: 'https://bank.example/statement/inquiry',
  clientId: 'c',
  clientSecret: 's',
  privateKeyPem: keys.ourPrivateKeyPem,
  bankKeyPem: bank.publicKeyPem,
  signature: 'RSA-SHA256',
  providerId: 'GOVGW',
  merchantId: 'GOVGW01',
  model: '1',
  version: '1',
  signedRequestFields: ['requestId', 'providerId', 'merchantId', 'account'],
  signedAnswerFields: ['requestId', 'providerId', 'status.code'],
  timeoutMs: 30_000,
}

function answer(rows: unknown[], more: Record<string, unknown> = {}) {
  const body = {
    requestId: context.requestId,
    providerId: 'GOVGW',
    status: { code: '1' },
    account: '113366668888',
    curency: 'VND',
    openningBal: '21816502',
    closingBal: '14624492.00',
    transactions: rows,
    ...more,
  }
  const signature = bank.sign(`${body.requestId}${body.providerId}${body.status.code}`)
  return { status: 200, headers: {}, body: Buffer.from(JSON.stringify({ signature, ...body })) }
}
const row = {
  order: '1',
  transactionDate: '16-09-2021 06:00:29',
  transactionContent: 'NOP PHI',
  debit: '',
  credit: '7192010.00',
  accountBal: '14624492.00',
  transactionNumber: '1lAfM-7TLoiNEt2',
  virtualAccount: '1GOVX',
}

t.test('the call asks for whole days in both directions unless one is wanted', async (t) => {
  const call = statementCall({ account: '113366668888', from: '2025-03-01', to: '2025-03-09' }, terms, context)
  const body = jsonOf(call.body)
  t.match(body, {
    fromDate: '01/03/2025',
    toDate: '09/03/2025',
    fromTime: '00:00:00',
    toTime: '23:59:59',
    accountType: 'D',
    channel: 'ERP',
    transTime: '20250310100000',
  })
  t.notOk('collectionType' in body)
  t.ok(holds(`${context.requestId}GOVGWGOVGW01113366668888`, body.signature, keys.ourPublicKeyPem))
  t.equal(
    jsonOf(statementCall({ account: '1', from: '2025-03-01', to: '2025-03-01', only: 'credits' }, terms, context).body)
      .collectionType,
    'c',
  )
  t.throws(() => statementCall({ account: '1', from: '1/3/2025', to: '2025-03-01' }, terms, context), RangeError)
})

t.test('rows carry one direction and whole VND', async (t) => {
  const reading = readStatement(
    answer([row, { ...row, debit: '15000', credit: null, transactionNumber: 'T2' }]),
    context.requestId,
    terms,
  )
  t.match(reading, {
    kind: 'statement',
    currency: 'VND',
    opening: 21_816_502n,
    closing: 14_624_492n,
    rows: [
      { direction: 'credit', amount: 7_192_010n, bookedAt: new Date('2021-09-15T23:00:29Z'), virtualAccount: '1GOVX' },
      { direction: 'debit', amount: 15_000n, transactionNumber: 'T2' },
    ],
  })
})

t.test('one row that cannot be understood makes the statement unreadable', async (t) => {
  for (const change of [
    { credit: '1.50' },
    { debit: '1', credit: '1' },
    { credit: '' },
    { credit: '1,000' },
    { transactionDate: '2021-09-16 06:00:29' },
    { transactionDate: '31-02-2021 06:00:29' },
  ]) {
    t.match(
      readStatement(answer([row, { ...row, ...change }]), context.requestId, terms),
      { kind: 'unreadable', detail: /row 2/ },
      JSON.stringify(change),
    )
  }
})

t.test('HTTP 200 can be a refusal; unsigned and foreign answers count for nothing', async (t) => {
  t.match(readStatement(answer([], { status: { code: '0', message: 'no right' } }), context.requestId, terms), {
    kind: 'refused',
    railCode: '0',
    message: 'no right',
  })
  t.match(readStatement(answer([row], { signature: 'AAAA' }), context.requestId, terms), { kind: 'unreadable' })
  t.match(readStatement(answer([row]), 'another', terms), { kind: 'unreadable' })
  t.match(readStatement({ ...answer([row]), status: 500 }, context.requestId, terms), { kind: 'unreadable' })
})

t.test(
  'behind the contract: not offered without its config, and an answer about another account counts for nothing',
  async (t) => {
    const account = makeAccount({
      bankKeyPem: bank.publicKeyPem,
      statement: {
        url: terms.url,
        signedRequestFields: [...terms.signedRequestFields],
        signedAnswerFields: [...terms.signedAnswerFields],
      },
    })
    const span = { accountNumber: '113366668888', from: '2021-09-16', to: '2021-09-16' }
    t.same(askStatement(span, makeAccount(), context), { kind: 'done', result: { kind: 'notOffered' } })
    const step = askStatement(span, account, context)
    t.match(step, {
      kind: 'call',
      call: { url: terms.url, repeatable: true, longAnswer: true },
      state: context.requestId,
    })
    t.match(takeStatement(answer([row]), context.requestId, span, account), {
      kind: 'done',
      result: {
        kind: 'statement',
        opening: 21_816_502n,
        bookings: [
          { reference: '1lAfM-7TLoiNEt2', direction: 'CREDIT', payeeReference: '1GOVX', counterpartyName: null },
        ],
      },
    })
    t.match(takeStatement(answer([row], { account: '9' }), context.requestId, span, account), {
      result: { kind: 'unknown', detail: /account 9/ },
    })
  },
)
