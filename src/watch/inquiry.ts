/**
 * Asks rails about silent attempts on the schedule of domain.md §7.2. A due slot is claimed by moving `next_inquiry_at` in
 * the row itself, so any number of replicas ask each slot once, and a crash costs at most the one slot.
 */
import type { Logger } from 'pino'
import type { InquiryResult } from '../../adapters/contract.ts'
import { type Environment, newId } from '../environment.ts'
import type { Metrics } from '../metrics.ts'
import type { CircuitBreaker } from '../network/circuit-breaker.ts'
import { HttpCallError, type HttpCaller } from '../network/http-caller.ts'
import { failAttempt, lockInvoice } from '../payment/end-attempt.ts'
import { nextInquiryAt } from '../payment/inquiry-schedule.ts'
import { type OpenAttempt, readAttempt } from '../payment/stored-attempt.ts'
import type { RailAccounts } from '../rails/accounts.ts'
import { readAnswerWithAnyKey } from '../rails/any-key.ts'
import { runSteps } from '../rails/run-steps.ts'
import type { Settler } from '../settlement/group.ts'
import type { Database } from '../store/database.ts'

export type InquiryWatcherOptions = {
  readonly database: Database
  readonly environment: Environment
  readonly railAccounts: RailAccounts
  readonly settler: Settler
  readonly call: HttpCaller
  readonly breaker: CircuitBreaker
  readonly serverIp: string
  readonly metrics: Metrics
  readonly log: Logger
}

const claimSize = 20

/** One round: claims due attempts, asks, settles. Returns how many were asked. */
export async function inquireDue(options: InquiryWatcherOptions): Promise<number> {
  const claimed = await claimDue(options)
  // In parallel: a slow rail must not hold up the others. The claim bounds it.
  await Promise.all(claimed.map((paymentId) => inquireOne(options, paymentId)))
  return claimed.length
}

async function claimDue({ database, environment }: InquiryWatcherOptions): Promise<string[]> {
  const now = environment.now()
  return await database.transaction(async (tx) => {
    // SKIP LOCKED: another replica has it. The row lock is held for this short transaction only.
    const due = await tx.query<{ id: string; created_at: Date }>(
      `SELECT id, created_at FROM payments WHERE next_inquiry_at <= $1 AND status IN ('CREATED', 'REDIRECTED', 'UNKNOWN')
        ORDER BY next_inquiry_at LIMIT ${claimSize} FOR UPDATE SKIP LOCKED`,
      [now],
    )
    if (due.length === 0) return []
    const next = due.map(({ id, created_at }) => ({ id, at: nextInquiryAt(created_at, now) }))
    await tx.query(
      `UPDATE payments p SET next_inquiry_at = n.at, inquiries = inquiries + 1, needs_human = n.at IS NULL, updated_at = $2
         FROM json_to_recordset($1::json) AS n(id text, at timestamptz) WHERE p.id = n.id`,
      [JSON.stringify(next), now],
    )
    return due.map(({ id }) => id)
  })
}

async function inquireOne(options: InquiryWatcherOptions, paymentId: string): Promise<void> {
  const { database, railAccounts, breaker, metrics, log } = options
  const attempt = await readAttempt(database, paymentId)
  const account = attempt === null ? null : await railAccounts.get(attempt.railAccountId)
  if (attempt === null || account?.adapter.inquire === undefined) return
  const child = log.child({ paymentId, rail: account.rail, railAccountId: account.id })
  if (!breaker.allows(account.id)) return
  try {
    const result = await askRail(options, attempt)
    breaker.answered(account.id)
    metrics.inquiries.inc({ rail: account.rail, result: result.kind })
    switch (result.kind) {
      case 'outcome': {
        const settled = await options.settler.settle({
          outcome: result.outcome,
          transferRail: account.adapter.capabilities.transfer,
        })
        child.info({ rule: settled.rule, settlementId: settled.settlementId }, 'inquiry settled')
        return
      }
      case 'notFound':
        await closeUnseen(options, attempt)
        return
      case 'stillPending':
        child.info('the rail has no final answer yet')
        return
      case 'unverified':
        child.warn({ detail: result.detail }, 'the answer to an inquiry cannot be trusted')
        return
    }
  } catch (error) {
    if (error instanceof HttpCallError) breaker.failed(account.id)
    metrics.inquiries.inc({ rail: account.rail, result: 'error' })
    // The next slot asks again.
    child.warn({ err: error }, 'inquiry failed')
  }
}

async function askRail(
  { railAccounts, environment, call, serverIp }: InquiryWatcherOptions,
  attempt: OpenAttempt,
): Promise<InquiryResult> {
  const account = await railAccounts.get(attempt.railAccountId)
  if (account?.adapter.inquire === undefined) return { kind: 'stillPending' }
  const { adapter } = account
  const railAccount = { id: account.id, config: account.config }
  const context = { now: environment.now(), requestId: newId(environment, 'req').slice(4), serverIp }
  const first = account.adapter.inquire(attempt.stored, railAccount, context)
  return await runSteps(
    first,
    (answer, state) =>
      readAnswerWithAnyKey(
        account,
        (candidate) => adapter.readInquiry?.(answer, state, attempt.stored, candidate, context) ?? first,
      ),
    call,
  )
}

/** The rail never saw it. Only once the payer can no longer act at the rail does that mean it failed. */
async function closeUnseen({ database, environment, log }: InquiryWatcherOptions, attempt: OpenAttempt): Promise<void> {
  const now = environment.now()
  if (attempt.expiresAt > now) return
  const failed = await database.transaction(async (tx) => {
    await lockInvoice(tx, attempt.invoiceId)
    return await failAttempt(tx, attempt, 'the rail never saw this attempt', now)
  })
  if (failed) log.info({ paymentId: attempt.paymentId }, 'attempt closed: the rail never saw it')
}
