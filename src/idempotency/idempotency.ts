/**
 * Idempotency-Key (DESIGN I9): same key and same request = the same answer byte for byte; same key and another request = 422;
 * still running = 409.
 *
 * Redis makes repeats cheap: an in-flight lock before work starts and the stored answer afterwards. PostgreSQL keeps the
 * promise: the answer is inserted in the transaction of the work itself under (client, key), behind a transaction-level
 * advisory lock, so with Redis empty, slow or gone a second worker either sees the committed answer or is told 409.
 */
import { createHash } from 'node:crypto'
import type { Logger } from 'pino'
import type { Environment } from '../environment.ts'
import { Problem, problemBody, problemContentType } from '../problem/problem.ts'
import type { MaybeSealed, SecretOwner, Vault } from '../secrets/vault.ts'
import type { TenantDatabase, TenantDatabases, Transaction } from '../store/database.ts'
import type { RedisShortcut } from './redis-shortcut.ts'

export type StoredAnswer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** It shows a secret: kept sealed, and by PostgreSQL alone. */
  readonly isSecret?: boolean
}

export type IdempotentRequest = {
  /** A client's id, or `officer:<tenant>:<subject>`. */
  readonly clientId: string
  /** Whose work it is: the transaction runs as this tenant's. */
  readonly tenantId: string
  readonly key: string
  /** What makes two requests the same: method, path and body bytes. */
  readonly fingerprint: Buffer
}

export type IdempotentResult = { readonly answer: StoredAnswer; readonly replayed: boolean }

export type Idempotency = {
  /**
   * Runs `work` once per key, in one transaction with the storing of its answer. A `Problem` below 500 thrown by the work
   * is an answer too: the work is rolled back and the answer kept. Anything else is thrown on and nothing is kept.
   */
  run(request: IdempotentRequest, work: (tx: Transaction) => Promise<StoredAnswer>): Promise<IdempotentResult>
  /**
   * For work that must commit before it talks to others (an attempt before its rail is called): it runs outside a
   * transaction and must itself find what an earlier run under this key left. Its answer is kept all the same.
   */
  runOutside(request: IdempotentRequest, work: () => Promise<StoredAnswer>): Promise<IdempotentResult>
}

/** Answers that depend on the moment and not on the request are not kept: the caller is meant to come again. */
const passingStatuses = new Set([401, 403, 408, 429])

export function requestFingerprint(method: string, path: string, body: Uint8Array): Buffer {
  return createHash('sha256').update(`${method}\n${path}\n`, 'utf8').update(body).digest()
}

