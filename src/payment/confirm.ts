/** The payer's one-time code (rails.md §3.3). The code is passed on and forgotten: never stored, never logged. */
import type { ConfirmResult } from '../../adapters/contract.ts'
import { type Environment, newId } from '../environment.ts'
import { HttpCallError, type HttpCaller } from '../network/http-caller.ts'
import { Problem } from '../problem/problem.ts'
import type { RailAccounts } from '../rails/accounts.ts'
import { readAnswerWithAnyKey } from '../rails/any-key.ts'
import { runSteps } from '../rails/run-steps.ts'
import type { Settler } from '../settlement/group.ts'
import type { Database } from '../store/database.ts'
import { failAttempt, lockInvoice } from './end-attempt.ts'
import { type OpenAttempt, readAttempt } from './stored-attempt.ts'

export type Confirmation =
  | { readonly kind: 'settled' }
  | { readonly kind: 'wrongCode'; readonly triesLeft: number }
  | { readonly kind: 'refused'; readonly railCode: string }
  /** No clear answer: inquiry will tell. */
  | { readonly kind: 'unknown' }

export type PaymentConfirmer = (paymentId: string, code: string) => Promise<Confirmation>

const maxTries = 3

export function createPaymentConfirmer({
  database,
  environment,
  railAccounts,
  settler,
  call,
  serverIp,
}: {
  readonly database: Database
  readonly environment: Environment
  readonly railAccounts: RailAccounts
  readonly settler: Settler
  readonly call: HttpCaller
  readonly serverIp: string
}): PaymentConfirmer {
  /** Counts the try before the bank sees it, so that parallel tries cannot pass the limit. */
  async function takeTry(paymentId: string): Promise<number> {
    const [row] = await database.query<{ confirm_tries: number }>(
      `UPDATE payments SET confirm_tries = confirm_tries + 1, updated_at = $2
        WHERE id = $1 AND status = 'REDIRECTED' AND confirm_tries < $3 AND instruction ->> 'kind' = 'otpChallenge' RETURNING confirm_tries`,
      [paymentId, environment.now(), maxTries],
    )
    if (row === undefined) throw new Problem('PAYMENT_NOT_OPEN')
    return row.confirm_tries
  }

  async function fail(attempt: OpenAttempt, reason: string): Promise<void> {
    await database.transaction(async (tx) => {
      await lockInvoice(tx, attempt.invoiceId)
      await failAttempt(tx, attempt, reason, environment.now())
    })
  }

  async function askAgainLater(attempt: OpenAttempt, reason: string): Promise<void> {
    await database.query(
      `UPDATE payments SET status = 'UNKNOWN', status_reason = $2, updated_at = $3, next_inquiry_at = coalesce(next_inquiry_at, $3)
        WHERE id = $1 AND status IN ('CREATED', 'REDIRECTED', 'UNKNOWN')`,
      [attempt.paymentId, reason, environment.now()],
    )
  }

  return async (paymentId, code) => {
    const attempt = await readAttempt(database, paymentId)
    if (attempt === null) throw new Problem('NOT_FOUND')
    const account = await railAccounts.get(attempt.railAccountId)
    const { adapter } = account ?? {}
    if (account === null || adapter?.confirm === undefined) throw new Problem('PAYMENT_NOT_OPEN')
    const tries = await takeTry(paymentId)
    const railAccount = { id: account.id, config: account.config }
    const context = { now: environment.now(), requestId: newId(environment, 'req').slice(4), serverIp }
    let result: ConfirmResult
    try {
      const first = adapter.confirm(attempt.stored, code, railAccount, context)
      result = await runSteps(
        first,
        (answer, state) =>
          readAnswerWithAnyKey(
            account,
            (candidate) => adapter.readConfirm?.(answer, state, attempt.stored, candidate, context) ?? first,
          ),
        call,
      )
    } catch (error) {
      if (!(error instanceof HttpCallError)) throw error
      if (error.neverSent) throw new Problem('RAIL_UNAVAILABLE', { cause: error })
      result = { kind: 'unknown', detail: error.message }
    }
    switch (result.kind) {
      case 'outcome':
        await settler.settle({ outcome: result.outcome, transferRail: adapter.capabilities.transfer })
        return { kind: 'settled' }
      case 'wrongCode':
        if (tries >= maxTries) {
          await fail(attempt, `wrong one-time code ${maxTries} times`)
          return { kind: 'refused', railCode: result.railCode }
        }
        return { kind: 'wrongCode', triesLeft: maxTries - tries }
      case 'refused':
        await fail(attempt, `${result.railCode}: ${result.message}`)
        return { kind: 'refused', railCode: result.railCode }
      case 'unknown':
        await askAgainLater(attempt, result.detail)
        return { kind: 'unknown' }
    }
  }
}
