/** VNPAY's side for the conformance suite, from rails.md §1. */
import {
  type Conformance,
  type ConformanceMode,
  getRequest,
  hmacHex,
  jsonAcknowledgement,
  jsonAnswer,
  type Proof,
  pairsIn,
  type SampleCallback,
  textOf,
  wallClock,
  withoutField,
} from '../conformance.ts'
import type { HttpReply, Verdict } from '../contract.ts'

const config = {
  tmnCode: 'CONFRM01',
  hashSecret: 'vnpay-secret-of-terminal-number-one',
  payUrl: 'https://vnpay.example/pay',
  apiUrl: 'https://vnpay.example/api',
  startBy: 'page' as 'page' | 'qr',
}
type Config = typeof config
const other: Config = { ...config, tmnCode: 'CONFRM02', hashSecret: 'vnpay-secret-of-terminal-number-two' }

/** rails.md §1.2, its table of characters: what `encodeURIComponent` leaves raw and VNPAY does not. */
function formEncoded(text: string): string {
  return encodeURIComponent(text)
    .replace(/%20/g, '+')
    .replace(/[!'()~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}

function signedText(fields: Readonly<Record<string, string>>): string {
  return Object.keys(fields)
    .filter((name) => /^vnp_/.test(name) && !/^vnp_SecureHash(Type)?$/.test(name) && fields[name] !== '')
    .sort()
    .map((name) => `${formEncoded(name)}=${formEncoded(fields[name] ?? '')}`)
    .join('&')
}

const proof: Proof = {
  covers: (request) => signedText(pairsIn(request)),
  carrier: { field: 'vnp_SecureHash' },
  spelling: 'hex',
  over: 'fields',
  signed: [
    'vnp_Amount',
    'vnp_BankCode',
    'vnp_BankTranNo',
    'vnp_CardType',
    'vnp_OrderInfo',
    'vnp_PayDate',
    'vnp_ResponseCode',
    'vnp_TmnCode',
    'vnp_TransactionNo',
    'vnp_TransactionStatus',
    'vnp_TxnRef',
  ],
}

function notice(
  name: string,
  reads: SampleCallback['reads'],
  [responseCode, transactionStatus]: readonly [string, string],
): SampleCallback<Config> {
  return {
    name,
    reads,
    proof,
    tellsTime: true,
    namesCurrency: true,
    send({ merchantRef, amount, currency, transaction, at }, { account, keysOf }) {
      const fields = {
        vnp_Amount: `${amount}00`,
        vnp_BankCode: 'NCB',
        vnp_BankTranNo: `VNP${transaction}`,
        vnp_CardType: 'ATM',
        vnp_OrderInfo: 'Thu phi ho so (H56.14)',
        vnp_PayDate: wallClock(at),
        vnp_ResponseCode: responseCode,
        vnp_TmnCode: account.config.tmnCode,
        vnp_TransactionNo: transaction,
        vnp_TransactionStatus: transactionStatus,
        vnp_TxnRef: merchantRef,
        ...(currency === 'VND' ? {} : { vnp_CurrCode: currency }),
      }
      const hash = hmacHex('sha512', keysOf.config.hashSecret, signedText(fields))
      return getRequest({ ...fields, vnp_SecureHash: hash })
    },
    key: ({ transaction }, account) => `${account.config.tmnCode}:${transaction}`,
  }
}

/** The table of rails.md §1.3; `97` also for everything that is wrong with the message itself. */
function acknowledge(verdict: Verdict): HttpReply {
  const codes: Record<string, readonly [string, string]> = {
    recorded: ['00', 'Confirm Success'],
    ignored: ['00', 'Confirm Success'],
    unknownReference: ['01', 'Order not found'],
    repeated: ['02', 'Order already confirmed'],
    alreadyFinal: ['02', 'Order already confirmed'],
    amountMismatch: ['04', 'Invalid amount'],
    unavailable: ['99', 'Unknown error'],
    'wrong-currency': ['99', 'Unknown error'],
    unsupported: ['99', 'Unknown error'],
  }
  const [RspCode, Message] = codes[verdict.kind === 'refused' ? verdict.reason : verdict.kind] ?? [
    '97',
    'Invalid signature',
  ]
  return jsonAcknowledgement(200, { RspCode, Message })
}

/** rails.md §1.4: a missing field leaves its place between the bars empty. A refund's answer lacks the two last ones. */
const answered =
  'vnp_ResponseId vnp_Command vnp_ResponseCode vnp_Message vnp_TmnCode vnp_TxnRef vnp_Amount vnp_BankCode vnp_PayDate vnp_TransactionNo vnp_TransactionType vnp_TransactionStatus vnp_OrderInfo vnp_PromotionCode vnp_PromotionAmount'.split(
    ' ',
  )

function answer(fields: Readonly<Record<string, string>>, { hashSecret }: Config) {
  const names = fields.vnp_Command === 'refund' ? answered.slice(0, -2) : answered
  const text = names.map((name) => fields[name] ?? '').join('|')
  return jsonAnswer({ ...fields, vnp_SecureHash: hmacHex('sha512', hashSecret, text) })
}

type Answerer = NonNullable<ConformanceMode<Config>['inquiry']>['answer']
type RefundAnswerer = NonNullable<ConformanceMode<Config>['refund']>['answer']

const answerInquiry: Answerer = (_call, finding, { telling }, { account, keysOf }) =>
  answer(
    {
      vnp_ResponseId: 'a1b2c3d4',
      vnp_Command: 'querydr',
      vnp_ResponseCode: finding === 'notFound' ? '91' : '00',
      vnp_Message: 'QueryDR',
      vnp_TmnCode: account.config.tmnCode,
      vnp_TxnRef: telling.merchantRef,
      vnp_Amount: `${telling.amount}00`,
      vnp_BankCode: 'NCB',
      vnp_PayDate: wallClock(telling.at),
      vnp_TransactionNo: telling.transaction,
      vnp_TransactionType: '01',
      vnp_TransactionStatus: { succeeded: '00', failed: '02', held: '07', stillPending: '01', notFound: '' }[finding],
      vnp_OrderInfo: 'Truy van',
    },
    keysOf.config,
  )

function answerRefund(command: 'refund' | 'querydr'): RefundAnswerer {
  return (_call, finding, { telling, refund }, { account, keysOf }) =>
    answer(
      {
        vnp_ResponseId: 'r1b2c3d4',
        vnp_Command: command,
        vnp_ResponseCode: finding === 'refused' && command === 'refund' ? '95' : finding === 'unknown' ? '99' : '00',
        vnp_Message: 'Refund',
        vnp_TmnCode: account.config.tmnCode,
        vnp_TxnRef: telling.merchantRef,
        vnp_Amount: `${refund?.amount}00`,
        vnp_PayDate: wallClock(telling.at),
        vnp_TransactionNo: '990000000001',
        vnp_TransactionType: refund?.amount === refund?.paidAmount ? '02' : '03',
        vnp_TransactionStatus: { done: '00', accepted: '05', refused: '09', unknown: '' }[finding],
        vnp_OrderInfo: 'Hoan tien',
      },
      keysOf.config,
    )
}

const unsigned = (signed: ReturnType<typeof jsonAnswer>) => withoutField(signed, 'vnp_SecureHash')

function mode(name: string, startBy: Config['startBy']): ConformanceMode<Config> {
  return {
    name,
    config: { ...config, startBy },
    other: { ...other, startBy },
    reference: /^[A-Za-z0-9]{1,100}$/,
    callbacks: [
      notice('paid', 'succeeded', ['00', '00']),
      notice('cancelled', 'failed', ['24', '02']),
      notice('unfinished', 'pending', ['00', '01']),
      notice('suspected fraud', 'held', ['07', '07']),
    ],
    acknowledge,
    start: {
      leadsTo: startBy === 'qr' ? 'qr' : 'redirect',
      told([order], account) {
        const fields = Object.fromEntries(new URL(order?.url ?? '').searchParams)
        const expected = hmacHex('sha512', account.config.hashSecret, signedText(fields))
        return {
          merchantRef: textOf(fields.vnp_TxnRef),
          amount: BigInt(textOf(fields.vnp_Amount).replace(/00$/, '')),
          description: textOf(fields.vnp_OrderInfo),
          signed: expected === fields.vnp_SecureHash && fields.vnp_TmnCode === account.config.tmnCode,
        }
      },
      ...(startBy === 'page'
        ? {}
        : {
            exchange: {
              answers: 'connection',
              nameless: true,
              findings: ['opened', 'refused'],
              answer: (_call, finding) =>
                jsonAnswer(
                  finding === 'opened'
                    ? { code: '00', message: 'Success', qrcontent: '00020101021226530010A0000007750110CONFRM01' }
                    : { code: '03', message: 'Invalid data' },
                ),
            },
          }),
    },
    inquiry: {
      answers: 'signed',
      findings: ['succeeded', 'failed', 'held', 'stillPending', 'notFound'],
      answer: answerInquiry,
      unsigned,
    },
    refund: {
      answers: 'signed',
      findings: ['done', 'accepted', 'refused', 'unknown'],
      answer: answerRefund('refund'),
      unsigned,
    },
    refundInquiry: {
      answers: 'signed',
      findings: ['done', 'accepted', 'refused', 'unknown'],
      answer: answerRefund('querydr'),
      unsigned,
    },
  }
}

export const conformance: Conformance = () => [mode('page', 'page'), mode('qr', 'qr')]
