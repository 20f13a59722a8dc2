/**
 * Shifts of clerks: a drawer is opened with change money, takes cash, and is closed with what was counted beside what must be there.
 * The row of an open shift is the lock of its drawer: whoever takes or returns cash, or closes, holds it.
 */
import { parseAgencyCode } from '../domain/codes/agency-code.ts'
import { expectedCash } from '../domain/counter.ts'
import { type Environment, newId } from '../environment.ts'
import { Problem } from '../problem/problem.ts'
import type { Transaction } from '../store/database.ts'
import { appendJournal } from '../store/journal.ts'
import { insertAll } from '../store/rows.ts'
import { handOver } from './handover.ts'

/** An officer at a counter. */
export type Clerk = {
  readonly tenantId: string
  readonly subject: string
  readonly name: string
  /** Agency the clerk sits in, when the identity provider tells. */
  readonly unit: string | null
}

export type Shift = {
  readonly id: string
  readonly operator: string
  readonly operatorName: string
  readonly unitCode: string
  readonly status: 'OPEN' | 'CLOSED'
  readonly openedAt: Date
  readonly openingCash: bigint
  readonly collectedCount: number
  readonly collected: bigint
  readonly takenBackCount: number
  readonly takenBack: bigint
  /** What must lie in the drawer; for a closed shift what had to. */
  readonly expectedCash: bigint
  readonly closedAt: Date | null
  readonly countedCash: bigint | null
  readonly difference: bigint | null
  readonly note: string | null
  /** What the drawer holds for whom: to be handed over apart. */
  readonly byAccount: readonly {
    readonly collectingAgencyCode: string
    readonly beneficiaryAccountId: string
    readonly count: number
    readonly amount: bigint
  }[]
  /** Of a closed shift: what goes to the bank, each sum under the code its deposit must name. */
  readonly handovers: readonly {
    readonly code: string
    readonly railAccountId: string
    readonly bankBin: string
    readonly accountNumber: string
    readonly accountName: string
    readonly amount: bigint
  }[]
}

export async function openShift(
  tx: Transaction,
  environment: Environment,
  clerk: Clerk,
  request: { readonly openingCash: bigint; readonly unitCode: string | null },
): Promise<string> {
  const unitCode = await unitOf(tx, clerk, request.unitCode)
  const now = environment.now()
  const id = newId(environment, 'shf')
  const opened = await insertAll(
    tx,
    'counter_shifts',
    [
      {
        id,
        tenant_id: clerk.tenantId,
        operator: clerk.subject,
        operator_name: clerk.name === '' ? clerk.subject : clerk.name,
        unit_code: unitCode,
        status: 'OPEN',
        opened_at: now,
        opening_cash: request.openingCash,
      },
    ],
    // The unique index of open shifts decides, also between two windows of one clerk.
    "ON CONFLICT (tenant_id, operator) WHERE status = 'OPEN' DO NOTHING RETURNING id",
  )
  if (opened.length === 0) throw new Problem('SHIFT_ALREADY_OPEN')
  await appendJournal(tx, [
    {
      tenantId: clerk.tenantId,
      at: now,
      kind: 'counter.shift-opened',
      subject: id,
      actor: clerk.subject,
      facts: { unitCode, openingCash: request.openingCash.toString() },
    },
  ])
  return id
}

/** The token's unit is what the identity provider vouches for; a clerk may name one only where it names none. */
async function unitOf(tx: Transaction, clerk: Clerk, asked: string | null): Promise<string> {
  const parsed = parseAgencyCode(clerk.unit ?? asked ?? '')
  const [agency] = parsed.ok
    ? await tx.query<{ code: string }>(
        'SELECT code FROM agencies WHERE tenant_id = $1 AND (code = $2 OR $2 = ANY (aliases))',
        [clerk.tenantId, parsed.value.canonical],
      )
    : []
  if (agency === undefined) throw new Problem('UNKNOWN_AGENCY')
  if (clerk.unit !== null && asked !== null && asked !== clerk.unit && asked !== agency.code)
    throw new Problem('FORBIDDEN', {
      vi: 'Đơn vị khác với đơn vị của bạn theo nhà cung cấp định danh.',
      en: 'Another unit than the one your identity provider names.',
    })
  return agency.code
}

/** The clerk's open shift, locked. Taken after the invoice's lock. */
export async function lockOpenShift(
  tx: Transaction,
  clerk: Clerk,
): Promise<{ readonly id: string; readonly unitCode: string }> {
  const [shift] = await tx.query<{ id: string; unitCode: string }>(
    `SELECT id, unit_code AS "unitCode" FROM counter_shifts WHERE tenant_id = $1 AND operator = $2 AND status = 'OPEN' FOR UPDATE`,
    [clerk.tenantId, clerk.subject],
  )
  if (shift === undefined) throw new Problem('SHIFT_NOT_OPEN')
  return shift
}

