/** Vectors of VietinBank's messages. */
import { billPull } from '../../../adapters/bill-pull/index.ts'
import { type InquiryDetails, inquiryAnswerText } from '../../../adapters/bill-pull/vietinbank-inquiry.ts'
import { vietinbank } from '../../../adapters/vietinbank/index.ts'
import { messageText, type Operation, signedFields } from '../../../adapters/vietinbank/message.ts'
import { noticePaths, noticeText } from '../../../adapters/vietinbank/notice.ts'
import { signText } from '../../../adapters/vietinbank/rsa.ts'
import {
  accountOf,
  differs,
  jsonPost,
  judged,
  type Runner,
  type Runners,
  recordIn,
  textIn,
  type VectorFile,
} from './vector.ts'

function keysIn({ keys = {} }: VectorFile): { readonly ours: string; readonly bank: string } {
  return { ours: textIn(keys, 'ourPrivateKeyPem'), bank: textIn(keys, 'bankPublicKeyPem') }
}

const notify: Runner = ({ input, expected }, file) => {
  const body = recordIn(input, 'body')
  const { ours, bank } = keysIn(file)
  const custCode = textIn(body, 'custCode')
  const account = accountOf(vietinbank, {
    privateKeyPem: ours,
    bankKeyPem: bank,
    noticeProviderId: textIn(body, 'providerId'),
    receivingAccounts: [textIn(body, 'recvAcctId') || '113366668888'],
    ...(custCode === '' ? {} : { vacPrefix: custCode.slice(0, 4) }),
    baseUrl: 'https://bank.example/v1',
    clientId: 'client',
    clientSecret: 'client-secret',
    providerId: 'GOVGW',
    merchantId: 'GOVGW01',
    verifyBy: 'OTPPAY',
    queryType: 'PAY',
  })
  return [
    ...differs('signed text', noticeText(body), expected.canonical),
    ...noticePaths.flatMap((path) => judged(vietinbank, jsonPost(body, path), account, expected.verdict).lines),
  ]
}

const inquiry: Runner = ({ input, expected }, file) => {
  const body = recordIn(input, 'body')
  const { ours, bank } = keysIn(file)
  const header = recordIn(body, 'header')
  const account = accountOf(billPull, {
    profile: 'vietinbank',
    privateKeyPem: ours,
    bankKeyPem: bank,
    noticeProviderId: textIn(header, 'providerId'),
    merchantId: textIn(header, 'merchantId'),
    receivingAccounts: ['113366668888'],
  })
  return judged(billPull, jsonPost(body, '/vpg/collection/api/v1/inq-bill'), account, expected.signature).lines
}

const noticeAnswer: Runner = ({ input, expected }, file) => {
  const text = textIn(input, 'transId') + textIn(input, 'errorCode') + textIn(input, 'errorDesc')
  return [
    ...differs('signed text', text, expected.canonical),
    ...differs('signature', signText(text, keysIn(file).ours, 'RSA-SHA256'), expected.signature),
  ]
}

const inquiryAnswer: Runner = ({ input, expected }, file) => {
  const details = recordIn(input, 'details')
  const given: InquiryDetails = {
    transId: textIn(details, 'transId'),
    transTime: textIn(details, 'transTime'),
    custCode: textIn(details, 'custCode'),
    custName: textIn(details, 'custName'),
    billId: details.billId === null || details.billId === undefined ? null : textIn(details, 'billId'),
    amount: textIn(details, 'amount'),
  }
  const text = inquiryAnswerText(given, textIn(input, 'errorCode'))
  return [
    ...differs('signed text', text, expected.canonical),
    ...differs('signature', signText(text, keysIn(file).ours, 'RSA-SHA256'), expected.signature),
  ]
}

const outgoing = Object.keys(signedFields) as Operation[]

/** A call of ours: order of the fields, the text, and the signature under both digests. */
const call =
  (operation: Operation): Runner =>
  ({ input, expected }, file) => {
    const fields = Object.fromEntries(Object.entries(input).map(([name, value]) => [name, String(value ?? '')]))
    const text = messageText(operation, fields)
    const { ours } = keysIn(file)
    return [
      ...differs('order', signedFields[operation], expected.signedFieldOrder),
      ...differs('signed text', text, expected.canonical),
      ...differs('SHA-256', signText(text, ours, 'RSA-SHA256'), expected.signatureSha256),
      ...differs('SHA-1', signText(text, ours, 'RSA-SHA1(legacy)'), expected.signatureSha1Legacy),
    ]
  }

export const vietinbankRunners: Runners = {
  'notify-verify': notify,
  'inq-bill-verify': inquiry,
  'notify-response-sign': noticeAnswer,
  'inq-bill-response-sign': inquiryAnswer,
  ...Object.fromEntries(outgoing.map((operation) => [`${operation}-sign`, call(operation)])),
}
