/**
 * What a rail's folder shows of the rail's own side, in `conformance.ts` beside its index: enough for one suite to judge every
 * adapter alike (docs/adding-a-rail.md). Pure like the adapter, and written from the rail's page, never with the adapter's
 * signing code: a sample that shared it would repeat its mistakes.
 */
import { createHmac, sign } from 'node:crypto'
import type { OutcomeKind } from '../src/domain/outcome.ts'
import type {
  BillAnswer,
  HttpAnswer,
  HttpCall,
  HttpReply,
  RailAccount,
  RawRequest,
  RefundOrder,
  Verdict,
} from './contract.ts'

export type KeyPair = { readonly privateKeyPem: string; readonly publicKeyPem: string }

/** RSA keys made for one run, so that no private key lies in the code. */
export type ConformanceKeys = {
  readonly ours: KeyPair
  /** Of the rail, as the account under test knows it. */
  readonly rail: KeyPair
  /** Of the rail, as another account of ours knows it. */
  readonly otherRail: KeyPair
}

/** One thing a rail tells. */
export type Telling = {
  /** By the adapter's `merchantRef`. */
  readonly merchantRef: string
  readonly payCode: string
  readonly amount: bigint
  readonly currency: string
  /** The rail's own number of the transaction: twelve digits. */
  readonly transaction: string
  /** When it happened and was sent, in whole seconds. */
  readonly at: Date
}

/** Whom the rail means, and whose keys it signs with; the same account unless a case wants them apart. */
export type Sender<Config> = { readonly account: RailAccount<Config>; readonly keysOf: RailAccount<Config> }

/** How a callback proves where it comes from, in the rail's terms. */
export interface Proof {
  /** What the proof covers, taken out of a request as a lenient reader would: two requests with one text are equally proven. */
  covers(request: RawRequest): string
  /** Where the proof stands: a field (dots lead into objects) or a header. */
  readonly carrier: { readonly field: string } | { readonly header: string }
  /** Which spellings of one proof count: hexadecimal in either case or in lower case, exactly as sent, or any of its JSON. */
  readonly spelling: 'hex' | 'lower-hex' | 'exact' | 'json'
  /** Values of fields, the bytes as they stand, or nothing of the message (a credential that only opens the door). */
  readonly over: 'fields' | 'bytes' | 'nothing'
  /** Names of the covered fields, in the order they are covered where there is one. */
  readonly signed: readonly string[]
  /** Uncovered fields that decide something all the same: weaknesses of the rail, told in its README. `body`: all of them. */
  readonly loose?: readonly string[] | 'body'
  /** Neighbours in the covered text whose border nothing can mark: weaknesses too. */
  readonly borderless?: readonly (readonly [string, string])[]
  /** Neighbours whose border shows only in that money names no invoice when it is moved: then a person looks. */
  readonly orphaning?: readonly (readonly [string, string])[]
}

export interface SampleCallback<Config = unknown> {
  readonly name: string
  readonly reads: OutcomeKind | 'ignored' | 'bill' | 'handshake'
  readonly proof: Proof
  /** Reference that the outcome carries; `merchantRef` unless said. */
  readonly names?: 'merchantRef' | 'payCode'
  readonly tellsTime?: boolean
  /** True when the message can name a currency. */
  readonly namesCurrency?: boolean
  /** Seconds our clock may stand before or after the time of the message; null where the rail sets no limit. */
  readonly window?: { readonly before: number | null; readonly after: number | null }
  send(telling: Telling, sender: Sender<Config>): RawRequest
  /** Dedupe key by rails.md. */
  key?(telling: Telling, account: RailAccount<Config>): string
  /** The exact answer to a bill request. */
  answered?(answer: BillAnswer, telling: Telling, account: RailAccount<Config>, now: Date): HttpReply
}

/** Calls of ours and the rail's answers to them. */
export interface SampleExchange<Config, Finding extends string> {
  /** `connection`: answers carry no proof; that we asked that host over TLS is all. */
  readonly answers: 'signed' | 'connection'
  /** The answer does not say which order it is about. */
  readonly nameless?: true
  readonly findings: readonly Finding[]
  answer(
    call: HttpCall,
    finding: Finding,
    about: { readonly telling: Telling; readonly refund?: RefundOrder },
    sender: Sender<Config>,
  ): HttpAnswer
  /** The answer without its proof. */
  unsigned?(answer: HttpAnswer): HttpAnswer
}

/** What the rail reads in our order. */
export type Told = {
  readonly merchantRef: string
  readonly amount: bigint
  readonly description: string | null
  /** By the rail's own check; true where orders are not signed. */
  readonly signed: boolean
}

export interface SampleStart<Config = unknown> {
  readonly leadsTo: 'redirect' | 'form' | 'qr' | 'otpChallenge'
  readonly payerInput?: Readonly<Record<string, string>>
  /** Absent where nothing is called. */
  readonly exchange?: SampleExchange<Config, 'opened' | 'refused'>
  /** `sent`: the bodies and addresses that left us, in order, the payer's address or code last. */
  told(sent: readonly { readonly url: string; readonly body: string }[], account: RailAccount<Config>): Told
}

