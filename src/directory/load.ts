/**
 * The directory: tenants, their agencies, beneficiary accounts, rail accounts and routing rules, from a file an operator keeps
 * under version control. Loading it again changes what differs; nothing is ever deleted, an account that is no longer wanted is
 * closed or paused. Only the routing section, where there is one, is the whole truth: a rule that is gone from it is withdrawn.
 */
import { z } from 'zod'
import type { Adapter } from '../../adapters/contract.ts'
import { senderSchema } from '../../adapters/national-portal/sender/account.ts'
import { allAdapters, findAdapter } from '../../adapters/registry.ts'
import { parseAgencyCode } from '../domain/codes/agency-code.ts'
import { parseBankAccount } from '../domain/codes/bank-account.ts'
import { parseTaxCode } from '../domain/codes/tax-code.ts'
import { creditors } from '../domain/fees/catalogue.ts'
import type { Environment } from '../environment.ts'
import { sealPartner } from '../partner/partners.ts'
import { railAccountsChannel } from '../rails/accounts.ts'
import { envelope } from '../rails/envelope.ts'
import { routingSection } from '../rails/rulebook-schema.ts'
import { nextSet, previousSet, railAccountOwner, sealConfig } from '../rails/stored-config.ts'
import type { Vault } from '../secrets/vault.ts'
import { certificateRules } from '../signing/certificate-rule.ts'
import type { Transaction } from '../store/database.ts'
import { appendJournal } from '../store/journal.ts'
import { insertAll } from '../store/rows.ts'
import { loadReceiptIssuers, receiptIssuer } from './receipt-issuers.ts'
import { claimReceivers } from './receivers.ts'
import { loadRemittanceRules, remittanceRule } from './remittance-rules.ts'
import { faultsOfRouting, type RoutingChanges, storeRouting } from './routing.ts'

const agencyCode = z.string().refine((text) => isCanonical(parseAgencyCode(text), text), 'not an agency code')
const taxCode = z.string().refine((text) => isCanonical(parseTaxCode(text), text), 'not a tax code')
const accountId = z.string().regex(/^[a-z0-9][a-z0-9-]{2,59}$/, 'lower-case letters, digits and dashes')

export const directoryFile = z.strictObject({
  format: z.literal('feegate-directory/1'),
  tenant: z.strictObject({ id: z.string().regex(/^ten_[0-9a-z]{1,40}$/), name: z.string().min(1).max(255) }),
  agencies: z.array(
    z.strictObject({
      code: agencyCode,
      nameVi: z.string().min(1).max(255),
      nameEn: z.string().min(1).max(255),
      taxCode,
      address: z.string().max(400).default(''),
      aliases: z.array(agencyCode).max(20).default([]),
      validFrom: z.iso.date(),
      validTo: z.iso.date().nullable().default(null),
      successorCode: agencyCode.nullable().default(null),
    }),
  ),
  beneficiaryAccounts: z.array(
    z.strictObject({
      id: z.string().regex(/^bac_[0-9a-z-]{3,40}$/),
      agencyCode,
      creditor: z.enum(creditors),
      creditorName: z.string().min(1).max(255),
      creditorTaxCode: taxCode,
      bankBin: z.string().regex(/^\d{6}$/),
      accountNumber: z.string().refine((text) => isCanonical(parseBankAccount(text), text), 'not an account number'),
      accountName: z.string().min(1).max(255),
      status: z.enum(['ACTIVE', 'CLOSED']).default('ACTIVE'),
    }),
  ),
  railAccounts: z.array(
    z.strictObject({
      id: accountId,
      rail: z.string(),
      beneficiaryAccountId: z.string(),
      titleVi: z.string().min(1).max(100),
      titleEn: z.string().min(1).max(100),
      config: z.record(z.string(), z.unknown()),
      next: nextSet.optional(),
      previous: previousSet.optional(),
      /** Whose client certificates may call; left out, anybody who signs rightly may. */
      clientCertificates: certificateRules.optional(),
      /** CMS signature that each callback must carry beside or around the rail's own protocol. */
      envelope: envelope.optional(),
      status: z.enum(['ACTIVE', 'PAUSED']).default('ACTIVE'),
      position: z.number().int().default(0),
    }),
  ),
  /** Portals that send payers by the national message set (adapters/national-portal/README.md). */
  portalPartners: z
    .array(
      z.strictObject({
        id: accountId,
        name: z.string().min(1).max(255),
        agencyCodes: z.array(agencyCode).max(1000).default([]),
        config: z.record(z.string(), z.unknown()),
        status: z.enum(['ACTIVE', 'PAUSED']).default('ACTIVE'),
      }),
    )
    .default([]),
  /** docs/routing.md. Left out: the rules stay as they are. */
  routing: routingSection.optional(),
  /** Agencies left out issue in their own name, numbered by FeeGate. */
  receiptIssuers: z.array(receiptIssuer).default([]),
  /** What has no rule goes on daily. */
  remittanceRules: z.array(remittanceRule).default([]),
})

