/** NAPAS's access token (rails.md §4.1, step 1): every other call needs one, so each step begins here. */
import { z } from 'zod'
import type { HttpAnswer, HttpCall } from '../contract.ts'
import { readJsonObject } from '../shared/json-body.ts'
import { encodePairs } from '../shared/query.ts'
import type { NapasConfig } from './account.ts'

/** Asking twice gives two tokens and changes nothing else. */
export function tokenCall(config: NapasConfig): HttpCall {
  return {
    method: 'POST',
    url: `${config.apiUrl}/oauth/token`,
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: encodePairs([
      ['grant_type', 'password'],
      ['client_id', config.clientId],
      ['client_secret', config.clientSecret],
      ['username', config.username],
      ['password', config.password],
    ]),
    timeoutMs: config.timeoutMs,
    repeatable: true,
  }
}

const tokenSchema = z.looseObject({ access_token: z.string().regex(/^[A-Za-z0-9._~+/-]{1,4000}=*$/) })
const errorSchema = z.looseObject({ error: z.string().max(60) })

export type TokenReading =
  | { readonly kind: 'token'; readonly token: string }
  /** NAPAS does not know us by these credentials: nothing was started. */
  | { readonly kind: 'refused'; readonly railCode: string }
  | { readonly kind: 'unknown'; readonly detail: string }

export function readToken(answer: HttpAnswer): TokenReading {
  if (answer.status >= 500) return { kind: 'unknown', detail: `token: HTTP ${answer.status}` }
  const body = readJsonObject(answer.body)
  if (!body.ok) return { kind: 'unknown', detail: `token: ${body.detail}` }
  if (answer.status === 400 || answer.status === 401 || answer.status === 403) {
    const refusal = errorSchema.safeParse(body.value)
    return { kind: 'refused', railCode: refusal.success ? refusal.data.error : `HTTP_${answer.status}` }
  }
  const parsed = tokenSchema.safeParse(body.value)
  if (answer.status !== 200 || !parsed.success) return { kind: 'unknown', detail: `token: HTTP ${answer.status}` }
  return { kind: 'token', token: parsed.data.access_token }
}

/** A JSON call under a token. */
export function bearerCall(
  token: string,
  target: Pick<HttpCall, 'method' | 'url' | 'repeatable'>,
  body: unknown,
  config: NapasConfig,
): HttpCall {
  const headers = { authorization: `Bearer ${token}`, accept: 'application/json' }
  const common = { ...target, timeoutMs: config.timeoutMs }
  return body === undefined
    ? { ...common, headers }
    : {
        ...common,
        headers: { ...headers, 'content-type': 'application/json; charset=utf-8' },
        body: JSON.stringify(body),
      }
}

/** Which answer comes next; kept in a step's `state`. */
export const stepSchema = z.object({ awaits: z.enum(['token', 'answer']) })
export const awaitsToken = { awaits: 'token' } as const
export const awaitsAnswer = { awaits: 'answer' } as const
