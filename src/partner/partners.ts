import { type SenderConfig, senderSchema, senderSecretFields } from '../../adapters/national-portal/sender/account.ts'
import type { Environment } from '../environment.ts'
import { type ConfigColumns, openConfig, sealConfig } from '../rails/stored-config.ts'
import { SecretError } from '../secrets/envelope.ts'
import type { MaybeSealed, SecretOwner, Vault } from '../secrets/vault.ts'
import type { Database } from '../store/database.ts'

/** A portal that sends payers to us by the national message set, its config checked. */
export type Partner = {
  readonly id: string
  readonly tenantId: string
  readonly name: string
  /** Empty: every agency of the tenant. */
  readonly agencyCodes: readonly string[]
  readonly status: 'ACTIVE' | 'PAUSED'
  readonly config: SenderConfig
}

export type Partners = {
  /** Null when there is none. A paused one is found: what it has begun is still answered. */
  find(id: string): Promise<Partner | null>
  /** Reads anew at the next use. */
  forget(): void
}

const maxAgeMs = 5_000

type Columns = MaybeSealed & Pick<ConfigColumns, 'config'>
type Row = Columns & Omit<Partner, 'config'>

const ownerOf = (tenantId: string, id: string): SecretOwner => ({ kind: 'portal-partner', tenantId, id })

/** Columns for a row; the config is checked already. */
export async function sealPartner(
  vault: Vault,
  tenantId: string,
  id: string,
  given: Readonly<Record<string, unknown>>,
): Promise<Columns> {
  const owner = ownerOf(tenantId, id)
  const { config, master_key_id, data_key, sealed } = await sealConfig(
    vault,
    owner,
    { secretFields: senderSecretFields },
    { config: given },
  )
  return { config, master_key_id, data_key, sealed }
}

async function openPartner(vault: Vault, tenantId: string, id: string, columns: Columns): Promise<SenderConfig> {
  const row = { ...columns, next_set: null, previous_set: null }
  const { current } = await openConfig(vault, ownerOf(tenantId, id), { accountSchema: senderSchema }, row)
  return senderSchema.parse(current)
}

/** In memory, as rail accounts are: a hash is verified before anything touches the database. */
export function createPartners(
  database: Database,
  environment: Environment,
  vault: Vault,
  onInvalid: (id: string, error: unknown) => void,
): Partners {
  let cached: { partners: Map<string, Partner>; readAt: number } | null = null

  async function all(): Promise<Map<string, Partner>> {
    const now = environment.now().getTime()
    if (cached !== null && now - cached.readAt < maxAgeMs) return cached.partners
    try {
      const partners = await read(cached?.partners ?? null)
      cached = { partners, readAt: now }
      return partners
    } catch (error) {
      // With the database gone, a partner we know is still told to come again in its own terms.
      if (cached !== null) return cached.partners
      throw error
    }
  }

  async function read(known: Map<string, Partner> | null): Promise<Map<string, Partner>> {
    const rows = await database.query<Row>(
      `SELECT id, tenant_id AS "tenantId", name, agency_codes AS "agencyCodes", status, config, master_key_id, data_key, sealed
         FROM portal_partners`,
      [],
    )
    const partners = new Map<string, Partner>()
    for (const { id, tenantId, name, agencyCodes, status, ...columns } of rows) {
      try {
        const config = await openPartner(vault, tenantId, id, columns)
        partners.set(id, { id, tenantId, name, agencyCodes, status, config })
      } catch (error) {
        onInvalid(id, error)
        // A master key that is away for a moment: the partner stays as it was known.
        const before = error instanceof SecretError ? known?.get(id) : undefined
        if (before !== undefined) partners.set(id, before)
      }
    }
    return partners
  }

  return {
    find: async (id) => (await all()).get(id) ?? null,
    forget() {
      cached = null
    },
  }
}
