/** Cash of a closed shift on its way to the bank: one sum per rail account, under a code that the slip of the deposit must bear. */
import { makePayCode, payCodeRandomBytes } from '../domain/pay-code.ts'
import { type Environment, newId } from '../environment.ts'
import type { Transaction } from '../store/database.ts'
import { insertAll } from '../store/rows.ts'

/** Of a shift that is being closed, whose row the caller holds: its collections are final. */
export async function handOver(
  tx: Transaction,
  environment: Environment,
  tenantId: string,
  shiftId: string,
): Promise<void> {
  const sums = await tx.query<{ railAccountId: string; collections: number; amount: bigint }>(
    `SELECT c.rail_account_id AS "railAccountId", count(*)::int AS collections, sum(c.amount)::bigint AS amount
       FROM counter_collections c
      WHERE c.shift_id = $1 AND c.tenant_id = $2
        AND NOT EXISTS (SELECT 1 FROM counter_corrections r WHERE r.collection_id = c.id AND r.status = 'APPROVED')
      GROUP BY c.rail_account_id ORDER BY c.rail_account_id`,
    [shiftId, tenantId],
  )
  await insertAll(
    tx,
    'cash_handovers',
    sums.map(({ railAccountId, collections, amount }) => ({
      id: newId(environment, 'hov'),
      tenant_id: tenantId,
      shift_id: shiftId,
      rail_account_id: railAccountId,
      code: makePayCode(environment.random(payCodeRandomBytes)),
      amount,
      collections,
      handed_over_at: environment.now(),
    })),
  )
}

/** `WAITING`: not seen at the bank; `QUESTIONED`: part of a break that officers look at; `DEPOSITED`: the bank shows all of it. */
export const handoverStates = ['WAITING', 'QUESTIONED', 'DEPOSITED'] as const

export type Handover = {
  readonly id: string
  readonly state: (typeof handoverStates)[number]
  readonly code: string
  readonly shiftId: string
  readonly unitCode: string
  readonly operator: string
  readonly operatorName: string
  readonly railAccountId: string
  readonly beneficiaryAccountId: string
  readonly collections: number
  readonly amount: bigint
  readonly handedOverAt: Date
  /** Day on which the last of its deposits was booked. */
  readonly depositedOn: string | null
  readonly matchId: bigint | null
  readonly breakId: bigint | null
}

export type HandoverFilter = {
  readonly state?: Handover['state']
  readonly railAccountId?: string
  /** Ids below this one: the list runs from the newest to the oldest. */
  readonly before?: string
  readonly limit: number
}

/** Where each stands is where its payments stand: they move together (src/reconciliation/matching/cash.ts). */
export async function readHandovers(
  source: Pick<Transaction, 'query'>,
  tenantId: string,
  filter: HandoverFilter,
): Promise<Handover[]> {
  return await source.query<Handover>(
    `SELECT * FROM (
       SELECT h.id, h.code, h.shift_id AS "shiftId", s.unit_code AS "unitCode", s.operator, s.operator_name AS "operatorName",
              h.rail_account_id AS "railAccountId", r.beneficiary_account_id AS "beneficiaryAccountId", h.collections, h.amount,
              h.handed_over_at AS "handedOverAt",
              CASE WHEN place.match IS NOT NULL THEN 'DEPOSITED' WHEN place.class IS NULL OR place.class = 'CASH_ON_HAND' THEN 'WAITING' ELSE 'QUESTIONED' END AS state,
              CASE WHEN place.match IS NOT NULL THEN place.day END AS "depositedOn", place.match AS "matchId", place.break AS "breakId"
         FROM cash_handovers h
         JOIN counter_shifts s ON s.id = h.shift_id
         JOIN rail_accounts r ON r.id = h.rail_account_id
         LEFT JOIN LATERAL (
           SELECT CASE WHEN i.rule IS NOT NULL THEN coalesce(i.group_id, i.id) END AS match, i.break_id AS break, b.class,
                  (SELECT max(l.booked_on) FROM reconciliation_items o JOIN statement_lines l ON l.id = o.line_id
                    WHERE o.ended_on IS NULL AND (o.id = i.id OR o.group_id = i.group_id)) AS day
             FROM counter_collections c
             JOIN reconciliation_items i ON i.settlement_id = c.settlement_id AND i.ended_on IS NULL
             LEFT JOIN breaks b ON b.id = i.break_id
            WHERE c.shift_id = h.shift_id AND c.rail_account_id = h.rail_account_id
              AND NOT EXISTS (SELECT 1 FROM counter_corrections k WHERE k.collection_id = c.id AND k.status = 'APPROVED')
            ORDER BY c.slip_no LIMIT 1) place ON true
        WHERE h.tenant_id = $1) h
      WHERE ($2::text IS NULL OR h.state = $2) AND ($3::text IS NULL OR h."railAccountId" = $3) AND ($4::text IS NULL OR h.id < $4)
      ORDER BY h.id DESC LIMIT $5`,
    [tenantId, filter.state ?? null, filter.railAccountId ?? null, filter.before ?? null, filter.limit],
  )
}
