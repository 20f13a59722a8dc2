/** NAPAS's side for the conformance suite, from rails.md §4.1. */
import { createHash } from 'node:crypto'
import {
  type Conformance,
  type ConformanceMode,
  formRequest,
  isObject,
  jsonAnswer,
  jsonRequest,
  objectIn,
  type Proof,
  pairsIn,
  type SampleCallback,
  type SampleExchange,
  type Telling,
  textOf,
  withoutField,
} from '../conformance.ts'
import type { HttpAnswer, HttpReply, RawRequest, Verdict } from '../contract.ts'

const config = {
  clientId: 'NAPASCLIENT1',
  clientSecret: 'napas-client-secret-number-one',
  username: 'napasuser',
  password: 'napas-password-number-one',
  channel: '7399',
  cardScheme: 'AtmCard',
  apiUrl: 'https://napas.example/api',
  answers: 'signed' as 'signed' | 'plain',
}
type Config = typeof config
const other: Config = {
  ...config,
  clientId: 'NAPASCLIENT2',
  clientSecret: 'napas-client-secret-number-two',
  password: 'napas-password-number-two',
}

/** `data` in base64, and a plain SHA-256 over its text with the secret behind it. */
function seal(content: unknown, { clientSecret }: Config): { readonly data: string; readonly checksum: string } {
  const data = Buffer.from(JSON.stringify(content), 'utf8').toString('base64')
  const checksum = createHash('sha256')
    .update(data + clientSecret)
    .digest('hex')
  return { data, checksum }
}

function result(telling: Telling, { clientId }: Config, said: Readonly<Record<string, unknown>>): unknown {
  const { merchantRef, amount, currency, transaction } = telling
  return {
    paymentResult: {
      apiOperation: 'PAY',
      merchantId: clientId,
      order: { id: merchantRef, amount: String(amount), currency },
      response: { gatewayCode: 'APPROVED', message: 'Approved', acquirerCode: '00' },
      result: 'SUCCESS',
      transaction: { id: transaction, type: 'PAYMENT', amount: Number(amount), currency },
      sourceOfFunds: { type: 'CARD', provided: { card: { brand: 'SML', number: '970400xxxxxx0018' } } },
      ...said,
    },
  }
}

const failure = (gatewayCode: string) => ({ result: 'FAILURE', response: { gatewayCode, message: 'No' } })

const proof: Proof = {
  covers: (request) => textOf(objectIn(request.body).data),
  carrier: { field: 'checksum' },
  spelling: 'hex',
  over: 'fields',
  signed: ['data'],
}

function notice(
  name: string,
  reads: SampleCallback['reads'],
  said: Readonly<Record<string, unknown>> = {},
): SampleCallback<Config> {
  return {
    name,
    reads,
    proof,
    namesCurrency: true,
    send: (telling, { account, keysOf }) => jsonRequest(seal(result(telling, account.config, said), keysOf.config)),
    key: ({ merchantRef, transaction }) => `${merchantRef}:${transaction}`,
  }
}

/** The same envelope, brought by the payer's browser in one form field. */
const byBrowser: SampleCallback<Config> = {
  ...notice('paid, brought by a browser', 'ignored'),
  proof: {
    covers: (request) => textOf(objectIn(textOf(pairsIn(request).napasResult)).data),
    carrier: { field: 'napasResult' },
    spelling: 'json',
    over: 'fields',
    signed: ['napasResult'],
  },
  send(telling, { account, keysOf }): RawRequest {
    const envelope = JSON.stringify(seal(result(telling, account.config, {}), keysOf.config))
    return formRequest({ napasResult: envelope }, '/result')
  },
}

/** rails.md §4.1 knows only "200"; anything else says that it was not taken. */
function acknowledge(verdict: Verdict): HttpReply {
  const statuses: Record<string, number> = {
    amountMismatch: 409,
    unknownReference: 404,
    refused: 400,
    unavailable: 503,
  }
  const headers = { 'content-type': 'text/plain; charset=utf-8' }
  return { status: statuses[verdict.kind] ?? 200, headers, body: '' }
}

