/**
 * The signed texts of the generic profile (contracts/bill-pull-profile.md).
 *
 * Named lines, one a line, and the body only as its SHA-256: no value can hold a line break, so nothing can be moved from one
 * field to its neighbour, and what is signed is the body's bytes, not a re-serialisation of it. The first line keeps requests
 * and answers apart, the operation and account keep a message from being used elsewhere, and the answer repeats the request's
 * nonce so that it answers this request and no other.
 */
import { createHash } from 'node:crypto'

export const operations = ['inquire', 'pay', 'reverse'] as const
export type GenericOperation = (typeof operations)[number]

export type SignedRequest = {
  readonly operation: GenericOperation
  readonly accountId: string
  /** Unix seconds, digits. */
  readonly timestamp: string
  readonly nonce: string
  readonly body: Uint8Array
}

export function requestText({ operation, accountId, timestamp, nonce, body }: SignedRequest): string {
  return lines('feegate-bill-pull-request-v1', {
    operation,
    account: accountId,
    timestamp,
    nonce,
    'body-sha256': sha256(body),
  })
}

export type SignedAnswer = {
  readonly operation: string
  readonly accountId: string
  readonly timestamp: string
  /** Of the request that is answered; empty when it had none that could be read. */
  readonly nonce: string
  readonly status: number
  readonly body: string
}

export function answerText({ operation, accountId, timestamp, nonce, status, body }: SignedAnswer): string {
  return lines('feegate-bill-pull-answer-v1', {
    operation,
    account: accountId,
    timestamp,
    nonce,
    status: String(status),
    'body-sha256': sha256(Buffer.from(body, 'utf8')),
  })
}

function lines(title: string, fields: Readonly<Record<string, string>>): string {
  const named = Object.entries(fields).map(([name, value]) => {
    if (/[\r\n]/.test(value)) throw new RangeError(`${name} holds a line break`)
    return `${name}=${value}`
  })
  return [title, ...named].join('\n')
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
