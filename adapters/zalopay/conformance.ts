/** ZaloPay's side for the conformance suite, from rails.md §5.2. */
import {
  type Conformance,
  type ConformanceMode,
  hmacHex,
  jsonAcknowledgement,
  jsonAnswer,
  jsonRequest,
  objectIn,
  textOf,
  wallClock,
} from '../conformance.ts'
import type { HttpReply, RailAccount, Verdict } from '../contract.ts'

const config = {
  appId: 2553,
  key1: 'zalopay-key-one-of-the-first-app',
  key2: 'zalopay-key-two-of-the-first-app',
  baseUrl: 'https://zalopay.example',
  duplicateReturnCode: 1 as 1 | 2,
}
type Config = typeof config
const other: Config = {
  ...config,
  appId: 2554,
  key1: 'zalopay-key-one-of-the-second-app',
  key2: 'zalopay-key-two-of-the-second-app',
}

/** rails.md §5.2: `1` recorded, `2` recorded before (or `1`), `-1` refused for good, `0` call again. */
function acknowledge(verdict: Verdict, _telling: unknown, { config }: RailAccount<Config>): HttpReply {
  const said = (return_code: number, return_message: string) =>
    jsonAcknowledgement(200, { return_code, return_message })
  switch (verdict.kind) {
    case 'refused':
      return said(-1, ['signature', 'auth'].includes(verdict.reason) ? 'mac not equal' : 'callback refused')
    case 'amountMismatch':
      return verdict.settlementId === null ? said(-1, 'amount not equal') : said(1, 'success')
    case 'repeated':
      return config.duplicateReturnCode === 2 ? said(2, 'duplicate') : said(1, 'success')
    case 'unavailable':
      return said(0, 'try again')
    default:
      return said(1, 'success')
  }
}

function mode(name: string, duplicateReturnCode: 1 | 2): ConformanceMode<Config> {
  return {
    name,
    config: { ...config, duplicateReturnCode },
    other,
    reference: /^\d{6}_[0-9A-Za-z]{1,33}$/,
    callbacks: [
      {
        name: 'paid',
        reads: 'succeeded',
        tellsTime: true,
        proof: {
          covers: (request) => textOf(objectIn(request.body).data),
          carrier: { field: 'mac' },
          spelling: 'hex',
          over: 'fields',
          signed: ['data'],
        },
        send({ merchantRef, amount, transaction, at }, { account, keysOf }) {
          const data = JSON.stringify({
            app_id: account.config.appId,
            app_trans_id: merchantRef,
            app_time: at.getTime() - 60_000,
            app_user: 'FGUSER',
            amount: Number(amount),
            embed_data: '{}',
            item: '[]',
            zp_trans_id: Number(transaction),
            server_time: at.getTime(),
            channel: 38,
            merchant_user_id: 'u1',
            user_fee_amount: 0,
            discount_amount: 0,
          })
          return jsonRequest({ data, mac: hmacHex('sha256', keysOf.config.key2, data), type: 1 })
        },
        key: ({ transaction }) => transaction,
      },
    ],
    acknowledge,
    start: {
      leadsTo: 'redirect',
      exchange: {
        answers: 'connection',
        nameless: true,
        findings: ['opened', 'refused'],
        answer: (_call, finding) =>
          jsonAnswer(
            finding === 'opened'
              ? { return_code: 1, sub_return_code: 1, order_url: 'https://zalopay.example/openinapp?order=1' }
              : { return_code: 2, sub_return_code: -402, sub_return_message: 'bad app' },
          ),
      },
      told([order], account) {
        const f = objectIn(order?.body ?? '')
        const text = [f.app_id, f.app_trans_id, f.app_user, f.amount, f.app_time, f.embed_data, f.item].join('|')
        const today = wallClock(new Date(Number(f.app_time))).slice(2, 8)
        return {
          merchantRef: textOf(f.app_trans_id),
          amount: BigInt(textOf(f.amount)),
          description: textOf(f.description),
          signed:
            f.mac === hmacHex('sha256', account.config.key1, text) && textOf(f.app_trans_id).startsWith(`${today}_`),
        }
      },
    },
    inquiry: {
      answers: 'connection',
      nameless: true,
      findings: ['succeeded', 'failed', 'stillPending'],
      answer(_call, finding, { telling }) {
        const codes = { succeeded: 1, failed: 2, held: 1, stillPending: 3, notFound: 2 }
        const paid = { amount: Number(telling.amount), zp_trans_id: Number(telling.transaction) }
        const sub_return_code = finding === 'failed' ? -54 : 1
        return jsonAnswer({ return_code: codes[finding], sub_return_code, ...paid, server_time: telling.at.getTime() })
      },
    },
    refund: {
      answers: 'connection',
      nameless: true,
      findings: ['accepted', 'refused', 'unknown'],
      answer(_call, finding) {
        const codes = { done: 1, accepted: 3, refused: 2, unknown: 2 }
        const sub_return_code = { done: 1, accepted: 1, refused: -13, unknown: -500 }[finding]
        return jsonAnswer({ return_code: codes[finding], sub_return_code, refund_id: 250311000000001 })
      },
    },
    refundInquiry: {
      answers: 'connection',
      nameless: true,
      findings: ['done', 'accepted', 'refused', 'unknown'],
      answer(_call, finding) {
        const codes = { done: 1, accepted: 3, refused: 2, unknown: 2 }
        const sub_return_code = { done: 1, accepted: 1, refused: -13, unknown: -429 }[finding]
        return jsonAnswer({ return_code: codes[finding], sub_return_code })
      },
    },
  }
}

export const conformance: Conformance = () => [mode('repeats answered 1', 1), mode('repeats answered 2', 2)]
