/**
 * Credit notices by VietQR.vn, token mode (rails.md §2.6): it fetches a token from us with a user name and a password, then
 * brings the notice with that token. The notice itself is not signed: token, TLS and source address are all that proves it.
 */
import { z } from 'zod'
import type { CallbackReading, HttpReply, RawRequest, RefusalReason, Verdict } from '../../contract.ts'
import { jsonReply } from '../../shared/reply.ts'
import { bankTime, type CollectionAccount, isSettled, readingOf, refused } from '../notice.ts'
import { isSameText } from '../same-text.ts'
import { isLiveToken, issueToken } from './bearer-token.ts'
import { evidenceOf, readSyncMessage, type SyncMessage, syncPath } from './vietqrvn-message.ts'

export const tokenPath = '/api/token_generate'

export const vietqrvnSource = z.strictObject({
  name: z.literal('vietqrvn'),
  username: z
    .string()
    .regex(/^[^:]+$/, 'must have no colon')
    .max(100),
  password: z.string().min(12).max(256),
  tokenSecret: z.string().min(32).max(256),
  tokenSeconds: z.int().min(30).max(3600).default(300),
  /** HTTP status of a refused notice; the page does not tell it for certain. */
  refusalStatus: z.int().min(200).max(499).default(400),
})

export type VietqrvnSource = z.infer<typeof vietqrvnSource>

export function readVietqrvn(
  request: RawRequest,
  source: VietqrvnSource,
  account: CollectionAccount,
  now: Date,
): CallbackReading {
  if (request.method !== 'POST') return refused('unsupported', `only POST, not ${request.method}`)
  if (request.path === tokenPath) return answerTokenRequest(request, source, account, now)
  if (request.path !== syncPath) return refused('unsupported', `no such path: ${request.path.slice(0, 100)}`)
  if (!isLiveToken(credentials(request, 'bearer'), account.id, source.tokenSecret, now))
    return refused('auth', 'no token of ours, or its time is over')
  const read = readSyncMessage(request)
  if (!read.ok) return refused(read.reason, read.detail)
  const { message } = read
  const transactionId = keyOf(message)
  if (transactionId === '') return refused('malformed', 'neither referencenumber nor transactionid')
  return readingOf(
    {
      transactionId,
      isCredit: message.transType === 'C',
      amount: message.amount,
      receivers: [message.bankaccount],
      texts: [message.content, message.orderId],
      paidAt: bankTime(message.transactiontime ?? ''),
      evidence: { source: 'vietqrvn', ...evidenceOf(message) },
    },
    account,
  )
}

function answerTokenRequest(
  request: RawRequest,
  source: VietqrvnSource,
  account: CollectionAccount,
  now: Date,
): CallbackReading {
  const given = utf8Of(credentials(request, 'basic'))
  // The first colon ends the user name; a password may hold more.
  const colon = given?.indexOf(':') ?? -1
  if (given === null || colon === -1) return refused('auth', 'no user name and password')
  const isUser = isSameText(given.slice(0, colon), source.username)
  const isPassword = isSameText(given.slice(colon + 1), source.password)
  if (!isUser || !isPassword) return refused('auth', 'wrong user name or password')
  const endsAtSeconds = Math.floor(now.getTime() / 1000) + source.tokenSeconds
  return {
    kind: 'handshake',
    reply: jsonReply(200, {
      access_token: issueToken(account.id, source.tokenSecret, endsAtSeconds),
      token_type: 'Bearer',
      expires_in: source.tokenSeconds,
    }),
  }
}

/** What follows the scheme in `Authorization`; empty when it is missing or of another scheme. */
function credentials(request: RawRequest, scheme: 'basic' | 'bearer'): string {
  const [, name = '', value = ''] = /^([A-Za-z]+) +([\x21-\x7e]+)$/.exec(request.headers.authorization ?? '') ?? []
  return name.toLowerCase() === scheme ? value : ''
}

function utf8Of(base64: string): string | null {
  const bytes = Buffer.from(base64, 'base64')
  if (bytes.toString('base64') !== base64) return null
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    // Bytes that are no UTF-8 are nobody's password.
    return null
  }
}

function keyOf({ referencenumber, transactionid }: SyncMessage): string {
  return referencenumber || transactionid || ''
}

type Refusal = { readonly code: string; readonly text: string }
const unknownError: Refusal = { code: 'E05', text: 'Unknown error' }
const badToken: Refusal = { code: 'E74', text: 'Invalid token' }

/** Codes of VietQR.vn's list. */
const refusals: Readonly<Record<RefusalReason, Refusal>> = {
  signature: { code: 'E39', text: 'Invalid checksum' },
  auth: badToken,
  stale: badToken,
  malformed: unknownError,
  'repeated-field': unknownError,
  'wrong-account': { code: 'E77', text: 'Account does not match' },
  'wrong-currency': unknownError,
  unsupported: unknownError,
}

export function acknowledgeVietqrvn(verdict: Verdict, request: RawRequest, source: VietqrvnSource): HttpReply {
  if (request.path === tokenPath) return acknowledgeTokenRequest(verdict)
  if (verdict.kind === 'refused') return syncRefusal(source.refusalStatus, refusals[verdict.reason])
  if (!isSettled(verdict)) return syncRefusal(503, unknownError)
  // Our key of the transaction. It comes from the notice, so the same notice has the same answer, byte for byte.
  const read = readSyncMessage(request)
  const reftransactionid = read.ok ? keyOf(read.message) : ''
  return jsonReply(200, { error: false, errorReason: '000', toastMessage: '', object: { reftransactionid } })
}

function acknowledgeTokenRequest(verdict: Verdict): HttpReply {
  const isAuth = verdict.kind === 'refused' && verdict.reason === 'auth'
  return jsonReply(isAuth ? 401 : 400, { status: 'FAILED', message: isAuth ? badToken.code : unknownError.code })
}

function syncRefusal(status: number, { code, text }: Refusal): HttpReply {
  return jsonReply(status, { error: true, errorReason: code, toastMessage: text, object: null })
}
