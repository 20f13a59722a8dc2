/**
 * A rail's own receipt of a payment (domain.md §8.1, GET_BILL). Fetched when it is first asked for and kept from then on: the same
 * payment has the same bytes for ever, also when the rail has forgotten it.
 */
import type { ReceiptFileResult } from '../../adapters/contract.ts'
import { type Environment, newId } from '../environment.ts'
import type { CircuitBreaker } from '../network/circuit-breaker.ts'
import { HttpCallError, type HttpCaller } from '../network/http-caller.ts'
import { Problem } from '../problem/problem.ts'
import type { OpenRailAccount, RailAccounts } from '../rails/accounts.ts'
import { runSteps } from '../rails/run-steps.ts'
import type { Database } from '../store/database.ts'
import { type OpenAttempt, readAttempt } from './stored-attempt.ts'

export type ReceiptFile = { readonly contentType: string; readonly content: Uint8Array }

/** For a payment whose right to be seen the caller has checked. */
export type ReceiptFileReader = (tenantId: string, paymentId: string) => Promise<ReceiptFile>

export function createReceiptFileReader({
  database,
  environment,
  railAccounts,
  call,
  breaker,
  serverIp,
}: {
  readonly database: Database
  readonly environment: Environment
  readonly railAccounts: RailAccounts
  readonly call: HttpCaller
  readonly breaker: CircuitBreaker
  readonly serverIp: string
}): ReceiptFileReader {
  async function kept(tenantId: string, paymentId: string): Promise<ReceiptFile | null> {
    const [row] = await database
      .forTenant(tenantId)
      .query<ReceiptFile>(
        'SELECT content_type AS "contentType", content FROM rail_receipt_files WHERE payment_id = $1 AND tenant_id = $2',
        [paymentId, tenantId],
      )
    return row ?? null
  }

  async function askRail(account: OpenRailAccount, attempt: OpenAttempt): Promise<ReceiptFileResult> {
    const { adapter } = account
    if (adapter.receiptFile === undefined) throw new Problem('NOT_FOUND', noFile)
    if (!breaker.allows(account.id)) throw new Problem('RAIL_UNAVAILABLE', { retryAfterSeconds: 60 })
    const railAccount = { id: account.id, config: account.config }
    const context = { now: environment.now(), requestId: newId(environment, 'req').slice(4), serverIp }
    const first = adapter.receiptFile(attempt.stored, railAccount, context)
    try {
      const result = await runSteps(
        first,
        (answer, state) => adapter.readReceiptFile?.(answer, state, attempt.stored, railAccount, context) ?? first,
        call,
      )
      breaker.answered(account.id)
      return result
    } catch (error) {
      if (!(error instanceof HttpCallError)) throw error
      breaker.failed(account.id)
      throw new Problem('RAIL_UNAVAILABLE', { cause: error, retryAfterSeconds: 60 })
    }
  }

  return async (tenantId, paymentId) => {
    const stored = await kept(tenantId, paymentId)
    if (stored !== null) return stored
    const attempt = await readAttempt(database, paymentId)
    if (attempt === null || attempt.tenantId !== tenantId) throw new Problem('NOT_FOUND')
    const account = await railAccounts.get(attempt.railAccountId)
    if (account?.adapter.receiptFile === undefined) throw new Problem('NOT_FOUND', noFile)
    if (attempt.status !== 'SUCCEEDED') throw new Problem('RECEIPT_FILE_NOT_READY')
    const result = await askRail(account, attempt)
    if (result.kind === 'notReady')
      throw new Problem('RECEIPT_FILE_NOT_READY', { cause: new Error(result.detail), retryAfterSeconds: 60 })
    await database.forTenant(tenantId).query(
      // The first to keep it wins, so that two askers get the same bytes.
      `INSERT INTO rail_receipt_files (payment_id, tenant_id, content_type, content, fetched_at) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (payment_id) DO NOTHING`,
      [paymentId, tenantId, result.contentType, Buffer.from(result.content), environment.now()],
    )
    return (await kept(tenantId, paymentId)) ?? { contentType: result.contentType, content: result.content }
  }
}

const noFile = {
  vi: 'Kênh thanh toán này không có tệp biên lai riêng.',
  en: 'This rail has no receipt file of its own.',
}
