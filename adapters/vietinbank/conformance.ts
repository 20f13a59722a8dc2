/** The bank's side for the conformance suite, from rails.md §3.1 and §3.3. */
import {
  type Conformance,
  type ConformanceKeys,
  type ConformanceMode,
  jsonAnswer,
  objectIn,
  railKeyOf,
  rsaBase64,
  textOf,
  withoutField,
} from '../conformance.ts'
import type { HttpCall } from '../contract.ts'
import { creditNotice, digestOf, noticeAnswer } from './conformance-notice.ts'

function configs(keys: ConformanceKeys) {
  const first = {
    signature: 'RSA-SHA256',
    privateKeyPem: keys.ours.privateKeyPem,
    bankKeyPem: keys.rail.publicKeyPem,
    noticeProviderId: '9111',
    receivingAccounts: ['113366668888'],
    vacPrefix: '1GOV',
    duplicateAck: '00',
    baseUrl: 'https://vietinbank.example/v1/ewallet',
    clientId: 'vietinbank-client-one',
    clientSecret: 'vietinbank-client-secret-one',
    providerId: 'CONFORMGW',
    merchantId: 'CONFORM01',
    verifyBy: 'OTPPAY',
    queryType: 'PAY',
  }
  const second = {
    ...first,
    bankKeyPem: keys.otherRail.publicKeyPem,
    noticeProviderId: '9222',
    receivingAccounts: ['224477779999'],
    vacPrefix: '2GOV',
    clientSecret: 'vietinbank-client-secret-two',
    merchantId: 'CONFORM02',
  }
  return { first, second }
}
type Config = ReturnType<typeof configs>['first']

/** rails.md §3.3, its table. */
const orders = {
  paymentByOTP:
    'token tokenIssueDate amount currencyCode transTime clientIP payMethod goodsType billNo remark providerId merchantId channel version language mac',
  verifyPin:
    'otp verifyTransactionId verifyBy transTime clientIP requestId providerId merchantId channel version language mac',
  transactionInquiry: 'queryTransactionId queryType providerId merchantId channel version language mac',
}

/** Longest values by rails.md §3.3. */
const longest: Readonly<Record<string, number>> = {
  token: 20,
  tokenIssueDate: 6,
  amount: 30,
  currencyCode: 30,
  payMethod: 30,
  goodsType: 30,
  billNo: 30,
  mac: 30,
  transTime: 14,
  remark: 100,
  requestId: 12,
  channel: 15,
  language: 3,
  clientIP: 16,
}

function mode(name: string, changes: Partial<Config>, keys: ConformanceKeys): ConformanceMode<Config> {
  const { first, second } = configs(keys)
  /** Any answer: request id, provider, merchant and status code are signed. */
  const answer = (call: HttpCall, code: string, more: object, to: Config, keysOf: Config, asked?: string) => {
    const requestId = asked ?? textOf(objectIn(call.body ?? '').requestId)
    const { providerId, merchantId } = to
    const text = requestId + providerId + merchantId + code
    const signature = rsaBase64(digestOf(keysOf), text, railKeyOf(keysOf.bankKeyPem, keys))
    return jsonAnswer({ providerId, merchantId, requestId, status: { code, message: 'ok' }, signature, ...more })
  }
  const unsigned = (signed: ReturnType<typeof jsonAnswer>) => withoutField(signed, 'signature')
  const key = ({ transaction }: { transaction: string }, { config }: { config: { noticeProviderId: string } }) =>
    `${config.noticeProviderId}:${transaction}`
  return {
    name,
    config: { ...first, ...changes },
    other: { ...second, ...changes },
    reference: /^\d{12}$/,
    callbacks: [
      creditNotice(
        { name: 'credit to a virtual account', reads: 'succeeded', names: 'payCode', key },
        { custCode: ({ vacPrefix }, payCode) => vacPrefix + payCode, remark: (_ref, payCode) => `CT DEN ${payCode}` },
        keys,
      ),
      creditNotice(
        {
          name: 'credit of a payment with code',
          reads: 'succeeded',
          // The money its confirmation told of: one key for both.
          key: ({ merchantRef }) => merchantRef,
        },
        { remark: (merchantRef) => `${merchantRef} NOP PHI` },
        keys,
        '/api/v1/notify-bill',
      ),
      creditNotice({ name: 'debit', reads: 'ignored', key }, { transType: 'D' }, keys),
    ],
    acknowledge: (verdict, telling, account) => noticeAnswer(verdict, telling?.transaction ?? '', account, keys),
    start: {
      leadsTo: 'otpChallenge',
      payerInput: { token: '9704150000001234', tokenIssueDate: '032025' },
      exchange: {
        answers: 'signed',
        findings: ['opened', 'refused'],
        answer: (call, finding, { telling }, { account, keysOf }) =>
          answer(
            call,
            finding === 'opened' ? '00' : '20',
            {},
            account.config,
            keysOf.config,
            // The payment's request id is our reference.
            telling.merchantRef,
          ),
        unsigned,
      },
      told([order], account) {
        const fields = objectIn(order?.body ?? '')
        const text = orders.paymentByOTP
          .split(' ')
          .map((field) => textOf(fields[field]))
          .join('')
        const fits = Object.entries(longest).every(([field, length]) => textOf(fields[field]).length <= length)
        return {
          merchantRef: textOf(fields.requestId),
          amount: BigInt(textOf(fields.amount)),
          // Behind our reference, by which the credit notice of this very debit is recognised.
          description: textOf(fields.remark).replace(`${textOf(fields.requestId)} `, ''),
          signed: fits && fields.signature === rsaBase64(digestOf(account.config), text, keys.ours),
        }
      },
    },
    confirm: {
      answers: 'signed',
      findings: ['succeeded', 'wrongCode', 'unknown'],
      answer(call, finding, { telling }, { account, keysOf }) {
        const code = { succeeded: '00', wrongCode: '13', refused: '21', unknown: '77' }[finding]
        return answer(call, code, { bankTransactionId: telling.transaction }, account.config, keysOf.config)
      },
      unsigned,
    },
    inquiry: {
      answers: 'signed',
      findings: ['succeeded', 'stillPending'],
      answer(call, finding, { telling }, { account, keysOf }) {
        const code = finding === 'succeeded' ? '00' : '77'
        return answer(call, code, { bankTransactionId: telling.transaction }, account.config, keysOf.config)
      },
      unsigned,
    },
  }
}

export const conformance: Conformance = (keys) => [
  mode('RSA-SHA256', {}, keys),
  mode('RSA-SHA1 (legacy), repeats answered 05', { signature: 'RSA-SHA1(legacy)', duplicateAck: '05' }, keys),
]
