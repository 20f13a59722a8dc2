/** The part of the directory that says when and where collected money goes on to the Treasury (domain.md §9.7). */
import { z } from 'zod'
import type { Transaction } from '../store/database.ts'
import { insertAll } from '../store/rows.ts'

export const remittanceRule = z.strictObject({
  agencyCode: z.string(),
  /** Null: every code of the agency that has no rule of its own. */
  economicCode: z
    .string()
    .regex(/^\d{4}$/)
    .nullable()
    .default(null),
  cycle: z.enum(['DAILY', 'WEEKLY', 'MONTHLY']),
  treasuryAccount: z.string().max(60).default(''),
})

export async function loadRemittanceRules(
  tx: Transaction,
  tenantId: string,
  rules: readonly z.infer<typeof remittanceRule>[],
  now: Date,
): Promise<void> {
  await insertAll(
    tx,
    'remittance_rules',
    rules.map(({ agencyCode, economicCode, cycle, treasuryAccount }) => ({
      tenant_id: tenantId,
      agency_code: agencyCode,
      economic_code: economicCode,
      cycle,
      treasury_account: treasuryAccount,
      updated_at: now,
    })),
    `ON CONFLICT (agency_code, economic_code) DO UPDATE SET cycle = excluded.cycle, treasury_account = excluded.treasury_account,
       updated_at = excluded.updated_at WHERE remittance_rules.tenant_id = excluded.tenant_id`,
  )
}
