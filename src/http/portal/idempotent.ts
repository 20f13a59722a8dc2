import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import {
  type Idempotency,
  type IdempotentRequest,
  type IdempotentResult,
  requestFingerprint,
  type StoredAnswer,
} from '../../idempotency/idempotency.ts'
import { Problem } from '../../problem/problem.ts'
import type { Transaction } from '../../store/database.ts'
import { callerOf } from '../auth/caller.ts'

const keyPattern = /^[\x21-\x7e]{1,255}$/

/** Whose key it is: a client's, or an officer's. */
export type KeyOwner = { readonly clientId: string; readonly tenantId: string }

export function officerKeys({ tenantId, subject }: { tenantId: string; subject: string }): KeyOwner {
  return { clientId: `officer:${encodeURIComponent(tenantId)}:${subject}`, tenantId }
}

/** Runs a creating request once per Idempotency-Key and sends the stored bytes, now and at every repeat. */
export async function answerOnce(
  idempotency: Idempotency,
  request: FastifyRequest,
  reply: FastifyReply,
  work: (tx: Transaction) => Promise<StoredAnswer>,
  owner: KeyOwner = callerOf(request),
): Promise<FastifyReply> {
  return send(reply, await idempotency.run(identify(request, owner), work))
}

/** The same for work that commits by itself before it answers (`Idempotency.runOutside`); it gets a name for what it opens. */
export async function answerOnceOutside(
  idempotency: Idempotency,
  request: FastifyRequest,
  reply: FastifyReply,
  work: (attemptKey: string) => Promise<StoredAnswer>,
  owner: KeyOwner = callerOf(request),
): Promise<FastifyReply> {
  const identity = identify(request, owner)
  const attemptKey = createHash('sha256')
    .update(`${identity.clientId} ${identity.key} `)
    .update(identity.fingerprint)
    .digest('hex')
  return send(reply, await idempotency.runOutside(identity, () => work(attemptKey)))
}

function identify(request: FastifyRequest, { clientId, tenantId }: KeyOwner): IdempotentRequest {
  const key = request.headers['idempotency-key']
  if (typeof key !== 'string' || !keyPattern.test(key)) throw new Problem('IDEMPOTENCY_KEY_MISSING')
  return {
    clientId,
    tenantId,
    key,
    fingerprint: requestFingerprint(request.method, request.raw.url ?? '', request.rawBody),
  }
}

function send(reply: FastifyReply, { answer, replayed }: IdempotentResult): FastifyReply {
  reply.code(answer.status)
  for (const [name, value] of Object.entries(answer.headers)) reply.header(name, value)
  if (replayed) reply.header('idempotency-replayed', 'true')
  return reply.send(answer.body)
}

/** An answer as JSON text, fixed from now on. */
export function jsonAnswer(
  status: number,
  value: object,
  headers: Readonly<Record<string, string>> = {},
): StoredAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: JSON.stringify(value),
  }
}