/** Closes the clerk's own shift. A difference is recorded as it is, with the clerk's words; it is never made to fit. */
export async function closeShift(
  tx: Transaction,
  environment: Environment,
  clerk: Clerk,
  shiftId: string,
  request: { readonly countedCash: bigint; readonly note: string | null },
): Promise<void> {
  const [locked] = await tx.query<{ status: string }>(
    'SELECT status FROM counter_shifts WHERE id = $1 AND tenant_id = $2 AND operator = $3 FOR UPDATE',
    [shiftId, clerk.tenantId, clerk.subject],
  )
  if (locked === undefined) throw new Problem('NOT_FOUND')
  if (locked.status !== 'OPEN') throw new Problem('SHIFT_NOT_OPEN')
  const [open] = await tx.query(
    `SELECT id FROM counter_corrections WHERE shift_id = $1 AND tenant_id = $2 AND status = 'REQUESTED' LIMIT 1`,
    [shiftId, clerk.tenantId],
  )
  if (open !== undefined) throw new Problem('SHIFT_HAS_OPEN_CORRECTIONS')
  // After the lock: every collection and correction of this drawer is committed.
  const shift = await readShift(tx, clerk.tenantId, shiftId)
  const difference = request.countedCash - shift.expectedCash
  if (difference !== 0n && request.note === null)
    throw new Problem('CASH_DIFFERENCE_UNEXPLAINED', {
      vi: `Sổ: ${shift.expectedCash} đồng; đếm được: ${request.countedCash} đồng.`,
      en: `Books: ${shift.expectedCash} VND; counted: ${request.countedCash} VND.`,
    })
  const now = environment.now()
  await tx.query(
    `UPDATE counter_shifts SET status = 'CLOSED', closed_at = $3, expected_cash = $4, counted_cash = $5, difference = $6, note = $7
      WHERE id = $1 AND tenant_id = $2`,
    [shiftId, clerk.tenantId, now, shift.expectedCash, request.countedCash, difference, request.note],
  )
  await handOver(tx, environment, clerk.tenantId, shiftId)
  await appendJournal(tx, [
    {
      tenantId: clerk.tenantId,
      at: now,
      kind: 'counter.shift-closed',
      subject: shiftId,
      actor: clerk.subject,
      facts: {
        expectedCash: shift.expectedCash.toString(),
        countedCash: request.countedCash.toString(),
        difference: difference.toString(),
      },
    },
  ])
}

export type ShiftFilter = {
  readonly ids?: readonly string[]
  readonly operator?: string
  readonly status?: 'OPEN' | 'CLOSED'
  /** Ids below this one: the list runs from the newest to the oldest. */
  readonly before?: string
  readonly limit: number
}

type ShiftRow = Omit<Shift, 'expectedCash' | 'byAccount' | 'handovers'> & {
  recordedExpected: bigint | null
  handovers: (Omit<Shift['handovers'][number], 'amount'> & { amount: string })[] | null
  byAccount: { collectingAgencyCode: string; beneficiaryAccountId: string; count: number; amount: string }[] | null
}

export async function readShifts(
  source: Pick<Transaction, 'query'>,
  tenantId: string,
  filter: ShiftFilter,
): Promise<Shift[]> {
  const rows = await source.query<ShiftRow>(
    `SELECT s.id, s.operator, s.operator_name AS "operatorName", s.unit_code AS "unitCode", s.status, s.opened_at AS "openedAt",
            s.opening_cash AS "openingCash", s.closed_at AS "closedAt", s.expected_cash AS "recordedExpected",
            s.counted_cash AS "countedCash", s.difference, s.note,
            taken.count AS "collectedCount", taken.amount AS collected, back.count AS "takenBackCount", back.amount AS "takenBack",
            (SELECT json_agg(json_build_object('collectingAgencyCode', a.agency, 'beneficiaryAccountId', a.account, 'count', a.count,
                      'amount', a.amount::text) ORDER BY a.agency, a.account)
               FROM (SELECT i.collecting_agency_code AS agency, i.beneficiary_account_id AS account, count(*)::int AS count,
                            sum(c.amount)::bigint AS amount
                       FROM counter_collections c JOIN invoices i ON i.id = c.invoice_id
                      WHERE c.shift_id = s.id AND NOT EXISTS (
                              SELECT 1 FROM counter_corrections r WHERE r.collection_id = c.id AND r.status = 'APPROVED')
                      GROUP BY 1, 2) a) AS "byAccount",
            (SELECT json_agg(json_build_object('code', h.code, 'railAccountId', h.rail_account_id, 'bankBin', b.bank_bin,
                      'accountNumber', b.account_number, 'accountName', b.account_name, 'amount', h.amount::text) ORDER BY h.rail_account_id)
               FROM cash_handovers h JOIN rail_accounts r ON r.id = h.rail_account_id
               JOIN beneficiary_accounts b ON b.id = r.beneficiary_account_id WHERE h.shift_id = s.id) AS handovers
       FROM counter_shifts s
      CROSS JOIN LATERAL (SELECT count(*)::int AS count, coalesce(sum(c.amount), 0)::bigint AS amount
                            FROM counter_collections c WHERE c.shift_id = s.id) taken
      CROSS JOIN LATERAL (SELECT count(*)::int AS count, coalesce(sum(r.amount), 0)::bigint AS amount
                            FROM counter_corrections r WHERE r.shift_id = s.id AND r.status = 'APPROVED') back
      WHERE s.tenant_id = $1
        AND ($2::text[] IS NULL OR s.id = ANY ($2))
        AND ($3::text IS NULL OR s.operator = $3)
        AND ($4::text IS NULL OR s.status = $4)
        AND ($5::text IS NULL OR s.id < $5)
      ORDER BY s.id DESC LIMIT $6`,
    [tenantId, filter.ids ?? null, filter.operator ?? null, filter.status ?? null, filter.before ?? null, filter.limit],
  )
  return rows.map(({ recordedExpected, byAccount, handovers, ...row }) => ({
    ...row,
    expectedCash: recordedExpected ?? expectedCash(row),
    byAccount: (byAccount ?? []).map((part) => ({ ...part, amount: BigInt(part.amount) })),
    handovers: (handovers ?? []).map((part) => ({ ...part, amount: BigInt(part.amount) })),
  }))
}

export async function readShift(source: Pick<Transaction, 'query'>, tenantId: string, id: string): Promise<Shift> {
  const [shift] = await readShifts(source, tenantId, { ids: [id], limit: 1 })
  if (shift === undefined) throw new Problem('NOT_FOUND')
  return shift
}
