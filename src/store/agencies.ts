import type { Creditor } from '../domain/fees/catalogue.ts'
import type { Database, Transaction } from './database.ts'

type Source = Pick<Database | Transaction, 'query'>

export type FoundAgency = {
  /** The code or alias that was asked for. */
  readonly asked: string
  readonly code: string
  /** The successor whose account is paid: money of a merged agency goes there (domain.md §4). */
  readonly paying: string
}

/** Agencies of a tenant by canonical code or alias; what is not on record is left out. */
export async function findAgencies(
  source: Source,
  tenantId: string,
  codes: readonly string[],
  date: string,
): Promise<FoundAgency[]> {
  return await source.query<FoundAgency>(
    `WITH RECURSIVE asked AS (
       SELECT c.asked, a.code FROM unnest($2::text[]) AS c(asked) JOIN agencies a ON a.tenant_id = $1 AND (a.code = c.asked OR c.asked = ANY (a.aliases))),
     chain AS (
       SELECT asked, code AS first, code AS paying, 1 AS steps FROM asked
       UNION ALL
       -- Bounded: a circle in the agency table must not hang an issue.
       SELECT c.asked, c.first, a.successor_code, c.steps + 1 FROM chain c JOIN agencies a ON a.code = c.paying
        WHERE a.successor_code IS NOT NULL AND a.valid_to < $3 AND c.steps < 10)
     SELECT DISTINCT ON (asked) asked, first AS code, paying FROM chain ORDER BY asked, steps DESC`,
    [tenantId, codes, date],
  )
}

export type BeneficiaryAccount = {
  readonly id: string
  readonly agencyCode: string
  readonly creditor: Creditor
  readonly creditorName: string
  readonly creditorTaxCode: string
  readonly bankBin: string
  readonly accountNumber: string
  readonly accountName: string
}

/** Accounts on which new invoices of these agencies can be paid. */
export async function activeBeneficiaries(
  source: Source,
  tenantId: string,
  agencyCodes: readonly string[],
): Promise<BeneficiaryAccount[]> {
  return await source.query<BeneficiaryAccount>(
    `SELECT id, agency_code AS "agencyCode", creditor, creditor_name AS "creditorName", creditor_tax_code AS "creditorTaxCode", bank_bin AS "bankBin",
            account_number AS "accountNumber", account_name AS "accountName"
       FROM beneficiary_accounts WHERE tenant_id = $1 AND status = 'ACTIVE' AND agency_code = ANY ($2) ORDER BY id`,
    [tenantId, agencyCodes],
  )
}
