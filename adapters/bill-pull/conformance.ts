/** Banks' side for the conformance suite: VietinBank's messages here, from rails.md §3.1 and §3.2, ours beside. */
import {
  type Conformance,
  type ConformanceKeys,
  type ConformanceMode,
  isObject,
  jsonAcknowledgement,
  jsonRequest,
  objectIn,
  railKeyOf,
  rsaBase64,
  type SampleCallback,
  type Telling,
  textOf,
  wallClock,
} from '../conformance.ts'
import type { BillAnswer, RailAccount, RawRequest } from '../contract.ts'
import { creditNotice, noticeAnswer } from '../vietinbank/conformance-notice.ts'
import { genericMode } from './conformance-generic.ts'

function vietinbankMode(keys: ConformanceKeys): ConformanceMode<ReturnType<typeof vietinbankConfig>> {
  const config = vietinbankConfig(keys)
  type Config = typeof config
  const other: Config = {
    ...config,
    bankKeyPem: keys.otherRail.publicKeyPem,
    noticeProviderId: '9481',
    merchantId: '2GOV',
    receivingAccounts: ['224477779999'],
    vacPrefix: '2GOV',
  }
  const inquiryText = (request: RawRequest): string => {
    const { data } = objectIn(request.body)
    const fields = isObject(data) ? data : {}
    return textOf(fields.transId) + textOf(fields.transTime) + textOf(fields.custCode)
  }
  const inquiry: SampleCallback<Config> = {
    name: 'bill inquiry',
    reads: 'bill',
    proof: {
      covers: inquiryText,
      carrier: { field: 'header.signature' },
      spelling: 'exact',
      over: 'fields',
      signed: ['data.transId', 'data.transTime', 'data.custCode'],
      // Its time is text in an order nobody knows, so nothing marks where it begins; an inquiry only reads.
      borderless: [['data.transId', 'data.transTime']],
    },
    send({ payCode, transaction, at }, { account: { config: to }, keysOf }) {
      const data = { transId: transaction, transTime: wallClock(at), custCode: to.vacPrefix + payCode }
      const text = data.transId + data.transTime + data.custCode
      const signature = rsaBase64('sha256', text, railKeyOf(keysOf.config.bankKeyPem, keys))
      const header = {
        msgId: 'i-1',
        msgType: '1100',
        channelId: '211601',
        providerId: to.noticeProviderId,
        merchantId: to.merchantId,
        productId: '900000',
        timestamp: wallClock(at),
        signature,
      }
      return jsonRequest({ header, data }, '/vpg/collection/api/v1/inq-bill')
    },
    /** rails.md §3.2: HTTP 200 always; everything that cannot be paid is `02`. */
    answered(answer, { payCode, transaction, at }, { config: to }, now) {
      const [errorCode, errorDesc] = foundBy(answer)
      const payable = answer.kind === 'payable' ? answer : null
      // A stranger has nothing of his own signed but an id.
      const isTheirs = errorCode !== '01'
      const details = {
        transId: transaction,
        transTime: isTheirs ? wallClock(at) : '',
        custCode: isTheirs ? to.vacPrefix + payCode : '',
        custName: payable === null ? '' : 'NGUYEN VAN AN',
        billId: payable?.billId ?? null,
        amount: payable === null ? '' : String(payable.amount),
      }
      const text = Object.values(details).map(textOf).join('') + errorCode
      const header = {
        msgId: 'i-1',
        channelId: '211601',
        providerId: to.noticeProviderId,
        merchantId: to.merchantId,
        productId: '900000',
        msgType: '1110',
        timestamp: wallClock(now),
        signature: rsaBase64('sha256', text, keys.ours),
      }
      const empty = { amountMin: null, preseve1: null, preseve2: null, preseve3: null }
      return jsonAcknowledgement(200, {
        header,
        data: { errors: { errorCode, errorDesc }, details: { ...details, ...empty } },
      })
    },
  }
  const reversed = ['transId', 'orgTransId', 'transTime', 'amount', 'reason']
  const reversal: SampleCallback<Config> = {
    name: 'reversal',
    reads: 'bill',
    window: { before: 86_400, after: null },
    proof: {
      covers: (request) => reversed.map((name) => textOf(objectIn(request.body)[name])).join(''),
      carrier: { field: 'signature' },
      spelling: 'exact',
      over: 'fields',
      signed: reversed,
      // Two ids of the bank's own making stand side by side.
      borderless: [['transId', 'orgTransId']],
    },
    send({ amount, transaction, at }, { account: { config: to }, keysOf }) {
      const fields: Record<string, string> = {
        msgId: 'r-1',
        providerId: to.noticeProviderId,
        transId: `R${transaction}`,
        orgTransId: `P${transaction}`,
        transTime: wallClock(at),
        amount: String(amount),
        reason: 'Huy giao dich',
      }
      const text = reversed.map((name) => fields[name]).join('')
      const signature = rsaBase64('sha256', text, railKeyOf(keysOf.config.bankKeyPem, keys))
      return jsonRequest({ ...fields, signature }, '/vpg/collection/api/v1/reverse-bill')
    },
    answered(answer, { transaction }, account) {
      const transId = `R${transaction}`
      const codes: Record<string, readonly [string, string]> = {
        reversed: ['00', 'Thanh cong'],
        originalUnknown: ['02', 'Original transaction not found'],
        alreadyReversed: ['05', 'Already reversed'],
        tooLate: ['06', 'Too late to reverse'],
      }
      const known = codes[answer.kind]
      if (known === undefined) {
        const verdict =
          answer.kind === 'unavailable'
            ? answer
            : ({ kind: 'refused', reason: answer.kind === 'refused' ? answer.reason : 'unsupported' } as const)
        return noticeAnswer(verdict, transId, account, keys)
      }
      const [errorCode, errorDesc] = known
      const signature = rsaBase64('sha256', transId + errorCode + errorDesc, keys.ours)
      const providerId = account.config.noticeProviderId
      return jsonAcknowledgement(200, { transId, providerId, errorCode, errorDesc, signature })
    },
  }
  const key = ({ transaction }: Telling, { config: to }: RailAccount<{ noticeProviderId: string }>) =>
    `${to.noticeProviderId}:${transaction}`
  return {
    name: 'vietinbank',
    config,
    other,
    reference: /^[A-HJ-NP-Z2-9]{12}$/,
    callbacks: [
      creditNotice(
        { name: 'payment', reads: 'succeeded', names: 'payCode', key },
        { custCode: ({ vacPrefix }, payCode) => vacPrefix + payCode },
        keys,
      ),
      creditNotice(
        { name: 'payment named in the remark', reads: 'succeeded', names: 'payCode', key },
        { remark: (_ref, payCode) => `NOP ${payCode}` },
        keys,
        '/api/v1/notify-bill',
      ),
      inquiry,
      reversal,
    ],
    acknowledge: (verdict, telling, account) => noticeAnswer(verdict, telling?.transaction ?? '', account, keys),
  }
}

