/** What reconciliation must be told and cannot know: bank holidays, terms with rails, movements an account is known to have. */
import { z } from 'zod'
import { foldToLatin } from '../domain/fold.ts'
import { maxVnd } from '../domain/money.ts'
import { type Environment, newId } from '../environment.ts'
import { Problem } from '../problem/problem.ts'
import type { Transaction } from '../store/database.ts'
import { appendJournal } from '../store/journal.ts'
import { insertAll } from '../store/rows.ts'

const whole = z.int().min(0).max(Number(maxVnd)).transform(BigInt)

export const reconciliationTerms = z.strictObject({
  format: z.literal('feegate-reconciliation/1'),
  /** Days off besides Saturday and Sunday, from the year's decree. */
  holidays: z.array(z.strictObject({ day: z.iso.date(), name: z.string().min(1).max(100) })).default([]),
  railTerms: z
    .array(
      z.strictObject({
        railAccountId: z.string().min(1).max(60),
        validFrom: z.iso.date(),
        /** 3 when the rail sends settlement files. */
        legs: z.union([z.literal(2), z.literal(3)]),
        /** Agreed fee: flat + parts per million of gross (11 000 = 1.1 %), rounded half up; left out: no fee is checked. */
        fee: z.strictObject({ flat: whole, ppm: whole, tolerance: whole.default(0n) }).optional(),
        /** Cash: business days from the end of a shift until its deposit must stand in the statement. */
        depositDays: z.int().min(0).max(60).optional(),
      }),
    )
    .default([]),
  expectedMovements: z
    .array(
      z
        .strictObject({
          beneficiaryAccountId: z.string().min(1).max(60),
          title: z.string().min(1).max(100),
          direction: z.enum(['CREDIT', 'DEBIT']),
          counterpartyAccount: z.string().min(1).max(40).optional(),
          textContains: z.string().min(4).max(100).optional(),
        })
        .refine((movement) => movement.counterpartyAccount !== undefined || movement.textContains !== undefined, {
          message: 'a counterparty account or a text is needed',
        }),
    )
    .default([]),
})
export type ReconciliationTerms = z.output<typeof reconciliationTerms>

/** Adds what is new; terms of a day that are on record stay as they are, a change gets a later day. */
export async function loadTerms(
  tx: Transaction,
  environment: Environment,
  tenantId: string,
  terms: ReconciliationTerms,
  actor: string,
): Promise<void> {
  await mustBelong(
    tx,
    tenantId,
    'rail_accounts',
    terms.railTerms.map(({ railAccountId }) => railAccountId),
  )
  await mustBelong(
    tx,
    tenantId,
    'beneficiary_accounts',
    terms.expectedMovements.map(({ beneficiaryAccountId }) => beneficiaryAccountId),
  )
  const now = environment.now()
  await insertAll(tx, 'bank_holidays', terms.holidays, 'ON CONFLICT DO NOTHING')
  await insertAll(
    tx,
    'rail_terms',
    terms.railTerms.map(({ railAccountId, validFrom, legs, fee, depositDays }) => ({
      tenant_id: tenantId,
      rail_account_id: railAccountId,
      valid_from: validFrom,
      legs,
      fee_flat: fee?.flat ?? null,
      fee_ppm: fee?.ppm ?? null,
      fee_tolerance: fee?.tolerance ?? 0n,
      deposit_days: depositDays ?? null,
      created_by: actor,
      created_at: now,
    })),
    'ON CONFLICT DO NOTHING',
  )
  const known = await tx.query<{ title: string; account: string }>(
    'SELECT title, beneficiary_account_id AS account FROM expected_movements WHERE tenant_id = $1',
    [tenantId],
  )
  await insertAll(
    tx,
    'expected_movements',
    terms.expectedMovements
      .filter(
        ({ title, beneficiaryAccountId }) =>
          !known.some((row) => row.title === title && row.account === beneficiaryAccountId),
      )
      .map(({ beneficiaryAccountId, title, direction, counterpartyAccount, textContains }) => ({
        id: newId(environment, 'xmv'),
        tenant_id: tenantId,
        beneficiary_account_id: beneficiaryAccountId,
        title,
        direction,
        counterparty_account: counterpartyAccount ?? null,
        text_contains: textContains === undefined ? null : foldToLatin(textContains).toUpperCase().replaceAll(' ', ''),
        created_by: actor,
        created_at: now,
      })),
  )
  await appendJournal(tx, [
    {
      tenantId,
      at: now,
      kind: 'reconciliation.terms-loaded',
      subject: tenantId,
      actor,
      facts: {
        holidays: terms.holidays.length,
        railTerms: terms.railTerms.length,
        expectedMovements: terms.expectedMovements.length,
      },
    },
  ])
}

async function mustBelong(
  tx: Transaction,
  tenantId: string,
  table: 'rail_accounts' | 'beneficiary_accounts',
  ids: readonly string[],
): Promise<void> {
  const found = await tx.query<{ id: string }>(`SELECT id FROM ${table} WHERE tenant_id = $1 AND id = ANY($2)`, [
    tenantId,
    ids,
  ])
  const missing = ids.filter((id) => !found.some((row) => row.id === id))
  if (missing.length > 0)
    throw new Problem('INVALID_REQUEST', {
      en: `not on record: ${missing.join(', ')}`,
      vi: `Không có: ${missing.join(', ')}`,
    })
}
