/** SePay's side for the conformance suite, from rails.md §2.8. */
import {
  hmacHex,
  jsonAcknowledgement,
  jsonRequest,
  readableClock,
  type SampleCallback,
  type Telling,
  textOf,
} from '../../conformance.ts'
import type { HttpReply, Verdict } from '../../contract.ts'
import { type Config, isSettled } from './conformance-account.ts'

const sepayStatus: Readonly<Record<string, number>> = { signature: 401, auth: 401, stale: 401 }

export function acknowledgeSepay(verdict: Verdict): HttpReply {
  if (verdict.kind === 'refused') return jsonAcknowledgement(sepayStatus[verdict.reason] ?? 400, { success: false })
  return jsonAcknowledgement(isSettled(verdict) ? 200 : 503, { success: isSettled(verdict) })
}

function sepayBody(telling: Telling, accountNumber: string, transferType: string): string {
  return JSON.stringify({
    id: Number(telling.transaction),
    gateway: 'VietinBank',
    transactionDate: readableClock(telling.at),
    accountNumber,
    code: null,
    content: `${telling.payCode} nop phi`,
    transferType,
    transferAmount: Number(telling.amount),
    accumulated: 19077000,
    subAccount: null,
    referenceCode: `FT${telling.transaction}`,
    description: '',
  })
}

type SepayHmac = { name: string; mode: string; secret: string; toleranceSeconds: number }
const sepaySignature = 'x-sepay-signature'

export function sepayHmacCallback(name: string, transferType: 'in' | 'out'): SampleCallback<Config<SepayHmac>> {
  return {
    name,
    reads: transferType === 'in' ? 'succeeded' : 'ignored',
    names: 'payCode',
    tellsTime: true,
    // Refused when |now − timestamp| > 300 s.
    window: { before: 300, after: 300 },
    proof: {
      covers: ({ headers, body }) => `${headers['x-sepay-timestamp']}.${Buffer.from(body).toString('latin1')}`,
      carrier: { header: sepaySignature },
      spelling: 'hex',
      over: 'bytes',
      signed: [],
    },
    send(telling, { account: { config }, keysOf }) {
      const body = sepayBody(telling, config.accountNumber, transferType)
      const timestamp = String(telling.at.getTime() / 1000)
      const signature = hmacHex('sha256', keysOf.config.source.secret, `${timestamp}.${body}`)
      const headers = { 'x-sepay-timestamp': timestamp, [sepaySignature]: `sha256=${signature}` }
      return { ...jsonRequest({}, '', headers), body: Buffer.from(body, 'utf8') }
    },
    key: ({ transaction }) => transaction,
  }
}

type SepayApiKey = { name: string; mode: string; apiKey: string }

export const sepayApiKeyCallback: SampleCallback<Config<SepayApiKey>> = {
  name: 'credit',
  reads: 'succeeded',
  names: 'payCode',
  tellsTime: true,
  window: { before: null, after: null },
  proof: {
    covers: ({ headers }) => textOf(headers.authorization),
    carrier: { header: 'authorization' },
    spelling: 'exact',
    over: 'nothing',
    signed: [],
    loose: 'body',
  },
  send(telling, { account: { config }, keysOf }) {
    const authorization = `Apikey ${keysOf.config.source.apiKey}`
    const body = sepayBody(telling, config.accountNumber, 'in')
    return { ...jsonRequest({}, '', { authorization }), body: Buffer.from(body, 'utf8') }
  },
  key: ({ transaction }) => transaction,
}
