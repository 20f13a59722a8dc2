import type { CatalogueSlice } from '../domain/fees/catalogue.ts'
import { adjustment, feeRate, procedure } from '../domain/fees/catalogue-file.ts'
import type { Transaction } from '../store/database.ts'

const procedureHead = procedure.omit({ rates: true })

/** What pricing a procedure needs, as it stands now; null when the tenant's catalogue does not have it. */
export async function readSlice(
  source: Pick<Transaction, 'query'>,
  tenantId: string,
  nationalPart: string,
): Promise<CatalogueSlice | null> {
  const procedures = await source.query<{ code: string; body: unknown }>(
    `SELECT code, body FROM procedures WHERE tenant_id = $1 AND (code = $2 OR body -> 'usedWithAny' = 'true'::jsonb)`,
    [tenantId, nationalPart],
  )
  const head = procedures.find(({ code }) => code === nationalPart)
  if (head === undefined) return null
  const rates = await source.query<{ version: number; body: unknown }>(
    'SELECT version, body FROM fee_rates WHERE tenant_id = $1 AND withdrawn_at IS NULL AND procedure_code = ANY($2)',
    [tenantId, procedures.map(({ code }) => code)],
  )
  const read = rates.map(({ version, body }) => ({ ...feeRate.parse(body), version }))
  const adjustments = await source.query<{ version: number; body: unknown }>(
    `SELECT version, body FROM fee_adjustments WHERE tenant_id = $1 AND withdrawn_at IS NULL AND body -> 'rateIds' ?| $2`,
    [tenantId, read.map(({ id }) => id)],
  )
  return {
    procedure: procedureHead.parse(head.body),
    rates: read,
    adjustments: adjustments.map(({ version, body }) => ({ ...adjustment.parse(body), version })),
  }
}
