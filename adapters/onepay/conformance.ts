/** OnePay's side for the conformance suite, from rails.md §4.2. */
import {
  type Conformance,
  type ConformanceMode,
  formRequest,
  getRequest,
  hmacHex,
  type Proof,
  pairsIn,
  type SampleCallback,
  textAnswer,
  textOf,
} from '../conformance.ts'
import type { HttpAnswer, HttpReply, Verdict } from '../contract.ts'

const shared = {
  payUrl: 'https://onepay.example/pay',
  queryUrl: 'https://onepay.example/query',
  refundUrl: 'https://onepay.example/refund',
  queryUser: 'op01',
}
const first = {
  ...shared,
  merchant: 'CONFORM1',
  accessCode: 'ACCESS01',
  hashKey: 'A1B2C3D4E5F60718293A4B5C6D7E8F90',
  queryPassword: 'onepay-query-password-one',
}
const second = {
  ...shared,
  merchant: 'CONFORM2',
  accessCode: 'ACCESS02',
  hashKey: '0F1E2D3C4B5A69788796A5B4C3D2E1F0',
  queryPassword: 'onepay-query-password-two',
}
type Profile = 'domestic' | 'international' | 'unified'
type Config = typeof first & { readonly profile: Profile }
type Fields = Readonly<Record<string, string>>