function foundBy(answer: BillAnswer): readonly [string, string] {
  const refusals: Record<string, readonly [string, string]> = {
    stale: ['99', 'Message too old'],
    malformed: ['99', 'Malformed message'],
    'wrong-account': ['02', 'Provider or merchant not found'],
    'wrong-currency': ['99', 'Currency not supported'],
    unsupported: ['99', 'Message not supported'],
  }
  switch (answer.kind) {
    case 'payable':
      return ['00', 'Thanh cong']
    case 'notPayable':
      return [
        '02',
        { unknown: 'Bill not found', paid: 'Bill already paid', expired: 'Bill expired', closed: 'Bill closed' }[
          answer.why
        ],
      ]
    case 'refused':
      return refusals[answer.reason] ?? ['01', 'Invalid signature']
    case 'unavailable':
      return ['99', 'Temporarily unavailable']
    default:
      return ['99', 'Message not supported']
  }
}

function vietinbankConfig(keys: ConformanceKeys) {
  return {
    profile: 'vietinbank',
    privateKeyPem: keys.ours.privateKeyPem,
    bankKeyPem: keys.rail.publicKeyPem,
    signature: 'RSA-SHA256',
    noticeProviderId: '9480',
    merchantId: '1GOV',
    receivingAccounts: ['113366668888'],
    vacPrefix: '1GOV',
    duplicateAck: '00',
  }
}

export const conformance: Conformance = (keys) => [vietinbankMode(keys), genericMode(keys)]
