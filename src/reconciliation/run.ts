/**
 * A reconciliation run of one tenant: match by the rules, let money that only a file tells of through the settlement door, match
 * again, and give every item that is left a break. Each pass is one transaction; a run that is cut off is simply run again.
 */
import type { Logger } from 'pino'
import { findAdapter } from '../../adapters/registry.ts'
import { businessCalendar } from '../domain/business-days.ts'
import type { Outcome } from '../domain/outcome.ts'
import { ruleSet } from '../domain/reconciliation/rules.ts'
import { businessDate } from '../domain/vietnam-time.ts'
import type { Environment } from '../environment.ts'
import { Problem } from '../problem/problem.ts'
import type { Settler } from '../settlement/group.ts'
import type { Database, Transaction } from '../store/database.ts'
import { classifyCash, matchCash, setCashApart } from './matching/cash.ts'
import { findDuties } from './matching/duties.ts'
import { gatherNewLines, matchExact } from './matching/exact.ts'
import { foundMoney, markOffered } from './matching/found-money.ts'
import {
  classifyTheRest,
  findForeignCurrency,
  matchExpected,
  matchRefunds,
  matchReversals,
  matchWindow,
} from './matching/leftovers.ts'
import { findNames } from './matching/names.ts'
import {
  attachRows,
  demandThirdLeg,
  explainTroubledBatches,
  findBatchMismatches,
  findRowMismatches,
  joinLateRows,
  matchBatches,
  matchSingleRows,
  pairRows,
} from './matching/rail-rows.ts'
import { dateResults, endWaits, recordBreaks, recordMatches, settleBreaks } from './matching/record.ts'
import {
  drawEdges,
  findAmbiguous,
  findAmountMismatches,
  findDoubleCredits,
  findWrongAccounts,
  matchBaskets,
  matchReferences,
  matchSplits,
} from './matching/references.ts'
import { holdsAny, openResults } from './matching/results.ts'
import { freeWithdrawn, gatherTheRest, layOutAccounts, type RunScope } from './matching/working-set.ts'
import { confirmSeenRefunds } from './seen-refunds.ts'

export type RunOptions = {
  readonly database: Database
  readonly environment: Environment
  readonly settler: Settler
  readonly log: Logger
  /** Told of each step as it begins. */
  readonly onStep?: (step: string) => void
}

export type RunFigures = {
  readonly matched: Readonly<Record<string, number>>
  readonly breaks: Readonly<Record<string, number>>
  /** Payments that only a file told of, by what the decision table said; refunds that a file told are done. */
  readonly settled: Readonly<Record<string, number>>
}
export type RunResult = { readonly runId: bigint; readonly figures: RunFigures }

const longestStatementMinutes = 30
/** Offers under way at the settlement door. */
const offersAtOnce = 256

/** @throws Problem RECONCILIATION_RUNNING while another run of the tenant is in a pass. */
export async function reconcile(options: RunOptions, tenantId: string, actor: string): Promise<RunResult> {
  const { database, environment, onStep, log } = options
  const tenant = database.forTenant(tenantId)
  const asOf = businessDate(environment.now())
  const runId = await tenant.transaction((tx) => beginRun(tx, tenantId, asOf, actor, environment.now()))
  try {
    const settled: Record<string, number> = {}
    const pass = (last: boolean): Promise<readonly Outcome[]> =>
      tenant.transaction(async (tx) => {
        await claim(tx, tenantId)
        const holidays = await tx.query<{ day: string }>('SELECT day FROM bank_holidays', [])
        const scope: RunScope = {
          tenantId,
          runId,
          asOf,
          now: environment.now(),
          calendar: businessCalendar(holidays.map(({ day }) => day)),
          transferRails: await transferRails(tx, tenantId),
        }
        return await runPass(tx, scope, last, onStep)
      })
    const found = await pass(false)
    if (found.length > 0) {
      onStep?.('settle')
      await offer(options.settler, found, settled, log)
      await pass(true)
    }
    const refunds = await confirmSeenRefunds(tenant, environment, log, tenantId)
    if (refunds > 0) settled['refund-done'] = refunds
    return await tenant.transaction((tx) => endRun(tx, tenantId, runId, settled, environment.now()))
  } catch (error) {
    await tenant.query(`UPDATE reconciliation_runs SET status = 'FAILED', finished_at = $2, error = $3 WHERE id = $1`, [
      runId,
      environment.now(),
      error instanceof Error ? error.message.slice(0, 500) : 'unknown',
    ])
    throw error
  }
}

