/** Counters of receipt numbers: opened once a year per collector, locked by whoever issues. */
import {
  freeLetters,
  lastReceiptNumber,
  type ReceiptDelegation,
  type ReceiptSeries,
  receiptSymbol,
  receiptTemplate,
} from '../domain/receipt.ts'
import type { Transaction } from './database.ts'
import { rowsToJson } from './rows.ts'

/** A collecting agency that issues under a tax code: two agencies may share one. */
export type Collector = { readonly tenantId: string; readonly agencyCode: string; readonly taxCode: string }

export class NoLettersError extends Error {
  readonly code = 'RECEIPT_LETTERS'
}

type SeriesRow = Omit<ReceiptSeries, 'delegation'> & {
  readonly agencyCode: string
  readonly taxCode: string
  readonly delegation: ReceiptDelegation | null
}
export type LockedSeries = SeriesRow

/**
 * The series of these collectors for a year, locked in id order until the transaction ends: nobody else gives a number of
 * theirs meanwhile, and a number that is rolled back was never given.
 */
export async function lockSeries(
  tx: Transaction,
  agencyCodes: readonly string[],
  year: number,
): Promise<LockedSeries[]> {
  await tx.query('SELECT id FROM receipt_series WHERE agency_code = ANY ($1) AND year = $2 ORDER BY id FOR UPDATE', [
    agencyCodes,
    year,
  ])
  // A statement of its own: it sees what the holder before us has committed.
  return await tx.query<SeriesRow>(
    `SELECT s.id, s.agency_code AS "agencyCode", s.creditor_tax_code AS "taxCode", s.template, s.symbol, s.year, s.first_number AS "firstNumber",
            s.last_number AS "lastNumber", s.used_number AS "usedNumber", s.used_at AS "usedAt",
            CASE WHEN d.id IS NULL THEN NULL ELSE json_build_object('id', d.id, 'validFrom', d.valid_from, 'validTo', d.valid_to, 'notifiedOn', d.notified_on,
              'agent', json_build_object('name', d.agent_name, 'taxCode', d.agent_tax_code, 'address', d.agent_address)) END AS delegation
       FROM receipt_series s LEFT JOIN receipt_delegations d ON d.id = s.delegation_id
      WHERE s.agency_code = ANY ($1) AND s.year = $2 ORDER BY s.id`,
    [agencyCodes, year],
  )
}

export async function useNumbers(
  tx: Transaction,
  used: readonly { readonly id: string; readonly usedNumber: number; readonly usedAt: Date }[],
): Promise<void> {
  await tx.query(
    `UPDATE receipt_series s SET used_number = u."usedNumber", used_at = u."usedAt"
       FROM json_to_recordset($1::json) AS u(id text, "usedNumber" integer, "usedAt" timestamptz) WHERE s.id = u.id`,
    [rowsToJson(used)],
  )
}

/** Collectors with a receipt to issue here and a counter yet to be opened for the year. */
export async function collectorsWithoutSeries(
  source: Pick<Transaction, 'query'>,
  year: number,
): Promise<(Collector & { readonly delegated: boolean })[]> {
  return await source.query<Collector & { delegated: boolean }>(
    `SELECT DISTINCT r.tenant_id AS "tenantId", i.collecting_agency_code AS "agencyCode", r.creditor_tax_code AS "taxCode",
            coalesce(s.mode, 'OWN') = 'DELEGATED' AS delegated
       FROM receipts r JOIN invoices i ON i.id = r.invoice_id
       LEFT JOIN receipt_issuers s ON s.agency_code = i.collecting_agency_code
      WHERE r.status = 'REQUESTED' AND coalesce(s.provider ->> 'kind', 'built-in') = 'built-in'
        AND CASE WHEN coalesce(s.mode, 'OWN') = 'OWN'
              THEN NOT EXISTS (SELECT 1 FROM receipt_series n WHERE n.agency_code = i.collecting_agency_code AND n.creditor_tax_code = r.creditor_tax_code
                                  AND n.year = $1 AND n.template = $2 AND n.delegation_id IS NULL)
              ELSE EXISTS (SELECT 1 FROM receipt_delegations d WHERE d.agency_code = i.collecting_agency_code AND left(d.symbol, 2)::integer = $1 % 100
                              AND NOT EXISTS (SELECT 1 FROM receipt_series n WHERE n.delegation_id = d.id)) END
      LIMIT 100`,
    [year, receiptTemplate],
  )
}

