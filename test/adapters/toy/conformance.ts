/** The toy rail's side. */
import {
  type Conformance,
  hmacHex,
  jsonAcknowledgement,
  jsonAnswer,
  jsonRequest,
  objectIn,
  type SampleCallback,
  type Telling,
  textOf,
  withoutField,
} from '../../../adapters/conformance.ts'

const config = {
  shop: 'TOYSHOP1',
  secret: 'toy-secret-of-shop-number-one',
  payUrl: 'https://toy.example/pay',
  apiUrl: 'https://toy.example/state',
}
type Config = typeof config
const names = ['shop', 'ref', 'id', 'amount', 'state']

function message({ merchantRef, transaction, amount }: Telling, state: string, shop: string, secret: string) {
  const fields: Record<string, string> = { shop, ref: merchantRef, id: transaction, amount: String(amount), state }
  return { ...fields, mac: hmacHex('sha256', secret, names.map((name) => fields[name]).join('|')) }
}

function notice(state: string, reads: SampleCallback['reads']): SampleCallback<Config> {
  return {
    name: state,
    reads,
    proof: {
      covers: ({ body }) => names.map((name) => textOf(objectIn(body)[name])).join('|'),
      carrier: { field: 'mac' },
      spelling: 'hex',
      over: 'fields',
      signed: names,
    },
    send: (telling, { account, keysOf }) =>
      jsonRequest(message(telling, state, account.config.shop, keysOf.config.secret)),
    key: ({ transaction }) => transaction,
  }
}

export const conformance: Conformance = () => [
  {
    name: 'shop',
    config,
    other: { ...config, shop: 'TOYSHOP2', secret: 'toy-secret-of-shop-number-two' },
    reference: /^[A-Z0-9]{1,20}$/,
    callbacks: [notice('PAID', 'succeeded'), notice('FAILED', 'failed'), notice('OPEN', 'pending')],
    acknowledge: ({ kind }) =>
      jsonAcknowledgement({ unavailable: 503, refused: 400 }[kind as string] ?? 200, {
        ok: kind !== 'unavailable' && kind !== 'refused',
      }),
    start: {
      leadsTo: 'redirect',
      told([order], account) {
        const { secret, shop } = account.config as Config
        const { mac, ref = '', amount = '', text = '' } = Object.fromEntries(new URL(order?.url ?? '').searchParams)
        const signed = mac === hmacHex('sha256', secret, [shop, ref, amount].join('|'))
        return { merchantRef: ref, amount: BigInt(amount), description: text, signed }
      },
    },
    inquiry: {
      answers: 'signed',
      findings: ['succeeded', 'failed', 'stillPending'],
      answer(_call, finding, { telling }, { account, keysOf }) {
        const state = { succeeded: 'PAID', failed: 'FAILED', held: '', stillPending: 'OPEN', notFound: '' }[finding]
        const [to, by] = [account.config as Config, keysOf.config as Config]
        return jsonAnswer(message(telling, state, to.shop, by.secret))
      },
      unsigned: (signed) => withoutField(signed, 'mac'),
    },
  },
]