/** Returns money for the settlement door; without any, or in the last pass, everything that is left becomes a break. */
async function runPass(
  tx: Transaction,
  scope: RunScope,
  last: boolean,
  onStep: RunOptions['onStep'],
): Promise<readonly Outcome[]> {
  onStep?.('match')
  await tx.query(`SET LOCAL statement_timeout = '${longestStatementMinutes}min'`, [])
  // Hash joins of a day stay in one piece; the server gives it back at the end of the transaction.
  await tx.query(`SET LOCAL work_mem = '256MB'`, [])
  // Before anything of them is gathered: a file that is booked while this pass is under way is the next run's.
  const files = await tx.query<{ id: string }>(
    `SELECT id FROM statement_files WHERE tenant_id = $1 AND status = 'IMPORTED' AND run_id IS NULL`,
    [scope.tenantId],
  )
  await layOutAccounts(tx, scope)
  await freeWithdrawn(tx, scope)
  await gatherNewLines(tx, scope)
  await matchExact(tx, scope)
  onStep?.('rest')
  await gatherTheRest(tx, scope)
  await setCashApart(tx, scope)
  await openResults(tx)
  await findForeignCurrency(tx)
  await findNames(tx, scope)
  await matchCash(tx, scope)
  const hasRows = await holdsAny(tx, 'w_rows')
  await pairRows(tx)
  if (hasRows) await joinLateRows(tx)
  if (hasRows) await findRowMismatches(tx, scope)
  await drawEdges(tx)
  await matchReferences(tx)
  await matchBaskets(tx)
  await matchSplits(tx)
  await attachRows(tx)
  if (hasRows) {
    await matchBatches(tx)
    await findBatchMismatches(tx)
    await matchSingleRows(tx)
  }
  await findDoubleCredits(tx)
  await findWrongAccounts(tx)
  await findAmountMismatches(tx)
  await findAmbiguous(tx)
  await matchReversals(tx)
  await matchRefunds(tx)
  await matchExpected(tx, scope)
  await matchWindow(tx)
  await attachRows(tx)
  await demandThirdLeg(tx, scope)
  const found = last ? [] : await foundMoney(tx, scope)
  if (found.length === 0) {
    if (hasRows) await explainTroubledBatches(tx)
    await classifyTheRest(tx, scope)
    await classifyCash(tx, scope)
  }
  if (last) await markOffered(tx)
  await dateResults(tx)
  onStep?.('record')
  await recordMatches(tx, scope)
  if (found.length > 0) return found
  await endWaits(tx, scope)
  await recordBreaks(tx, scope)
  await settleBreaks(tx, scope)
  await findDuties(tx, scope)
  await tx.query(
    `UPDATE statement_files SET run_id = $2 WHERE tenant_id = $1 AND status = 'IMPORTED' AND run_id IS NULL AND id = ANY($3)`,
    [scope.tenantId, scope.runId, files.map(({ id }) => id)],
  )
  return []
}

async function offer(
  settler: Settler,
  outcomes: readonly Outcome[],
  settled: Record<string, number>,
  log: Logger,
): Promise<void> {
  for (let start = 0; start < outcomes.length; start += offersAtOnce) {
    const results = await Promise.all(
      outcomes
        .slice(start, start + offersAtOnce)
        // Whatever the rail's rule for amounts: this money has arrived.
        .map(async (outcome) => await settler.settle({ outcome, transferRail: true })),
    )
    for (const { rule } of results) settled[rule] = (settled[rule] ?? 0) + 1
  }
  log.info({ offered: outcomes.length, settled }, 'money that only files told of went to the settlement door')
}

async function claim(tx: Transaction, tenantId: string): Promise<void> {
  const [row] = await tx.query<{ claimed: boolean }>(
    'SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS claimed',
    [`reconcile ${tenantId}`],
  )
  if (row?.claimed !== true) throw new Problem('RECONCILIATION_RUNNING', { retryAfterSeconds: 5 })
}

async function beginRun(tx: Transaction, tenantId: string, asOf: string, actor: string, now: Date): Promise<bigint> {
  const body = JSON.stringify(ruleSet)
  await tx.query(
    `INSERT INTO reconciliation_rule_sets (version, body) VALUES ($1, $2) ON CONFLICT (version) DO NOTHING`,
    [ruleSet.version, body],
  )
  const [same] = await tx.query<{ same: boolean }>(
    `SELECT body = $2::jsonb AS same FROM reconciliation_rule_sets WHERE version = $1`,
    [ruleSet.version, body],
  )
  if (same?.same !== true)
    throw new Error(
      `the rules differ from version ${ruleSet.version} on record: whoever changes them raises the version`,
    )
  const [run] = await tx.query<{ id: bigint }>(
    `INSERT INTO reconciliation_runs (tenant_id, rule_set_version, as_of, status, actor, started_at) VALUES ($1, $2, $3, 'RUNNING', $4, $5) RETURNING id`,
    [tenantId, ruleSet.version, asOf, actor, now],
  )
  if (run === undefined) throw new Error('the run got no number')
  return run.id
}

async function endRun(
  tx: Transaction,
  tenantId: string,
  runId: bigint,
  settled: Record<string, number>,
  now: Date,
): Promise<RunResult> {
  const matched = await tx.query<{ name: string; count: bigint }>(
    `SELECT rule AS name, count(*) AS count FROM reconciliation_items WHERE run_id = $1 AND rule IS NOT NULL GROUP BY rule ORDER BY rule`,
    [runId],
  )
  const breaks = await tx.query<{ name: string; count: bigint }>(
    `SELECT class AS name, count(*) AS count FROM breaks WHERE tenant_id = $1 AND status IN ('OPEN', 'WAITING') GROUP BY class ORDER BY class`,
    [tenantId],
  )
  const figures: RunFigures = { matched: counts(matched), breaks: counts(breaks), settled }
  await tx.query(`UPDATE reconciliation_runs SET status = 'DONE', finished_at = $2, figures = $3 WHERE id = $1`, [
    runId,
    now,
    JSON.stringify(figures),
  ])
  return { runId, figures }
}

function counts(rows: readonly { name: string; count: bigint }[]): Record<string, number> {
  return Object.fromEntries(rows.map(({ name, count }) => [name, Number(count)]))
}

async function transferRails(tx: Transaction, tenantId: string): Promise<string[]> {
  const rails = await tx.query<{ rail: string }>('SELECT DISTINCT rail FROM rail_accounts WHERE tenant_id = $1', [
    tenantId,
  ])
  return rails.map(({ rail }) => rail).filter((rail) => findAdapter(rail)?.capabilities.transfer === true)
}
