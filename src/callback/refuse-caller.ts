/** A caller who may not speak for a rail account: told as little as one who asks for an account that does not exist, and kept as evidence. */
import type { Logger } from 'pino'
import type { HttpReply } from '../../adapters/contract.ts'
import { type Environment, newId } from '../environment.ts'
import type { Metrics } from '../metrics.ts'
import type { OpenRailAccount } from '../rails/accounts.ts'
import { callbackRow } from '../store/callback-evidence.ts'
import type { Database } from '../store/database.ts'
import { insertAll } from '../store/rows.ts'
import { createEvidenceLimit } from './evidence-limit.ts'
import type { CallbackArrival } from './receive.ts'

export type CallerRefuser = (
  account: OpenRailAccount,
  arrival: CallbackArrival,
  detail: string,
  reply: HttpReply,
) => Promise<void>

export function createCallerRefuser({
  database,
  environment,
  metrics,
  log,
}: {
  readonly database: Database
  readonly environment: Environment
  readonly metrics: Metrics
  readonly log: Logger
}): CallerRefuser {
  const mayKeep = createEvidenceLimit()
  return async (account, arrival, detail, reply) => {
    const receivedAt = environment.now()
    metrics.callbacks.inc({ rail: account.rail, verdict: 'refused_certificate' })
    const child = log.child({ requestId: arrival.requestId, rail: account.rail, railAccountId: account.id })
    child.warn({ detail }, 'caller refused: its certificate is not one of this account')
    if (!mayKeep(account.id, receivedAt)) return
    const row = callbackRow({
      ...arrival,
      id: newId(environment, 'cbk'),
      tenantId: account.tenantId,
      railAccountId: account.id,
      receivedAt,
      verdict: 'refused:certificate',
      detail,
      settlementId: null,
      reply,
    })
    try {
      await insertAll(database, 'callbacks', [row])
    } catch (error) {
      // The refusal stands with or without its evidence.
      child.error({ err: error }, 'evidence of a refused caller could not be kept')
    }
  }
}
