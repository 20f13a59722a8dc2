import { type SenderConfig, senderSchema } from '../../adapters/national-portal/sender/account.ts'
import type { Environment } from '../environment.ts'
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

/** In memory, as rail accounts are: a hash is verified before anything touches the database. */
export function createPartners(
  database: Database,
  environment: Environment,
  onInvalid: (id: string, error: unknown) => void,
): Partners {
  let cached: { partners: Map<string, Partner>; readAt: number } | null = null

  async function all(): Promise<Map<string, Partner>> {
    const now = environment.now().getTime()
    if (cached !== null && now - cached.readAt < maxAgeMs) return cached.partners
    const rows = await database.query<Omit<Partner, 'config'> & { config: unknown }>(
      'SELECT id, tenant_id AS "tenantId", name, agency_codes AS "agencyCodes", status, config FROM portal_partners',
      [],
    )
    const partners = new Map<string, Partner>()
    for (const row of rows) {
      const config = senderSchema.safeParse(row.config)
      if (config.success) partners.set(row.id, { ...row, config: config.data })
      else onInvalid(row.id, config.error)
    }
    cached = { partners, readAt: now }
    return partners
  }

  return {
    find: async (id) => (await all()).get(id) ?? null,
    forget() {
      cached = null
    },
  }
}
