/**
 * Where a bank's questions about bills are answered: look up or take back (committed, with its evidence) → answer in the rail's
 * own form. Payments do not come here: they are reports of money and go through the settlement door like any callback.
 */
import type { BillAnswer, BillRequest, HttpReply, RawRequest } from '../../adapters/contract.ts'
import { type Environment, newId } from '../environment.ts'
import type { OpenRailAccount } from '../rails/accounts.ts'
import type { Router } from '../rails/router.ts'
import { callbackRow } from '../store/callback-evidence.ts'
import type { Database } from '../store/database.ts'
import { insertAll, type Row } from '../store/rows.ts'
import { inquireBill } from './inquire.ts'
import { reverseBill } from './reverse.ts'

export type BillMessage = {
  readonly account: OpenRailAccount
  readonly request: BillRequest
  readonly arrival: {
    readonly request: RawRequest
    readonly requestId: string
    readonly remoteAddress: string
    readonly receivedAt: Date
  }
  /** The answer in the rail's form. */
  readonly reply: (answer: BillAnswer) => HttpReply
}

export type BillResult = {
  readonly reply: HttpReply
  readonly answer: BillAnswer
  /** What decided, for logs. */
  readonly rule: string
  readonly alarm: boolean
}

export type BillDesk = (message: BillMessage) => Promise<BillResult>

export function createBillDesk({
  database,
  environment,
  routes,
}: {
  readonly database: Database
  readonly environment: Environment
  readonly routes: Router
}): BillDesk {
  function evidence(message: BillMessage, result: Omit<BillResult, 'alarm'>, settlementId: string | null): Row {
    return callbackRow({
      ...message.arrival,
      id: newId(environment, 'cbk'),
      tenantId: message.account.tenantId,
      railAccountId: message.account.id,
      verdict: `bill:${result.answer.kind === 'notPayable' ? result.answer.why : result.answer.kind}`,
      detail: result.rule,
      settlementId,
      reply: result.reply,
    })
  }

  return async (message) => {
    const { account, request } = message
    if (request.kind === 'inquire') {
      const answer = await inquireBill({ database, environment, routes }, account, request.payCode)
      const result = { reply: message.reply(answer), answer, rule: 'inquire' }
      await insertAll(database, 'callbacks', [evidence(message, result, null)])
      return { ...result, alarm: false }
    }
    return await database.transaction(async (tx) => {
      const { answer, rule, settlementId, alarm } = await reverseBill(tx, environment, account, request)
      const result = { reply: message.reply(answer), answer, rule }
      await insertAll(tx, 'callbacks', [evidence(message, result, settlementId)])
      return { ...result, alarm }
    })
  }
}