const token = jsonAnswer({ access_token: 'token-of-a-call', token_type: 'bearer', expires_in: 3600 })

/** Every exchange begins with a token. */
function exchange<Finding extends string>(
  answers: Config['answers'],
  findings: readonly Finding[],
  content: (
    finding: Finding,
    about: Parameters<SampleExchange<Config, Finding>['answer']>[2],
    to: Config,
    url: string,
  ) => unknown,
): SampleExchange<Config, Finding> {
  return {
    answers: answers === 'signed' ? 'signed' : 'connection',
    findings,
    answer(call, finding, about, { account, keysOf }): HttpAnswer {
      if (call.url.endsWith('/oauth/token')) return token
      const said = content(finding, about, account.config, call.url)
      return said === null ? jsonAnswer({}, 404) : jsonAnswer(answers === 'signed' ? seal(said, keysOf.config) : said)
    },
    unsigned: (signed) => withoutField(signed, 'checksum'),
  }
}

function mode(name: string, answers: Config['answers']): ConformanceMode<Config> {
  const inquiryFindings = ['succeeded', 'failed', 'stillPending'] as const
  const refundFindings = ['done', 'refused', 'unknown'] as const
  const refundContent: Parameters<typeof exchange<'done' | 'accepted' | 'refused' | 'unknown'>>[2] = (
    finding,
    { telling, refund },
    to,
    url,
  ) => {
    const transaction = { id: url.split('/').at(-1), type: 'REFUND', amount: String(refund?.amount) }
    const said = {
      done: {},
      accepted: {},
      refused: failure('REFUND_NOT_ALLOWED'),
      unknown: { result: 'ERROR' },
    }[finding]
    return result(telling, to, { apiOperation: 'REFUND_DOMESTIC', transaction, ...said })
  }
  return {
    name,
    config: { ...config, answers },
    other: { ...other, answers },
    reference: /^[A-Za-z0-9]{1,40}$/,
    callbacks: [
      notice('paid', 'succeeded'),
      notice('declined', 'failed', failure('INSUFFICIENT_FUNDS')),
      notice('timed out', 'pending', failure('TIMED_OUT')),
      notice('a refund', 'ignored', { apiOperation: 'REFUND_DOMESTIC' }),
      byBrowser,
    ],
    acknowledge,
    start: {
      leadsTo: 'form',
      exchange: {
        answers: 'connection',
        nameless: true,
        findings: ['opened', 'refused'],
        answer(call, finding) {
          if (call.url.endsWith('/oauth/token')) return token
          return finding === 'opened'
            ? jsonAnswer({ result: 'SUCCESS', dataKey: 'DATAKEY0', napasKey: 'NAPASKEY0' })
            : jsonAnswer({ result: 'ERROR', error: { cause: 'INVALID_REQUEST', explanation: 'no' } }, 400)
        },
      },
      told(sent, account) {
        const asked = objectIn(sent[1]?.body ?? '')
        const shown = objectIn(sent.at(-1)?.body ?? '')
        const order = isObject(asked.order) ? asked.order : {}
        return {
          merchantRef: textOf(order.id),
          amount: BigInt(textOf(order.amount)),
          description: textOf(shown.orderReference),
          // Not signed; but the key and the form must speak of one order.
          signed:
            shown.orderId === order.id &&
            shown.orderAmount === textOf(order.amount) &&
            shown.orderCurrency === 'VND' &&
            shown.merchantId === account.config.clientId &&
            shown.dataKey === 'DATAKEY0',
        }
      },
    },
    inquiry: exchange(
      answers,
      answers === 'plain' ? [...inquiryFindings, 'notFound'] : inquiryFindings,
      (finding, { telling }, to) =>
        finding === 'notFound'
          ? null
          : result(
              telling,
              to,
              { succeeded: {}, failed: failure('DECLINED'), held: {}, stillPending: failure('PENDING') }[finding],
            ),
    ),
    refund: exchange(answers, refundFindings, refundContent),
    refundInquiry: exchange(answers, refundFindings, refundContent),
  }
}

export const conformance: Conformance = () => [mode('signed answers', 'signed'), mode('plain answers', 'plain')]