export function createIdempotency({
  database,
  redis,
  environment,
  vault,
  log,
}: {
  database: TenantDatabases
  redis: RedisShortcut
  environment: Environment
  vault: Vault
  log: Logger
}): Idempotency {
  function storeOf({ tenantId }: IdempotentRequest): TenantDatabase {
    return database.forTenant(tenantId)
  }

  async function storedInDatabase(
    source: Pick<Transaction, 'query'>,
    { clientId, key }: IdempotentRequest,
  ): Promise<{ fingerprint: Buffer; answer: StoredAnswer } | null> {
    const [row] = await source.query<
      MaybeSealed & { fingerprint: Buffer; status: number; headers: Record<string, string>; body: string }
    >(
      'SELECT fingerprint, status, headers, body, master_key_id, data_key, sealed FROM idempotency_keys WHERE client_id = $1 AND key = $2',
      [clientId, key],
    )
    if (row === undefined) return null
    const isSecret = row.data_key !== null
    const { body = '' } = isSecret ? await vault.open(answerOwner(clientId, key), row) : row
    return { fingerprint: row.fingerprint, answer: { status: row.status, headers: row.headers, body, isSecret } }
  }

  function replay(request: IdempotentRequest, stored: { fingerprint: Buffer; answer: StoredAnswer }): IdempotentResult {
    if (!stored.fingerprint.equals(request.fingerprint)) throw new Problem('IDEMPOTENCY_KEY_REUSED')
    return { answer: stored.answer, replayed: true }
  }

  async function keep(tx: Transaction, request: IdempotentRequest, answer: StoredAnswer): Promise<void> {
    const sealed =
      answer.isSecret === true
        ? await vault.seal(answerOwner(request.clientId, request.key), { body: answer.body })
        : { master_key_id: null, data_key: null, sealed: null }
    await tx.query(
      `INSERT INTO idempotency_keys (client_id, key, fingerprint, status, headers, body, created_at, master_key_id, data_key, sealed)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
      [
        request.clientId,
        request.key,
        request.fingerprint,
        answer.status,
        JSON.stringify(answer.headers),
        answer.isSecret === true ? '' : answer.body,
        environment.now(),
        sealed.master_key_id,
        sealed.data_key,
        sealed.sealed,
      ],
    )
  }

  /** One worker per key across all replicas, for as long as the transaction lasts. */
  async function claim(tx: Transaction, { clientId, key }: IdempotentRequest): Promise<void> {
    const [row] = await tx.query<{ claimed: boolean }>(
      'SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS claimed',
      [`idempotency ${clientId} ${key}`],
    )
    if (row?.claimed !== true) throw new Problem('IDEMPOTENCY_IN_PROGRESS', { retryAfterSeconds: 1 })
  }

  async function runInDatabase(
    request: IdempotentRequest,
    work: (tx: Transaction) => Promise<StoredAnswer>,
  ): Promise<IdempotentResult> {
    try {
      return await storeOf(request).transaction(async (tx) => {
        await claim(tx, request)
        const stored = await storedInDatabase(tx, request)
        if (stored !== null) return replay(request, stored)
        const answer = await work(tx)
        await keep(tx, request, answer)
        return { answer, replayed: false }
      })
    } catch (error) {
      const answer = keepableRefusal(error)
      if (answer === null) throw error
      return await keepLate(request, answer)
    }
  }

  async function keepLate(request: IdempotentRequest, answer: StoredAnswer): Promise<IdempotentResult> {
    return await storeOf(request).transaction(async (tx) => {
      await claim(tx, request)
      const stored = await storedInDatabase(tx, request)
      if (stored !== null) return replay(request, stored)
      await keep(tx, request, answer)
      return { answer, replayed: false }
    })
  }

  async function runAlone(request: IdempotentRequest, work: () => Promise<StoredAnswer>): Promise<IdempotentResult> {
    const stored = await storedInDatabase(storeOf(request), request)
    if (stored !== null) return replay(request, stored)
    try {
      return await keepLate(request, await work())
    } catch (error) {
      const answer = keepableRefusal(error)
      if (answer === null) throw error
      return await keepLate(request, answer)
    }
  }

  async function behindRedis(
    request: IdempotentRequest,
    run: () => Promise<IdempotentResult>,
  ): Promise<IdempotentResult> {
    const shortcut = await redis.begin(request)
    if (shortcut.kind === 'stored') return replay(request, shortcut)
    if (shortcut.kind === 'otherRequest') throw new Problem('IDEMPOTENCY_KEY_REUSED')
    if (shortcut.kind === 'inFlight') {
      // The lock may be one that a crashed worker left; a committed answer settles it.
      const stored = await storedInDatabase(storeOf(request), request)
      if (stored !== null) return replay(request, stored)
      throw new Problem('IDEMPOTENCY_IN_PROGRESS', { retryAfterSeconds: 1 })
    }
    let result: IdempotentResult | null = null
    try {
      result = await run()
      return result
    } finally {
      // After the commit only; a failed write here costs speed, never the promise.
      if (shortcut.kind === 'claimed') {
        await redis
          .end(request, shortcut.token, result === null || result.answer.isSecret === true ? null : result.answer)
          .catch((error: unknown) => log.warn({ err: error }, 'Redis did not take the stored answer'))
      }
    }
  }

  return {
    run: (request, work) => behindRedis(request, () => runInDatabase(request, work)),
    runOutside: (request, work) => behindRedis(request, () => runAlone(request, work)),
  }
}

/** Answers are a client's; its id stands in the place of the tenant's. */
export const answerOwner = (clientId: string, key: string): SecretOwner => ({
  kind: 'stored-answer',
  tenantId: clientId,
  id: key,
})

/** The answer of a refusal that will be the same at every repeat; null for passing ones, for our own and for faults. */
function keepableRefusal(error: unknown): StoredAnswer | null {
  if (!(error instanceof Problem) || error.status >= 500 || passingStatuses.has(error.status)) return null
  // Whoever is told to come again must find another answer then.
  if (error.retryAfterSeconds !== undefined || error.code === 'IDEMPOTENCY_KEY_REUSED') return null
  return { status: error.status, headers: { 'content-type': problemContentType }, body: problemBody(error) }
}
