import type { TenantDatabase } from './database.ts'

export type FeedEvent = { readonly id: string; readonly type: string; readonly position: bigint; readonly body: string }

/**
 * A page of a client's feed after a position. Events get their position here, after their commit, by one sequencer at a
 * time: were it given at insert, a reader could pass an event that commits late and never see it.
 */
export async function readFeed(
  database: TenantDatabase,
  clientId: string,
  after: bigint,
  limit: number,
): Promise<FeedEvent[]> {
  await database.transaction(async (tx) => {
    await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 1))', [`feed ${clientId}`])
    // In order within an invoice even when the clocks of two replicas differ: the running maximum never goes back.
    await tx.query(
      `UPDATE events e SET position = placed.position
         FROM (SELECT id, nextval('event_position_sequence') AS position
                 FROM (SELECT id, invoice_id, invoice_seq,
                              max(created_at) OVER (PARTITION BY invoice_id ORDER BY invoice_seq) AS at
                         FROM events WHERE client_id = $1 AND position IS NULL
                        ORDER BY at, invoice_id, invoice_seq LIMIT 5000) AS unplaced) AS placed
        WHERE e.id = placed.id`,
      [clientId],
    )
  })
  return await database.query<FeedEvent>(
    'SELECT id, type, position, body FROM events WHERE client_id = $1 AND position > $2 ORDER BY position LIMIT $3',
    [clientId, after, limit],
  )
}