/** One way of holding an account at the rail. */
export interface ConformanceMode<Config = unknown> {
  readonly name: string
  /** As an operator writes it, each secret long and unlike anything else. */
  readonly config: Config
  /** Another account of ours at this rail: other ids, other keys. */
  readonly other: Config
  /** What the rail demands of our references. */
  readonly reference: RegExp
  readonly callbacks: readonly SampleCallback<Config>[]
  /** The exact answer to the first callback, by rails.md. `telling` null: to a request at its address that cannot be read. */
  acknowledge(verdict: Verdict, telling: Telling | null, account: RailAccount<Config>, now: Date): HttpReply
  readonly start?: SampleStart<Config>
  readonly confirm?: SampleExchange<Config, 'succeeded' | 'wrongCode' | 'refused' | 'unknown'>
  readonly inquiry?: SampleExchange<Config, 'succeeded' | 'failed' | 'held' | 'stillPending' | 'notFound'>
  readonly refund?: SampleExchange<Config, 'done' | 'accepted' | 'refused' | 'unknown'>
  readonly refundInquiry?: SampleExchange<Config, 'done' | 'accepted' | 'refused' | 'unknown'>
}

/** Exported by each adapter's `conformance.ts` as `conformance`. */
export type Conformance = (keys: ConformanceKeys) => readonly ConformanceMode[]

export function hmacHex(algorithm: 'sha256' | 'sha512', key: string | Uint8Array, text: string | Uint8Array): string {
  return createHmac(algorithm, key).update(text).digest('hex')
}

/** RSASSA-PKCS1-v1_5 in base64. */
export function rsaBase64(digest: 'sha256' | 'sha1', text: string, { privateKeyPem }: KeyPair): string {
  return sign(digest, Buffer.from(text, 'utf8'), privateKeyPem).toString('base64')
}

/** The rail's key by which `bankKeyPem` of an account checks. */
export function railKeyOf(bankKeyPem: string, keys: ConformanceKeys): KeyPair {
  return bankKeyPem === keys.rail.publicKeyPem ? keys.rail : keys.otherRail
}

/** `yyyyMMddHHmmss` on a clock in Viet Nam. */
export function wallClock(at: Date): string {
  return new Date(at.getTime() + 7 * 3_600_000).toISOString().replace(/\D/g, '').slice(0, 14)
}

/** `yyyy-MM-dd HH:mm:ss` on a clock in Viet Nam. */
export function readableClock(at: Date): string {
  return new Date(at.getTime() + 7 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ')
}

export function getRequest(fields: Readonly<Record<string, string>>): RawRequest {
  return { method: 'GET', path: '', query: String(new URLSearchParams(fields)), headers: {}, body: new Uint8Array() }
}

export function formRequest(fields: Readonly<Record<string, string>>, path = ''): RawRequest {
  return postRequest(String(new URLSearchParams(fields)), { 'content-type': 'application/x-www-form-urlencoded' }, path)
}

export function jsonRequest(value: unknown, path = '', headers: Readonly<Record<string, string>> = {}): RawRequest {
  return postRequest(JSON.stringify(value), { 'content-type': 'application/json', ...headers }, path)
}

function postRequest(body: string, headers: Readonly<Record<string, string>>, path: string): RawRequest {
  return { method: 'POST', path, query: '', headers, body: Buffer.from(body, 'utf8') }
}

/** Pairs of the query, or of the body where there is one, by a lenient reader; of a repeated name the first. */
export function pairsIn(request: RawRequest): Record<string, string> {
  const text = request.body.byteLength > 0 ? Buffer.from(request.body).toString('utf8') : request.query
  return Object.fromEntries([...new URLSearchParams(text)].reverse())
}

/** The body's object by a lenient reader; empty when there is none. */
export function objectIn(body: Uint8Array | string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString('utf8'))
    return isObject(value) ? value : {}
  } catch {
    // A request that is no JSON holds no fields.
    return {}
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function textOf(value: unknown): string {
  return value === undefined || value === null ? '' : String(value)
}

export function jsonAnswer(value: unknown, status = 200): HttpAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(value), 'utf8'),
  }
}

export function textAnswer(text: string, status = 200): HttpAnswer {
  return { status, headers: { 'content-type': 'text/plain' }, body: Buffer.from(text, 'utf8') }
}

/** A JSON answer without one of its fields. */
export function withoutField(answer: HttpAnswer, name: string): HttpAnswer {
  const { [name]: _removed, ...rest } = objectIn(answer.body)
  return jsonAnswer(rest, answer.status)
}

/** The acknowledgement in JSON as this project writes it: compact, UTF-8. */
export function jsonAcknowledgement(status: number, value: Readonly<Record<string, unknown>>): HttpReply {
  return { status, headers: { 'content-type': 'application/json; charset=utf-8' }, body: JSON.stringify(value) }
}