function signedText(fields: Fields): string {
  return Object.entries(fields)
    .filter(([name, value]) => /^(?:vpc_|user_)/.test(name) && !/^vpc_SecureHash(Type)?$/.test(name) && value !== '')
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

/** The hash key is hexadecimal and counts decoded; the hash is written in upper case. */
function hash(fields: Fields, { hashKey }: Config): string {
  return hmacHex('sha256', Buffer.from(hashKey, 'hex'), signedText(fields)).toUpperCase()
}

const proof: Proof = {
  covers: (request) => signedText(pairsIn(request)),
  carrier: { field: 'vpc_SecureHash' },
  spelling: 'hex',
  over: 'fields',
  signed: [
    'vpc_Amount',
    'vpc_Command',
    'vpc_CurrencyCode',
    'vpc_Locale',
    'vpc_MerchTxnRef',
    'vpc_Merchant',
    'vpc_Message',
    'vpc_OrderInfo',
    'vpc_TransactionNo',
    'vpc_TxnResponseCode',
    'vpc_Version',
  ],
}

function notice(
  name: string,
  reads: SampleCallback['reads'],
  said: { readonly code: string; readonly command?: string; readonly method?: 'GET' | 'POST' },
): SampleCallback<Config> {
  return {
    name,
    reads,
    proof,
    namesCurrency: true,
    send({ merchantRef, amount, currency, transaction }, { account, keysOf }) {
      const fields = {
        vpc_Amount: `${amount}00`,
        vpc_Command: said.command ?? 'pay',
        vpc_CurrencyCode: currency,
        vpc_Locale: 'vn',
        vpc_MerchTxnRef: merchantRef,
        vpc_Merchant: account.config.merchant,
        vpc_Message: 'Đã ghi nhận',
        vpc_OrderInfo: 'Thu phi ho so',
        vpc_TransactionNo: transaction,
        vpc_TxnResponseCode: said.code,
        vpc_Version: '2',
      }
      const signed = { ...fields, vpc_SecureHash: hash(fields, keysOf.config) }
      return said.method === 'POST' ? formRequest(signed) : getRequest(signed)
    },
    key: ({ transaction }, account) => `${account.config.merchant}:${transaction}`,
  }
}

/** rails.md §4.2: HTTP 200, `text/plain`; confirmed when it is on record now or was before. */
function acknowledge(verdict: Verdict): HttpReply {
  const confirmed = ['recorded', 'repeated', 'alreadyFinal', 'ignored'].includes(verdict.kind)
  return {
    status: 200,
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    body: confirmed ? 'responsecode=1&desc=confirm-success' : 'responsecode=0&desc=confirm-fail',
  }
}

function answer(fields: Fields, config: Config): HttpAnswer {
  return textAnswer(String(new URLSearchParams({ ...fields, vpc_SecureHash: hash(fields, config) })))
}

function unsigned(signed: HttpAnswer): HttpAnswer {
  const fields = new URLSearchParams(Buffer.from(signed.body).toString('utf8'))
  fields.delete('vpc_SecureHash')
  return textAnswer(String(fields), signed.status)
}

function asked(call: { readonly url: string; readonly body?: string }): URLSearchParams {
  return new URLSearchParams(call.body ?? new URL(call.url).search)
}

function mode(profile: Profile): ConformanceMode<Config> {
  const codes = { succeeded: '0', failed: '1', held: '1', stillPending: '300', notFound: '' }
  const refundCodes = { done: '0', accepted: '300', refused: '5', unknown: '99' }
  return {
    name: profile,
    config: { ...first, profile },
    other: { ...second, profile },
    reference: /^[A-Za-z0-9]{1,34}$/,
    callbacks: [
      notice('paid', 'succeeded', { code: '0' }),
      notice('paid, by POST', 'succeeded', { code: '0', method: 'POST' }),
      notice('cancelled', 'failed', { code: '99' }),
      notice('pending at the bank', 'pending', { code: '300' }),
      notice('a refund', 'ignored', { code: '0', command: 'refund' }),
    ],
    acknowledge,
    start: {
      leadsTo: 'redirect',
      told([order], account) {
        const fields = Object.fromEntries(new URL(order?.url ?? '').searchParams)
        const currency = profile === 'international' ? undefined : 'VND'
        return {
          merchantRef: textOf(fields.vpc_MerchTxnRef),
          amount: BigInt(textOf(fields.vpc_Amount).replace(/00$/, '')),
          description: textOf(fields.vpc_OrderInfo),
          signed: fields.vpc_SecureHash === hash(fields, account.config) && fields.vpc_Currency === currency,
        }
      },
    },
    inquiry: {
      answers: 'signed',
      findings: ['succeeded', 'failed', 'stillPending', 'notFound'],
      answer: (_call, finding, { telling }, { account, keysOf }) =>
        answer(
          {
            vpc_DRExists: finding === 'notFound' ? 'N' : 'Y',
            vpc_Command: 'queryDR',
            vpc_Merchant: account.config.merchant,
            vpc_MerchTxnRef: telling.merchantRef,
            vpc_Amount: `${telling.amount}00`,
            vpc_TransactionNo: telling.transaction,
            vpc_TxnResponseCode: codes[finding],
          },
          keysOf.config,
        ),
      unsigned,
    },
    refund: {
      answers: 'signed',
      findings: ['done', 'accepted', 'refused', 'unknown'],
      answer: (call, finding, { telling, refund }, { account, keysOf }) =>
        answer(
          {
            vpc_Command: 'refund',
            vpc_Merchant: account.config.merchant,
            vpc_MerchTxnRef: textOf(asked(call).get('vpc_MerchTxnRef')),
            vpc_OrgMerchTxnRef: telling.merchantRef,
            vpc_Amount: `${refund?.amount}00`,
            vpc_TransactionNo: '880000000001',
            vpc_TxnResponseCode: refundCodes[finding],
          },
          keysOf.config,
        ),
      unsigned,
    },
    refundInquiry: {
      answers: 'signed',
      findings: ['done', 'accepted', 'refused', 'unknown'],
      answer: (call, finding, { telling, refund }, { account, keysOf }) =>
        answer(
          {
            vpc_DRExists: 'Y',
            vpc_Merchant: account.config.merchant,
            vpc_MerchTxnRef: textOf(asked(call).get('vpc_MerchTxnRef')),
            vpc_OrgMerchTxnRef: telling.merchantRef,
            vpc_Amount: `${refund?.amount}00`,
            vpc_TransactionNo: '880000000001',
            vpc_TxnResponseCode: refundCodes[finding],
          },
          keysOf.config,
        ),
      unsigned,
    },
  }
}

export const conformance: Conformance = () => [mode('domestic'), mode('international'), mode('unified')]
