/** The end of what stands beside the books: bodies of banks' messages, payees of refunds, payers' addresses. Digest and books stay. */
import { keptSince } from '../domain/retention.ts'
import type { Environment } from '../environment.ts'
import type { Database } from '../store/database.ts'
import { appendJournal } from '../store/journal.ts'

type Options = { readonly database: Database; readonly environment: Environment }

const atOnce = 500

/** One round. Returns how much was looked at: 0 when there is nothing more to do now. */
export async function eraseEvidence(options: Options): Promise<number> {
  const counts = [
    await eraseCallbacks(options, 'CALLBACK'),
    await eraseCallbacks(options, 'REFUSED_CALLBACK'),
    await erasePayees(options),
    await erasePayerAddresses(options),
  ]
  return counts.reduce((sum, count) => sum + count, 0)
}

/** Bodies, queries, headers and addresses of callers; a SHA-256 stays (migration 0017). The service itself may not change evidence. */
async function eraseCallbacks(
  { database, environment }: Options,
  kind: 'CALLBACK' | 'REFUSED_CALLBACK',
): Promise<number> {
  const now = environment.now()
  const [{ looked } = { looked: 0 }] = await database.query<{ looked: number }>(
    'SELECT erase_callbacks($1, $2, $3, $4) AS looked',
    [kind, keptSince(kind, now), now, atOnce],
  )
  return looked
}

/** The account's number and name; the bank and the refund with its references stay. */
async function erasePayees({ database, environment }: Options): Promise<number> {
  const now = environment.now()
  return await database.transaction(async (tx) => {
    const erased = await tx.query<{ id: string; tenantId: string }>(
      `UPDATE refunds SET master_key_id = NULL, data_key = NULL, sealed = NULL, payee_erased_at = $1
        WHERE id IN (SELECT id FROM refunds WHERE data_key IS NOT NULL AND status IN ('DONE', 'REJECTED') AND updated_at < $2
                      ORDER BY updated_at LIMIT ${atOnce} FOR NO KEY UPDATE SKIP LOCKED)
       RETURNING id, tenant_id AS "tenantId"`,
      [now, keptSince('PAYEE', now)],
    )
    await appendJournal(
      tx,
      erased.map(({ id, tenantId }) => ({
        tenantId,
        at: now,
        kind: 'personal.erased',
        subject: id,
        actor: 'feegate',
        facts: { class: 'PAYEE', reason: 'RETENTION' },
      })),
    )
    return erased.length
  })
}

/** Ids sort by time, so a round goes on where the last one ended. Each row by itself: nothing is held that a settlement could wait for. */
async function erasePayerAddresses({ database, environment }: Options): Promise<number> {
  const kind = 'PAYER_ADDRESS'
  const [place] = await database.query<{ upTo: string }>(
    'SELECT up_to AS "upTo" FROM retention_places WHERE kind = $1',
    [kind],
  )
  const due = await database.query<{ id: string; known: boolean }>(
    `SELECT id, payer_ip IS NOT NULL AS known FROM payments WHERE id > $1 AND created_at < $2 ORDER BY id LIMIT ${atOnce}`,
    [place?.upTo ?? '', keptSince(kind, environment.now())],
  )
  for (const { id } of due.filter(({ known }) => known))
    await database.query('UPDATE payments SET payer_ip = NULL WHERE id = $1', [id])
  const last = due.at(-1)
  if (last !== undefined)
    await database.query(
      'INSERT INTO retention_places (kind, up_to) VALUES ($1, $2) ON CONFLICT (kind) DO UPDATE SET up_to = greatest(retention_places.up_to, excluded.up_to)',
      [kind, last.id],
    )
  return due.length
}
