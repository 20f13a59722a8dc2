/** A portal that repeats a call under its key until it is answered, and holds the gateway to what it answered before. */
import { createPrivateKey, type KeyObject, randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import { Agent, request } from 'undici'
import type { DossierSystem } from './dossiers.ts'
import { pause } from './wait.ts'

export type PortalAnswer = {
  readonly status: number
  readonly text: string
  readonly json: Readonly<Record<string, unknown>>
}

export type PortalCall = {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: object
  readonly key?: string
}

/** A call without an answer for so long is given up on, and asked again. */
const patienceMs = 8_000
const againAfterMs = 400
/** With the pauses between them far longer than any fault: who is still not answered then never will be. */
const mostTries = 300

export class Portal {
  readonly clientId: string
  readonly dossiers: DossierSystem
  /** Answers that no portal should ever see. */
  readonly faults: string[] = []
  /** Answered for good, by key. */
  readonly answers = new Map<string, { call: PortalCall; text: string }>()
  readonly counts = { calls: 0, unanswered: 0, refusedForNow: 0 }
  private readonly url: string
  private readonly kid: string
  private readonly privateKey: KeyObject
  private readonly agent = new Agent({ connections: 24, pipelining: 1 })
  private token: Promise<string> | null = null

  constructor(options: { url: string; clientId: string; kid: string; privateKey: KeyObject; dossiers: DossierSystem }) {
    this.url = options.url
    this.clientId = options.clientId
    this.kid = options.kid
    this.privateKey = createPrivateKey(options.privateKey.export({ type: 'pkcs8', format: 'pem' }))
    this.dossiers = options.dossiers
  }

  /** The answer for good: never one that says to come again. */
  async call(call: PortalCall): Promise<PortalAnswer> {
    for (let tries = 1; ; tries++) {
      const answer = await this.once(call)
      if (answer !== null) {
        this.compare(call, answer)
        return answer
      }
      if (tries === mostTries) throw new Error(`${call.method} ${call.path} was never answered`)
      await pause(againAfterMs)
    }
  }

  async close(): Promise<void> {
    await this.agent.destroy()
  }

  private async once(call: PortalCall): Promise<PortalAnswer | null> {
    this.counts.calls++
    try {
      this.token ??= this.fetchToken()
      const answer = await this.send(call, await this.token)
      if (answer.status === 401) this.token = null
      else if (!answer.comeAgain) {
        if (answer.status >= 500)
          this.faults.push(`${call.method} ${call.path} was answered ${answer.status}: ${answer.text.slice(0, 200)}`)
        else return answer
      } else this.counts.refusedForNow++
    } catch {
      // No answer: cut off, standing still, or nobody there.
      this.token = null
      this.counts.unanswered++
    }
    return null
  }

  private async send(
    { method, path, body, key }: PortalCall,
    token: string,
  ): Promise<PortalAnswer & { comeAgain: boolean }> {
    const {
      statusCode,
      headers,
      body: stream,
    } = await request(`${this.url}${path}`, {
      dispatcher: this.agent,
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(patienceMs),
    })
    const text = await stream.text()
    return { status: statusCode, text, json: readJson(text), comeAgain: headers['retry-after'] !== undefined }
  }

  private async fetchToken(): Promise<string> {
    const assertion = await new SignJWT({ jti: randomUUID() })
      .setProtectedHeader({ alg: 'ES256', kid: this.kid })
      .setIssuer(this.clientId)
      .setSubject(this.clientId)
      .setAudience(this.url)
      .setIssuedAt()
      .setExpirationTime('1m')
      .sign(this.privateKey)
    const { statusCode, body } = await request(`${this.url}/oauth/token`, {
      dispatcher: this.agent,
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion,
      }).toString(),
      signal: AbortSignal.timeout(patienceMs),
    })
    const { access_token: token } = readJson(await body.text())
    if (statusCode !== 200 || typeof token !== 'string') throw new Error(`no token: ${statusCode}`)
    return token
  }

  /** I9: the same key and the same request have the same answer, byte for byte. */
  private compare(call: PortalCall, { status, text }: PortalAnswer): void {
    if (call.key === undefined) return
    const known = this.answers.get(call.key)
    if (known === undefined) this.answers.set(call.key, { call, text: `${status} ${text}` })
    else if (known.text !== `${status} ${text}`)
      this.faults.push(`key ${call.key} was answered ${known.text.slice(0, 100)}, then ${status} ${text.slice(0, 100)}`)
  }
}

function readJson(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    // A page or an empty answer.
    return {}
  }
}