export type Directory = z.input<typeof directoryFile>

export class DirectoryError extends Error {
  readonly code = 'DIRECTORY_INVALID'
}

/** Loads all of it or nothing; secrets of rail accounts and partners are sealed. Throws `DirectoryError` that names each wrong place. */
export async function loadDirectory(
  tx: Transaction,
  environment: Environment,
  data: unknown,
  actor: string,
  vault: Vault,
  adapters: readonly Adapter[] = allAdapters(),
): Promise<{ tenantId: string; routing: RoutingChanges | null }> {
  const parsed = directoryFile.safeParse(data)
  if (!parsed.success)
    throw new DirectoryError(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '))
  const {
    tenant,
    agencies,
    beneficiaryAccounts,
    railAccounts,
    portalPartners,
    routing,
    receiptIssuers,
    remittanceRules,
  } = parsed.data
  const accounts = await Promise.all(
    railAccounts.map(async (account) => {
      const { adapter, receivers } = checked(account, adapters)
      const columns = await sealConfig(vault, railAccountOwner(tenant.id, account.id), adapter, account)
      return { ...account, receivers, columns }
    }),
  )
  const partners = await Promise.all(
    portalPartners.map(async (partner) => {
      const config = senderSchema.safeParse(partner.config)
      if (!config.success)
        throw new DirectoryError(
          `portalPartners ${partner.id}: ${config.error.issues.map((issue) => `config.${issue.path.join('.')}: ${issue.message}`).join('; ')}`,
        )
      // Both directions hash alike: under one secret, our result to a portal would pass for the platform's result to us.
      if (railAccounts.some((account) => account.config.secret === config.data.secret))
        throw new DirectoryError(`portalPartners ${partner.id}: config.secret must not be the secret of a rail account`)
      return { ...partner, columns: await sealPartner(vault, tenant.id, partner.id, partner.config) }
    }),
  )
  const now = environment.now()
  await insertAll(
    tx,
    'tenants',
    [{ id: tenant.id, name: tenant.name, created_at: now }],
    'ON CONFLICT (id) DO UPDATE SET name = excluded.name',
  )
  // Successors after the rest, so that the order of the file does not matter.
  await insertAll(
    tx,
    'agencies',
    agencies.map((agency) => ({
      code: agency.code,
      tenant_id: tenant.id,
      name_vi: agency.nameVi,
      name_en: agency.nameEn,
      tax_code: agency.taxCode,
      address: agency.address,
      aliases: agency.aliases,
      valid_from: agency.validFrom,
      valid_to: agency.validTo,
    })),
    `ON CONFLICT (code) DO UPDATE SET name_vi = excluded.name_vi, name_en = excluded.name_en, tax_code = excluded.tax_code, address = excluded.address,
       aliases = excluded.aliases, valid_from = excluded.valid_from, valid_to = excluded.valid_to WHERE agencies.tenant_id = excluded.tenant_id`,
  )
  for (const { code, successorCode } of agencies) {
    await tx.query('UPDATE agencies SET successor_code = $2 WHERE code = $1 AND tenant_id = $3', [
      code,
      successorCode,
      tenant.id,
    ])
  }
  await insertAll(
    tx,
    'beneficiary_accounts',
    beneficiaryAccounts.map((account) => ({
      id: account.id,
      tenant_id: tenant.id,
      agency_code: account.agencyCode,
      creditor: account.creditor,
      creditor_name: account.creditorName,
      creditor_tax_code: account.creditorTaxCode,
      bank_bin: account.bankBin,
      account_number: account.accountNumber,
      account_name: account.accountName,
      status: account.status,
      created_at: now,
    })),
    // Where money lands is never edited: open invoices have signed it. A new account gets a new id, the old one is closed.
    'ON CONFLICT (id) DO UPDATE SET status = excluded.status WHERE beneficiary_accounts.tenant_id = excluded.tenant_id',
  )
  await insertAll(
    tx,
    'rail_accounts',
    accounts.map((account) => ({
      id: account.id,
      tenant_id: tenant.id,
      rail: account.rail,
      beneficiary_account_id: account.beneficiaryAccountId,
      title_vi: account.titleVi,
      title_en: account.titleEn,
      ...account.columns,
      client_certificates: account.clientCertificates ?? null,
      envelope: account.envelope ?? null,
      status: account.status,
      position: account.position,
      created_at: now,
      updated_at: now,
    })),
    `ON CONFLICT (id) DO UPDATE SET title_vi = excluded.title_vi, title_en = excluded.title_en, config = excluded.config, next_set = excluded.next_set,
       previous_set = excluded.previous_set, master_key_id = excluded.master_key_id, data_key = excluded.data_key, sealed = excluded.sealed,
       client_certificates = excluded.client_certificates, envelope = excluded.envelope, status = excluded.status,
       position = excluded.position, updated_at = excluded.updated_at WHERE rail_accounts.tenant_id = excluded.tenant_id AND rail_accounts.rail = excluded.rail`,
  )
  const taken = await tx.query<{ id: string }>(
    `SELECT a.id FROM rail_accounts a JOIN unnest($1::text[], $2::text[]) AS given (id, rail) ON given.id = a.id
      WHERE a.tenant_id <> $3 OR a.rail <> given.rail ORDER BY a.id`,
    [accounts.map(({ id }) => id), accounts.map(({ rail }) => rail), tenant.id],
  )
  if (taken.length > 0)
    throw new DirectoryError(
      taken.map(({ id }) => `railAccounts ${id}: the id stands for an account of another rail or tenant`).join('; '),
    )
  const shared = await claimReceivers(tx, tenant.id, accounts, { vault, adapters })
  if (shared.length > 0) throw new DirectoryError(shared.join('; '))
  await insertAll(
    tx,
    'portal_partners',
    partners.map((partner) => ({
      id: partner.id,
      tenant_id: tenant.id,
      name: partner.name,
      agency_codes: partner.agencyCodes,
      ...partner.columns,
      status: partner.status,
      created_at: now,
      updated_at: now,
    })),
    `ON CONFLICT (id) DO UPDATE SET name = excluded.name, agency_codes = excluded.agency_codes, config = excluded.config, master_key_id = excluded.master_key_id,
       data_key = excluded.data_key, sealed = excluded.sealed, status = excluded.status, updated_at = excluded.updated_at WHERE portal_partners.tenant_id = excluded.tenant_id`,
  )
  let changes: RoutingChanges | null = null
  if (routing !== undefined) {
    const faults = await faultsOfRouting(tx, tenant.id, routing)
    if (faults.length > 0) throw new DirectoryError(faults.join('; '))
    changes = await storeRouting(tx, tenant.id, routing, { now, actor })
  }
  const wrong = await loadReceiptIssuers(tx, tenant.id, receiptIssuers, now, vault)
  if (wrong.length > 0) throw new DirectoryError(wrong.join('; '))
  await loadRemittanceRules(tx, tenant.id, remittanceRules, now)
  await appendJournal(tx, [
    {
      tenantId: tenant.id,
      at: now,
      kind: 'directory.loaded',
      subject: tenant.id,
      actor,
      facts: {
        agencies: agencies.length,
        railAccounts: railAccounts.length,
        ...(changes === null
          ? {}
          : {
              routingAdded: changes.added.length,
              routingChanged: changes.changed.length,
              routingWithdrawn: changes.withdrawn.length,
            }),
      },
    },
  ])
  await tx.query(`SELECT pg_notify('${railAccountsChannel}', '')`, [])
  return { tenantId: tenant.id, routing: changes }
}

type GivenAccount = z.infer<typeof directoryFile>['railAccounts'][number]

/** The adapter, once it has checked the config in force and those of a key change; and what its rail calls the account in each. */
function checked(
  { id, rail, config, next, previous }: GivenAccount,
  adapters: readonly Adapter[],
): { adapter: Adapter; receivers: string[] } {
  const adapter = findAdapter(rail, adapters)
  if (adapter === undefined) throw new DirectoryError(`railAccounts ${id}: there is no rail ${rail}`)
  const sets = { config: {}, 'next.config': next?.config, 'previous.config': previous?.config }
  const receivers: string[] = []
  for (const [place, fields] of Object.entries(sets)) {
    if (fields === undefined) continue
    const parsed = adapter.accountSchema.safeParse({ ...config, ...fields })
    // Paths and messages only: the values are secrets.
    if (!parsed.success)
      throw new DirectoryError(
        `railAccounts ${id}: ${parsed.error.issues.map((issue) => `${place}.${issue.path.join('.')}: ${issue.message}`).join('; ')}`,
      )
    receivers.push(...adapter.receivers(parsed.data))
  }
  return { adapter, receivers }
}

function isCanonical(parsed: { ok: true; value: { canonical: string } } | { ok: false }, text: string): boolean {
  return parsed.ok && parsed.value.canonical === text
}
