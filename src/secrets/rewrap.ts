/**
 * Puts every data key under the active master key. The secrets themselves are not touched, rows are taken a few at a time and only
 * for the moment, and a row that somebody works on is come back to: nothing waits for it, so it runs beside the traffic.
 */
import type { Database } from '../store/database.ts'
import type { SecretOwner, Vault } from './vault.ts'

type SealedTable = {
  readonly kind: SecretOwner['kind']
  readonly table: string
  /** Columns that name the owner: tenant (the client, for stored answers) and id. */
  readonly tenant: string
  readonly id: string
}

export const sealedTables: readonly SealedTable[] = [
  { kind: 'rail-account', table: 'rail_accounts', tenant: 'tenant_id', id: 'id' },
  { kind: 'portal-partner', table: 'portal_partners', tenant: 'tenant_id', id: 'id' },
  { kind: 'webhook-endpoint', table: 'webhook_endpoints', tenant: 'tenant_id', id: 'id' },
  { kind: 'agency-signer', table: 'agency_signers', tenant: 'tenant_id', id: 'id' },
  { kind: 'receipt-issuer', table: 'receipt_issuers', tenant: 'tenant_id', id: 'agency_code' },
  { kind: 'refund-payee', table: 'refunds', tenant: 'tenant_id', id: 'id' },
  { kind: 'stored-answer', table: 'idempotency_keys', tenant: 'client_id', id: 'key' },
]

const atOnce = 50
const pauseMs = 50
/** A row that is locked each time for this many rounds is reported and not waited for. */
const mostIdleRounds = 100

export type Rewrapped = {
  readonly kind: SecretOwner['kind']
  readonly rows: number
  /** Rows that somebody held all the time. */
  readonly left: number
}

export async function rewrapAll(
  database: Database,
  vault: Vault,
  sleep: (ms: number) => Promise<void>,
): Promise<Rewrapped[]> {
  const results: Rewrapped[] = []
  for (const table of sealedTables) results.push(await rewrapTable(database, vault, table, sleep))
  return results
}

async function rewrapTable(
  database: Database,
  vault: Vault,
  table: SealedTable,
  sleep: (ms: number) => Promise<void>,
): Promise<Rewrapped> {
  let rows = 0
  for (let idle = 0; ; ) {
    const done = await rewrapSome(database, vault, table)
    rows += done
    const left = await remaining(database, vault, table)
    if (left === 0 || idle === mostIdleRounds) return { kind: table.kind, rows, left }
    idle = done === 0 ? idle + 1 : 0
    if (done === 0) await sleep(pauseMs)
  }
}

async function rewrapSome(database: Database, vault: Vault, { kind, table, tenant, id }: SealedTable): Promise<number> {
  return await database.transaction(async (tx) => {
    // NO KEY: payments that refer to a rail account are not held up. SKIP LOCKED: neither are we.
    const found = await tx.query<{ tenant: string; id: string; master_key_id: string; data_key: Buffer }>(
      `SELECT ${tenant} AS tenant, ${id} AS id, master_key_id, data_key FROM ${table}
        WHERE master_key_id <> $1 ORDER BY ${tenant}, ${id} LIMIT ${atOnce} FOR NO KEY UPDATE SKIP LOCKED`,
      [vault.masterKeys.activeId()],
    )
    for (const row of found) {
      const owner = { kind, tenantId: row.tenant, id: row.id }
      const wrapped = await vault.rewrap(owner, { masterKeyId: row.master_key_id, dataKey: row.data_key })
      if (wrapped === null) continue
      await tx.query(`UPDATE ${table} SET master_key_id = $3, data_key = $4 WHERE ${tenant} = $1 AND ${id} = $2`, [
        row.tenant,
        row.id,
        wrapped.masterKeyId,
        wrapped.dataKey,
      ])
    }
    return found.length
  })
}

async function remaining(database: Database, vault: Vault, { table }: SealedTable): Promise<number> {
  const [{ count } = { count: 0n }] = await database.query<{ count: bigint }>(
    `SELECT count(*) AS count FROM ${table} WHERE master_key_id <> $1`,
    [vault.masterKeys.activeId()],
  )
  return Number(count)
}

/** How many rows stand under each master key. */
export async function masterKeyUse(database: Database): Promise<ReadonlyMap<string, number>> {
  const use = new Map<string, number>()
  for (const { table } of sealedTables) {
    const rows = await database.query<{ master_key_id: string; count: bigint }>(
      `SELECT master_key_id, count(*) AS count FROM ${table} WHERE master_key_id IS NOT NULL GROUP BY master_key_id`,
      [],
    )
    for (const { master_key_id, count } of rows) use.set(master_key_id, (use.get(master_key_id) ?? 0) + Number(count))
  }
  return use
}
