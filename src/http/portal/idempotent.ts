import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Idempotency, requestFingerprint, type StoredAnswer } from '../../idempotency/idempotency.ts'
import { Problem } from '../../problem/problem.ts'
import type { Transaction } from '../../store/database.ts'
import { callerOf } from '../auth/caller.ts'

const keyPattern = /^[\x21-\x7e]{1,255}$/

/** Runs a creating request once per Idempotency-Key and sends the stored bytes, now and at every repeat. */
export async function answerOnce(
  idempotency: Idempotency,
  request: FastifyRequest,
  reply: FastifyReply,
  work: (tx: Transaction) => Promise<StoredAnswer>,
): Promise<FastifyReply> {
  const key = request.headers['idempotency-key']
  if (typeof key !== 'string' || !keyPattern.test(key)) throw new Problem('IDEMPOTENCY_KEY_MISSING')
  const fingerprint = requestFingerprint(request.method, request.raw.url ?? '', request.rawBody)
  const { answer, replayed } = await idempotency.run({ clientId: callerOf(request).clientId, key, fingerprint }, work)
  reply.code(answer.status)
  for (const [name, value] of Object.entries(answer.headers)) reply.header(name, value)
  if (replayed) reply.header('idempotency-replayed', 'true')
  return reply.send(answer.body)
}

/** An answer as JSON text, fixed from now on. */
export function jsonAnswer(status: number, value: object, headers: Readonly<Record<string, string>> = {}): StoredAnswer {
  return { status, headers: { 'content-type': 'application/json; charset=utf-8', ...headers }, body: JSON.stringify(value) }
}
