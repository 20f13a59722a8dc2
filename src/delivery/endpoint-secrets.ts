/** The secrets of a webhook endpoint, sealed in its row as one list, so that none can be put in another's place. */
import { z } from 'zod'
import type { MaybeSealed, SealedColumns, SecretOwner, Vault } from '../secrets/vault.ts'
import type { Database } from '../store/database.ts'

/** Newest first; an `expiresAt` is set when a newer one took its place. */
export type WebhookSecret = { readonly secret: string; readonly expiresAt?: string | undefined }

const secretList = z.array(z.strictObject({ secret: z.string(), expiresAt: z.iso.datetime().optional() }))

export type SecretColumns = MaybeSealed & {
  readonly id: string
  readonly tenant_id: string
  /** Of rows written before secrets were sealed; the gateway seals them when it starts. */
  readonly secrets: unknown
}
export const secretColumns = 'secrets, master_key_id, data_key, sealed'

export const endpointOwner = (tenantId: string, id: string): SecretOwner => ({ kind: 'webhook-endpoint', tenantId, id })

export async function sealSecrets(
  vault: Vault,
  tenantId: string,
  id: string,
  secrets: readonly WebhookSecret[],
): Promise<SealedColumns> {
  return await vault.seal(endpointOwner(tenantId, id), { secrets: JSON.stringify(secrets) })
}

export async function openSecrets(vault: Vault, row: SecretColumns): Promise<readonly WebhookSecret[]> {
  if (row.data_key === null) return secretList.parse(row.secrets)
  const { secrets = '[]' } = await vault.open(endpointOwner(row.tenant_id, row.id), row)
  return secretList.parse(JSON.parse(secrets))
}

export function liveSecrets(secrets: readonly WebhookSecret[], now: Date): string[] {
  return secrets
    .filter(({ expiresAt }) => expiresAt === undefined || new Date(expiresAt) > now)
    .map(({ secret }) => secret)
}

/** Seals rows that an earlier version wrote plain. Returns how many; safe on all replicas at once. */
export async function sealPlainEndpoints(database: Database, vault: Vault): Promise<number> {
  const rows = await database.query<SecretColumns>(
    `SELECT id, tenant_id, ${secretColumns} FROM webhook_endpoints WHERE secrets IS NOT NULL ORDER BY id`,
    [],
  )
  let sealed = 0
  for (const row of rows) {
    const columns = await sealSecrets(vault, row.tenant_id, row.id, await openSecrets(vault, row))
    const changed = await database.query(
      `UPDATE webhook_endpoints SET secrets = NULL, master_key_id = $3, data_key = $4, sealed = $5
        WHERE id = $1 AND secrets = $2 RETURNING id`,
      [row.id, JSON.stringify(row.secrets), columns.master_key_id, columns.data_key, columns.sealed],
    )
    sealed += changed.length
  }
  return sealed
}
