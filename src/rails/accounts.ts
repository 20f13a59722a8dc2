import type { Adapter } from '../../adapters/contract.ts'
import { allAdapters, findAdapter } from '../../adapters/registry.ts'
import type { Environment } from '../environment.ts'
import { SecretError } from '../secrets/envelope.ts'
import type { Vault } from '../secrets/vault.ts'
import { type CertificateRule, certificateRules } from '../signing/certificate-rule.ts'
import type { Database } from '../store/database.ts'
import { type Envelope, envelope } from './envelope.ts'
import { configsAt, type KeySets } from './key-sets.ts'
import { type ConfigColumns, openConfig, railAccountOwner } from './stored-config.ts'

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
  /** The one that signs what we send. */
  readonly config: unknown
  /** All whose signatures are believed, `config` first: more than one only while the bank changes its keys. */
  readonly believed: readonly unknown[]
  /** Client certificates that may call; null when none is asked for. */
  readonly clientCertificates: readonly CertificateRule[] | null
  /** CMS signature that each callback must carry; null when none is asked for. */
  readonly envelope: Envelope | null
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

type Row = ConfigColumns & {
  readonly id: string
  readonly tenant_id: string
  readonly rail: string
  readonly beneficiary_account_id: string
  readonly title_vi: string
  readonly title_en: string
  readonly status: 'ACTIVE' | 'PAUSED'
  readonly position: number
  readonly client_certificates: unknown
  readonly envelope: unknown
}
type Known = Omit<OpenRailAccount, 'config' | 'believed'> & { readonly sets: KeySets }

/**
 * All rail accounts in memory: signatures are verified before anything touches the database (DESIGN §9).
 * Read anew when told of a change, and at the latest after five seconds.
 */
export function createRailAccounts(
  database: Database,
  environment: Environment,
  vault: Vault,
  onInvalid: (id: string, error: unknown) => void,
  adapters: readonly Adapter[] = allAdapters(),
): RailAccounts {
  let cached: { accounts: Map<string, Known>; readAt: number } | null = null
  let known: Map<string, Known> | null = null
  let reading: Promise<Map<string, Known>> | null = null
  let forgotten = 0

  async function read(): Promise<Map<string, Known>> {
    const begun = forgotten
    const rows = await database.query<Row>(
      `SELECT id, tenant_id, rail, beneficiary_account_id, title_vi, title_en, config, next_set, previous_set, master_key_id, data_key, sealed,
              status, position, client_certificates, envelope FROM rail_accounts`,
      [],
    )
    const accounts = new Map<string, Known>()
    for (const row of rows) {
      const account = await openAccount(row)
      if (account !== null) accounts.set(row.id, account)
    }
    known = accounts
    // Told of a change meanwhile: what was read may be from before it.
    if (begun === forgotten) cached = { accounts, readAt: environment.now().getTime() }
    return accounts
  }

  async function openAccount(row: Row): Promise<Known | null> {
    const adapter = findAdapter(row.rail, adapters)
    if (adapter === undefined) {
      onInvalid(row.id, new Error(`no adapter named ${row.rail}`))
      return null
    }
    try {
      return {
        id: row.id,
        tenantId: row.tenant_id,
        rail: row.rail,
        beneficiaryAccountId: row.beneficiary_account_id,
        titleVi: row.title_vi,
        titleEn: row.title_en,
        status: row.status,
        position: row.position,
        adapter,
        clientCertificates: certificateRules.nullable().parse(row.client_certificates),
        envelope: envelope.nullable().parse(row.envelope),
        sets: await openConfig(vault, railAccountOwner(row.tenant_id, row.id), adapter, row),
      }
    } catch (error) {
      onInvalid(row.id, error)
      // A master key that is away for a moment must not cost us a bank's call: the account stays as it was known.
      return error instanceof SecretError ? (known?.get(row.id) ?? null) : null
    }
  }

  async function all(): Promise<Map<string, Known>> {
    if (cached !== null && environment.now().getTime() - cached.readAt < maxAgeMs) return cached.accounts
    reading ??= read().finally(() => {
      reading = null
    })
    try {
      return await reading
    } catch (error) {
      // With the database gone, keys we know still tell a true callback from a false one.
      if (known !== null) return known
      throw error
    }
  }

  function asOfNow({ sets, ...account }: Known): OpenRailAccount {
    const believed = configsAt(sets, environment.now())
    return { ...account, config: believed[0], believed }
  }

  return {
    async find(rail, id) {
      const account = (await all()).get(id)
      return account !== undefined && account.rail === rail ? asOfNow(account) : null
    },
    async get(id) {
      const account = (await all()).get(id)
      return account === undefined ? null : asOfNow(account)
    },
    async payingInto(beneficiaryAccountId) {
      return [...(await all()).values()]
        .filter((account) => account.beneficiaryAccountId === beneficiaryAccountId)
        .map(asOfNow)
    },
    forget() {
      forgotten++
      cached = null
    },
  }
}
