import type { Environment } from '../environment.ts'
import type { Database } from '../store/database.ts'

/** How long a stored answer is found again under its Idempotency-Key. */
export const idempotencyRetentionMs = 30 * 24 * 60 * 60 * 1000
const atOnce = 5_000

/** Removes what only served to recognise repeats, once it can no longer matter. Returns how much was removed. */
export async function cleanUp({
  database,
  environment,
}: {
  database: Database
  environment: Environment
}): Promise<number> {
  const now = environment.now()
  const keys = await database.query(
    'DELETE FROM idempotency_keys WHERE (client_id, key) IN (SELECT client_id, key FROM idempotency_keys WHERE created_at < $1 LIMIT $2) RETURNING key',
    [new Date(now.getTime() - idempotencyRetentionMs), atOnce],
  )
  const assertions = await database.query(
    'DELETE FROM client_assertions WHERE (client_id, jti_hash) IN (SELECT client_id, jti_hash FROM client_assertions WHERE expires_at < $1 LIMIT $2) RETURNING client_id',
    [now, atOnce],
  )
  return keys.length + assertions.length
}
