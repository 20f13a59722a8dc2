/** The part of the directory that says how agencies issue receipts: by themselves or through an agent, numbered here or elsewhere. */
import { z } from 'zod'
import { isLetters, parseReceiptSymbol, parseReceiptTemplate } from '../domain/codes/receipt-code.ts'
import { lastReceiptNumber, notifiedInTime } from '../domain/receipt.ts'
import { providerConfig } from '../receipt/provider.ts'
import { sealProvider } from '../receipt/provider-secrets.ts'
import type { Vault } from '../secrets/vault.ts'
import type { Transaction } from '../store/database.ts'
import { insertAll } from '../store/rows.ts'

const number = z.number().int().min(1).max(lastReceiptNumber)

const delegation = z
  .strictObject({
    id: z.string().regex(/^[a-z0-9][a-z0-9-]{2,59}$/, 'lower-case letters, digits and dashes'),
    agent: z.strictObject({
      name: z.string().min(1).max(255),
      taxCode: z.string().min(10).max(14),
      address: z.string().min(1).max(400),
    }),
    agreement: z.strictObject({ number: z.string().min(1).max(100), date: z.iso.date() }),
    /** Day the tax office was told; at least three days before `from`. */
    notifiedOn: z.iso.date(),
    from: z.iso.date(),
    to: z.iso.date(),
    template: z.string().refine((text) => parseReceiptTemplate(text).ok, 'not a receipt template'),
    symbol: z.string().refine((text) => parseReceiptSymbol(text).ok, 'not a receipt symbol'),
    range: z.strictObject({ from: number, to: number }),
  })
  .refine((given) => given.from <= given.to && given.range.from <= given.range.to, 'ends before it begins')
  .refine(({ notifiedOn, from }) => notifiedInTime({ notifiedOn, validFrom: from }), {
    message: 'the tax office must be told at least 3 days before',
    path: ['notifiedOn'],
  })
  .refine(({ symbol, from, to }) => [from, to].every((day) => day.slice(2, 4) === symbol.slice(0, 2)), {
    message: 'the symbol is of another year',
    path: ['symbol'],
  })

export const receiptIssuer = z
  .strictObject({
    agencyCode: z.string(),
    mode: z.enum(['OWN', 'DELEGATED']).default('OWN'),
    letters: z.string().refine(isLetters, 'two letters of ABCDEGHKLMNPQRSTUVXY').nullable().default(null),
    provider: providerConfig.default({ kind: 'built-in' }),
    delegations: z.array(delegation).max(50).default([]),
  })
  .refine(({ mode, delegations }) => mode === 'DELEGATED' || delegations.length === 0, {
    message: 'an agency that issues itself has no delegation',
    path: ['delegations'],
  })

export type ReceiptIssuer = z.infer<typeof receiptIssuer>

/** A delegation is never edited: another one takes its place. It can only be ended earlier. Returns what is wrong. */
export async function loadReceiptIssuers(
  tx: Transaction,
  tenantId: string,
  issuers: readonly ReceiptIssuer[],
  now: Date,
  vault: Vault,
): Promise<string[]> {
  const rows = await Promise.all(
    issuers.map(async (issuer) => ({
      ...issuer,
      columns: await sealProvider(vault, tenantId, issuer.agencyCode, issuer.provider),
    })),
  )
  await insertAll(
    tx,
    'receipt_issuers',
    rows.map(({ agencyCode, mode, letters, columns }) => ({
      agency_code: agencyCode,
      tenant_id: tenantId,
      mode,
      letters,
      ...columns,
      updated_at: now,
    })),
    `ON CONFLICT (agency_code) DO UPDATE SET mode = excluded.mode, letters = excluded.letters, provider = excluded.provider,
       master_key_id = excluded.master_key_id, data_key = excluded.data_key, sealed = excluded.sealed, updated_at = excluded.updated_at WHERE receipt_issuers.tenant_id = excluded.tenant_id`,
  )
  await insertAll(
    tx,
    'receipt_delegations',
    issuers.flatMap(({ agencyCode, delegations }) =>
      delegations.map((given) => ({
        id: given.id,
        tenant_id: tenantId,
        agency_code: agencyCode,
        agent_name: given.agent.name,
        agent_tax_code: given.agent.taxCode,
        agent_address: given.agent.address,
        agreement_number: given.agreement.number,
        agreement_date: given.agreement.date,
        notified_on: given.notifiedOn,
        valid_from: given.from,
        valid_to: given.to,
        template: given.template,
        symbol: given.symbol,
        first_number: given.range.from,
        last_number: given.range.to,
        created_at: now,
      })),
    ),
    `ON CONFLICT (id) DO UPDATE SET valid_to = least(receipt_delegations.valid_to, excluded.valid_to)
       WHERE receipt_delegations.tenant_id = excluded.tenant_id`,
  )
  const overlapping = await tx.query<{ one: string; other: string }>(
    `SELECT d.id AS one, e.id AS other FROM receipt_delegations d JOIN agencies a ON a.code = d.agency_code
       JOIN receipt_delegations e ON e.tenant_id = d.tenant_id AND e.template = d.template AND e.symbol = d.symbol AND e.id > d.id
        AND e.first_number <= d.last_number AND d.first_number <= e.last_number
       JOIN agencies b ON b.code = e.agency_code AND b.tax_code = a.tax_code
      WHERE d.tenant_id = $1`,
    [tenantId],
  )
  const taken = await tx.query<{ id: string; symbol: string }>(
    `SELECT d.id, d.symbol FROM receipt_delegations d JOIN agencies a ON a.code = d.agency_code
       JOIN receipt_series s ON s.tenant_id = d.tenant_id AND s.template = d.template AND s.symbol = d.symbol AND s.creditor_tax_code = a.tax_code
      WHERE d.tenant_id = $1 AND s.delegation_id IS NULL`,
    [tenantId],
  )
  return [
    ...overlapping.map(({ one, other }) => `delegations ${one} and ${other} share numbers`),
    ...taken.map(({ id, symbol }) => `delegation ${id}: symbol ${symbol} is numbered by the collector itself`),
  ]
}
