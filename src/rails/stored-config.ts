/** A rail account's configs as they stand in its row: secret fields sealed, the rest open. */
import { z } from 'zod'
import type { Adapter } from '../../adapters/contract.ts'
import { findAdapter } from '../../adapters/registry.ts'
import type { MaybeSealed, SecretOwner, Vault } from '../secrets/vault.ts'
import type { Database } from '../store/database.ts'
import type { KeySets } from './key-sets.ts'

type Fields = Readonly<Record<string, unknown>>

/** What a directory file says: `next` and `previous` name only the fields that differ. */
export const nextSet = z
  .strictObject({
    config: z.record(z.string(), z.unknown()),
    signsFrom: z.iso.datetime({ offset: true }),
    currentUntil: z.iso.datetime({ offset: true }),
  })
  .refine(
    ({ signsFrom, currentUntil }) => new Date(signsFrom) <= new Date(currentUntil),
    'currentUntil is before signsFrom',
  )
export const previousSet = z.strictObject({
  config: z.record(z.string(), z.unknown()),
  until: z.iso.datetime({ offset: true }),
})

export type GivenConfig = {
  readonly config: Fields
  readonly next?: z.infer<typeof nextSet> | undefined
  readonly previous?: z.infer<typeof previousSet> | undefined
}

export type ConfigColumns = MaybeSealed & {
  readonly config: Fields
  readonly next_set: z.infer<typeof nextSet> | null
  readonly previous_set: z.infer<typeof previousSet> | null
}

export const railAccountOwner = (tenantId: string, id: string): SecretOwner => ({ kind: 'rail-account', tenantId, id })

/** Columns for a row; nothing is checked against the rail's schema here. */
export async function sealConfig(
  vault: Vault,
  owner: SecretOwner,
  adapter: Pick<Adapter, 'secretFields'>,
  { config, next, previous }: GivenConfig,
): Promise<ConfigColumns> {
  const secret: Record<string, string> = {}
  const openPart = (fields: Fields, set: string): Fields => {
    const open = Object.entries(fields).filter(([name, value]) => {
      if (!adapter.secretFields.includes(name)) return true
      secret[`${set}.${name}`] = JSON.stringify(value)
      return false
    })
    return Object.fromEntries(open)
  }
  const columns = {
    config: openPart(config, 'current'),
    next_set: next === undefined ? null : { ...next, config: openPart(next.config, 'next') },
    previous_set: previous === undefined ? null : { ...previous, config: openPart(previous.config, 'previous') },
  }
  const sealed =
    Object.keys(secret).length === 0
      ? { master_key_id: null, data_key: null, sealed: null }
      : await vault.seal(owner, secret)
  return { ...columns, ...sealed }
}

/**
 * The configs, checked by the rail's schema.
 * @throws SecretError when a secret does not open, ZodError when a config does not fit (its message names fields, never values)
 */
export async function openConfig(
  vault: Vault,
  owner: SecretOwner,
  adapter: Pick<Adapter, 'accountSchema'>,
  row: ConfigColumns,
): Promise<KeySets> {
  // A row without a data key was written plain, by an earlier version; the gateway seals it when it starts.
  const secret = row.data_key === null ? {} : await vault.open(owner, row)
  const closedPart = (set: string): Fields =>
    Object.fromEntries(
      Object.entries(secret).flatMap(([name, text]) =>
        name.startsWith(`${set}.`) ? [[name.slice(set.length + 1), JSON.parse(text) as unknown]] : [],
      ),
    )
  const current = { ...row.config, ...closedPart('current') }
  const whole = (fields: Fields, set: string): unknown =>
    adapter.accountSchema.parse({ ...current, ...fields, ...closedPart(set) })
  return {
    current: adapter.accountSchema.parse(current),
    next:
      row.next_set === null
        ? null
        : {
            config: whole(row.next_set.config, 'next'),
            signsFrom: new Date(row.next_set.signsFrom),
            currentUntil: new Date(row.next_set.currentUntil),
          },
    previous:
      row.previous_set === null
        ? null
        : { config: whole(row.previous_set.config, 'previous'), until: new Date(row.previous_set.until) },
  }
}

/** Seals rows that an earlier version wrote plain. Returns how many; safe on all replicas at once. */
export async function sealPlainAccounts(database: Database, vault: Vault): Promise<number> {
  const rows = await database.query<ConfigColumns & { id: string; tenant_id: string; rail: string }>(
    'SELECT id, tenant_id, rail, config, next_set, previous_set FROM rail_accounts WHERE data_key IS NULL ORDER BY id',
    [],
  )
  let sealed = 0
  for (const { id, tenant_id, rail, config, next_set, previous_set } of rows) {
    const adapter = findAdapter(rail)
    if (adapter === undefined) continue
    const given = { config, next: next_set ?? undefined, previous: previous_set ?? undefined }
    const columns = await sealConfig(vault, railAccountOwner(tenant_id, id), adapter, given)
    if (columns.data_key === null) continue
    // Still as it was read: another replica, or an operator's load, may have been quicker.
    const changed = await database.query(
      `UPDATE rail_accounts SET config = $3, next_set = $4, previous_set = $5, master_key_id = $6, data_key = $7, sealed = $8
        WHERE id = $1 AND data_key IS NULL AND config = $2 RETURNING id`,
      [
        id,
        JSON.stringify(config),
        JSON.stringify(columns.config),
        columns.next_set,
        columns.previous_set,
        columns.master_key_id,
        columns.data_key,
        columns.sealed,
      ],
    )
    sealed += changed.length
  }
  return sealed
}
