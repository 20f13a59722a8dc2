/** Settlement files -> `settlement_rows`: the same way in as statements, by the reader of the rail's layout. */
import { createReadStream } from 'node:fs'
import { z } from 'zod'
import { findAdapter } from '../../../adapters/registry.ts'
import { configsAt } from '../../rails/key-sets.ts'
import { type ConfigColumns, openConfig, railAccountOwner } from '../../rails/stored-config.ts'
import type { Vault } from '../../secrets/vault.ts'
import type { Transaction } from '../../store/database.ts'
import { StatementRefused } from '../readers/refused.ts'
import { findSettlementReader } from '../settlement-file/readers.ts'
import { type SettlementFileReader, settlementRow } from '../settlement-file/row.ts'
import { chunked, copyRow } from './copy-text.ts'
import {
  FileRefused,
  type ImportCounts,
  type ImportOptions,
  type ImportResult,
  loadRegistered,
  type ReceivedFile,
} from './file.ts'

export type SettlementReading = { readonly layout: string; readonly railAccountId: string }

export async function importSettlementRows(
  options: ImportOptions,
  file: ReceivedFile,
  fileId: string,
  reading: SettlementReading,
): Promise<ImportResult> {
  return await loadRegistered(options, file, fileId, (tx) => load(tx, options, file, fileId, reading))
}

const maxProblems = 100

async function load(
  tx: Transaction,
  { environment, vault, onProgress }: ImportOptions,
  file: ReceivedFile,
  fileId: string,
  { layout, railAccountId }: SettlementReading,
): Promise<ImportCounts & { readonly format: string }> {
  const reader = findSettlementReader(layout)
  if (reader === undefined) throw new FileRefused('LAYOUT_UNKNOWN', `there is no reader of layout ${layout}`)
  const readRows = reader.read
  const configs = await configsOf(tx, vault, file.tenantId, railAccountId, environment.now())
  const config = await fittingConfig(readRows, file.path, configs)
  await tx.query(
    `CREATE TEMP TABLE staged_rows (file_line bigint, rail_transaction_id text, merchant_ref text, gross bigint, fee bigint, net bigint,
       occurred_at timestamptz, status text, batch_id text, value_on date, raw text) ON COMMIT DROP`,
    [],
  )
  let read = 0
  const problems: { code: 'ENTRY_UNREADABLE'; line: number; message: string }[] = []
  let bytesRead = 0
  const tell = (): void => onProgress?.(read, bytesRead / file.bytes)
  async function* rows(): AsyncGenerator<string> {
    const bytes = createReadStream(file.path, { highWaterMark: 262_144 })
    for await (const event of readRows(bytes, config)) {
      if (event.kind === 'problem') {
        problems.push({ code: 'ENTRY_UNREADABLE', ...event.problem })
        if (problems.length >= maxProblems) break
        continue
      }
      const parsed = settlementRow.safeParse(event.row)
      if (!parsed.success) {
        problems.push({ code: 'ENTRY_UNREADABLE', line: event.row.line, message: z.prettifyError(parsed.error) })
        if (problems.length >= maxProblems) break
        continue
      }
      const row = parsed.data
      read += 1
      bytesRead = bytes.bytesRead
      if (read % 5_000 === 0) tell()
      yield copyRow([
        row.line,
        row.railTransactionId,
        row.merchantRef,
        row.gross,
        row.fee,
        row.net,
        row.occurredAt,
        row.status,
        row.batchId,
        row.valueDate,
        row.raw,
      ])
    }
    const [first] = problems
    if (first !== undefined)
      throw new StatementRefused('INTEGRITY', `${first.message} (${problems.length} in all)`, first.line, problems)
  }
  await tx.copyIn('COPY staged_rows FROM STDIN', chunked(rows()))
  tell()
  if (file.supersedesId !== null) await supersede(tx, file, environment.now())
  await refuseConflicts(tx, railAccountId)
  const [counted] = await tx.query<{ booked: bigint }>(
    `WITH added AS (
       INSERT INTO settlement_rows (tenant_id, file_id, rail_account_id, file_line, rail_transaction_id, merchant_ref, gross, fee, net, occurred_at,
                                    status, batch_id, value_on, raw)
       SELECT $1, $2, $3, s.* FROM staged_rows s ORDER BY s.file_line ON CONFLICT DO NOTHING RETURNING 1)
     SELECT count(*) AS booked FROM added`,
    [file.tenantId, fileId, railAccountId],
  )
  const booked = counted?.booked ?? 0n
  return { read: BigInt(read), booked, known: BigInt(read) - booked, format: layout }
}

