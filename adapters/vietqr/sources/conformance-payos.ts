/** payOS's side for the conformance suite, from rails.md §2.7. */
import {
  hmacHex,
  isObject,
  jsonAcknowledgement,
  jsonRequest,
  objectIn,
  readableClock,
  type SampleCallback,
} from '../../conformance.ts'
import type { HttpReply, Verdict } from '../../contract.ts'
import type { Config } from './conformance-account.ts'
import { acknowledgeSepay } from './conformance-sepay.ts'

type Payos = { name: string; checksumKey: string }

/** Names ascending, upper case first; raw values; null and its word are empty. */
function payosText(data: Readonly<Record<string, unknown>>): string {
  return Object.keys(data)
    .sort()
    .map((name) => `${name}=${['null', 'undefined'].includes(String(data[name])) ? '' : String(data[name])}`)
    .join('&')
}

const payosNames =
  'accountNumber amount code counterAccountBankId counterAccountBankName counterAccountName counterAccountNumber currency desc description orderCode paymentLinkId reference transactionDateTime virtualAccountName virtualAccountNumber'

export function payosCallback(name: string, code: string): SampleCallback<Config<Payos>> {
  return {
    name,
    reads: code === '00' ? 'succeeded' : 'ignored',
    names: 'payCode',
    tellsTime: true,
    namesCurrency: true,
    proof: {
      covers(request) {
        const { data } = objectIn(request.body)
        return isObject(data) ? payosText(data) : ''
      },
      carrier: { field: 'signature' },
      spelling: 'lower-hex',
      over: 'fields',
      signed: payosNames.split(' ').map((field) => `data.${field}`),
    },
    send(telling, { account: { config }, keysOf }) {
      const data = {
        orderCode: 10001,
        amount: Number(telling.amount),
        description: `CS1 ${telling.payCode}`,
        accountNumber: config.accountNumber,
        reference: `FT${telling.transaction}`,
        transactionDateTime: readableClock(telling.at),
        currency: telling.currency,
        paymentLinkId: '0f0e0d0c0b0a09080706050403020100',
        code,
        desc: 'Thành công',
        counterAccountBankId: '',
        counterAccountBankName: '',
        counterAccountName: null,
        counterAccountNumber: null,
        virtualAccountName: '',
        virtualAccountNumber: '',
      }
      const signature = hmacHex('sha256', keysOf.config.source.checksumKey, payosText(data))
      return jsonRequest({ code: '00', desc: 'success', success: true, data, signature })
    },
    key: ({ transaction }) => `FT${transaction}`,
  }
}

/** A refused notice about another account is the probe of our address: it needs a 2xx. */
export function acknowledgePayos(verdict: Verdict): HttpReply {
  if (verdict.kind === 'refused' && verdict.reason === 'wrong-account')
    return jsonAcknowledgement(200, { success: false })
  return acknowledgeSepay(verdict)
}
