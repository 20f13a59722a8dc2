/** VietQR.vn's side for the conformance suite, in both of its modes, from rails.md §2.6. */
import {
  hmacHex,
  jsonAcknowledgement,
  jsonRequest,
  objectIn,
  type Proof,
  readableClock,
  type SampleCallback,
  type Telling,
  textOf,
} from '../../conformance.ts'
import type { HttpReply, RawRequest, Verdict } from '../../contract.ts'
import { type Config, isSettled } from './conformance-account.ts'

const syncPath = '/bank/api/transaction-sync'
type Token = { name: string; username: string; password: string; tokenSecret: string; tokenSeconds: number }

function syncBody(telling: Telling, accountNumber: string, changes: Readonly<Record<string, unknown>> = {}) {
  return {
    bankaccount: accountNumber,
    amount: Number(telling.amount),
    transType: 'C',
    content: `${telling.payCode} NOP PHI`,
    transactionid: `TX-${telling.transaction}`,
    transactiontime: readableClock(telling.at),
    referencenumber: `FT${telling.transaction}`,
    orderId: '',
    terminalCode: '',
    ...changes,
  }
}

const tokenProof: Proof = {
  covers: ({ headers }) => textOf(headers.authorization).replace(/^bearer +/i, ''),
  carrier: { header: 'authorization' },
  spelling: 'exact',
  over: 'nothing',
  signed: [],
  loose: 'body',
}

/** The token is our own: the second at which it ends, and a code over that and the account. */
export function tokenCallback(name: string, transType: 'C' | 'D'): SampleCallback<Config<Token>> {
  return {
    name,
    reads: transType === 'C' ? 'succeeded' : 'ignored',
    names: 'payCode',
    tellsTime: true,
    // Fetched at the moment of the notice: its 300 seconds end before they are over.
    window: { before: null, after: 299 },
    proof: tokenProof,
    send(telling, { account: { config }, keysOf }): RawRequest {
      const { tokenSecret, tokenSeconds } = keysOf.config.source
      const end = String(telling.at.getTime() / 1000 + tokenSeconds)
      const code = hmacHex('sha256', tokenSecret, `vietqrvn-token|${keysOf.id}|${end}`)
      const body = syncBody(telling, config.accountNumber, { transType })
      return jsonRequest(body, syncPath, { authorization: `Bearer ${end}.${code}` })
    },
    key: ({ transaction }) => `FT${transaction}`,
  }
}

export const tokenRequest: SampleCallback<Config<Token>> = {
  name: 'token request',
  reads: 'handshake',
  window: { before: null, after: null },
  proof: { ...tokenProof, covers: ({ headers }) => textOf(headers.authorization).replace(/^basic +/i, '') },
  send(_telling, { keysOf }) {
    const { username, password } = keysOf.config.source
    const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
    return { ...jsonRequest({}, '/api/token_generate', { authorization }), body: new Uint8Array() }
  },
}

export function acknowledgeToken(verdict: Verdict, telling: Telling | null): HttpReply {
  const codes: Record<string, readonly [string, string]> = {
    signature: ['E39', 'Invalid checksum'],
    auth: ['E74', 'Invalid token'],
    stale: ['E74', 'Invalid token'],
    'wrong-account': ['E77', 'Account does not match'],
  }
  const refused = (status: number, [errorReason, toastMessage]: readonly [string, string]) =>
    jsonAcknowledgement(status, { error: true, errorReason, toastMessage, object: null })
  if (verdict.kind === 'refused') return refused(400, codes[verdict.reason] ?? ['E05', 'Unknown error'])
  if (!isSettled(verdict)) return refused(503, ['E05', 'Unknown error'])
  const reftransactionid = telling === null ? '' : `FT${telling.transaction}`
  return jsonAcknowledgement(200, { error: false, errorReason: '000', toastMessage: '', object: { reftransactionid } })
}

type Signed = { name: string; secret: string }

/** Id, amount padded to ten digits, time, order id; `transType`, account and content are not signed. */
function syncText(fields: Readonly<Record<string, unknown>>): string {
  const { transactionId, transactionid, amount, transactionTime, transactiontime, orderId } = fields
  const padded = textOf(amount).replace(/^0+/, '').padStart(10, '0')
  // Both spellings are seen.
  return textOf(transactionId ?? transactionid) + padded + textOf(transactionTime ?? transactiontime) + textOf(orderId)
}

export function signedCallback(
  name: string,
  named: 'orderId' | 'content',
  transType: 'C' | 'D' = 'C',
): SampleCallback<Config<Signed>> {
  return {
    name,
    reads: transType === 'C' ? 'succeeded' : 'ignored',
    names: 'payCode',
    tellsTime: true,
    proof: {
      covers: (request) => syncText(objectIn(request.body)),
      carrier: { field: 'signature' },
      spelling: 'hex',
      over: 'fields',
      signed: ['transactionId', 'amount', 'transactionTime', 'orderId'],
      // The order id decides; the content only where it names nothing.
      loose: named === 'orderId' ? ['transType'] : ['transType', 'content'],
    },
    send(telling, { account: { config }, keysOf }) {
      const fields = {
        transactionId: `tx-${telling.transaction}`,
        transactionTime: readableClock(telling.at),
        referencenumber: `FT${telling.transaction}`,
        amount: String(telling.amount),
        content: named === 'content' ? telling.payCode : 'NOP PHI',
        bankAccount: config.accountNumber,
        transType,
        orderId: named === 'orderId' ? telling.payCode : '',
      }
      const signature = hmacHex('sha256', keysOf.config.source.secret, syncText(fields))
      return jsonRequest({ ...fields, signature }, syncPath)
    },
    key: ({ transaction }) => `tx-${transaction}`,
  }
}

export function acknowledgeSigned(verdict: Verdict): HttpReply {
  const refused = (status: number, errorReason: string, messageError: string) =>
    jsonAcknowledgement(status, { error: true, errorReason, toastMessage: '', messageError })
  if (verdict.kind === 'refused')
    return refused(400, verdict.reason === 'wrong-account' ? '001' : '002', verdict.reason)
  if (!isSettled(verdict)) return refused(503, '002', 'try again')
  return jsonAcknowledgement(200, { error: false, errorReason: '000', toastMessage: '', messageError: '' })
}