/** Rows of the predecessor that the correction does not hold as they were are withdrawn. */
async function supersede(tx: Transaction, file: ReceivedFile, now: Date): Promise<void> {
  const replaced = await tx.query<{ id: string }>(
    `UPDATE statement_files SET status = 'SUPERSEDED' WHERE id = $1 AND tenant_id = $2 AND kind = 'SETTLEMENT' AND status = 'IMPORTED' RETURNING id`,
    [file.supersedesId, file.tenantId],
  )
  if (replaced.length === 0)
    throw new FileRefused('NOT_A_CORRECTION', 'there is no settlement file in force that it could supersede', {
      predecessor: file.supersedesId ?? '',
    })
  await tx.query(
    `UPDATE settlement_rows r SET withdrawn_at = $2
      WHERE r.file_id = $1 AND r.withdrawn_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM staged_rows s WHERE s.rail_transaction_id = r.rail_transaction_id AND s.status = r.status
           AND (s.gross, s.fee, s.net, s.batch_id, s.value_on) IS NOT DISTINCT FROM (r.gross, r.fee, r.net, r.batch_id, r.value_on))`,
    [file.supersedesId, now],
  )
}

/** A row that is on record under the same transaction and state must say the same; another amount is a correction. */
async function refuseConflicts(tx: Transaction, railAccountId: string): Promise<void> {
  const [first] = await tx.query<{ line: bigint; file_id: string }>(
    `SELECT s.file_line AS line, r.file_id FROM staged_rows s
       JOIN settlement_rows r ON r.rail_account_id = $1 AND r.rail_transaction_id = s.rail_transaction_id AND r.status = s.status AND r.withdrawn_at IS NULL
      WHERE (r.gross, r.fee, r.net) IS DISTINCT FROM (s.gross, s.fee, s.net) ORDER BY s.file_line LIMIT 1`,
    [railAccountId],
  )
  if (first !== undefined)
    throw new FileRefused(
      'CORRECTION',
      `line ${first.line}: the transaction is on record with other amounts; an officer may let this file supersede that one`,
      {
        predecessor: first.file_id,
      },
    )
  const [twice] = await tx.query<{ line: bigint }>(
    `SELECT max(file_line) AS line FROM staged_rows GROUP BY rail_transaction_id, status HAVING count(*) > 1 ORDER BY 1 LIMIT 1`,
    [],
  )
  if (twice !== undefined)
    throw new FileRefused('IDENTITY_REPEATED', `line ${twice.line}: the transaction stands in the file twice`)
}

/** All that are believed now, the one in force first: more than one only while the rail changes its keys. */
export async function configsOf(
  tx: Pick<Transaction, 'query'>,
  vault: Vault,
  tenantId: string,
  railAccountId: string,
  now: Date,
): Promise<readonly [unknown, ...unknown[]]> {
  const [account] = await tx.query<ConfigColumns & { rail: string }>(
    `SELECT rail, config, next_set, previous_set, master_key_id, data_key, sealed FROM rail_accounts WHERE id = $1 AND tenant_id = $2`,
    [railAccountId, tenantId],
  )
  if (account === undefined) throw new FileRefused('ACCOUNT_UNKNOWN', `rail account ${railAccountId} is not on record`)
  const adapter = findAdapter(account.rail)
  if (adapter === undefined) return [{}]
  try {
    return configsAt(await openConfig(vault, railAccountOwner(tenantId, railAccountId), adapter, account), now)
  } catch (error) {
    // Of an account that does not fit its rail a reader can only say what it lacks.
    if (error instanceof z.ZodError) return [{}]
    throw error
  }
}

/** The config under which the file reads without a problem; the one in force when none does, so that its problems are told. */
async function fittingConfig(
  readRows: SettlementFileReader['read'],
  path: string,
  [inForce, ...others]: readonly [unknown, ...unknown[]],
): Promise<unknown> {
  if (others.length === 0) return inForce
  for (const config of [inForce, ...others]) if (await readsWell(readRows, path, config)) return config
  return inForce
}

async function readsWell(readRows: SettlementFileReader['read'], path: string, config: unknown): Promise<boolean> {
  try {
    for await (const event of readRows(createReadStream(path, { highWaterMark: 262_144 }), config))
      if (event.kind === 'problem') return false
    return true
  } catch (error) {
    if (error instanceof StatementRefused) return false
    throw error
  }
}
