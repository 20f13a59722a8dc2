import type { Logger } from 'pino'
import type { AdapterContext, RailAccount, RefundOrder } from '../../adapters/contract.ts'
import { isRefundReason, reasonRules } from '../domain/refund-rules.ts'
import { type Environment, newId } from '../environment.ts'
import type { Metrics } from '../metrics.ts'
import type { CircuitBreaker } from '../network/circuit-breaker.ts'
import type { HttpCaller } from '../network/http-caller.ts'
import { readAttempt } from '../payment/stored-attempt.ts'
import type { OpenRailAccount, RailAccounts } from '../rails/accounts.ts'
import type { Database, Transaction } from '../store/database.ts'
import type { PaidRecord } from '../store/paid-money.ts'
import type { RefundRecord } from '../store/refunds.ts'

/** What sending and asking need of the process. */
export type RefundRailOptions = {
  readonly database: Database
  readonly environment: Environment
  readonly railAccounts: RailAccounts
  readonly call: HttpCaller
  readonly breaker: CircuitBreaker
  readonly serverIp: string
  readonly metrics: Metrics
  readonly log: Logger
}

/** The order as the rail gets it: the same at every call about one sending, because `reference` is. */
export async function railOrderOf(
  source: Pick<Transaction, 'query'>,
  refund: RefundRecord,
  paid: PaidRecord,
  reference: string,
): Promise<RefundOrder | null> {
  const attempt = paid.paymentId === null ? null : await readAttempt(source, paid.paymentId)
  if (attempt === null) return null
  return {
    refundId: reference,
    attempt: attempt.stored,
    railTransactionId: paid.railTransactionId,
    paidAmount: paid.amount,
    amount: refund.amount,
    reason: isRefundReason(refund.reason) ? reasonRules[refund.reason].titleVi : '',
    operator: refund.approvedBy ?? '',
  }
}

/** The rail account a refund goes through, found before any lock is taken; null when there is none that can be used. */
export async function railAccountOf(
  { database, railAccounts }: RefundRailOptions,
  refundId: string,
): Promise<OpenRailAccount | null> {
  const [row] = await database.query<{ rail_account_id: string }>(
    'SELECT s.rail_account_id FROM refunds r JOIN settlements s ON s.id = r.settlement_id WHERE r.id = $1',
    [refundId],
  )
  return row === undefined ? null : await railAccounts.get(row.rail_account_id)
}

export function adapterArguments(
  { environment, serverIp }: RefundRailOptions,
  account: OpenRailAccount,
): [RailAccount<unknown>, AdapterContext] {
  return [
    { id: account.id, config: account.config },
    { now: environment.now(), requestId: newId(environment, 'req').slice(4), serverIp },
  ]
}
