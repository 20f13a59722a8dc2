/** Money that only a statement or a settlement file tells of, and that names one of our invoices: for the settlement door. */

import { sequenceId } from '../../domain/ids.ts'
import type { Outcome } from '../../domain/outcome.ts'
import { startOfLocalDay } from '../../domain/vietnam-time.ts'
import type { Transaction } from '../../store/database.ts'
import type { RunScope } from './working-set.ts'

type FoundRow = {
  lineId: bigint | null
  rowId: bigint | null
  railAccountId: string
  rail: string
  reference: string
  railTransactionId: string
  amount: bigint
  day: string
  occurredAt: Date | null
  text: string
}

/** One run settles at most this many; the next goes on. */
const maxFound = 20_000

/**
 * Credits that name exactly one invoice of this account and lead to no payment on record, and rows of settlement files likewise. A
 * line of today waits until tomorrow: the rail's own notice, which knows the transaction id, may still be on its way.
 */
export async function foundMoney(tx: Transaction, { asOf, tenantId }: RunScope): Promise<Outcome[]> {
  const lines = await tx.query<FoundRow>(
    `SELECT l.line_id AS "lineId", NULL AS "rowId", a.rail_account_id AS "railAccountId", r.rail, n.ref AS reference,
            coalesce(l.bank_reference, l.refs[1], 'statement:' || l.line_id) AS "railTransactionId", l.amount_vnd AS amount,
            least(l.value_on, l.booked_on) AS day, NULL::timestamptz AS "occurredAt", l.remittance AS text
       FROM w_lines l
       JOIN w_named n ON n.line_id = l.line_id AND n.invoice_bank = l.bank
       JOIN run_accounts a ON a.bank = l.bank AND (a.rail_account_id = n.attempt_account OR n.attempt_account IS NULL AND a.home)
       JOIN rail_accounts r ON r.id = a.rail_account_id
       LEFT JOIN breaks b ON b.id = l.break_id
      WHERE l.direction = 'CREDIT' AND NOT l.reversal AND NOT l.held AND l.booked_on < $1::date
        AND (SELECT count(*) FROM w_named o WHERE o.line_id = l.line_id) = 1
        -- Once refused by the door, an officer decides.
        AND (b.id IS NULL OR b.evidence ->> 'offered' IS NULL)
      ORDER BY l.line_id LIMIT ${maxFound}`,
    [asOf],
  )
  const rows = await tx.query<FoundRow>(
    `SELECT NULL AS "lineId", w.row_id AS "rowId", w.rail_account_id AS "railAccountId", r.rail, w.merchant_ref AS reference,
            w.rail_transaction_id AS "railTransactionId", w.gross AS amount, w.occurred_on AS day, s.occurred_at AS "occurredAt", '' AS text
       FROM w_rows w JOIN settlement_rows s ON s.id = w.row_id JOIN rail_accounts r ON r.id = w.rail_account_id
       LEFT JOIN breaks b ON b.id = w.break_id
      WHERE w.status = 'SUCCEEDED' AND NOT w.held AND w.merchant_ref IS NOT NULL AND (b.id IS NULL OR b.evidence ->> 'offered' IS NULL)
        AND NOT EXISTS (SELECT 1 FROM run_row_pairs x WHERE x.row_id = w.row_id)
        AND (EXISTS (SELECT 1 FROM payments p WHERE p.rail_account_id = w.rail_account_id AND p.merchant_ref = w.merchant_ref)
             OR EXISTS (SELECT 1 FROM invoices v WHERE v.pay_code = w.merchant_ref AND v.tenant_id = $1))
      ORDER BY w.row_id LIMIT ${maxFound}`,
    [tenantId],
  )
  return [...lines, ...rows].map(outcomeOf)
}

function outcomeOf(found: FoundRow): Outcome {
  const item =
    found.lineId === null
      ? { settlementRow: sequenceId('row', found.rowId ?? 0n) }
      : { statementLine: sequenceId('lin', found.lineId) }
  return {
    rail: found.rail,
    accountId: found.railAccountId,
    merchantRef: found.reference,
    railTransactionId: found.railTransactionId,
    kind: 'succeeded',
    amount: found.amount,
    currency: 'VND',
    // A statement knows the day and not the hour: the payer is given the whole of it.
    paidAt: found.occurredAt ?? startOfLocalDay(found.day),
    source: 'STATEMENT',
    evidence: {
      ...item,
      bankReference: found.railTransactionId,
      ...(found.text === '' ? {} : { text: found.text.slice(0, 500) }),
    },
  }
}

/** What was offered and is still not explained is marked, so that no later run offers it again. */
export async function markOffered(tx: Transaction): Promise<void> {
  await tx.query(
    `UPDATE run_result r SET evidence = r.evidence || '{"offered": true}'
      WHERE r.class = 'MISSING_IN_GATEWAY' AND r.settlement_id IS NULL AND (r.invoice_id IS NOT NULL OR r.row_id IS NOT NULL)`,
    [],
  )
}
