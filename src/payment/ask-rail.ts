import type { Logger } from 'pino'
import type { Order, StartResult } from '../../adapters/contract.ts'
import { type Environment, newId } from '../environment.ts'
import type { CircuitBreaker } from '../network/circuit-breaker.ts'
import { HttpCallError, type HttpCaller } from '../network/http-caller.ts'
import { Problem } from '../problem/problem.ts'
import type { OpenRailAccount } from '../rails/accounts.ts'
import { readAnswerWithAnyKey } from '../rails/any-key.ts'
import { runSteps } from '../rails/run-steps.ts'

export type AskRailOptions = {
  readonly environment: Environment
  readonly call: HttpCaller
  readonly breaker: CircuitBreaker
  readonly serverIp: string
  readonly log: Logger
}

export type Asked = {
  readonly result: StartResult
  /** No byte of this start can have reached the rail: only then may another account be asked instead. */
  readonly nothingSent: boolean
}

/** Sends an order that is on record to its rail. A missing answer is a result too, never an error. */
export async function askRail(
  account: OpenRailAccount,
  order: Order,
  { environment, call, breaker, serverIp, log }: AskRailOptions,
): Promise<Asked> {
  const { adapter } = account
  if (adapter.start === undefined) throw new Problem('RAIL_NOT_OFFERED')
  const railAccount = { id: account.id, config: account.config }
  const context = { now: environment.now(), requestId: newId(environment, 'req').slice(4), serverIp }
  const first = adapter.start(order, railAccount, context)
  if (first.kind === 'done') return { result: first.result, nothingSent: false }
  if (!breaker.allows(account.id))
    return {
      result: { kind: 'refused', railCode: 'CIRCUIT_OPEN', message: 'the rail does not answer for now', sent: {} },
      nothingSent: true,
    }
  let answers = 0
  try {
    const result = await runSteps(
      first,
      adapter.readStart &&
        ((answer, state) => {
          answers += 1
          return readAnswerWithAnyKey(
            account,
            (candidate) => adapter.readStart?.(answer, state, order, candidate, context) ?? first,
          )
        }),
      call,
    )
    breaker.answered(account.id)
    return { result, nothingSent: false }
  } catch (error) {
    if (!(error instanceof HttpCallError)) throw error
    breaker.failed(account.id)
    log.warn(
      { err: error, railAccountId: account.id, merchantRef: order.merchantRef },
      'the rail gave no answer to a start',
    )
    return error.neverSent
      ? {
          result: { kind: 'refused', railCode: 'NO_CONNECTION', message: 'the rail cannot be reached', sent: {} },
          // An earlier call of the same start may have left something at the rail.
          nothingSent: answers === 0,
        }
      : { result: { kind: 'unknown', detail: error.message, sent: {} }, nothingSent: false }
  }
}
