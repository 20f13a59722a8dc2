/** A portal: issues, repeats, cancels, starts payments, and holds the gateway to what it answered before (I9). */
import { createHash } from 'node:crypto'
import { exchange } from '../engine/network.ts'
import type { Host, World } from '../engine/world.ts'
import type { HttpRequest, HttpResponse } from './replicas.ts'

export type ApiCall = {
  readonly method: string
  readonly path: string
  readonly body?: object
  /** Bytes in place of a body. */
  readonly file?: string
  readonly key?: string
  /** An officer's call instead of the portal's. */
  readonly officer?: string
}
export type KnownInvoice = {
  readonly id: string
  readonly payCode: string
  readonly payPath: string
  readonly total: number
  readonly expiresAt: string
  readonly request: ApiCall
}
export type KnownAttempt = {
  readonly id: string
  readonly invoice: KnownInvoice
  readonly railAccountId: string
  readonly merchantRef: string
  readonly instruction: Readonly<Record<string, unknown>>
}

type Json = Readonly<Record<string, unknown>>

export class Portal {
  readonly invoices: KnownInvoice[] = []
  readonly attempts: KnownAttempt[] = []
  /** Calls with a key that were made, to be made again. */
  readonly calls: ApiCall[] = []
  readonly faults: string[] = []
  private readonly answers = new Map<string, { fingerprint: string; status: number; body: string }>()
  private readonly world: World
  private readonly host: Host
  private readonly token: string
  private readonly gateway: (request: HttpRequest) => Promise<HttpResponse>

  constructor(world: World, host: Host, token: string, gateway: (request: HttpRequest) => Promise<HttpResponse>) {
    this.world = world
    this.host = host
    this.token = token
    this.gateway = gateway
  }

  /** Null when no answer came. */
  async call(call: ApiCall): Promise<{ status: number; json: Json } | null> {
    const { method, path, body, file, key, officer } = call
    if (key !== undefined && !this.calls.includes(call)) this.calls.push(call)
    const result = await exchange(this.world, {
      from: this.host,
      operation: officer === undefined ? 'portal' : 'officer',
      label: `${method} ${path.replace(/[a-z]{3}_[0-9a-z]{26}/g, ':id')}`,
      timeoutMs: 30_000,
      deliver: () =>
        this.gateway({
          method,
          url: path,
          headers: {
            authorization: officer === undefined ? `Bearer ${this.token}` : `Officer ${officer}`,
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...(file === undefined ? {} : { 'content-type': 'application/octet-stream' }),
            ...(key === undefined ? {} : { 'idempotency-key': key }),
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          ...(file === undefined ? {} : { body: file }),
        }),
    })
    if (result.kind !== 'answered') {
      this.world.record(officer ?? 'portal', `${method} ${path}: ${result.kind}`)
      return null
    }
    const { status, body: text, headers } = result.answer
    this.world.record(officer ?? 'portal', `${method} ${path}: ${status}`)
    if (status >= 500 && status !== 503)
      this.faults.push(`${method} ${path} was answered ${status}: ${text.slice(0, 300)}`)
    // Who is told to come again has no answer yet.
    if (key !== undefined && headers['retry-after'] === undefined) this.compare(call, status, text)
    return { status, json: readJson(text) }
  }

  async issue(call: ApiCall): Promise<void> {
    const answer = await this.call(call)
    if (answer?.status !== 201) return
    const { id, payCode, payUrl, total, expiresAt } = answer.json
    if (this.invoices.some((known) => known.id === id)) return
    this.invoices.push({
      id: String(id),
      payCode: String(payCode),
      payPath: new URL(String(payUrl)).pathname,
      total: Number(total),
      expiresAt: String(expiresAt),
      request: call,
    })
  }

  async start(invoice: KnownInvoice, call: ApiCall): Promise<void> {
    const answer = await this.call(call)
    if (answer === null || answer.status > 299) return
    const { id, merchantRef, instruction, railAccountId } = answer.json
    if (this.attempts.some((known) => known.id === id) || typeof instruction !== 'object' || instruction === null)
      return
    this.attempts.push({
      id: String(id),
      invoice,
      railAccountId: String(railAccountId),
      merchantRef: String(merchantRef),
      instruction: { ...instruction },
    })
  }

  /** A payer's form. */
  async submit(path: string, form: string): Promise<void> {
    const result = await exchange(this.world, {
      from: this.host,
      operation: 'payer',
      label: `POST ${path.replace(/\/pay\/[^/]+/, '/pay/:token').replace(/[a-z]{3}_[0-9a-z]{26}/g, ':id')}`,
      timeoutMs: 30_000,
      deliver: () =>
        this.gateway({
          method: 'POST',
          url: path,
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          body: form,
        }),
    })
    const told = result.kind === 'answered' ? String(result.answer.status) : result.kind
    this.world.record('payers', `submit a form: ${told}`)
  }

  /** I9: same key + same request = the same bytes; same key + other request = 422; still running = 409. */
  private compare({ method, path, body, file, key = '' }: ApiCall, status: number, text: string): void {
    const fingerprint = createHash('sha256')
      .update(JSON.stringify([method, path, body, file]))
      .digest('hex')
    const known = this.answers.get(key)
    if (known === undefined) {
      if (status !== 422) this.answers.set(key, { fingerprint, status, body: text })
      return
    }
    if (known.fingerprint !== fingerprint) {
      if (status !== 422) this.faults.push(`key ${key} with another request was answered ${status}`)
      return
    }
    if (known.status !== status || known.body !== text)
      this.faults.push(`key ${key} was answered ${known.status}, then ${status}, or with other bytes`)
  }
}

function readJson(text: string): Json {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    // A page or an empty answer.
    return {}
  }
}
