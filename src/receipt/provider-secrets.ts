/** A provider's token as it stands in the row of an agency: sealed, the rest of its configuration open. */
import type { MaybeSealed, SecretOwner, Vault } from '../secrets/vault.ts'
import type { Database } from '../store/database.ts'
import { type ProviderConfig, providerConfig } from './provider.ts'

export type ProviderColumns = MaybeSealed & { readonly provider: Readonly<Record<string, unknown>> }

const issuerOwner = (tenantId: string, agencyCode: string): SecretOwner => ({
  kind: 'receipt-issuer',
  tenantId,
  id: agencyCode,
})

export async function sealProvider(
  vault: Vault,
  tenantId: string,
  agencyCode: string,
  provider: ProviderConfig,
): Promise<ProviderColumns> {
  if (provider.kind === 'built-in') return { provider, master_key_id: null, data_key: null, sealed: null }
  const { token, ...open } = provider
  return { provider: open, ...(await vault.seal(issuerOwner(tenantId, agencyCode), { token })) }
}

/** Null for a configuration that cannot be used. @throws SecretError when the token does not open */
export async function openProvider(
  vault: Vault,
  row: ProviderColumns & { readonly tenantId: string; readonly agencyCode: string },
): Promise<ProviderConfig | null> {
  // A row without a data key was written plain, by an earlier version; the gateway seals it when it starts.
  const secret = row.data_key === null ? {} : await vault.open(issuerOwner(row.tenantId, row.agencyCode), row)
  const config = providerConfig.safeParse({ ...row.provider, ...secret })
  return config.success ? config.data : null
}

/** Seals rows that an earlier version wrote plain. Returns how many; safe on all replicas at once. */
export async function sealPlainProviders(database: Database, vault: Vault): Promise<number> {
  const rows = await database.query<{ tenant_id: string; agency_code: string; provider: unknown }>(
    `SELECT tenant_id, agency_code, provider FROM receipt_issuers WHERE data_key IS NULL AND provider ? 'token' ORDER BY agency_code`,
    [],
  )
  let sealed = 0
  for (const { tenant_id, agency_code, provider } of rows) {
    const config = providerConfig.safeParse(provider)
    if (!config.success) continue
    const columns = await sealProvider(vault, tenant_id, agency_code, config.data)
    const changed = await database.query(
      `UPDATE receipt_issuers SET provider = $3, master_key_id = $4, data_key = $5, sealed = $6
        WHERE agency_code = $1 AND provider = $2 AND data_key IS NULL RETURNING agency_code`,
      [
        agency_code,
        JSON.stringify(provider),
        JSON.stringify(columns.provider),
        columns.master_key_id,
        columns.data_key,
        columns.sealed,
      ],
    )
    sealed += changed.length
  }
  return sealed
}