/** Opens what a collector may number with in a year. Safe to run at once on many replicas: one of them does it. */
export async function openSeries(
  tx: Transaction,
  collector: Collector & { readonly delegated: boolean },
  year: number,
  newSeriesId: () => string,
): Promise<void> {
  // All that share the tax code: a symbol is given to one of them only.
  await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 3))', [
    `receipt series ${collector.tenantId} ${collector.taxCode}`,
  ])
  if (collector.delegated) await openDelegated(tx, collector, year, newSeriesId)
  else await openOwn(tx, collector, year, newSeriesId)
}

async function openOwn(
  tx: Transaction,
  { tenantId, agencyCode, taxCode }: Collector,
  year: number,
  newSeriesId: () => string,
): Promise<void> {
  const [known] = await tx.query(
    'SELECT id FROM receipt_series WHERE agency_code = $1 AND creditor_tax_code = $2 AND year = $3 AND template = $4 AND delegation_id IS NULL',
    [agencyCode, taxCode, year, receiptTemplate],
  )
  if (known !== undefined) return
  const taken = await tx.query<{ symbol: string }>(
    `SELECT symbol FROM receipt_series WHERE tenant_id = $1 AND creditor_tax_code = $2 AND template = $3
      UNION SELECT d.symbol FROM receipt_delegations d JOIN agencies a ON a.code = d.agency_code
             WHERE d.tenant_id = $1 AND (a.tax_code = $2 OR d.agency_code = $4) AND d.template = $3
      UNION SELECT lpad(($5 % 100)::text, 2, '0') || 'T' || s.letters FROM receipt_issuers s JOIN agencies a ON a.code = s.agency_code
             WHERE s.tenant_id = $1 AND a.tax_code = $2 AND s.agency_code <> $4 AND s.letters IS NOT NULL`,
    [tenantId, taxCode, receiptTemplate, agencyCode, year],
  )
  const symbols = new Set(taken.map(({ symbol }) => symbol))
  const [issuer] = await tx.query<{ letters: string | null }>(
    'SELECT letters FROM receipt_issuers WHERE agency_code = $1',
    [agencyCode],
  )
  const letters = issuer?.letters ?? freeLetters(year, symbols)
  if (letters === null) throw new NoLettersError(`no letters are left for tax code ${taxCode} in ${year}`)
  const symbol = receiptSymbol(year, letters)
  if (symbols.has(symbol))
    throw new NoLettersError(`symbol ${symbol} of ${agencyCode} is taken under tax code ${taxCode}`)
  await tx.query(
    `INSERT INTO receipt_series (id, tenant_id, agency_code, creditor_tax_code, template, symbol, year, first_number, last_number, used_number)
     VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, 0)`,
    [newSeriesId(), tenantId, agencyCode, taxCode, receiptTemplate, symbol, year, lastReceiptNumber],
  )
}

async function openDelegated(
  tx: Transaction,
  { tenantId, agencyCode, taxCode }: Collector,
  year: number,
  newSeriesId: () => string,
): Promise<void> {
  const delegations = await tx.query<{
    id: string
    template: string
    symbol: string
    first_number: number
    last_number: number
  }>(
    `SELECT id, template, symbol, first_number, last_number FROM receipt_delegations d
      WHERE tenant_id = $1 AND agency_code = $2 AND left(symbol, 2)::integer = $3 % 100
        AND NOT EXISTS (SELECT 1 FROM receipt_series s WHERE s.delegation_id = d.id) ORDER BY id`,
    [tenantId, agencyCode, year],
  )
  for (const { id, template, symbol, first_number, last_number } of delegations) {
    await tx.query(
      `INSERT INTO receipt_series (id, tenant_id, agency_code, creditor_tax_code, template, symbol, year, delegation_id, first_number, last_number, used_number)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $9 - 1)`,
      [newSeriesId(), tenantId, agencyCode, taxCode, template, symbol, year, id, first_number, last_number],
    )
  }
}
