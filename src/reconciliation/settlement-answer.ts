/** Our answer to a rail's settlement file, where its layout has one: each row as reconciliation found it, and what the file lacks. */
import { Problem } from '../problem/problem.ts'
import type { Vault } from '../secrets/vault.ts'
import type { TenantDatabase } from '../store/database.ts'
import { configsOf } from './import/settlement-rows.ts'
import { StatementRefused } from './readers/refused.ts'
import { findSettlementReader } from './settlement-file/readers.ts'
import type { AnsweredRow, SettlementAnswer } from './settlement-file/row.ts'

/** Rows fetched at a time: memory stays flat. */
const pageSize = 1_000

/** @throws Problem NOT_FOUND for no such file or a layout without answers, STATEMENT_FILE_LOADING before a run has taken it up */
export async function settlementAnswer(
  source: Pick<TenantDatabase, 'query'>,
  vault: Vault,
  tenantId: string,
  fileId: string,
  now: Date,
): Promise<SettlementAnswer> {
  const [file] = await source.query<{
    layout: string | null
    reconciled: boolean
    railAccountId: string | null
    day: string | null
  }>(
    `SELECT f.format AS layout, f.run_id IS NOT NULL AS reconciled, r.rail_account_id AS "railAccountId", r.day
       FROM statement_files f
       LEFT JOIN LATERAL (SELECT min(rail_account_id) AS rail_account_id, max(local_day(occurred_at))::text AS day
                            FROM settlement_rows WHERE file_id = f.id AND withdrawn_at IS NULL) r ON true
      WHERE f.id = $1 AND f.tenant_id = $2 AND f.kind = 'SETTLEMENT' AND f.status IN ('IMPORTED', 'SUPERSEDED')`,
    [fileId, tenantId],
  )
  const reader = findSettlementReader(file?.layout ?? '')
  const { railAccountId = null, day = null } = file ?? {}
  if (file === undefined || reader?.answer === undefined || railAccountId === null || day === null)
    throw new Problem('NOT_FOUND')
  if (!file.reconciled) throw new Problem('STATEMENT_FILE_LOADING', { retryAfterSeconds: 5 })
  const [config] = await configsOf(source, vault, tenantId, railAccountId, now)
  try {
    return reader.answer(answeredRows(source, tenantId, fileId, railAccountId, day), config, day, now)
  } catch (error) {
    if (!(error instanceof StatementRefused)) throw error
    throw new Problem('INVALID_REQUEST', { en: error.message, vi: error.message })
  }
}

type Row = Omit<AnsweredRow, 'own'> & {
  id: string
  transaction: string | null
  amount: bigint | null
  paidAt: Date | null
}

async function* answeredRows(
  { query }: Pick<TenantDatabase, 'query'>,
  tenantId: string,
  fileId: string,
  railAccountId: string,
  day: string,
): AsyncGenerator<AnsweredRow> {
  const payment = `s.rail_transaction_id AS transaction, s.amount, s.paid_at AS "paidAt"`
  yield* pages((after) =>
    query<Row>(
      `SELECT lpad(r.id::text, 20, '0') AS id, r.raw, ${payment},
              CASE WHEN i.rule IS NOT NULL THEN 'BOTH'
                   WHEN b.class IN ('AMOUNT_MISMATCH', 'STATUS_MISMATCH', 'FEE_MISMATCH') THEN 'DIFFERENT'
                   WHEN s.id IS NULL THEN 'RAIL_ONLY' ELSE 'BOTH' END AS verdict
         FROM settlement_rows r
         LEFT JOIN reconciliation_items i ON i.row_id = r.id AND i.ended_on IS NULL
         LEFT JOIN breaks b ON b.id = i.break_id
         LEFT JOIN settlements s ON s.rail_account_id = r.rail_account_id AND s.rail_transaction_id = r.rail_transaction_id AND s.direction = 'IN'
        WHERE r.file_id = $1 AND r.tenant_id = $2 AND r.withdrawn_at IS NULL AND r.id > $3::bigint ORDER BY r.id LIMIT ${pageSize}`,
      [fileId, tenantId, after === '' ? '0' : after],
    ),
  )
  yield* pages((after) =>
    query<Row>(
      `SELECT s.id, NULL AS raw, ${payment}, 'OURS_ONLY' AS verdict FROM settlements s
        WHERE s.tenant_id = $1 AND s.rail_account_id = $2 AND s.direction = 'IN' AND local_day(s.paid_at) = $3 AND s.id > $4
          AND NOT EXISTS (SELECT 1 FROM settlement_rows r WHERE r.rail_account_id = s.rail_account_id AND r.rail_transaction_id = s.rail_transaction_id
                             AND r.withdrawn_at IS NULL)
        ORDER BY s.id LIMIT ${pageSize}`,
      [tenantId, railAccountId, day, after],
    ),
  )
}

async function* pages(read: (after: string) => Promise<Row[]>): AsyncGenerator<AnsweredRow> {
  for (let after = ''; ; ) {
    const rows = await read(after)
    for (const { verdict, raw, transaction, amount, paidAt } of rows) {
      const own =
        transaction === null || amount === null || paidAt === null
          ? null
          : { railTransactionId: transaction, amount, paidAt }
      yield { verdict, raw, own }
    }
    const last = rows.at(-1)
    if (last === undefined || rows.length < pageSize) return
    after = last.id
  }
}
