/**
 * Results on their way to senders: at least once, the same bytes each time, on the schedule of webhook deliveries. A result is
 * claimed by a lease in its row, so replicas share the work and a process that dies keeps nothing.
 */
import type { Logger } from 'pino'
import { z } from 'zod'
import { resultCall, resultFault } from '../../adapters/national-portal/sender/result.ts'
import { retryDelayMs } from '../delivery/backoff.ts'
import type { Environment } from '../environment.ts'
import { HttpCallError, type HttpCaller } from '../network/http-caller.ts'
import type { Database } from '../store/database.ts'
import type { Partners } from './partners.ts'

export type ResultOptions = {
  readonly database: Database
  readonly environment: Environment
  readonly partners: Partners
  readonly call: HttpCaller
  readonly log: Logger
}

const claimSize = 20
/** Longer than any partner's whole call may take (`timeoutMs` of its config). */
const leaseMs = 130_000

type Claimed = {
  orderId: string
  partnerId: string
  reference: string
  amount: bigint
  description: string
  attempts: number
  giveUpAt: Date
  eventBody: string
}

/** Of the event that is told: written by domain/event.ts. */
const eventSchema = z.object({
  data: z.object({ payment: z.object({ settlementId: z.string(), paidAt: z.iso.datetime() }) }),
})

/** One round. Returns how many were sent. */
export async function sendDueResults(options: ResultOptions): Promise<number> {
  const { database, environment, log } = options
  const claimed = await database.query<Claimed>(
    `UPDATE partner_results r SET lease_until = $1::timestamptz + $2 * interval '1 millisecond', attempts = r.attempts + 1
       FROM (SELECT order_id FROM partner_results
              WHERE status = 'PENDING' AND next_attempt_at <= $1 AND (lease_until IS NULL OR lease_until <= $1)
              ORDER BY next_attempt_at LIMIT ${claimSize} FOR UPDATE SKIP LOCKED) due
       JOIN partner_orders o ON o.id = due.order_id
       JOIN partner_results self ON self.order_id = due.order_id
       JOIN events e ON e.id = self.event_id
      WHERE r.order_id = due.order_id
      RETURNING r.order_id AS "orderId", r.partner_id AS "partnerId", o.reference, o.amount, o.description, r.attempts,
                r.give_up_at AS "giveUpAt", e.body AS "eventBody"`,
    [environment.now(), leaseMs],
  )
  await Promise.all(
    claimed.map((result) =>
      sendResult(options, result).catch((error: unknown) =>
        // The lease runs out and it is sent again.
        log.error({ err: error, orderId: result.orderId }, 'the sending of a result could not be recorded'),
      ),
    ),
  )
  return claimed.length
}

async function sendResult(options: ResultOptions, result: Claimed): Promise<void> {
  const { partners, call, log } = options
  const partner = await partners.find(result.partnerId)
  if (partner === null) return await recordFailure(options, result, null, 'the partner is not configured')
  const { settlementId, paidAt } = eventSchema.parse(JSON.parse(result.eventBody)).data.payment
  const paid = { kind: 'paid', settlementId, paidAt: new Date(paidAt) } as const
  try {
    const answer = await call(resultCall(result, paid, partner.config))
    const fault = resultFault(answer, result, partner.config)
    if (fault !== null) return await recordFailure(options, result, answer.status, fault)
    log.info({ orderId: result.orderId, partnerId: partner.id }, 'result taken by the partner')
    await recordSuccess(options, result, answer.status)
  } catch (error) {
    if (!(error instanceof HttpCallError)) throw error
    await recordFailure(options, result, null, error.message)
  }
}

async function recordSuccess(
  { database, environment }: ResultOptions,
  { orderId }: Claimed,
  status: number,
): Promise<void> {
  await database.query(
    `UPDATE partner_results SET status = 'DELIVERED', delivered_at = $2, lease_until = NULL, last_status = $3, last_error = NULL
      WHERE order_id = $1`,
    [orderId, environment.now(), status],
  )
}

async function recordFailure(
  { database, environment, log }: ResultOptions,
  result: Claimed,
  status: number | null,
  error: string,
): Promise<void> {
  const fraction = (environment.random(1)[0] ?? 0) / 256
  const next = new Date(environment.now().getTime() + retryDelayMs(result.attempts, fraction))
  const dead = next >= result.giveUpAt
  await database.query(
    `UPDATE partner_results SET status = $2, next_attempt_at = $3, lease_until = NULL, last_status = $4, last_error = $5
      -- Another process may have delivered it after our lease ran out: that stands.
      WHERE order_id = $1 AND status = 'PENDING'`,
    [result.orderId, dead ? 'DEAD' : 'PENDING', next, status, error.slice(0, 300)],
  )
  log[dead ? 'error' : 'warn'](
    { orderId: result.orderId, partnerId: result.partnerId, status, error },
    dead ? 'result given up after its window: it waits for a manual replay' : 'result not taken by the partner',
  )
}

export type DeadResult = {
  readonly orderId: string
  readonly partnerId: string
  readonly reference: string
  readonly invoiceId: string
  readonly attempts: number
  readonly lastStatus: number | null
  readonly lastError: string | null
}

/** Results given up after their window, by order id. */
export async function readDeadResults(
  source: Pick<Database, 'query'>,
  tenantId: string,
  filter: { readonly after: string | null; readonly limit: number },
): Promise<DeadResult[]> {
  return await source.query<DeadResult>(
    `SELECT r.order_id AS "orderId", r.partner_id AS "partnerId", o.reference, o.invoice_id AS "invoiceId", r.attempts,
            r.last_status AS "lastStatus", r.last_error AS "lastError"
       FROM partner_results r JOIN partner_orders o ON o.id = r.order_id
      WHERE r.tenant_id = $1 AND r.status = 'DEAD' AND ($2::text IS NULL OR r.order_id > $2) ORDER BY r.order_id LIMIT $3`,
    [tenantId, filter.after, filter.limit],
  )
}

/** Puts a result back on its way, delivered or not. False when there is none. */
export async function replayResult(
  source: Pick<Database, 'query'>,
  environment: Environment,
  tenantId: string,
  orderId: string,
  windowMs: number,
): Promise<boolean> {
  const now = environment.now()
  const rows = await source.query(
    `UPDATE partner_results SET status = 'PENDING', next_attempt_at = $3, give_up_at = $3::timestamptz + $4 * interval '1 millisecond',
            attempts = 0, lease_until = NULL
      WHERE order_id = $1 AND tenant_id = $2 RETURNING order_id`,
    [orderId, tenantId, now, windowMs],
  )
  return rows.length > 0
}
