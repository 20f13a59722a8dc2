/** The notifiers' side for the conformance suite, one mode for each source, and the payer's app that reads our code (rails.md §2). */
import type { Conformance, ConformanceMode, SampleCallback, Told } from '../conformance.ts'
import { account, type Config, otherAccount } from './sources/conformance-account.ts'
import { acknowledgePayos, payosCallback } from './sources/conformance-payos.ts'
import { acknowledgeSepay, sepayApiKeyCallback, sepayHmacCallback } from './sources/conformance-sepay.ts'
import {
  acknowledgeSigned,
  acknowledgeToken,
  signedCallback,
  tokenCallback,
  tokenRequest,
} from './sources/conformance-vietqrvn.ts'

function modeOf<Source>(
  name: string,
  sources: readonly [Source, Source],
  callbacks: readonly SampleCallback<Config<Source>>[],
  acknowledge: ConformanceMode<Config<Source>>['acknowledge'],
): ConformanceMode<Config<Source>> {
  return {
    name,
    config: { ...account, source: sources[0] },
    other: { ...otherAccount, source: sources[1] },
    // The pay code: letters and digits without look-alikes, at most 13 (rails.md §2.2).
    reference: /^[A-HJ-NP-Z2-9]{12}$/,
    callbacks,
    acknowledge,
    start: { leadsTo: 'qr', told: ([code], { config }) => toldBy(code?.body ?? '', config) },
  }
}

/** What a payer's app reads in the code (rails.md §2.1). */
function toldBy(payload: string, { bankBin, accountNumber }: typeof account): Told {
  const root = fieldsOf(payload)
  const napas = fieldsOf(root.get('38') ?? '')
  const target = fieldsOf(napas.get('01') ?? '')
  const purpose = fieldsOf(root.get('62') ?? '').get('08') ?? ''
  return {
    merchantRef: purpose,
    amount: BigInt(root.get('54') ?? '0'),
    description: purpose,
    // A code is not signed; it must name our account in VND and carry its checksum.
    signed:
      root.get('01') === '12' &&
      root.get('53') === '704' &&
      root.get('58') === 'VN' &&
      napas.get('00') === 'A000000727' &&
      napas.get('02') === 'QRIBFTTA' &&
      target.get('00') === bankBin &&
      target.get('01') === accountNumber &&
      crc(payload.slice(0, -4)) === payload.slice(-4),
  }
}

function fieldsOf(text: string): Map<string, string> {
  const fields = new Map<string, string>()
  let rest = text
  while (rest.length >= 4) {
    const end = 4 + Number(rest.slice(2, 4))
    fields.set(rest.slice(0, 2), rest.slice(4, end))
    rest = rest.slice(end)
  }
  return fields
}

/** CRC-16/CCITT-FALSE by long division. */
function crc(text: string): string {
  const bits = [...Buffer.from(text, 'utf8')].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  let rest = 0xffff
  for (const bit of bits) {
    const carry = (rest >> 15) ^ Number(bit)
    rest = ((rest << 1) & 0xffff) ^ (carry === 1 ? 0x1021 : 0)
  }
  return rest.toString(16).toUpperCase().padStart(4, '0')
}

const sepay = { name: 'sepay', mode: 'hmac', toleranceSeconds: 300 }
const token = { name: 'vietqrvn', tokenSeconds: 300 }

export const conformance: Conformance = () => [
  modeOf(
    'SePay, HMAC',
    [
      { ...sepay, secret: 'sepay-hmac-secret-number-one' },
      { ...sepay, secret: 'sepay-hmac-secret-number-two' },
    ],
    [sepayHmacCallback('credit', 'in'), sepayHmacCallback('debit', 'out')],
    acknowledgeSepay,
  ),
  modeOf(
    'SePay, API key',
    [
      { name: 'sepay', mode: 'apikey', apiKey: 'SEPAYAPIKEYNUMBERONE' },
      { name: 'sepay', mode: 'apikey', apiKey: 'SEPAYAPIKEYNUMBERTWO' },
    ],
    [sepayApiKeyCallback],
    acknowledgeSepay,
  ),
  modeOf(
    'payOS',
    [
      { name: 'payos', checksumKey: 'payos-checksum-key-number-one' },
      { name: 'payos', checksumKey: 'payos-checksum-key-number-two' },
    ],
    [payosCallback('credit', '00'), payosCallback('no credit', '01')],
    acknowledgePayos,
  ),
  modeOf(
    'VietQR.vn, token',
    [
      {
        ...token,
        username: 'vietqr-one',
        password: 'vietqrvn-password-one',
        tokenSecret: 'vietqrvn-token-secret-number-one-000',
      },
      {
        ...token,
        username: 'vietqr-two',
        password: 'vietqrvn-password-two',
        tokenSecret: 'vietqrvn-token-secret-number-two-000',
      },
    ],
    [tokenCallback('credit', 'C'), tokenCallback('debit', 'D'), tokenRequest],
    acknowledgeToken,
  ),
  modeOf(
    'VietQR.vn, HMAC',
    [
      { name: 'vietqrvn-hmac', secret: 'vietqrvn-hmac-secret-number-one' },
      { name: 'vietqrvn-hmac', secret: 'vietqrvn-hmac-secret-number-two' },
    ],
    [
      signedCallback('credit named by its order id', 'orderId'),
      signedCallback('credit named by its content', 'content'),
      signedCallback('debit', 'orderId', 'D'),
    ],
    acknowledgeSigned,
  ),
]
