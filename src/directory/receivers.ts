/** No two accounts of a rail may be called the same by it: one notice, sent to both, would be money twice. */
import type { Adapter } from '../../adapters/contract.ts'
import { findAdapter } from '../../adapters/registry.ts'
import { type ConfigColumns, openConfig, railAccountOwner } from '../rails/stored-config.ts'
import { SecretError } from '../secrets/envelope.ts'
import type { Vault } from '../secrets/vault.ts'
import type { Transaction } from '../store/database.ts'
import { insertAll, type Row } from '../store/rows.ts'

export type Receiving = { readonly id: string; readonly rail: string; readonly receivers: readonly string[] }
type Claim = { readonly rail: string; readonly name: string; readonly accountId: string }

/**
 * Writes down what the accounts of a directory are called, once they are stored themselves. Returns a sentence for each name that
 * another account has, here or of any tenant; then nothing of the load may stay.
 */
export async function claimReceivers(
  tx: Transaction,
  tenantId: string,
  accounts: readonly Receiving[],
  { vault, adapters }: { readonly vault: Vault; readonly adapters: readonly Adapter[] },
): Promise<string[]> {
  const ids = accounts.map(({ id }) => id)
  await tx.query('DELETE FROM rail_receivers WHERE rail_account_id = ANY($1) AND tenant_id = $2', [ids, tenantId])
  // A paused account still takes notices, so its names are taken too.
  await insertAll(tx, 'rail_receivers', await earlierClaims(tx, ids, vault, adapters), 'ON CONFLICT DO NOTHING')
  const claims = accounts.flatMap(({ id, rail, receivers }) =>
    [...new Set(receivers)].map((name): Claim => ({ rail, name, accountId: id })),
  )
  const holders = new Map(
    (
      await tx.query<{ rail: string; name: string; holder: string }>(
        'SELECT rail, name, rail_account_id AS holder FROM rail_receivers WHERE (rail, name) IN (SELECT * FROM unnest($1::text[], $2::text[]))',
        [claims.map(({ rail }) => rail), claims.map(({ name }) => name)],
      )
    ).map(({ rail, name, holder }) => [keyOf(rail, name), holder]),
  )
  const faults: string[] = []
  const rows: Row[] = []
  for (const { rail, name, accountId } of claims) {
    const holder = holders.get(keyOf(rail, name))
    holders.set(keyOf(rail, name), accountId)
    if (holder === undefined) rows.push({ rail, name, rail_account_id: accountId, tenant_id: tenantId })
    else
      faults.push(
        `railAccounts ${accountId}: to ${rail} it is ${name}, and so is ${holder}; one notice sent to both would be counted twice, so only one account may have it`,
      )
  }
  if (faults.length === 0) await insertAll(tx, 'rail_receivers', rows)
  return faults
}

/** Of accounts that no load has written down: loaded by an earlier version. */
async function earlierClaims(
  tx: Transaction,
  except: readonly string[],
  vault: Vault,
  adapters: readonly Adapter[],
): Promise<Row[]> {
  const accounts = await tx.query<ConfigColumns & { id: string; tenant_id: string; rail: string }>(
    `SELECT id, tenant_id, rail, config, next_set, previous_set, master_key_id, data_key, sealed FROM rail_accounts a
      WHERE id <> ALL($1) AND NOT EXISTS (SELECT FROM rail_receivers r WHERE r.rail_account_id = a.id) ORDER BY id`,
    [except],
  )
  const rows: Row[] = []
  for (const account of accounts) {
    const { id, rail, tenant_id } = account
    const adapter = findAdapter(rail, adapters)
    if (adapter === undefined) continue
    try {
      const sets = await openConfig(vault, railAccountOwner(tenant_id, id), adapter, account)
      const configs = [sets.current, sets.next?.config, sets.previous?.config].filter((config) => config !== undefined)
      for (const name of new Set(configs.flatMap((config) => adapter.receivers(config))))
        rows.push({ rail, name, rail_account_id: id, tenant_id })
    } catch (error) {
      // One whose config does not open or fit takes no notices either (rails/accounts.ts).
      if (!(error instanceof SecretError) && !(error instanceof Error && error.name === 'ZodError')) throw error
    }
  }
  return rows
}

function keyOf(rail: string, name: string): string {
  return `${rail} ${name}`
}
