import type { Adapter } from '../../adapters/contract.ts'
import { allAdapters, findAdapter } from '../../adapters/registry.ts'
import type { Environment } from '../environment.ts'
import type { Database } from '../store/database.ts'

/** A rail account with its adapter, its config checked by the adapter's schema. */
export type OpenRailAccount = {
  readonly id: string
  readonly tenantId: string
  readonly rail: string
  readonly beneficiaryAccountId: string
  readonly titleVi: string
  readonly titleEn: string
  readonly status: 'ACTIVE' | 'PAUSED'
  readonly position: number
  readonly adapter: Adapter
  readonly config: unknown
}

export type RailAccounts = {
  /** Null when there is none of that rail and id. Paused accounts are found: money on its way still arrives. */
  find(rail: string, id: string): Promise<OpenRailAccount | null>
  get(id: string): Promise<OpenRailAccount | null>
  /** Accounts that pay into a beneficiary account, paused ones too: `router.ts` says which of them take new payments. */
  payingInto(beneficiaryAccountId: string): Promise<OpenRailAccount[]>
  /** Reads anew at the next use. */
  forget(): void
}

/** Channel on which a change of rail accounts is announced to all replicas. */
export const railAccountsChannel = 'feegate_rail_accounts'
const maxAgeMs = 5_000

/**
 * All rail accounts in memory: signatures are verified before anything touches the database (DESIGN §9).
 * Read anew when told of a change, and at the latest after five seconds.
 */
export function createRailAccounts(
  database: Database,
  environment: Environment,
  onInvalid: (id: string, error: unknown) => void,
  adapters: readonly Adapter[] = allAdapters(),
): RailAccounts {
  let cached: { accounts: Map<string, OpenRailAccount>; readAt: number } | null = null
  let reading: Promise<Map<string, OpenRailAccount>> | null = null

  async function read(): Promise<Map<string, OpenRailAccount>> {
    const rows = await database.query<{
      id: string
      tenant_id: string
      rail: string
      beneficiary_account_id: string
      title_vi: string
      title_en: string
      config: unknown
      status: 'ACTIVE' | 'PAUSED'
      position: number
    }>(
      'SELECT id, tenant_id, rail, beneficiary_account_id, title_vi, title_en, config, status, position FROM rail_accounts',
      [],
    )
    const accounts = new Map<string, OpenRailAccount>()
    for (const row of rows) {
      const adapter = findAdapter(row.rail, adapters)
      const config = adapter?.accountSchema.safeParse(row.config)
      if (adapter === undefined || config === undefined || !config.success) {
        onInvalid(row.id, config?.error ?? new Error(`no adapter named ${row.rail}`))
        continue
      }
      accounts.set(row.id, {
        id: row.id,
        tenantId: row.tenant_id,
        rail: row.rail,
        beneficiaryAccountId: row.beneficiary_account_id,
        titleVi: row.title_vi,
        titleEn: row.title_en,
        status: row.status,
        position: row.position,
        adapter,
        config: config.data,
      })
    }
    cached = { accounts, readAt: environment.now().getTime() }
    return accounts
  }

  async function all(): Promise<Map<string, OpenRailAccount>> {
    if (cached !== null && environment.now().getTime() - cached.readAt < maxAgeMs) return cached.accounts
    const stale = cached
    reading ??= read().finally(() => {
      reading = null
    })
    try {
      return await reading
    } catch (error) {
      // With the database gone, keys we know still tell a true callback from a false one.
      if (stale !== null) return stale.accounts
      throw error
    }
  }

  return {
    async find(rail, id) {
      const account = (await all()).get(id)
      return account !== undefined && account.rail === rail ? account : null
    },
    async get(id) {
      return (await all()).get(id) ?? null
    },
    async payingInto(beneficiaryAccountId) {
      return [...(await all()).values()].filter((account) => account.beneficiaryAccountId === beneficiaryAccountId)
    },
    forget() {
      cached = null
    },
  }
}
