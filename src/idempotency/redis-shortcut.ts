import type { Logger } from 'pino'
import type { Environment } from '../environment.ts'
import type { RedisConnection } from '../store/redis.ts'
import type { IdempotentRequest, StoredAnswer } from './idempotency.ts'

export type ShortcutBegin =
  | { readonly kind: 'claimed'; readonly token: string }
  | { readonly kind: 'inFlight' }
  | { readonly kind: 'otherRequest' }
  | { readonly kind: 'stored'; readonly fingerprint: Buffer; readonly answer: StoredAnswer }
  /** Redis is not there: PostgreSQL alone decides. */
  | { readonly kind: 'absent' }

export type RedisShortcut = {
  begin(request: IdempotentRequest): Promise<ShortcutBegin>
  /** Stores the answer in place of the lock, or only lifts the lock when there is no answer to keep. */
  end(request: IdempotentRequest, token: string, answer: StoredAnswer | null): Promise<void>
}

export const noShortcut: RedisShortcut = {
  begin: () => Promise.resolve({ kind: 'absent' }),
  end: () => Promise.resolve(),
}

/** Longer than any request may run; a lock that a crash left behind is gone after this. */
const lockMs = 30_000
const answerMs = 24 * 60 * 60 * 1000

// Value: `lock <token> <fingerprint>` or `done <fingerprint> <answer JSON>`. One key per script, so Redis Cluster works.
const beginScript = `
local value = redis.call('GET', KEYS[1])
if value then return value end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return nil`
const endScript = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '' then return redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`

export function createRedisShortcut({
  redis,
  prefix,
  environment,
  log,
}: {
  redis: RedisConnection
  prefix: string
  environment: Environment
  log: Logger
}): RedisShortcut {
  const keyOf = ({ clientId, key }: IdempotentRequest): string => `${prefix}idem:{${clientId}:${key}}`
  const lockOf = (request: IdempotentRequest, token: string): string =>
    `lock ${token} ${request.fingerprint.toString('hex')}`

  return {
    async begin(request) {
      const token = Buffer.from(environment.random(12)).toString('hex')
      let value: unknown
      try {
        value = await redis.eval(beginScript, 1, keyOf(request), lockOf(request, token), lockMs)
      } catch (error) {
        log.debug({ err: error }, 'Redis does not answer; PostgreSQL alone guards this request')
        return { kind: 'absent' }
      }
      if (typeof value !== 'string') return { kind: 'claimed', token }
      const fingerprint = request.fingerprint.toString('hex')
      if (value.startsWith('lock '))
        return value.endsWith(fingerprint) ? { kind: 'inFlight' } : { kind: 'otherRequest' }
      const stored = /^done ([0-9a-f]{64}) (.*)$/s.exec(value)
      if (stored === null) return { kind: 'absent' }
      const answer = readAnswer(stored[2] ?? '')
      return answer === null
        ? { kind: 'absent' }
        : { kind: 'stored', fingerprint: Buffer.from(stored[1] ?? '', 'hex'), answer }
    },
    async end(request, token, answer) {
      const done = answer === null ? '' : `done ${request.fingerprint.toString('hex')} ${JSON.stringify(answer)}`
      await redis.eval(endScript, 1, keyOf(request), lockOf(request, token), done, answerMs)
    },
  }
}

function readAnswer(text: string): StoredAnswer | null {
  try {
    const value: unknown = JSON.parse(text)
    if (
      value === null ||
      typeof value !== 'object' ||
      !('status' in value) ||
      !('body' in value) ||
      !('headers' in value)
    )
      return null
    const { status, body, headers } = value
    if (typeof status !== 'number' || typeof body !== 'string' || headers === null || typeof headers !== 'object')
      return null
    const texts = Object.entries(headers).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
    return { status, body, headers: Object.fromEntries(texts) }
  } catch {
    return null
  }
}
